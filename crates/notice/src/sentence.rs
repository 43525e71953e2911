//! The notice as sentences: exactly one for each rule.

use std::fmt;

use jiff::Span;

use crate::choice::{Basis, Never, Right, Shown};
use crate::notice::{
    Carrier, Change, Cookie, DataSource, Form, Hold, HoldData, HoldEnd, NeverRule, Notice, Purpose, Retain,
    RetainAction, RightRule, Role, RuleHead, Session,
};
use crate::words::{self, Held};

/// One generated sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The rule's id: `retain.lapsed`.
    pub id: String,
    /// The operator's clause numbers or promise ids.
    pub refs: Vec<String>,
    /// Whether it says what we must, must not or may do.
    pub modality: Modality,
    /// The words.
    pub text: String,
    /// Ids of the holds that limit it, to be printed beside it.
    pub limited_by: Vec<String>,
    /// The section it comes from: `retain`.
    pub section: &'static str,
}

/// What a rule is (DPV `Rule`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// We must do it.
    Obligation,
    /// We must not do it.
    Prohibition,
    /// We may do it.
    Permission,
}

impl fmt::Display for Modality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Obligation => "obligation",
            Self::Prohibition => "prohibition",
            Self::Permission => "permission",
        })
    }
}

/// The laws a notice can be written under, and how a sentence names them.
pub(crate) const LAWS: [(&str, &str); 5] = [
    ("GDPR", "the GDPR"),
    ("UK GDPR", "the UK GDPR"),
    ("PIPEDA", "PIPEDA"),
    ("CCPA", "the CCPA"),
    ("FADP", "the Swiss FADP"),
];

impl Notice {
    /// Every rule's sentence: section by section in the language's order and, within one, as written in the file.
    pub fn sentences(&self) -> Vec<Sentence> {
        use Modality::{Obligation, Permission, Prohibition};
        let mut all = vec![sentence("notice", &self.rule, Obligation, self.notice_text())];
        all.extend(
            self.change.iter().map(|rule| sentence("notice", &rule.rule, Obligation, change_text(rule))),
        );
        all.extend(
            self.forms.iter().map(|rule| sentence("form", &rule.rule, Obligation, self.form_text(rule))),
        );
        all.extend(
            self.sources
                .iter()
                .map(|rule| sentence("source", &rule.rule, Permission, self.source_text(rule))),
        );
        all.extend(
            self.purposes
                .iter()
                .map(|rule| sentence("purpose", &rule.rule, Permission, self.purpose_text(rule))),
        );
        all.extend(
            self.roles.iter().map(|rule| sentence("role", &rule.rule, Permission, self.role_text(rule))),
        );
        all.extend(self.retains.iter().map(|rule| Sentence {
            limited_by: self.limits(rule),
            ..sentence("retain", &rule.rule, Obligation, self.retain_text(rule))
        }));
        all.extend(
            self.holds.iter().map(|rule| sentence("hold", &rule.rule, Permission, self.hold_text(rule))),
        );
        all.extend(
            self.rights.iter().map(|rule| sentence("right", &rule.rule, Obligation, right_text(rule))),
        );
        all.push(sentence("session", &self.session.rule, Obligation, self.session_text()));
        all.extend(
            self.cookies.iter().map(|rule| sentence("cookie", &rule.rule, Permission, cookie_text(rule))),
        );
        all.extend(
            self.nevers.iter().map(|rule| sentence("never", &rule.rule, Prohibition, self.never_text(rule))),
        );
        all
    }

    fn notice_text(&self) -> String {
        let said = |law: &String| LAWS.iter().find(|(name, _)| name == law).map(|(_, said)| *said);
        let laws: Vec<&str> = self.laws.iter().filter_map(said).collect();
        format!(
            "This is the privacy notice of {}, in force from {} under {}. There is a link to it on every page, and you \
             can write to {} about your data.",
            self.of,
            words::date(self.effective),
            words::list(&laws),
            self.contact
        )
    }

    fn form_text(&self, form: &Form) -> String {
        let fragment = self.words.forms.iter().find(|words| words.name == form.name);
        let title = fragment.map_or(form.name.as_str(), |words| words.title);
        let asked =
            |term: &str| fragment.is_none_or(|words| words.kinds.iter().any(|(kind, _)| *kind == term));
        let mut required = Held::new();
        form.required.iter().for_each(|label| required.add(self, label, Shown::Whole, asked));
        let mut text = format!("When you {title}, you give us {}.", required.words());
        for (label, loses) in &form.voluntary {
            let mut voluntary = Held::new();
            voluntary.add(self, label, Shown::Whole, asked);
            text += &format!(" You may add {}; without {}, {loses}.", voluntary.words(), voluntary.pronoun());
        }
        text + " We ask for nothing else."
    }

    fn source_text(&self, source: &DataSource) -> String {
        let data = Held::of(self, &source.gives).words();
        format!("Besides what you give us yourself, we may take {data} from {}.", source.says)
    }

    fn purpose_text(&self, purpose: &Purpose) -> String {
        let ground = match purpose.basis {
            Basis::Contract => "our contract with you",
            Basis::LegalObligation => "our obligation under the law",
            Basis::VitalInterest => "somebody's life or health",
            Basis::PublicInterest => "the public interest",
            Basis::LegitimateInterest => "our legitimate interest in doing so",
        };
        let data = Held::of(self, &purpose.uses).words();
        format!("To {}, we use {data}. The ground for this is {ground}.", purpose.says)
    }

    fn role_text(&self, role: &Role) -> String {
        let mut seen = Held::new();
        role.sees.iter().for_each(|(label, shown)| seen.add(self, label, *shown, |_| true));
        let purposes: Vec<&str> = role
            .for_
            .iter()
            .filter_map(|name| self.purpose(name))
            .map(|purpose| purpose.says.as_str())
            .collect();
        let mut first = String::new();
        if role.asks_permission {
            first += " They look only when you have named the address of your account and allowed it; both are on record.";
        }
        if role.asks_reason {
            first += " They first state a reason, which you can read.";
        }
        format!(
            "Our staff in the role {}, who {}, may see {}, and only to {}.{first}",
            role.name,
            role.says,
            seen.words(),
            words::list(&purposes)
        )
    }

    fn retain_text(&self, rule: &Retain) -> String {
        let event = self.when(&rule.when);
        let opening = match (&rule.after, &rule.within) {
            (Some(after), None) => format!("{} after {event}", words::opening_duration(after)),
            (None, Some(within)) => format!("Within {} after {event}", words::duration(within)),
            (Some(after), Some(within)) => {
                let (after, within) = (words::duration(after), words::duration(within));
                format!("Not before {after} and not later than {within} after {event}")
            }
            (None, None) => format!("As soon as {event}"),
        };
        let unless = rule.unless.as_deref().map(|event| format!(", unless {} before then", self.when(event)));
        let action = match &rule.action {
            RetainAction::Erase { labels } => format!("we erase {}.", Held::of(self, labels).words()),
            RetainAction::Disable => "we disable your account: you can sign in only to see your data, take it with you or have it erased.".to_owned(),
        };
        let mut text = format!("{opening}{}, {action}", unless.unwrap_or_default());
        if !rule.keep.is_empty() {
            text += &format!(" We keep {}.", words::list(&self.kept(rule)));
        }
        if !rule.warn.is_empty() {
            let before: Vec<String> = rule.warn.iter().map(words::duration).collect();
            text += &format!(" We write to you {} before and name the day.", words::list(&before));
        }
        text
    }

    /// What a rule keeps, said once for each purpose, in the order in which the purpose names it.
    fn kept(&self, rule: &Retain) -> Vec<String> {
        let mut purposes: Vec<&String> = Vec::new();
        for (_, purpose) in &rule.keep {
            if !purposes.contains(&purpose) {
                purposes.push(purpose);
            }
        }
        let said = |purpose: &String| {
            let kept =
                |label: &&String| rule.keep.iter().any(|(other, name)| other == *label && name == purpose);
            let purpose = self.purpose(purpose)?;
            Some(format!("{} to {}", Held::of(self, purpose.uses.iter().filter(kept)).words(), purpose.says))
        };
        purposes.into_iter().filter_map(said).collect()
    }

    fn hold_text(&self, hold: &Hold) -> String {
        let (data, pronoun) = match &hold.data {
            HoldData::All => ("everything we hold about you".to_owned(), "it"),
            HoldData::Labels(labels) => {
                let held = Held::of(self, labels);
                (held.words(), held.pronoun())
            }
        };
        let end = match &hold.end {
            HoldEnd::Lasts(span) => format!("for {}", words::duration(span)),
            HoldEnd::Until(event) => format!("until {}", self.when(event)),
        };
        format!(
            "When {}, we keep {data} {end}, even if the day to erase {pronoun} comes first. The ground for this is {}.",
            self.when(&hold.from),
            hold.because
        )
    }

    fn session_text(&self) -> String {
        let others = match (&self.session.carrier, self.cookies.is_empty()) {
            (Carrier::Address { .. }, true) => "This site works with cookies refused; we set none.",
            (Carrier::Address { .. }, false) => {
                "This site works with cookies refused; allowing them helps some browsers with what the cookies named \
                 here do, and we set no others."
            }
            (_, true) => "We set no other cookie.",
            (_, false) => "We set no cookie but those named here.",
        };
        let carried = session_text(&self.session);
        let mut text = format!("{carried} {others}");
        let reminders: Vec<&str> = self.session.reminds.iter().map(|reminder| reminder.words()).collect();
        if !reminders.is_empty() {
            text += &format!(" Our pages remind you {}.", words::list(&reminders));
        }
        if self.session.opens_own_page {
            text +=
                " Signing in opens the page “My account”, which is your own and which nobody else can open.";
        }
        if self.session.fills_forms {
            text += " Forms are filled in with what we already hold about you when you are signed in, and never before.";
        }
        text
    }

    fn never_text(&self, rule: &NeverRule) -> String {
        match rule.never {
            Never::Track => {
                "We never let anybody else follow you here: our pages load nothing from other sites, as their headers show."
            }
            Never::SendInClear => {
                "We never send in the clear: this site is reached over TLS alone, and tells your browser to insist on it."
            }
            Never::StoreInClear => {
                "We never store in the clear what identifies you: without our keys, neither a stolen disk nor a stolen backup \
                 shows who you are."
            }
            Never::CollectElsewhere if self.sources.is_empty() => {
                "We never collect data about you from anybody but yourself."
            }
            Never::CollectElsewhere => {
                "We never collect data about you from anybody but yourself and the sources that are named here."
            }
            Never::AskReaders => {
                "We never ask who you are to let you read this site: its public pages need no account, set no cookie and ask you \
                 for nothing."
            }
        }
        .to_owned()
    }

    /// The holds that keep some of what a rule erases.
    fn limits(&self, rule: &Retain) -> Vec<String> {
        let keeps = |hold: &&Hold| self.erased_by(rule).any(|term| hold.covers(term));
        self.holds.iter().filter(keeps).map(|hold| hold.rule.id.clone()).collect()
    }

    /// An event as it follows "when" or "after".
    pub(crate) fn when<'n>(&'n self, event: &'n str) -> &'n str {
        self.words_of(event).unwrap_or(event)
    }
}

fn sentence(section: &'static str, rule: &RuleHead, modality: Modality, text: String) -> Sentence {
    Sentence { id: rule.id.clone(), refs: rule.refs.clone(), modality, text, limited_by: Vec::new(), section }
}

fn change_text(change: &Change) -> String {
    let ahead = words::duration(&change.ahead);
    format!(
        "Before a change of this notice that matters to you takes effect, we write to you by e-mail, {ahead} ahead."
    )
}

fn session_text(session: &Session) -> String {
    let idle = words::duration(&session.idle);
    match &session.carrier {
        Carrier::Cookie { lasts } => {
            let (or, latest) = latest(lasts.as_ref());
            format!(
                "While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You \
                 are signed out when you say so, when you close your browser, {or}after {idle} in which you do nothing\
                 {latest}."
            )
        }
        Carrier::Address { lasts } => {
            let (or, latest) = latest(lasts.as_ref());
            format!(
                "No cookie holds your session. While you are signed in or fill in a form, the addresses of your pages \
                 hold a random number and nothing about you, bound to your browser and to the moment you signed in. You \
                 are signed out when you say so, when such an address is opened in another browser, {or}after {idle} in \
                 which you do nothing{latest}."
            )
        }
        Carrier::Remember { lasts } => format!(
            "While you are signed in or fill in a form, one cookie holds a random number and nothing about you. If you ask \
             us to remember your device, a second one holds another for {}, so that you need not sign in each time. You \
             are signed out when you say so, and on a device that is not remembered also when you close your browser, or \
             after {idle} in which you do nothing. Without cookies you can read this site, but not open an account.",
            words::duration(lasts)
        ),
    }
}

/// The last of several ends: the word before the idle time, and what follows it.
fn latest(lasts: Option<&Span>) -> (&'static str, String) {
    match lasts {
        Some(lasts) => ("", format!(", or {} after you signed in", words::duration(lasts))),
        None => ("or ", String::new()),
    }
}

fn right_text(rule: &RightRule) -> String {
    let act = match rule.right {
        Right::Access => "see what we hold about you",
        Right::Rectify => "correct the details you gave us",
        Right::Erase => "have what we hold about you erased",
        Right::Recover => {
            "ask for a link to a new password, by an address or the member id of your account; it goes to your own address, works \
             once, and for one hour"
        }
        Right::Return => {
            "ask by your former member id that what we keep of an earlier membership is joined to your new account; one of us \
             makes sure that it was yours, because the number alone shows nothing"
        }
        Right::Renew => {
            "change your password; if you tell us that somebody may know it, it ends at once and with it every session"
        }
    };
    format!("On the page “{}”, you can at any time {act}.", rule.on)
}

fn cookie_text(cookie: &Cookie) -> String {
    format!("The cookie {} {}; it lasts {}.", cookie.name, cookie.says, words::duration(&cookie.lasts))
}
