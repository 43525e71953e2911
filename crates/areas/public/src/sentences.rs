//! The sentences of the notice, section by section, each with how it stands: what the notice and the board share.

use jiff::{Timestamp, civil::Date};
use kept_keeper::{Policy, Promise, Proof, Report, time};
use kept_notice::words::capital;
use kept_web::parts::Mark;

use crate::tally;

/// A section of the notice: the operator's own prose, then the sentences that are checked.
pub(crate) struct Section {
    /// Its anchor.
    pub(crate) anchor: String,
    pub(crate) title: &'static str,
    /// Paragraphs that no check stands behind.
    pub(crate) prose: Vec<String>,
    pub(crate) sentences: Vec<Line>,
}

/// A sentence and what its check found.
pub(crate) struct Line {
    /// The rule, which is the sentence's anchor.
    pub(crate) id: String,
    /// The clauses the operator knows it by, or else the rule.
    pub(crate) clause: String,
    pub(crate) text: String,
    pub(crate) mark: Mark,
    /// How it is proven, in plain words.
    pub(crate) proof: &'static str,
    /// What was found.
    pub(crate) found: String,
    /// How many cases were looked at.
    pub(crate) count: i64,
    /// The day of the oldest case that is still open.
    pub(crate) oldest: Option<Date>,
    pub(crate) checked: Option<Timestamp>,
    /// The holds that limit it.
    pub(crate) limits: Vec<Limit>,
}

/// A hold that can keep some of what a sentence erases.
pub(crate) struct Limit {
    pub(crate) id: String,
    pub(crate) name: String,
    /// How long it keeps, and why.
    pub(crate) length: String,
}

/// Every section that says something, in the notice's order.
pub(crate) fn sections(policy: &Policy, report: &Report) -> Vec<Section> {
    let mut order: Vec<&'static str> = Vec::new();
    let spoken = policy.sentences.iter().map(|sentence| sentence.section);
    for section in spoken.chain(policy.notice.prose.iter().map(|prose| prose.section)) {
        if !order.contains(&section) {
            order.push(section);
        }
    }
    order.into_iter().map(|section| self::section(section, policy, report)).collect()
}

/// Every hold of the notice.
pub(crate) fn limits(policy: &Policy) -> impl Iterator<Item = Limit> {
    policy.notice.holds.iter().map(|hold| Limit {
        id: hold.rule.id.clone(),
        name: hold.name.clone(),
        length: policy.notice.length_of(hold),
    })
}

fn section(name: &'static str, policy: &Policy, report: &Report) -> Section {
    let prose = policy.notice.prose.iter().filter(|prose| prose.section == name);
    let paragraphs = prose.flat_map(|prose| prose.text.split("\n\n")).map(str::to_owned).collect();
    let sentences = policy.sentences.iter().filter(|sentence| sentence.section == name);
    let sentences = sentences.filter_map(|sentence| {
        let promise = report.promises.iter().find(|promise| promise.id == sentence.id)?;
        let limits = limits(policy).filter(|limit| sentence.limited_by.contains(&limit.id));
        Some(Line { limits: limits.collect(), ..line(promise) })
    });
    Section {
        anchor: format!("section-{name}"),
        title: title(name),
        prose: paragraphs,
        sentences: sentences.collect(),
    }
}

fn line(promise: &Promise) -> Line {
    Line {
        id: promise.id.clone(),
        clause: if promise.refs.is_empty() { promise.id.clone() } else { promise.refs.join(", ") },
        text: promise.sentence.clone(),
        mark: tally::mark(promise.status),
        proof: proof(promise.proof),
        found: capital(&promise.detail),
        count: promise.count,
        oldest: promise.oldest.map(time::day),
        checked: tally::is_checked(promise).then_some(promise.checked),
        limits: Vec::new(),
    }
}

/// A kind of proof in plain words.
fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::Construction => "built so",
        Proof::Event => "shown by the log",
        Proof::Probe => "tested by the server",
        Proof::Attested => "stated by a person",
    }
}

/// What a section of the notice file is about. One that has no title here goes by its own name.
#[must_use]
pub fn title(section: &'static str) -> &'static str {
    match section {
        "notice" => "This notice",
        "data" => "What we hold",
        "form" => "What we ask you for",
        "source" => "Where else it comes from",
        "purpose" => "What we use it for",
        "role" => "Who may see it",
        "retain" => "When it is erased",
        "hold" => "What can keep it longer",
        "right" => "What you can do",
        "session" => "How you stay signed in",
        "cookie" => "Other cookies",
        "never" => "What never happens",
        other => other,
    }
}
