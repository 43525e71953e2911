//! Views: declared reads, and the only way to read personal data (`use-1`, `use-2`).

use kept_notice::{Reader, ViewClaim};
use kept_vault::{Kind, Mask};
use serde::de::DeserializeOwned;

/// Who reads through a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The person whose data it is.
    Person,
    /// The server, in a job that shows nothing to anyone (signing in, addressing a mail).
    System,
    /// Staff in this role of the notice.
    Role(&'static str),
}

/// One field that a view releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewField {
    /// The record it comes from.
    pub record: &'static str,
    /// The field, with the same name in the record and in the view.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// How much of it is shown.
    pub mask: Mask,
}

/// A view's declaration: who reads, for what purpose, which kinds, shown whole or masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewSpec {
    /// A short name that is unique on the site: `member-card`.
    pub name: &'static str,
    /// What it is, for people: "the member card at the support desk".
    pub says: &'static str,
    /// Who reads.
    pub by: By,
    /// Why: a DPV purpose, `dpv:ServiceProvision`.
    pub purpose: &'static str,
    /// What is released of sealed records.
    pub fields: &'static [ViewField],
    /// What the page shows beside them from an area's own tables, whole: dates, credits. An area reads those rows by
    /// itself, after the view was granted; naming them here is what puts them to the notice and on the trail.
    pub rows: &'static [Kind],
    /// Whether the site cannot run without it; a notice that forbids such a view is refused.
    pub needed: bool,
}

impl ViewSpec {
    /// Each kind with every form in which the view shows it; only whole, where it shows it whole.
    pub fn kinds(&self) -> Vec<(Kind, Mask)> {
        let mut kinds: Vec<(Kind, Mask)> = Vec::new();
        let rows = self.rows.iter().map(|kind| (*kind, Mask::Whole));
        for shown in self.fields.iter().map(|field| (field.kind, field.mask)).chain(rows) {
            let (kind, mask) = shown;
            if kinds.contains(&(kind, Mask::Whole)) || kinds.contains(&shown) {
                continue;
            }
            kinds.retain(|(other, _)| mask != Mask::Whole || *other != kind);
            kinds.push(shown);
        }
        kinds
    }

    /// Each kind once that a look through it can show under a notice: of what the notice does not name, nothing is held.
    pub(crate) fn kinds_under(&self, notice: &kept_notice::Notice) -> Vec<Kind> {
        let kinds = self.fields.iter().map(|field| field.kind).chain(self.rows.iter().copied());
        let mut kinds: Vec<Kind> = kinds.filter(|kind| notice.label_of(kind.term()).is_some()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Puts the view to the notice: may this declared read happen?
    pub fn judge(&self, notice: &kept_notice::Notice) -> kept_notice::Verdict {
        let kinds = self.kinds();
        let forms: Vec<(&str, String)> =
            kinds.iter().map(|(kind, mask)| (kind.term(), mask.to_string())).collect();
        let forms: Vec<(&str, &str)> = forms.iter().map(|(kind, mask)| (*kind, mask.as_str())).collect();
        let by = match self.by {
            By::Person => Reader::Person,
            By::System => Reader::System,
            By::Role(role) => Reader::Role(role),
        };
        notice.judge(&ViewClaim { by, purpose: self.purpose, kinds: &forms })
    }
}

/// What a view releases, as a type. A field whose kind has been erased is absent, so most fields are options.
pub trait View: DeserializeOwned {
    /// The declaration.
    const SPEC: ViewSpec;
}
