//! The write-ahead log on its way into the database: most of it while others write, on a thread of its own; the rest, and
//! the log's new beginning, between two groups.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;

use super::files;
use crate::{StoreError, dialect::sqlite as dialect};

/// Frames in the log, of a page each, from which on it is moved into the database: 32 MB. A page that changes often is
/// written there once for many times.
const SOON: i32 = 8_000;
/// Frames that come on top meanwhile until the writer waits for it.
const MOST: i32 = 4 * SOON;
/// How long the writer waits for those who still read from the log. If that was too short, the log grows by as much again.
const PATIENCE: Duration = Duration::from_millis(10);

/// How long the log is, and who moves it.
pub(super) struct Log {
    path: PathBuf,
    /// Frames in the log after the last commit.
    frames: Arc<AtomicI32>,
    /// From how many frames on it is moved next.
    next: i32,
    moving: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Log {
    pub(super) fn new(path: PathBuf) -> Log {
        Log { path, frames: Arc::default(), next: SOON, moving: None }
    }

    /// Counts what this connection commits. It does not move the log by itself any more.
    pub(super) fn watch(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let frames = Arc::clone(&self.frames);
        let count = move |_: &mut _, length| {
            frames.store(length, Ordering::Relaxed);
            Ok(())
        };
        connection.wal_hook(Some(count)).map_err(|error| dialect::run_error(error, "opening the database"))
    }

    /// Called after each group, on the connection that commits them.
    pub(super) fn grown(&mut self, connection: &Connection) {
        let frames = self.frames.load(Ordering::Relaxed);
        match &self.moving {
            None if frames < self.next => {}
            None => self.begin(),
            Some(thread) if !thread.is_finished() && frames < self.next.saturating_add(MOST) => {}
            Some(_) => {
                self.settle();
                if let Err(error) = files::restart(connection, PATIENCE) {
                    self.next = frames.saturating_add(SOON);
                    if error != StoreError::Busy {
                        tracing::warn!(%error, "the write-ahead log could not be begun anew");
                    }
                }
            }
        }
    }

    /// Waits until nobody moves the log: two who do are in each other's way.
    pub(super) fn settle(&mut self) {
        self.next = SOON;
        match self.moving.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => {}
            Some(Ok(Err(error))) => {
                tracing::warn!(%error, "the write-ahead log could not be moved into the database");
            }
            Some(Err(_)) => tracing::error!("moving the write-ahead log ended in a panic"),
        }
    }

    fn begin(&mut self) {
        let path = self.path.clone();
        match thread::Builder::new().name("store-log".to_owned()).spawn(move || files::carry_log(&path)) {
            Ok(thread) => self.moving = Some(thread),
            // Tried again after the next commit.
            Err(error) => tracing::warn!(%error, "no thread to move the write-ahead log with"),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests;
