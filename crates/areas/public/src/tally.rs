//! The state of all promises in one line.

use std::fmt;

use jiff::Timestamp;
use kept_keeper::{Promise, Report, Status};
use kept_web::parts::Mark;

/// What the keeper says of a promise that no run of the checks has reached.
const UNCHECKED: &str = "not yet checked";

/// How many promises stand how.
pub(crate) struct Tally {
    total: usize,
    counts: Vec<(Mark, usize)>,
    /// When the checks last ran, if they ever did.
    pub(crate) checked: Option<Timestamp>,
}

impl Tally {
    pub(crate) fn of(report: &Report) -> Tally {
        let count =
            |mark: Mark| report.promises.iter().filter(|promise| self::mark(promise.status) == mark).count();
        let worst_first = [Mark::Broken, Mark::Kept, Mark::NotDue, Mark::Stated, Mark::NotInForce];
        Tally {
            total: report.promises.len(),
            counts: worst_first.map(|mark| (mark, count(mark))).into_iter().filter(|(_, n)| *n > 0).collect(),
            checked: report.promises.iter().any(is_checked).then_some(report.at),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let promises = if self.total == 1 { "promise" } else { "promises" };
        if self.checked.is_none() {
            return write!(out, "{}\u{a0}{promises}, not checked yet", self.total);
        }
        if let [(Mark::Kept, _)] = self.counts.as_slice() {
            return write!(out, "{}\u{a0}{promises}, all kept", self.total);
        }
        let said: Vec<String> =
            self.counts.iter().map(|(mark, n)| format!("{n}\u{a0}{}", mark.word().to_lowercase())).collect();
        write!(out, "{}\u{a0}{promises}: {}", self.total, said.join(", "))
    }
}

/// Whether a run of the checks has looked at a promise.
pub(crate) fn is_checked(promise: &Promise) -> bool {
    promise.detail != UNCHECKED
}

/// The mark of a status.
pub(crate) fn mark(status: Status) -> Mark {
    match status {
        Status::Kept => Mark::Kept,
        Status::NotDue => Mark::NotDue,
        Status::Broken => Mark::Broken,
        Status::Stated => Mark::Stated,
        Status::NotInForce => Mark::NotInForce,
    }
}
