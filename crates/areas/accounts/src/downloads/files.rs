//! The operator's files, and links to them that expire.

use std::{io, path::Path as Folder};

use askama::Template;
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use kept_keeper::{Actor, Deed};
use kept_vault::Kind;
use kept_web::{
    Frame, Problem, Visit,
    file::{Disposition, file},
    page,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_util::io::ReaderStream;

use crate::{Accounts, problem, readers::Person};

/// The page's address.
const HERE: &str = "/account/downloads";

#[derive(Template)]
#[template(path = "downloads/files.html")]
struct FilesPage {
    frame: Frame,
    files: Vec<Offer>,
    machines: bool,
}

struct Offer {
    name: String,
    size: String,
    link: String,
}

/// A file that can be downloaded.
struct Listed {
    name: String,
    bytes: u64,
}

/// What there is, each with a link of one's own.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    _person: Person,
) -> Result<Response, Problem> {
    let listed = listed(&accounts).await?;
    let offer = |file: Listed| Offer {
        link: format!(
            "{HERE}/{}/{}",
            utf8_percent_encode(&file.name, NON_ALPHANUMERIC),
            visit.pass(&named(&file.name))
        ),
        size: in_words(file.bytes),
        name: file.name,
    };
    let machines = accounts.keeper.policy().notice.label_of(Kind::DEVICE_BASED.term()).is_some();
    let files = listed.into_iter().map(offer).collect();
    page(&FilesPage { frame: visit.form_frame("Downloads"), files, machines })
}

/// One file, to whom its link was given.
pub(crate) async fn download(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path((name, pass)): Path<(String, String)>,
    Person(signed): Person,
) -> Result<Response, Problem> {
    // Only what the folder's own list names: no path can lead out of it.
    let wanted = listed(&accounts).await?.into_iter().find(|file| file.name == name);
    let wanted = wanted.ok_or_else(Problem::not_found)?;
    if !visit.opens(&pass, &named(&wanted.name)) {
        return Err(Problem::new(
            StatusCode::GONE,
            "This link has expired",
            "A link to a download works for ten minutes, and only where you were signed in when you got it.",
            "Go back to the downloads and follow the new link.",
        )
        .leading(&(HERE, "Downloads")));
    }
    let folder = accounts.downloads.as_deref().ok_or_else(Problem::not_found)?;
    let opened = tokio::fs::File::open(folder.join(&wanted.name)).await.map_err(Problem::internal)?;
    let length = opened.metadata().await.map_err(Problem::internal)?.len();
    // On the person's trail before the first byte leaves.
    let (subject, taken) = (signed.subject, wanted.name.clone());
    let ctx = accounts.keeper.ctx(Actor::Person(subject));
    let noted =
        accounts.keeper.act(ctx, move |act| act.note(subject, Deed::Downloaded, &taken, &[], None).map(drop));
    noted.await.map_err(problem)?;
    let body = Body::from_stream(ReaderStream::new(opened));
    let mut answer = file("application/octet-stream", Disposition::Attachment, &wanted.name, body);
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(answer)
}

async fn listed(accounts: &Accounts) -> Result<Vec<Listed>, Problem> {
    let folder = accounts.downloads.clone().ok_or_else(Problem::not_found)?;
    let read = tokio::task::spawn_blocking(move || list(&folder)).await;
    read.map_err(io::Error::other).flatten().map_err(Problem::internal)
}

/// The plain files of the folder, by name. Links, folders and what begins with a dot are none.
fn list(folder: &Folder) -> io::Result<Vec<Listed>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if entry.file_type()?.is_file() && !name.starts_with('.') {
            files.push(Listed { name, bytes: entry.metadata()?.len() });
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// What a pass is issued for.
fn named(name: &str) -> String {
    format!("download/{name}")
}

fn in_words(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => format!("{} MB", bytes.div_ceil(1_000_000)),
    }
}
