//! Errors as people and programs see them: the one place they are rendered.

use std::{borrow::Cow, error::Error, sync::Arc};

use askama::Template;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;

use crate::{Frame, paths};

/// An answer that is not what was asked for: what happened, what to do, and, apart from both, its cause.
///
/// A handler returns it; [`shell`](crate::shell) renders it as a page in the layout, or as
/// `application/problem+json` (RFC 9457) for a program that asks for JSON, and logs the cause once. The cause
/// never reaches the reader, and must hold no personal data.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    title: Cow<'static, str>,
    what: Cow<'static, str>,
    todo: Cow<'static, str>,
    /// An address of this site, and what the link to it says.
    onward: &'static (&'static str, &'static str),
    retry_after: Option<u64>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem in words of one's own: a title without a full stop, then whole sentences.
    #[must_use]
    pub fn new(
        status: StatusCode,
        title: impl Into<Cow<'static, str>>,
        what: impl Into<Cow<'static, str>>,
        todo: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (title, what, todo) = (title.into(), what.into(), todo.into());
        let onward = &(paths::HOME, "Go to the front page");
        Self { status, title, what, todo, onward, retry_after: None, cause: None }
    }

    /// 400: the request cannot be understood; `detail` says why, in a whole sentence.
    #[must_use]
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "This cannot be read",
            detail,
            "Nothing has been changed. Go back, check what you sent, and try again.",
        )
    }

    /// 403: not allowed, or not sent by a page of this site.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This is not allowed",
            "You may not see this page, or the form was not sent from this site in your present session. \
             Nothing has been changed.",
            "Open the page again from this site, sign in if you need to, and try again.",
        )
    }

    /// 403: a form came without the cookie that tells it from a stranger's.
    #[must_use]
    pub fn no_cookie() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This needs a cookie",
            "Your browser sent no cookie, so we cannot tell your form from a stranger’s. You can read every public \
             page without one, but not open an account or sign in. Nothing has been changed.",
            "Allow cookies for this site, open the page again and send the form once more. The notice names each of \
             them; none holds anything about you.",
        )
    }

    /// 403: a form came without the word on where it was sent from that tells it from a stranger's.
    #[must_use]
    pub fn old_browser() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This needs a newer browser",
            "Your browser does not say from where a form is sent, so we cannot tell yours from a stranger’s. You can read \
             every public page with it, but not open an account or sign in. Nothing has been changed.",
            "Use a browser that is no older than these, and try again: Chrome 76, Edge 79, Firefox 90, Safari 16.4.",
        )
    }

    /// 404: nothing is here.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is no such page",
            "Nothing is at this address.",
            "Check the address, or start from the front page.",
        )
    }

    /// 405: the address exists, but not for this.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "This page does not do that",
            "The address exists, but it cannot be used in this way. Nothing has been changed.",
            "Start from the front page.",
        )
    }

    /// 409: something else was changed in the meantime.
    #[must_use]
    pub fn conflict() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "This has changed in the meantime",
            "What you worked on was changed after you opened the page. What you sent has not been stored.",
            "Reload the page, look at what is there now, and try again.",
        )
    }

    /// 410: it was here and will not come back, such as a link that was already used.
    #[must_use]
    pub fn gone() -> Self {
        Self::new(
            StatusCode::GONE,
            "This is no longer here",
            "What was at this address has been used, has expired, or was erased.",
            "If you followed a link from a mail, ask for a new one.",
        )
    }

    /// 413: more was sent than is read.
    #[must_use]
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "This is too long",
            "More was sent than a form here can hold. Nothing has been stored.",
            "Go back, shorten it, and send it again.",
        )
    }

    /// 429: too often; `retry_after` is in seconds.
    #[must_use]
    pub fn too_many(retry_after: u64) -> Self {
        let minutes = retry_after.div_ceil(60);
        let (wait, unit) = if minutes < 120 { (minutes, "minute") } else { (minutes.div_ceil(60), "hour") };
        let plural = if wait == 1 { "" } else { "s" };
        let problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Please wait",
            "This has been tried too often.",
            format!("Try again in {wait} {unit}{plural}."),
        );
        Self { retry_after: Some(retry_after), ..problem }
    }

    /// 500: our fault. The cause is logged, never shown.
    #[must_use]
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "This did not work",
            "Something went wrong on our side. It has been written down for the people who run this site.",
            "Try again in a moment. If it happens again, write to us: the address is at the foot of the page.",
        )
        .because(cause)
    }

    /// 503: others were in the way, or the database could not be reached; nothing was changed.
    #[must_use]
    pub fn busy() -> Self {
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The site is busy",
            "It could not get to this in time. If you sent a form, nothing of it has been stored.",
            "Try again in a moment.",
        );
        Self { retry_after: Some(5), ..problem }
    }

    /// 503: no answer within [`REQUEST_TIMEOUT`](crate::REQUEST_TIMEOUT).
    #[must_use]
    pub fn timed_out() -> Self {
        let problem = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "This took too long",
            "The site is busy and has given up on this page. If you sent a form, it may or may not have been \
             carried out.",
            "Wait a minute, and look whether it was done before you send it again.",
        );
        Self { retry_after: Some(60), ..problem }
    }

    /// Where the page leads on to, instead of the front page: an address of this site, and what the link says.
    #[must_use]
    pub fn leading(self, onward: &'static (&'static str, &'static str)) -> Self {
        Self { onward, ..self }
    }

    /// Adds what the log shall say.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The cause and its causes in one line, for the log.
    #[must_use]
    pub fn cause_chain(&self) -> Option<String> {
        let first: &(dyn Error + 'static) = self.cause.as_deref()?;
        Some(causes(first).map(ToString::to_string).collect::<Vec<_>>().join(": "))
    }

    /// The problem that says no more than a status does, for answers that came with none.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::FORBIDDEN => Self::forbidden(),
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::method_not_allowed(),
            StatusCode::CONFLICT => Self::conflict(),
            StatusCode::GONE => Self::gone(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(),
            status if status.is_client_error() => {
                Self { status, ..Self::bad_request("The site could not make sense of this request.") }
            }
            status => Self { status, ..Self::internal(OnlyStatus(status)) },
        }
    }

    /// The whole answer, in the form the reader asked for.
    pub(crate) fn render(self, request: &HeaderMap, frame: Frame) -> Response {
        if prefers_json(request) { self.render_json() } else { self.render_page(frame) }
    }

    fn render_page(self, mut frame: Frame) -> Response {
        frame.title = self.title.clone().into_owned();
        match (ProblemPage { frame, problem: &self }).render() {
            Ok(html) => (self.status, Html(html)).into_response(),
            Err(_) => self.render_text(),
        }
    }

    /// With `about:blank` as its type, the title is the status's own phrase (RFC 9457 §4.2.1).
    fn render_json(self) -> Response {
        let details = Details {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: format!("{} {}", self.what, self.todo),
        };
        let Ok(body) = serde_json::to_string(&details) else { return self.render_text() };
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.status, content_type, body).into_response()
    }

    fn render_text(self) -> Response {
        (self.status, format!("{}. {} {}\n", self.title, self.what, self.todo)).into_response()
    }
}

/// Plain text, with the problem itself in the response's extensions for the shell to render and log.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.clone().render_text();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// An error, its cause, the cause of that, and so on.
pub(crate) fn causes<'a>(
    first: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(first), |error| (*error).source())
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    problem: &'a Problem,
}

#[derive(Serialize)]
struct Details<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: String,
}

#[derive(Debug, thiserror::Error)]
#[error("a handler answered {0} without saying why")]
struct OnlyStatus(StatusCode);

/// Whether JSON is accepted and at least as welcome as HTML (RFC 9110 §12.5.1). A browser, and a program that
/// takes anything, gets the page.
fn prefers_json(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut json, mut html) = (0.0_f32, 0.0_f32);
    for range in accept.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        match media.as_str() {
            "application/json" | "application/problem+json" => json = json.max(weight),
            "text/html" | "application/xhtml+xml" => html = html.max(weight),
            _ => {}
        }
    }
    json > 0.0 && json >= html
}
