//! What was read, on its way to the trail. What people read of themselves is noted in memory and written in batches, within
//! a second. What others read of them is written before anything is released, in one act for all who wait at that moment.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kept_store::StoreError;
use kept_vault::SubjectId;
use tokio::sync::oneshot;

use crate::{
    ctx::Actor,
    error::KeeperError,
    keeper::Keeper,
    trail::{Event, SealedEvent},
};

/// What a look has noted.
#[derive(Clone)]
pub(crate) enum Note {
    /// Sealed when it was read, under the trail key that was there.
    Sealed(SealedEvent),
    /// To be sealed when it is written, because no key was at hand.
    Open(SubjectId, Event),
}

/// Notes that are written in one act. Whoever else waits for a turn comes in between.
const BATCH: usize = 1024;

#[derive(Default)]
pub(crate) struct Journal {
    /// What people have read of themselves.
    soon: Mutex<Vec<Note>>,
    before: Mutex<Before>,
}

/// What others have read, and wait to be given.
#[derive(Default)]
struct Before {
    waiting: Vec<(Vec<Note>, oneshot::Sender<Recorded>)>,
    /// Whether somebody is writing.
    written: bool,
}

/// What each who waits is told; with the database's error, if it was to blame.
type Recorded = Result<(), Option<StoreError>>;

impl Journal {
    pub(crate) fn note(&self, notes: impl IntoIterator<Item = Note>) {
        lock(&self.soon).extend(notes);
    }
}

impl Keeper {
    /// Writes what people have read of themselves since the last time. The server calls it twice a second and when
    /// it stops.
    ///
    /// # Errors
    /// The database failed; the events stay queued.
    pub async fn write_journal(&self) -> Result<(), KeeperError> {
        loop {
            let batch: Vec<Note> = {
                let mut soon = lock(&self.house.journal.soon);
                let most = soon.len().min(BATCH);
                soon.drain(..most).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            let written = self.append(batch.clone()).await;
            if written.is_err() {
                lock(&self.house.journal.soon).splice(..0, batch);
                return written;
            }
        }
    }

    /// Writes what somebody has read of others; when this returns, it is on the disk.
    pub(crate) async fn record(&self, notes: Vec<Note>) -> Result<(), KeeperError> {
        if notes.is_empty() {
            return Ok(());
        }
        let (told, answer) = oneshot::channel();
        let first = {
            let mut before = lock(&self.house.journal.before);
            before.waiting.push((notes, told));
            !std::mem::replace(&mut before.written, true)
        };
        if first {
            // On its own, because whoever came first may stop waiting, and the others may not.
            tokio::spawn(self.clone().record_all());
        }
        let recorded = answer.await.unwrap_or(Err(None));
        recorded.map_err(|cause| cause.map_or(KeeperError::Unrecorded, KeeperError::Store))
    }

    async fn record_all(self) {
        loop {
            let (notes, told): (Vec<_>, Vec<_>) = {
                let mut before = lock(&self.house.journal.before);
                let most = before.waiting.len().min(BATCH);
                before.written = most > 0;
                before.waiting.drain(..most).unzip()
            };
            if told.is_empty() {
                return;
            }
            let recorded = self.append(notes.concat()).await.map_err(|error| match error {
                KeeperError::Store(cause) => Some(cause),
                other => {
                    tracing::error!(error = %other, "what was read could not be recorded, so it was not given");
                    None
                }
            });
            for told in told {
                // Whoever no longer waits need not be told.
                let _ = told.send(recorded.clone());
            }
        }
    }

    async fn append(&self, notes: Vec<Note>) -> Result<(), KeeperError> {
        self.act(self.ctx(Actor::System), move |act| notes.iter().try_for_each(|note| act.append(note))).await
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
