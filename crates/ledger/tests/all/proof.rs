//! Proofs: ours hold, another implementation makes the same ones, and anything changed fails.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use kept_ledger::proof::{consistency, inclusion, verify_consistency, verify_inclusion};
use kept_ledger::{Hash, root};
use proptest::prelude::*;

use crate::{entry, leaves};

const LARGEST: usize = 70;

fn oracle(size: usize) -> MemoryBackedTree<sha2::Sha256, Hash> {
    let mut tree = MemoryBackedTree::new();
    (0..size).for_each(|i| tree.push(entry(i)));
    tree
}

fn root_of(leaves: &[Hash]) -> Hash {
    root(leaves.iter().copied())
}

#[test]
fn every_leaf_of_every_tree_is_proven_as_the_oracle_proves_it() {
    let all = leaves(LARGEST);
    for size in 1..=LARGEST {
        let (leaves, oracle) = (&all[..size], oracle(size));
        let root = root_of(leaves);
        for position in 0..size {
            let proof = inclusion(leaves, position as u64).unwrap();
            assert_eq!(
                proof.as_flattened(),
                oracle.prove_inclusion(position).as_bytes(),
                "{position} of {size}"
            );
            assert!(verify_inclusion(&leaves[position], position as u64, size as u64, &proof, &root));
        }
        assert_eq!(inclusion(leaves, size as u64), None);
    }
    assert_eq!(inclusion(&[], 0), None);
}

#[test]
fn every_growth_is_proven_as_the_oracle_proves_it() {
    let all = leaves(LARGEST);
    for size in 1..=LARGEST {
        let (leaves, oracle) = (&all[..size], oracle(size));
        let root = root_of(leaves);
        for old in 0..=size {
            let proof = consistency(leaves, old as u64).unwrap();
            if old > 0 {
                let expected = oracle.prove_consistency(size - old);
                assert_eq!(proof.as_flattened(), expected.as_bytes(), "{old} to {size}");
            }
            assert!(
                verify_consistency(old as u64, &root_of(&leaves[..old]), size as u64, &root, &proof),
                "{old} to {size}"
            );
        }
        assert_eq!(consistency(leaves, size as u64 + 1), None);
    }
}

/// Hashes alone do not tell how deep a tree is: the stated sizes must take part.
#[test]
fn proofs_of_another_depth_than_the_sizes_say_are_refused() {
    let leaves = leaves(8);
    let root = |size: usize| root_of(&leaves[..size]);

    let too_long = inclusion(&leaves, 7).unwrap();
    assert!(verify_inclusion(&leaves[7], 7, 8, &too_long, &root(8)));
    assert!(!verify_inclusion(&leaves[7], 3, 4, &too_long, &root(8)));
    let too_short = inclusion(&leaves[..4], 3).unwrap();
    assert!(!verify_inclusion(&leaves[3], 3, 8, &too_short, &root(4)));

    let too_short = consistency(&leaves[..4], 2).unwrap();
    assert!(verify_consistency(2, &root(2), 4, &root(4), &too_short));
    assert!(!verify_consistency(2, &root(2), 8, &root(4), &too_short));
    let too_long = consistency(&leaves, 2).unwrap();
    assert!(!verify_consistency(2, &root(2), 4, &root(8), &too_long));
    assert!(!verify_consistency(2, &root(2), 1, &root(2), &[]));
}

/// Every way to tamper with a list of hashes by one hash.
fn tampered(proof: &[Hash], at: usize, bit: u8) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[[0; 32]]].concat(), [&[[0; 32]], proof].concat()];
    if !proof.is_empty() {
        let at = at % proof.len();
        let removed = proof[at];
        let change = |change: &dyn Fn(&mut Vec<Hash>)| {
            let mut proof = proof.to_vec();
            change(&mut proof);
            proof
        };
        all.push(change(&|proof| proof[at][usize::from(bit >> 3)] ^= 1 << (bit & 7)));
        all.push(change(&|proof| proof.retain(|hash| *hash != removed)));
        all.push(change(&|proof| proof.insert(at, proof[at])));
        all.push(change(&|proof| proof.truncate(at)));
        if proof.len() > 1 {
            all.push(change(&|proof| proof.rotate_left(1)));
        }
    }
    all
}

fn flipped(mut hash: Hash, bit: u8) -> Hash {
    hash[usize::from(bit >> 3)] ^= 1 << (bit & 7);
    hash
}

proptest! {
    #[test]
    fn no_other_inclusion_is_proven(size in 1..300_usize, at: prop::sample::Index, other: u64, bit: u8) {
        let leaves = leaves(size);
        let (position, root) = (at.index(size), root_of(&leaves));
        let proof = inclusion(&leaves, position as u64).unwrap();
        let (leaf, position, size) = (leaves[position], position as u64, size as u64);

        for tampered in tampered(&proof, other as usize, bit) {
            prop_assert!(!verify_inclusion(&leaf, position, size, &tampered, &root));
        }
        prop_assert!(!verify_inclusion(&flipped(leaf, bit), position, size, &proof, &root));
        prop_assert!(!verify_inclusion(&leaf, position, size, &proof, &flipped(root, bit)));
        for elsewhere in [other, other % size, position + size, u64::MAX] {
            let holds = verify_inclusion(&leaf, elsewhere, size, &proof, &root);
            prop_assert_eq!(holds, elsewhere == position);
        }
        prop_assert!(!verify_inclusion(&leaf, position, position, &proof, &root));
        prop_assert!(!verify_inclusion(&leaf, position, 0, &proof, &root));
    }

    #[test]
    fn no_other_growth_is_proven(size in 2..300_usize, at: prop::sample::Index, other: u64, bit: u8) {
        let leaves = leaves(size);
        let old = 1 + at.index(size - 1);
        let (old_root, root) = (root_of(&leaves[..old]), root_of(&leaves));
        let proof = consistency(&leaves, old as u64).unwrap();
        let (old, size) = (old as u64, size as u64);

        for tampered in tampered(&proof, other as usize, bit) {
            prop_assert!(!verify_consistency(old, &old_root, size, &root, &tampered));
        }
        prop_assert!(!verify_consistency(old, &flipped(old_root, bit), size, &root, &proof));
        prop_assert!(!verify_consistency(old, &old_root, size, &flipped(root, bit), &proof));
        prop_assert!(!verify_consistency(old, &root, size, &old_root, &proof));
        prop_assert!(!verify_consistency(size, &root, old, &old_root, &proof));
        prop_assert!(!verify_consistency(0, &old_root, size, &root, &[]));
        prop_assert!(!verify_consistency(size, &old_root, size, &root, &[]));
    }

    #[test]
    fn a_changed_past_is_not_a_growth(size in 2..100_usize, at: prop::sample::Index, changed: prop::sample::Index) {
        let before = leaves(size);
        let old = 1 + at.index(size - 1);
        let mut after = before.clone();
        let changed = changed.index(old);
        after[changed] = flipped(after[changed], 0);
        let proof = consistency(&after, old as u64).unwrap();
        let (old_root, root) = (root_of(&before[..old]), root_of(&after));
        prop_assert!(!verify_consistency(old as u64, &old_root, size as u64, &root, &proof));
    }

    #[test]
    fn any_numbers_and_hashes_at_all_are_answered(
        one: u64,
        two: u64,
        proof in prop::collection::vec(any::<Hash>(), 0..70),
        root: Hash,
    ) {
        prop_assert!(!verify_inclusion(&[0; 32], one, two, &proof, &root));
        prop_assert!(!verify_consistency(one, &[0; 32], two, &root, &proof));
    }
}
