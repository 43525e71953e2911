//! Proving how the notice changes (`ntc-1`, `ntc-2`, `ntc-8`): what runs is what is in force, each change that mattered was
//! told in time, and what was promised more before is still kept.

use jiff::Timestamp;
use kept_notice::{Notice, due, is_material, words::counted};
use kept_store::params;

use super::{Finding, Inspect};
use crate::{
    error::KeeperError,
    sweep::GRACE,
    tell,
    time::{from_millis, long_date, to_millis},
};

/// `ntc-1`: the notice in force is the one that is published and run. After a change, the events of some people are
/// opened, to see that each was under the notice of its moment.
pub(crate) fn published(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let row = inspect.read.query_opt(
        "SELECT version, activates FROM policies WHERE activates <= $1 ORDER BY activates DESC LIMIT 1",
        &params![to_millis(inspect.now)],
    )?;
    let in_force = row.map(|row| Ok::<_, KeeperError>((row.get::<String>(0)?, from_millis(row.get(1)?)?)));
    let Some((version, since)) = in_force.transpose()? else {
        return Ok(Finding::broken(1, "no notice is in force"));
    };
    if version != inspect.policy.version() || version != runs(inspect)? {
        return Ok(Finding::broken(1, "the notice that runs is not the one in force"));
    }
    let mut detail =
        format!("in force since {}, {} sentences", long_date(since), inspect.policy.sentences.len());
    let sentences = i64::try_from(inspect.policy.sentences.len()).unwrap_or(i64::MAX);
    if inspect.policy.before.is_none() {
        return Ok(Finding::kept(sentences, detail));
    }
    let (opened, stale) = stale_events(inspect)?;
    if stale > 0 {
        return Ok(Finding::broken(
            stale,
            format!("done under a notice that was no longer in force: {stale}"),
        ));
    }
    detail.push_str(&format!("; events opened, each under the notice of its moment: {opened}"));
    Ok(Finding::kept(sentences, detail))
}

/// The version under which an act of this moment would run.
fn runs(inspect: &Inspect<'_, '_>) -> Result<String, KeeperError> {
    let row = inspect.read.query_one(
        "SELECT CASE WHEN activates <= $1 THEN proposed ELSE policy END FROM ledger_edge WHERE id = 1",
        &params![to_millis(inspect.now)],
    )?;
    Ok(row.get(0)?)
}

/// How many events were opened, and how many of them were under a notice that had been replaced by then.
fn stale_events(inspect: &Inspect<'_, '_>) -> Result<(i64, i64), KeeperError> {
    let ended: Vec<(&str, Timestamp)> = std::iter::successors(Some(inspect.policy), |p| p.before.as_deref())
        .filter_map(|policy| Some((policy.before.as_deref()?.version(), policy.since)))
        .collect();
    let events = inspect.events()?;
    let stale = events
        .clone()
        .filter(|event| ended.iter().any(|(version, end)| *version == event.notice && event.at >= *end));
    let count = |found| i64::try_from(found).unwrap_or(i64::MAX);
    Ok((count(events.count()), count(stale.count())))
}

/// `ntc-2`, `ntc-8`: every notice in force since the first was told in time to everybody, if it changed anything that
/// matters, counted anew from what both say and from the letters written; and no older promise is overdue.
pub(crate) fn change(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let rows = inspect.read.query(
        "SELECT source, proposed, told, activates FROM policies WHERE activates <= $1 ORDER BY activates",
        &params![to_millis(inspect.now)],
    )?;
    let words = inspect.registry().vocabulary();
    let (mut changes, mut letters) = (0, 0);
    let mut before: Option<Notice> = None;
    for row in &rows {
        let Ok(notice) = kept_notice::parse(&row.get::<String>(0)?, &words) else {
            // Of the words of another version of the code.
            before = None;
            continue;
        };
        if let Some(before) = before.replace(notice.clone()) {
            changes += 1;
            if is_material(&notice.changes_from(&before)) {
                let told = row.get::<Option<i64>>(2)?.map(from_millis).transpose()?;
                match in_time(inspect, &before, row.get(1)?, told, from_millis(row.get(3)?)?)? {
                    Ok(told) => letters += told,
                    Err(broken) => return Ok(broken),
                }
            }
        }
    }
    let lately = inspect.now.checked_sub(GRACE).map_err(|_| KeeperError::Calendar)?;
    let overdue = inspect.count(
        "SELECT COUNT(*) FROM duties WHERE state = 'waiting' AND due < $1 AND rule LIKE '%@%'",
        &params![to_millis(lately)],
    )?;
    if overdue > 0 {
        return Ok(Finding::broken(
            overdue,
            format!("promised under an earlier notice, and overdue: {overdue}"),
        ));
    }
    if changes == 0 {
        return Ok(Finding::not_due("the notice has not changed"));
    }
    let changes_said = counted(changes, "change", "changes");
    Ok(Finding::kept(changes, format!("{changes_said}, told in {}", counted(letters, "letter", "letters"))))
}

/// How many were told of one notice, if all of them were told in time.
fn in_time(
    inspect: &Inspect<'_, '_>,
    before: &Notice,
    proposed: i64,
    told: Option<Timestamp>,
    activated: Timestamp,
) -> Result<Result<i64, Finding>, KeeperError> {
    let (Some(rule), Some(told)) = (&before.change, told) else {
        return Ok(Err(Finding::broken(1, "the notice changed without an announcement")));
    };
    let row = inspect.read.query_one(
        "SELECT COUNT(*), MAX(done) FROM deeds WHERE rule = $1 AND started = $2",
        &params![tell::RULE, proposed],
    )?;
    let last = row.get::<Option<i64>>(1)?.map(from_millis).transpose()?;
    let last = last.map_or(told, |last| last.max(told));
    if due(last, &rule.ahead).map_err(|_| KeeperError::Calendar)? > activated {
        return Ok(Err(Finding::broken(1, "the notice changed before the announced time had passed")));
    }
    Ok(Ok(row.get(0)?))
}
