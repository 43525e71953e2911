//! Proving a retention rule (`acc-12`, `ana-4`, …): nothing is held past its end, nothing went before its time, and the
//! ledger has every erasure. The check counts from what happened to people, not from the list of duties, so that a
//! duty which was never made, or which skipped a kind, is found.

use jiff::{Span, Timestamp};
use kept_notice::{Retain, RetainAction, due};
use kept_store::{Value, params};
use kept_vault::{Kind, SubjectId};

use super::{Finding, Inspect, Status};
use crate::{
    erase,
    error::KeeperError,
    registry::kinds_of,
    sealed,
    sweep::GRACE,
    time::{from_millis, long_date, to_millis},
};

/// Forward and backward steps in the calendar differ by at most this many days.
const SLACK: i64 = 3;

pub(crate) fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let id = &inspect.sentence.id;
    let retain = inspect
        .policy
        .notice
        .retains
        .iter()
        .find(|retain| retain.rule.id == *id)
        .ok_or_else(|| KeeperError::Unknown(id.clone()))?;
    if let Some(broken) = overdue(inspect, retain)? {
        return Ok(broken);
    }
    if let Some(broken) = early(inspect, retain)? {
        return Ok(broken);
    }
    let unrecorded = inspect.count(
        "SELECT COUNT(*) FROM deeds WHERE rule = $1 AND NOT EXISTS \
         (SELECT 1 FROM ledger WHERE ledger.position = deeds.position)",
        &params![id],
    )?;
    if unrecorded > 0 {
        return Ok(Finding::broken(unrecorded, format!("{unrecorded} done without an event in the ledger")));
    }
    standing(inspect, retain)
}

/// Whoever's end has passed, by more than the grace, and of whom something is still held that no hold covers.
fn overdue(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let RetainAction::Erase { .. } = &retain.action else { return undone(inspect, retain) };
    let kinds = erase::kinds_of(inspect.policy, &retain.rule.id)?;
    let (mut count, mut oldest) = (0, None);
    for (subject, record, at) in candidates(inspect, retain, &kinds)? {
        if !past(inspect.now, at, retain)? {
            continue;
        }
        let left = left(inspect, subject, &record, &kinds)?;
        if left.is_empty() {
            continue;
        }
        count += 1;
        oldest = Some(oldest.map_or(at, |known: Timestamp| known.min(at)));
    }
    Ok((count > 0).then(|| Finding {
        oldest,
        ..Finding::broken(count, format!("{count} should have been erased and are still held"))
    }))
}

/// A rule that switches something off: whoever's moment has passed must have its duty done.
fn undone(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let rows = happened(inspect, retain, "", &[])?;
    let (mut count, mut oldest) = (0, None);
    for (subject, record, at) in rows {
        let done = inspect.count(
            "SELECT COUNT(*) FROM duties WHERE subject = $1 AND rule = $2 AND record = $3 AND action = 'disable' \
             AND state = 'done' AND started = $4",
            &params![subject.as_bytes(), &retain.rule.id, record, to_millis(at)],
        )?;
        if done == 0 && past(inspect.now, at, retain)? {
            count += 1;
            oldest = Some(oldest.map_or(at, |known: Timestamp| known.min(at)));
        }
    }
    Ok((count > 0).then(|| Finding { oldest, ..Finding::broken(count, format!("{count} are overdue")) }))
}

/// The events whose time has come and of whose subject something may be left.
fn candidates(
    inspect: &Inspect<'_, '_>,
    retain: &Retain,
    kinds: &[Kind],
) -> Result<Vec<(SubjectId, String, Timestamp)>, KeeperError> {
    let list = kinds.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
    let mut left = format!(
        "EXISTS (SELECT 1 FROM keys WHERE keys.subject = h.subject AND keys.kind IN ({list}) \
         AND (h.record = '' OR keys.record = h.record))"
    );
    for table in inspect.registry().tables().filter(|t| kinds_of(t).any(|kind| kinds.contains(&kind))) {
        left.push_str(&format!(
            " OR (h.record = '' AND EXISTS (SELECT 1 FROM {0} WHERE {0}.subject = h.subject))",
            table.name
        ));
    }
    happened(inspect, retain, &format!("AND ({left})"), &[])
}

fn happened(
    inspect: &Inspect<'_, '_>,
    retain: &Retain,
    and: &str,
    more: &[Value],
) -> Result<Vec<(SubjectId, String, Timestamp)>, KeeperError> {
    let span = span(retain);
    let latest = due(inspect.now, &span.negate())
        .and_then(|at| due(at, &Span::new().days(SLACK)))
        .map_err(|_| KeeperError::Calendar)?;
    let mut values =
        params![&retain.when, to_millis(latest), retain.unless.as_deref().unwrap_or("")].to_vec();
    values.extend_from_slice(more);
    let rows = inspect.read.query(
        &format!(
            "SELECT h.subject, h.record, h.at FROM happenings h WHERE h.event = $1 AND h.at <= $2 \
             AND NOT EXISTS (SELECT 1 FROM happenings u WHERE u.subject = h.subject AND u.event = $3 AND u.at >= h.at) {and}"
        ),
        &values,
    )?;
    rows.iter().map(|row| Ok((sealed::subject(row, 0)?, row.get(1)?, from_millis(row.get(2)?)?))).collect()
}

/// What is left of the erased kinds, less what a hold keeps.
fn left(
    inspect: &Inspect<'_, '_>,
    subject: SubjectId,
    record: &str,
    kinds: &[Kind],
) -> Result<Vec<Kind>, KeeperError> {
    let holds = erase::active_holds(inspect.read, subject, to_millis(inspect.now))?;
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
            for table in inspect.registry().tables().filter(|t| kinds_of(t).any(|k| k == *kind)) {
                count += inspect.count(
                    &format!("SELECT COUNT(*) FROM {} WHERE subject = $1", table.name),
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

/// Whatever was done before its moment, counted anew from the event by the notice's own arithmetic.
fn early(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let rows = inspect.read.query(
        "SELECT started, done FROM deeds WHERE rule = $1 AND action IN ('erase', 'disable')",
        &params![&retain.rule.id],
    )?;
    let floor = retain.after.unwrap_or_default();
    let mut count = 0;
    for row in &rows {
        let (started, done) = (from_millis(row.get(0)?)?, from_millis(row.get(1)?)?);
        if done < due(started, &floor).map_err(|_| KeeperError::Calendar)? {
            count += 1;
        }
    }
    Ok((count > 0).then(|| Finding::broken(count, format!("{count} went before their time"))))
}

/// Nothing is wrong: how far it has got.
fn standing(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Finding, KeeperError> {
    let id = &retain.rule.id;
    let verb = match retain.action {
        RetainAction::Erase { .. } => "erase",
        RetainAction::Disable => "disable",
    };
    let done =
        inspect.count("SELECT COUNT(*) FROM deeds WHERE rule = $1 AND action = $2", &params![id, verb])?;
    let held =
        inspect.count("SELECT COUNT(*) FROM duties WHERE rule = $1 AND state = 'held'", &params![id])?;
    let row = inspect.read.query_one(
        "SELECT MIN(started), MIN(due) FROM duties WHERE rule = $1 AND action = $2 AND state = 'waiting'",
        &params![id, verb],
    )?;
    let oldest = row.get::<Option<i64>>(0)?.map(from_millis).transpose()?;
    let next = row.get::<Option<i64>>(1)?.map(from_millis).transpose()?;
    let mut detail = match (done, verb) {
        (0, _) => "no date has come yet".to_owned(),
        (n, "erase") => format!("erased {n} times, each on time"),
        (n, _) => format!("switched off {n} times, each on time"),
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

fn past(now: Timestamp, at: Timestamp, retain: &Retain) -> Result<bool, KeeperError> {
    let end = due(at, &span(retain)).map_err(|_| KeeperError::Calendar)?;
    let grace = Span::try_from(GRACE).map_err(|_| KeeperError::Calendar)?;
    Ok(due(end, &grace).map_err(|_| KeeperError::Calendar)? < now)
}

/// The span after which something is late: the ceiling if the rule has one, else its floor.
fn span(retain: &Retain) -> Span {
    retain.within.or(retain.after).unwrap_or_default()
}
