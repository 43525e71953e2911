//! `kept check NOTICE`: is this a notice that this version can run?

use std::{io::Write, path::Path};

use kept_keeper::{Policy, Registry, StartError};

use super::{Failed, read};
use crate::site::AREAS;

/// Checks a notice, and prints each problem with its line and column. Says whether it is good.
///
/// # Errors
/// The file cannot be read.
pub fn run(path: &Path, out: &mut impl Write, err: &mut impl Write) -> Result<bool, Failed> {
    let source = read(path)?;
    let name = path.display();
    match Policy::compile(&source, &Registry::new(AREAS)) {
        Ok(policy) => {
            writeln!(
                out,
                "{name}: good. {} sentences, each with its check; version {}",
                policy.sentences.len(),
                policy.version()
            )?;
            Ok(true)
        }
        Err(problems) => {
            complain(path, problems, err)?;
            Ok(false)
        }
    }
}

/// Prints why a notice cannot be run, each problem of its text with its line and column.
pub(super) fn complain(path: &Path, problems: StartError, err: &mut impl Write) -> Result<(), Failed> {
    let name = path.display();
    match problems {
        StartError::Notice(problems) => {
            problems.iter().try_for_each(|problem| writeln!(err, "{name}:{problem}"))?
        }
        other => writeln!(err, "{name}: {other}")?,
    }
    Ok(())
}
