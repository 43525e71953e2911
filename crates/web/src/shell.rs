//! The shell around the whole site: what is true of every answer, whoever gave it.

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State},
    http::header,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use crate::{
    Client, Frame, Network, Problem, Site,
    address::{self, Carry},
    cookies::{self, DeclaredCookie},
    form, headers, origin,
};

/// How long a handler may take to begin its answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What the shell holds answers against.
#[derive(Clone, Debug)]
pub struct ShellConfig {
    /// The site, for the layout of error pages and for its base URL.
    pub site: Arc<Site>,
    /// The cookies that the notice lists.
    pub cookies: Vec<DeclaredCookie>,
    /// The proxies in front of the site.
    pub proxies: Vec<Network>,
    /// What carries sessions.
    pub sessions: Sessions,
}

/// What carries sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// A cookie.
    Cookie,
    /// The addresses of one's own pages (`acc-5`).
    Address,
}

/// Wraps all routes of a site, and answers for those it does not have.
///
/// - where the request comes from is found out once, as [`Client`];
/// - a form that another site's page sent is refused (403), before any handler sees it;
/// - a handler that panics or takes longer than [`REQUEST_TIMEOUT`] gives an error page;
/// - a cookie that the notice does not list turns the answer into an error (`acc-7`);
/// - every error becomes a page, or JSON for who asks for it;
/// - security headers, `Cache-Control: no-store` except where a handler says otherwise;
/// - where sessions live in addresses, they are taken off before routing, and put on when the answer is whole;
/// - one log line per request, with the route's pattern and never the address itself.
///
/// Bodies are limited to [`form::LIMIT`]; a route that takes more says so with its own `DefaultBodyLimit`.
pub fn shell(routes: Router, config: ShellConfig) -> Router {
    let sessions = config.sessions;
    let wrapped = routes
        .fallback(async || Problem::not_found())
        .layer(DefaultBodyLimit::max(form::LIMIT))
        .layer(middleware::from_fn_with_state(Arc::new(config), wrap));
    match sessions {
        Sessions::Cookie => wrapped,
        Sessions::Address => address::around(wrapped),
    }
}

async fn wrap(State(config): State<Arc<ShellConfig>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let asked = request.headers().clone();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        request.extensions_mut().insert(Client::behind(&config.proxies, peer.ip(), &asked));
    }

    let answer = if origin::is_own(&method, &asked, &config.site.base) {
        run(request, next).await
    } else {
        Problem::forbidden().because(CrossSite).into_response()
    };
    let answer = cookies::gate(answer.headers(), &config.cookies)
        .map_or_else(|refused| Problem::internal(refused).into_response(), |()| answer);
    let (answer, cause) = explain(answer, &asked, &config.site);
    let mut answer = match answer.extensions().get::<Carry>().cloned() {
        Some(carry) => address::carried(answer, &carry)
            .await
            .unwrap_or_else(|cause| Problem::internal(cause).render(&asked, config.site.frame("", ""))),
        None => answer,
    };
    let marks = answer.extensions().clone();
    headers::protect(answer.headers_mut(), &config.site.base, config.sessions, &marks);

    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    let (status, took) = (answer.status().as_u16(), class_of(started.elapsed()));
    match cause {
        Some(cause) if answer.status().is_server_error() => {
            tracing::error!(%method, route, status, took, cause, "answered");
        }
        Some(cause) => tracing::info!(%method, route, status, took, cause, "answered"),
        None => tracing::info!(%method, route, status, took, "answered"),
    }
    answer
}

async fn run(request: Request, next: Next) -> Response {
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match timeout(REQUEST_TIMEOUT, handled).await {
        Ok(Ok(response)) => response,
        // What the panic says may be anyone's data, so it is dropped unread.
        Ok(Err(_panic)) => Problem::internal(Panicked).into_response(),
        Err(_elapsed) => Problem::timed_out().because(TimedOut).into_response(),
    }
}

/// Turns an error into the page or JSON for it, with what the log shall say. An answer that is an error but
/// came without words (a route's 405, an extractor's refusal) gets those of its status.
fn explain(mut answer: Response, asked: &header::HeaderMap, site: &Arc<Site>) -> (Response, Option<String>) {
    let problem = answer.extensions_mut().remove::<Problem>();
    let Some(problem) = problem.or_else(|| wordless(&answer)) else { return (answer, None) };
    let cause = problem.cause_chain();
    let frame = answer.extensions_mut().remove::<Frame>();
    let frame = frame.unwrap_or_else(|| site.frame("", ""));

    // Whatever else the answer carries (Allow, Retry-After, a listed cookie, a session) stays.
    let mut rendered = problem.render(asked, frame);
    if let Some(carry) = answer.extensions_mut().remove::<Carry>() {
        rendered.extensions_mut().insert(carry);
    }
    for (name, value) in answer.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            rendered.headers_mut().append(name, value.clone());
        }
    }
    (rendered, cause)
}

fn wordless(answer: &Response) -> Option<Problem> {
    let status = answer.status();
    let content_type = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_plain = content_type.is_none_or(|value| value.starts_with("text/plain"));
    let is_error = status.is_client_error() || status.is_server_error();
    (is_error && is_plain).then(|| Problem::of_status(status))
}

/// Durations are logged in classes: finer ones would tell people's requests apart.
fn class_of(took: Duration) -> &'static str {
    match took.as_millis() {
        0..10 => "<10ms",
        10..100 => "<100ms",
        100..1_000 => "<1s",
        1_000..10_000 => "<10s",
        _ => ">=10s",
    }
}

#[derive(Debug, thiserror::Error)]
#[error("another site's page sent this request")]
struct CrossSite;

#[derive(Debug, thiserror::Error)]
#[error("the handler panicked")]
struct Panicked;

#[derive(Debug, thiserror::Error)]
#[error("the handler did not answer within {} seconds", REQUEST_TIMEOUT.as_secs())]
struct TimedOut;
