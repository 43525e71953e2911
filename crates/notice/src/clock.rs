//! The clocks and holds that an event starts or ends.

use jiff::Span;

use crate::notice::{Hold, HoldEnd, Notice, Retain, RetainAction};

/// What is to happen after an event, by one rule.
#[derive(Clone, Debug)]
pub struct Clock<'n> {
    /// The rule's id: `retain.lapsed`.
    pub rule: &'n str,
    /// Not before this long after the event; zero when it is due at once.
    pub after: Span,
    /// Not later than this long after the event, where the rule says so.
    pub within: Option<Span>,
    /// The event that stops the clock, if it comes before the end.
    pub unless: Option<&'n str>,
    /// How long before the end the person is told the date.
    pub warn: &'n [Span],
    /// What happens.
    pub action: Action,
}

/// What a clock does at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Erase the person's data of these terms.
    Erase(Vec<&'static str>),
    /// Disable the person's account.
    Disable,
}

impl Retain {
    /// The labels that it erases; `None` where it does something else.
    pub fn erased(&self) -> Option<&[String]> {
        match &self.action {
            RetainAction::Erase { labels } => Some(labels),
            RetainAction::Disable => None,
        }
    }

    /// Whether it erases what this label holds.
    pub fn erases(&self, label: &str) -> bool {
        self.erased().is_some_and(|labels| labels.iter().any(|erased| erased == label))
    }
}

impl Notice {
    /// The rules that erase from this event on, in the order written.
    pub fn erased_from(&self, event: &str) -> impl Iterator<Item = &Retain> {
        self.retains.iter().filter(move |rule| rule.when == event && rule.erased().is_some())
    }

    /// The terms of what a rule erases; none where it does something else.
    pub fn erased_by(&self, rule: &Retain) -> impl Iterator<Item = &'static str> {
        rule.erased().unwrap_or_default().iter().flat_map(|label| self.kinds_of(label))
    }

    /// The clocks this event starts, in the order written. Where two end the same kind of data, the earlier one wins.
    pub fn clocks(&self, event: &str) -> Vec<Clock<'_>> {
        self.retains.iter().filter(|rule| rule.when == event).map(|rule| self.clock(rule)).collect()
    }

    /// The holds this event starts.
    pub fn holds_from(&self, event: &str) -> Vec<&Hold> {
        self.holds.iter().filter(|hold| hold.from == event).collect()
    }

    /// The holds this event ends.
    pub fn holds_until(&self, event: &str) -> Vec<&Hold> {
        self.holds
            .iter()
            .filter(|hold| matches!(&hold.end, HoldEnd::Until(until) if until == event))
            .collect()
    }

    /// The hold with this name.
    pub fn hold(&self, name: &str) -> Option<&Hold> {
        self.holds.iter().find(|hold| hold.name == name)
    }

    fn clock<'n>(&'n self, rule: &'n Retain) -> Clock<'n> {
        let action = match &rule.action {
            RetainAction::Erase { .. } => Action::Erase(self.erased_by(rule).collect()),
            RetainAction::Disable => Action::Disable,
        };
        Clock {
            rule: &rule.rule.id,
            after: rule.after.unwrap_or_default(),
            within: rule.within,
            unless: rule.unless.as_deref(),
            warn: &rule.warn,
            action,
        }
    }
}
