//! A policy: a notice compiled into decisions. Immutable, and pinned to a request for as long as it lasts.

use kept_notice::{Notice, Sentence, Verdict};

use crate::{error::StartError, registry::Registry, view::ViewSpec};

/// A notice, its sentences, and what it says of every view of the site.
pub struct Policy {
    /// The notice.
    pub notice: Notice,
    /// Its sentences, one per rule.
    pub sentences: Vec<Sentence>,
    /// Every view with the notice's verdict.
    pub views: Vec<(&'static ViewSpec, Verdict)>,
}

impl Policy {
    /// Compiles a notice for a site, holding all of its views and sentences against it.
    ///
    /// # Errors
    /// A problem in the text; a view that the site cannot work without and the notice forbids; a sentence that no check
    /// can prove.
    pub fn compile(source: &str, registry: &Registry) -> Result<Policy, StartError> {
        let notice = kept_notice::parse(source, &registry.vocabulary()).map_err(StartError::Notice)?;
        let views: Vec<_> = registry.views().map(|view| (view, view.judge(&notice))).collect();
        for (view, verdict) in &views {
            if let (true, Verdict::Refused { reason }) = (view.needed, verdict) {
                return Err(StartError::ViewForbidden {
                    view: view.name,
                    says: view.says,
                    reason: reason.clone(),
                });
            }
        }
        let sentences = notice.sentences();
        for sentence in &sentences {
            if !registry.checks().any(|check| check.covers.includes(&sentence.id)) {
                return Err(StartError::NoCheck(sentence.id.clone()));
            }
        }
        Ok(Policy { notice, sentences, views })
    }

    /// The notice's version: the hash of its canonical form.
    pub fn version(&self) -> &str {
        &self.notice.version
    }

    /// What the notice says of a view; a view that the policy has never seen is refused.
    pub fn verdict(&self, spec: &ViewSpec) -> Verdict {
        self.views.iter().find(|(view, _)| *view == spec).map_or_else(
            || Verdict::Refused { reason: "no area lists this view".into() },
            |(_, verdict)| verdict.clone(),
        )
    }

    /// The sentence of a rule.
    pub fn sentence(&self, id: &str) -> Option<&Sentence> {
        self.sentences.iter().find(|sentence| sentence.id == id)
    }
}
