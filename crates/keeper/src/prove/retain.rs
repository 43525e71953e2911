//! Proving a retention rule (`acc-12`, `ana-4`, …): nothing is held past its end, nothing went before its time, and the
//! ledger has every erasure. The check counts from what happened to people, not from the list of duties, so that a
//! duty which was never made, or which skipped a kind, is found.

use jiff::{Span, Timestamp};
use kept_notice::{Retain, RetainAction, due};
use kept_store::{Value, params};
use kept_vault::{Kind, SubjectId};

use kept_notice::words::counted;

use super::{Finding, Inspect, Status};
use crate::{
    erase,
    error::KeeperError,
    registry::holds_any,
    sealed,
    sweep::GRACE,
    time::{from_millis, long_date, to_millis},
};

/// Forward and backward steps in the calendar differ by at most this many days.
const SLACK: i64 = 3;

/// How many deeds are read at once.
const PAGE: i64 = 10_000;

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
    if let Some(broken) = unwarned(inspect, retain)? {
        return Ok(broken);
    }
    let unrecorded = inspect.count(
        "SELECT COUNT(*) FROM deeds WHERE rule = $1 AND NOT EXISTS \
         (SELECT 1 FROM ledger WHERE ledger.position = deeds.position)",
        &params![id],
    )?;
    if unrecorded > 0 {
        return Ok(Finding::broken(unrecorded, format!("done without an event in the ledger: {unrecorded}")));
    }
    standing(inspect, retain)
}

/// Whoever's end has passed, by more than the grace, and of whom something is still held that no hold covers.
fn overdue(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let RetainAction::Erase { .. } = &retain.action else { return undone(inspect, retain) };
    let kinds = erase::kinds_of(inspect.policy, &retain.rule.id)?;
    let (mut count, mut oldest) = (0, None);
    for (subject, record, at) in candidates(inspect, retain, &kinds)? {
        if !past(inspect, at, retain)? {
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
        ..Finding::broken(count, format!("past the end and still held: {count}"))
    }))
}

/// A rule that switches something off: whoever's moment has passed must have its duty done.
fn undone(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let undone = "AND NOT EXISTS (SELECT 1 FROM duties d WHERE d.subject = h.subject AND (d.rule = $4 OR d.rule LIKE $5) \
                  AND d.action = 'disable' AND d.record = h.record AND d.state = 'done' AND d.started = h.at)";
    // Done under an earlier notice, it is done.
    let named = params![&retain.rule.id, format!("{}@%", retain.rule.id)];
    let (mut count, mut oldest) = (0, None);
    for (_, _, at) in happened(inspect, retain, undone, &named)? {
        if past(inspect, at, retain)? {
            count += 1;
            oldest = Some(oldest.map_or(at, |known: Timestamp| known.min(at)));
        }
    }
    Ok((count > 0).then(|| Finding { oldest, ..Finding::broken(count, format!("overdue: {count}")) }))
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
    for table in inspect.registry().tables() {
        let Some(held) = holds_any(table, kinds) else { continue };
        left.push_str(&format!(
            " OR (h.record = '' AND EXISTS (SELECT 1 FROM {0} WHERE {0}.subject = h.subject AND {held}))",
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
             AND NOT EXISTS (SELECT 1 FROM happenings u WHERE u.subject = h.subject AND u.event = $3 \
             AND u.record IN ('', h.record) AND u.at >= h.at) {and}"
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

/// Whatever was done before its moment, counted anew from the event by the notice's own arithmetic.
fn early(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let (mut count, mut last) = (0, -1);
    loop {
        let rows = inspect.read.query(
            "SELECT position, started, done FROM deeds WHERE position > $1 AND rule = $2 \
             AND action IN ('erase', 'disable') ORDER BY position LIMIT $3",
            &params![last, &retain.rule.id, PAGE],
        )?;
        for row in &rows {
            let (started, done) = (from_millis(row.get(1)?)?, from_millis(row.get(2)?)?);
            last = row.get(0)?;
            if done < inspect.policy.floor(&retain.rule.id, started)? {
                count += 1;
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    Ok((count > 0).then(|| Finding::broken(count, format!("done before its time: {count}"))))
}

/// Whoever should have been told the date by now, and was not.
fn unwarned(inspect: &Inspect<'_, '_>, retain: &Retain) -> Result<Option<Finding>, KeeperError> {
    let late = inspect.now.checked_sub(GRACE).map_err(|_| KeeperError::Calendar)?;
    let row = inspect.read.query_one(
        "SELECT COUNT(*), MIN(due) FROM duties WHERE rule = $1 AND action NOT IN ('erase', 'disable', 'run') \
         AND state = 'waiting' AND due < $2",
        &params![&retain.rule.id, to_millis(late)],
    )?;
    let (count, oldest) = (row.get(0)?, row.get::<Option<i64>>(1)?.map(from_millis).transpose()?);
    Ok((count > 0)
        .then(|| Finding { oldest, ..Finding::broken(count, format!("not told the date in time: {count}")) }))
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

fn past(inspect: &Inspect<'_, '_>, at: Timestamp, retain: &Retain) -> Result<bool, KeeperError> {
    let end = inspect.policy.end(at, &span(retain), &retain.warn)?;
    let grace = Span::try_from(GRACE).map_err(|_| KeeperError::Calendar)?;
    Ok(due(end, &grace).map_err(|_| KeeperError::Calendar)? < inspect.now)
}

/// The span after which something is late: the ceiling if the rule has one, else its floor.
fn span(retain: &Retain) -> Span {
    retain.within.or(retain.after).unwrap_or_default()
}
