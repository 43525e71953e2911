//! Proving the other rules that the kernel runs: forms, holds, access, and what is never stored in the clear.

use kept_store::params;
use kept_vault::{Kind, Source};
use serde_json::Value as Json;

use kept_notice::words::counted;

use super::{Finding, Inspect, Status};
use crate::{
    blob::Blob,
    error::KeeperError,
    holdings, sealed,
    sweep::GRACE,
    time::{from_millis, long_date, to_millis},
};

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
    let given = given_unasked(inspect, &wanted)?;
    if given > 0 {
        return Ok(Finding::broken(given, format!("given by people although no form asks for it: {given}")));
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

/// How much some people have given of what the code could ask for and no form of the notice does.
fn given_unasked(inspect: &Inspect<'_, '_>, wanted: &[Kind]) -> Result<i64, KeeperError> {
    let notice = &inspect.policy.notice;
    let asks_for = |kind: &Kind| {
        let labels = notice
            .forms
            .iter()
            .flat_map(|form| form.required.iter().chain(form.voluntary.iter().map(|(label, _)| label)));
        labels.flat_map(|label| notice.kinds_of(label)).any(|term| term == kind.term())
    };
    let mut given = 0;
    for kind in wanted.iter().filter(|kind| !asks_for(kind)) {
        for subject in inspect.people() {
            given += inspect.count(
                "SELECT COUNT(*) FROM vault WHERE subject = $1 AND kind = $2 AND source = $3",
                &params![subject.as_bytes(), kind.term(), Source::Person.as_str()],
            )?;
        }
    }
    Ok(given)
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

/// `rgt-1`: "My data" shows every kind that is held, and what was done with it. Opens the pages of some people, without
/// showing them to anyone.
pub(crate) fn access(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    if inspect.lately()?.is_none() {
        let detail = "a record of who did what with somebody's data does not open, or does not fit the log";
        return Ok(Finding::broken(1, detail));
    }
    let mut opened = 0;
    for subject in inspect.people() {
        let page = holdings::of(inspect.house, inspect.read, inspect.policy, *subject, inspect.now);
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
    let (mut parts, mut documents) = (0, 0);
    for subject in inspect.people() {
        let opened = match inspect.vault().parts(inspect.read, *subject) {
            Err(KeeperError::Sealed { .. }) => {
                return Ok(Finding::broken(1, "a stored part does not open under its own place and key"));
            }
            opened => opened?,
        };
        let rows = inspect.read.query(
            "SELECT sealed FROM vault WHERE subject = $1 ORDER BY record, kind",
            &params![subject.as_bytes()],
        )?;
        if rows.len() != opened.len() {
            return Ok(Finding::broken(1, "a stored part has no key"));
        }
        for (part, row) in opened.iter().zip(&rows) {
            let bytes: Vec<u8> = row.get(0)?;
            let mut texts = part.fields.values().filter_map(Json::as_str).filter(|text| text.len() >= 4);
            if texts.any(|text| bytes.windows(text.len()).any(|window| window == text.as_bytes())) {
                return Ok(Finding::broken(1, "a stored part can be read without its key"));
            }
        }
        parts += rows.len();
        let blobs = inspect
            .read
            .query("SELECT record, kind FROM blobs WHERE subject = $1", &params![subject.as_bytes()])?;
        for row in &blobs {
            let blob = Blob { subject: *subject, record: row.text(0)?, kind: sealed::kind(row.text(1)?)? };
            match blob.open(inspect.read, &inspect.vault()) {
                Err(KeeperError::Sealed { .. }) => {
                    let detail = "a stored document does not open under its own place and key";
                    return Ok(Finding::broken(1, detail));
                }
                opened => {
                    if opened?.is_none() {
                        return Ok(Finding::broken(1, "a stored document has no key"));
                    }
                }
            }
        }
        documents += blobs.len();
    }
    let keys_said = counted(keys, "key", "keys");
    let mut detail = format!("everything is sealed, under {keys_said}; parts opened as a test: {parts}");
    if documents > 0 {
        detail.push_str(&format!("; documents: {documents}"));
    }
    Ok(Finding::kept(keys, detail))
}
