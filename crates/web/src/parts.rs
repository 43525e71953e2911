//! What the parts in `templates/parts.html` are told.

use jiff::civil::Date;

/// How a promise stands: always shown as a word with a shape, never as a colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A check found it kept.
    Kept,
    /// Nothing has come due that could show it.
    NotDue,
    /// Only people can keep it, and someone attests that they do.
    Stated,
    /// A check found it broken.
    Broken,
    /// It belongs to a version of the notice that does not bind yet, or no longer.
    NotInForce,
}

impl Mark {
    /// Every mark, in the order of the board's key.
    pub const ALL: [Self; 5] = [Self::Kept, Self::NotDue, Self::Stated, Self::Broken, Self::NotInForce];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "Kept",
            Self::NotDue => "Not due",
            Self::Stated => "Stated",
            Self::Broken => "Broken",
            Self::NotInForce => "Not in force",
        }
    }

    /// The class that gives its colour.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::NotDue => "not-due",
            Self::Stated => "stated",
            Self::Broken => "broken",
            Self::NotInForce => "not-in-force",
        }
    }

    /// Its shape, as SVG path data in a box of 16 by 16: a tick, a ring, quotation marks, a cross, a dash.
    #[must_use]
    pub fn shape(self) -> &'static str {
        match self {
            Self::Kept => "M2.5 8.5l3.7 3.7L13.5 4",
            Self::NotDue => "M8 2.8a5.2 5.2 0 1 0 .01 0z",
            Self::Stated => "M6.5 4.5c-2 .8-3 2.4-3 4.5v2.5h3v-3h-2M13 4.5c-2 .8-3 2.4-3 4.5v2.5h3v-3h-2",
            Self::Broken => "M3.5 3.5l9 9m0-9l-9 9",
            Self::NotInForce => "M3 8h10",
        }
    }
}

/// A sentence of the notice with its mark.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// Its anchor on the page, and the clause the operator knows it by: `acc-12`.
    pub clause: String,
    /// The sentence.
    pub text: String,
    /// How it stands.
    pub mark: Mark,
    /// What was counted, when there is something to count: "412 people checked on 3 June 2027".
    pub counted: Option<String>,
    /// Where its evidence is shown.
    pub evidence: Option<String>,
}

/// One line of what an act will do, shown before its button.
#[derive(Clone, Debug)]
pub struct Consequence {
    /// What it is about: "Your credit record".
    pub what: String,
    /// What happens to it, and when or why: "stays, because regulators ask for it until 2031".
    pub then: String,
    /// The law, in small print.
    pub law: Option<String>,
}

/// One step of a history, past or to come.
#[derive(Clone, Debug)]
pub struct Step {
    /// The day it happened or is due.
    pub on: Date,
    /// What happened, or will.
    pub what: String,
    /// Whether it is behind, at hand, or ahead.
    pub state: StepState,
}

/// Where a step stands in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// It has happened.
    Done,
    /// It is what happens now.
    Current,
    /// It will happen.
    Ahead,
}

impl StepState {
    /// The word that stands with the step's mark.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "now",
            Self::Ahead => "to come",
        }
    }

    /// The class that gives its dot.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "current",
            Self::Ahead => "ahead",
        }
    }

    /// Whether it is what happens now.
    #[must_use]
    pub fn is_current(self) -> bool {
        self == Self::Current
    }
}

/// A date as a letter writes it, for sentences and mails: "31 July 2027". Pages use the part `date`.
#[must_use]
pub fn date_in_words(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}
