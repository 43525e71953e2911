//! The two things that only the machine can give: the present moment and randomness. Everything below takes them as
//! arguments.

use jiff::Timestamp;
use kept_keeper::TimeSource;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall;

impl TimeSource for Wall {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A seed from the operating system.
///
/// # Errors
/// The operating system has no randomness to give.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine for randomness")]
pub fn seed() -> Result<[u8; 32], getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(seed)
}
