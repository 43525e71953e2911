//! Reading the file as a whole: its sections, and what the notice says of itself.

use jiff::civil::Date;
use toml::de::{DeTable, DeValue};

use super::read::{Item, Reader};
use crate::notice::{Change, HoldData, Notice, Prose, RuleHead};
use crate::sentence::LAWS;

/// Sections of the language that this version does not run.
const LATER_SECTIONS: [&str; 9] =
    ["recipient", "mail", "chat", "room", "analytics", "survey", "breach", "attest", "directory"];

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
}
