//! The cookie gate: no response sets a cookie that the notice does not list (`acc-7`).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// A cookie as the notice lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredCookie {
    /// Its name, without the prefix `__Host-` or `__Secure-`, which only asks the browser to be stricter.
    pub name: String,
    /// How long the notice lets it last.
    pub lasts: Lasts,
}

/// How long a cookie may stay in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// Until the browser ends: neither `Max-Age` nor `Expires`.
    Browser,
    /// At most this long, said with `Max-Age`.
    AtMost(Duration),
}

/// Why a response was refused for a cookie. The name is the code's own, never a person's data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieError {
    /// The header cannot be read as a cookie.
    #[error("a response set a cookie that cannot be read")]
    Unreadable,
    /// The notice has no such cookie.
    #[error("a response set the cookie `{name}`, which the notice does not list; list it or do not set it")]
    Undeclared {
        /// The cookie.
        name: String,
    },
    /// The cookie stays longer than the notice says.
    #[error("a response made the cookie `{name}` last longer than the notice says")]
    Outlasts {
        /// The cookie.
        name: String,
    },
    /// The cookie has a `Domain`, which shows it to other hosts than this one.
    #[error("a response gave the cookie `{name}` a domain, which shows it to other hosts")]
    Widened {
        /// The cookie.
        name: String,
    },
}

/// Holds every `Set-Cookie` of a response against the notice. Removing a listed cookie is always allowed.
///
/// # Errors
/// The first cookie that is not what the notice says.
pub fn gate(headers: &HeaderMap, declared: &[DeclaredCookie]) -> Result<(), CookieError> {
    headers.get_all(header::SET_COOKIE).iter().try_for_each(|value| gate_one(value, declared))
}

fn gate_one(value: &HeaderValue, declared: &[DeclaredCookie]) -> Result<(), CookieError> {
    let text = value.to_str().map_err(|_| CookieError::Unreadable)?;
    let mut parts = text.split(';').map(str::trim);
    let (name, content) =
        parts.next().and_then(|pair| pair.split_once('=')).ok_or(CookieError::Unreadable)?;
    let name = name.trim().to_owned();
    let Some(cookie) = declared.iter().find(|cookie| cookie.name == bare(&name)) else {
        return Err(CookieError::Undeclared { name });
    };

    // Browsers take the last of two attributes with one name; here each must stand by itself.
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        match key.trim().to_ascii_lowercase().as_str() {
            "max-age" if !may_last(value.trim(), content, cookie.lasts) => {
                return Err(CookieError::Outlasts { name });
            }
            // A date needs a clock to be judged; `Max-Age` says the same without one.
            "expires" => return Err(CookieError::Outlasts { name }),
            "domain" => return Err(CookieError::Widened { name }),
            _ => {}
        }
    }
    Ok(())
}

fn may_last(max_age: &str, content: &str, lasts: Lasts) -> bool {
    match (max_age.parse::<u64>(), lasts) {
        (Ok(0), _) => content.trim().is_empty(),
        (Ok(seconds), Lasts::AtMost(longest)) => seconds <= longest.as_secs(),
        _ => false,
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix("__Host-").or_else(|| name.strip_prefix("__Secure-")).unwrap_or(name)
}
