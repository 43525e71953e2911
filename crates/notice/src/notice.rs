//! A notice that has been read and checked: its nouns (data, purposes, roles) and its rules.

use jiff::Span;
use jiff::civil::Date;

use crate::choice::{Basis, Never, Reminder, Right, Shown};
use crate::terms::Term;
use crate::vocabulary::Vocabulary;

/// A checked notice. Every label, event, role and term in it is known; only [`crate::parse`] makes one.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Hex SHA-256 of [`Notice::canonical`]: the notice's version.
    pub version: String,
    /// The notice's values, one `key = value` line each, sorted: itself a notice of the same version.
    pub canonical: String,
    /// `of`: the organisation that answers for the data (DPV `DataController`).
    pub of: String,
    /// `contact`: the address for questions about data.
    pub contact: String,
    /// `effective`: the day the notice takes effect.
    pub effective: Date,
    /// `laws`: the laws it is written under, as they are written in the file.
    pub laws: Vec<String>,
    /// The notice's own rule: that it is published, from when, and where to write.
    pub rule: RuleHead,
    /// `change`: how changes are announced.
    pub change: Option<Change>,
    /// `[data]`: the organisation's own words for kinds of data.
    pub data: Vec<Data>,
    /// `[form.*]`
    pub forms: Vec<Form>,
    /// `[source.*]`
    pub sources: Vec<DataSource>,
    /// `[purpose.*]`
    pub purposes: Vec<Purpose>,
    /// `[role.*]`
    pub roles: Vec<Role>,
    /// `[retain.*]`
    pub retains: Vec<Retain>,
    /// `[hold.*]`
    pub holds: Vec<Hold>,
    /// `[right]`
    pub rights: Vec<RightRule>,
    /// `[session]`
    pub session: Session,
    /// `[cookie.*]`
    pub cookies: Vec<Cookie>,
    /// `[never]`
    pub nevers: Vec<NeverRule>,
    /// `[[expect]]`: the notice's own tests. They all hold, or there would be no notice.
    pub expects: Vec<Expect>,
    /// Free prose, to be printed visibly marked as not checked.
    pub prose: Vec<Prose>,
    /// The words of the code it was checked against: sentences speak of its events and forms.
    pub(crate) words: Vocabulary,
}

/// What every rule has: its name in the notice and the operator's clause numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHead {
    /// The rule's id, which is also its sentence's: `retain.lapsed`.
    pub id: String,
    /// `ref`: clause numbers or promise ids, such as `acc-12`.
    pub refs: Vec<String>,
}

/// `change`: everyone affected is told before a material change takes effect (GDPR art. 13(3)).
#[derive(Clone, Debug)]
pub struct Change {
    /// Id `notice.change`.
    pub rule: RuleHead,
    /// `ahead`: how long before it takes effect.
    pub ahead: Span,
}

/// A label of `[data]`: the organisation's own word for one or more kinds of data.
#[derive(Clone, Debug)]
pub struct Data {
    /// The word the other rules use.
    pub label: String,
    /// `says`: how sentences speak of it, instead of listing the kinds.
    pub says: Option<String>,
    /// The kinds of data behind it. A kind belongs to one label only.
    pub kinds: Vec<&'static Term>,
}

/// `[form.*]`: what a form asks for.
#[derive(Clone, Debug)]
pub struct Form {
    /// Id `form.<name>`.
    pub rule: RuleHead,
    /// The form's name in the vocabulary.
    pub name: String,
    /// Labels one must give.
    pub required: Vec<String>,
    /// Labels one may give, each with what one loses without it.
    pub voluntary: Vec<(String, String)>,
}

/// `[source.*]`: somebody else than the person from whom data is taken (DPV `DataSource`; GDPR art. 14(2)(f)).
#[derive(Clone, Debug)]
pub struct DataSource {
    /// Id `source.<name>`.
    pub rule: RuleHead,
    /// The source's name.
    pub name: String,
    /// `says`: who or what it is: "our former register of customers".
    pub says: String,
    /// `gives`: labels of what is taken from it.
    pub gives: Vec<String>,
}

/// `[purpose.*]`: why data is used, and on what ground.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// Id `purpose.<name>`.
    pub rule: RuleHead,
    /// The purpose's name.
    pub name: String,
    /// `says`: what follows "to" in a sentence.
    pub says: String,
    /// `is`: the DPV purpose.
    pub is: &'static Term,
    /// `basis`: the legal basis.
    pub basis: Basis,
    /// `uses`: labels it uses.
    pub uses: Vec<String>,
}

/// `[role.*]`: who may see what, and for what.
#[derive(Clone, Debug)]
pub struct Role {
    /// Id `role.<name>`.
    pub rule: RuleHead,
    /// The role's name in the vocabulary.
    pub name: String,
    /// `says`: what people in this role do.
    pub says: String,
    /// `sees`: labels, and how much of each.
    pub sees: Vec<(String, Shown)>,
    /// `for`: the names of the purposes the role may look for.
    pub for_: Vec<String>,
    /// `asks = "a reason"`: whether a reason is stated before looking.
    pub asks_reason: bool,
    /// `asks = "permission"`: whether the person names their address and allows it before anybody looks (`acc-9`).
    pub asks_permission: bool,
}

/// `[retain.*]`: when data ends.
#[derive(Clone, Debug)]
pub struct Retain {
    /// Id `retain.<name>`.
    pub rule: RuleHead,
    /// The rule's name.
    pub name: String,
    /// `when`: the event that starts the clock.
    pub when: String,
    /// `unless`: the event that stops it, if it comes before the end.
    pub unless: Option<String>,
    /// `after`: a floor; not before.
    pub after: Option<Span>,
    /// `within`: a ceiling; not later.
    pub within: Option<Span>,
    /// `erase` or `disable`.
    pub action: RetainAction,
    /// `keep`: labels that stay, each with the name of the purpose that needs it.
    pub keep: Vec<(String, String)>,
    /// `warn`: how long before the end the person is told the date.
    pub warn: Vec<Span>,
}

/// What a `[retain.*]` rule does at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetainAction {
    /// `erase`: what these labels hold goes without possibility of retrieval (DPV `Erase`).
    Erase {
        /// Labels of `[data]`.
        labels: Vec<String>,
    },
    /// `disable = "account"`: its owner can see, take along and erase what is held, and nobody can do more with it.
    Disable,
}

/// `[hold.*]`: a reason that keeps data past a clock, until a stated end. It beats `erase`.
#[derive(Clone, Debug)]
pub struct Hold {
    /// Id `hold.<name>`.
    pub rule: RuleHead,
    /// The hold's name.
    pub name: String,
    /// `because`: the law or contract.
    pub because: String,
    /// `data`: what it keeps.
    pub data: HoldData,
    /// `from`: the event that starts it.
    pub from: String,
    /// `lasts` or `until`.
    pub end: HoldEnd,
    pub(crate) kinds: Vec<&'static str>,
}

/// What a hold keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldData {
    /// `"everything"`
    All,
    /// Labels of `[data]`.
    Labels(Vec<String>),
}

/// When a hold ends.
#[derive(Clone, Debug)]
pub enum HoldEnd {
    /// `lasts`: so long after it began.
    Lasts(Span),
    /// `until`: at this event.
    Until(String),
}

/// One entry of `[right]`: a right that people exercise themselves, at any time.
#[derive(Clone, Debug)]
pub struct RightRule {
    /// Id `right.<name>`.
    pub rule: RuleHead,
    /// Which right.
    pub right: Right,
    /// `on`: the page on which it is exercised.
    pub on: String,
}

/// `[session]`: how one stays signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Id `session`.
    pub rule: RuleHead,
    /// `carrier`: what carries the session.
    pub carrier: Carrier,
    /// `idle`: it ends after so long without a request.
    pub idle: Span,
    /// `reminds`: what the pages remind people of.
    pub reminds: Vec<Reminder>,
    /// `fills = "forms"`: forms show what is already held, to who is signed in and nobody else (`acc-16`).
    pub fills_forms: bool,
    /// `opens = "My account"`: signing in leads to a page of one's own (`acc-19`).
    pub opens_own_page: bool,
}

/// What carries a session.
#[derive(Clone, Debug)]
pub enum Carrier {
    /// `cookie`: one HttpOnly cookie with a random id, which has no lifetime of its own.
    Cookie {
        /// `lasts`: the session ends at the latest so long after the sign-in.
        lasts: Option<Span>,
    },
    /// `address`: no cookie; the addresses of one's own pages carry it, each bound to the browser and good for the idle
    /// time (`acc-5`).
    Address {
        /// `lasts`: the session ends at the latest so long after the sign-in.
        lasts: Option<Span>,
    },
    /// `remember`: besides, for who asks for it, a cookie with another random id, by which a device is known again.
    Remember {
        /// `lasts`: for so long.
        lasts: Span,
    },
}

/// `[cookie.*]`: a cookie besides the session's.
#[derive(Clone, Debug)]
pub struct Cookie {
    /// Id `cookie.<name>`.
    pub rule: RuleHead,
    /// The cookie's name in the vocabulary.
    pub name: String,
    /// `says`: what it does.
    pub says: String,
    /// `lasts`: its lifetime.
    pub lasts: Span,
}

/// One entry of `[never]`.
#[derive(Clone, Debug)]
pub struct NeverRule {
    /// Id `never.<name>`.
    pub rule: RuleHead,
    /// What never happens.
    pub never: Never,
}

/// One `[[expect]]`: a question about the notice and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The question.
    pub ask: String,
    /// The answer the notice gives.
    pub answer: String,
}

/// Free prose around the sentences of a section: the operator's words, not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prose {
    /// The section it belongs to: `notice`, `retain`, …
    pub section: &'static str,
    /// The text.
    pub text: String,
}

impl Notice {
    /// The terms behind a label of `[data]`; none if there is no such label.
    pub fn kinds_of(&self, label: &str) -> impl Iterator<Item = &'static str> {
        self.data(label).into_iter().flat_map(|data| data.kinds.iter().map(|term| term.id))
    }

    /// The entry of `[data]` with this label.
    pub fn data(&self, label: &str) -> Option<&Data> {
        self.data.iter().find(|data| data.label == label)
    }

    /// The entry of `[data]` that has this term among its kinds.
    pub fn label_of(&self, term: &str) -> Option<&Data> {
        self.data.iter().find(|data| data.kinds.iter().any(|kind| kind.id == term))
    }

    /// How a sentence speaks of an event that the site knows: `your membership expires`.
    pub fn words_of(&self, event: &str) -> Option<&'static str> {
        self.words.events.iter().find(|words| words.name == event).map(|words| words.when)
    }

    /// The purpose with this name.
    pub fn purpose(&self, name: &str) -> Option<&Purpose> {
        self.purposes.iter().find(|purpose| purpose.name == name)
    }

    /// The rule of the form with this name.
    pub fn form(&self, name: &str) -> Option<&Form> {
        self.forms.iter().find(|form| form.name == name)
    }

    /// The rule of the source with this name.
    pub fn source(&self, name: &str) -> Option<&DataSource> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// The rule of the role with this name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The retention rule with this id: `retain.lapsed`.
    pub fn retain(&self, id: &str) -> Option<&Retain> {
        self.retains.iter().find(|rule| rule.rule.id == id)
    }

    /// The rule of the cookie with this name.
    pub fn cookie(&self, name: &str) -> Option<&Cookie> {
        self.cookies.iter().find(|cookie| cookie.name == name)
    }
}

impl Purpose {
    /// Whether it uses what this label holds.
    pub fn uses(&self, label: &str) -> bool {
        self.uses.iter().any(|used| used == label)
    }
}

impl Session {
    /// Whether the pages remind people of this.
    pub fn reminds_of(&self, reminder: Reminder) -> bool {
        self.reminds.contains(&reminder)
    }
}

impl Hold {
    /// Whether the hold keeps data of this kind.
    pub fn covers(&self, term: &str) -> bool {
        self.data == HoldData::All || self.kinds.contains(&term)
    }
}
