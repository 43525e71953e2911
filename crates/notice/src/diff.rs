//! What changes from one notice to another, in sentences, and which changes matter to people.
//!
//! A change is material if a person could be worse off by it: something more is held, used, seen or asked for, something
//! is held for longer, a right or a promise is weaker (GDPR, art. 13(3); promise `ntc-2`). What only makes a promise
//! stronger is not. Where this cannot be told, the change is taken to be material.

use jiff::{Span, civil::Date};

use crate::notice::{
    Carrier, Cookie, DataSource, Form, Hold, HoldData, HoldEnd, Notice, Purpose, Retain, RetainAction, Role,
    Session,
};
use crate::sentence::Sentence;
use crate::terms::Term;
use crate::time::{due_day, ever_longer};
use crate::words;

/// One sentence that comes, goes or reads otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The rule: `retain.lapsed`; for a kind of data that is held `data.` and its term.
    pub id: String,
    /// The sentence as it was; none if it is new.
    pub before: Option<String>,
    /// The sentence as it is to be; none if it goes.
    pub after: Option<String>,
    /// Why the change matters to people, in plain words; empty if it is not material.
    pub reasons: Vec<String>,
}

impl Difference {
    /// Whether people must be told before it takes effect.
    pub fn is_material(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// Whether people must be told of any of these.
pub fn is_material(differences: &[Difference]) -> bool {
    differences.iter().any(Difference::is_material)
}

impl Notice {
    /// What changes when this notice takes the place of an older one, in the order of this notice; what goes comes last.
    ///
    /// Two notices of which nothing differs give none; neither do other clause numbers, expectations or words for data
    /// that no sentence uses.
    pub fn changes_from(&self, old: &Notice) -> Vec<Difference> {
        let (was, is) = (old.sentences(), self.sentences());
        let find = |all: &[Sentence], id: &str| all.iter().find(|said| said.id == id).cloned();
        let mut all = kinds(old, self);
        for said in &is {
            let before = find(&was, &said.id);
            let reasons = weaker(old, self, &said.id);
            if before.as_ref().is_none_or(|before| before.text != said.text) || !reasons.is_empty() {
                let before = before.map(|before| before.text);
                all.push(Difference { id: said.id.clone(), before, after: Some(said.text.clone()), reasons });
            }
        }
        for said in was.into_iter().filter(|said| find(&is, &said.id).is_none()) {
            let reasons = weaker(old, self, &said.id);
            all.push(Difference { id: said.id, before: Some(said.text), after: None, reasons });
        }
        all.extend(prose(old, self));
        all
    }

    /// The first day on which another notice can follow this one: the same day if nothing of it is material, else the
    /// day after the announced time, which is counted from when everyone has been told. None if this notice does not
    /// say how changes are announced, and so may not change in a way that matters.
    pub fn earliest(&self, differences: &[Difference], today: Date) -> Option<Date> {
        if !is_material(differences) {
            return Some(today);
        }
        let change = self.change.as_ref()?;
        Some(due_day(today, &change.ahead).saturating_add(jiff::Span::new().days(1)))
    }
}

/// The kinds of data that are held newly, and those that no longer are.
fn kinds(old: &Notice, new: &Notice) -> Vec<Difference> {
    let of = |notice: &Notice| -> Vec<&'static Term> {
        notice.data.iter().flat_map(|data| data.kinds.iter().copied()).collect()
    };
    let (was, is) = (of(old), of(new));
    let absent = |all: &[&Term], term: &Term| !all.iter().any(|other| other.id == term.id);
    let said = |term: &Term| format!("We hold {} {}.", term.lead, term.label);
    let id = |term: &Term| format!("data.{}", term.id);
    let come = is.iter().filter(|term| absent(&was, term)).map(|term| Difference {
        id: id(term),
        before: None,
        after: Some(said(term)),
        reasons: vec!["we hold a kind of data that we did not hold before".to_owned()],
    });
    let gone = was.iter().filter(|term| absent(&is, term)).map(|term| Difference {
        id: id(term),
        before: Some(said(term)),
        after: None,
        reasons: Vec::new(),
    });
    come.chain(gone).collect()
}

/// The operator's own words: no check stands behind them, so none can say what their change means.
fn prose(old: &Notice, new: &Notice) -> Vec<Difference> {
    let of = |notice: &Notice, section| -> Option<String> {
        notice.prose.iter().find(|prose| prose.section == section).map(|prose| prose.text.clone())
    };
    let mut sections: Vec<&'static str> =
        new.prose.iter().chain(&old.prose).map(|prose| prose.section).collect();
    sections.sort_unstable();
    sections.dedup();
    let pairs = sections.into_iter().map(|section| (section, of(old, section), of(new, section)));
    pairs
        .filter(|(_, before, after)| before != after)
        .map(|(section, before, after)| Difference {
            id: format!("{section}.prose"),
            before,
            after,
            reasons: Vec::new(),
        })
        .collect()
}

/// In what way a rule is weaker than it was.
fn weaker(old: &Notice, new: &Notice, id: &str) -> Vec<String> {
    let mut reasons = Reasons(Vec::new());
    let (section, name) = id.split_once('.').unwrap_or((id, ""));
    let both = Both { old, new };
    match section {
        "notice" if name.is_empty() => both.head(&mut reasons),
        "notice" => both.change(&mut reasons),
        "form" => both.form(old.form(name), new.form(name), &mut reasons),
        "source" => both.source(old.source(name), new.source(name), &mut reasons),
        "purpose" => both.purpose(old.purpose(name), new.purpose(name), &mut reasons),
        "role" => both.role(old.role(name), new.role(name), &mut reasons),
        "retain" => both.retain(old.retain(id), new.retain(id), &mut reasons),
        "hold" => both.hold(old.hold(name), new.hold(name), &mut reasons),
        "right" => {
            let has = |notice: &Notice| notice.rights.iter().any(|right| right.rule.id == id);
            reasons.when(has(old) && !has(new), "a right is left out");
        }
        "session" => session(&old.session, &new.session, &mut reasons),
        "cookie" => cookie(old.cookie(name), new.cookie(name), &mut reasons),
        "never" => {
            let has = |notice: &Notice| notice.nevers.iter().any(|never| never.rule.id == id);
            reasons.when(has(old) && !has(new), "something that was never to happen may happen");
        }
        _ => {
            let said = |notice: &Notice| notice.sentences().into_iter().find(|said| said.id == id);
            let (before, after) = (said(old), said(new));
            let same = before.map(|said| said.text) == after.map(|said| said.text);
            reasons.when(!same, "nobody can tell whether the promise is as strong as it was");
        }
    }
    reasons.0
}

struct Reasons(Vec<String>);

impl Reasons {
    fn when(&mut self, applies: bool, reason: &str) {
        if applies {
            self.0.push(reason.to_owned());
        }
    }

    /// What is there now and was not before, named.
    fn more(&mut self, terms: &[&str], reason: &str) {
        if !terms.is_empty() {
            let names: Vec<&str> =
                terms.iter().map(|id| crate::terms::find(id).map_or(*id, |term| term.label)).collect();
            self.0.push(format!("{reason}: {}", words::list(&names)));
        }
    }
}

struct Both<'n> {
    old: &'n Notice,
    new: &'n Notice,
}

impl Both<'_> {
    fn head(&self, reasons: &mut Reasons) {
        let (old, new) = (self.old, self.new);
        reasons.when(old.of != new.of, "another organisation answers for the data");
        let left_out = old.laws.iter().any(|law| !new.laws.contains(law));
        reasons.when(left_out, "a law is left out");
    }

    fn change(&self, reasons: &mut Reasons) {
        let (Some(old), new) = (&self.old.change, &self.new.change) else { return };
        match new {
            None => reasons.when(true, "changes are no longer announced ahead"),
            Some(new) => reasons.when(ever_longer(&old.ahead, &new.ahead), "changes are announced later"),
        }
    }

    fn form(&self, old: Option<&Form>, new: Option<&Form>, reasons: &mut Reasons) {
        let Some(new) = new else { return };
        let required = |form: &Form, notice: &Notice| terms(notice, form.required.iter());
        let all = |form: &Form, notice: &Notice| {
            terms(notice, form.required.iter().chain(form.voluntary.iter().map(|(label, _)| label)))
        };
        let (must, may) = match old {
            None => (Vec::new(), Vec::new()),
            Some(old) => (required(old, self.old), all(old, self.old)),
        };
        reasons.more(&added(&may, &all(new, self.new)), "you are asked for more");
        let harder = added(&must, &required(new, self.new));
        let harder: Vec<&str> = harder.into_iter().filter(|term| may.contains(term)).collect();
        reasons.more(&harder, "you can no longer leave it out");
    }

    fn source(&self, old: Option<&DataSource>, new: Option<&DataSource>, reasons: &mut Reasons) {
        let Some(new) = new else { return };
        let Some(old) = old else { return reasons.when(true, "data comes from somebody else, too") };
        reasons.when(old.says != new.says, "it comes from somebody else");
        let (was, is) = (terms(self.old, old.gives.iter()), terms(self.new, new.gives.iter()));
        reasons.more(&added(&was, &is), "more is taken from there");
    }

    fn purpose(&self, old: Option<&Purpose>, new: Option<&Purpose>, reasons: &mut Reasons) {
        let Some(new) = new else { return };
        let Some(old) = old else { return reasons.when(true, "a new purpose") };
        reasons.when(old.is.id != new.is.id || old.says != new.says, "it is for something else");
        reasons.when(old.basis != new.basis, "it rests on another ground");
        let (was, is) = (terms(self.old, old.uses.iter()), terms(self.new, new.uses.iter()));
        reasons.more(&added(&was, &is), "it uses more");
    }

    fn role(&self, old: Option<&Role>, new: Option<&Role>, reasons: &mut Reasons) {
        let Some(new) = new else { return };
        let Some(old) = old else { return reasons.when(true, "more of us see data") };
        let shown = |role: &Role, notice: &Notice| -> Vec<_> {
            let each = role.sees.iter().flat_map(|(label, shown)| {
                notice.kinds_of(label).map(|term| (term, *shown)).collect::<Vec<_>>()
            });
            each.collect()
        };
        let was = shown(old, self.old);
        let covered = |term: &str, form| was.iter().any(|(seen, known)| *seen == term && known.covers(form));
        let wider = shown(new, self.new);
        let wider: Vec<&str> =
            wider.iter().filter(|(term, form)| !covered(term, *form)).map(|(term, _)| *term).collect();
        reasons.more(&wider, "it sees more");
        let more = new.for_.iter().any(|purpose| !old.for_.contains(purpose));
        reasons.when(more, "it looks for another purpose");
        reasons.when(old.asks_reason && !new.asks_reason, "it need not state a reason any more");
        let allowed = old.asks_permission && !new.asks_permission;
        reasons.when(allowed, "it looks without your permission");
    }

    fn retain(&self, old: Option<&Retain>, new: Option<&Retain>, reasons: &mut Reasons) {
        let Some(old) = old else { return };
        let Some(new) = new else {
            return reasons.when(true, "what it ended goes on");
        };
        reasons.when(old.when != new.when, "something else starts it");
        reasons.when(new.unless.is_some() && old.unless != new.unless, "something else can stop it");
        let end = |rule: &Retain| rule.within.or(rule.after).unwrap_or_default();
        let later = ever_longer(&end(new), &end(old)) || (old.within.is_some() && new.within.is_none());
        reasons.when(later, "it happens later");
        match (&old.action, &new.action) {
            (RetainAction::Erase { .. }, RetainAction::Erase { .. }) => {
                let was: Vec<&str> = self.old.erased_by(old).collect();
                let is: Vec<&str> = self.new.erased_by(new).collect();
                let still_held = |term: &&str| self.new.label_of(term).is_some();
                let lost: Vec<&str> = added(&is, &was).into_iter().filter(still_held).collect();
                reasons.more(&lost, "it no longer erases");
            }
            (was, is) => reasons.when(was != is, "it does something else"),
        }
        let kept = |rule: &Retain, notice: &Notice| terms(notice, rule.keep.iter().map(|(label, _)| label));
        reasons.more(&added(&kept(old, self.old), &kept(new, self.new)), "it keeps more");
        let lost = old.warn.iter().any(|lead| !new.warn.iter().any(|other| !ever_longer(lead, other)));
        reasons.when(lost, "you are warned later or not at all");
    }

    fn hold(&self, old: Option<&Hold>, new: Option<&Hold>, reasons: &mut Reasons) {
        let Some(new) = new else { return };
        let Some(old) = old else { return reasons.when(true, "something more can keep data longer") };
        reasons.when(old.from != new.from, "something else starts it");
        reasons.when(old.because != new.because, "it rests on another ground");
        let longer = match (&old.end, &new.end) {
            (HoldEnd::Lasts(was), HoldEnd::Lasts(is)) => ever_longer(is, was),
            (HoldEnd::Until(was), HoldEnd::Until(is)) => was != is,
            _ => true,
        };
        reasons.when(longer, "it can last longer");
        match (&old.data, &new.data) {
            (HoldData::All, _) => {}
            (HoldData::Labels(_), HoldData::All) => reasons.when(true, "it keeps everything"),
            (HoldData::Labels(was), HoldData::Labels(is)) => {
                let (was, is) = (terms(self.old, was.iter()), terms(self.new, is.iter()));
                reasons.more(&added(&was, &is), "it keeps more");
            }
        }
    }
}

fn session(old: &Session, new: &Session, reasons: &mut Reasons) {
    let ends = |was: &Option<Span>, is: &Option<Span>| match (was, is) {
        (Some(was), Some(is)) => ever_longer(is, was),
        (was, is) => was.is_some() && is.is_none(),
    };
    let longer = match (&old.carrier, &new.carrier) {
        (Carrier::Remember { lasts: was }, Carrier::Remember { lasts: is }) => ever_longer(is, was),
        (Carrier::Cookie { lasts: was }, Carrier::Cookie { lasts: is })
        | (Carrier::Address { lasts: was }, Carrier::Address { lasts: is }) => ends(was, is),
        _ => {
            reasons.when(true, "something else carries it");
            false
        }
    };
    reasons.when(longer || ever_longer(&new.idle, &old.idle), "you stay signed in for longer");
    reasons.when(old.fills_forms != new.fills_forms, "forms are filled in otherwise");
    reasons.when(old.opens_own_page && !new.opens_own_page, "you no longer have a page of your own");
    reasons.when(old.reminds.iter().any(|was| !new.reminds.contains(was)), "we remind you of less");
}

fn cookie(old: Option<&Cookie>, new: Option<&Cookie>, reasons: &mut Reasons) {
    let Some(new) = new else { return };
    let Some(old) = old else { return reasons.when(true, "another cookie") };
    reasons.when(ever_longer(&new.lasts, &old.lasts), "the cookie lasts longer");
    reasons.when(old.says != new.says, "the cookie does something else");
}

/// The terms behind labels.
fn terms<'l>(notice: &Notice, labels: impl Iterator<Item = &'l String>) -> Vec<&'static str> {
    labels.flat_map(|label| notice.kinds_of(label)).collect()
}

/// What is in the second list and not in the first.
fn added<'t>(was: &[&'t str], is: &[&'t str]) -> Vec<&'t str> {
    is.iter().copied().filter(|term| !was.contains(term)).collect()
}
