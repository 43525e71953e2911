//! What the simulation knows of a person by itself: what they gave, what happened to them, and what the notice therefore
//! says of them. It is worked out from the notice and never from the kernel, so that the two can be held against each other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Span, Timestamp};
use kept_keeper::Deed;
use kept_notice::{Hold, HoldEnd, Notice, Retain, RetainAction, due};
use kept_vault::{Kind, SubjectId};

use super::{SimulateError, papers::Papers, seat::Seat};
use crate::demo::PASSWORD;

/// After how many days nobody comes back to where they had signed in.
const FORGOTTEN: i64 = 60;

/// Somebody in a simulation.
pub(super) struct Person {
    pub(super) subject: SubjectId,
    /// Which invented person it is; who comes back after an erasure is the same person with a new subject.
    pub(super) number: u32,
    /// When the membership ends or ended, where there are memberships; nothing while the address is not confirmed.
    pub(super) expires: Option<Timestamp>,
    /// The member id, once they have read it on a page.
    pub(super) member_id: Option<String>,
    /// Who they were here before.
    pub(super) former: Option<usize>,
    /// Whether they are here again as somebody else, with the same address.
    pub(super) came_back: bool,
    /// Whether the account was switched off when it was last looked at.
    pub(super) off: bool,
    /// The password that they have, if it works.
    pub(super) password: Option<&'static str>,
    /// Where they have signed in.
    pub(super) seats: Vec<Seat>,
    pub(super) papers: Papers,
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
            member_id: None,
            former: None,
            came_back: false,
            off: false,
            password: Some(PASSWORD),
            seats: Vec::new(),
            papers: Papers::default(),
            events: BTreeMap::new(),
            given: BTreeSet::from([Kind::TRAIL, Kind::ACCOUNT]),
            gone: BTreeSet::new(),
            trail: Vec::new(),
        }
    }

    /// Something happened to them, at a moment that has come just now.
    pub(super) fn happened(&mut self, event: &'static str, at: Timestamp) {
        self.events.insert(event, at);
        self.did(at, Deed::Happened, event);
    }

    /// Something was done that must be on their trail.
    pub(super) fn did(&mut self, at: Timestamp, deed: Deed, what: &'static str) {
        self.trail.push((at, deed, what));
    }

    /// What the site is to have done by itself, some time after its moment.
    pub(super) fn came_about(&mut self, event: &'static str, at: Timestamp) {
        self.events.insert(event, at);
    }

    /// They gave something, perhaps anew.
    pub(super) fn gave(&mut self, kinds: &[Kind]) {
        for kind in kinds {
            self.given.insert(*kind);
            self.gone.remove(kind);
        }
    }

    /// They took something back: it is gone until they give it anew.
    pub(super) fn took_back(&mut self, kind: Kind) {
        self.gone.insert(kind);
    }

    /// Whether the address is known to be theirs.
    pub(super) fn is_confirmed(&self) -> bool {
        self.events.contains_key("sign-up.confirmed") || self.events.contains_key("account.imported")
    }

    /// Whether something of a kind of theirs is still here.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.given.contains(&kind) && !self.gone.contains(&kind)
    }

    /// Whether they have confirmed their address, and we still know who they are.
    pub(super) fn is_known(&self) -> bool {
        self.is_confirmed() && !self.gone.contains(&Kind::NAME)
    }

    /// Whether a membership of theirs runs.
    pub(super) fn is_member(&self, now: Timestamp) -> bool {
        self.is_known() && self.expires.is_some_and(|end| end > now)
    }

    /// Whether the last of these events came after the last of those.
    fn is_since(&self, event: &str, other: &str) -> bool {
        self.events.get(event) > self.events.get(other)
    }

    /// Whether they have asked to close the account, and not taken it back.
    pub(super) fn is_closing(&self) -> bool {
        self.is_since("account.closing", "account.kept")
    }

    /// Whether they have closed the account at once: the desk does not open it again.
    pub(super) fn is_closed(&self) -> bool {
        self.events.contains_key("account.closed")
    }

    /// Whether they let the account rest.
    pub(super) fn rests(&self) -> bool {
        self.is_since("account.deactivated", "account.reactivated")
    }

    /// How their account stands, in the word that the site has for it, and the rule to which it comes down.
    pub(super) fn standing<'n>(
        &self,
        notice: &'n Notice,
        now: Timestamp,
    ) -> Result<(&'static str, Option<&'n Retain>), SimulateError> {
        let off = self.disabled_by(notice, now)?;
        Ok(match off {
            _ if !self.is_confirmed() => ("pending", None),
            _ if self.is_closed() => ("closed", None),
            Some(_) => ("disabled", off),
            None if self.rests() => ("deactivated", None),
            None => ("open", None),
        })
    }

    /// Whether they can use the site, if they sign in.
    pub(super) fn can_use(&self, notice: &Notice, now: Timestamp) -> Result<bool, SimulateError> {
        let gets_in = self.password.is_some() && !self.gone.contains(&Kind::PASSWORD);
        Ok(self.is_known() && gets_in && self.standing(notice, now)?.0 == "open")
    }

    /// Whether one of their dates has come since the last night: what it changes is done in the night to come.
    pub(super) fn is_between_nights(
        &self,
        notice: &Notice,
        (last, now): (Timestamp, Timestamp),
    ) -> Result<bool, SimulateError> {
        Ok(self.ends(notice)?.into_iter().chain(self.expires).any(|end| last < end && end <= now))
    }

    /// Whether a dispute runs.
    pub(super) fn disputes(&self) -> bool {
        self.is_since("dispute.opened", "dispute.settled")
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
        ends.extend(self.papers.ends(notice)?);
        Ok(ends)
    }

    /// What the night does: it takes away what the notice lets nobody keep any longer, and ends what is over.
    pub(super) fn settle(&mut self, notice: &Notice, now: Timestamp) -> Result<(), SimulateError> {
        for kind in self.given.clone() {
            if self.is_erased(notice, kind, now)? {
                self.gone.insert(kind);
            }
        }
        self.papers.settle(notice, now)?;
        if self.is_erased(notice, Kind::PERSONAL_DOCUMENTS, now)? {
            self.papers.erase();
        }
        if self.gone.contains(&Kind::MEMBERSHIP) {
            self.expires = None;
        }
        let off = self.standing(notice, now)?.0 == "disabled";
        let was_off = std::mem::replace(&mut self.off, off);
        if off && !was_off || self.is_erased(notice, Kind::AUTHENTICATION_HISTORY, now)? {
            self.seats.iter_mut().for_each(Seat::end);
        }
        let lately = after(now, &Span::new().days(-FORGOTTEN))?;
        self.seats.retain(|seat| seat.opened > lately);
        Ok(())
    }

    fn is_erased(&self, notice: &Notice, kind: Kind, now: Timestamp) -> Result<bool, SimulateError> {
        Ok(self.erased_by(notice, kind, now)?.is_some() && self.held_by(notice, kind, now)?.is_none())
    }

    /// Whether nothing of them is left.
    pub(super) fn is_gone(&self) -> bool {
        self.given.is_subset(&self.gone) && self.papers.is_empty()
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
            if self.stands(hold, now)? {
                return Ok(Some(hold));
            }
        }
        Ok(None)
    }

    /// Whether any hold of theirs stands.
    pub(super) fn is_held(&self, notice: &Notice, now: Timestamp) -> Result<bool, SimulateError> {
        for hold in &notice.holds {
            if self.stands(hold, now)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn stands(&self, hold: &Hold, now: Timestamp) -> Result<bool, SimulateError> {
        let Some(from) = self.events.get(hold.from.as_str()) else { return Ok(false) };
        Ok(match &hold.end {
            HoldEnd::Until(event) => self.events.get(event.as_str()).is_none_or(|until| until < from),
            HoldEnd::Lasts(span) => after(*from, span)? > now,
        })
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
        end_of(rule, *at, rule.unless.as_deref().and_then(|event| self.events.get(event)))
    }
}

/// When a rule's time is over that began at a moment, unless something has stopped it since.
pub(super) fn end_of(
    rule: &Retain,
    began: Timestamp,
    stopped: Option<&Timestamp>,
) -> Result<Option<Timestamp>, SimulateError> {
    if stopped.is_some_and(|stopped| *stopped >= began) {
        return Ok(None);
    }
    after(began, &rule.after.unwrap_or_default()).map(Some)
}

/// Whether a notice knows a kind of data.
pub(super) fn knows(notice: &Notice, kind: Kind) -> bool {
    notice.label_of(kind.term()).is_some()
}

/// Whether a notice counts from an event until something is erased.
pub(super) fn counts_from(notice: &Notice, event: &str) -> bool {
    notice.retains.iter().any(|rule| rule.when == event)
}

/// Whether a rule erases a kind of data.
pub(super) fn erases(notice: &Notice, rule: &Retain, kind: Kind) -> bool {
    notice.erased_by(rule).any(|term| term == kind.term())
}

pub(super) fn after(at: Timestamp, span: &Span) -> Result<Timestamp, SimulateError> {
    due(at, span).map_err(|_| SimulateError::Calendar)
}
