//! What the layout needs to know to stand around a page.

use std::sync::Arc;

use crate::{Site, assets, paths};

/// The state of the layout for one page. A template that extends `layout.html` has it as its field `frame`.
///
/// A middleware may put a `Frame` into a response's extensions: should the response turn out to be an
/// error, its page then keeps the reader's own navigation.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The site the page belongs to.
    pub site: Arc<Site>,
    /// What the page is called, in the browser's tab and usually in its `h1`.
    pub title: String,
    /// The path of the page, to mark it in the navigation. Never shown.
    pub path: String,
    /// Who is reading; the layout knows no name.
    pub reader: Reader,
    /// The hidden token of the layout's own forms (sign out, dismiss); empty when there is no session.
    pub form_token: String,
    /// The bar about the notice: that it is in force or has changed (`ntc-3`, `ntc-4`), until it is dismissed.
    pub notice_changed: Option<Announcement>,
    /// The strip of a filled example site: what it is, in one sentence.
    pub demo: Option<String>,
}

/// Who reads a page, as far as the layout may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Nobody is signed in.
    Visitor,
    /// A person with an account.
    Person,
    /// Someone who works for the organisation.
    Staff,
}

/// One sentence with the place that says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The whole sentence, with the date from which it holds.
    pub text: String,
    /// Where more is said.
    pub href: String,
    /// What the link to it says: "See what changes".
    pub link: String,
}

/// A place in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NavLink {
    /// Where it leads.
    pub href: &'static str,
    /// What it says.
    pub label: &'static str,
}

impl Frame {
    /// The places this reader can go from every page.
    #[must_use]
    pub fn nav(&self) -> &'static [NavLink] {
        match self.reader {
            Reader::Visitor => &[
                NavLink { href: paths::NOTICE, label: "Notice" },
                NavLink { href: paths::SIGN_UP, label: "Sign up" },
                NavLink { href: paths::SIGN_IN, label: "Sign in" },
            ],
            Reader::Person => &[
                NavLink { href: paths::NOTICE, label: "Notice" },
                NavLink { href: paths::ACCOUNT, label: "My account" },
                NavLink { href: paths::MY_DATA, label: "My data" },
            ],
            Reader::Staff => &[
                NavLink { href: paths::NOTICE, label: "Notice" },
                NavLink { href: paths::DESK, label: "Desk" },
                NavLink { href: paths::ACCOUNT, label: "My account" },
                NavLink { href: paths::MY_DATA, label: "My data" },
            ],
        }
    }

    /// Whether someone is signed in, and so can sign out.
    #[must_use]
    pub fn signed_in(&self) -> bool {
        self.reader != Reader::Visitor
    }

    /// Whether a place is the page being shown.
    #[must_use]
    pub fn is_at(&self, href: &str) -> bool {
        self.path == href
    }

    /// The address of the stylesheet.
    #[must_use]
    pub fn stylesheet(&self) -> &'static str {
        assets::stylesheet_path()
    }

    /// The address of the icon.
    #[must_use]
    pub fn icon(&self) -> &'static str {
        assets::icon_path()
    }
}
