//! The notice language from outside: notices in; sentences, decisions and problems out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod fixtures;

mod any_text;
mod clocks;
mod diff;
mod expectations;
mod judge;
mod manual;
mod problems;
mod sense;
mod sentences;
mod terms;
mod version;
