//! A running site for tests: a [`Site`] on a temporary folder without a network, with a [`Clock`] that the test moves and
//! randomness from a seed, and a [`Browser`] that keeps cookies and sends the forms of its pages.
//!
//! ```no_run
//! # async fn story() {
//! use kept_testkit::{PASSWORD, Site};
//!
//! let site = Site::open().await;
//! let ada = site.member("ada@example.test").await;
//! let mut browser = site.browser();
//! browser.send("/sign-in", &[("email", "ada@example.test"), ("password", PASSWORD)]).await;
//! site.days(365).await;
//! # }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this crate is part of tests: what is not as expected must stop them"
)]

mod browser;
mod clock;
mod page;
mod site;

pub use browser::Browser;
pub use clock::Clock;
pub use kept::site::addresses;
pub use page::Page;
pub use site::{CPE, PASSWORD, PROCESS, Site, TRAINERS};
