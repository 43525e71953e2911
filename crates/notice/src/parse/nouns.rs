//! Reading the nouns: data, forms, sources, purposes and roles.

use toml::de::DeValue;

use super::read::{Item, Reader};
use crate::choice::{Basis, Shown};
use crate::notice::{Data, DataSource, Form, Purpose, Role, RuleHead};
use crate::terms::{Family, Term};

/// How long the name of a source may be: it is stored beside every part that comes from it.
const LONGEST_SOURCE: usize = 32;

/// Stands for a term that could not be read. A notice that holds it has a problem, and is never handed out.
static UNREAD: Term = Term { id: "", iri: "", label: "", lead: "", family: Family::Data };

impl Reader<'_> {
    pub(super) fn data(&mut self, label: &str, item: &Item<'_>) -> Option<Data> {
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

    pub(super) fn form(&mut self, name: &str, item: &Item<'_>) -> Option<Form> {
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

    pub(super) fn source(&mut self, name: &str, item: &Item<'_>) -> Option<DataSource> {
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

    pub(super) fn purpose(&mut self, name: &str, item: &Item<'_>) -> Option<Purpose> {
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
        self.one_of(item, "basis", (&Basis::ALL, Basis::word))
    }

    pub(super) fn role(&mut self, name: &str, item: &Item<'_>) -> Option<Role> {
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
                let shown = self.one_of(&form, "way to show data", (&Shown::ALL, Shown::words));
                sees.extend(label.zip(shown));
            }
        }
        for (place, (label, _)) in sees.iter().enumerate() {
            if sees.iter().take(place).any(|(earlier, _)| earlier == label) {
                self.twice(&item.path, label);
            }
        }
        sees
    }
}
