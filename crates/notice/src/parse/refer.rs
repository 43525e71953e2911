//! Reading what a rule names that stands elsewhere: labels, purposes, events, terms, clauses.

use super::read::{Fields, Item, Reader};
use crate::terms::{self, Family, Term};

impl Reader<'_> {
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

    pub(super) fn label_item(&mut self, item: &Item<'_>) -> Option<String> {
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

    pub(super) fn twice(&mut self, path: &str, label: &str) {
        self.problem_with(&format!("{path} {label}"), format!("{path} names {label} twice"), "name it once");
    }

    /// The name of a purpose.
    pub(super) fn purpose_name(&mut self, item: &Item<'_>) -> Option<String> {
        let purposes = self.purposes.clone();
        self.choice(item, "purpose", purposes.iter().map(String::as_str)).map(str::to_owned)
    }

    /// The name of an event.
    pub(super) fn event(&mut self, item: &Item<'_>) -> Option<String> {
        let known = self.words.events.iter().map(|event| event.name);
        self.choice(item, "event", known).map(str::to_owned)
    }

    pub(super) fn term(
        &mut self,
        item: &Item<'_>,
        what: &str,
        wanted: fn(Family) -> bool,
    ) -> Option<&'static Term> {
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
}
