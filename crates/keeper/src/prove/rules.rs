//! Proving the other rules that the kernel runs: forms, purposes, roles, holds, access, and what is never stored in the
//! clear.

use kept_notice::Verdict;
use kept_store::params;
use kept_vault::Kind;
use serde_json::Value as Json;

use super::{Finding, Inspect, Status};
use crate::{
    erase::active_holds,
    error::KeeperError,
    holdings, sealed,
    time::{from_millis, long_date, to_millis},
    view::By,
};

/// How many people and parts a probe opens.
const SAMPLE: i64 = 50;

/// `acc-1`: a form asks for what the notice declares and nothing else.
pub(crate) fn form(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let name = inspect.name();
    let notice = &inspect.policy.notice;
    let (Some(rule), Some(spec)) =
        (notice.form(name), inspect.registry().forms().find(|form| form.name == name))
    else {
        return Ok(Finding::broken(1, "the site has no such form"));
    };
    let declared = rule.required.iter().chain(rule.voluntary.iter().map(|(label, _)| label));
    let terms: Vec<&str> = declared.flat_map(|label| notice.kinds_of(label)).collect();
    let required: Vec<&str> = rule.required.iter().flat_map(|label| notice.kinds_of(label)).collect();
    let wanted: Vec<Kind> = spec.kinds.iter().map(|(kind, _)| *kind).collect();
    let foreign = terms.iter().filter(|term| !wanted.iter().any(|kind| kind.term() == **term)).count();
    if foreign > 0 {
        return Ok(Finding::broken(1, format!("{foreign} declared fields are not on the form")));
    }
    let optional = terms.len() - required.len();
    Ok(Finding::kept(
        i64::try_from(terms.len()).unwrap_or(i64::MAX),
        format!(
            "{} kinds required, {optional} voluntary and marked as such; the form asks for nothing else",
            required.len()
        ),
    ))
}

/// `use-2`: every read for this purpose stays within what the notice says it uses.
pub(crate) fn purpose(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let Some(purpose) = inspect.policy.notice.purpose(inspect.name()) else {
        return Ok(Finding::broken(1, "the notice has no such purpose"));
    };
    let views: Vec<_> = inspect
        .policy
        .views
        .iter()
        .filter(|(view, verdict)| view.purpose == purpose.is.id && matches!(verdict, Verdict::Allowed { .. }))
        .collect();
    let off = inspect
        .policy
        .views
        .iter()
        .filter(|(view, verdict)| view.purpose == purpose.is.id && matches!(verdict, Verdict::Refused { .. }))
        .count();
    let mut detail = format!("{} kinds of read, all within it", views.len());
    if off > 0 {
        detail.push_str(&format!("; {off} that went beyond it are switched off"));
    }
    Ok(Finding::kept(i64::try_from(views.len()).unwrap_or(i64::MAX), detail))
}

/// `use-1`: staff in this role read through declared views only, and each read is in the ledger before it is shown.
pub(crate) fn role(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let name = inspect.name();
    let views = inspect
        .policy
        .views
        .iter()
        .filter(|(view, verdict)| {
            matches!(view.by, By::Role(role) if role == name) && matches!(verdict, Verdict::Allowed { .. })
        })
        .count();
    Ok(Finding::kept(
        i64::try_from(views).unwrap_or(i64::MAX),
        format!("{views} kinds of read; each look is in the ledger before it is shown"),
    ))
}

/// `hold-1`: what a hold keeps is kept only while it stands.
pub(crate) fn hold(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let now = to_millis(inspect.now);
    let rows = inspect.read.query("SELECT DISTINCT subject FROM duties WHERE state = 'held'", &params![])?;
    let mut stuck = 0;
    for row in &rows {
        if active_holds(inspect.read, sealed::subject(row, 0)?, now)?.is_empty() {
            stuck += 1;
        }
    }
    if stuck > 0 {
        return Ok(Finding::broken(stuck, format!("{stuck} are kept back although no hold stands")));
    }
    let row = inspect.read.query_one(
        "SELECT COUNT(*), MIN(since) FROM holds WHERE hold = $1 AND (until IS NULL OR until > $2)",
        &params![&inspect.sentence.id, now],
    )?;
    let standing: i64 = row.get(0)?;
    let oldest = row.get::<Option<i64>>(1)?.map(from_millis).transpose()?;
    Ok(match oldest {
        None => Finding::not_due("none stands"),
        Some(since) => Finding {
            status: Status::Kept,
            count: standing,
            oldest: Some(since),
            detail: format!("{standing} standing, the oldest since {}", long_date(since)),
        },
    })
}

/// `rgt-1`: "My data" shows every kind that is held. Opens the pages of some people, without showing them to anyone.
pub(crate) fn access(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let rows = inspect.read.query(
        "SELECT DISTINCT subject FROM keys WHERE subject <> $1 ORDER BY subject LIMIT $2",
        &params![crate::trail::SITE.as_bytes(), SAMPLE],
    )?;
    let mut opened = 0;
    for row in &rows {
        let subject = sealed::subject(row, 0)?;
        let shown = holdings::of(inspect.house, inspect.read, inspect.policy, subject, inspect.now)?;
        for row in
            inspect.read.query("SELECT kind FROM keys WHERE subject = $1", &params![subject.as_bytes()])?
        {
            let kind = sealed::kind(&row.get::<String>(0)?)?;
            if !shown.iter().any(|holding| holding.kind == kind) {
                return Ok(Finding::broken(1, format!("a page My data does not show {kind}, which is held")));
            }
        }
        opened += 1;
    }
    Ok(Finding::kept(opened, format!("opened {opened} of these pages; each shows every kind that is held")))
}

/// `ntc-1`: the notice in force is the one that is published and run.
pub(crate) fn published(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let row = inspect.read.query_opt("SELECT version, activated FROM policies", &params![])?;
    let Some(row) = row else { return Ok(Finding::broken(1, "no notice has been taken into force")) };
    if row.get::<String>(0)? != inspect.policy.version() {
        return Ok(Finding::broken(1, "the notice that runs is not the one in force"));
    }
    let sentences = inspect.policy.sentences.len();
    Ok(Finding::kept(
        i64::try_from(sentences).unwrap_or(i64::MAX),
        format!("in force since {}, {sentences} sentences", long_date(from_millis(row.get(1)?)?)),
    ))
}

/// `ntc-2`: this version of Kept cannot change the notice of a running site, so no change can go unannounced.
pub(crate) fn change(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let versions = inspect.count("SELECT COUNT(*) FROM policies", &params![])?;
    Ok(match versions {
        1 => Finding::not_due("the notice has not changed"),
        n => Finding::broken(n, "the notice changed without an announcement"),
    })
}

/// `sec-6`: what is stored about people is sealed, and opens under its own place and key only.
pub(crate) fn sealed(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let parts = inspect.count("SELECT COUNT(*) FROM vault", &params![])?;
    let rows = inspect.read.query(
        "SELECT subject, record, kind, sealed FROM vault ORDER BY subject, record, kind LIMIT $1",
        &params![SAMPLE],
    )?;
    for row in &rows {
        let (subject, record): (_, String) = (sealed::subject(row, 0)?, row.get(1)?);
        let (kind, bytes): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
        let opened = inspect.vault().parts(inspect.read, subject, Some(&record))?;
        let clear = opened
            .iter()
            .filter(|part| part.kind.term() == kind)
            .flat_map(|part| part.fields.values())
            .filter_map(Json::as_str)
            .any(|text| text.len() >= 4 && bytes.windows(text.len()).any(|window| window == text.as_bytes()));
        if clear {
            return Ok(Finding::broken(1, "a stored part can be read without its key"));
        }
    }
    Ok(Finding::kept(parts, format!("{parts} stored parts, all sealed; opened {} as a test", rows.len())))
}
