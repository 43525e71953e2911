//! What every page shares: the layout and its parts, forms, sessions, errors, and the shell that wraps the
//! whole site.
//!
//! This crate knows HTTP and looks. It knows no keeper, no store and no vault: whoever builds a page hands
//! it what the page says.
//!
//! # Pages
//!
//! A page is an [askama] template that extends `layout.html`, with a field `frame: Frame`:
//!
//! ```html
//! {% extends "layout.html" %}
//! {% import "parts.html" as parts %}
//! {% block main %}
//! <h1>{{ frame.title }}</h1>
//! {% call parts::mark(mark) %}{% endcall %}
//! {% endblock %}
//! ```
//!
//! The templates live here, so a crate that has pages says where they are in an `askama.toml` beside its
//! `Cargo.toml`. Templates may sit next to their handlers, and `path = "sign_in.html"` then means
//! `src/sign_in.html`:
//!
//! | crate | `askama.toml` |
//! |---|---|
//! | `crates/areas/*` | `[general]` `dirs = ["src", "../../web/templates"]` |
//! | `crates/kept` | `[general]` `dirs = ["src", "../web/templates"]` |
//!
//! `body` gets the class `reading` (one column of 66 characters) unless the page says otherwise with
//! `{% block measure %}wide{% endblock %}`. `parts.html` documents each part where it stands.
//!
//! # Handlers
//!
//! A handler returns `Result<Response, Problem>`, renders with [`page`], reads a posted form with
//! [`Posted`](form::Posted), and checks its form token with [`TokenKey::check`](token::TokenKey::check)
//! before it changes anything. [`shell`] turns every [`Problem`] into a page or into RFC 9457 JSON.

// Templates name this crate from wherever they are compiled, which includes this crate.
extern crate self as kept_web;

mod address;
pub mod assets;
mod client;
pub mod cookies;
pub mod file;
pub mod form;
mod frame;
pub mod headers;
mod origin;
mod page;
pub mod parts;
pub mod paths;
mod problem;
pub mod session;
mod shell;
mod site;
pub mod token;
pub mod upload;
mod visit;

pub use address::{Arrival, try_an_address};
pub use assets::assets_router;
pub use client::{Client, Network, NotANetwork};
pub use frame::{Announcement, Frame, NavLink, Reader};
pub use page::{page, page_with, page_with_script};
pub use problem::Problem;
pub use shell::{REQUEST_TIMEOUT, Sessions, ShellConfig, shell};
pub use site::{BaseUrl, BaseUrlError, Site};
pub use visit::{Sent, Visit};
