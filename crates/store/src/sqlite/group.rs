//! Transactions are committed in groups, because the sync at the end of a commit takes longer than all else.
//!
//! Each job runs in a savepoint of one outer transaction. A job that fails or panics is rolled back to its
//! savepoint. After some errors (a full disk, an interrupt) SQLite rolls the outer transaction back instead; then
//! the job that met the error is answered with it, and the others run again. They are answered after the commit.
//!
//! A commit that fails may have happened. Each group that changes something writes its number, so that a fresh
//! look at the file tells.

use std::{collections::VecDeque, path::PathBuf};

use rusqlite::Connection;

use super::{
    files,
    log::Log,
    statement::{control, part, reading, roll_back},
};
use crate::{
    Read, StoreError, Tx,
    dialect::sqlite as dialect,
    job::{Job, answer_all},
    params,
};

/// Makes the open transaction durable. An argument, so that tests can make it fail.
type Commit = fn(&Connection) -> rusqlite::Result<()>;

/// The connection that commits groups.
pub(crate) struct Groups {
    path: PathBuf,
    /// Before the connection, so that nobody else has the file open when that is closed.
    log: Log,
    /// `None` from a failed commit until the file is known to be sound again.
    connection: Option<Connection>,
    commit: Commit,
}

/// What became of a group.
enum Attempt {
    Answered,
    /// Nothing of it was kept: these are to run again, each as a group.
    Again(Vec<Vec<Box<dyn Job>>>),
}

/// The outer transaction no longer stands. Holds the answer for the job that ran last.
struct Fallen(Result<(), StoreError>);

impl Groups {
    /// # Errors
    /// The connection could not be made ready.
    pub(crate) fn new(path: PathBuf, mut connection: Connection) -> Result<Groups, StoreError> {
        let log = Log::new(path.clone());
        log.watch(&mut connection)?;
        let commit: Commit = |connection| control(connection, dialect::COMMIT);
        Ok(Groups { path, log, connection: Some(connection), commit })
    }

    /// Runs `jobs` in this order and answers each of them, most often after one commit for all.
    pub(crate) fn run(&mut self, jobs: Vec<Box<dyn Job>>) {
        let mut groups = VecDeque::from([jobs]);
        // Ends, because a group that is to run again has lost a job or was split.
        while let Some(group) = groups.pop_front() {
            if let Attempt::Again(parts) = self.attempt(group) {
                parts.into_iter().rev().for_each(|part| groups.push_front(part));
            }
        }
        if let Some(connection) = &self.connection {
            self.log.grown(connection);
        }
    }

    /// Runs `job` outside a transaction, while nobody moves the log.
    ///
    /// # Errors
    /// The job's, or as [`connection`](Groups::connection).
    pub(crate) fn alone(
        &mut self,
        job: impl FnOnce(&Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.log.settle();
        self.connection().and_then(job)
    }

    /// The connection, outside a transaction.
    ///
    /// # Errors
    /// After a failed commit, while the file cannot be put in order: `Busy` while a scan reads it.
    pub(crate) fn connection(&mut self) -> Result<&Connection, StoreError> {
        let sound = match self.connection.take() {
            Some(connection) if connection.is_autocommit() => connection,
            suspect => {
                drop(suspect);
                self.reopen()?
            }
        };
        Ok(self.connection.insert(sound))
    }

    fn attempt(&mut self, mut group: Vec<Box<dyn Job>>) -> Attempt {
        let commit = self.commit;
        let begun = self.connection().and_then(|connection| Ok((connection, begin(connection)?)));
        let (connection, last) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                answer_all(group, &Err(error));
                return Attempt::Answered;
            }
        };
        let before = connection.total_changes();
        let alone = group.len() == 1;
        for (index, job) in group.iter_mut().enumerate() {
            let run = if alone { by_itself } else { in_savepoint };
            if let Err(Fallen(answer)) = run(connection, job.as_mut()) {
                roll_back(connection);
                let after = group.split_off(index + 1);
                answer_all(group.pop(), &answer);
                return Attempt::Again(
                    vec![group, after].into_iter().filter(|part| !part.is_empty()).collect(),
                );
            }
        }
        let number = last + 1;
        // Without a change there is nothing to sync and nothing that could be lost, so no number either.
        let numbered = match connection.total_changes() == before {
            true => Ok(0),
            false => connection.prepare_cached(dialect::NUMBER).and_then(|mut sql| sql.execute([number])),
        };
        let failed = match numbered.and_then(|_| commit(connection)) {
            Ok(()) => {
                answer_all(group, &Ok(()));
                return Attempt::Answered;
            }
            Err(error) => error,
        };
        roll_back(connection);
        match self.stands(number) {
            Ok(true) => answer_all(group, &Ok(())),
            // One of them may be to blame (a constraint checked at the commit, too many bytes for the disk).
            Ok(false) if group.len() > 1 && !dialect::is_disk_failure(&failed) => {
                return Attempt::Again(group.into_iter().map(|job| vec![job]).collect());
            }
            Ok(false) => answer_all(group, &Err(dialect::run_error(failed, dialect::COMMIT))),
            Err(error) => {
                tracing::error!(%error, "after a failed commit the database could not be looked at");
                answer_all(group, &Err(StoreError::CommitUnknown));
            }
        }
        Attempt::Answered
    }

    /// Whether the group with this number was committed, read from the file as a new process would.
    fn stands(&mut self, number: i64) -> Result<bool, StoreError> {
        drop(self.connection.take());
        Ok(last_number(self.connection()?)? == number)
    }

    /// A connection to a file in which nothing is in doubt. After a failed sync the log's end may be in memory only,
    /// or on the disk without having been answered for. Moving the log into the database and emptying it settles
    /// both: what is visible is written and synced anew, and what is not cannot come back.
    fn reopen(&mut self) -> Result<Connection, StoreError> {
        self.log.settle();
        let mut connection = files::writer(&self.path)?;
        self.log.watch(&mut connection)?;
        files::forget(&connection)?;
        Ok(connection)
    }
}

/// Begins the outer transaction; gives the last group's number.
fn begin(connection: &Connection) -> Result<i64, StoreError> {
    control(connection, dialect::BEGIN_WRITE)
        .map_err(|error| dialect::run_error(error, dialect::BEGIN_WRITE))?;
    last_number_in(&Read::sqlite(connection)).inspect_err(|_| roll_back(connection))
}

/// Nobody else's changes are in the transaction, so a job that fails needs no savepoint, for which SQLite would copy each
/// page before it changes.
fn by_itself(connection: &Connection, job: &mut dyn Job) -> Result<(), Fallen> {
    let keep = job.run(&mut Tx::sqlite(connection));
    match (keep, connection.is_autocommit()) {
        (true, false) => Ok(()),
        (true, true) => Err(Fallen(Err(StoreError::RolledBack))),
        (false, _) => Err(Fallen(Ok(()))),
    }
}

fn in_savepoint(connection: &Connection, job: &mut dyn Job) -> Result<(), Fallen> {
    let mut ran = false;
    let run = || {
        ran = true;
        if job.run(&mut Tx::sqlite(connection)) { Ok(()) } else { Err(StoreError::RolledBack) }
    };
    let (kept, stands) = part(connection, run);
    // A job that failed by itself has its own answer.
    stands.map_err(|cause| Fallen(if ran && kept.is_err() { Ok(()) } else { Err(cause) }))
}

fn last_number(connection: &Connection) -> Result<i64, StoreError> {
    reading(connection, last_number_in)
}

fn last_number_in(read: &Read<'_>) -> Result<i64, StoreError> {
    read.query_one(dialect::LAST_NUMBER, &params![])?.get(0)
}

#[cfg(test)]
mod tests;
