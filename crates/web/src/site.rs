//! The site as its settings and its notice describe it.

use std::{net::IpAddr, str::FromStr, sync::Arc};

use axum::http::Uri;
use jiff::civil::Date;

use crate::{Frame, Reader};

/// What every page says about the site. Shared behind an [`Arc`]; a new notice in force makes a new `Site`.
#[derive(Clone, Debug)]
pub struct Site {
    /// The organisation's name, as the notice gives it.
    pub name: String,
    /// Where the public reaches the site.
    pub base: BaseUrl,
    /// The e-mail address for questions about the notice.
    pub contact: String,
    /// The language of the pages: a BCP 47 tag such as `en`.
    pub language: String,
    /// When the notice in force was last revised (`ntc-1`).
    pub notice_revised: Date,
}

impl Site {
    /// A frame for a page that anyone may see. Set `reader` and `form_token` for a signed-in one.
    #[must_use]
    pub fn frame(self: &Arc<Self>, title: impl Into<String>, path: impl Into<String>) -> Frame {
        Frame {
            site: Arc::clone(self),
            title: title.into(),
            path: path.into(),
            reader: Reader::Visitor,
            form_token: String::new(),
            notice_changed: None,
            demo: None,
        }
    }
}

/// The site's public address: `http` or `https`, a host, perhaps a port, and nothing else.
///
/// `https` is what turns on `Secure` cookies and HSTS, also behind a proxy that ends TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: Scheme,
    host: String,
    origin: String,
}

impl BaseUrl {
    /// Whether people reach the site over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// Whether only this machine reaches it, so that nothing travels over a network.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.number().is_some_and(|address| address.is_loopback())
    }

    /// The name under which browsers keep a passkey for the site (Web Authentication, level 3, §5.1.2): its host, if that
    /// is a name and reached over TLS or on this machine. A site that is reached by a number has none.
    #[must_use]
    pub fn passkey_domain(&self) -> Option<&str> {
        let secure = self.is_https() || self.host == "localhost";
        (secure && self.number().is_none()).then_some(&self.host)
    }

    fn number(&self) -> Option<IpAddr> {
        self.host.trim_matches(['[', ']']).parse().ok()
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme.name()
    }

    /// The origin as browsers write it (RFC 6454 §6.2): lower case, no default port, no slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The whole address of a path on this site, for mails. The path starts with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| BaseUrlError::NotAnAddress)?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(BaseUrlError::Scheme),
        };
        let authority = uri.authority().ok_or(BaseUrlError::NotAnAddress)?;
        if authority.as_str().contains('@') {
            return Err(BaseUrlError::More);
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#') {
            return Err(BaseUrlError::More);
        }
        let host = authority.host().to_ascii_lowercase();
        let origin = match authority.port_u16() {
            Some(port) if port != scheme.default_port() => format!("{}://{host}:{port}", scheme.name()),
            _ => format!("{}://{host}", scheme.name()),
        };
        Ok(Self { scheme, host, origin })
    }
}

/// Why a text is not a base URL.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// The text cannot be read as an absolute address.
    #[error("the base URL is not an address; write it like https://members.example.test")]
    NotAnAddress,
    /// The scheme is neither http nor https.
    #[error("the base URL must start with https:// or http://")]
    Scheme,
    /// The address has a path, a query, a fragment or a user.
    #[error("the base URL must end after the host and port; write it like https://members.example.test")]
    More,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}
