//! The documents that somebody has handed in: each has its own clock, from the day on which it was handed in and then from
//! that of its decision (`acc-2`).

use jiff::Timestamp;
use kept_notice::Notice;
use kept_vault::Kind;

use super::{
    SimulateError,
    person::{end_of, erases},
};

/// Somebody's documents.
#[derive(Default)]
pub(super) struct Papers(Vec<Paper>);

struct Paper {
    /// The number that the site's addresses name it by.
    number: String,
    sent: Timestamp,
    decided: Option<Timestamp>,
}

impl Papers {
    pub(super) fn hand_in(&mut self, number: &str, now: Timestamp) {
        self.0.push(Paper { number: number.to_owned(), sent: now, decided: None });
    }

    /// The one that waits for a decision the longest.
    pub(super) fn waiting(&self) -> Option<&str> {
        self.0.iter().find(|paper| paper.decided.is_none()).map(|paper| paper.number.as_str())
    }

    /// It was decided on.
    pub(super) fn decide(&mut self, number: &str, now: Timestamp) {
        if let Some(paper) = self.0.iter_mut().find(|paper| paper.number == number) {
            paper.decided = Some(now);
        }
    }

    /// Every date that lies before them.
    pub(super) fn ends(&self, notice: &Notice) -> Result<Vec<Timestamp>, SimulateError> {
        let mut ends = Vec::new();
        for paper in &self.0 {
            ends.extend(paper.end(notice)?);
        }
        Ok(ends)
    }

    /// Takes away those whose time is over.
    pub(super) fn settle(&mut self, notice: &Notice, now: Timestamp) -> Result<(), SimulateError> {
        let mut left = Vec::new();
        for paper in self.0.drain(..) {
            if paper.end(notice)?.is_none_or(|end| end > now) {
                left.push(paper);
            }
        }
        self.0 = left;
        Ok(())
    }

    /// All of them go with the person.
    pub(super) fn erase(&mut self) {
        self.0.clear();
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Paper {
    /// When the notice has it erased, the earliest of its clocks.
    fn end(&self, notice: &Notice) -> Result<Option<Timestamp>, SimulateError> {
        let at = |event: &str| match event {
            "document.sent" => Some(self.sent),
            "document.decided" => self.decided,
            _ => None,
        };
        let mut first: Option<Timestamp> = None;
        for rule in notice.retains.iter().filter(|rule| erases(notice, rule, Kind::PERSONAL_DOCUMENTS)) {
            let Some(began) = at(&rule.when) else { continue };
            let stopped = rule.unless.as_deref().and_then(at);
            let end = end_of(rule, began, stopped.as_ref())?;
            first = first.into_iter().chain(end).min();
        }
        Ok(first)
    }
}
