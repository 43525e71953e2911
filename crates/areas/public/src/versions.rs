//! The notice over time: what it said before, what it is to say, and what each version changed (`ntc-1`, `ntc-3`).

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use jiff::civil::Date;
use kept_keeper::{Version, time::day};
use kept_notice::{Difference, words::capital};
use kept_web::{Frame, Problem, Visit, page};

use crate::{
    Public, problem,
    words::{short, starts},
};

#[derive(Template)]
#[template(path = "versions.html")]
struct VersionsPage {
    frame: Frame,
    coming: Option<ComingPart>,
    versions: Vec<VersionPart>,
    contact: String,
}

/// The notice that is to come.
struct ComingPart {
    starts: String,
    short: String,
    /// Whether everybody has been told, so that the day stands.
    told: bool,
    /// Whether it leaves anybody worse off.
    material: bool,
    changes: Vec<Change>,
}

/// A notice that is or was in force.
struct VersionPart {
    short: String,
    since: Date,
    until: Option<Date>,
    /// What it changed in the one before; none of the first, or if one of them no longer reads.
    changes: Option<Vec<Change>>,
}

/// One sentence that changes.
struct Change {
    id: String,
    before: Option<String>,
    after: Option<String>,
    /// Why it matters to people; empty if it does not.
    why: String,
}

#[derive(Template)]
#[template(path = "version.html")]
struct VersionPage {
    frame: Frame,
    when: String,
    /// The sentences; none if this version of the code no longer knows its words.
    sentences: Option<Vec<String>>,
    source: String,
    version: String,
}

/// `GET /notice/versions`
pub(crate) async fn show(State(public): State<Public>, visit: Visit) -> Result<Response, Problem> {
    let versions = public.keeper.versions().await.map_err(problem)?;
    let coming = public.keeper.coming().map(|coming| ComingPart {
        starts: starts(&coming),
        short: short(coming.policy.version()),
        told: coming.from.is_some(),
        material: kept_notice::is_material(&coming.changes),
        changes: changes(&coming.changes),
    });
    page(&VersionsPage {
        frame: visit.frame("Earlier and coming notices"),
        coming,
        contact: public.keeper.policy().notice.contact.clone(),
        versions: versions
            .iter()
            .enumerate()
            .map(|(place, one)| part(one, versions.get(place + 1)))
            .collect(),
    })
}

/// `GET /notice/versions/{version}`: one version in full, by the beginning of its hash.
pub(crate) async fn one(
    State(public): State<Public>,
    Path(asked): Path<String>,
    visit: Visit,
) -> Result<Response, Problem> {
    let texts = |notice: &kept_notice::Notice| {
        notice.sentences().into_iter().map(|sentence| sentence.text).collect::<Vec<_>>()
    };
    if let Some(coming) = public.keeper.coming().filter(|coming| short(coming.policy.version()) == asked) {
        return page(&VersionPage {
            frame: visit.frame("The coming privacy notice"),
            when: format!("To be in force from {}", starts(&coming)),
            sentences: Some(texts(&coming.policy.notice)),
            source: coming.source.clone(),
            version: coming.policy.version().into(),
        });
    }
    let versions = public.keeper.versions().await.map_err(problem)?;
    let found = versions.into_iter().find(|version| short(&version.version) == asked);
    let version = found.ok_or_else(Problem::not_found)?;
    let long = |day: Date| day.strftime("%-d %B %Y").to_string();
    let since = long(day(version.since));
    page(&VersionPage {
        frame: visit.frame("Privacy notice, one version"),
        when: match version.until {
            Some(until) => format!("In force from {since} to {}", long(day(until))),
            None => format!("In force since {since}"),
        },
        sentences: version.notice.as_ref().map(texts),
        source: version.source,
        version: version.version,
    })
}

fn part(one: &Version, before: Option<&Version>) -> VersionPart {
    let pair = one.notice.as_ref().zip(before.and_then(|before| before.notice.as_ref()));
    VersionPart {
        short: short(&one.version),
        since: day(one.since),
        until: one.until.map(day),
        changes: pair.map(|(notice, before)| changes(&notice.changes_from(before))),
    }
}

fn changes(differences: &[Difference]) -> Vec<Change> {
    let change = |one: &Difference| Change {
        id: one.id.clone(),
        before: one.before.clone(),
        after: one.after.clone(),
        why: capital(&one.reasons.join("; ")),
    };
    differences.iter().map(change).collect()
}
