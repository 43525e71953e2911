//! What the site says to machines, at the addresses where they ask.

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use jiff::SignedDuration;
use kept_web::{Problem, Visit, paths};

use crate::Public;

/// How long the security contact is good for: RFC 9116 §2.5.5 asks for less than a year.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(180 * 24);

const TEXT: [(axum::http::HeaderName, &str); 1] = [(CONTENT_TYPE, "text/plain; charset=utf-8")];

/// `GET /robots.txt` (RFC 9309): all but the pages that are only for whoever is signed in, and the example's own.
pub(crate) async fn robots() -> Response {
    let (account, desk, demo) = (paths::ACCOUNT, paths::DESK, paths::DEMO);
    let text = format!("User-agent: *\nDisallow: {account}\nDisallow: {desk}\nDisallow: {demo}\nAllow: /\n");
    (TEXT, text).into_response()
}

/// `GET /.well-known/security.txt` (RFC 9116): where to report a weakness.
pub(crate) async fn security(State(public): State<Public>, visit: Visit) -> Result<Response, Problem> {
    let policy = public.keeper.policy();
    let expires = visit.now.checked_add(GOOD_FOR).map_err(Problem::internal)?;
    let text = format!(
        "Contact: mailto:{}\nExpires: {}\nPreferred-Languages: {}\nCanonical: {}\n",
        policy.notice.contact,
        expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        public.face.language,
        public.face.base.join("/.well-known/security.txt"),
    );
    Ok((TEXT, text).into_response())
}

/// `GET /.well-known/gpc.json` (Global Privacy Control): the site honours the signal, since it sells and shares nothing.
pub(crate) async fn gpc(State(public): State<Public>) -> Response {
    let effective = public.keeper.policy().notice.effective;
    let body = format!(r#"{{"gpc": true, "lastUpdate": "{effective}"}}"#);
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
