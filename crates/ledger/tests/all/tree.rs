//! Commitments, leaves, the right edge.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use data_encoding::HEXLOWER;
use kept_ledger::{Frontier, Hash, Malformed, commit, leaf, root};
use proptest::prelude::*;

use crate::{entry, leaves};

/// Computed with another implementation of SHA-256. Leaves are for ever, so these never change.
#[test]
fn commitments_and_leaves_never_change() {
    let commitment = commit(&[7; 32], b"an event");
    assert_eq!(
        HEXLOWER.encode(&commitment),
        "f80802b948cec24c612544f63c229646a4b1f179e44cdda3651a7bbb8205c078"
    );
    assert_eq!(
        HEXLOWER.encode(&leaf(&commitment)),
        "5b0152edf5ff3b52f14c004f6e8395b0aefd8aaad7c033cb51bfd6cb1ffdb3a6"
    );
}

#[test]
fn a_commitment_hangs_on_nonce_and_event() {
    let commitment = commit(&[7; 32], b"an event");
    assert_ne!(commit(&[8; 32], b"an event"), commitment);
    assert_ne!(commit(&[7; 32], b"another event"), commitment);
}

/// RFC 6962, section 2.1, as it is written there.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let k = (0..).map(|bit| 1 << bit).take_while(|k| *k < leaves.len()).last().unwrap();
            let (left, right) = leaves.split_at(k);
            sha256(&[&[1], &root_by_definition(left)[..], &root_by_definition(right)].concat())
        }
    }
}

fn sha256(bytes: &[u8]) -> Hash {
    use ct_merkle::digest::Digest;
    sha2::Sha256::digest(bytes).into()
}

#[test]
fn the_edge_has_the_root_of_the_definition_at_every_size() {
    let leaves = leaves(130);
    let mut edge = Frontier::new();
    let mut oracle = MemoryBackedTree::<sha2::Sha256, Hash>::new();
    for (size, next) in leaves.iter().enumerate() {
        assert_eq!(edge.size(), size as u64);
        assert_eq!(edge.root(), root_by_definition(&leaves[..size]), "size {size}");
        assert_eq!(root(leaves[..size].iter().copied()), edge.root());
        if size > 0 {
            assert_eq!(edge.root()[..], oracle.root().as_bytes()[..], "size {size}");
        }
        assert_eq!(edge.append(*next), size as u64);
        oracle.push(entry(size));
    }
}

#[test]
fn bytes_that_do_not_fit_their_size_are_refused() {
    let mut edge = Frontier::new();
    for leaf in leaves(11) {
        edge.append(leaf);
    }
    let bytes = edge.to_bytes();
    assert_eq!(bytes.len(), 8 + 3 * 32);
    for end in 0..bytes.len() {
        assert_eq!(Frontier::from_bytes(&bytes[..end]), Err(Malformed), "cut at {end}");
    }
    assert_eq!(Frontier::from_bytes(&[&bytes[..], &[0]].concat()), Err(Malformed));
    let beyond = [&(1_u64 << 63).to_be_bytes()[..], &[0; 32]].concat();
    assert_eq!(Frontier::from_bytes(&beyond), Err(Malformed));
}

proptest! {
    #[test]
    fn an_edge_read_back_goes_on_as_it_was(leaves in prop::collection::vec(any::<Hash>(), 0..200), at: prop::sample::Index) {
        let mut edge = Frontier::new();
        let stop = at.index(leaves.len() + 1);
        for leaf in &leaves[..stop] {
            edge.append(*leaf);
        }
        let mut back = Frontier::from_bytes(&edge.to_bytes()).unwrap();
        prop_assert_eq!(&back, &edge);
        for leaf in &leaves[stop..] {
            back.append(*leaf);
        }
        prop_assert_eq!(back.root(), root_by_definition(&leaves));
    }

    #[test]
    fn any_bytes_at_all_are_read_or_refused(size in 0..20_u64, rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [&size.to_be_bytes()[..], &rest].concat();
        match Frontier::from_bytes(&bytes) {
            Ok(mut edge) => {
                prop_assert_eq!(edge.to_bytes(), bytes);
                prop_assert_eq!(edge.append([0; 32]), size);
            }
            Err(Malformed) => prop_assert_ne!(rest.len(), 32 * size.count_ones() as usize),
        }
    }
}
