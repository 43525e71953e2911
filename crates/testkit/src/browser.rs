//! A browser: keeps cookies, follows redirects when asked to, and sends the forms of its pages. Where a site's sessions live
//! in addresses, a path stands for the link to it on the page that was shown last.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderName, Method, Request, header},
};
use http_body_util::BodyExt;
use kept_web::paths::is_public;
use tower::{Layer, ServiceExt};

use crate::Page;

/// Where a request comes from, as browsers say it.
const FROM: HeaderName = HeaderName::from_static("sec-fetch-site");

/// One browser on one machine.
#[derive(Clone)]
pub struct Browser {
    app: Router,
    jar: BTreeMap<String, String>,
    place: SocketAddr,
    refuses: bool,
    /// What the newest page that had any wrote before the paths of its own links or forms: `/s/TOKEN`.
    carried: Option<String>,
    /// What it calls itself (`User-Agent`).
    pub name: String,
    /// Every address that was asked for or redirected to, in order.
    pub history: Vec<String>,
}

impl Browser {
    pub(crate) fn new(app: Router, number: u32) -> Browser {
        let place = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + number), 40_000));
        let name = "Mozilla/5.0 (of the tests)".to_owned();
        Browser { app, jar: BTreeMap::new(), place, refuses: false, carried: None, name, history: Vec::new() }
    }

    /// Asks for a page, and follows no redirect.
    pub async fn get(&mut self, path: &str) -> Page {
        self.request(Method::GET, path, &[], Body::empty()).await
    }

    /// Opens a page, following redirects.
    pub async fn visit(&mut self, path: &str) -> Page {
        let page = self.get(path).await;
        self.follow(page, "same-origin").await
    }

    /// Opens a page, fills its form, sends it to the same address, and follows redirects.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.submit(path, path, fields).await
    }

    /// Opens the page `from`, and sends a form with its token to `to`, following redirects.
    pub async fn submit(&mut self, from: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.post(from, to, fields).await;
        self.follow(page, "same-origin").await
    }

    /// As [`submit`](Browser::submit), and follows no redirect.
    pub async fn post(&mut self, from: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.token(from).await;
        self.post_with(to, &token, fields).await
    }

    /// The form token of a page.
    pub async fn token(&mut self, path: &str) -> String {
        let page = self.visit(path).await;
        page.value("form_token").unwrap_or_else(|| panic!("{path} has no form: {}", page.status))
    }

    /// Sends a form with a token of the test's choice.
    pub async fn post_with(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields).append_pair("form_token", token);
        self.post_raw(path, form.finish().into_bytes()).await
    }

    /// Sends bytes as a form.
    pub async fn post_raw(&mut self, path: &str, body: impl Into<Body>) -> Page {
        let form = [(header::CONTENT_TYPE, "application/x-www-form-urlencoded")];
        self.request(Method::POST, path, &form, body.into()).await
    }

    /// Opens a page and sends its form with a file, as `multipart/form-data` (RFC 7578), following redirects.
    pub async fn upload(&mut self, path: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Page {
        let token = self.token(path).await;
        let (mut body, line) = (Vec::new(), "--part-of-a-test");
        for (name, value) in [("form_token", token.as_str())].iter().chain(fields) {
            let head =
                format!("{line}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(head.as_bytes());
        }
        let (name, bytes) = file;
        let head = format!(
            "{line}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"scan.pdf\"\r\n\
             Content-Type: application/pdf\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n{line}--\r\n").as_bytes());
        let form = [(header::CONTENT_TYPE, "multipart/form-data; boundary=part-of-a-test")];
        let page = self.request(Method::POST, path, &form, Body::from(body)).await;
        self.follow(page, "same-origin").await
    }

    /// Opens an address by hand, as it was typed or pasted, following redirects.
    pub async fn type_in(&mut self, address: &str) -> Page {
        let page = self.send_to(Method::GET, address, &[(FROM, "none")], Body::empty()).await;
        self.follow(page, "none").await
    }

    /// The address behind a link of the page that was shown last.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        match &self.carried {
            Some(carried) if !path.starts_with("/s/") && !is_public(path) => format!("{carried}{path}"),
            _ => path.to_owned(),
        }
    }

    /// Sends any request to a place that the page shown last leads to, with this browser's cookies.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Body,
    ) -> Page {
        let mut headers = headers.to_vec();
        if headers.iter().all(|(name, _)| *name != FROM) {
            headers.push((FROM, "same-origin"));
        }
        let address = self.address(path);
        self.send_to(method, &address, &headers, body).await
    }

    async fn send_to(
        &mut self,
        method: Method,
        address: &str,
        headers: &[(HeaderName, &str)],
        body: Body,
    ) -> Page {
        self.history.push(address.to_owned());
        let mut request =
            Request::builder().method(method).uri(address).header(header::USER_AGENT, &self.name);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if !self.jar.is_empty() {
            let cookies: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let page = self.exactly(request.body(body).unwrap()).await;
        self.remember(&page);
        page
    }

    /// Sends a request as it is, and keeps nothing of the answer.
    pub async fn exactly(&self, request: Request<Body>) -> Page {
        let address = request.uri().to_string();
        let app = Extension(ConnectInfo(self.place)).layer(self.app.clone());
        let answer = app.oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let html = String::from_utf8_lossy(&body).into_owned();
        let path = address.strip_prefix("/s/").and_then(|rest| Some(rest.split_at(rest.find('/')?).1));
        let path = path.unwrap_or(&address).to_owned();
        Page { path, status: parts.status, headers: parts.headers, html, body }
    }

    /// The session's cookie, name and value.
    #[must_use]
    pub fn session(&self) -> Option<(String, String)> {
        let known = self.jar.iter().find(|(name, _)| name.ends_with("kept_session"));
        known.map(|(name, value)| (name.clone(), value.clone()))
    }

    /// Ends the browser and opens it again: what has no lifetime of its own is gone.
    pub fn restart(&mut self) {
        self.jar.retain(|name, _| !name.ends_with("kept_session"));
    }

    /// The cookie of a remembered device, name and value.
    #[must_use]
    pub fn device(&self) -> Option<(String, String)> {
        let known = self.jar.iter().find(|(name, _)| name.ends_with("kept_device"));
        known.map(|(name, value)| (name.clone(), value.clone()))
    }

    /// Refuses cookies from now on, and has none.
    pub fn refuse_cookies(&mut self) {
        self.jar.clear();
        self.refuses = true;
    }

    /// Plants a cookie, as a thief who has copied it would.
    pub fn plant(&mut self, (name, value): (String, String)) {
        self.jar.insert(name, value);
    }

    async fn follow(&mut self, mut page: Page, from: &str) -> Page {
        for _ in 0..5 {
            let Some(to) = page.location().map(str::to_owned) else { return page };
            page = self.send_to(Method::GET, &to, &[(FROM, from)], Body::empty()).await;
        }
        panic!("{} redirects without end", page.path)
    }

    fn remember(&mut self, page: &Page) {
        let leads_to = page.location().into_iter().chain(page.html.split('"'));
        let carried = leads_to.filter_map(|to| to.strip_prefix("/s/")?.split('/').next()).next();
        if let Some(token) = carried {
            self.carried = Some(format!("/s/{token}"));
        }
        self.history.extend(page.location().map(str::to_owned));
        for cookie in page.cookies() {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap_or_default();
            if self.refuses {
                continue;
            }
            if cookie.ends_with("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
