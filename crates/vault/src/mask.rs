//! Masks: how much of a value a view shows.

use std::fmt;

/// Stands for what is not shown. Always as long, so that it tells no length.
const HIDDEN: &str = "••••";

/// How much of a value is shown.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Mask {
    /// All of it.
    Whole,
    /// Its first character: `A.`
    Initial,
    /// Its last four letters or digits, if it has more: `•••• 0199`.
    Last4,
    /// What follows the last `@` of a mail address: `••••@example.test`.
    Domain,
    /// Whether there is a value: `given` or `not given`.
    Present,
}

impl Mask {
    /// Every mask.
    pub const ALL: [Mask; 5] = [Mask::Whole, Mask::Initial, Mask::Last4, Mask::Domain, Mask::Present];

    /// What is shown of `value`. White space around it does not count, and nothing is shown of nothing.
    pub fn apply(self, value: &str) -> String {
        let trimmed = value.trim();
        match self {
            Mask::Whole => value.to_owned(),
            Mask::Initial => trimmed.chars().next().map(|first| format!("{first}.")).unwrap_or_default(),
            Mask::Present if trimmed.is_empty() => "not given".to_owned(),
            Mask::Present => "given".to_owned(),
            Mask::Last4 | Mask::Domain if trimmed.is_empty() => String::new(),
            Mask::Last4 => last4(trimmed),
            Mask::Domain => domain(trimmed),
        }
    }

    /// The words the notice uses for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mask::Whole => "whole",
            Mask::Initial => "initial",
            Mask::Last4 => "last 4",
            Mask::Domain => "domain",
            Mask::Present => "only whether it is there",
        }
    }

    /// The mask with these words, if there is one.
    pub fn parse(words: &str) -> Option<Mask> {
        Mask::ALL.into_iter().find(|mask| mask.as_str() == words)
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Separators do not count. Of four or fewer nothing is shown: it would be all of it.
fn last4(value: &str) -> String {
    let mut from_the_end = value.chars().rev().filter(|c| c.is_alphanumeric());
    let mut last: Vec<char> = from_the_end.by_ref().take(4).collect();
    if from_the_end.next().is_none() {
        return HIDDEN.to_owned();
    }
    last.reverse();
    format!("{HIDDEN} {}", last.iter().collect::<String>())
}

/// What does not look like a domain is not shown: it may be anything.
fn domain(value: &str) -> String {
    let is_domain =
        |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    match value.rsplit_once('@').map(|(_, domain)| domain).filter(is_domain) {
        Some(domain) => format!("{HIDDEN}@{domain}"),
        None => HIDDEN.to_owned(),
    }
}
