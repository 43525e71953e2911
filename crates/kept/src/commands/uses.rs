//! `kept uses`: who may see what, why, in what form. Generated from the code, judged by the notice.

use std::{io::Write, path::Path};

use kept_keeper::{Policy, Registry, Use, uses};
use kept_notice::terms;

use super::{Failed, compile, read};
use crate::{demo, site::AREAS};

/// Prints every kind of read of a site under a notice, or under the trainers' example.
///
/// # Errors
/// The notice cannot be read or has problems, or the output cannot be written.
pub fn run(notice: Option<&Path>, json: bool, out: &mut impl Write) -> Result<(), Failed> {
    let policy = match notice {
        Some(path) => compile(path, &read(path)?)?,
        None => Policy::compile(demo::TRAINERS, &Registry::new(AREAS))?,
    };
    let uses = uses(&policy);
    if json {
        serde_json::to_writer_pretty(&mut *out, &uses)?;
        writeln!(out)?;
        return Ok(());
    }
    for one in &uses {
        print(one, out)?;
    }
    Ok(())
}

fn print(one: &Use, out: &mut impl Write) -> Result<(), Failed> {
    let mark = if one.off.is_some() { "OFF  " } else { "" };
    writeln!(out, "{mark}{}: {}", one.who, one.says)?;
    let purpose = terms::find(one.purpose).map_or(one.purpose, |term| term.label);
    writeln!(out, "  why    {purpose} ({})", one.purpose)?;
    for seen in &one.sees {
        writeln!(out, "  sees   {} ({})", seen.label, seen.form)?;
    }
    match &one.off {
        Some(reason) => writeln!(out, "  off    {reason}")?,
        None => writeln!(
            out,
            "  under  {}",
            if one.rules.is_empty() { "your own right".into() } else { one.rules.join(", ") }
        )?,
    }
    writeln!(out)?;
    Ok(())
}
