//! The public pages over HTTP, with a real keeper behind them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod bar;
mod board;
mod files;
mod house;
mod pages;
mod reading;
mod site;
mod versions;
