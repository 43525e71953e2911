//! Somebody's browser, over the network, at any server of a site.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// A browser with its session's cookie, and the form token of the last page.
#[derive(Default)]
pub(crate) struct Visitor {
    cookie: String,
    token: String,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    /// Where a redirect leads.
    pub(crate) fn location(&self) -> &str {
        self.text
            .split("\r\nlocation: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next())
            .unwrap_or_default()
    }
}

impl Visitor {
    /// Opens a page.
    pub(crate) fn get(&mut self, url: &str, path: &str) -> io::Result<Answer> {
        self.send(url, "GET", path, "")
    }

    /// Sends a form with the token of the last page.
    pub(crate) fn post(&mut self, url: &str, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        let field = |(name, value): (&str, &str)| format!("{name}={}", value.replace(' ', "+"));
        let form: Vec<_> =
            fields.iter().copied().chain([("form_token", self.token.as_str())]).map(field).collect();
        self.send(url, "POST", path, &form.join("&"))
    }

    /// Opens a page with a form and sends it.
    pub(crate) fn fill(&mut self, url: &str, path: &str, fields: &[(&str, &str)]) -> io::Result<Answer> {
        self.get(url, path)?;
        self.post(url, path, fields)
    }

    fn send(&mut self, url: &str, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let host = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let cookie =
            if self.cookie.is_empty() { String::new() } else { format!("Cookie: {}\r\n", self.cookie) };
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{cookie}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let after = |mark: &str, end: char| {
            let rest = text.split_once(mark)?.1;
            Some(rest.split_once(end)?.0.to_owned())
        };
        let status = after("HTTP/1.1 ", ' ').and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::UnexpectedEof)?;
        if let Some(cookie) = after("\r\nset-cookie: kept_session=", ';') {
            self.cookie = format!("kept_session={cookie}");
        }
        if let Some(token) = after("name=\"form_token\" value=\"", '"') {
            self.token = token;
        }
        Ok(Answer { status, text })
    }
}
