//! Proving the other rules that the kernel runs: forms, purposes, roles, holds, access, and what is never stored in the
//! clear.

use kept_notice::Verdict;
use kept_store::{Row, params};
use kept_vault::Kind;
use serde_json::Value as Json;

use kept_notice::words::counted;

use super::{Finding, Inspect, Status};
use crate::{
    error::KeeperError,
    holdings, sealed,
    sweep::GRACE,
    time::{from_millis, long_date, to_millis},
    trail::SITE,
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
        return Ok(Finding::broken(1, format!("declared and not on the form: {foreign}")));
    }
    let optional = terms.len() - required.len();
    Ok(Finding::kept(
        i64::try_from(terms.len()).unwrap_or(i64::MAX),
        format!(
            "required: {}; voluntary, and marked as such: {optional}; the form asks for nothing else",
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
    let views = i64::try_from(views.len()).unwrap_or(i64::MAX);
    let mut detail = match views {
        0 => "nobody reads anything for it".to_owned(),
        n => format!("{}, all within it", counted(n, "kind of read", "kinds of read")),
    };
    if off > 0 {
        detail.push_str(&format!("; switched off because they went beyond it: {off}"));
    }
    Ok(Finding::kept(views, detail))
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
    let views = i64::try_from(views).unwrap_or(i64::MAX);
    let reads = counted(views, "kind of read", "kinds of read");
    Ok(Finding::kept(views, format!("{reads}; each look is in the log before it is shown")))
}

/// `hold-1`: what a hold keeps is kept only while it stands.
pub(crate) fn hold(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let lately = inspect.now.checked_sub(GRACE).map_err(|_| KeeperError::Calendar)?;
    let stuck = inspect.count(
        "SELECT COUNT(DISTINCT subject) FROM duties WHERE state = 'held' AND NOT EXISTS (SELECT 1 FROM holds \
         WHERE holds.subject = duties.subject AND (holds.until IS NULL OR holds.until > $1))",
        &params![to_millis(lately)],
    )?;
    if stuck > 0 {
        return Ok(Finding::broken(stuck, format!("kept back although no hold stands: {stuck}")));
    }
    let row = inspect.read.query_one(
        "SELECT COUNT(*), MIN(since) FROM holds WHERE hold = $1 AND (until IS NULL OR until > $2)",
        &params![&inspect.sentence.id, to_millis(inspect.now)],
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
    let mut opened = 0;
    for row in &sample(inspect, "SELECT DISTINCT subject FROM keys", "subject")? {
        let subject = sealed::subject(row, 0)?;
        if subject == SITE {
            continue;
        }
        let page = holdings::of(inspect.house, inspect.read, inspect.policy, subject, inspect.now);
        let shown = match page {
            Err(KeeperError::Sealed { .. }) => return Ok(Finding::broken(1, "a page My data does not open")),
            page => page?,
        };
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
    Ok(Finding::kept(
        opened,
        format!("opened {}: every kind that is held is shown", counted(opened, "such page", "such pages")),
    ))
}

/// `sec-6`: what is stored about people is sealed, and opens under its own place and key only.
pub(crate) fn sealed(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let keys = inspect.count("SELECT COUNT(*) FROM keys", &params![])?;
    let rows = sample(inspect, "SELECT subject, record, kind, sealed FROM vault", "subject, record, kind")?;
    for row in &rows {
        let (subject, record): (_, String) = (sealed::subject(row, 0)?, row.get(1)?);
        let (kind, bytes): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
        let opened = match inspect.vault().parts(inspect.read, subject, Some(&record)) {
            Err(KeeperError::Sealed { .. }) => {
                return Ok(Finding::broken(1, "a stored part does not open under its own place and key"));
            }
            opened => opened?,
        };
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
    Ok(Finding::kept(
        keys,
        format!(
            "everything is sealed, under {}; parts opened as a test: {}",
            counted(keys, "key", "keys"),
            rows.len()
        ),
    ))
}

/// Rows to look at: from a subject on that nobody can foresee, and another at every check.
pub(super) fn sample(inspect: &Inspect<'_, '_>, select: &str, order: &str) -> Result<Vec<Row>, KeeperError> {
    let start = inspect.house.ring.blind("sample", &to_millis(inspect.now).to_be_bytes());
    let start = start.first_chunk::<16>().copied().unwrap_or_default();
    let mut rows = Vec::new();
    for side in [">=", "<"] {
        let left = SAMPLE - i64::try_from(rows.len()).unwrap_or(SAMPLE);
        let sql = format!("{select} WHERE subject {side} $1 ORDER BY {order} LIMIT $2");
        rows.extend(inspect.read.query(&sql, &params![start, left])?);
    }
    Ok(rows)
}
