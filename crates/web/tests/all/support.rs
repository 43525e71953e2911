//! A small site to send requests to, and its log.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Once},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, Response, StatusCode, header},
    routing::{get, post},
};
use jiff::civil::date;
use kept_web::{
    Problem, Sessions, ShellConfig, Site, assets_router,
    cookies::{DeclaredCookie, Lasts},
    shell,
};
use tower::ServiceExt;

pub(crate) fn site(base: &str) -> Arc<Site> {
    Arc::new(Site {
        name: "Example Trainers’ Network".into(),
        base: base.parse().unwrap(),
        contact: "privacy@trainers.example.test".into(),
        language: "en".into(),
        notice_revised: date(2026, 12, 1),
    })
}

pub(crate) fn config(base: &str) -> ShellConfig {
    let session = DeclaredCookie { name: "kept_session".into(), lasts: Lasts::Browser };
    let lasts = Lasts::AtMost(Duration::from_secs(86_400));
    let seen = DeclaredCookie { name: "notice_seen".into(), lasts };
    ShellConfig {
        site: site(base),
        cookies: vec![session, seen],
        proxies: Vec::new(),
        sessions: Sessions::Cookie,
    }
}

/// A site over plain http that answers a GET or POST of `/page` with what the handler makes.
pub(crate) fn app<R: axum::response::IntoResponse + 'static>(handler: fn() -> R) -> Router {
    let page = get(async move || handler()).post(async move || handler());
    shell(Router::new().route("/page", page).merge(assets_router()), config("http://kept.example.test"))
}

pub(crate) fn app_with(path: &str, route: axum::routing::MethodRouter) -> Router {
    shell(Router::new().route(path, route), config("http://kept.example.test"))
}

pub(crate) fn failing(problem: fn() -> Problem) -> Router {
    app_with("/fails/{id}", get(async move || problem()).merge(post(async move || problem())))
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) async fn send(app: Router, request: Request<Body>) -> Answer {
    read(app.oneshot(request).await.unwrap()).await
}

pub(crate) async fn get_page(app: Router, path: &str) -> Answer {
    send(app, Request::get(path).body(Body::empty()).unwrap()).await
}

pub(crate) async fn read(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

/// What the current test logs. One subscriber serves all tests, because tracing decides once per place in the
/// code whether anyone listens; each test has a thread, and so lines, of its own.
pub(crate) struct Log;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Log {
    pub(crate) fn listen() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            tracing_subscriber::fmt().with_ansi(false).with_writer(|| Self).init();
        });
        LINES.with_borrow_mut(Vec::clear);
        Self
    }

    pub(crate) fn text(&self) -> String {
        LINES.with_borrow(|lines| String::from_utf8(lines.clone()).unwrap())
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
