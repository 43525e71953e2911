//! What the simulation knows of a person by itself: what they gave, what happened to them, and what the notice therefore
//! says of them. It is worked out from the notice and never from the kernel, so that the two can be held against each other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Span, Timestamp};
use kept_keeper::Deed;
use kept_notice::{Hold, HoldEnd, Notice, Retain, RetainAction, due};
use kept_vault::{Kind, SubjectId};

use super::SimulateError;

/// Somebody in a simulation.
pub(super) struct Person {
    pub(super) subject: SubjectId,
    /// Which invented person it is; who comes back after an erasure is the same person with a new subject.
    pub(super) number: u32,
    /// When the membership ends or ended; nothing while the address is not confirmed.
    pub(super) expires: Option<Timestamp>,
    /// What has happened to them last, by the notice's names.
    pub(super) events: BTreeMap<&'static str, Timestamp>,
    /// What they gave and what came of it.
    pub(super) given: BTreeSet<Kind>,
    /// What of it has been erased by now.
    pub(super) gone: BTreeSet<Kind>,
    /// What must be on their trail.
    pub(super) trail: Vec<(Timestamp, Deed, &'static str)>,
}

impl Person {
    pub(super) fn new(subject: SubjectId, number: u32) -> Person {
        Person {
            subject,
            number,
            expires: None,
            events: BTreeMap::new(),
            given: BTreeSet::from([Kind::TRAIL, Kind::MEMBERSHIP]),
            gone: BTreeSet::new(),
            trail: Vec::new(),
        }
    }

    /// Something happened to them.
    pub(super) fn happened(&mut self, event: &'static str, at: Timestamp) {
        self.events.insert(event, at);
    }

    /// They gave something, perhaps anew.
    pub(super) fn gave(&mut self, kinds: &[Kind]) {
        for kind in kinds {
            self.given.insert(*kind);
            self.gone.remove(kind);
        }
    }

    /// Whether they have confirmed their address, and we still know who they are.
    pub(super) fn is_known(&self) -> bool {
        self.expires.is_some() && !self.gone.contains(&Kind::NAME)
    }

    /// Whether they can use the site.
    pub(super) fn is_member(&self, now: Timestamp) -> bool {
        self.is_known() && self.expires.is_some_and(|end| end > now)
    }

    /// Whether a dispute runs.
    pub(super) fn disputes(&self) -> bool {
        let at = |event| self.events.get(event);
        at("dispute.opened") > at("dispute.settled")
    }

    /// Every moment at which a clock or a hold of the notice ends for them.
    pub(super) fn ends(&self, notice: &Notice) -> Result<Vec<Timestamp>, SimulateError> {
        let mut ends = Vec::new();
        for rule in &notice.retains {
            ends.extend(self.end(rule)?);
        }
        for hold in &notice.holds {
            if let (HoldEnd::Lasts(span), Some(from)) = (&hold.end, self.events.get(hold.from.as_str())) {
                ends.push(after(*from, span)?);
            }
        }
        Ok(ends)
    }

    /// Takes away what the notice lets nobody keep any longer.
    pub(super) fn erase_what_is_due(&mut self, notice: &Notice, now: Timestamp) -> Result<(), SimulateError> {
        for kind in self.given.clone() {
            if self.erased_by(notice, kind, now)?.is_some() && self.held_by(notice, kind, now)?.is_none() {
                self.gone.insert(kind);
            }
        }
        Ok(())
    }

    /// The rule whose end has come for a kind of their data.
    pub(super) fn erased_by<'n>(
        &self,
        notice: &'n Notice,
        kind: Kind,
        now: Timestamp,
    ) -> Result<Option<&'n Retain>, SimulateError> {
        for rule in notice.retains.iter().filter(|rule| erases(notice, rule, kind)) {
            if self.end(rule)?.is_some_and(|end| end <= now) {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    /// The hold that keeps a kind of their data now.
    pub(super) fn held_by<'n>(
        &self,
        notice: &'n Notice,
        kind: Kind,
        now: Timestamp,
    ) -> Result<Option<&'n Hold>, SimulateError> {
        for hold in notice.holds.iter().filter(|hold| hold.covers(kind.term())) {
            let Some(from) = self.events.get(hold.from.as_str()) else { continue };
            let over = match &hold.end {
                HoldEnd::Until(event) => self.events.get(event.as_str()).is_some_and(|until| until >= from),
                HoldEnd::Lasts(span) => after(*from, span)? <= now,
            };
            if !over {
                return Ok(Some(hold));
            }
        }
        Ok(None)
    }

    /// The rule that has switched their account off.
    pub(super) fn disabled_by<'n>(
        &self,
        notice: &'n Notice,
        now: Timestamp,
    ) -> Result<Option<&'n Retain>, SimulateError> {
        if self.expires.is_none_or(|end| end > now) {
            return Ok(None);
        }
        for rule in notice.retains.iter().filter(|rule| matches!(rule.action, RetainAction::Disable)) {
            if self.end(rule)?.is_some_and(|end| end <= now) {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    /// When a rule's time is over for them, if its clock runs.
    fn end(&self, rule: &Retain) -> Result<Option<Timestamp>, SimulateError> {
        let Some(at) = self.events.get(rule.when.as_str()) else { return Ok(None) };
        let stopped = rule.unless.as_deref().and_then(|event| self.events.get(event));
        if stopped.is_some_and(|stopped| stopped >= at) {
            return Ok(None);
        }
        after(*at, &rule.after.unwrap_or_default()).map(Some)
    }
}

/// Whether a rule erases a kind of a person, and not only of single letters.
pub(super) fn erases(notice: &Notice, rule: &Retain, kind: Kind) -> bool {
    let RetainAction::Erase { labels } = &rule.action else { return false };
    labels.iter().flat_map(|label| notice.kinds_of(label)).any(|term| term == kind.term())
}

pub(super) fn after(at: Timestamp, span: &Span) -> Result<Timestamp, SimulateError> {
    due(at, span).map_err(|_| SimulateError::Calendar)
}
