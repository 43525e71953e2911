//! Clocks and their duties: what the notice says must be done for a subject, and from when.

use jiff::Timestamp;
use kept_notice::{Action, Clock, due};
use kept_store::{Read, Row, StoreError, Tx, params};
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

/// Where a duty stands.
pub(crate) mod state {
    /// Not yet due, or due and not yet done.
    pub(crate) const WAITING: &str = "waiting";
    /// An erasure whose intent is committed and whose tombstone may be on disk.
    pub(crate) const BEGUN: &str = "begun";
    /// A hold covers some of its data.
    pub(crate) const HELD: &str = "held";
    /// Done; what it did is in `deeds`.
    pub(crate) const DONE: &str = "done";
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
        tx.execute(
            "INSERT INTO duties (subject, rule, action, record, event, started, due, state) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (subject, rule, action, record) DO UPDATE SET event = excluded.event, \
             started = excluded.started, due = excluded.due, state = excluded.state WHERE duties.state <> 'begun'",
            &params![
                self.subject.as_bytes(),
                &self.rule,
                &self.action,
                &self.record,
                &self.event,
                to_millis(self.started),
                to_millis(self.due),
                state::WAITING
            ],
        )?;
        Ok(())
    }

    /// Whether it still stands in one of these states, for the same event: between finding a duty and doing it, the
    /// event may have been taken back or have happened anew, or another server may have done it.
    pub(crate) fn stands(&self, read: &Read<'_>, states: &[&str]) -> Result<bool, StoreError> {
        let row = read.query_opt(
            "SELECT state FROM duties WHERE subject = $1 AND rule = $2 AND action = $3 AND record = $4 \
             AND started = $5 AND due = $6",
            &params![
                self.subject.as_bytes(),
                &self.rule,
                &self.action,
                &self.record,
                to_millis(self.started),
                to_millis(self.due)
            ],
        )?;
        let state: Option<String> = row.map(|row| row.get(0)).transpose()?;
        Ok(state.is_some_and(|state| states.contains(&state.as_str())))
    }

    /// The duty is done. Of a record that is gone not even that is kept: the deed says it without whom.
    pub(crate) fn done(&self, tx: &Tx<'_>) -> Result<(), StoreError> {
        if self.record.is_empty() {
            return self.set(tx, state::DONE);
        }
        tx.execute(
            "DELETE FROM duties WHERE subject = $1 AND rule = $2 AND action = $3 AND record = $4",
            &params![self.subject.as_bytes(), &self.rule, &self.action, &self.record],
        )?;
        Ok(())
    }

    /// Moves the duty to a state.
    pub(crate) fn set(&self, tx: &Tx<'_>, state: &str) -> Result<(), StoreError> {
        tx.execute(
            "UPDATE duties SET state = $1 WHERE subject = $2 AND rule = $3 AND action = $4 AND record = $5",
            &params![state, self.subject.as_bytes(), &self.rule, &self.action, &self.record],
        )?;
        Ok(())
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
