//! Proving the notice: every sentence has a check, and what a check finds is evidence.

mod change;
mod ground;
mod origin;
mod reads;
mod report;
mod retain;
mod rules;
mod sample;
mod written;

use jiff::Timestamp;
use kept_notice::Sentence;
use kept_store::Read;
use kept_vault::SubjectId;
use serde::Serialize;

pub(crate) use self::ground::Ground;
use self::{
    ground::Deeds,
    sample::{Lately, Sample},
};
pub use self::{
    reads::StaffLook,
    report::{LedgerRef, NoticeRef, Promise, Report},
    written::Written,
};

use crate::{
    error::KeeperError, keeper::House, policy::Policy, registry::Registry, sealed::Vault, trail::Event,
};

/// How one or more sentences are proven.
#[derive(Clone, Copy)]
pub struct Check {
    /// The sentences that it proves.
    pub covers: Covers,
    /// By what kind of proof.
    pub proof: Proof,
    /// Looks, and says what it found.
    pub run: fn(&Inspect<'_, '_>) -> Result<Finding, KeeperError>,
}

/// Which sentences a check proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// Every rule of a section: `retain`.
    Section(&'static str),
    /// One rule, besides any check of its section: `never.track`.
    Rule(&'static str),
}

impl Covers {
    /// Whether the rule with this id is covered.
    pub fn includes(self, id: &str) -> bool {
        match self {
            Covers::Section(section) => {
                id.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            Covers::Rule(rule) => id == rule,
        }
    }
}

/// A kind of proof, printed beside every promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// No code path, type or schema can do otherwise.
    Construction,
    /// The ledger shows that it happened.
    Event,
    /// The server tests itself.
    Probe,
    /// A named role states it.
    Attested,
}

/// How a promise stands. The words are DPV's rule fulfilment, in plain English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is being kept.
    Kept,
    /// There has been nothing to do yet.
    NotDue,
    /// It is broken: the detail says how.
    Broken,
    /// A person states it.
    Stated,
    /// The notice does not yet apply.
    NotInForce,
}

impl Status {
    /// The word of the board and of the JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Status::Kept => "kept",
            Status::NotDue => "not-due",
            Status::Broken => "broken",
            Status::Stated => "stated",
            Status::NotInForce => "not-in-force",
        }
    }

    fn parse(word: &str) -> Option<Status> {
        [Status::Kept, Status::NotDue, Status::Broken, Status::Stated, Status::NotInForce]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How the promise stands.
    pub status: Status,
    /// How many cases were looked at, in the detail's terms.
    pub count: i64,
    /// The oldest case that is still open.
    pub oldest: Option<Timestamp>,
    /// The finding in words, without personal data.
    pub detail: String,
}

impl Finding {
    /// Kept, with a count and words.
    pub fn kept(count: i64, detail: impl Into<String>) -> Finding {
        Finding { status: Status::Kept, count, oldest: None, detail: detail.into() }
    }

    /// Broken, with how many cases break it.
    pub fn broken(count: i64, detail: impl Into<String>) -> Finding {
        Finding { status: Status::Broken, count, oldest: None, detail: detail.into() }
    }

    /// Nothing to do yet.
    pub fn not_due(detail: impl Into<String>) -> Finding {
        Finding { status: Status::NotDue, count: 0, oldest: None, detail: detail.into() }
    }
}

/// What a check may look at.
pub struct Inspect<'a, 'c> {
    /// One snapshot of the database.
    pub read: &'a Read<'c>,
    /// The moment of the check.
    pub now: Timestamp,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The sentence to prove.
    pub sentence: &'a Sentence,
    house: &'a House,
    /// What the run before has covered, and this one.
    before: &'a Ground,
    ground: &'a Ground,
    sample: &'a Sample,
}

impl Inspect<'_, '_> {
    /// The areas of the site.
    pub fn registry(&self) -> &Registry {
        &self.house.registry
    }

    /// Some people of whom something is held, for a check that opens what it proves: others at every run.
    pub fn people(&self) -> &[SubjectId] {
        self.sample.people()
    }

    /// What was done lately with these people's data, from their own trails; nothing if one does not open.
    ///
    /// # Errors
    /// The database failed.
    fn lately(&self) -> Result<Option<&[Lately]>, KeeperError> {
        self.sample.lately(self.house, self.read)
    }

    /// The same, of all of them together; trails that do not open are for the check of access.
    fn events(&self) -> Result<impl Iterator<Item = &Event> + Clone, KeeperError> {
        Ok(self.lately()?.unwrap_or_default().iter().flat_map(|lately| &lately.events))
    }

    /// What was done under the sentence's rule.
    fn deeds(&self) -> Deeds {
        self.ground.deeds(&self.sentence.id)
    }

    /// Whether this run reads everything, or goes on from an earlier one.
    pub fn reads_everything(&self) -> bool {
        self.before.at.is_none()
    }

    /// The moment of the run before, if this one goes on from there.
    fn since(&self) -> Option<Timestamp> {
        self.before.at
    }

    fn vault(&self) -> Vault<'_> {
        Vault { ring: &self.house.ring }
    }

    /// The rule's name without its section: `lapsed` of `retain.lapsed`.
    pub fn name(&self) -> &str {
        self.sentence.id.split_once('.').map_or(self.sentence.id.as_str(), |(_, name)| name)
    }

    /// The single number that a query counts.
    ///
    /// # Errors
    /// The database failed.
    pub fn count(&self, sql: &str, params: &[kept_store::Value]) -> Result<i64, KeeperError> {
        Ok(self.read.query_one(sql, params)?.get(0)?)
    }
}

/// The kernel's own checks.
pub(crate) const CHECKS: &[Check] = &[
    Check { covers: Covers::Section("retain"), proof: Proof::Event, run: retain::check },
    Check { covers: Covers::Section("hold"), proof: Proof::Event, run: rules::hold },
    Check { covers: Covers::Section("form"), proof: Proof::Construction, run: rules::form },
    Check { covers: Covers::Section("source"), proof: Proof::Construction, run: origin::source },
    Check { covers: Covers::Section("purpose"), proof: Proof::Construction, run: reads::purpose },
    Check { covers: Covers::Section("role"), proof: Proof::Construction, run: reads::role },
    Check { covers: Covers::Rule("right.access"), proof: Proof::Probe, run: rules::access },
    Check { covers: Covers::Rule("notice"), proof: Proof::Probe, run: change::published },
    Check { covers: Covers::Rule("notice.change"), proof: Proof::Event, run: change::change },
    Check { covers: Covers::Rule("never.store-in-clear"), proof: Proof::Probe, run: rules::sealed },
    Check {
        covers: Covers::Rule("never.collect-elsewhere"),
        proof: Proof::Construction,
        run: origin::elsewhere,
    },
];
