//! Who can see what, why, and in what form: generated from the views, published on the site, snapshotted in tests.

use kept_notice::Verdict;
use serde::Serialize;

use crate::{
    policy::{Judged, Policy},
    view::By,
};

/// One kind of read, as `kept uses` prints it and `/notice/uses` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The view's name.
    pub view: &'static str,
    /// What it is, for people.
    pub says: &'static str,
    /// Who: `you`, `the server`, or a role.
    pub who: String,
    /// Why: the DPV purpose.
    pub purpose: &'static str,
    /// Each kind's plain word and the form in which it is shown.
    pub sees: Vec<Seen>,
    /// The rules of the notice that allow it; empty when it is off.
    pub rules: Vec<String>,
    /// Why it is off, if it is.
    pub off: Option<String>,
}

/// One kind in one form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The kind's DPV term.
    pub kind: &'static str,
    /// The notice's plain word for it.
    pub label: &'static str,
    /// `whole`, or a mask.
    pub form: String,
}

/// Every kind of read of a site under a policy.
pub fn uses(policy: &Policy) -> Vec<Use> {
    policy
        .views
        .iter()
        .map(|Judged { spec: view, verdict, kinds }| {
            let (rules, off) = match verdict {
                Verdict::Allowed { rules } => (rules.clone(), None),
                Verdict::Refused { reason } => (Vec::new(), Some(reason.clone())),
            };
            Use {
                view: view.name,
                says: view.says,
                who: match view.by {
                    By::Person => "you".into(),
                    By::System => "the server".into(),
                    By::Role(role) => role.into(),
                },
                purpose: view.purpose,
                sees: view
                    .kinds()
                    .into_iter()
                    // What the notice does not name is not held, so nobody sees it.
                    .filter(|(kind, _)| kinds.contains(kind))
                    .map(|(kind, mask)| Seen {
                        kind: kind.term(),
                        label: kept_notice::terms::find(kind.term()).map_or(kind.term(), |term| term.label),
                        form: mask.to_string(),
                    })
                    .collect(),
                rules,
                off,
            }
        })
        .filter(|used: &Use| !used.sees.is_empty())
        .collect()
}
