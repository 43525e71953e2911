//! Tests of the web crate: requests through the whole shell, and one page that shows every part.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that goes wrong should stop"
)]

mod support;

mod assets;
mod client;
mod colours;
mod cookies;
mod form;
mod problem;
mod session;
mod shell;
mod site;
mod specimen;
mod token;
