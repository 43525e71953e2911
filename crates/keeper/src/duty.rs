//! Clocks and their duties: what the notice says must be done for a subject, and from when.
//!
//! In the database a duty is `waiting` until it is `done`; what it did is in `deeds`. An erasure whose intent is committed,
//! and whose tombstone may be on disk, has `begun`; one of which a hold covers some data is `held`.

use jiff::Timestamp;
use kept_notice::{Action, Clock, due};
use kept_store::{Row, StoreError, Tx, params};
use kept_vault::SubjectId;

use crate::{
    error::KeeperError,
    policy::Policy,
    sealed,
    time::{from_millis, to_millis},
};

/// A duty: one action of one rule for one subject, from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// Whose data.
    pub subject: SubjectId,
    /// The rule of the notice, `retain.lapsed`, or an area's job.
    pub rule: String,
    /// What is to be done: `erase`, `disable`, `warn` with its lead, or `run` for a job.
    pub action: String,
    /// The record concerned, where the clock counts for one record (a message); else empty.
    pub record: String,
    /// The event that started the clock; empty for jobs.
    pub event: String,
    /// When the event happened.
    pub started: Timestamp,
    /// From when the duty is due.
    pub due: Timestamp,
}

/// The columns that [`Duty::read`] expects, in order.
pub(crate) const COLUMNS: &str = "subject, rule, action, record, event, started, due";

impl Duty {
    /// Reads a duty from a row of [`COLUMNS`].
    pub(crate) fn read(row: &Row) -> Result<Duty, KeeperError> {
        Ok(Duty {
            subject: sealed::subject(row, 0)?,
            rule: row.get(1)?,
            action: row.get(2)?,
            record: row.get(3)?,
            event: row.get(4)?,
            started: from_millis(row.get(5)?)?,
            due: from_millis(row.get(6)?)?,
        })
    }

    /// Writes the duty as waiting; one that stood there for an earlier event starts anew. One whose erasure has begun
    /// is finished first, and starts anew then.
    pub(crate) fn save(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        tx.send(
            "INSERT INTO duties (subject, rule, action, record, event, started, due, state) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting') \
             ON CONFLICT (subject, rule, action, record) DO UPDATE SET event = excluded.event, \
             started = excluded.started, due = excluded.due, state = excluded.state WHERE duties.state <> 'begun'",
            &params![
                self.subject.as_bytes(),
                &self.rule,
                &self.action,
                &self.record,
                &self.event,
                to_millis(self.started),
                to_millis(self.due)
            ],
        )?;
        Ok(())
    }

    /// Marks its erasure as begun, or as begun again after a crash. Says whether it still stands, for the same event:
    /// between finding a duty and doing it, the event may have been taken back or have happened anew, or another server
    /// may have done it.
    pub(crate) fn begin(&self, tx: &Tx<'_>) -> Result<bool, StoreError> {
        self.advance(tx, "UPDATE duties SET state = 'begun'", "state IN ('waiting', 'begun')")
    }

    /// Ends its erasure, held back in part or done. Says whether it had begun: another sweep may have ended it.
    pub(crate) fn end(&self, tx: &Tx<'_>, held: bool) -> Result<bool, StoreError> {
        let change = match held {
            true => "UPDATE duties SET state = 'held'",
            false => self.outcome(),
        };
        self.advance(tx, change, "state = 'begun'")
    }

    /// Ends a duty that erases nothing. Says whether it still stood, as [`Duty::begin`].
    pub(crate) fn done(&self, tx: &Tx<'_>) -> Result<bool, StoreError> {
        self.advance(tx, self.outcome(), "state = 'waiting'")
    }

    /// What is left of a duty that is done: nothing of a job, which may schedule itself again, nor of a record that is
    /// gone; the deed says it without whom.
    fn outcome(&self) -> &'static str {
        let passes = self.action == "run" || !self.record.is_empty();
        if passes { "DELETE FROM duties" } else { "UPDATE duties SET state = 'done'" }
    }

    fn advance(&self, tx: &Tx<'_>, change: &str, from: &str) -> Result<bool, StoreError> {
        let moved = tx.execute(
            &format!(
                "{change} WHERE subject = $1 AND rule = $2 AND action = $3 AND record = $4 AND started = $5 \
                 AND due = $6 AND {from}"
            ),
            &params![
                self.subject.as_bytes(),
                &self.rule,
                &self.action,
                &self.record,
                to_millis(self.started),
                to_millis(self.due)
            ],
        )?;
        Ok(moved > 0)
    }
}

/// The duties that an event starts under a policy, in calendar arithmetic.
pub(crate) fn started_by(
    policy: &Policy,
    subject: SubjectId,
    event: &str,
    record: &str,
    at: Timestamp,
) -> Result<Vec<Duty>, KeeperError> {
    let mut duties = Vec::new();
    for clock in policy.notice.clocks(event) {
        let end = policy.end(at, &clock.after, clock.warn)?;
        let duty = |action: String, due: Timestamp| Duty {
            subject,
            rule: clock.rule.into(),
            action,
            record: record.into(),
            event: event.into(),
            started: at,
            due,
        };
        for lead in clock.warn {
            let early = due(end, &lead.negate()).map_err(|_| KeeperError::Calendar)?;
            duties.push(duty(format!("warn {lead}"), early.max(at).max(policy.since)));
        }
        duties.push(duty(verb(&clock).into(), end));
    }
    Ok(duties)
}

fn verb(clock: &Clock<'_>) -> &'static str {
    match clock.action {
        Action::Erase(_) => "erase",
        Action::Disable => "disable",
    }
}
