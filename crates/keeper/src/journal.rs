//! What was read, on its way to the trail. What people read of themselves is noted in memory and written in batches, within
//! a second. What others read of them is written before anything is released.

use std::sync::{Mutex, MutexGuard, PoisonError};

use kept_vault::SubjectId;

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

impl Note {
    fn subject(&self) -> SubjectId {
        match self {
            Note::Sealed(event) => event.subject,
            Note::Open(subject, _) => *subject,
        }
    }
}

/// Notes that are written in one act. Whoever else waits for a turn comes in between.
const BATCH: usize = 1024;

/// What people have read of themselves.
#[derive(Default)]
pub(crate) struct Journal(Mutex<Vec<Note>>);

impl Journal {
    pub(crate) fn note(&self, notes: impl IntoIterator<Item = Note>) {
        self.lock().extend(notes);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
                let mut soon = self.house.journal.lock();
                // As the trails lie, so that a batch changes few pages. What one person did stays in its order.
                soon.sort_by_key(Note::subject);
                let most = soon.len().min(BATCH);
                soon.drain(..most).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            let written = self.append(batch.clone()).await;
            if written.is_err() {
                self.house.journal.lock().splice(..0, batch);
                return written;
            }
        }
    }

    /// Writes what somebody has read of others; when this returns, it is on the disk. Those who wait share a turn.
    pub(crate) async fn record(&self, notes: Vec<Note>) -> Result<(), KeeperError> {
        if notes.is_empty() { Ok(()) } else { self.append(notes).await }
    }

    async fn append(&self, notes: Vec<Note>) -> Result<(), KeeperError> {
        self.act(self.ctx(Actor::System), move |act| notes.iter().try_for_each(|note| act.append(note))).await
    }
}
