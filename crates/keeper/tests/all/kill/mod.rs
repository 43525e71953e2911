//! A busy server that is killed at any moment, over and over: what it answered is kept, once; what it had begun is kept
//! whole or not at all; what was due is done; what was erased stays so.
//!
//! The loop starts this very program as the server (`child`), hears what it tells (`model`), kills it, opens the site
//! itself and looks (`check`). `cargo xtask faults kill` runs it a thousand times.

mod check;
mod child;
mod drill;
mod model;

use std::env;

use serde::{Deserialize, Serialize};

use self::drill::{Drill, Shortage};
use crate::site::On;

/// A mistake that the loop must find.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// Answers before the commit.
    EarlyAnswer,
    /// Does what was asked twice, as a careless retry would.
    Twice,
    /// Commits a sign-up without its address in the index.
    HalfDone,
    /// Writes its tombstones where nobody finds them.
    NoTombstones,
}

#[tokio::test]
async fn a_killed_server_keeps_what_it_answered_on_sqlite() {
    let drill = Drill::new(On::Sqlite, 1, None).await;
    drill.run(12).await.unwrap();
}

#[tokio::test]
async fn a_killed_server_keeps_what_it_answered_on_postgres() {
    let drill = Drill::new(On::Postgres, 2, None).await;
    drill.run(8).await.unwrap();
}

#[tokio::test]
async fn the_loop_finds_a_server_that_answers_too_early() {
    is_found(Fault::EarlyAnswer, &["told Count", "it is not there"]).await;
}

#[tokio::test]
async fn the_loop_finds_a_server_that_does_things_twice() {
    is_found(Fault::Twice, &["told Count"]).await;
}

#[tokio::test]
async fn the_loop_finds_a_server_that_does_things_by_halves() {
    is_found(Fault::HalfDone, &["an address that is not in the index"]).await;
}

#[tokio::test]
async fn the_loop_finds_a_server_that_erases_without_tombstones() {
    is_found(Fault::NoTombstones, &["a key is gone without a tombstone"]).await;
}

async fn is_found(fault: Fault, says: &[&str]) {
    let drill = Drill::new(On::Sqlite, 3, Some(fault)).await;
    let Err(found) = drill.run(40).await else { panic!("{fault:?} was not found") };
    assert!(says.iter().any(|says| found.contains(says)), "{fault:?} was found as: {found}");
}

#[tokio::test]
async fn a_server_that_cannot_write_refuses_and_reads_and_goes_on_afterwards() {
    Drill::new(On::Sqlite, 4, None).await.starve(Shortage::Files).await.unwrap();
}

/// With a disk of its own, and with syncs that fail: needs root and strace.
#[tokio::test]
#[ignore = "needs root: cargo xtask faults io"]
async fn shortages() {
    let drill = Drill::new(On::Sqlite, 5, None).await;
    drill::say(&drill.starve(Shortage::Files).await.unwrap());
    let drill = Drill::on_a_small_disk(6, 8).await;
    drill::say(&drill.starve(Shortage::Disk).await.unwrap());
    let drill = Drill::new(On::Sqlite, 7, None).await;
    drill::say(&drill.starve(Shortage::Syncs).await.unwrap());
}

/// The long loop: `KEPT_CYCLES` on each database, or on the one that `KEPT_ON` names, from `KEPT_SEED`.
#[tokio::test]
#[ignore = "takes minutes: cargo xtask faults kill"]
async fn long() {
    let number = |name, or| env::var(name).ok().map_or(or, |text| text.parse().unwrap());
    let (cycles, seed) = (number("KEPT_CYCLES", 1000), number("KEPT_SEED", 1));
    let wanted = env::var("KEPT_ON").ok();
    for (name, on) in [("sqlite", On::Sqlite), ("postgres", On::Postgres)] {
        if wanted.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let summary = Drill::new(on, seed, None).await.run(cycles).await.unwrap();
        drill::say(&summary);
    }
}
