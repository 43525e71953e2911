//! Taking everything with one (`rgt-1`): a ZIP with a page for people, JSON for machines, and a manifest with the hash of
//! each file. docs/EXPORT.md describes the format. It is made while it is sent, and stored nowhere.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use jiff::Timestamp;
use kept_keeper::{
    Actor, Copied, Deed, Entry, Event, Holding, Keeper, KeeperError, Policy, Until, time::day,
};
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, form::Fields, page, page_with};
use serde::Serialize;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use zip::result::ZipError;

use crate::{
    Accounts,
    archive::Archive,
    data::{Course, Line},
    password_again, problem,
    readers::RightsHolder,
    records::Passkey,
    trail::{self, Happened},
};

/// The version of the format that docs/EXPORT.md describes.
const VERSION: u32 = 1;
/// How many events of the trail are read and written at a time.
const PAGE: i64 = 500;
/// How many pieces may wait for a slow connection.
const AHEAD: usize = 4;

const TITLE: &str = "Take everything with you";

#[derive(Template)]
#[template(path = "export.html")]
struct ExportPage<'a> {
    frame: Frame,
    fields: &'a Fields,
}

/// The page of the archive. It stands by itself: no outside file, no script.
#[derive(Template)]
#[template(path = "copy.html")]
struct CopyPage<'a> {
    of: &'a str,
    contact: &'a str,
    made: Timestamp,
    notice: &'a str,
    lines: Vec<Line>,
    events: Vec<Happened>,
}

/// What the archive has, before it is asked for.
pub(crate) async fn show(visit: Visit, _holder: RightsHolder) -> Result<Response, Problem> {
    page(&ExportPage { frame: visit.form_frame(TITLE), fields: &Fields::default() })
}

/// Sends the archive. That it was taken is on the trail before anything is sent.
pub(crate) async fn take(
    State(accounts): State<Accounts>,
    visit: Visit,
    RightsHolder(signed): RightsHolder,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    if !password_again::right(&accounts, &visit, &signed, &mut fields).await? {
        let form = ExportPage { frame: visit.form_frame(TITLE), fields: &fields };
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &form);
    }
    let (keeper, subject) = (accounts.keeper.clone(), signed.subject);
    keeper.write_journal().await.map_err(problem)?;
    let ctx = keeper.ctx(Actor::Person(subject));
    let now = ctx.now;
    keeper
        .act(ctx, move |act| act.note(subject, Deed::Exported, "everything", &[], None).map(drop))
        .await
        .map_err(problem)?;
    let (pieces, sent) = mpsc::channel(AHEAD);
    let roles = signed.roles.clone();
    tokio::spawn(async move {
        let made = send(&keeper, subject, roles, &pieces).await;
        if let Err(cause) = made {
            // The connection is cut, so that nobody takes half an archive for a whole one.
            tracing::error!(cause = %kept_keeper::chain(&cause), "an export was not finished");
            let _ = pieces.send(Err(std::io::Error::other("the export was not finished"))).await;
        }
    });
    let body = Body::from_stream(stream::unfold(sent, async |mut sent| Some((sent.recv().await?, sent))));
    let name = format!("attachment; filename=\"my-data-{}.zip\"", day(now));
    Ok(([(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, name)], body)
        .into_response())
}

/// Why an export stops.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    #[error("the archive could not be written")]
    Zip(#[from] ZipError),
    #[error("a page or a file of the archive could not be written")]
    Text(#[from] askama::Error),
    #[error("a file of the archive could not be written")]
    Json(#[from] serde_json::Error),
}

type Pieces = mpsc::Sender<Result<Vec<u8>, std::io::Error>>;

/// Makes the archive piece by piece. Whoever hangs up ends it.
async fn send(
    keeper: &Keeper,
    subject: SubjectId,
    roles: Vec<&'static str>,
    pieces: &Pieces,
) -> Result<(), ExportError> {
    let ctx = keeper.ctx(Actor::Person(subject));
    let (policy, now) = (ctx.policy.clone(), ctx.now);
    let (holdings, copied, course, newest) = keeper
        .look(ctx, move |look| {
            let course = Course::of(look, roles.clone())?;
            Ok::<_, KeeperError>((look.holdings()?, look.copy()?, course, look.trail(PAGE)?))
        })
        .await?;
    let mut archive = Archive::new(now);
    archive.begin("data.json")?;
    let machine = Machine::of(&policy, now, &holdings, &course, &copied);
    archive.write(&serde_json::to_vec_pretty(&machine)?)?;
    archive.begin("index.html")?;
    let notice = &policy.notice;
    let people = CopyPage {
        of: &notice.of,
        contact: &notice.contact,
        made: now,
        notice: policy.version(),
        lines: course.lines(holdings),
        events: trail::history(&policy, &newest),
    };
    archive.write(people.render()?.as_bytes())?;
    archive.begin("trail.json")?;
    let mut entries = newest;
    let mut lead = "[\n";
    loop {
        for entry in &entries {
            archive.write(lead.as_bytes())?;
            archive.write(&serde_json::to_vec(&Told::of(&policy, entry))?)?;
            lead = ",\n";
        }
        let Some(oldest) = entries.last().map(|entry| entry.position) else { break };
        if pieces.send(Ok(archive.take())).await.is_err() {
            return Ok(());
        }
        entries = keeper
            .look(keeper.ctx(Actor::Person(subject)), move |look| look.trail_before(Some(oldest), PAGE))
            .await?;
    }
    archive.write(if lead == "[\n" { b"[]\n" } else { b"\n]\n" })?;
    for (record, kind) in &copied.bytes {
        let wanted = (record.clone(), *kind);
        let look = keeper
            .look(keeper.ctx(Actor::Person(subject)), move |look| look.copy_of_bytes(&wanted.0, wanted.1));
        // What was erased a moment ago is not in the copy.
        let Some(bytes) = look.await? else { continue };
        archive.begin(file_name(&copied, record))?;
        archive.write(&bytes)?;
        if pieces.send(Ok(archive.take())).await.is_err() {
            return Ok(());
        }
    }
    let files = serde_json::to_value(archive.files())?;
    archive.begin("manifest.json")?;
    archive.write(&serde_json::to_vec_pretty(&json!({
        "format": "kept-export", "version": VERSION, "made": now, "files": files,
    }))?)?;
    // Whoever has hung up by now misses nothing that is stored.
    let _ = pieces.send(Ok(archive.finish()?)).await;
    Ok(())
}

/// Where the bytes of a record are: `files/document-….pdf` of `document/…`, by the format that the record names.
fn file_name(copied: &Copied, record: &str) -> String {
    let of_it = copied.parts.iter().filter(|part| part.record == record);
    let format = of_it.filter_map(|part| part.fields.get("format")?.as_str()).next();
    let known = format.filter(|format| format.chars().all(|c| c.is_ascii_alphanumeric()));
    format!("files/{}.{}", record.replace('/', "-"), known.unwrap_or("bin"))
}

/// `data.json`.
#[derive(Serialize)]
struct Machine<'a> {
    format: &'static str,
    version: u32,
    organisation: &'a str,
    contact: &'a str,
    made: Timestamp,
    notice: &'a str,
    kinds: Vec<Json>,
    passkeys: Vec<Json>,
    #[serde(flatten)]
    copied: &'a Copied,
}

impl<'a> Machine<'a> {
    fn of(
        policy: &'a Arc<Policy>,
        made: Timestamp,
        holdings: &[Holding],
        course: &Course,
        copied: &'a Copied,
    ) -> Machine<'a> {
        Machine {
            format: "kept-export",
            version: VERSION,
            organisation: &policy.notice.of,
            contact: &policy.notice.contact,
            made,
            notice: policy.version(),
            kinds: holdings.iter().map(kind).collect(),
            passkeys: course
                .passkeys
                .iter()
                .map(
                    |Passkey { name, added, used, .. }| json!({ "name": name, "added": added, "used": used }),
                )
                .collect(),
            copied,
        }
    }
}

/// One kind: what it is called, why it is held, until when, and what holds it longer.
fn kind(holding: &Holding) -> Json {
    let until: Vec<Json> = holding
        .until
        .iter()
        .map(|until| match until {
            Until::Date { when, rule } => json!({ "rule": rule, "erased": when }),
            Until::Sentence { text, rule } => json!({ "rule": rule, "sentence": text }),
        })
        .collect();
    json!({
        "kind": holding.kind.term(), "label": holding.label, "count": holding.count, "why": holding.why,
        "until": until, "held": holding.held_by,
    })
}

/// An event of `trail.json`. Of a member of staff it says the role, not which of them it was.
#[derive(Serialize)]
struct Told<'a> {
    position: u64,
    who: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    says: Option<String>,
    #[serde(flatten)]
    event: Rest<'a>,
}

#[derive(Serialize)]
struct Rest<'a> {
    at: Timestamp,
    deed: Deed,
    what: &'a str,
    purpose: &'a Option<String>,
    kinds: &'a [String],
    because: &'a Option<String>,
    notice: &'a str,
}

impl<'a> Told<'a> {
    fn of(policy: &Policy, entry: &'a Entry) -> Told<'a> {
        let Event { at, who, deed, purpose, what, kinds, because, notice } = &entry.event;
        let who = who.split_once(':').map_or(who.as_str(), |(role, _)| role);
        let event = Rest { at: *at, deed: *deed, what, purpose, kinds, because, notice };
        Told { position: entry.position, who, says: trail::words(policy, &entry.event), event }
    }
}
