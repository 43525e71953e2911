//! What the kernel promises to those who build on it, seen from outside: a small invented club, lived through.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

/// Runs each case on both databases.
macro_rules! on_every_database {
    ($($case:ident)+) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(crate::site::On::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                super::$case(crate::site::On::Postgres).await;
            })+
        }
    };
}

mod attempts;
mod brakes;
mod carrying;
mod changing;
mod clocks;
mod club;
mod crashes;
mod disk;
mod erasing;
mod faults;
mod ground;
mod holds;
mod kill;
mod ledger;
mod proving;
mod reading;
mod reads;
mod servers;
mod site;
mod starting;
mod trail;
mod turns;
mod writing;
