//! A browser in which somebody has signed in, and for how long the notice says that it knows them: after so long without a
//! page, and at the latest so long after the sign-in, they are asked again who they are (`acc-4`, `acc-5`, `acc-6`, `acc-7`).

use jiff::{Span, Timestamp};
use kept_notice::{Carrier, Notice};

use super::{SimulateError, browser::Browser, person::after};

/// How many hours a session lasts at most where the notice does not say.
const MOST_HOURS: i64 = 12;

/// Where somebody has signed in.
pub(super) struct Seat {
    pub(super) browser: Browser,
    /// When they sat down: what it is known by.
    pub(super) opened: Timestamp,
    began: Timestamp,
    used: Timestamp,
    over: bool,
    /// Until when the browser is known again without a sign-in, if it is.
    known_until: Option<Timestamp>,
}

impl Seat {
    /// They have signed in just now, and perhaps asked to be known again.
    pub(super) fn new(
        browser: Browser,
        notice: &Notice,
        now: Timestamp,
        asked: bool,
    ) -> Result<Seat, SimulateError> {
        let known_until = match notice.session.carrier {
            Carrier::Remember { lasts } if asked => Some(after(now, &lasts)?),
            _ => None,
        };
        Ok(Seat { browser, opened: now, began: now, used: now, over: false, known_until })
    }

    /// Whether they are still known here.
    pub(super) fn is_open(&self, notice: &Notice, now: Timestamp) -> Result<bool, SimulateError> {
        let longest = match notice.session.carrier {
            Carrier::Cookie { lasts: Some(lasts) } | Carrier::Address { lasts: Some(lasts) } => lasts,
            Carrier::Cookie { lasts: None } | Carrier::Address { lasts: None } | Carrier::Remember { .. } => {
                Span::new().hours(MOST_HOURS)
            }
        };
        let end = after(self.used, &notice.session.idle)?.min(after(self.began, &longest)?);
        Ok(!self.over && end > now)
    }

    /// Whether they are known again by their device.
    pub(super) fn is_known(&self, now: Timestamp) -> bool {
        self.known_until.is_some_and(|end| end > now)
    }

    /// A page was opened.
    pub(super) fn used(&mut self, now: Timestamp) {
        self.used = now;
    }

    /// They were known again, and a new session has begun.
    pub(super) fn begins_anew(&mut self, now: Timestamp) {
        (self.began, self.used, self.over) = (now, now, false);
    }

    /// It is over, for good.
    pub(super) fn end(&mut self) {
        (self.over, self.known_until) = (true, None);
    }

    /// The session goes on, and the browser is not known again after it.
    pub(super) fn forget(&mut self) {
        self.known_until = None;
    }
}
