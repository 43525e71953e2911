//! `kept diff OLD NEW`: what changes from one notice to another, in sentences, and whether people must be told first.

use std::{io::Write, path::Path};

use jiff::civil::Date;
use kept_keeper::{Policy, Registry};
use kept_notice::{Difference, Notice, is_material, words::counted};
use serde::{Deserialize, Serialize};

use super::{Failed, check, read};
use crate::site::AREAS;

/// What changes. This is the JSON of `kept diff --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The version that changes.
    pub from: String,
    /// The version that it becomes.
    pub to: String,
    /// Whether people must be told before it takes effect.
    pub material: bool,
    /// The first day on which it can take effect if it is proposed today; none if the old notice does not say how
    /// changes are announced, and this one would have to be.
    pub earliest: Option<Date>,
    /// The day on which the new notice says that it takes effect.
    pub effective: Date,
    /// Each sentence that changes.
    pub sentences: Vec<Changed>,
}

/// One sentence that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The rule.
    pub id: String,
    /// Whether the change matters to people.
    pub material: bool,
    /// Why it does.
    pub reasons: Vec<String>,
    /// The sentence as it was.
    pub before: Option<String>,
    /// The sentence as it is to be.
    pub after: Option<String>,
}

/// Compares two notices and prints what changes. Says whether both are notices that this version can run.
///
/// # Errors
/// A file cannot be read.
pub fn run(
    old: &Path,
    new: &Path,
    today: Date,
    json: bool,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<bool, Failed> {
    let registry = Registry::new(AREAS);
    let mut good = Vec::new();
    for path in [old, new] {
        match Policy::compile(&read(path)?, &registry) {
            Ok(policy) => good.push(policy.notice),
            Err(problems) => check::complain(path, problems, err)?,
        }
    }
    let [old, new] = good.as_slice() else { return Ok(false) };
    let changes = Changes::between(old, new, today);
    if json {
        serde_json::to_writer_pretty(&mut *out, &changes)?;
        writeln!(out)?;
    } else {
        changes.print(out)?;
    }
    Ok(true)
}

impl Changes {
    fn between(old: &Notice, new: &Notice, today: Date) -> Changes {
        let differences = new.changes_from(old);
        Changes {
            from: old.version.clone(),
            to: new.version.clone(),
            material: is_material(&differences),
            earliest: old.earliest(&differences, today),
            effective: new.effective,
            sentences: differences.into_iter().map(Changed::from).collect(),
        }
    }

    fn print(&self, out: &mut impl Write) -> Result<(), Failed> {
        for changed in &self.sentences {
            let weight = if changed.material { "material" } else { "not material" };
            let reasons = changed.reasons.join("; ");
            let because = if reasons.is_empty() { reasons } else { format!(": {reasons}") };
            writeln!(out, "{} ({weight}{because})", changed.id)?;
            if let Some(before) = &changed.before {
                writeln!(out, "  - {before}")?;
            }
            if let Some(after) = &changed.after {
                writeln!(out, "  + {after}")?;
            }
            writeln!(out)?;
        }
        let sentences = match self.sentences.len() {
            0 => "No sentence changes".to_owned(),
            some => counted(some, "sentence changes", "sentences change"),
        };
        match (self.material, self.earliest) {
            (false, _) => writeln!(
                out,
                "{sentences}; nobody is worse off. It can take effect today; it says `effective = {}`.",
                self.effective
            )?,
            (true, Some(day)) => writeln!(
                out,
                "{sentences}, and people are told first. Proposed today, it can take effect on {day} at the earliest; \
                 it says `effective = {}`.",
                self.effective
            )?,
            (true, None) => writeln!(
                out,
                "{sentences}, and people would have to be told first. The old notice does not say how: it lacks the \
                 sentence `change` of [notice], so this change would be refused."
            )?,
        }
        Ok(())
    }
}

impl From<Difference> for Changed {
    fn from(one: Difference) -> Changed {
        Changed {
            material: one.is_material(),
            id: one.id,
            reasons: one.reasons,
            before: one.before,
            after: one.after,
        }
    }
}
