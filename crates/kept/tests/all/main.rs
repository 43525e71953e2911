//! What people meet: the command line of the binary, its server, and the first walk in a browser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, show what a program said, and measure the machine's time"
)]

mod address;
mod broken;
mod broken_pipe;
mod check;
mod cli;
mod config;
mod demo;
mod diff;
mod import;
mod journeys;
mod keys;
mod promises;
mod propose;
mod prove;
mod publish;
mod serve;
mod server;
mod servers;
mod simulate;
mod site;
mod sql;
mod visitor;
