//! The terms a notice may use: kinds of data, purposes and legal bases.
//!
//! Ids and IRIs are those of the W3C community group's Data Privacy Vocabulary, [DPV](https://w3id.org/dpv) 2.3, except
//! the few under `kept:`, which are ours. The labels are our own plain words.

mod table;

use crate::spell;

/// One term.
#[derive(Debug, PartialEq, Eq)]
pub struct Term {
    /// The id a notice and the code use: `pd:EmailAddress`.
    pub id: &'static str,
    /// The IRI it stands for: `https://w3id.org/dpv/pd#EmailAddress`. Those of `kept:` terms are unregistered URNs.
    pub iri: &'static str,
    /// Plain words, without an article: `e-mail address`.
    pub label: &'static str,
    /// The word that goes before the label in a sentence: `your` or `the`.
    pub lead: &'static str,
    /// What the term stands for.
    pub family: Family,
}

/// What a term stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A kind of personal data.
    Data,
    /// A purpose.
    Purpose,
    /// A purpose that is marketing: people can always object to it (GDPR art. 21(2)).
    Marketing,
    /// A legal basis.
    Basis,
}

/// Every term, in no particular order.
pub fn all() -> &'static [Term] {
    table::TERMS
}

/// The term with this id.
pub fn find(id: &str) -> Option<&'static Term> {
    all().iter().find(|term| term.id == id)
}

/// The term that someone who wrote this id probably meant, by its spelling or by its plain words.
pub fn suggest(id: &str) -> Option<&'static str> {
    suggest_among(id, |_| true)
}

/// As [`suggest`], among some families only.
pub(crate) fn suggest_among(id: &str, wanted: impl Fn(Family) -> bool) -> Option<&'static str> {
    let bare = |id: &str| id.rsplit(':').next().unwrap_or(id).to_lowercase();
    let written = bare(id);
    let candidates = || all().iter().filter(|term| wanted(term.family));
    let by_label = || candidates().find(|term| term.label.replace([' ', '-'], "") == written);
    let names: Vec<String> = candidates().map(|term| bare(term.id)).collect();
    let by_name = || {
        let name = spell::nearest(&written, names.iter().map(String::as_str))?;
        candidates().find(|term| bare(term.id) == name)
    };
    by_label().or_else(by_name).map(|term| term.id)
}

impl Family {
    /// Whether a term of this family can be the `is` of a purpose.
    pub(crate) fn is_purpose(self) -> bool {
        matches!(self, Self::Purpose | Self::Marketing)
    }
}
