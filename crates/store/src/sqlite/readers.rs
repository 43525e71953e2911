//! Connections for reads, opened when needed and kept for the next read.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::Connection;

use super::{files, statement};
use crate::{Read, StoreError, dialect::sqlite as dialect};

/// What a point read may take, in thousands of SQLite's virtual machine steps: a look-up takes some dozen steps,
/// a page of a hundred joined rows some thousand.
pub(crate) const POINT_READ: u64 = 500;
/// For scans.
pub(crate) const UNLIMITED: u64 = u64::MAX;

/// The idle connections; `None` once closed.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Option<Vec<Reader>>>,
}

struct Reader {
    connection: Connection,
    /// Thousands of steps left to the read that runs.
    budget: Arc<AtomicU64>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Readers {
        Readers { path, idle: Mutex::new(Some(Vec::new())) }
    }

    /// Runs `work` on one snapshot within `budget` thousand steps, on the calling thread.
    pub(crate) fn run<T, E: From<StoreError>>(
        &self,
        budget: u64,
        work: impl FnOnce(&Read<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let reader = self.take()?;
        reader.budget.store(budget, Ordering::Relaxed);
        let done = statement::reading(&reader.connection, work);
        self.put_back(reader);
        done
    }

    /// Refuses later reads. Those that run finish.
    pub(crate) fn close(&self) {
        drop(self.idle().take());
    }

    fn take(&self) -> Result<Reader, StoreError> {
        let idle = self.idle().as_mut().ok_or(StoreError::Closed)?.pop();
        idle.map_or_else(|| self.open(), Ok)
    }

    fn put_back(&self, reader: Reader) {
        if let Some(idle) = self.idle().as_mut()
            && reader.connection.is_autocommit()
        {
            idle.push(reader);
        }
    }

    fn open(&self) -> Result<Reader, StoreError> {
        let mut connection = files::reader(&self.path)?;
        let budget = Arc::new(AtomicU64::new(0));
        let left = Arc::clone(&budget);
        let spend =
            move || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err();
        connection
            .progress_handler(1_000, Some(spend))
            .map_err(|error| dialect::run_error(error, "opening the database"))?;
        Ok(Reader { connection, budget })
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Reader>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
