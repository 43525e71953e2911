//! When a new policy binds, the clocks that already run are carried over to it (`ntc-8`): what it promises more is added,
//! and what was promised more before is kept.
//!
//! A clock that the new policy makes at least as strong goes on under it; one that it makes weaker, or leaves out, stays
//! under the policy it began with, as a duty of `retain.lapsed@` and that version; where neither is stronger in all, both
//! stand, and the earlier one erases. So no clock is drawn out and nothing goes before a promise says so. It is a job in
//! batches by subject; until it is done nothing is erased.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kept_notice::{HoldEnd, Notice, Retain, due};
use kept_store::{Read, StoreError, Tx, params};
use kept_vault::SubjectId;

use crate::{
    act::Act,
    ctx::Actor,
    duty::started_by,
    error::KeeperError,
    keeper::Keeper,
    policy::{Policy, older_name},
    sealed, tell,
    time::{from_millis, to_millis},
};

/// How many people are carried over in one act.
const BATCH: i64 = 200;

/// The retention rules that a policy changes or leaves out.
pub(crate) fn changed<'p>(old: &'p Policy, new: &Policy) -> Vec<&'p Retain> {
    let kept = |rule: &Retain| {
        new.notice.retain(&rule.rule.id).is_some_and(|is| same(&old.notice, rule, &new.notice, is))
    };
    old.notice.retains.iter().filter(|rule| !kept(rule)).collect()
}

/// Whether two rules of one name do the same.
fn same(old: &Notice, was: &Retain, new: &Notice, is: &Retain) -> bool {
    let spans = |rule: &Retain| {
        let all = rule.after.iter().chain(&rule.within).chain(&rule.warn);
        (rule.after.is_some(), rule.within.is_some(), all.map(|span| span.fieldwise()).collect::<Vec<_>>())
    };
    (&was.when, &was.unless) == (&is.when, &is.unless)
        && spans(was) == spans(is)
        && erased(old, was) == erased(new, is)
}

fn erased(notice: &Notice, rule: &Retain) -> BTreeSet<&'static str> {
    notice.erased_by(rule).collect()
}

/// An event of a subject from which clocks run.
#[derive(Clone, Copy)]
pub(crate) struct Begun<'a> {
    pub(crate) subject: SubjectId,
    pub(crate) event: &'a str,
    pub(crate) record: &'a str,
    pub(crate) at: Timestamp,
}

impl Begun<'_> {
    /// Starts the clocks of an event that has happened: under the policy of the moment from which they count, and carried
    /// over to each later one. What an earlier policy's clock counted from the same event, or what this one stops, is over.
    pub(crate) fn start(&self, tx: &Tx<'_>, policy: &Policy) -> Result<(), KeeperError> {
        for older in &policy.older {
            if older.rule.unless.as_deref() == Some(self.event) {
                tx.execute(
                    "DELETE FROM duties WHERE subject = $1 AND rule = $2 AND state IN ('waiting', 'held') \
                     AND (record = $3 OR $3 = '')",
                    &params![self.subject.as_bytes(), &older.name, self.record],
                )?;
            } else if older.rule.when == self.event {
                tx.execute(
                    "DELETE FROM duties WHERE subject = $1 AND rule = $2 AND record = $3 AND started < $4 \
                     AND state IN ('waiting', 'held')",
                    &params![self.subject.as_bytes(), &older.name, self.record, to_millis(self.at)],
                )?;
            }
        }
        let mut under = policy.ran_under(self.at).collect::<Vec<_>>().into_iter().rev();
        let mut old = under.next().unwrap_or(policy);
        for duty in started_by(old, self.subject, self.event, self.record, self.at)? {
            duty.save(tx)?;
        }
        for new in under {
            self.carry(tx, old, new)?;
            old = new;
        }
        Ok(())
    }

    /// Carries this event's clocks over from one policy to the next. Doing so again changes nothing.
    pub(crate) fn carry(&self, tx: &Tx<'_>, old: &Policy, new: &Policy) -> Result<(), KeeperError> {
        let names = old.notice.retains.iter().chain(&new.notice.retains).filter(|r| r.when == self.event);
        let names: BTreeSet<&str> = names.map(|rule| rule.rule.id.as_str()).collect();
        for id in names {
            match (old.notice.retain(id), new.notice.retain(id)) {
                (Some(was), Some(is)) if same(&old.notice, was, &new.notice, is) => {}
                (Some(was), Some(is)) => self.compare(tx, (old, was), (new, is))?,
                (Some(_), None) => self.leave_behind(tx, old, id)?,
                (None, Some(is)) => self.begin(tx, new, is)?,
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn compare(
        &self,
        tx: &Tx<'_>,
        (old, was): (&Policy, &Retain),
        (new, is): (&Policy, &Retain),
    ) -> Result<(), KeeperError> {
        let id = &is.rule.id;
        if self.main(tx, &older_name(id, old))?.is_some() {
            return Ok(());
        }
        let (before, now) = (erased(&old.notice, was), erased(&new.notice, is));
        let (wider, narrower) = (now.is_superset(&before), now.is_subset(&before));
        let Some((stands, ends)) = self.main(tx, id)? else { return self.begin(tx, new, is) };
        if stands == "done" {
            return if narrower { Ok(()) } else { self.begin(tx, new, is) };
        }
        if self.stopped(tx, is)? {
            return self.leave_behind(tx, old, id);
        }
        let end = new.end(self.at, &is.after.unwrap_or_default(), &is.warn)?;
        let stoppable = |rule: &Retain, other: &Retain| rule.unless.is_some() && rule.unless != other.unless;
        if end <= ends && wider && !stoppable(is, was) && stands != "begun" {
            return self.replace(tx, new, is, end == ends);
        }
        self.leave_behind(tx, old, id)?;
        if ends <= end && narrower && !stoppable(was, is) { Ok(()) } else { self.begin(tx, new, is) }
    }

    /// The state and the date of the rule's own duty for this event.
    fn main(&self, read: &Read<'_>, id: &str) -> Result<Option<(String, Timestamp)>, KeeperError> {
        let row = read.query_opt(
            "SELECT state, due FROM duties WHERE subject = $1 AND rule = $2 AND record = $3 AND started = $4 \
             AND action IN ('erase', 'disable')",
            &params![self.subject.as_bytes(), id, self.record, to_millis(self.at)],
        )?;
        row.map(|row| Ok((row.get(0)?, from_millis(row.get(1)?)?))).transpose()
    }

    /// Whether what stops a rule has happened since.
    fn stopped(&self, read: &Read<'_>, rule: &Retain) -> Result<bool, StoreError> {
        let Some(unless) = &rule.unless else { return Ok(false) };
        let stops = read.query(
            "SELECT 1 FROM happenings WHERE subject = $1 AND event = $2 AND at >= $3 AND record IN ('', $4) LIMIT 1",
            &params![self.subject.as_bytes(), unless, to_millis(self.at), self.record],
        )?;
        Ok(!stops.is_empty())
    }

    /// The clock stays under the policy that it began with.
    fn leave_behind(&self, tx: &Tx<'_>, old: &Policy, id: &str) -> Result<(), KeeperError> {
        tx.execute(
            "UPDATE duties SET rule = $1 WHERE subject = $2 AND rule = $3 AND record = $4 AND started = $5 \
             AND state <> 'done'",
            &params![older_name(id, old), self.subject.as_bytes(), id, self.record, to_millis(self.at)],
        )?;
        Ok(())
    }

    /// The clock goes on under the new policy. Who was told a date that stays is not told again.
    fn replace(&self, tx: &Tx<'_>, new: &Policy, rule: &Retain, told: bool) -> Result<(), KeeperError> {
        let stays = if told { "AND (state <> 'done' OR action NOT LIKE 'warn %')" } else { "" };
        tx.execute(
            &format!("DELETE FROM duties WHERE subject = $1 AND rule = $2 AND record = $3 {stays}"),
            &params![self.subject.as_bytes(), &rule.rule.id, self.record],
        )?;
        self.begin(tx, new, rule)
    }

    /// The rule's clock begins under the new policy, unless it is stopped or its record is gone.
    fn begin(&self, tx: &Tx<'_>, new: &Policy, rule: &Retain) -> Result<(), KeeperError> {
        let gone = !self.record.is_empty()
            && tx
                .query(
                    "SELECT 1 FROM keys WHERE subject = $1 AND record = $2 LIMIT 1",
                    &params![self.subject.as_bytes(), self.record],
                )?
                .is_empty();
        if gone || self.stopped(tx, rule)? {
            return Ok(());
        }
        let told = tx.query(
            "SELECT action FROM duties WHERE subject = $1 AND rule = $2 AND record = $3 AND state = 'done' \
             AND action LIKE 'warn %'",
            &params![self.subject.as_bytes(), &rule.rule.id, self.record],
        )?;
        let told = told.iter().map(|row| row.get(0)).collect::<Result<Vec<String>, _>>()?;
        for duty in started_by(new, self.subject, self.event, self.record, self.at)? {
            if duty.rule == rule.rule.id && !told.contains(&duty.action) {
                duty.save(tx)?;
            }
        }
        Ok(())
    }
}

/// Holds as the new policy has them: of what happened already, too.
fn holds(
    tx: &Tx<'_>,
    old: &Policy,
    new: &Policy,
    subject: SubjectId,
    now: Timestamp,
) -> Result<(), KeeperError> {
    let at = |event: &str| -> Result<Option<Timestamp>, KeeperError> {
        let row = tx.query_opt(
            "SELECT MAX(at) FROM happenings WHERE subject = $1 AND event = $2",
            &params![subject.as_bytes(), event],
        )?;
        row.map(|row| row.get::<Option<i64>>(0)).transpose()?.flatten().map(from_millis).transpose()
    };
    for hold in old.notice.holds.iter().filter(|hold| new.notice.hold(&hold.name).is_none()) {
        tx.execute(
            "DELETE FROM holds WHERE subject = $1 AND hold = $2",
            &params![subject.as_bytes(), &hold.rule.id],
        )?;
    }
    for hold in &new.notice.holds {
        let Some(since) = at(&hold.from)? else { continue };
        let until = match &hold.end {
            HoldEnd::Lasts(span) => Some(due(since, span).map_err(|_| KeeperError::Calendar)?),
            HoldEnd::Until(event) => at(event)?.filter(|until| *until >= since),
        };
        if until.is_some_and(|until| until <= now) {
            continue;
        }
        tx.execute(
            "INSERT INTO holds (subject, hold, since, until) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (subject, hold) DO UPDATE SET until = excluded.until",
            &params![subject.as_bytes(), &hold.rule.id, to_millis(since), until.map(to_millis)],
        )?;
    }
    // What was kept back is looked at again, under the holds that stand now.
    tx.execute(
        "UPDATE duties SET state = 'waiting' WHERE subject = $1 AND state = 'held'",
        &params![subject.as_bytes()],
    )?;
    Ok(())
}

/// Nothing is done under clocks that have not been carried over.
///
/// # Errors
/// [`KeeperError::NotCarried`]: the sweep does it first, and this again later.
pub(crate) fn is_over(read: &Read<'_>) -> Result<(), KeeperError> {
    let waits = read.query(
        "SELECT 1 FROM policies WHERE activated IS NOT NULL AND carried IS NULL LIMIT 1",
        &params![],
    )?;
    if waits.is_empty() { Ok(()) } else { Err(KeeperError::NotCarried) }
}

impl Keeper {
    /// Carries everybody's clocks over to the policy in force, if that has not been done.
    pub(crate) async fn carry_over(&self) -> Result<(), KeeperError> {
        loop {
            match self.store.read(|read| Ok::<_, KeeperError>(is_over(read))).await? {
                Ok(()) => return Ok(()),
                Err(KeeperError::NotCarried) => self.act(self.ctx(Actor::System), carry_some).await?,
                Err(cause) => return Err(cause),
            }
        }
    }
}

fn carry_some(act: &mut Act<'_, '_>) -> Result<(), KeeperError> {
    let (tx, new, now) = (act.tx(), act.ctx.policy.clone(), act.ctx.now);
    let reached = "SELECT reached FROM policies WHERE version = $1 AND carried IS NULL";
    let Some(row) = tx.query_opt(reached, &params![new.version()])? else { return Ok(()) };
    let reached: Vec<u8> = row.get::<Option<Vec<u8>>>(0)?.unwrap_or_default();
    let people = people(tx, &reached)?;
    let (Some(last), Some(old)) = (people.last(), &new.before) else {
        tx.execute(
            "UPDATE policies SET carried = $1, reached = NULL WHERE version = $2",
            &params![to_millis(now), new.version()],
        )?;
        return Ok(());
    };
    for subject in &people {
        carry_one(tx, old, &new, *subject, now)?;
    }
    tx.execute(
        "UPDATE policies SET reached = $1 WHERE version = $2",
        &params![last.as_bytes(), new.version()],
    )?;
    Ok(())
}

/// Some of those from whom something is to be carried over.
fn people(read: &Read<'_>, reached: &[u8]) -> Result<Vec<SubjectId>, KeeperError> {
    let mut people = BTreeSet::new();
    for table in ["happenings", "duties"] {
        let some =
            format!("SELECT DISTINCT subject FROM {table} WHERE subject > $1 ORDER BY subject LIMIT $2");
        for row in read.query(&some, &params![reached, BATCH])? {
            people.insert(*sealed::subject(&row, 0)?.as_bytes());
        }
    }
    let most = usize::try_from(BATCH).unwrap_or(usize::MAX);
    Ok(people.into_iter().take(most).map(SubjectId::from_bytes).collect())
}

fn carry_one(
    tx: &Tx<'_>,
    old: &Policy,
    new: &Policy,
    subject: SubjectId,
    now: Timestamp,
) -> Result<(), KeeperError> {
    // Who was told of this notice need not be kept apart from who was not any more.
    tx.execute(
        "DELETE FROM duties WHERE subject = $1 AND rule = $2",
        &params![subject.as_bytes(), tell::RULE],
    )?;
    let rows = tx.query(
        "SELECT event, record, at FROM happenings WHERE subject = $1 AND at < $2 ORDER BY event, record",
        &params![subject.as_bytes(), to_millis(new.since)],
    )?;
    for row in rows {
        let (event, record) = (row.get::<String>(0)?, row.get::<String>(1)?);
        let begun = Begun { subject, event: &event, record: &record, at: from_millis(row.get(2)?)? };
        begun.carry(tx, old, new)?;
    }
    holds(tx, old, new, subject, now)
}
