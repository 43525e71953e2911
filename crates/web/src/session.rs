//! The session a browser carries: 32 random bytes that mean nothing by themselves.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::{Cookie, SameSite};
use data_encoding::BASE64URL_NOPAD;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

use crate::BaseUrl;

/// The name of a session, known to one browser. The database knows only its digest.
///
/// A visitor who is about to sign in or sign up has one too, so that form tokens are bound to their browser;
/// signing in replaces it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId([u8; 32]);

impl SessionId {
    /// A new session.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The session in a request's cookies; none if the cookie is missing or was never one of ours.
    #[must_use]
    pub fn read(headers: &HeaderMap, base: &BaseUrl) -> Option<Self> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == cookie_name(base))
            .find_map(|cookie| Self::decode(cookie.value()))
    }

    /// The `Set-Cookie` that starts the session: unreadable to scripts, not sent with other sites' forms, gone
    /// when the browser ends (`acc-7`).
    #[must_use]
    pub fn set_cookie(&self, base: &BaseUrl) -> HeaderValue {
        cookie_header(base, Some(&BASE64URL_NOPAD.encode(&self.0)))
    }

    /// What the database stores and looks up: SHA-256 of the bytes. Enough, because they are random.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn decode(text: &str) -> Option<Self> {
        BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SessionId(hidden)")
    }
}

/// The cookie's name as the notice's `[session]` means it, without the prefix that it has over https (`acc-7`).
pub const COOKIE: &str = "kept_session";

/// The cookie's name. Over https it has the prefix `__Host-`: browsers then accept it only if it is `Secure`
/// and was set by this very host (RFC 6265bis §4.1.3.2).
#[must_use]
pub fn cookie_name(base: &BaseUrl) -> &'static str {
    if base.is_https() { "__Host-kept_session" } else { COOKIE }
}

/// The `Set-Cookie` that takes the session out of the browser.
#[must_use]
pub fn removal(base: &BaseUrl) -> HeaderValue {
    cookie_header(base, None)
}

fn cookie_header(base: &BaseUrl, value: Option<&str>) -> HeaderValue {
    let cookie = Cookie::build((cookie_name(base), value.unwrap_or_default()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(base.is_https());
    let mut text = cookie.build().to_string();
    if value.is_none() {
        text.push_str("; Max-Age=0");
    }
    #[expect(clippy::expect_used, reason = "every part is base64url or a literal above, so plain ASCII")]
    let mut header = HeaderValue::try_from(text).expect("a cookie of ASCII parts is a header value");
    header.set_sensitive(true);
    header
}
