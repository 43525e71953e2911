//! Proving where data comes from (`use-15`): from the person, from our own work, and from the sources of the notice.

use kept_notice::words::counted;
use kept_store::params;
use kept_vault::Source;

use super::{Finding, Inspect};
use crate::error::KeeperError;

/// A source gives what the notice says that it gives, and nothing else.
pub(crate) fn source(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let notice = &inspect.policy.notice;
    let Some(rule) = notice.source(inspect.name()) else {
        return Ok(Finding::broken(1, "the notice has no such source"));
    };
    let gives =
        |kind: &str| rule.gives.iter().flat_map(|label| notice.kinds_of(label)).any(|term| term == kind);
    let (mut taken, mut beyond) = (0, 0);
    for (word, kind) in origins(inspect)? {
        if word == rule.rule.id {
            taken += 1;
            beyond += i64::from(!gives(&kind));
        }
    }
    Ok(match (taken, beyond) {
        (_, 1..) => Finding::broken(beyond, format!("taken from there, and not named here: {beyond}")),
        (0, _) => Finding::not_due("nothing of the people looked at comes from there"),
        _ => Finding::kept(taken, format!("looked at as a test: {}", counted(taken, "part", "parts"))),
    })
}

/// Nothing comes from anywhere else.
pub(crate) fn elsewhere(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let named = |word: &str| inspect.policy.notice.sources.iter().any(|source| source.rule.id == word);
    let all = origins(inspect)?;
    let foreign = all.iter().filter(|(word, _)| match Source::parse(word) {
        Some(Source::Named(_)) => !named(word),
        known => known.is_none(),
    });
    let foreign = i64::try_from(foreign.count()).unwrap_or(i64::MAX);
    if foreign > 0 {
        return Ok(Finding::broken(foreign, format!("comes from somewhere that is not named: {foreign}")));
    }
    let looked = i64::try_from(all.len()).unwrap_or(i64::MAX);
    Ok(Finding::kept(
        looked,
        format!(
            "each part says where it comes from; looked at as a test: {}",
            counted(looked, "part", "parts")
        ),
    ))
}

/// Where each part of some people's data comes from, and its kind.
fn origins(inspect: &Inspect<'_, '_>) -> Result<Vec<(String, String)>, KeeperError> {
    let mut all = Vec::new();
    for subject in inspect.people() {
        for table in ["vault", "blobs"] {
            let sql = format!("SELECT source, kind FROM {table} WHERE subject = $1");
            for row in inspect.read.query(&sql, &params![subject.as_bytes()])? {
                all.push((row.get(0)?, row.get(1)?));
            }
        }
    }
    Ok(all)
}
