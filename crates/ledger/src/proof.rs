//! Proofs that a leaf is in a tree, and that a tree has only grown.
//!
//! Made as RFC 6962 sections 2.1.1 and 2.1.2 define them, verified as RFC 9162 sections 2.1.3.2 and 2.1.4.2
//! say. Making one here hashes every leaf; it is meant for trees that fit in memory.

use crate::hash::{Hash, node};
use crate::root;

/// The proof that the leaf at `position` is in the tree of these leaves, or nothing if there is no such leaf.
pub fn inclusion(leaves: &[Hash], position: u64) -> Option<Vec<Hash>> {
    let position = usize::try_from(position).ok().filter(|position| *position < leaves.len())?;
    let mut proof = Vec::new();
    collect_inclusion(leaves, position, &mut proof);
    Some(proof)
}

/// PATH of RFC 6962.
fn collect_inclusion(leaves: &[Hash], position: usize, proof: &mut Vec<Hash>) {
    if leaves.len() < 2 {
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    match position.checked_sub(left.len()) {
        None => {
            collect_inclusion(left, position, proof);
            proof.push(subtree(right));
        }
        Some(position) => {
            collect_inclusion(right, position, proof);
            proof.push(subtree(left));
        }
    }
}

/// Whether `proof` shows that `leaf` is at `position` in the tree of `size` leaves with this root.
///
/// `size` and `root` must come from a checkpoint that is trusted, else the proof proves nothing.
#[must_use]
pub fn verify_inclusion(leaf: &Hash, position: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if position >= size {
        return false;
    }
    let (mut from, mut last) = (position, size - 1);
    let mut reached = *leaf;
    for other in proof {
        if last == 0 {
            return false;
        }
        if is_odd(from) || from == last {
            reached = node(other, &reached);
            rise_to_odd(&mut from, &mut last);
        } else {
            reached = node(&reached, other);
        }
        from >>= 1;
        last >>= 1;
    }
    last == 0 && reached == *root
}

/// The proof that the tree of the first `size` of these leaves only grew into the tree of all of them, or
/// nothing if there are not so many. A tree of no leaves grows into any, and any into itself: that takes no hash.
pub fn consistency(leaves: &[Hash], size: u64) -> Option<Vec<Hash>> {
    let size = usize::try_from(size).ok().filter(|size| *size <= leaves.len())?;
    let mut proof = Vec::new();
    if size > 0 {
        collect_consistency(leaves, size, true, &mut proof);
    }
    Some(proof)
}

/// SUBPROOF of RFC 6962; `whole` as long as the old tree is a subtree whose root the verifier knows.
fn collect_consistency(leaves: &[Hash], size: usize, whole: bool, proof: &mut Vec<Hash>) {
    if size == leaves.len() {
        if !whole {
            proof.push(subtree(leaves));
        }
        return;
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    match size.checked_sub(left.len()) {
        None | Some(0) => {
            collect_consistency(left, size, whole, proof);
            proof.push(subtree(right));
        }
        Some(size) => {
            collect_consistency(right, size, false, proof);
            proof.push(subtree(left));
        }
    }
}

/// Whether `proof` shows that the tree of `old_size` leaves with root `old_root` only grew into the tree of
/// `size` leaves with this root.
#[must_use]
pub fn verify_consistency(old_size: u64, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if old_size == size {
        return proof.is_empty() && old_root == root;
    }
    if old_size == 0 {
        return proof.is_empty() && *old_root == crate::hash::empty();
    }
    if old_size > size {
        return false;
    }
    // The old root is the first node itself if the old tree is one perfect subtree.
    let known = old_size.is_power_of_two().then_some(old_root);
    let mut nodes = known.into_iter().chain(proof);
    let Some(first) = nodes.next() else { return false };

    let (mut from, mut last) = (old_size - 1, size - 1);
    while is_odd(from) {
        from >>= 1;
        last >>= 1;
    }
    let (mut old_reached, mut reached) = (*first, *first);
    for other in nodes {
        if last == 0 {
            return false;
        }
        if is_odd(from) || from == last {
            old_reached = node(other, &old_reached);
            reached = node(other, &reached);
            rise_to_odd(&mut from, &mut last);
        } else {
            reached = node(&reached, other);
        }
        from >>= 1;
        last >>= 1;
    }
    last == 0 && old_reached == *old_root && reached == *root
}

/// A right edge that is a left child has no sibling: rises to the first level where it has one.
fn rise_to_odd(from: &mut u64, last: &mut u64) {
    let levels = if *from == 0 { 0 } else { from.trailing_zeros() };
    *from >>= levels;
    *last >>= levels;
}

fn is_odd(number: u64) -> bool {
    number & 1 == 1
}

/// The largest power of two smaller than `size`, which is at least 2.
fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

fn subtree(leaves: &[Hash]) -> Hash {
    root(leaves.iter().copied())
}
