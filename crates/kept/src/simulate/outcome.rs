//! What is to be simulated, and what came of it.

use std::{io, path::Path};

use jiff::{Span, civil::Date};
use kept_accounts::password::HashFailed;
use kept_keeper::{Area, KeeperError, StartError};
use serde::Serialize;

use super::story::Story;

/// What is to be simulated.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// The notice, as written.
    pub notice: &'a str,
    /// The parts of the organisation.
    pub areas: &'a [Area],
    /// How long, from the day on which the notice takes effect.
    pub span: Span,
    /// How many people sign up in that time; some of them more than once.
    pub people: u32,
    /// Where all chance comes from.
    pub seed: u64,
    /// Where the site's folder is made, which is gone afterwards. In memory it is several times faster than on a disk that
    /// must sync, and nothing is lost: a crash here is of the machine, as the folder lies.
    pub place: &'a Path,
}

/// Why a simulation could not be run. A broken promise is an outcome, and none of these.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The site could not be opened under the notice.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The kernel failed.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The folder of the simulation could not be used.
    #[error("the simulation's folder cannot be used")]
    Io(#[from] io::Error),
    /// A password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashFailed),
    /// A page could not be asked for.
    #[error("a page of the simulated site could not be asked for")]
    Asked(#[from] axum::http::Error),
    /// An answer could not be read.
    #[error("a page of the simulated site could not be read")]
    Answered(#[from] axum::Error),
    /// A date is beyond the calendar.
    #[error("the years lead out of the calendar: choose fewer")]
    Calendar,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// What was lived through.
    pub tally: Tally,
    /// The first promise that broke, if one did.
    pub broken: Option<Broken>,
    /// How it went, week by week.
    #[serde(skip)]
    pub weeks: Vec<Week>,
}

/// What was lived through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Days.
    pub days: i64,
    /// People who signed up.
    pub people: usize,
    /// What people and staff did.
    pub acts: u64,
    /// What the clocks did.
    pub duties: usize,
    /// How often something was erased.
    pub erasures: i64,
    /// How often the machine died.
    pub crashes: u32,
    /// Erasures that had begun when it died, and were gone on with.
    pub resumed: i64,
    /// How often a brake came on, and an owner looked and confirmed.
    pub brakes: u32,
    /// Sentences proven.
    pub proofs: usize,
    /// Events in the ledger.
    pub events: u64,
    /// The ledger's root, in base64.
    pub root: String,
}

/// How things stood at the end of a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// The day.
    pub on: Date,
    /// People with an account in use, or not yet confirmed.
    pub open: i64,
    /// People whose membership has ended, whose account rests or is to be closed, and of whom it is still known who they are.
    pub ended: i64,
    /// People of whom it is no longer known who they are.
    pub erased: i64,
    /// What the clocks have done until then.
    pub duties: i64,
    /// How often something has been erased until then.
    pub erasures: i64,
}

/// A promise that broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The day at whose end it was found.
    pub day: Date,
    /// The rule, where one is concerned.
    pub rule: Option<String>,
    /// Its sentence.
    pub sentence: Option<String>,
    /// What was found.
    pub finding: String,
    /// The history of somebody concerned.
    pub person: Option<Story>,
}

/// What is wrong, under which rule.
pub(super) struct Finding {
    pub(super) rule: Option<String>,
    pub(super) text: String,
}

impl Finding {
    pub(super) fn new(rule: Option<&str>, text: &str) -> Finding {
        Finding { rule: rule.map(Into::into), text: text.into() }
    }
}
