//! A PostgreSQL server, shared by any number of kept servers.

mod session;
mod tidy;
mod workers;

use std::{sync::Arc, thread};

use tokio::sync::{Semaphore, oneshot};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

pub(crate) use self::session::Session;
use self::{session::UniqueIndexes, workers::Workers};
use crate::{
    Migration, OpenError, Read, StoreError, Tx, dialect::postgres as dialect, job, migration, params,
};

/// Scans that run at once; more wait. The other connections are for what is short.
const SCANS: usize = 4;

/// A database on a server. Clones share it.
#[derive(Clone)]
pub(crate) struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    scans: Arc<Semaphore>,
    workers: Workers,
}

impl Postgres {
    pub(crate) fn connect<E: From<OpenError> + From<StoreError> + Send>(
        url: &str,
        migrations: &[Migration],
        fits: impl FnOnce(&Read<'_>) -> Result<(), E> + Send,
    ) -> Result<Postgres, E> {
        let config = address(url)?;
        let unique_indexes = apart(|| prepare(&config, migrations, fits))?;
        let workers = Workers::start(&config, unique_indexes)
            .map_err(|error| OpenError::Unreachable { reason: error.to_string() })?;
        Ok(Postgres { shared: Arc::new(Shared { scans: Arc::new(Semaphore::new(SCANS)), workers }) })
    }

    pub(crate) fn is_new(url: &str) -> Result<bool, OpenError> {
        let config = address(url)?;
        apart(|| {
            let session = first_session(&config)?;
            is_new(&Read::postgres(&session), &place(&config))
        })
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, reply) = job::job(work);
        self.shared.workers.send(Box::new(move |worker| worker.write(job))).await?;
        job::answered(reply).await
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(move |worker: &mut workers::Worker| {
            worker.read(dialect::BEGIN_READ, false, work, reply);
        });
        self.shared.workers.send(task).await?;
        job::answered(answer).await
    }

    pub(crate) async fn scan<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let turn = Arc::clone(&self.shared.scans).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let task = Box::new(move |worker: &mut workers::Worker| {
            // The turn ends with the scan, not with the caller's patience.
            let _turn = turn;
            worker.read(dialect::BEGIN_SCAN, true, work, reply);
        });
        self.shared.workers.send(task).await?;
        job::answered(answer).await
    }

    pub(crate) async fn forget(&self) -> Result<(), StoreError> {
        self.alone(tidy::forget).await
    }

    pub(crate) async fn scrub(&self) -> Result<(), StoreError> {
        self.alone(tidy::scrub).await
    }

    pub(crate) async fn close(&self) {
        self.shared.workers.close().await;
    }

    async fn alone(&self, work: fn(&Session) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(move |worker: &mut workers::Worker| {
            // Whoever no longer waits need not be told.
            let _ = reply.send(worker.alone(work));
        });
        self.shared.workers.send(task).await?;
        answer.await.map_err(|_| StoreError::Panicked)?
    }
}

/// Reads the address, and sees to it that what crosses a network was meant to: connections are not encrypted yet.
fn address(url: &str) -> Result<Config, OpenError> {
    let mut config: Config = url.parse().map_err(|_| OpenError::Address)?;
    for host in config.get_hosts() {
        if let Host::Tcp(host) = host
            && !["localhost", "127.0.0.1", "::1"].contains(&host.as_str())
            && config.get_ssl_mode() != SslMode::Disable
        {
            return Err(OpenError::Unencrypted { host: host.clone() });
        }
    }
    config.application_name("kept").connect_timeout(session::PATIENCE).tcp_user_timeout(session::PATIENCE);
    config.keepalives_idle(session::IDLE);
    Ok(config)
}

/// Runs `work` on a thread of its own, because a connection's runtime cannot be driven within the caller's.
fn apart<T: Send, E: From<StoreError> + Send>(work: impl FnOnce() -> Result<T, E> + Send) -> Result<T, E> {
    thread::scope(|scope| scope.spawn(work).join()).map_err(|_| StoreError::Panicked)?
}

fn first_session(config: &Config) -> Result<Session, OpenError> {
    let session =
        Session::connect(config, Arc::default()).map_err(|reason| OpenError::Unreachable { reason })?;
    session.begin_none(true)?;
    Ok(session)
}

fn place(config: &Config) -> String {
    format!("the database {}", config.get_dbname().or(config.get_user()).unwrap_or_default())
}

/// Whether the database is without any table; with others than ours it is refused.
fn is_new(read: &Read<'_>, place: &str) -> Result<bool, OpenError> {
    let found = read.query_one(dialect::FOUND, &params![])?;
    match (found.get(0)?, found.get(1)?) {
        (true, _) => Ok(false),
        (false, 0_i64) => Ok(true),
        (false, _) => Err(OpenError::NotOurs { place: place.to_owned() }),
    }
}

/// Runs the migrations that have not run yet; gives the unique indexes of the schema.
fn prepare<E: From<OpenError> + From<StoreError>>(
    config: &Config,
    migrations: &[Migration],
    fits: impl FnOnce(&Read<'_>) -> Result<(), E>,
) -> Result<UniqueIndexes, E> {
    let (session, place) = (first_session(config)?, place(config));
    session.batch(dialect::LOCK)?;
    let read = Read::postgres(&session);
    if is_new(&read, &place)? {
        session.batch(dialect::MIGRATIONS)?;
    }
    for step in migration::fitting(&read, &place, migrations, fits)? {
        transaction(&session, step).map_err(|source| OpenError::Migration { name: step.name, source })?;
    }
    Ok(unique_indexes(&read)?)
}

fn unique_indexes(read: &Read<'_>) -> Result<UniqueIndexes, StoreError> {
    let rows = read.query(dialect::UNIQUE_INDEXES, &params![])?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

fn transaction(session: &Session, step: Migration) -> Result<(), StoreError> {
    session.begin(dialect::BEGIN_WRITE, true);
    let ran = migration::run(&Tx::postgres(session), step);
    let kept = session.end(ran.is_ok());
    ran.and(kept)
}
