//! Reading the rules: how long data is kept, what people can ask, how the site behaves.

use jiff::Span;
use toml::de::DeValue;

use super::read::{Fields, Item, Reader};
use crate::choice::{Never, Reminder, Right};
use crate::expect::Answer;
use crate::notice::{
    Carrier, Cookie, Expect, Hold, HoldData, HoldEnd, NeverRule, Retain, RetainAction, RightRule, RuleHead,
    Session,
};
use crate::spell;

/// Rights and things that never happen which this version does not run.
const LATER_RIGHTS: [&str; 3] = ["restrict", "object", "portability"];
const LATER_NEVERS: [&str; 3] = ["show-card", "share", "sell"];

impl Reader<'_> {
    pub(super) fn retain(&mut self, name: &str, item: &Item<'_>) -> Option<Retain> {
        self.name(name, item.key.clone());
        let mut fields = self.table(item);
        let when = self.required(&mut fields, "when", "name the event that starts the clock: when = \"…\"");
        let when = when.and_then(|when| self.event(&when)).unwrap_or_default();
        let unless = fields.take("unless").and_then(|unless| self.event(&unless));
        let after = fields.take("after").map(|after| self.span(&after));
        let within = fields.take("within").and_then(|within| self.span(&within));
        let (after, within) = match after {
            // Stands for what could not be read: long enough for a warning, and to be stopped in.
            Some(None) => (Some(Span::new().years(1000)), None),
            after => (after.flatten(), within),
        };
        let erase = fields.take("erase");
        let disable = fields.take("disable");
        let keep = fields.take("keep");
        if erase.is_some() == disable.is_some() {
            let message = format!("[retain.{name}] must either erase or disable");
            let help =
                "write erase = [\"identity\"], or disable = \"account\", in a rule of its own".to_owned();
            self.problem(fields.key.clone(), message, Some(help));
        }
        if let (Some(_), Some(keep)) = (&disable, &keep) {
            let help = "leave it out: disabling erases nothing".to_owned();
            self.problem(keep.key.clone(), format!("[retain.{name}] has nothing to keep"), Some(help));
        }
        let action = match (erase, disable) {
            (Some(erase), _) => RetainAction::Erase { labels: self.labels(&erase) },
            (None, Some(what)) => {
                self.choice(&what, "thing to disable", ["account"].into_iter());
                RetainAction::Disable
            }
            (None, None) => RetainAction::Disable,
        };
        let mut kept = Vec::new();
        for (label, purpose) in keep.map(|keep| self.table(&keep).by_key()).unwrap_or_default() {
            let label = self.label(label, &purpose);
            kept.extend(label.zip(self.purpose_name(&purpose)));
        }
        let mut warn = Vec::new();
        for before in fields.take("warn").map(|warn| self.list(&warn)).unwrap_or_default() {
            warn.extend(self.span(&before));
        }
        let rule = RuleHead { id: format!("retain.{name}"), refs: self.refs(&mut fields) };
        self.done(fields, &["if"]);
        Some(Retain { rule, name: name.to_owned(), when, unless, after, within, action, keep: kept, warn })
    }

    pub(super) fn hold(&mut self, name: &str, item: &Item<'_>) -> Option<Hold> {
        self.name(name, item.key.clone());
        let mut fields = self.table(item);
        let because =
            self.required(&mut fields, "because", "name the law or contract: because = \"PIPEDA, s. 8(8)\"");
        let because = because.and_then(|because| self.fragment(&because)).unwrap_or_default();
        let data =
            self.required(&mut fields, "data", "name what is held: data = [\"identity\"] or \"everything\"");
        let data = data.map_or(HoldData::All, |data| self.hold_data(&data));
        let from = self.required(&mut fields, "from", "name the event that starts it: from = \"…\"");
        let from = from.and_then(|from| self.event(&from)).unwrap_or_default();
        let lasts = fields.take("lasts");
        let until = fields.take("until");
        if lasts.is_some() == until.is_some() {
            let message = format!("[hold.{name}] must have one end");
            let help = "write lasts = \"6 years\", or until = \"…\" with the event that ends it".to_owned();
            self.problem(fields.key.clone(), message, Some(help));
        }
        let end = match (lasts, until) {
            (Some(lasts), _) => HoldEnd::Lasts(self.span(&lasts).unwrap_or_default()),
            (None, until) => HoldEnd::Until(until.and_then(|until| self.event(&until)).unwrap_or_default()),
        };
        let rule = RuleHead { id: format!("hold.{name}"), refs: self.refs(&mut fields) };
        self.done(fields, &[]);
        Some(Hold { rule, name: name.to_owned(), because, data, from, end, kinds: Vec::new() })
    }

    fn hold_data(&mut self, item: &Item<'_>) -> HoldData {
        if matches!(item.value, DeValue::String(_)) {
            self.choice(item, "data", ["everything"].into_iter());
            return HoldData::All;
        }
        HoldData::Labels(self.labels(item))
    }

    pub(super) fn right(&mut self, key: &str, item: &Item<'_>) -> Option<RightRule> {
        let word = self.closed(key, item, "right", Right::ALL.into_iter().map(Right::word), &LATER_RIGHTS)?;
        let right = Right::ALL.into_iter().find(|right| right.word() == word)?;
        let mut fields = self.table(item);
        let on = self.required(&mut fields, "on", "name the page: on = \"My data\"");
        let on = on
            .and_then(|on| {
                self.choice(&on, "page", ["My account", "My data", "Forgotten password"].into_iter())
            })
            .unwrap_or_default()
            .to_owned();
        let rule = RuleHead { id: format!("right.{word}"), refs: self.refs(&mut fields) };
        self.done(fields, &["within"]);
        Some(RightRule { rule, right, on })
    }

    pub(super) fn session(&mut self, item: Option<Item<'_>>) -> Session {
        let rule = RuleHead { id: "session".to_owned(), refs: Vec::new() };
        let carrier = Carrier::Cookie { lasts: None };
        let mut session = Session {
            rule,
            carrier,
            idle: Span::new(),
            reminds: Vec::new(),
            fills_forms: false,
            opens_own_page: false,
        };
        let Some(item) = item else { return session };
        let mut fields = self.table(&item);
        let carrier = self.required(&mut fields, "carrier", "say what carries it: carrier = \"cookie\"");
        session.carrier = self.carrier(carrier.as_ref(), &mut fields);
        if let Some(idle) =
            self.required(&mut fields, "idle", "say when a forgotten one ends: idle = \"1 hour\"")
        {
            session.idle = self.span(&idle).unwrap_or_default();
        }
        for item in fields.take("reminds").map(|reminds| self.list(&reminds)).unwrap_or_default() {
            let known = self.one_of(&item, "reminder", (&Reminder::ALL, Reminder::words));
            session.reminds.extend(known.filter(|reminder| !session.reminds.contains(reminder)));
        }
        let fills = fields.take("fills");
        session.fills_forms = fills
            .is_some_and(|fills| self.choice(&fills, "thing to fill in", ["forms"].into_iter()).is_some());
        let opens = fields.take("opens");
        session.opens_own_page =
            opens.is_some_and(|opens| self.choice(&opens, "page", ["My account"].into_iter()).is_some());
        session.rule.refs = self.refs(&mut fields);
        self.done(fields, &[]);
        session
    }

    /// What carries a session, and for how long: a cookie ends with the browser, an address does not; a device is
    /// remembered for a time.
    fn carrier(&mut self, carrier: Option<&Item<'_>>, fields: &mut Fields<'_>) -> Carrier {
        let words = ["cookie", "address", "remember"];
        let word = carrier.and_then(|item| self.choice(item, "carrier", words.into_iter()));
        let lasts = fields.take("lasts");
        if word == Some("remember") {
            if let Some(ends) = fields.take("ends") {
                let help = "leave it out: \"lasts\" says for how long a device is remembered".to_owned();
                self.problem(ends.key.clone(), "a remembered device outlasts the browser", Some(help));
            }
            if lasts.is_none() {
                let help = "say for how long a device is remembered: lasts = \"30 days\"".to_owned();
                self.problem(fields.key.clone(), "[session] has no \"lasts\"", Some(help));
            }
            let lasts = lasts.and_then(|lasts| self.span(&lasts)).unwrap_or_default();
            return Carrier::Remember { lasts };
        }
        let lasts = lasts.and_then(|lasts| self.span(&lasts));
        if word == Some("address") {
            if let Some(ends) = fields.take("ends") {
                let help = "leave it out: \"idle\" and \"lasts\" say when it ends".to_owned();
                self.problem(ends.key.clone(), "an address does not end with the browser", Some(help));
            }
            return Carrier::Address { lasts };
        }
        if let Some(ends) = self.required(fields, "ends", "say when it ends: ends = \"with the browser\"") {
            self.choice(&ends, "end of a session", ["with the browser"].into_iter());
        }
        Carrier::Cookie { lasts }
    }

    pub(super) fn cookie(&mut self, name: &str, item: &Item<'_>) -> Option<Cookie> {
        let known = self.words.cookies.iter().copied();
        let name = self.chosen(name, item.key.clone(), "cookie", known)?.to_owned();
        let mut fields = self.table(item);
        let says = self.required(&mut fields, "says", "finish the sentence \"This cookie …\": says = \"…\"");
        let says = says.and_then(|says| self.fragment(&says)).unwrap_or_default();
        let lasts = self.required(&mut fields, "lasts", "say for how long: lasts = \"1 year\"");
        let lasts = lasts.and_then(|lasts| self.span(&lasts)).unwrap_or_default();
        let rule = RuleHead { id: format!("cookie.{name}"), refs: self.refs(&mut fields) };
        self.done(fields, &[]);
        Some(Cookie { rule, name, says, lasts })
    }

    pub(super) fn never(&mut self, key: &str, item: &Item<'_>) -> Option<NeverRule> {
        let known = Never::ALL.into_iter().map(Never::word);
        let word = self.closed(key, item, "thing that never happens", known, &LATER_NEVERS)?;
        let never = Never::ALL.into_iter().find(|never| never.word() == word)?;
        let mut fields = self.table(item);
        let rule = RuleHead { id: format!("never.{word}"), refs: self.refs(&mut fields) };
        self.done(fields, &[]);
        Some(NeverRule { rule, never })
    }

    /// Refuses a key that is not one of a closed set, or one that comes later.
    fn closed<'c>(
        &mut self,
        key: &str,
        item: &Item<'_>,
        what: &str,
        known: impl Iterator<Item = &'c str> + Clone,
        later: &[&str],
    ) -> Option<&'c str> {
        if later.contains(&key) {
            self.cannot_run(item.key.clone(), &item.path);
            return None;
        }
        if !known.clone().any(|word| word == key) {
            let help = spell::help(key, known.clone());
            self.problem(item.key.clone(), format!("unknown {what} \"{key}\""), Some(help));
        }
        known.into_iter().find(|word| *word == key)
    }

    pub(super) fn expects(&mut self, item: Option<Item<'_>>) -> Vec<Expect> {
        let mut expects = Vec::new();
        for item in item.map(|item| self.list(&item)).unwrap_or_default() {
            let mut fields = self.table(&item);
            let ask = self.required(
                &mut fields,
                "ask",
                "write the question: ask = \"who sees identity for membership\"",
            );
            let answer =
                self.required(&mut fields, "answer", "write the answer in quotes: answer = \"nobody\"");
            self.done(fields, &[]);
            let (Some(ask), Some(answer)) = (ask, answer) else { continue };
            let texts = self.text(&ask).zip(self.text(&answer));
            expects.extend(texts.map(|(ask, answer)| Expect { ask, answer }));
            self.note(format!("expect {}", expects.len()), ask.span);
            self.note(format!("answer {}", expects.len()), answer.span);
        }
        expects
    }

    /// Says how an expectation was not met.
    pub(super) fn unmet(&mut self, number: usize, expect: &Expect, answer: Answer) {
        match answer {
            Ok(answer) if answer == expect.answer => {}
            Ok(answer) => {
                let message = format!("the notice answers \"{answer}\", not \"{}\"", expect.answer);
                self.problem_with(
                    &format!("answer {number}"),
                    message,
                    "change the rules, or what is expected of them",
                );
            }
            Err((message, help)) => self.problem_with(&format!("expect {number}"), message, help),
        }
    }
}
