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
    /// What is released.
    pub fields: &'static [ViewField],
    /// Whether the site cannot run without it; a notice that forbids such a view is refused.
    pub needed: bool,
}

impl ViewSpec {
    /// Each kind once, with the widest form in which the view shows it.
    pub fn kinds(&self) -> Vec<(Kind, Mask)> {
        let mut kinds: Vec<(Kind, Mask)> = Vec::new();
        for field in self.fields {
            match kinds.iter_mut().find(|(kind, _)| *kind == field.kind) {
                Some((_, mask)) if field.mask == Mask::Whole => *mask = Mask::Whole,
                Some(_) => {}
                None => kinds.push((field.kind, field.mask)),
            }
        }
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
