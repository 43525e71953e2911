//! The headers that hold the site to what its notice says.

use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};

use crate::{BaseUrl, Sessions, file::Sandbox};

/// The rules of the Content-Security-Policy, with what they say of scripts in front.
macro_rules! policy {
    ($scripts:literal) => {
        concat!(
            "default-src 'none'; ",
            $scripts,
            "style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    };
}

/// The Content-Security-Policy of every response: pages load their own stylesheet and images, send their forms
/// home, and nothing else. No outside origin is in it, so nobody else learns of a visit (`ana-3`).
#[must_use]
pub fn csp() -> &'static str {
    policy!("")
}

/// The Content-Security-Policy of a page with a script: the same, and the site's own files may run.
#[must_use]
pub fn csp_with_script() -> &'static str {
    policy!("script-src 'self'; ")
}

/// Put into an answer's extensions: the page has one of the site's own scripts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scripted;

/// The Strict-Transport-Security of every response of a site that is reached over TLS: for a year, browsers reach it in
/// no other way (RFC 6797, `sec-1`).
#[must_use]
pub fn strict_transport(base: &BaseUrl) -> Option<&'static str> {
    base.is_https().then_some("max-age=31536000")
}

/// Sets what every response carries, whatever a handler set before; only caching is a handler's to decide.
/// A file that is shown by itself is sandboxed besides.
pub(crate) fn protect(headers: &mut HeaderMap, base: &BaseUrl, sessions: Sessions, marks: &Extensions) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer(sessions)));
    let csp = if marks.get::<Scripted>().is_some() { csp_with_script() } else { csp() };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(csp));
    if marks.get::<Sandbox>().is_some() {
        headers.append(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    }
    if let Some(insist) = strict_transport(base) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(insist));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Other sites learn nothing either way, but under `no-referrer` browsers send `Origin: null` with our own forms (Fetch,
/// "append a request `Origin` header"), so that only those that send `Sec-Fetch-Site` can be told from a stranger's.
/// Where sessions live in addresses, only such browsers sign in anyway, and no log of ours or of a proxy shall see where a
/// page was left for another.
fn referrer(sessions: Sessions) -> &'static str {
    match sessions {
        Sessions::Cookie => "same-origin",
        Sessions::Address => "no-referrer",
    }
}

const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

const PERMISSIONS: &str = "browsing-topics=(), camera=(), display-capture=(), geolocation=(), \
                           microphone=(), payment=(), usb=()";
