//! Sessions without a cookie (`acc-5`): the addresses of one's own pages carry them, as `/s/TOKEN/account`.
//!
//! OWASP ASVS 5.0, 14.2.1 forbids this, because addresses lie in histories, are passed on and are written down. What makes
//! up for it:
//!
//! - a token is stamped with its moment, and every page writes its links anew: an address works for as long as one may be
//!   idle, and no longer;
//! - it works in the browser that it was written for, and only where a page of this site leads to it; see [`Arrival`];
//! - it is taken off before any route sees the request, and put on again after every handler is done, here and nowhere
//!   else: no handler, template or log knows it;
//! - public pages, whose addresses people pass on, never have it.

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Uri, header, uri::PathAndQuery},
    response::{IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::{
    BaseUrl, paths,
    session::SessionId,
    token::{Stamped, TokenKey},
};

/// What the path of such an address begins with.
const PREFIX: &str = "/s/";

/// The token of a request's address, taken off its path; every request of a site whose sessions live in addresses has
/// this among its extensions.
#[derive(Clone)]
struct Token(Option<String>);

/// What a request says of the session that its browser has.
#[derive(Clone)]
pub struct Arrival {
    /// The session, if it may be used.
    pub session: Option<SessionId>,
    /// A session whose address was opened in another browser than its own: somebody has passed it on, and it has to end.
    pub strayed: Option<SessionId>,
    /// The browser, where addresses carry sessions; none where a cookie does.
    pub(crate) browser: Option<Print>,
    /// Whether the browser says where a request comes from, if the site needs that of it.
    pub(crate) says_from_where: bool,
}

impl Arrival {
    /// What a request brought, in its cookie or in its address, whichever the site uses. An address is good for `idle`.
    ///
    /// A session in an address is only used where a page of this site led to it (`Sec-Fetch-Site: same-origin`, which a
    /// reload and a step back keep, and which no page can forge). Typed in, pasted, bookmarked or linked to from
    /// elsewhere, it opens nothing.
    #[must_use]
    pub fn of(request: &Request, base: &BaseUrl, keys: &TokenKey, idle: Duration, now: Timestamp) -> Arrival {
        let headers = request.headers();
        match request.extensions().get() {
            Some(Token(token)) => Arrival::by_address(headers, token.as_deref(), keys, idle, now),
            None => Arrival {
                session: SessionId::read(headers, base),
                strayed: None,
                browser: None,
                says_from_where: true,
            },
        }
    }

    fn by_address(
        headers: &HeaderMap,
        token: Option<&str>,
        keys: &TokenKey,
        idle: Duration,
        now: Timestamp,
    ) -> Arrival {
        let (browser, from) = (Print::of(headers), headers.get("sec-fetch-site"));
        let (session, strayed) = match token.map(|token| keys.stamped(token, browser, idle, now)) {
            Some(Stamped::Good(session)) => {
                (Some(session).filter(|_| from.is_some_and(|from| from == "same-origin")), None)
            }
            Some(Stamped::Foreign(session)) => (None, Some(session)),
            Some(Stamped::Spent) | None => (None, None),
        };
        Arrival { session, strayed, browser: Some(browser), says_from_where: from.is_some() }
    }
}

/// What a browser says of itself in every request, as a hash that goes into the tokens of its addresses and is stored
/// nowhere. Many people have the same: it tells accidents from one's own browser, not a thief who copies it.
#[derive(Clone, Copy)]
pub(crate) struct Print([u8; 32]);

impl Print {
    fn of(headers: &HeaderMap) -> Print {
        let mut hash = Sha256::new();
        for name in ["user-agent", "accept-language", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"] {
            let said = headers.get(name).map_or(&[][..], |value| value.as_bytes());
            hash.update(said.len().to_be_bytes());
            hash.update(said);
        }
        Print(hash.finalize().into())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What the addresses of an answer carry; in its extensions, until the shell has written it.
#[derive(Clone)]
pub(crate) struct Carry {
    /// The token.
    pub(crate) token: String,
    /// Whether links and redirects carry it, too. Of a visitor who is not signed in, forms do.
    pub(crate) links: bool,
}

/// Takes the token off the path of every request, before it finds its route.
pub(crate) fn around(routes: Router) -> Router {
    Router::new().fallback(take_off).with_state(routes)
}

async fn take_off(State(routes): State<Router>, mut request: Request) -> Response {
    let (token, rest) = split(request.uri());
    if let Some(rest) = rest {
        // A public page has one address.
        if paths::is_public(rest.path()) && matches!(*request.method(), Method::GET | Method::HEAD) {
            return Redirect::to(rest.as_str()).into_response();
        }
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(rest);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request.extensions_mut().insert(Token(token));
    match routes.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

/// The token of an address, and the address without it, if it has one.
fn split(uri: &Uri) -> (Option<String>, Option<PathAndQuery>) {
    let Some(after) = uri.path().strip_prefix(PREFIX) else { return (None, None) };
    let (token, rest) = after.split_once('/').unwrap_or((after, ""));
    let rest = match uri.query() {
        Some(query) => format!("/{rest}?{query}"),
        None => format!("/{rest}"),
    };
    (Some(token.to_owned()), rest.parse().ok())
}

/// Writes the session into the addresses of an answer: where it redirects to, and where its page leads.
///
/// # Errors
/// The page could not be read.
pub(crate) async fn carried(answer: Response, carry: &Carry) -> Result<Response, axum::Error> {
    let (mut head, body) = answer.into_parts();
    if carry.links
        && let Some(to) = head.headers.get(header::LOCATION).and_then(|to| to.to_str().ok())
        && leads_on(to)
        && let Ok(to) = format!("{PREFIX}{}{to}", carry.token).parse()
    {
        head.headers.insert(header::LOCATION, to);
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/html")) {
        return Ok(Response::from_parts(head, body));
    }
    let page = to_bytes(body, usize::MAX).await?;
    let page = written(&String::from_utf8_lossy(&page), carry);
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(head, Body::from(page)))
}

/// A page with the token in every address that needs it. Templates write these attributes with double quotes, and escape
/// double quotes everywhere else, so what stands here as an attribute is one.
fn written(page: &str, carry: &Carry) -> String {
    let mut pieces = page.split("=\"/");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let to = format!("/{}", piece.split('"').next().unwrap_or_default());
        let carries = match out.rsplit(|c: char| c.is_ascii_whitespace()).next() {
            Some("action") => paths::is_own(&to),
            Some("href" | "src") => carry.links && leads_on(&to),
            _ => false,
        };
        out.push_str("=\"");
        if carries {
            out.push_str(PREFIX);
            out.push_str(&carry.token);
        }
        out.push('/');
        out.push_str(piece);
    }
    out
}

/// Whether an address is one of this site's, and not public.
fn leads_on(to: &str) -> bool {
    let path = to.split(['?', '#']).next().unwrap_or_default();
    paths::is_own(to) && !paths::is_public(path)
}

/// Writes an address as the site does, and tries it: where it was written it opens its session, and nowhere else
/// (`acc-5`). `idle` is for how long it is good.
///
/// # Errors
/// What it did that it must not, or did not do that it must.
pub fn try_an_address(idle: Duration) -> Result<(), &'static str> {
    let (keys, session) = (TokenKey::new(&[1; 32]), SessionId::from([2; 32]));
    let asked = |from: &'static str, browser: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("sec-fetch-site", HeaderValue::from_static(from));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(browser));
        headers
    };
    let here = asked("same-origin", "one");
    let token = keys.stamp(&session, Print::of(&here), Timestamp::UNIX_EPOCH);
    let opens = |headers: &HeaderMap, after: u64| {
        let after = SignedDuration::try_from(Duration::from_secs(after)).unwrap_or(SignedDuration::MAX);
        let now = Timestamp::UNIX_EPOCH.saturating_add(after).unwrap_or(Timestamp::MAX);
        Arrival::by_address(headers, Some(&token), &keys, idle, now).session.is_some()
    };
    match () {
        () if !opens(&here, idle.as_secs()) => Err("an address does not open its own session"),
        () if opens(&here, idle.as_secs().saturating_add(1)) => {
            Err("an address opens a session after its time")
        }
        () if opens(&asked("none", "one"), 0) => Err("an address that is typed in opens a session"),
        () if opens(&asked("cross-site", "one"), 0) => Err("an address on another site opens a session"),
        () if opens(&asked("same-origin", "other"), 0) => {
            Err("an address opens a session in another browser")
        }
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn only_what_leads_to_ones_own_pages_carries_the_token() {
        for (plain, carried) in [
            (r#"<a href="/account">"#, r#"<a href="/s/T/account">"#),
            (
                r#"<a class="x" href="/account/trail?before=3#a">"#,
                r#"<a class="x" href="/s/T/account/trail?before=3#a">"#,
            ),
            ("<a\nhref=\"/account\">", "<a\nhref=\"/s/T/account\">"),
            (r#"<img src="/desk/documents/1/file/x">"#, r#"<img src="/s/T/desk/documents/1/file/x">"#),
            (r#"<form action="/notice/seen">"#, r#"<form action="/s/T/notice/seen">"#),
            (r#"<a href="/">"#, r#"<a href="/">"#),
            (r#"<a href="/notice#session">"#, r#"<a href="/notice#session">"#),
            (r#"<a href="/noticed">"#, r#"<a href="/s/T/noticed">"#),
            (r#"<link href="/assets/kept.css">"#, r#"<link href="/assets/kept.css">"#),
            (r#"<a href="//elsewhere.test/account">"#, r#"<a href="//elsewhere.test/account">"#),
            (r#"<a href="/\elsewhere.test/account">"#, r#"<a href="/\elsewhere.test/account">"#),
            (r#"<form action="//elsewhere.test/account">"#, r#"<form action="//elsewhere.test/account">"#),
            (r#"<a href="https://elsewhere.test/account">"#, r#"<a href="https://elsewhere.test/account">"#),
            (r##"<a href="#main">"##, r##"<a href="#main">"##),
            (r#"<input name="back" value="/account">"#, r#"<input name="back" value="/account">"#),
            (r#"a text: href=&#34;/account&#34;"#, r#"a text: href=&#34;/account&#34;"#),
        ] {
            let carry = Carry { token: "T".into(), links: true };
            assert_eq!(written(plain, &carry), carried);
            // Of a visitor, forms alone carry it.
            let carry = Carry { token: "T".into(), links: false };
            assert_eq!(written(plain, &carry), if plain.starts_with("<form") { carried } else { plain });
        }
    }

    #[tokio::test]
    async fn an_answer_leads_on_where_its_page_does() {
        let carry = Carry { token: "T".into(), links: true };
        for (to, carried_to) in [
            ("/account", "/s/T/account"),
            ("/account?saved", "/s/T/account?saved"),
            ("/notice", "/notice"),
            ("//elsewhere.test/", "//elsewhere.test/"),
            ("https://elsewhere.test/", "https://elsewhere.test/"),
        ] {
            let moved = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
            assert_eq!(carried(moved, &carry).await.unwrap().headers()[header::LOCATION], carried_to);
        }
        // What is no page stays as it is, byte by byte.
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"))];
        let file = carried((kind, &b"PK href=\"/account\" \xff"[..]).into_response(), &carry).await.unwrap();
        assert_eq!(&to_bytes(file.into_body(), 100).await.unwrap()[..], b"PK href=\"/account\" \xff");
    }

    #[test]
    fn the_token_is_taken_off_whatever_follows_it() {
        for (address, token, rest) in [
            ("/s/T/account?x=1", Some("T"), Some("/account?x=1")),
            ("/s/T", Some("T"), Some("/")),
            ("/s/T//x", Some("T"), Some("//x")),
            ("http://kept.example.test/s/T/account", Some("T"), Some("/account")),
            ("/signed-out", None, None),
        ] {
            let (found, left) = split(&address.parse().unwrap());
            assert_eq!(
                (found.as_deref(), left.as_ref().map(PathAndQuery::as_str)),
                (token, rest),
                "{address}"
            );
        }
    }

    /// acc-5
    #[test]
    fn an_address_is_bound_to_its_browser_and_its_time() {
        for minutes in [1, 30, 24 * 60] {
            assert_eq!(try_an_address(Duration::from_secs(60 * minutes)), Ok(()));
        }
    }
}
