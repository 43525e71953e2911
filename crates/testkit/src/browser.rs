//! A browser: keeps cookies, follows redirects when asked to, and sends the forms of its pages.

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
use tower::{Layer, ServiceExt};

use crate::Page;

/// One browser on one machine.
#[derive(Clone)]
pub struct Browser {
    app: Router,
    jar: BTreeMap<String, String>,
    place: SocketAddr,
    refuses: bool,
    /// Every address that was asked for or redirected to, in order.
    pub history: Vec<String>,
}

impl Browser {
    pub(crate) fn new(app: Router, number: u32) -> Browser {
        let place = SocketAddr::from((Ipv4Addr::from_bits(0x0a00_0000 + number), 40_000));
        Browser { app, jar: BTreeMap::new(), place, refuses: false, history: Vec::new() }
    }

    /// Asks for a page, and follows no redirect.
    pub async fn get(&mut self, path: &str) -> Page {
        self.request(Method::GET, path, &[], Body::empty()).await
    }

    /// Opens a page, following redirects.
    pub async fn visit(&mut self, path: &str) -> Page {
        let page = self.get(path).await;
        self.follow(page).await
    }

    /// Opens a page, fills its form, sends it to the same address, and follows redirects.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.submit(path, path, fields).await
    }

    /// Opens the page `from`, and sends a form with its token to `to`, following redirects.
    pub async fn submit(&mut self, from: &str, to: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.post(from, to, fields).await;
        self.follow(page).await
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

    /// Sends any request, with this browser's cookies.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Body,
    ) -> Page {
        self.history.push(path.to_owned());
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if !self.jar.is_empty() {
            let cookies: Vec<_> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let app = Extension(ConnectInfo(self.place)).layer(self.app.clone());
        let answer = app.oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let html = String::from_utf8_lossy(&body).into_owned();
        let page = Page { path: path.to_owned(), status: parts.status, headers: parts.headers, html, body };
        self.remember(&page);
        page
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

    async fn follow(&mut self, mut page: Page) -> Page {
        for _ in 0..5 {
            let Some(to) = page.location().map(str::to_owned) else { return page };
            page = self.get(&to).await;
        }
        panic!("{} redirects without end", page.path)
    }

    fn remember(&mut self, page: &Page) {
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
