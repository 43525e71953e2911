//! The test's clock.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use kept_keeper::TimeSource;

/// A clock that stands still until the test moves it.
pub struct Clock(Mutex<Timestamp>);

impl Clock {
    /// A clock at a moment.
    pub fn at(moment: Timestamp) -> Clock {
        Clock(Mutex::new(moment))
    }

    /// Moves it on.
    pub fn forward(&self, by: SignedDuration) {
        *self.lock() += by;
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimeSource for Clock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }
}
