//! `kept prove`: runs the check of every sentence now, here or in the running server.

use std::io::Write;

use kept_keeper::Report;
use serde_json::Value as Json;

use super::{Failed, Place, open};
use crate::control;

/// Proves, prints, and says whether nothing is broken.
///
/// # Errors
/// The site cannot be opened, or its server does not answer.
pub async fn run(place: &Place, json: bool, out: &mut impl Write) -> Result<bool, Failed> {
    let report = report(place).await?;
    if json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        print(&report, out)?;
    }
    Ok(!promises(&report).any(|promise| text(promise, "status") == "broken"))
}

async fn report(place: &Place) -> Result<Json, Failed> {
    let asked = control::ask(&place.folder, "prove");
    if let Some(answer) = asked.map_err(|cause| Failed::Server(cause.to_string()))? {
        return match serde_json::from_str(&answer)? {
            control::Answer::Ok(report) => Ok(report),
            control::Answer::Failed(cause) => Err(Failed::Server(cause)),
        };
    }
    let keeper = open(place).await?;
    let report: Result<Report, _> = keeper.prove().await;
    keeper.close().await?;
    Ok(serde_json::to_value(report?)?)
}

fn print(report: &Json, out: &mut impl Write) -> Result<(), Failed> {
    for promise in promises(report) {
        writeln!(out, "{:<12} {}", text(promise, "status"), text(promise, "sentence"))?;
        writeln!(
            out,
            "             {} · {} · {}",
            text(promise, "id"),
            text(promise, "proof"),
            text(promise, "detail")
        )?;
    }
    let count = |status: &str| promises(report).filter(|promise| text(promise, "status") == status).count();
    writeln!(
        out,
        "\n{} kept, {} not due, {} stated, {} broken",
        count("kept"),
        count("not-due"),
        count("stated"),
        count("broken")
    )?;
    Ok(())
}

fn promises(report: &Json) -> impl Iterator<Item = &Json> {
    report.get("promises").and_then(Json::as_array).into_iter().flatten()
}

fn text<'j>(promise: &'j Json, field: &str) -> &'j str {
    promise.get(field).and_then(Json::as_str).unwrap_or_default()
}
