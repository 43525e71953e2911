//! Answers that are files.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Put into an answer's extensions: the shell adds `sandbox` to its Content-Security-Policy, so that whatever the file holds
/// runs nothing and belongs to no origin.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

/// What a browser is to do with a file (RFC 6266).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Show it.
    Inline,
    /// Save it.
    Attachment,
}

/// A file as an answer, under a media type that is ours to say: the shell forbids browsers to guess another.
#[must_use]
pub fn file(media: &'static str, disposition: Disposition, name: &str, body: impl Into<Body>) -> Response {
    let kind = match disposition {
        Disposition::Inline => "inline",
        Disposition::Attachment => "attachment",
    };
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    #[expect(clippy::expect_used, reason = "percent-encoding leaves ASCII letters, digits and %")]
    let disposition = HeaderValue::try_from(format!("{kind}; filename*=UTF-8''{name}"))
        .expect("an ASCII text is a header value");
    let mut answer = body.into().into_response();
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    // Browsers refuse to show a sandboxed PDF; its viewer has a sandbox of its own.
    if kind == "inline" && media != "application/pdf" {
        answer.extensions_mut().insert(Sandbox);
    }
    answer
}
