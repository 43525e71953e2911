//! The browser of somebody in a simulation: it keeps what the site gives it, in cookies or in the addresses of its pages, and
//! sends the forms of those pages, to the site's own routes without a network.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};
use kept_web::{paths, token};
use tower::ServiceExt as _;

use super::SimulateError;

/// One browser, on a machine of its own.
pub(super) struct Browser {
    place: SocketAddr,
    cookies: BTreeMap<String, String>,
    /// What the page that was shown last wrote before the paths of its own links and forms: `/s/TOKEN`.
    carried: Option<String>,
    /// The form token of that page.
    token: String,
}

/// An answer.
pub(super) struct Page {
    pub(super) status: StatusCode,
    /// Where it leads to by itself, without what carries a session.
    pub(super) to: Option<String>,
    pub(super) html: String,
}

impl Browser {
    pub(super) fn new(number: u32) -> Browser {
        let place = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 | (number & 0x00ff_ffff)), 40_000));
        Browser { place, cookies: BTreeMap::new(), carried: None, token: String::new() }
    }

    /// Opens a page.
    pub(super) async fn open(&mut self, site: &Router, path: &str) -> Result<Page, SimulateError> {
        self.ask(site, Method::GET, path, "text/plain", Body::empty()).await
    }

    /// Sends a form of the page that was opened last.
    pub(super) async fn send(
        &mut self,
        site: &Router,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page, SimulateError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields).append_pair(token::FIELD, &self.token);
        let body = Body::from(form.finish());
        self.ask(site, Method::POST, path, "application/x-www-form-urlencoded", body).await
    }

    /// Sends a form with a file (`multipart/form-data`, RFC 7578).
    pub(super) async fn send_file(
        &mut self,
        site: &Router,
        path: &str,
        (about, file): (&str, &str),
    ) -> Result<Page, SimulateError> {
        const LINE: &str = "--part-of-a-simulation";
        let part = |name: &str, more: &str, value: &str| {
            format!("{LINE}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n")
        };
        let scan = "; filename=\"scan.pdf\"\r\nContent-Type: application/pdf";
        let body = [
            part(token::FIELD, "", &self.token),
            part("about", "", about),
            part("file", scan, file),
            format!("{LINE}--\r\n"),
        ];
        let kind = "multipart/form-data; boundary=part-of-a-simulation";
        self.ask(site, Method::POST, path, kind, Body::from(body.concat())).await
    }

    async fn ask(
        &mut self,
        site: &Router,
        method: Method,
        path: &str,
        kind: &str,
        body: Body,
    ) -> Result<Page, SimulateError> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder()
            .method(method)
            .uri(self.address(path))
            .header(header::USER_AGENT, "Mozilla/5.0 (simulated)")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, kind)
            .header(header::COOKIE, cookies.join("; "))
            .extension(ConnectInfo(self.place))
            .body(body)?;
        let answer = match site.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let (head, body) = answer.into_parts();
        let html = String::from_utf8_lossy(&to_bytes(body, usize::MAX).await?).into_owned();
        let to = head.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        for cookie in head.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok())
        {
            self.keep(cookie);
        }
        if let Some(token) = between(&html, &format!("name=\"{}\" value=\"", token::FIELD), "\"") {
            token.clone_into(&mut self.token);
        }
        if let Some(carried) = to.iter().map(String::as_str).chain(html.split('"')).find_map(carried) {
            self.carried = Some(carried.to_owned());
        }
        let to = to.map(|to| to.strip_prefix(carried(&to).unwrap_or_default()).unwrap_or(&to).to_owned());
        Ok(Page { status: head.status, to, html })
    }

    fn address(&self, path: &str) -> String {
        match &self.carried {
            Some(carried) if !paths::is_public(path) => format!("{carried}{path}"),
            _ => path.to_owned(),
        }
    }

    fn keep(&mut self, cookie: &str) {
        let Some((name, rest)) = cookie.split_once('=') else { return };
        if cookie.ends_with("Max-Age=0") {
            self.cookies.remove(name);
        } else {
            let value = rest.split(';').next().unwrap_or_default();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

impl Page {
    /// Whether it asks who one is.
    pub(super) fn asks_to_sign_in(&self) -> bool {
        self.leads_to(paths::SIGN_IN)
    }

    /// Whether it leads on to this page.
    pub(super) fn leads_to(&self, path: &str) -> bool {
        let to = self.to.as_deref().map(|to| to.split('?').next().unwrap_or_default());
        self.status == StatusCode::SEE_OTHER && to == Some(path)
    }

    /// The first thing on the page that stands between these.
    pub(super) fn between(&self, before: &str, after: &str) -> Option<&str> {
        between(&self.html, before, after)
    }
}

/// What an address carries before its path, if it carries a session.
fn carried(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("/s/")?;
    let path = rest.find('/')? + "/s/".len();
    address.get(..path)
}

fn between<'h>(html: &'h str, before: &str, after: &str) -> Option<&'h str> {
    html.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}
