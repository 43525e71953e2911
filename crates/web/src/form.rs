//! Reading a posted form.

use std::fmt;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::{Problem, problem::causes, token};

/// The largest form that is read, in bytes.
pub const LIMIT: usize = 64 * 1024;

/// How much of a form that is too large is read and thrown away, so that the browser, still sending, hears
/// the answer instead of a broken connection.
const DRAIN_LIMIT: usize = 4 * 1024 * 1024;

/// The fields of an `application/x-www-form-urlencoded` body, as an axum extractor.
///
/// A body over [`LIMIT`] is a 413, another media type a 415; text that is not UTF-8 or has control characters
/// other than newline and tab is a 400.
#[derive(Debug)]
pub struct Posted(pub Fields);

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !media_type.is_some_and(is_form) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "This is not a form",
                "What was sent is not the form this page expects. Nothing has been changed.",
                "Open the page again and send its form.",
            ));
        }
        let body = read(request.into_body()).await?;
        let body = std::str::from_utf8(&body).map_err(|_| not_text())?;
        Fields::parse(body).map(Self)
    }
}

/// What was typed into a form, and what is wrong with it. `Fields::default()` is a form not yet filled in.
///
/// Each reading method takes the field's label for its message, notes the first error of each field, and
/// gives `None` when there is one. Show the form again with status 422 if [`Fields::errors`] is not empty.
#[derive(Default)]
pub struct Fields {
    values: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

/// What is wrong with one field, in a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name, which is also the `id` of its input.
    pub name: &'static str,
    /// The sentence, for the person.
    pub message: String,
}

/// Whether a field must be filled in, in the notice's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The form cannot be sent without it.
    Required,
    /// It may stay empty, and the notice says what is lost by that.
    Voluntary,
}

impl Fields {
    /// What was sent under a name, as it was sent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// One line of text without the space around it; `None` if it is empty or wrong.
    pub fn text(&mut self, name: &'static str, label: &str, max_chars: usize, need: Need) -> Option<String> {
        let text = self.prose(name, label, max_chars, need)?;
        if text.contains(['\n', '\t']) {
            self.refuse(name, format!("Write “{label}” on one line."));
            return None;
        }
        Some(text)
    }

    /// Text that may have several lines; `None` if it is empty or wrong. Lines end in `\n`.
    pub fn prose(&mut self, name: &'static str, label: &str, max_chars: usize, need: Need) -> Option<String> {
        let text = self.get(name).unwrap_or_default().trim().to_owned();
        if text.is_empty() {
            if need == Need::Required {
                self.refuse(name, format!("Fill in “{label}”."));
            }
            return None;
        }
        self.fits(name, label, &text, max_chars).then_some(text)
    }

    /// A password or code, exactly as typed. It is taken out, so that the form cannot show it again.
    pub fn secret(&mut self, name: &'static str, label: &str, max_chars: usize) -> Option<Zeroizing<String>> {
        let at = self.values.iter().position(|(key, _)| key == name);
        let secret = at.map(|at| Zeroizing::new(self.values.remove(at).1)).unwrap_or_default();
        if secret.is_empty() {
            self.refuse(name, format!("Fill in “{label}”."));
            return None;
        }
        self.fits(name, label, &secret, max_chars).then_some(secret)
    }

    /// Whether a box was ticked.
    #[must_use]
    pub fn ticked(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds an error of the caller's own rules; the first one of a field stays.
    pub fn refuse(&mut self, name: &'static str, message: impl Into<String>) {
        if self.error(name).is_none() {
            self.errors.push(FieldError { name, message: message.into() });
        }
    }

    /// Puts a value into a form that is shown filled with what is already held (`acc-16`).
    pub fn fill(&mut self, name: &str, value: impl Into<String>) {
        self.values.retain(|(key, _)| key != name);
        self.values.push((name.to_owned(), value.into()));
    }

    /// Every error, in the order of reading.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The error of one field.
    #[must_use]
    pub fn error(&self, name: &str) -> Option<&str> {
        self.errors.iter().find(|error| error.name == name).map(|error| error.message.as_str())
    }

    /// What an input shows: what was typed, or nothing.
    #[must_use]
    pub fn shown(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The form token that was sent along.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.get(token::FIELD)
    }

    fn fits(&mut self, name: &'static str, label: &str, text: &str, max_chars: usize) -> bool {
        let chars = text.chars().count();
        if chars > max_chars {
            self.refuse(name, format!("“{label}” can have at most {max_chars} characters; it has {chars}."));
        }
        chars <= max_chars
    }

    /// Takes in one part of a form that came in parts.
    pub(crate) fn take(&mut self, name: &str, text: &str) -> Result<(), Problem> {
        self.values.push((name.to_owned(), clean(text)?));
        Ok(())
    }

    fn parse(body: &str) -> Result<Self, Problem> {
        let values = body
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decode(name)?, decode(value)?))
            })
            .collect::<Result<_, Problem>>()?;
        Ok(Self { values, errors: Vec::new() })
    }
}

/// Names only: what a person typed is never written to a log.
impl fmt::Debug for Fields {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong: Vec<_> = self.errors.iter().map(|error| error.name).collect();
        out.debug_struct("Fields").field("fields", &self.values.len()).field("wrong", &wrong).finish()
    }
}

async fn read(mut body: Body) -> Result<Bytes, Problem> {
    let error = match Limited::new(&mut body, LIMIT).collect().await {
        Ok(read) => return Ok(read.to_bytes()),
        Err(error) => error,
    };
    if !causes(&*error).any(|cause| cause.is::<LengthLimitError>()) {
        return Err(Problem::bad_request("The form did not arrive whole."));
    }
    let mut rest = Limited::new(body, DRAIN_LIMIT);
    while let Some(Ok(_)) = rest.frame().await {}
    Err(Problem::too_large())
}

fn is_form(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Decodes one name or value (WHATWG URL §5.1), but strictly: what is not UTF-8 is refused, not replaced.
fn decode(encoded: &str) -> Result<String, Problem> {
    let spaced = encoded.replace('+', " ");
    clean(&percent_decode_str(&spaced).decode_utf8().map_err(|_| not_text())?)
}

/// Text with lines that end in `\n` and without other control characters.
fn clean(text: &str) -> Result<String, Problem> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\t')) {
        return Err(not_text());
    }
    Ok(text)
}

pub(crate) fn not_text() -> Problem {
    Problem::bad_request("A field of the form has characters that are not text.")
}
