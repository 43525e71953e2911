//! Throttling: how often somebody may try. Kept in memory under keyed hashes, so that an address that was typed in is
//! stored nowhere, and the same for addresses with and without an account.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use kept_web::Problem;

/// How long tries are counted.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// Above this many entries the stale ones are dropped before another is added.
const MANY: usize = 50_000;

/// Counts tries per key within a window.
#[derive(Default)]
pub struct Throttle {
    tries: Mutex<HashMap<[u8; 32], Tries>>,
}

#[derive(Clone, Copy)]
struct Tries {
    since: Timestamp,
    count: u32,
}

/// The door is shut for so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Seconds until the next try.
    pub seconds: u64,
}

impl From<Wait> for Problem {
    fn from(wait: Wait) -> Problem {
        Problem::too_many(wait.seconds)
    }
}

impl Throttle {
    /// Counts one try under a key.
    ///
    /// # Errors
    /// There have been `most` in this window already.
    pub fn count(&self, key: [u8; 32], most: u32, now: Timestamp) -> Result<(), Wait> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= MANY {
            tries.retain(|_, tries| now.duration_since(tries.since) < WINDOW);
        }
        let entry = tries.entry(key).or_insert(Tries { since: now, count: 0 });
        let age = now.duration_since(entry.since);
        if age >= WINDOW || age.is_negative() {
            *entry = Tries { since: now, count: 0 };
        }
        if entry.count >= most {
            let left = WINDOW - now.duration_since(entry.since);
            return Err(Wait { seconds: u64::try_from(left.as_secs()).unwrap_or(1).max(1) });
        }
        entry.count += 1;
        Ok(())
    }

    /// Forgets the tries under a key: the right person got in.
    pub fn forget(&self, key: [u8; 32]) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_shuts_and_opens_again() {
        let (throttle, key) = (Throttle::default(), [1; 32]);
        let start: Timestamp = "2027-01-31T12:00:00Z".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(throttle.count(key, 3, start), Ok(()));
        }
        assert_eq!(throttle.count(key, 3, start), Err(Wait { seconds: 900 }));
        assert_eq!(throttle.count([2; 32], 3, start), Ok(()));
        assert_eq!(throttle.count(key, 3, start + WINDOW), Ok(()));
        throttle.forget(key);
        for _ in 0..3 {
            assert_eq!(throttle.count(key, 3, start + WINDOW), Ok(()));
        }
    }
}
