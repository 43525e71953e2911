//! What the running code can do, in the words a notice may use.

/// The events, roles, forms, data and cookies of the code. The binary builds it from its areas; [`crate::parse`] refuses
/// a notice that speaks of anything else, or that is silent about data the code holds.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Events that can start or end a clock or a hold.
    pub events: Vec<EventWords>,
    /// Events of single records, such as a letter, with the terms that such a record holds: a clock that counts from one
    /// can end nothing else.
    pub record_events: Vec<(&'static str, Vec<&'static str>)>,
    /// Roles staff can have, such as `support`.
    pub roles: Vec<&'static str>,
    /// Forms the code can show.
    pub forms: Vec<FormWords>,
    /// Every `pd:` or `kept:` term that some record or table of the code holds.
    pub holdings: Vec<&'static str>,
    /// Cookies the code can set besides the session's, such as `notice-seen`.
    pub cookies: Vec<&'static str>,
    /// How people leave, if the code lets them.
    pub leaving: Option<Leaving>,
}

/// The events by which people leave: whoever asks for it may think again; whoever does not want that time is gone at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Somebody asks for it: `account.closing`.
    pub asked: &'static str,
    /// They take that back: `account.kept`.
    pub taken_back: &'static str,
    /// They want it now: `account.closed`.
    pub at_once: &'static str,
}

/// An event and how a sentence speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventWords {
    /// The name used in `when`, `from`, `until` and `unless`: `membership.expired`.
    pub name: &'static str,
    /// The fragment that follows "when" or "after" in a sentence: `your membership expires`.
    pub when: &'static str,
}

/// A form and the kinds of data it can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormWords {
    /// The name used in `[form.*]`: `sign-up`.
    pub name: &'static str,
    /// The fragment that follows "when you" or "to" in a sentence: `sign up`.
    pub title: &'static str,
    /// A data term, and whether the code cannot do without it.
    pub kinds: Vec<(&'static str, bool)>,
}
