//! Reading one value at a time, remembering where it stands.

use std::collections::HashMap;
use std::ops::Range;

use jiff::Span;
use toml::de::{DeTable, DeValue};

use crate::problem::Problem;
use crate::vocabulary::Vocabulary;
use crate::{spell, time};

/// The state of one reading: the problems found, and where everything stands.
pub(super) struct Reader<'s> {
    pub(super) words: &'s Vocabulary,
    /// Labels and purposes of the notice, by name: what other rules may refer to.
    pub(super) labels: Vec<String>,
    pub(super) purposes: Vec<String>,
    source: &'s str,
    problems: Vec<Problem>,
    places: HashMap<String, Range<usize>>,
}

/// A value of the file: its path (`retain.lapsed.after`), where its key stands, where it stands, and what it is.
#[derive(Clone)]
pub(super) struct Item<'t> {
    pub(super) path: String,
    pub(super) key: Range<usize>,
    pub(super) span: Range<usize>,
    pub(super) value: &'t DeValue<'t>,
}

/// The entries of a table, some of them already asked for.
pub(super) struct Fields<'t> {
    pub(super) path: String,
    pub(super) key: Range<usize>,
    entries: Vec<(&'t str, Item<'t>)>,
    asked: Vec<&'static str>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(source: &'s str, words: &'s Vocabulary) -> Self {
        let (labels, purposes, problems, places) = Default::default();
        Self { words, labels, purposes, source, problems, places }
    }

    /// Records a problem at a place of the source.
    pub(super) fn problem(&mut self, at: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.problems.push(Problem::at(self.source, at.start, message, help));
    }

    /// Records a problem with what was noted under this path.
    pub(super) fn problem_with(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        let at = self.places.get(path).cloned().unwrap_or(0..0);
        self.problem(at, message, Some(help.into()));
    }

    /// Notes where something stands, for a check that comes later.
    pub(super) fn note(&mut self, path: String, at: Range<usize>) {
        self.places.insert(path, at);
    }

    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// The problems in the order of the file, each once.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems.dedup();
        self.problems
    }

    /// The root table.
    pub(super) fn root<'t>(&mut self, table: &'t DeTable<'t>) -> Fields<'t> {
        self.entries(table, String::new(), 0..0)
    }

    /// The entries of a value that must be a table, in the order written.
    pub(super) fn table<'t>(&mut self, item: &Item<'t>) -> Fields<'t> {
        if let DeValue::Table(table) = item.value {
            return self.entries(table, item.path.clone(), item.key.clone());
        }
        self.wrong(item, "a table");
        let (path, key) = (item.path.clone(), item.key.clone());
        Fields { path, key, entries: Vec::new(), asked: Vec::new() }
    }

    fn entries<'t>(&mut self, table: &'t DeTable<'t>, path: String, key: Range<usize>) -> Fields<'t> {
        let mut entries = Vec::new();
        for (name, value) in table {
            let path = if path.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{path}.{}", name.get_ref())
            };
            self.note(path.clone(), name.span());
            let item = Item { path, key: name.span(), span: value.span(), value: value.get_ref() };
            entries.push((&**name.get_ref(), item));
        }
        entries.sort_by_key(|(_, item)| item.key.start);
        Fields { path, key, entries, asked: Vec::new() }
    }

    /// A key that must be there, or one that was probably meant to be it, which [`Reader::done`] refuses.
    pub(super) fn required<'t>(
        &mut self,
        fields: &mut Fields<'t>,
        key: &'static str,
        help: &str,
    ) -> Option<Item<'t>> {
        let item = fields.take(key).or_else(|| fields.misspelt(key));
        if item.is_none() {
            self.problem(
                fields.key.clone(),
                format!("{} has no \"{key}\"", fields.name()),
                Some(help.to_owned()),
            );
        }
        item
    }

    /// Refuses what was not asked for. Keys that a later version will run are refused as such.
    pub(super) fn done(&mut self, fields: Fields<'_>, later: &[&str]) {
        for (name, item) in &fields.entries {
            if later.contains(name) {
                self.cannot_run(item.key.clone(), &item.path);
            } else if !fields.asked.contains(name) {
                let help = spell::help(name, fields.asked.iter().copied());
                let message = match fields.path.as_str() {
                    "" => format!("unknown section [{name}]"),
                    path => format!("[{path}] knows no key \"{name}\""),
                };
                self.problem(item.key.clone(), message, Some(help));
            }
        }
    }

    /// Refuses a sentence that nothing would run.
    pub(super) fn cannot_run(&mut self, at: Range<usize>, what: &str) {
        self.problem(
            at,
            format!("this version of Kept cannot run [{what}] yet"),
            Some("leave it out until it can: a sentence that nothing runs is no promise".to_owned()),
        );
    }

    /// A text that people are to read: not empty, on one line, and finished.
    pub(super) fn text(&mut self, item: &Item<'_>) -> Option<String> {
        let DeValue::String(text) = item.value else {
            self.wrong(item, "a text in quotes");
            return None;
        };
        if text.trim().is_empty() || text.contains(char::is_control) || text.trim() != text {
            let help = "write the words on one line, without spaces around them";
            self.problem(
                item.span.clone(),
                format!("{} is not one line of text", item.path),
                Some(help.to_owned()),
            );
        }
        self.refuse_placeholder(item, text);
        Some(text.to_string())
    }

    /// A text that becomes part of a sentence, and so has no full stop of its own.
    pub(super) fn fragment(&mut self, item: &Item<'_>) -> Option<String> {
        let text = self.text(item)?;
        if text.ends_with(['.', '!', '?', ',', ';', ':']) {
            let help = format!("write \"{}\"", text.trim_end_matches(['.', '!', '?', ',', ';', ':']));
            let message = format!("{} ends in a punctuation mark, but goes inside a sentence", item.path);
            self.problem(item.span.clone(), message, Some(help));
        }
        Some(text)
    }

    /// A text of any number of lines, printed as it is and marked as not checked.
    pub(super) fn prose(&mut self, item: &Item<'_>) -> Option<String> {
        let DeValue::String(text) = item.value else {
            self.wrong(item, "a text in quotes");
            return None;
        };
        self.refuse_placeholder(item, text);
        Some(text.trim().to_owned())
    }

    fn refuse_placeholder(&mut self, item: &Item<'_>, text: &str) {
        let marks = ["{", "}", "TODO", "TBD", "FIXME", "XXX", "[insert", "[your", "orem ipsum"];
        if let Some(mark) = marks.into_iter().find(|mark| text.contains(mark)) {
            let message = format!("{} still holds the placeholder \"{mark}\"", item.path);
            self.problem(
                item.span.clone(),
                message,
                Some("write the words that people are to read".to_owned()),
            );
        }
    }

    /// A duration, such as `6 months`.
    pub(super) fn span(&mut self, item: &Item<'_>) -> Option<Span> {
        let DeValue::String(text) = item.value else {
            self.wrong(item, "a duration in quotes, such as \"6 months\"");
            return None;
        };
        let span = time::parse_span(text);
        if span.is_none() {
            let help = match time::suggest_span(text) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "write a whole number and minutes, hours, days, weeks, months or years: \"6 months\""
                    .to_owned(),
            };
            self.problem(item.span.clone(), format!("\"{text}\" is not a duration"), Some(help));
        }
        span
    }

    /// The items of a list.
    pub(super) fn list<'t>(&mut self, item: &Item<'t>) -> Vec<Item<'t>> {
        let DeValue::Array(values) = item.value else {
            self.wrong(item, "a list in square brackets");
            return Vec::new();
        };
        if values.is_empty() {
            let help = "name at least one, or leave the key out".to_owned();
            self.problem(item.span.clone(), format!("{} is empty", item.path), Some(help));
        }
        let inner = |value: &'t toml::Spanned<DeValue<'t>>| {
            let span = value.span();
            Item { path: item.path.clone(), key: span.clone(), span, value: value.get_ref() }
        };
        values.iter().map(inner).collect()
    }

    /// A value, or each of a list of them.
    pub(super) fn one_or_more<'t>(&mut self, item: Item<'t>) -> Vec<Item<'t>> {
        if matches!(item.value, DeValue::Array(_)) { self.list(&item) } else { vec![item] }
    }

    /// A word in quotes.
    pub(super) fn word<'t>(&mut self, item: &Item<'t>) -> Option<&'t str> {
        if let DeValue::String(text) = item.value {
            return Some(text);
        }
        self.wrong(item, "a word in quotes");
        None
    }

    /// A word out of a closed set, or what it was probably meant to be.
    pub(super) fn choice<'c>(
        &mut self,
        item: &Item<'_>,
        what: &str,
        choices: impl Iterator<Item = &'c str> + Clone,
    ) -> Option<&'c str> {
        let word = self.word(item)?;
        self.chosen(word, item.span.clone(), what, choices)
    }

    /// As [`Reader::choice`], for a word that is already read.
    pub(super) fn chosen<'c>(
        &mut self,
        word: &str,
        at: Range<usize>,
        what: &str,
        choices: impl Iterator<Item = &'c str> + Clone,
    ) -> Option<&'c str> {
        if let Some(known) = choices.clone().find(|choice| *choice == word) {
            return Some(known);
        }
        self.problem(at, format!("unknown {what} \"{word}\""), Some(spell::help(word, choices.clone())));
        spell::nearest(word, choices)
    }

    /// What a word out of a closed set stands for.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        item: &Item<'_>,
        what: &str,
        (all, word): (&[T], fn(T) -> &'static str),
    ) -> Option<T> {
        let words = all.iter().map(|one| word(*one));
        let chosen = self.choice(item, what, words)?;
        all.iter().copied().find(|one| word(*one) == chosen)
    }

    /// A name that becomes part of an id, an anchor and an address.
    pub(super) fn name(&mut self, name: &str, at: Range<usize>) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
            let help = "use small letters, digits and hyphens, a letter first: \"member-id\"".to_owned();
            self.problem(at, format!("\"{name}\" cannot be a name"), Some(help));
        }
    }

    /// Says that a value is of the wrong kind.
    pub(super) fn wrong(&mut self, item: &Item<'_>, wanted: &str) {
        let message = format!("{} must be {wanted}, not {}", item.path, kind_of(item.value));
        self.problem(item.span.clone(), message, None);
    }
}

impl<'t> Fields<'t> {
    /// The value of a key, if it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Item<'t>> {
        self.asked.push(key);
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, item)| item.clone())
    }

    fn misspelt(&self, key: &'static str) -> Option<Item<'t>> {
        let near = |(name, _): &&(&str, Item<'t>)| spell::nearest(name, [key].into_iter()).is_some();
        self.entries.iter().find(near).map(|(_, item)| item.clone())
    }

    /// Every entry, for tables whose keys are names.
    pub(super) fn all(&self) -> Vec<(&'t str, Item<'t>)> {
        self.entries.clone()
    }

    /// Every entry by its key: for tables that become part of one sentence, which may not depend on the order written,
    /// because the notice's version does not.
    pub(super) fn by_key(&self) -> Vec<(&'t str, Item<'t>)> {
        let mut entries = self.entries.clone();
        entries.sort_by_key(|(name, _)| *name);
        entries
    }

    /// How a problem speaks of this table.
    pub(super) fn name(&self) -> String {
        if self.path.is_empty() { "a notice".to_owned() } else { format!("[{}]", self.path) }
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
