//! Proving a retention rule (`acc-12`, `ana-4`, …): nothing is held past its end, nothing went before its time, everybody
//! was told in time, and the ledger has every erasure. The check counts from what happened to people, not from the list
//! of duties, so that a duty which was never made, or which skipped a kind, is found.

use jiff::{Span, Timestamp};
use kept_notice::{Retain, RetainAction, due, words::counted};
use kept_store::{Value, params};
use kept_vault::{Kind, SubjectId};

use super::{Finding, Inspect, Status, ground::Deeds};
use crate::{
    erase,
    error::KeeperError,
    policy::Policy,
    registry::holds_any,
    sealed,
    sweep::GRACE,
    time::{from_millis, long_date, to_millis},
};

/// Forward and backward steps in the calendar differ by at most this many days.
const SLACK: i64 = 3;

pub(crate) fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let id = &inspect.sentence.id;
    let retain = inspect.policy.notice.retain(id).ok_or_else(|| KeeperError::Unknown(id.clone()))?;
    if let Some(broken) = overdue(inspect, retain)? {
        return Ok(broken);
    }
    let Deeds { early, unrecorded, .. } = inspect.deeds();
    if early > 0 {
        return Ok(Finding::broken(early, format!("done before its time: {early}")));
    }
    if let Some(broken) = unwarned(inspect, retain)? {
        return Ok(broken);
    }
    if unrecorded > 0 {
        return Ok(Finding::broken(unrecorded, format!("done without an event in the ledger: {unrecorded}")));
    }
    standing(inspect, retain)
}

/// Something that happened to somebody, from which a clock counts.
struct Happened {
    subject: SubjectId,
    record: String,
    at: Timestamp,
}

/// When something must be done: so long after an event, or that much earlier.
#[derive(Clone, Copy)]
struct Moment<'a> {
    policy: &'a Policy,
    retain: &'a Retain,
    after: Span,
    lead: Option<&'a Span>,
}

impl<'a> Moment<'a> {
    /// The end of a rule: the ceiling if it has one, else its floor.
    fn end(policy: &'a Policy, retain: &'a Retain) -> Moment<'a> {
        Moment { policy, retain, after: retain.within.or(retain.after).unwrap_or_default(), lead: None }
    }

    /// So long before the earliest end of a rule.
    fn warning(policy: &'a Policy, retain: &'a Retain, lead: &'a Span) -> Moment<'a> {
        Moment { policy, retain, after: retain.after.unwrap_or_default(), lead: Some(lead) }
    }

    fn of(&self, at: Timestamp) -> Result<Timestamp, KeeperError> {
        let end = self.policy.end(at, &self.after, &self.retain.warn)?;
        let Some(lead) = self.lead else { return Ok(end) };
        Ok(shifted(end, &lead.negate())?.max(at).max(self.policy.since))
    }

    /// The event whose moment is this one, give or take [`SLACK`]; under a new notice, an event that is no earlier.
    fn back(&self, moment: Timestamp) -> Result<Timestamp, KeeperError> {
        let end = self.lead.map_or(Ok(moment), |lead| shifted(moment, lead))?;
        shifted(end, &self.after.negate())
    }

    /// Until when the notice puts off moments of events from before it was in force.
    fn put_off(&self) -> Result<Timestamp, KeeperError> {
        let since = self.policy.since;
        self.retain.warn.iter().try_fold(since, |latest, lead| Ok(latest.max(shifted(since, lead)?)))
    }
}

fn shifted(at: Timestamp, span: &Span) -> Result<Timestamp, KeeperError> {
    due(at, span).map_err(|_| KeeperError::Calendar)
}

/// Whoever's end has passed, by more than the grace, and of whom something is still held that no hold covers.
fn overdue(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let (late, words) = match &retain.action {
        RetainAction::Disable => {
            (not_done(inspect, retain, Moment::end(inspect.policy, retain), "disable")?, "overdue")
        }
        RetainAction::Erase { .. } => {
            let kinds = erase::kinds_of(inspect.policy, &retain.rule.id)?;
            let mut held = Vec::new();
            for one in candidates(inspect, retain, &kinds)? {
                if !left(inspect, one.subject, &one.record, &kinds)?.is_empty() {
                    held.push(one);
                }
            }
            (held, "past the end and still held")
        }
    };
    Ok(broken(late.len(), late.iter().map(|one| one.at).min(), words))
}

/// Whoever should have been told the date by now, and was not. Clocks that were carried over from an earlier notice may
/// have other warnings than this one names: of those the duties tell.
fn unwarned(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let since = inspect.policy.since;
    let mut late = Vec::new();
    for lead in &retain.warn {
        let moment = Moment::warning(inspect.policy, retain, lead);
        for one in not_done(inspect, retain, moment, &format!("warn {lead}"))? {
            if one.at >= since {
                late.push(moment.of(one.at)?);
            }
        }
    }
    let carried = inspect.read.query(
        "SELECT due FROM duties WHERE rule = $1 AND action LIKE 'warn %' AND state = 'waiting' AND due < $2 \
         AND started < $3",
        &params![&retain.rule.id, to_millis(inspect.now - GRACE), to_millis(since)],
    )?;
    for row in carried {
        late.push(from_millis(row.get(0)?)?);
    }
    Ok(broken(late.len(), late.iter().min().copied(), "not told the date in time"))
}

fn broken(count: usize, oldest: Option<Timestamp>, words: &str) -> Option<Finding> {
    let found = || Finding::broken(i64::try_from(count).unwrap_or(i64::MAX), format!("{words}: {count}"));
    (count > 0).then(|| Finding { oldest, ..found() })
}

/// Whoever's moment has passed without the action done that belongs to it. Of single records (a letter) it is not kept
/// that something was done.
fn not_done(
    inspect: &Inspect<'_, '_>,
    retain: &Retain,
    moment: Moment<'_>,
    action: &str,
) -> Result<Vec<Happened>, KeeperError> {
    let undone = "AND h.record = '' AND NOT EXISTS (SELECT 1 FROM duties d WHERE d.subject = h.subject \
                  AND (d.rule = $5 OR d.rule LIKE $6) AND d.action = $7 AND d.record = h.record \
                  AND d.state = 'done' AND d.started = h.at)";
    // Done under an earlier notice, it is done.
    let named = params![&retain.rule.id, format!("{}@%", retain.rule.id), action];
    happened(inspect, retain, moment, undone, &named)
}

/// The events whose time has come and of whose subject something may be left.
fn candidates(
    inspect: &Inspect<'_, '_>,
    retain: &Retain,
    kinds: &[Kind],
) -> Result<Vec<Happened>, KeeperError> {
    let list = kinds.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
    let mut left = format!(
        "EXISTS (SELECT 1 FROM keys WHERE keys.subject = h.subject AND keys.kind IN ({list}) \
         AND (h.record = '' OR keys.record = h.record))"
    );
    for table in inspect.registry().tables() {
        let Some(held) = holds_any(table, kinds) else { continue };
        left.push_str(&format!(
            " OR (h.record = '' AND EXISTS (SELECT 1 FROM {0} WHERE {0}.subject = h.subject AND {held}))",
            table.name
        ));
    }
    happened(inspect, retain, Moment::end(inspect.policy, retain), &format!("AND ({left})"), &[])
}

/// Every start of the rule's clock whose moment has passed by more than the grace, and that nothing has stopped: all of
/// them, or those whose moment has passed since the run before.
///
/// `+u.at` keeps SQLite from looking for what stopped a clock among everybody's events of that name since, instead of among
/// the person's own: with that, a whole run would take four times as long on a site of twice the size.
fn happened(
    inspect: &Inspect<'_, '_>,
    retain: &Retain,
    moment: Moment<'_>,
    and: &str,
    more: &[Value],
) -> Result<Vec<Happened>, KeeperError> {
    let slack = Span::new().days(SLACK);
    let latest = shifted(moment.back(inspect.now)?, &slack)?;
    let put_off = moment.put_off()? + GRACE;
    let earliest = match inspect.since().filter(|since| *since > put_off) {
        Some(since) => to_millis(shifted(moment.back(since)?, &slack.negate())? - GRACE),
        None => i64::MIN,
    };
    let unless = retain.unless.as_deref().unwrap_or("");
    let mut values = params![&retain.when, earliest, to_millis(latest), unless].to_vec();
    values.extend_from_slice(more);
    let rows = inspect.read.query(
        &format!(
            "SELECT h.subject, h.record, h.at FROM happenings h WHERE h.event = $1 AND h.at > $2 AND h.at <= $3 \
             AND NOT EXISTS (SELECT 1 FROM happenings u WHERE u.subject = h.subject AND u.event = $4 \
             AND u.record IN ('', h.record) AND +u.at >= h.at) {and}"
        ),
        &values,
    )?;
    let mut found = Vec::new();
    for row in &rows {
        let at = from_millis(row.get(2)?)?;
        if moment.of(at)? + GRACE < inspect.now {
            found.push(Happened { subject: sealed::subject(row, 0)?, record: row.get(1)?, at });
        }
    }
    Ok(found)
}

/// What is left of the erased kinds, less what a hold keeps.
fn left(
    inspect: &Inspect<'_, '_>,
    subject: SubjectId,
    record: &str,
    kinds: &[Kind],
) -> Result<Vec<Kind>, KeeperError> {
    // What a hold kept until just now may still be there: the next sweep takes it.
    let lately = inspect.now.checked_sub(GRACE).map_err(|_| KeeperError::Calendar)?;
    let holds = erase::active_holds(inspect.read, subject, to_millis(lately))?;
    let held = |kind: &Kind| {
        inspect.policy.notice.holds.iter().any(|h| holds.contains(&h.rule.id) && h.covers(kind.term()))
    };
    let mut left = Vec::new();
    for kind in kinds.iter().filter(|kind| !held(kind)) {
        let mut count = inspect.count(
            "SELECT COUNT(*) FROM keys WHERE subject = $1 AND kind = $2 AND ($3 = '' OR record = $3)",
            &params![subject.as_bytes(), kind.term(), record],
        )?;
        if record.is_empty() {
            for table in inspect.registry().tables() {
                let Some(held) = holds_any(table, &[*kind]) else { continue };
                count += inspect.count(
                    &format!("SELECT COUNT(*) FROM {} WHERE subject = $1 AND {held}", table.name),
                    &params![subject.as_bytes()],
                )?;
            }
        }
        if count > 0 {
            left.push(*kind);
        }
    }
    Ok(left)
}

/// Nothing is wrong: how far it has got.
fn standing(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Finding, KeeperError> {
    let id = &retain.rule.id;
    let verb = match retain.action {
        RetainAction::Erase { .. } => "erase",
        RetainAction::Disable => "disable",
    };
    let Deeds { done, .. } = inspect.deeds();
    let held =
        inspect.count("SELECT COUNT(*) FROM duties WHERE rule = $1 AND state = 'held'", &params![id])?;
    // From the events on that are not over yet, the first one whose duty waits.
    let over = to_millis(Moment::end(inspect.policy, retain).back(inspect.now - GRACE)?);
    let row = inspect.read.query_opt(
        "SELECT h.at, d.due FROM happenings h JOIN duties d ON d.subject = h.subject AND d.rule = $1 AND d.action = $2 \
         AND d.record = h.record AND d.state = 'waiting' WHERE h.event = $3 AND h.at >= $4 ORDER BY h.at LIMIT 1",
        &params![id, verb, &retain.when, over],
    )?;
    let (oldest, next) = match row {
        Some(row) => (Some(from_millis(row.get(0)?)?), Some(from_millis(row.get(1)?)?)),
        None => (None, None),
    };
    let mut detail = match (done, verb) {
        (0, _) => "no date has come yet".to_owned(),
        (n, "erase") => format!("erased {}, never early", counted(n, "time", "times")),
        (n, _) => format!("switched off {}, never early", counted(n, "time", "times")),
    };
    if held > 0 {
        detail.push_str(&format!("; a hold keeps {held} for now"));
    }
    if let Some(next) = next {
        detail.push_str(&format!("; next on {}", long_date(next)));
    }
    let status = if done == 0 { Status::NotDue } else { Status::Kept };
    Ok(Finding { status, count: done, oldest, detail })
}
