//! Reading the file as a whole and its nouns: the notice itself, data, forms, purposes and roles.

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::read::{Fields, Item, Reader};
use crate::notice::{
    Basis, Change, Data, DataSource, Form, HoldData, Notice, Prose, Purpose, Role, RuleHead, Shown,
};
use crate::sentence::LAWS;
use crate::spell;
use crate::terms::{self, Family, Term};

/// Sections of the language that this version does not run.
const LATER_SECTIONS: [&str; 9] =
    ["recipient", "mail", "chat", "room", "analytics", "survey", "breach", "attest", "directory"];

/// How long the name of a source may be: it is stored beside every part that comes from it.
const LONGEST_SOURCE: usize = 32;

/// Stands for a term that could not be read. A notice that holds it has a problem, and is never handed out.
static UNREAD: Term = Term { id: "", iri: "", label: "", lead: "", family: Family::Data };

impl Reader<'_> {
    /// The whole file. What could not be read is missing or empty in the result, and a problem.
    pub(super) fn notice(&mut self, tree: &DeTable<'_>) -> Notice {
        let mut root = self.root(tree);
        let head = self.required(&mut root, "notice", "it says whose notice this is: [notice] of = \"…\"");
        let data = self.required(&mut root, "data", "it names the data: [data] identity = [\"pd:Name\"]");
        let forms = root.take("form");
        let sources = root.take("source");
        let purposes =
            self.required(&mut root, "purpose", "it says what data is used for: [purpose.membership]");
        let roles = root.take("role");
        let retains = self.required(&mut root, "retain", "it says when data ends: [retain.lapsed]");
        let holds = root.take("hold");
        let rights = root.take("right");
        let session = self.required(&mut root, "session", "it says how one stays signed in: [session]");
        let cookies = root.take("cookie");
        let nevers = root.take("never");
        let expects = root.take("expect");
        self.done(root, &LATER_SECTIONS);

        let mut prose = Vec::new();
        let mut notice = Notice {
            version: String::new(),
            canonical: String::new(),
            of: String::new(),
            contact: String::new(),
            effective: Date::ZERO,
            laws: Vec::new(),
            rule: RuleHead { id: "notice".to_owned(), refs: Vec::new() },
            change: None,
            data: self.section(data, "data", &mut prose, Self::data),
            forms: Vec::new(),
            sources: Vec::new(),
            purposes: Vec::new(),
            roles: Vec::new(),
            retains: Vec::new(),
            holds: Vec::new(),
            rights: Vec::new(),
            session: self.session(session),
            cookies: Vec::new(),
            nevers: Vec::new(),
            expects: self.expects(expects),
            prose: Vec::new(),
            words: self.words.clone(),
        };
        if let Some(head) = head {
            self.head(&head, &mut notice, &mut prose);
        }
        self.labels = notice.data.iter().map(|data| data.label.clone()).collect();
        notice.purposes = self.section(purposes, "purpose", &mut prose, Self::purpose);
        self.purposes = notice.purposes.iter().map(|purpose| purpose.name.clone()).collect();
        notice.forms = self.section(forms, "form", &mut prose, Self::form);
        notice.sources = self.section(sources, "source", &mut prose, Self::source);
        notice.roles = self.section(roles, "role", &mut prose, Self::role);
        notice.retains = self.section(retains, "retain", &mut prose, Self::retain);
        notice.holds = self.section(holds, "hold", &mut prose, Self::hold);
        notice.rights = self.section(rights, "right", &mut prose, Self::right);
        notice.cookies = self.section(cookies, "cookie", &mut prose, Self::cookie);
        notice.nevers = self.section(nevers, "never", &mut prose, Self::never);
        notice.prose = prose;
        for hold in &mut notice.holds {
            if let HoldData::Labels(labels) = &hold.data {
                let data = notice.data.iter().filter(|data| labels.contains(&data.label));
                hold.kinds = data.flat_map(|data| data.kinds.iter().map(|term| term.id)).collect();
            }
        }
        notice
    }

    /// A section whose keys are names. `prose` beside them is free text.
    fn section<'t, T>(
        &mut self,
        item: Option<Item<'t>>,
        name: &'static str,
        prose: &mut Vec<Prose>,
        each: fn(&mut Self, &str, &Item<'t>) -> Option<T>,
    ) -> Vec<T> {
        let Some(item) = item else { return Vec::new() };
        let mut read = Vec::new();
        for (key, item) in self.table(&item).all() {
            if key == "prose" {
                prose.extend(self.prose(&item).map(|text| Prose { section: name, text }));
            } else {
                read.extend(each(self, key, &item));
            }
        }
        read
    }

    fn head(&mut self, item: &Item<'_>, notice: &mut Notice, prose: &mut Vec<Prose>) {
        let mut fields = self.table(item);
        if let Some(of) = self.required(&mut fields, "of", "name the organisation: of = \"…\"") {
            notice.of = self.text(&of).unwrap_or_default();
        }
        if let Some(contact) =
            self.required(&mut fields, "contact", "give the address people write to: contact = \"…\"")
        {
            notice.contact = self.contact(&contact);
        }
        if let Some(date) = self.required(&mut fields, "effective", "say from when: effective = 2026-12-01") {
            notice.effective = self.date(&date);
        }
        if let Some(laws) = self.required(&mut fields, "laws", "name the laws: laws = [\"GDPR\"]") {
            let known = LAWS.iter().map(|(law, _)| *law);
            for law in self.list(&laws) {
                notice.laws.extend(self.choice(&law, "law", known.clone()).map(str::to_owned));
            }
        }
        notice.change = fields.take("change").and_then(|change| self.change(&change));
        notice.rule.refs = self.refs(&mut fields);
        if let Some(text) = fields.take("prose").and_then(|item| self.prose(&item)) {
            prose.insert(0, Prose { section: "notice", text });
        }
        self.done(fields, &["backups", "languages"]);
    }

    fn contact(&mut self, item: &Item<'_>) -> String {
        let text = self.text(item).unwrap_or_default();
        let whole = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
        if !text.split_once('@').is_some_and(|(name, host)| whole(name) && whole(host) && !host.contains('@'))
        {
            let help = "write one address, such as \"privacy@trainers.example.test\"".to_owned();
            self.problem(item.span.clone(), "contact is not an e-mail address", Some(help));
        }
        text
    }

    fn date(&mut self, item: &Item<'_>) -> Date {
        let day = match item.value {
            DeValue::Datetime(time) if time.time.is_none() => time.date.and_then(|day| {
                let year = i16::try_from(day.year).ok()?;
                Date::new(year, i8::try_from(day.month).ok()?, i8::try_from(day.day).ok()?).ok()
            }),
            _ => None,
        };
        if day.is_none() {
            let help = "write the day without quotes: effective = 2026-12-01".to_owned();
            self.problem(item.span.clone(), format!("{} is not a date", item.path), Some(help));
        }
        day.unwrap_or(Date::ZERO)
    }

    fn change(&mut self, item: &Item<'_>) -> Option<Change> {
        let mut fields = self.table(item);
        if let Some(by) = self.required(&mut fields, "by", "say how people are told: by = \"e-mail\"") {
            self.choice(&by, "way to tell people", ["e-mail"].into_iter());
        }
        let ahead = self.required(&mut fields, "ahead", "say how long before: ahead = \"30 days\"");
        let ahead = ahead.and_then(|ahead| self.span(&ahead));
        let rule = RuleHead { id: "notice.change".to_owned(), refs: self.refs(&mut fields) };
        self.done(fields, &[]);
        Some(Change { rule, ahead: ahead? })
    }

    fn data(&mut self, label: &str, item: &Item<'_>) -> Option<Data> {
        self.name(label, item.key.clone());
        if label == "everything" {
            let help = "choose another word: \"everything\" means all labels at once".to_owned();
            self.problem(item.key.clone(), "\"everything\" cannot be a label", Some(help));
        }
        let (kinds, says) = match item.value {
            DeValue::Array(_) => (Some(item.clone()), None),
            _ => {
                let mut fields = self.table(item);
                let kinds = self.required(&mut fields, "is", "name the terms: is = [\"pd:Identifier\"]");
                let says = fields.take("says").and_then(|says| self.fragment(&says));
                self.done(fields, &[]);
                (kinds, says)
            }
        };
        let mut read = Vec::new();
        for kind in kinds.map(|kinds| self.list(&kinds)).unwrap_or_default() {
            if let Some(term) = self.term(&kind, "kind of data", |family| family == Family::Data) {
                self.note(format!("{label} {}", term.id), kind.span);
                read.push(term);
            }
        }
        Some(Data { label: label.to_owned(), says, kinds: read })
    }

    fn form(&mut self, name: &str, item: &Item<'_>) -> Option<Form> {
        let known = self.words.forms.iter().map(|form| form.name);
        let name = self.chosen(name, item.key.clone(), "form", known)?.to_owned();
        let mut fields = self.table(item);
        let required =
            self.required(&mut fields, "required", "name what one must give: required = [\"identity\"]");
        let required = required.map(|item| self.labels(&item)).unwrap_or_default();
        let mut voluntary = Vec::new();
        if let Some(item) = fields.take("voluntary") {
            for (label, loses) in self.table(&item).by_key() {
                let label = self.label(label, &loses);
                voluntary.extend(label.zip(self.fragment(&loses)));
            }
        }
        let rule = RuleHead { id: format!("form.{name}"), refs: self.refs(&mut fields) };
        self.done(fields, &[]);
        Some(Form { rule, name, required, voluntary })
    }

    fn source(&mut self, name: &str, item: &Item<'_>) -> Option<DataSource> {
        self.name(name, item.key.clone());
        if name.len() > LONGEST_SOURCE {
            let help = format!("use at most {LONGEST_SOURCE} letters");
            self.problem(item.key.clone(), format!("\"{name}\" is too long for a source"), Some(help));
        }
        let mut fields = self.table(item);
        let says =
            self.required(&mut fields, "says", "say who or what it is: says = \"our former register\"");
        let says = says.and_then(|says| self.fragment(&says)).unwrap_or_default();
        let gives = self.required(&mut fields, "gives", "name what it gives: gives = [\"identity\"]");
        let gives = gives.map(|item| self.labels(&item)).unwrap_or_default();
        let rule = RuleHead { id: format!("source.{name}"), refs: self.refs(&mut fields) };
        self.done(fields, &[]);
        Some(DataSource { rule, name: name.to_owned(), says, gives })
    }

    fn purpose(&mut self, name: &str, item: &Item<'_>) -> Option<Purpose> {
        self.name(name, item.key.clone());
        let mut fields = self.table(item);
        let says = self.required(
            &mut fields,
            "says",
            "finish the sentence \"We use your data to …\": says = \"run your membership\"",
        );
        let says = says.and_then(|says| self.fragment(&says)).unwrap_or_default();
        let is = self.required(&mut fields, "is", "name the DPV purpose: is = \"dpv:ServiceProvision\"");
        let is = is.and_then(|is| self.term(&is, "purpose", Family::is_purpose)).unwrap_or(&UNREAD);
        let basis = self.required(&mut fields, "basis", "name the ground: basis = \"contract\"");
        let basis = basis.and_then(|basis| self.basis(&basis)).unwrap_or(Basis::Contract);
        let uses = self.required(&mut fields, "uses", "name the data: uses = [\"identity\"]");
        let uses = uses.map(|uses| self.labels(&uses)).unwrap_or_default();
        let rule = RuleHead { id: format!("purpose.{name}"), refs: self.refs(&mut fields) };
        self.done(fields, &["opt-out"]);
        Some(Purpose { rule, name: name.to_owned(), says, is, basis, uses })
    }

    fn basis(&mut self, item: &Item<'_>) -> Option<Basis> {
        if self.word(item)? == "consent" {
            let message = "this version of Kept cannot run the basis \"consent\" yet";
            let help = "it would have to ask for consent and to let people withdraw it (GDPR, art. 7)";
            self.problem(item.span.clone(), message, Some(help.to_owned()));
            return None;
        }
        let word = self.choice(item, "basis", Basis::ALL.into_iter().map(Basis::word))?;
        Basis::ALL.into_iter().find(|basis| basis.word() == word)
    }

    fn role(&mut self, name: &str, item: &Item<'_>) -> Option<Role> {
        let known = self.words.roles.iter().copied();
        let name = self.chosen(name, item.key.clone(), "role", known)?.to_owned();
        let mut fields = self.table(item);
        let says =
            self.required(&mut fields, "says", "say what they do: says = \"answer members' questions\"");
        let says = says.and_then(|says| self.fragment(&says)).unwrap_or_default();
        let sees = self.required(
            &mut fields,
            "sees",
            "name what they see: sees = [\"identity\", { phone = \"last 4\" }]",
        );
        let sees = sees.map(|sees| self.sees(&sees)).unwrap_or_default();
        let mut for_ = Vec::new();
        if let Some(item) = self.required(&mut fields, "for", "name the purposes: for = [\"membership\"]") {
            for purpose in self.list(&item) {
                for_.extend(self.purpose_name(&purpose));
            }
        }
        let (mut asks_reason, mut asks_permission) = (false, false);
        for asked in fields.take("asks").map(|asks| self.one_or_more(asks)).unwrap_or_default() {
            match self.choice(&asked, "thing to ask for", ["a reason", "permission"].into_iter()) {
                Some("permission") => asks_permission = true,
                _ => asks_reason = true,
            }
        }
        let rule = RuleHead { id: format!("role.{name}"), refs: self.refs(&mut fields) };
        self.done(fields, &[]);
        Some(Role { rule, name, says, sees, for_, asks_reason, asks_permission })
    }

    /// Labels, each whole or in the form that `{ label = "form" }` says.
    fn sees(&mut self, item: &Item<'_>) -> Vec<(String, Shown)> {
        let mut sees = Vec::new();
        for seen in self.list(item) {
            let entries = match seen.value {
                DeValue::Table(_) => self.table(&seen).by_key(),
                _ => {
                    sees.extend(self.label_item(&seen).map(|label| (label, Shown::Whole)));
                    continue;
                }
            };
            for (label, form) in entries {
                let label = self.label(label, &Item { path: item.path.clone(), ..form.clone() });
                let words = self.choice(&form, "way to show data", Shown::ALL.into_iter().map(Shown::words));
                sees.extend(label.zip(words.and_then(Shown::find)));
            }
        }
        for (place, (label, _)) in sees.iter().enumerate() {
            if sees.iter().take(place).any(|(earlier, _)| earlier == label) {
                self.twice(&item.path, label);
            }
        }
        sees
    }

    /// A value, or each of a list of them.
    fn one_or_more<'t>(&mut self, item: Item<'t>) -> Vec<Item<'t>> {
        if matches!(item.value, DeValue::Array(_)) { self.list(&item) } else { vec![item] }
    }

    /// The name of a purpose.
    pub(super) fn purpose_name(&mut self, item: &Item<'_>) -> Option<String> {
        let purposes = self.purposes.clone();
        self.choice(item, "purpose", purposes.iter().map(String::as_str)).map(str::to_owned)
    }

    /// A list of labels.
    pub(super) fn labels(&mut self, item: &Item<'_>) -> Vec<String> {
        let mut labels = Vec::new();
        for entry in self.list(item) {
            let Some(label) = self.label_item(&entry) else { continue };
            if labels.contains(&label) {
                self.twice(&item.path, &label);
            } else {
                labels.push(label);
            }
        }
        labels
    }

    fn twice(&mut self, path: &str, label: &str) {
        self.problem_with(&format!("{path} {label}"), format!("{path} names {label} twice"), "name it once");
    }

    fn label_item(&mut self, item: &Item<'_>) -> Option<String> {
        let word = self.word(item)?;
        self.label(word, item)
    }

    /// A label, which a key or a value may be. Notes where it stands as `path label`.
    pub(super) fn label(&mut self, word: &str, item: &Item<'_>) -> Option<String> {
        let labels = self.labels.clone();
        let label = self.chosen(word, item.key.clone(), "label", labels.iter().map(String::as_str))?;
        let list = item.path.strip_suffix(&format!(".{word}")).unwrap_or(&item.path);
        self.note(format!("{list} {label}"), item.key.clone());
        Some(label.to_owned())
    }

    fn term(&mut self, item: &Item<'_>, what: &str, wanted: fn(Family) -> bool) -> Option<&'static Term> {
        let id = self.word(item)?;
        match terms::find(id) {
            Some(term) if wanted(term.family) => Some(term),
            Some(_) => {
                self.problem(item.span.clone(), format!("{id} is not a {what}"), None);
                None
            }
            None => {
                let meant = terms::suggest_among(id, wanted);
                let help = match meant {
                    Some(meant) => format!("did you mean \"{meant}\"?"),
                    None => "the terms are those of DPV 2.3, https://w3id.org/dpv".to_owned(),
                };
                self.problem(item.span.clone(), format!("unknown term \"{id}\" for a {what}"), Some(help));
                meant.and_then(terms::find)
            }
        }
    }

    /// The operator's clause numbers.
    pub(super) fn refs(&mut self, fields: &mut Fields<'_>) -> Vec<String> {
        let mut refs = Vec::new();
        if let Some(item) = fields.take("ref") {
            for clause in self.list(&item) {
                refs.extend(self.text(&clause));
            }
        }
        refs
    }

    /// The name of an event.
    pub(super) fn event(&mut self, item: &Item<'_>) -> Option<String> {
        let known = self.words.events.iter().map(|event| event.name);
        self.choice(item, "event", known).map(str::to_owned)
    }

    /// Refuses a key that is not one of a closed set, or one that comes later.
    pub(super) fn closed<'c>(
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
}
