//! A form with a file: read piece by piece, and never more of it kept than is taken.

use axum::{
    extract::{DefaultBodyLimit, FromRequest, Multipart, Request, multipart::Field},
    http::StatusCode,
};

use crate::{
    Problem, Visit,
    form::{self, Fields, not_text},
};

/// The largest file that is taken, in bytes.
pub const MOST: usize = 5 * 1024 * 1024;

/// How much of a request is read at all. What goes beyond [`MOST`] is thrown away as it comes, so that the browser, still
/// sending, hears the answer instead of a broken connection.
const READ: usize = 5 * MOST;

/// A form with a file that a page of this site showed to this session; its token has been checked.
#[derive(Debug)]
pub struct SentFile {
    /// Its other fields.
    pub fields: Fields,
    /// What came as its file.
    pub file: Received,
}

/// A file as it came.
#[derive(PartialEq, Eq)]
pub enum Received {
    /// None was chosen, or it is empty.
    Nothing,
    /// It has more than [`MOST`] bytes, of which none were kept.
    TooLarge,
    /// All of it.
    Whole(Vec<u8>),
}

/// Sizes only: what a person sent is never written to a log.
impl std::fmt::Debug for Received {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Received::Nothing => out.write_str("Nothing"),
            Received::TooLarge => out.write_str("TooLarge"),
            Received::Whole(bytes) => write!(out, "Whole({} bytes)", bytes.len()),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for SentFile {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<SentFile, Problem> {
        let visit = request.extensions().get::<Visit>().cloned();
        let visit = visit.ok_or_else(|| Problem::internal(crate::visit::NoVisit))?;
        DefaultBodyLimit::max(READ).apply(&mut request);
        let mut parts = Multipart::from_request(request, state).await.map_err(|_| no_form())?;
        let (mut fields, mut file, mut text) = (Fields::default(), Received::Nothing, 0);
        while let Some(mut part) = parts.next_field().await.map_err(|error| broken(&error))? {
            if part.file_name().is_some() {
                file = read_file(&mut part).await?;
                continue;
            }
            let name = part.name().unwrap_or_default().to_owned();
            let bytes = read(&mut part, form::LIMIT - text).await?.ok_or_else(Problem::too_large)?;
            text += bytes.len();
            fields.take(&name, std::str::from_utf8(&bytes).map_err(|_| not_text())?)?;
        }
        visit.check(&fields)?;
        Ok(SentFile { fields, file })
    }
}

async fn read_file(part: &mut Field<'_>) -> Result<Received, Problem> {
    Ok(match read(part, MOST).await? {
        None => Received::TooLarge,
        Some(bytes) if bytes.is_empty() => Received::Nothing,
        Some(bytes) => Received::Whole(bytes),
    })
}

/// All of a part, or nothing if it is longer; then the rest of it is read and thrown away.
async fn read(part: &mut Field<'_>, most: usize) -> Result<Option<Vec<u8>>, Problem> {
    let mut kept = Some(Vec::new());
    while let Some(piece) = part.chunk().await.map_err(|error| broken(&error))? {
        match kept.as_mut() {
            Some(bytes) if bytes.len() + piece.len() <= most => bytes.extend_from_slice(&piece),
            _ => kept = None,
        }
    }
    Ok(kept)
}

/// What the parser says may quote what was sent, so it goes no further.
fn broken(error: &axum::extract::multipart::MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This file is too large",
            "A file here can have at most 5 MB. Nothing has been stored.",
            "Make it smaller, for example by scanning it again in grey, and send it again.",
        );
    }
    Problem::bad_request("The form did not arrive whole.")
}

fn no_form() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "This is not a form",
        "What was sent is not the form this page expects. Nothing has been changed.",
        "Open the page again and send its form.",
    )
}
