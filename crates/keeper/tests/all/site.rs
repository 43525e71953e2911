//! A site for tests: a folder of its own, a clock moved by hand, and short words for what tests do all the time.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use jiff::{Timestamp, ToSpan};
use kept_keeper::{
    Act, Actor, Area, Claim, Database, Finding, Keeper, KeeperError, Letter, Look, Promise, Setup,
    StartError, Status, Swept, TimeSource,
};
use kept_store::{Row, Value, params};
use kept_vault::{Kind, SubjectId};
use tempfile::TempDir;

use crate::club::{self, AREA, BY_EMAIL, BY_NAME, Badge, NOTICE, Own, Profile};

/// Noon on the last day of a summer: six months later there is no 31st.
pub(crate) const START: &str = "2026-08-31T12:00:00Z";

pub(crate) fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A clock that stands until it is moved.
pub(crate) struct Hands(Mutex<Timestamp>);

impl TimeSource for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl Hands {
    pub(crate) fn at(text: &str) -> Arc<Hands> {
        Arc::new(Hands(Mutex::new(moment(text))))
    }

    pub(crate) fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap() = at;
    }
}

/// A database that the kernel runs on.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

pub(crate) struct Site {
    pub(crate) folder: TempDir,
    /// Where the database is, when it is not in the folder.
    pub(crate) url: Option<String>,
    pub(crate) time: Arc<Hands>,
    pub(crate) keeper: Keeper,
    seed: u8,
    notice: String,
}

/// Opens a keeper on a folder, as a server does.
pub(crate) async fn open(
    folder: &Path,
    url: Option<&str>,
    time: Arc<Hands>,
    notice: &str,
    areas: &[Area],
    seed: u8,
) -> Result<Keeper, StartError> {
    let database = url.map_or(Database::Folder, Database::Url);
    Keeper::open(Setup { folder, database, notice, areas, time, seed: [seed; 32] }).await
}

impl Site {
    pub(crate) async fn new(on: On) -> Site {
        Site::under(on, NOTICE).await
    }

    /// A site under a notice of its own.
    pub(crate) async fn under(on: On, notice: &str) -> Site {
        let url = (on == On::Postgres).then(kept_pgtest::empty_database);
        Site::at(TempDir::new().unwrap(), url, Hands::at(START), 1, notice).await
    }

    async fn at(folder: TempDir, url: Option<String>, time: Arc<Hands>, seed: u8, notice: &str) -> Site {
        let keeper = open(folder.path(), url.as_deref(), time.clone(), notice, &[AREA], seed).await.unwrap();
        Site { folder, url, time, keeper, seed, notice: notice.into() }
    }

    /// Stops the server in order and starts it again.
    pub(crate) async fn restarted(self) -> Site {
        self.restarted_after(|_| {}).await
    }

    /// Stops the server in order, and starts it again when something has happened to its folder.
    pub(crate) async fn restarted_after(self, happens: impl FnOnce(&Path)) -> Site {
        self.keeper.close().await.unwrap();
        happens(self.folder.path());
        Site::at(self.folder, self.url, self.time, self.seed, &self.notice).await
    }

    /// Stops the server and starts it again with another notice in its file.
    pub(crate) async fn restarted_under(self, notice: &str) -> Site {
        self.keeper.close().await.unwrap();
        Site::at(self.folder, self.url, self.time, self.seed, notice).await
    }

    /// Another server of the same site, with a folder of its own and a copy of the key file.
    pub(crate) async fn another(&self) -> Site {
        self.beside(self.url.clone(), self.time.clone()).await
    }

    /// Another server, with a clock of its own.
    pub(crate) async fn another_at(&self, moment: &str) -> Site {
        self.beside(self.url.clone(), Hands::at(moment)).await
    }

    /// Another server, which reaches the database at another address.
    pub(crate) async fn another_over(&self, url: Option<String>) -> Site {
        self.beside(url, self.time.clone()).await
    }

    async fn beside(&self, url: Option<String>, time: Arc<Hands>) -> Site {
        let folder = TempDir::new().unwrap();
        fs::copy(self.folder.path().join("keys"), folder.path().join("keys")).unwrap();
        Site::at(folder, url, time, self.seed + 1, &self.notice).await
    }

    /// The machine dies now: whatever is in the files at this moment, and in a database elsewhere, is all that the next
    /// start finds.
    pub(crate) async fn killed(self) -> Site {
        let folder = TempDir::new().unwrap();
        for file in fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            if file.metadata().unwrap().is_file() {
                fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
            }
        }
        Site::at(folder, self.url, self.time, self.seed, &self.notice).await
    }

    // ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Lets days pass, with a sweep on each.
    pub(crate) async fn days(&self, days: usize) {
        for _ in 0..days {
            self.time.set(self.keeper.now() + 24.hours());
            let swept = self.sweep().await;
            assert_eq!((swept.failed, swept.paused), (0, None));
        }
    }

    /// Lets days pass until a day of the calendar.
    pub(crate) async fn until(&self, text: &str) {
        while self.keeper.now() < moment(text) {
            self.days(1).await;
        }
    }

    /// Years pass with the server off. It is back forty days before this day, in time for warnings, and an owner confirms
    /// the date.
    pub(crate) async fn skip(&self, text: &str) {
        for at in [moment(text) - (40 * 24).hours(), moment(text) - (8 * 24).hours(), moment(text)] {
            self.time.set(at);
            self.keeper.release_brake(OWNER).await.unwrap();
            assert_eq!(self.sweep().await.failed, 0);
        }
    }

    /// Moves the clock at once.
    pub(crate) fn jump(&self, text: &str) {
        self.time.set(moment(text));
    }

    pub(crate) async fn sweep(&self) -> Swept {
        self.keeper.sweep().await.unwrap()
    }

    // ── people ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// Somebody joins the club, with a number, a badge and a walk.
    pub(crate) async fn member(&self, name: &'static str) -> SubjectId {
        self.act(Actor::Visitor, move |act| {
            let subject = act.new_subject();
            let email = format!("{}@example.test", name.to_lowercase());
            act.put(
                subject,
                &Profile { name: name.into(), email: email.clone(), phone: Some("+1 555 010 0199".into()) },
            )?;
            act.put(subject, &Badge { member_id: format!("W-{name}") })?;
            assert_eq!(act.claim(BY_EMAIL, &email, subject)?, Claim::Granted);
            act.claim(BY_NAME, name, subject)?;
            act.tx().execute(
                "INSERT INTO members (subject, standing, rung) VALUES ($1, 'open', 0)",
                &params![subject.as_bytes()],
            )?;
            act.tx().execute(
                "INSERT INTO walks (subject, number, credits) VALUES ($1, 1, 15)",
                &params![subject.as_bytes()],
            )?;
            Ok(subject)
        })
        .await
        .unwrap()
    }

    pub(crate) async fn emit(&self, subject: SubjectId, event: &'static str) {
        self.act(Actor::System, move |act| act.emit(subject, event)).await.unwrap();
    }

    /// Writes a letter to somebody.
    pub(crate) async fn mail(&self, subject: SubjectId, text: &'static str) {
        let letter = Letter {
            about: "test",
            to: "somebody@example.test".into(),
            subject: "A letter".into(),
            text: text.into(),
        };
        self.act(Actor::System, move |act| act.mail(subject, &letter)).await.unwrap();
    }

    pub(crate) async fn letters(&self, subject: SubjectId) -> Vec<Letter> {
        self.look(Actor::System, move |look| look.letters(subject)).await.unwrap()
    }

    /// What somebody sees of themselves.
    pub(crate) async fn own(&self, subject: SubjectId) -> Own {
        self.look(Actor::Person(subject), move |look| look.view::<Own>(subject)).await.unwrap()
    }

    /// The words of somebody's trail, newest first.
    pub(crate) async fn trail(&self, subject: SubjectId) -> Vec<String> {
        let entries = self.look(Actor::Person(subject), |look| look.trail(1000)).await.unwrap();
        entries.into_iter().map(|entry| entry.event.what).collect()
    }

    pub(crate) async fn act<T, F>(&self, actor: Actor, work: F) -> Result<T, KeeperError>
    where
        T: Send + 'static,
        F: FnMut(&mut Act<'_, '_>) -> Result<T, KeeperError> + Send + 'static,
    {
        self.keeper.act(self.keeper.ctx(actor), work).await
    }

    pub(crate) async fn look<T, F>(&self, actor: Actor, work: F) -> Result<T, KeeperError>
    where
        T: Send + 'static,
        F: FnMut(&mut Look<'_, '_>) -> Result<T, KeeperError> + Send + 'static,
    {
        self.keeper.look(self.keeper.ctx(actor), work).await
    }

    // ── behind the kernel ────────────────────────────────────────────────────────────────────────────────────────

    /// Does something to the database that the kernel would not do.
    pub(crate) async fn plant(&self, sql: &'static str, values: &[Value]) -> u64 {
        let values = values.to_vec();
        self.keeper.store().write(move |tx| tx.execute(sql, &values)).await.unwrap()
    }

    /// From now on the database refuses to do this to a row of a table: `DELETE`, `INSERT`.
    pub(crate) async fn refuse(&self, deed: &str, table: &str) {
        let trigger = format!("CREATE TRIGGER stuck BEFORE {deed} ON {table}");
        if self.url.is_none() {
            return self.run(format!("{trigger} BEGIN SELECT RAISE(ABORT, 'stuck'); END")).await;
        }
        let raise =
            "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''stuck''; END'";
        self.run(raise.to_owned()).await;
        self.run(format!("{trigger} FOR EACH ROW EXECUTE FUNCTION stuck()")).await;
    }

    /// The database does again what it refused.
    pub(crate) async fn relent(&self, table: &str) {
        let on = if self.url.is_none() { String::new() } else { format!(" ON {table}") };
        self.run(format!("DROP TRIGGER stuck{on}")).await;
    }

    async fn run(&self, sql: String) {
        self.keeper.store().write(move |tx| tx.execute(&sql, &params![])).await.map(drop).unwrap()
    }

    pub(crate) async fn rows(&self, sql: &'static str, values: &[Value]) -> Vec<Row> {
        let values = values.to_vec();
        self.keeper.store().scan(move |read| read.query(sql, &values)).await.unwrap()
    }

    pub(crate) async fn count(&self, sql: &'static str, values: &[Value]) -> i64 {
        self.rows(sql, values).await.first().unwrap().get(0).unwrap()
    }

    /// The kinds of which keys are left.
    pub(crate) async fn kinds(&self, subject: SubjectId) -> Vec<Kind> {
        let rows = self
            .rows(
                "SELECT DISTINCT kind FROM keys WHERE subject = $1 ORDER BY kind",
                &params![subject.as_bytes()],
            )
            .await;
        rows.iter().map(|row| Kind::parse(&row.get::<String>(0).unwrap()).unwrap()).collect()
    }

    /// The duty of a rule as (due day, state); none when there is none.
    pub(crate) async fn duty(&self, subject: SubjectId, rule: &'static str) -> Option<(String, String)> {
        let rows = self
            .rows(
                "SELECT due, state FROM duties WHERE subject = $1 AND rule = $2 AND action NOT LIKE 'warn%' ORDER BY due",
                &params![subject.as_bytes(), rule],
            )
            .await;
        let row = rows.first()?;
        let due = Timestamp::from_millisecond(row.get(0).unwrap()).unwrap();
        Some((kept_keeper::time::day(due).to_string(), row.get(1).unwrap()))
    }

    /// What the check of one rule finds now.
    pub(crate) async fn finding(&self, rule: &str) -> Finding {
        let report = self.keeper.prove().await.unwrap();
        let Promise { status, count, oldest, detail, .. } =
            report.promises.into_iter().find(|promise| promise.id == rule).unwrap();
        Finding { status, count, oldest, detail }
    }

    /// Every promise that is broken now, by its rule.
    pub(crate) async fn broken(&self) -> Vec<String> {
        let report = self.keeper.prove().await.unwrap();
        report.broken().map(|promise| promise.id.clone()).collect()
    }
}

pub(crate) const STAFF: Actor = Actor::Staff { subject: SubjectId::from_bytes([9; 16]), role: "support" };
pub(crate) const OWNER: Actor = Actor::Staff { subject: SubjectId::from_bytes([8; 16]), role: "owner" };

pub(crate) fn is(finding: &Finding, status: Status, count: i64) -> bool {
    (finding.status, finding.count) == (status, count)
}

/// Keeps the club's own words in one place for the tests that change them.
pub(crate) fn notice_with(from: &str, to: &str) -> String {
    assert!(club::NOTICE.contains(from), "the notice has no {from:?}");
    club::NOTICE.replace(from, to)
}
