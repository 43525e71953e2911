//! Form tokens: a hidden field that only a page of this site, shown to this session, can contain. Passes and the tokens of
//! addresses are made with the same key.

use std::{fmt, time::Duration};

use axum::http::StatusCode;
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac, digest::Key};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use crate::{Problem, address::Print, session::SessionId};

/// The name of the hidden field.
pub const FIELD: &str = "form_token";

/// How long a page may stay open before its form is sent.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(8);

/// How long a pass opens what it was issued for.
pub const PASS_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// How many seconds the clocks of a site's servers may be apart.
const SKEW: i64 = 60;

/// The site's key for form tokens. It guards no stored data: losing it only makes open pages stale.
#[derive(Clone)]
pub struct TokenKey(Hmac<Sha256>);

impl TokenKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        // HMAC pads a short key with zeros to the block of its hash (RFC 2104 §2), which is what this does.
        let mut block = Key::<Hmac<Sha256>>::default();
        for (to, from) in block.iter_mut().zip(secret) {
            *to = *from;
        }
        Self(Hmac::new(&block))
    }

    /// A token for a form shown to a session now: the minute, and HMAC-SHA256 over the session and the minute.
    #[must_use]
    pub fn issue(&self, session: &SessionId, now: Timestamp) -> String {
        let issued = minute(now).to_be_bytes();
        let mac = self.mac(session, issued).finalize().into_bytes();
        let mut token = issued.to_vec();
        token.extend_from_slice(&mac);
        BASE64URL_NOPAD.encode(&token)
    }

    /// Whether a posted token was issued to this session, and not too long ago.
    ///
    /// # Errors
    /// [`TokenError`] says which it is; both become a 403 page.
    pub fn check(&self, token: Option<&str>, session: &SessionId, now: Timestamp) -> Result<(), TokenError> {
        let bytes = token
            .and_then(|token| BASE64URL_NOPAD.decode(token.as_bytes()).ok())
            .ok_or(TokenError::NotOurs)?;
        let (issued, mac) = bytes.split_first_chunk().ok_or(TokenError::NotOurs)?;
        self.mac(session, *issued).verify_slice(mac).map_err(|_| TokenError::NotOurs)?;
        let age = minute(now) - i64::from_be_bytes(*issued);
        if (0..=LIFETIME.as_mins()).contains(&age) { Ok(()) } else { Err(TokenError::Stale) }
    }

    /// A pass: what a link carries that opens one thing for one session, for [`PASS_LIFETIME`].
    #[must_use]
    pub fn pass(&self, session: &SessionId, what: &str, now: Timestamp) -> String {
        let issued = now.as_second().to_be_bytes();
        let mac = self.pass_mac(session, what, issued).finalize().into_bytes();
        BASE64URL_NOPAD.encode(&[&issued[..], &mac[..]].concat())
    }

    /// Whether a pass was issued to this session for this thing, and not too long ago.
    #[must_use]
    pub fn opens(&self, pass: &str, session: &SessionId, what: &str, now: Timestamp) -> bool {
        let Ok(bytes) = BASE64URL_NOPAD.decode(pass.as_bytes()) else { return false };
        let Some((issued, mac)) = bytes.split_first_chunk() else { return false };
        let age = now.as_second().saturating_sub(i64::from_be_bytes(*issued));
        (0..=PASS_LIFETIME.as_secs()).contains(&age)
            && self.pass_mac(session, what, *issued).verify_slice(mac).is_ok()
    }

    /// The token of an address: it stands for a session in one browser, from now on.
    pub(crate) fn stamp(&self, session: &SessionId, browser: Print, now: Timestamp) -> String {
        let issued = now.as_second().to_be_bytes();
        let mac = self.stamp_mac(session.bytes(), browser, issued).finalize().into_bytes();
        BASE64URL_NOPAD.encode(&[session.bytes(), &issued[..], &mac[..]].concat())
    }

    /// What the token of an address is worth to a browser that has brought it.
    pub(crate) fn stamped(&self, token: &str, browser: Print, lasts: Duration, now: Timestamp) -> Stamped {
        let Ok(bytes) = BASE64URL_NOPAD.decode(token.as_bytes()) else { return Stamped::Spent };
        let Some((session, rest)) = bytes.split_first_chunk() else { return Stamped::Spent };
        let Some((issued, mac)) = rest.split_first_chunk() else { return Stamped::Spent };
        if self.stamp_mac(session, browser, *issued).verify_slice(mac).is_err() {
            return Stamped::Foreign(SessionId::from(*session));
        }
        let age = now.as_second().saturating_sub(i64::from_be_bytes(*issued));
        let oldest = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
        let in_time = (-SKEW..=oldest).contains(&age);
        if in_time { Stamped::Good(SessionId::from(*session)) } else { Stamped::Spent }
    }

    fn stamp_mac(&self, session: &[u8; 32], browser: Print, issued: [u8; 8]) -> Hmac<Sha256> {
        let mac = self.0.clone().chain_update(b"kept address 1").chain_update(session);
        mac.chain_update(issued).chain_update(browser.bytes())
    }

    fn pass_mac(&self, session: &SessionId, what: &str, issued: [u8; 8]) -> Hmac<Sha256> {
        let mac = self.0.clone().chain_update(b"kept pass 1").chain_update(session.bytes());
        mac.chain_update(issued).chain_update(what)
    }

    fn mac(&self, session: &SessionId, issued: [u8; 8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(b"kept form token 1").chain_update(session.bytes()).chain_update(issued)
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TokenKey(hidden)")
    }
}

/// What the token of an address is worth.
pub(crate) enum Stamped {
    /// It was written for this browser, and not too long ago.
    Good(SessionId),
    /// It was written for another browser, or by nobody: its session, if there is one, is known to somebody else.
    Foreign(SessionId),
    /// It is too old, or none.
    Spent,
}

/// Why a form was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Missing, forged, or issued to another session.
    #[error("the form token is missing or was not issued to this session")]
    NotOurs,
    /// Issued longer ago than [`LIFETIME`], or by a clock that ran ahead.
    #[error("the form token is older than eight hours")]
    Stale,
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NotOurs => Self::forbidden().because(error),
            TokenError::Stale => Self::new(
                StatusCode::FORBIDDEN,
                "This page was open too long",
                "A form can be sent for eight hours after its page was opened. Nothing has been changed.",
                "Go back, reload the page, and try again.",
            ),
        }
    }
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}
