//! A policy: a notice compiled into decisions. Immutable, and pinned to a request for as long as it lasts.

use std::sync::Arc;

use jiff::{Span, Timestamp};
use kept_notice::{Notice, Retain, Sentence, Verdict, due};
use kept_vault::Kind;

use crate::{carry, error::KeeperError, error::StartError, registry::Registry, view::ViewSpec};

/// A notice, its sentences, and what it says of every view of the site.
pub struct Policy {
    /// The notice.
    pub notice: Notice,
    /// Its sentences, one per rule.
    pub sentences: Vec<Sentence>,
    /// Every view, as the notice judges it.
    pub views: Vec<Judged>,
    /// The moment from which it binds; of a notice that is in force nowhere, the beginning of time.
    pub since: Timestamp,
    /// The policy whose place it took.
    pub before: Option<Arc<Policy>>,
    /// Clocks of earlier policies that may still run, because what was promised then was stronger (`ntc-8`).
    pub(crate) older: Vec<Older>,
}

/// A view under a notice.
pub struct Judged {
    /// The view as it is declared.
    pub spec: &'static ViewSpec,
    /// Whether the notice allows it, and by which rules.
    pub verdict: Verdict,
    /// The kinds that a look through it can show, each once; this is what the trail says of one. A kind that the notice does
    /// not name is not among them.
    pub kinds: Vec<Kind>,
}

/// A retention rule of an earlier policy that a later one changed or left out.
#[derive(Clone)]
pub(crate) struct Older {
    /// The rule of duties under it: `retain.lapsed@` and the beginning of the version.
    pub(crate) name: String,
    /// The rule as it was, in the notice that it comes from.
    pub(crate) rule: Retain,
    policy: Arc<Policy>,
}

impl Policy {
    /// Compiles a notice for a site, holding all of its views and sentences against it.
    ///
    /// # Errors
    /// A problem in the text; a view that the site cannot work without and the notice forbids; a sentence that no check
    /// can prove.
    pub fn compile(source: &str, registry: &Registry) -> Result<Policy, StartError> {
        let notice = kept_notice::parse(source, &registry.vocabulary()).map_err(StartError::Notice)?;
        let judge = |spec: &'static ViewSpec| Judged {
            spec,
            verdict: spec.judge(&notice),
            kinds: spec.kinds_under(&notice),
        };
        let views: Vec<_> = registry.views().map(judge).collect();
        for Judged { spec, verdict, .. } in &views {
            if let (true, Verdict::Refused { reason }) = (spec.needed, verdict) {
                return Err(StartError::ViewForbidden {
                    view: spec.name,
                    says: spec.says,
                    reason: reason.clone(),
                });
            }
        }
        let sentences = notice.sentences();
        for sentence in &sentences {
            if !registry.checks().any(|check| check.covers.includes(&sentence.id)) {
                return Err(StartError::NoCheck(sentence.id.clone()));
            }
        }
        Ok(Policy { notice, sentences, views, since: Timestamp::MIN, before: None, older: Vec::new() })
    }

    /// The policy from a moment on, in the place of another.
    pub(crate) fn after(self, before: Option<Arc<Policy>>, since: Timestamp) -> Policy {
        let mut older = Vec::new();
        if let Some(before) = &before {
            older.clone_from(&before.older);
            older.extend(carry::changed(before, &self).into_iter().map(|rule| Older {
                name: older_name(&rule.rule.id, before),
                rule: rule.clone(),
                policy: before.clone(),
            }));
        }
        Policy { since, before, older, ..self }
    }

    /// The notice's version: the hash of its canonical form.
    pub fn version(&self) -> &str {
        &self.notice.version
    }

    /// What the notice says of a view; a view that the policy has never seen is refused.
    pub fn verdict(&self, spec: &ViewSpec) -> Verdict {
        self.judged(spec).map_or_else(
            || Verdict::Refused { reason: "no area lists this view".into() },
            |view| view.verdict.clone(),
        )
    }

    /// The kinds that a look through a view can show.
    pub(crate) fn kinds_shown(&self, spec: &ViewSpec) -> &[Kind] {
        self.judged(spec).map(|view| view.kinds.as_slice()).unwrap_or_default()
    }

    fn judged(&self, spec: &ViewSpec) -> Option<&Judged> {
        self.views.iter().find(|view| view.spec == spec)
    }

    /// The sentence of a rule; of a clock that still runs under an earlier policy, the sentence as it was.
    pub fn sentence(&self, id: &str) -> Option<&Sentence> {
        match self.older(id) {
            Some(older) => older.policy.sentence(&older.rule.rule.id),
            None => self.sentences.iter().find(|sentence| sentence.id == id),
        }
    }

    /// The retention rule of a duty, and the notice whose words it uses.
    pub(crate) fn retain(&self, id: &str) -> Option<(&Notice, &Retain)> {
        match self.older(id) {
            Some(older) => Some((&older.policy.notice, &older.rule)),
            None => Some((&self.notice, self.notice.retain(id)?)),
        }
    }

    fn older(&self, name: &str) -> Option<&Older> {
        self.older.iter().find(|older| older.name == name)
    }

    /// When a clock of this policy that an event began is over, `span` after it. A clock that was begun before the
    /// policy took another's place ends no earlier than that, and leaves time for its longest warning.
    pub(crate) fn end(&self, at: Timestamp, span: &Span, warn: &[Span]) -> Result<Timestamp, KeeperError> {
        let end = due(at, span).map_err(|_| KeeperError::Calendar)?;
        if at >= self.since || self.before.is_none() {
            return Ok(end);
        }
        let warned = warn.iter().map(|lead| due(self.since, lead).map_err(|_| KeeperError::Calendar));
        warned.chain([Ok(self.since)]).try_fold(end, |latest, at| Ok(latest.max(at?)))
    }

    /// Before when a rule's clock must not end, by the most impatient of the policies that it ran under.
    pub(crate) fn floor(&self, id: &str, at: Timestamp) -> Result<Timestamp, KeeperError> {
        let mut floor: Option<Timestamp> = None;
        for policy in self.ran_under(at) {
            let Some(rule) = policy.notice.retain(id) else { continue };
            let end = due(at, &rule.after.unwrap_or_default()).map_err(|_| KeeperError::Calendar)?;
            floor = Some(floor.map_or(end, |known| known.min(end)));
        }
        Ok(floor.unwrap_or(at))
    }

    /// The policies that were in force at a moment or since, this one first.
    pub(crate) fn ran_under(&self, at: Timestamp) -> impl Iterator<Item = &Policy> {
        std::iter::successors(Some(self), move |policy| {
            policy.before.as_deref().filter(|_| policy.since > at)
        })
    }
}

/// The rule of duties that stay under an earlier policy.
pub(crate) fn older_name(rule: &str, policy: &Policy) -> String {
    let version: String = policy.version().chars().take(12).collect();
    format!("{rule}@{version}")
}

/// The rule of a notice behind a duty's rule: `retain.lapsed` of `retain.lapsed@0123456789ab`.
pub(crate) fn rule_of(name: &str) -> &str {
    name.split_once('@').map_or(name, |(rule, _)| rule)
}
