//! What a browser carries: a session, and where the notice says so a remembered device. Each is 32 random bytes that mean
//! nothing by themselves.

use std::{fmt, time::Duration};

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
        read(headers, cookie_name(base)).map(Self)
    }

    /// The `Set-Cookie` that starts the session: unreadable to scripts, not sent with other sites' forms, gone
    /// when the browser ends (`acc-7`).
    #[must_use]
    pub fn set_cookie(&self, base: &BaseUrl) -> HeaderValue {
        cookie_header(base, cookie_name(base), &BASE64URL_NOPAD.encode(&self.0), None)
    }

    /// What the database stores and looks up: SHA-256 of the bytes. Enough, because they are random.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for SessionId {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SessionId(hidden)")
    }
}

/// A device that a person asked to be remembered (`acc-6`): by its id a new session begins when the old one has ended.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceId([u8; 32]);

impl DeviceId {
    /// A device that nobody knows yet.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The device in a request's cookies; none if the cookie is missing or was never one of ours.
    #[must_use]
    pub fn read(headers: &HeaderMap, base: &BaseUrl) -> Option<Self> {
        read(headers, device_cookie_name(base)).map(Self)
    }

    /// The `Set-Cookie` that keeps the device known for so long.
    #[must_use]
    pub fn set_cookie(&self, base: &BaseUrl, lasts: Duration) -> HeaderValue {
        cookie_header(base, device_cookie_name(base), &BASE64URL_NOPAD.encode(&self.0), Some(lasts))
    }

    /// What the database stores and looks up: SHA-256 of the bytes. Enough, because they are random.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DeviceId(hidden)")
    }
}

/// The session cookie's name as the notice's `[session]` means it, without the prefix that it has over https (`acc-7`).
pub const COOKIE: &str = "kept_session";

/// The name of the cookie of a remembered device, likewise (`acc-6`).
pub const DEVICE_COOKIE: &str = "kept_device";

/// The session cookie's name. Over https it has the prefix `__Host-`: browsers then accept it only if it is `Secure`
/// and was set by this very host (RFC 6265bis §4.1.3.2).
#[must_use]
pub fn cookie_name(base: &BaseUrl) -> &'static str {
    if base.is_https() { "__Host-kept_session" } else { COOKIE }
}

/// The `Set-Cookie` that takes the session out of the browser.
#[must_use]
pub fn removal(base: &BaseUrl) -> HeaderValue {
    cookie_header(base, cookie_name(base), "", Some(Duration::ZERO))
}

/// The `Set-Cookie` after which the device is no longer known.
#[must_use]
pub fn device_removal(base: &BaseUrl) -> HeaderValue {
    cookie_header(base, device_cookie_name(base), "", Some(Duration::ZERO))
}

fn device_cookie_name(base: &BaseUrl) -> &'static str {
    if base.is_https() { "__Host-kept_device" } else { DEVICE_COOKIE }
}

fn read(headers: &HeaderMap, name: &str) -> Option<[u8; 32]> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .filter(|cookie| cookie.name() == name)
        .find_map(|cookie| BASE64URL_NOPAD.decode(cookie.value().as_bytes()).ok()?.try_into().ok())
}

/// Without a lifetime the cookie ends with the browser; with none left it goes at once.
fn cookie_header(base: &BaseUrl, name: &str, value: &str, lasts: Option<Duration>) -> HeaderValue {
    let cookie = Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(base.is_https());
    let mut text = cookie.build().to_string();
    if let Some(lasts) = lasts {
        text.push_str(&format!("; Max-Age={}", lasts.as_secs()));
    }
    #[expect(clippy::expect_used, reason = "every part is base64url or a literal above, so plain ASCII")]
    let mut header = HeaderValue::try_from(text).expect("a cookie of ASCII parts is a header value");
    header.set_sensitive(true);
    header
}
