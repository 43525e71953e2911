//! What the ledger promises to those who use it, seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests fail by panicking"
)]

mod checkpoint;
mod proof;
mod tile;
mod tree;

use kept_ledger::Hash;

/// The leaves of a tree of this size.
fn leaves(size: usize) -> Vec<Hash> {
    (0..size).map(|i| kept_ledger::leaf(&entry(i))).collect()
}

/// What the leaf at this position holds.
fn entry(position: usize) -> Hash {
    kept_ledger::commit(&[7; 32], &position.to_be_bytes())
}
