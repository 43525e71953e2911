//! What happens to a subject: events that start and stop clocks and holds, and jobs with a date.

use jiff::Timestamp;
use kept_notice::{HoldEnd, due};
use kept_store::params;
use kept_vault::SubjectId;

use super::Act;
use crate::{carry::Begun, duty::Duty, erase, error::KeeperError, sealed, time::to_millis, trail::Deed};

impl Act<'_, '_> {
    /// Says that something happened to a subject just now: an event of the ledger that starts and stops clocks and holds.
    ///
    /// # Errors
    /// No area declares the event, or nothing is held about the subject.
    pub fn emit(&mut self, subject: SubjectId, event: &str) -> Result<(), KeeperError> {
        self.emit_at(subject, event, self.ctx.now)
    }

    /// Says that something happened to one record of a subject just now (a document was decided on): its clocks count for
    /// this record, and erase it alone.
    ///
    /// # Errors
    /// As [`emit`](Act::emit).
    pub fn emit_of(&mut self, subject: SubjectId, event: &str, record: &str) -> Result<(), KeeperError> {
        self.note(subject, Deed::Happened, event, &[], None)?;
        self.happen(subject, event, record, self.ctx.now)
    }

    /// Says that something happened to a subject at an earlier moment, from which its clocks count.
    ///
    /// # Errors
    /// As [`emit`](Act::emit).
    pub fn emit_at(&mut self, subject: SubjectId, event: &str, at: Timestamp) -> Result<(), KeeperError> {
        self.note(subject, Deed::Happened, event, &[], None)?;
        self.happen(subject, event, "", at)
    }

    pub(super) fn happen(
        &mut self,
        subject: SubjectId,
        event: &str,
        record: &str,
        at: Timestamp,
    ) -> Result<(), KeeperError> {
        if self.house.registry.event(event).is_none() {
            return Err(KeeperError::Unknown(event.into()));
        }
        self.known(subject, event)?;
        self.tx.send(
            "INSERT INTO happenings (subject, event, record, at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (subject, event, record) DO UPDATE SET at = excluded.at",
            &params![subject.as_bytes(), event, record, to_millis(at)],
        )?;
        let policy = self.ctx.policy.clone();
        for rule in policy.notice.retains.iter().filter(|r| r.unless.as_deref() == Some(event)) {
            self.tx.send(
                "DELETE FROM duties WHERE subject = $1 AND rule = $2 AND state IN ('waiting', 'held') \
                 AND (record = $3 OR $3 = '')",
                &params![subject.as_bytes(), &rule.rule.id, record],
            )?;
        }
        Begun { subject, event, record, at }.start(self.tx, &policy)?;
        for hold in policy.notice.holds_until(event) {
            // The next sweep takes the row away and does what it kept back.
            self.tx.send(
                "UPDATE holds SET until = $1 WHERE subject = $2 AND hold = $3 AND (until IS NULL OR until > $1)",
                &params![to_millis(at), subject.as_bytes(), &hold.rule.id],
            )?;
        }
        for hold in policy.notice.holds_from(event) {
            let until = match &hold.end {
                HoldEnd::Lasts(span) => Some(to_millis(due(at, span).map_err(|_| KeeperError::Calendar)?)),
                HoldEnd::Until(_) => None,
            };
            self.tx.send(
                "INSERT INTO holds (subject, hold, since, until) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (subject, hold) DO UPDATE SET until = excluded.until, since = \
                 CASE WHEN holds.until <= excluded.since THEN excluded.since ELSE holds.since END",
                &params![subject.as_bytes(), &hold.rule.id, to_millis(at), until],
            )?;
        }
        Ok(())
    }

    /// Nothing begins for a subject of whom nothing is held: it would never end.
    fn known(&self, subject: SubjectId, what: &str) -> Result<(), KeeperError> {
        // Of some, rows are left when the last key has gone, and they have an end, too.
        if self.fresh.contains(&subject)
            || sealed::has_keys(self.tx, subject)?
            || erase::is_held(self.tx, &self.house.registry, subject)?
        {
            return Ok(());
        }
        Err(KeeperError::Nobody(what.into()))
    }

    /// Schedules a job of an area for a subject; one that is already scheduled moves to the new date.
    ///
    /// # Errors
    /// No area declares the job, or nothing is held about the subject.
    pub fn schedule(&mut self, subject: SubjectId, job: &str, due: Timestamp) -> Result<(), KeeperError> {
        if self.house.registry.job(job).is_none() {
            return Err(KeeperError::Unknown(job.into()));
        }
        self.known(subject, job)?;
        let duty = Duty {
            subject,
            rule: job.into(),
            action: "run".into(),
            record: String::new(),
            event: String::new(),
            started: self.ctx.now,
            due,
        };
        duty.save(self.tx)?;
        Ok(())
    }

    /// Takes a scheduled job back.
    ///
    /// # Errors
    /// The database failed.
    pub fn unschedule(&mut self, subject: SubjectId, job: &str) -> Result<(), KeeperError> {
        self.tx.send(
            "DELETE FROM duties WHERE subject = $1 AND rule = $2 AND action = 'run'",
            &params![subject.as_bytes(), job],
        )?;
        Ok(())
    }

    /// A subject goes on as another: when nothing of them is held any more, their dates and states go, too.
    ///
    /// # Errors
    /// The database failed.
    pub fn leave(&mut self, subject: SubjectId) -> Result<(), KeeperError> {
        crate::erase::forget_bookkeeping(self.tx, &self.house.registry, subject)
    }
}
