//! Tiles: named as the specification names them, all there, and enough for the proofs that all leaves give.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use kept_ledger::{
    Hash,
    proof::{self, verify_inclusion},
    root,
    tile::{self, Short, Tile, WIDTH},
};
use proptest::prelude::*;

use crate::leaves;

/// Three levels of tiles.
const LARGEST: usize = 66_000;
static LEAVES: LazyLock<Vec<Hash>> = LazyLock::new(|| leaves(LARGEST));

/// What the tile holds, from the leaves.
fn hashes(tile: Tile) -> Vec<Hash> {
    let below = WIDTH.pow(tile.level) as usize;
    let first = (tile.index * WIDTH) as usize * below;
    let leaves = &LEAVES[first..first + tile.width as usize * below];
    leaves.chunks(below).map(|leaves| root(leaves.iter().copied())).collect()
}

#[test]
fn the_names_are_those_of_the_specification() {
    let path = |level, index, width| Tile { level, index, width }.path();
    assert_eq!(path(0, 0, 256), "tile/0/000");
    assert_eq!(path(3, 1_234_067, 256), "tile/3/x001/x234/067");
    assert_eq!(path(0, 1_234_067, 8), "tile/0/x001/x234/067.p/8");
    assert_eq!(path(1, 1_000, 1), "tile/1/x001/000.p/1");
}

#[test]
fn a_tree_has_the_tiles_of_its_size() {
    let named = |before, size| tile::since(before, size).map(|tile| tile.path()).collect::<Vec<_>>();
    assert_eq!(named(0, 0), Vec::<String>::new());
    assert_eq!(named(0, 1), ["tile/0/000.p/1"]);
    assert_eq!(named(0, 256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(named(255, 258), ["tile/0/000", "tile/0/001.p/2", "tile/1/000.p/1"]);
    assert_eq!(named(256, 258), ["tile/0/001.p/2"]);
    assert_eq!(named(258, 258), Vec::<String>::new());
}

#[test]
fn a_tile_that_is_cut_short_is_named() {
    let cut = |tile| Ok::<_, Short>(hashes(tile)[1..].to_vec());
    let refused = tile::inclusion(256, 2, cut).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the tile tile/0/000 holds fewer hashes than its name says: write it again from the ledger"
    );
}

#[test]
fn there_is_no_proof_of_a_leaf_that_is_not_there() {
    assert_eq!(tile::inclusion(7, 7, |tile| Ok::<_, Short>(hashes(tile))), Ok(None));
    assert_eq!(tile::inclusion(0, 0, |tile| Ok::<_, Short>(hashes(tile))), Ok(None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn tiles_prove_what_all_leaves_prove(size in 1..=LARGEST, at in 0.0..1.0_f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the size")]
        let position = (size as f64 * at) as usize;
        let (leaves, mut read) = (&LEAVES[..size], 0);
        let made = tile::inclusion(size as u64, position as u64, |tile| {
            read += 1;
            Ok::<_, Short>(hashes(tile))
        });
        let made = made.unwrap().unwrap();
        prop_assert_eq!(&made, &proof::inclusion(leaves, position as u64).unwrap());
        let root = root(leaves.iter().copied());
        prop_assert!(verify_inclusion(&leaves[position], position as u64, size as u64, &made, &root));
        // Two of each level at the most: one on the way to the leaf, one at the edge.
        prop_assert!(read <= 6);
    }

    #[test]
    fn what_grows_in_steps_has_the_tiles_of_what_grew_at_once(mut steps in prop::collection::vec(1..=LARGEST as u64, 1..6)) {
        steps.sort_unstable();
        let mut grown: BTreeMap<(u32, u64), u64> = BTreeMap::new();
        let mut before = 0;
        for size in &steps {
            grown.extend(tile::since(before, *size).map(|tile| ((tile.level, tile.index), tile.width)));
            before = *size;
        }
        let grown: BTreeSet<_> = grown.into_iter().collect();
        let at_once: BTreeSet<_> =
            tile::since(0, before).map(|tile| ((tile.level, tile.index), tile.width)).collect();
        prop_assert_eq!(grown, at_once);
    }
}
