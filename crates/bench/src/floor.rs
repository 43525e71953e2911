//! The floor: a bare server that answers the same SQL look-up as the same JSON, without vault, views or ledger. On
//! each database in the way that is fastest there.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::{Path as Segment, State},
    response::Response,
    routing::get,
};
use kept_vault::SubjectId;
use rusqlite::{Connection, OpenFlags};
use tokio_postgres::{Client, NoTls, Statement};

use crate::{
    Failure,
    fill::Where,
    people::{Profile, person},
    serve::{self, json},
};

/// Connections to PostgreSQL, as many as Kept's store has.
const CLIENTS: usize = 16;
const COLUMNS: &str =
    "given_name, family_name, email, telephone, mobile, street, postcode, city, country, member_id";

/// Makes the floor's table with as many people as there are ids.
pub(crate) async fn fill(at: &Where, ids: &[[u8; 16]]) -> Result<(), Failure> {
    let fields =
        COLUMNS.split(", ").map(|name| format!("{name} TEXT NOT NULL")).collect::<Vec<_>>().join(", ");
    match &at.url {
        None => {
            let mut db = Connection::open(database(&at.folder))?;
            db.execute_batch(&format!(
                "PRAGMA journal_mode = WAL;
                 CREATE TABLE people (subject BLOB NOT NULL PRIMARY KEY, {fields}) WITHOUT ROWID"
            ))?;
            let tx = db.transaction()?;
            {
                let mut insert =
                    tx.prepare(&format!("INSERT INTO people (subject, {COLUMNS}) VALUES ({})", places()))?;
                for (n, id) in ids.iter().enumerate() {
                    let p = person(n);
                    let [a, b, c, d, e, f, g, h, i, j] = texts(&p);
                    insert.execute(rusqlite::params![id, a, b, c, d, e, f, g, h, i, j])?;
                }
            }
            tx.commit()?;
            db.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Some(url) => {
            let mut client = connect(url).await?;
            client
                .batch_execute(&format!("CREATE TABLE people (subject BYTEA NOT NULL PRIMARY KEY, {fields})"))
                .await?;
            let tx = client.transaction().await?;
            let insert =
                tx.prepare(&format!("INSERT INTO people (subject, {COLUMNS}) VALUES ({})", places())).await?;
            for (n, id) in ids.iter().enumerate() {
                let p = person(n);
                let [a, b, c, d, e, f, g, h, i, j] = texts(&p);
                tx.execute(&insert, &[&id.as_slice(), &a, &b, &c, &d, &e, &f, &g, &h, &i, &j]).await?;
            }
            tx.commit().await?;
            client.batch_execute("VACUUM ANALYZE people").await?;
        }
    }
    Ok(())
}

fn database(folder: &Path) -> PathBuf {
    folder.join("floor.db")
}

fn texts(p: &Profile) -> [&str; 10] {
    [
        &p.given_name,
        &p.family_name,
        &p.email,
        &p.telephone,
        &p.mobile,
        &p.street,
        &p.postcode,
        &p.city,
        &p.country,
        &p.member_id,
    ]
}

fn places() -> String {
    (1..=11).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Serves until the input ends.
pub(crate) async fn serve(at: Where) -> Result<(), Failure> {
    let app = match at.url {
        None => {
            let path: Arc<Path> = database(&at.folder).into();
            Router::new()
                .route("/own/{subject}", get(from_sqlite))
                .route("/card/{subject}", get(from_sqlite))
                .with_state(path)
        }
        Some(url) => {
            let mut clients = Vec::new();
            for _ in 0..CLIENTS {
                let client = connect(&url).await?;
                let look =
                    client.prepare(&format!("SELECT {COLUMNS} FROM people WHERE subject = $1")).await?;
                clients.push((client, look));
            }
            let pool = Arc::new(Pool { clients, turn: AtomicUsize::new(0) });
            Router::new()
                .route("/own/{subject}", get(from_postgres))
                .route("/card/{subject}", get(from_postgres))
                .with_state(pool)
        }
    };
    serve::until_the_input_ends(app).await
}

thread_local! {
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

async fn from_sqlite(State(path): State<Arc<Path>>, Segment(subject): Segment<String>) -> Response {
    json(look(&path, &subject))
}

fn look(path: &Path, subject: &str) -> Result<Profile, Failure> {
    let subject: SubjectId = subject.parse()?;
    CONNECTION.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?);
        }
        let db = slot.as_ref().ok_or("no connection")?;
        let mut select = db.prepare_cached(&format!("SELECT {COLUMNS} FROM people WHERE subject = $1"))?;
        Ok(select.query_row([subject.as_bytes()], |row| {
            Ok(Profile {
                given_name: row.get(0)?,
                family_name: row.get(1)?,
                email: row.get(2)?,
                telephone: row.get(3)?,
                mobile: row.get(4)?,
                street: row.get(5)?,
                postcode: row.get(6)?,
                city: row.get(7)?,
                country: row.get(8)?,
                member_id: row.get(9)?,
            })
        })?)
    })
}

struct Pool {
    clients: Vec<(Client, Statement)>,
    turn: AtomicUsize,
}

async fn from_postgres(State(pool): State<Arc<Pool>>, Segment(subject): Segment<String>) -> Response {
    json(ask(&pool, &subject).await)
}

async fn ask(pool: &Pool, subject: &str) -> Result<Profile, Failure> {
    let subject: SubjectId = subject.parse()?;
    let turn = pool.turn.fetch_add(1, Ordering::Relaxed) % CLIENTS;
    let (client, look) = pool.clients.get(turn).ok_or("no connection")?;
    let row = client.query_one(look, &[&subject.as_bytes().as_slice()]).await?;
    Ok(Profile {
        given_name: row.try_get(0)?,
        family_name: row.try_get(1)?,
        email: row.try_get(2)?,
        telephone: row.try_get(3)?,
        mobile: row.try_get(4)?,
        street: row.try_get(5)?,
        postcode: row.try_get(6)?,
        city: row.try_get(7)?,
        country: row.try_get(8)?,
        member_id: row.try_get(9)?,
    })
}

async fn connect(url: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Its errors come back to whoever asks.
    tokio::spawn(connection);
    Ok(client)
}
