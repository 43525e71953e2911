//! `kept duties`: what is due, what would happen, and under which sentence. It only looks.

use std::io::Write;

use jiff::{Span, Timestamp};
use kept_keeper::{Keeper, KeeperError};
use kept_notice::{due as after, words::duration};
use serde::{Deserialize, Serialize};

use super::{Failed, Place, open};
use crate::{control, demo};

/// A duty that will be due, without anything that identifies the person beyond a random id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DueDuty {
    /// From when.
    pub due: Timestamp,
    /// What would be done.
    pub action: String,
    /// The rule.
    pub rule: String,
    /// The sentence, or what the job is.
    pub sentence: String,
    /// The subject's random id.
    pub subject: String,
    /// The holds that keep some of it.
    pub held_by: Vec<String>,
}

/// Prints what would be done until tomorrow.
///
/// # Errors
/// The site cannot be opened, or its server does not answer.
pub async fn run(place: &Place, json: bool, out: &mut impl Write) -> Result<(), Failed> {
    let time = demo::time_of(&place.folder)?;
    let until = after(time.now(), &Span::new().days(1)).map_err(|_| KeeperError::Calendar)?;
    let due = until_then(place, until).await?;
    if json {
        serde_json::to_writer_pretty(&mut *out, &due)?;
        writeln!(out)?;
        return Ok(());
    }
    let mut last = String::new();
    for duty in &due {
        if duty.sentence != last {
            writeln!(out, "{} ({})", duty.sentence, duty.rule)?;
            last.clone_from(&duty.sentence);
        }
        let held = if duty.held_by.is_empty() {
            String::new()
        } else {
            format!("  kept back by {}", duty.held_by.join(", "))
        };
        writeln!(out, "  {}  {:<18} {}{held}", duty.due, said(&duty.action), duty.subject)?;
    }
    writeln!(out, "{} due until {until:.0}. Nothing was done: the server does it by itself.", due.len())?;
    Ok(())
}

/// A warning as people say it: `warn P30D` is "warn 30 days ahead".
fn said(action: &str) -> String {
    let lead = action.strip_prefix("warn ").and_then(|lead| lead.parse().ok());
    lead.map_or_else(|| action.to_owned(), |lead| format!("warn {} ahead", duration(&lead)))
}

async fn until_then(place: &Place, until: Timestamp) -> Result<Vec<DueDuty>, Failed> {
    let asked = control::ask(&place.folder, &format!("duties {until}"));
    if let Some(answer) = asked.map_err(|cause| Failed::Server(cause.to_string()))? {
        return match serde_json::from_str::<control::Duties>(&answer)? {
            control::Answer::Ok(due) => Ok(due),
            control::Answer::Failed(cause) => Err(Failed::Server(cause)),
        };
    }
    let keeper = open(place).await?;
    let found = due(&keeper, until).await;
    keeper.close().await?;
    Ok(found?)
}

/// What would be done until a moment, with its sentence.
///
/// # Errors
/// The database failed.
pub async fn due(keeper: &Keeper, until: Timestamp) -> Result<Vec<DueDuty>, KeeperError> {
    let policy = keeper.policy();
    let mut due: Vec<DueDuty> = keeper
        .duties_until(until)
        .await?
        .into_iter()
        .map(|(duty, held_by)| DueDuty {
            due: duty.due,
            action: duty.action,
            sentence: policy.sentence(&duty.rule).map_or_else(
                || "A date that the site keeps for itself.".into(),
                |sentence| sentence.text.clone(),
            ),
            rule: duty.rule,
            subject: duty.subject.to_string(),
            held_by,
        })
        .collect();
    due.sort_by(|a, b| (&a.rule, a.due).cmp(&(&b.rule, b.due)));
    Ok(due)
}
