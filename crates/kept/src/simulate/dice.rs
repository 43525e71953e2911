//! The dice: everything that happens by chance in a simulation comes from one seed.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// Seeded dice.
pub(super) struct Dice(ChaCha20Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(ChaCha20Rng::seed_from_u64(seed))
    }

    /// A number from 0 up to, and without, this one.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        self.0.next_u32() % end.max(1)
    }

    /// A number between two, both included.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = u32::try_from(most - least + 1).unwrap_or(1);
        least + i64::from(self.below(span))
    }

    /// Whether the one case in so many has come.
    pub(super) fn one_in(&mut self, cases: u32) -> bool {
        self.below(cases) == 0
    }

    /// The seed of a start of the site.
    pub(super) fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        seed
    }

    /// The dice as what others take randomness from.
    pub(super) fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.0
    }
}
