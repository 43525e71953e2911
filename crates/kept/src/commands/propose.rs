//! `kept propose NOTICE`: another notice for a site that runs, or for a folder that no server has open.

use std::{io::Write, path::Path};

use jiff::{Timestamp, civil::Date};
use kept_keeper::{Keeper, Policy, ProposeError, Proposed, Registry};
use kept_notice::words::counted;
use serde::{Deserialize, Serialize};

use super::{Failed, Place, check, diff::Changed, open_and_propose, read};
use crate::{control, site::AREAS};

/// What came of a proposal. This is the JSON of `kept propose --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it stands now.
    pub outcome: Standing,
    /// The moment from which it is in force, where that is known.
    pub from: Option<Timestamp>,
    /// The day on which it says that it takes effect, where people are told first.
    pub effective: Option<Date>,
    /// Each sentence that changes.
    pub sentences: Vec<Changed>,
}

/// How a proposed notice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It takes effect at a known moment.
    Scheduled,
    /// People are told first.
    Announced,
    /// It was proposed before.
    Already,
    /// It is in force.
    InForce,
    /// It is in force, and what was proposed in its place is withdrawn.
    Withdrawn,
}

/// Proposes a notice and prints what comes of it. Says whether the site could run under it.
///
/// # Errors
/// The notice cannot take the place of the one in force, and why; or the site cannot be opened.
pub async fn run(
    place: &Place,
    notice: &Path,
    json: bool,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<bool, Failed> {
    let source = read(notice)?;
    if let Err(problems) = Policy::compile(&source, &Registry::new(AREAS)) {
        check::complain(notice, problems, err)?;
        return Ok(false);
    }
    let question = format!("propose {}", serde_json::to_string(&source)?);
    let outcome = match control::ask(&place.folder, &question)? {
        Some(answer) => match serde_json::from_str::<control::Answer<Outcome>>(&answer)? {
            control::Answer::Ok(outcome) => outcome,
            control::Answer::Failed(cause) => return Err(Failed::Refused(cause)),
        },
        None => {
            let (keeper, proposed) = open_and_propose(place, &source).await?;
            keeper.close().await?;
            proposed.into()
        }
    };
    if json {
        serde_json::to_writer_pretty(&mut *out, &outcome)?;
        writeln!(out)?;
    } else {
        outcome.print(out)?;
    }
    Ok(true)
}

/// Proposes a notice to a site that is open.
///
/// # Errors
/// It cannot take the place of the one in force, and why.
pub async fn propose(keeper: &Keeper, source: &str) -> Result<Outcome, ProposeError> {
    Ok(keeper.propose(source).await?.into())
}

impl Outcome {
    fn print(&self, out: &mut impl Write) -> Result<(), Failed> {
        let sentences = counted(self.sentences.len(), "sentence changes", "sentences change");
        match (self.outcome, self.from, self.effective) {
            (Standing::Scheduled, Some(from), _) => {
                writeln!(out, "{sentences}; nobody is worse off. It is in force from {from} on.")?;
            }
            (Standing::Announced, _, Some(day)) => {
                writeln!(out, "{sentences}, and people are told first:")?;
                for one in self.sentences.iter().filter(|one| one.material) {
                    writeln!(out, "  {}: {}", one.id, one.reasons.join("; "))?;
                }
                writeln!(
                    out,
                    "The server writes to everybody. It is in force from {day} on, or later: not before the announced \
                     time has passed since the last of them was told."
                )?;
            }
            (Standing::Already, ..) => writeln!(out, "This notice is proposed already.")?,
            (Standing::Withdrawn, ..) => {
                writeln!(out, "This notice is in force. What was proposed in its place is withdrawn.")?;
            }
            _ => writeln!(out, "This notice is in force.")?,
        }
        Ok(())
    }
}

impl From<Proposed> for Outcome {
    fn from(proposed: Proposed) -> Outcome {
        let (outcome, from, effective, changes) = match proposed {
            Proposed::From { when, changes } => (Standing::Scheduled, Some(when), None, changes),
            Proposed::Announced { effective, changes } => {
                (Standing::Announced, None, Some(effective), changes)
            }
            Proposed::Already => (Standing::Already, None, None, Vec::new()),
            Proposed::InForce => (Standing::InForce, None, None, Vec::new()),
            Proposed::Withdrawn => (Standing::Withdrawn, None, None, Vec::new()),
        };
        Outcome { outcome, from, effective, sentences: changes.into_iter().map(Changed::from).collect() }
    }
}
