//! An answer, as a reader sees it.

use axum::http::{HeaderMap, StatusCode, header};

/// What a request was answered with.
#[derive(Clone, Debug)]
pub struct Page {
    /// The address that it stands at, after redirects that were followed.
    pub path: String,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The HTML as it was sent; of what is no text, as much as can be read as such.
    pub html: String,
    /// The body, byte by byte.
    pub body: Vec<u8>,
}

impl Page {
    /// Where it redirects to.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers.get(header::LOCATION).map(|to| to.to_str().unwrap())
    }

    /// The `Set-Cookie` headers.
    #[must_use]
    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// The text of the page without its tags, each run of space one space.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (at, piece) in self.html.split('<').enumerate() {
            let said = if at == 0 { piece } else { piece.split_once('>').map_or("", |(_, said)| said) };
            text.push_str(said);
            text.push(' ');
        }
        unescape(&text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether the text of the page has this in it.
    #[must_use]
    pub fn says(&self, what: &str) -> bool {
        self.text().contains(what)
    }

    /// The value of an `input` or `textarea`, as a browser would send it back; nothing if the page has no such field.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        let at = self.html.find(&format!(" name=\"{name}\""))?;
        let start = self.html.get(..at)?.rfind('<')?;
        let field = self.html.get(start..)?;
        let (tag, rest) = field.split_once('>')?;
        if tag.starts_with("<textarea") {
            // The first newline belongs to the markup (HTML §13.1.2.5).
            let inside = rest.split("</textarea>").next()?;
            return Some(unescape(inside.strip_prefix('\n').unwrap_or(inside)));
        }
        let value = tag.split_once(" value=\"")?.1.split('"').next()?;
        Some(unescape(value))
    }

    /// The page with every form token and session taken out: what two readers may compare.
    #[must_use]
    pub fn without_tokens(&self) -> String {
        let mut rest = self.html.as_str();
        let mut kept = String::new();
        while let Some((before, after)) = rest.split_once("name=\"form_token\" value=\"") {
            kept.push_str(before);
            rest = after.split_once('"').map_or("", |(_, rest)| rest);
        }
        kept + rest
    }
}

/// Text out of HTML, whose escapes are those that the templates write.
fn unescape(html: &str) -> String {
    let mut text = html.replace("&nbsp;", "\u{a0}");
    for (escape, char) in [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")] {
        text = text.replace(escape, char);
    }
    text
}
