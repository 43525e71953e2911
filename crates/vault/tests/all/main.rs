//! What the vault promises to those who use it, seen from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod custody;
mod mask;
mod ring;
mod seal;
mod terms;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// The same randomness every time.
fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}
