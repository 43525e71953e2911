//! Where somebody goes once they have signed in: to the page that they had asked for, such as that of a letter's link.

use axum::http::{Method, request::Parts};
use kept_web::{form::Fields, paths};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// The page that was asked for: in the query of the sign-in page, and in a hidden field of its form.
#[derive(Default, Deserialize)]
pub(crate) struct Onward {
    to: Option<String>,
}

impl Onward {
    /// What a request asks for. What is sent is not sent again by itself, and the account is where everybody goes.
    pub(crate) fn of(parts: &Parts) -> Onward {
        let to = parts.uri.path();
        Onward { to: (parts.method == Method::GET && to != paths::ACCOUNT).then(|| to.to_owned()) }
    }

    /// What a form brought along.
    pub(crate) fn sent(fields: &Fields) -> Onward {
        Onward { to: fields.get("to").map(str::to_owned) }
    }

    /// The address of a step of signing in, which remembers the page.
    pub(crate) fn through(&self, step: &str) -> String {
        match self.wanted() {
            Some(to) => format!("{step}?to={}", utf8_percent_encode(to, NON_ALPHANUMERIC)),
            None => step.to_owned(),
        }
    }

    /// The page to go to: one of this site's own, whatever somebody wrote into a link.
    pub(crate) fn page(&self) -> &str {
        self.wanted().unwrap_or(paths::ACCOUNT)
    }

    /// For the hidden field; empty if there is nothing to remember.
    pub(crate) fn field(&self) -> &str {
        self.wanted().unwrap_or_default()
    }

    fn wanted(&self) -> Option<&str> {
        self.to.as_deref().filter(|to| paths::is_own(to))
    }
}
