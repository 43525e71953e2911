//! What the kernel promises to those who build on it, seen from outside: a small invented club, lived through.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod brakes;
mod clocks;
mod club;
mod crashes;
mod disk;
mod erasing;
mod faults;
mod holds;
mod ledger;
mod proving;
mod reading;
mod site;
mod starting;
mod trail;
mod writing;
