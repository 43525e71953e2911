//! What people read of themselves: noted in memory and written in batches, within a second. Reads by anybody else are
//! never noted here; they commit before anything is released.

use std::sync::{Mutex, PoisonError};

use kept_vault::SubjectId;

use crate::trail::Event;

/// Events that wait for the next batch.
#[derive(Default)]
pub(crate) struct Journal {
    waiting: Mutex<Vec<(SubjectId, Event)>>,
}

impl Journal {
    pub(crate) fn push(&self, subject: SubjectId, event: Event) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((subject, event));
    }

    /// The first of them, so many at most.
    pub(crate) fn take(&self, most: usize) -> Vec<(SubjectId, Event)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let most = waiting.len().min(most);
        waiting.drain(..most).collect()
    }

    pub(crate) fn put_back(&self, events: Vec<(SubjectId, Event)>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let later = std::mem::replace(&mut *waiting, events);
        waiting.extend(later);
    }
}
