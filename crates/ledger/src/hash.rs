//! The hashes of the tree.

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The commitment to an event: SHA-256 of the nonce followed by the event.
///
/// The nonce is random, fresh for each event, and as secret as the event. With it the commitment proves the
/// event; without it the commitment tells nothing, even to one who guesses the event.
pub fn commit(nonce: &[u8; 32], event: &[u8]) -> Hash {
    sha256(&[nonce, event])
}

/// The leaf that holds a commitment (RFC 6962, section 2.1): SHA-256 of a zero byte and the commitment.
pub fn leaf(commitment: &Hash) -> Hash {
    leaf_of(commitment)
}

/// The leaf of any entry.
pub(crate) fn leaf_of(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

/// The node above two others.
pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The root of the tree without leaves: the digest of nothing.
pub(crate) fn empty() -> Hash {
    sha256(&[])
}

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::{proof, root};

    // The tree of the Certificate Transparency project's own tests (merkle_tree_test.cc), which RFC 6962's
    // implementations share: its leaves, and its root after each.
    const ENTRIES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    fn hashes(texts: &[&str]) -> Vec<Hash> {
        texts.iter().map(|text| hex(text).try_into().unwrap()).collect()
    }

    fn leaves() -> Vec<Hash> {
        ENTRIES.iter().map(|entry| leaf_of(&hex(entry))).collect()
    }

    #[test]
    fn the_known_tree_has_the_known_roots() {
        let leaves = leaves();
        for (size, expected) in (1..).zip(hashes(&ROOTS)) {
            assert_eq!(root(leaves.iter().copied().take(size)), expected, "size {size}");
        }
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(HEXLOWER.encode(&root([])), nothing);
    }

    #[test]
    fn the_known_tree_has_the_known_inclusion_proofs() {
        let known: [(usize, usize, &[&str]); 5] = [
            (0, 1, &[]),
            (
                0,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                5,
                8,
                &[
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
            (
                1,
                5,
                &[
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        let leaves = leaves();
        for (position, size, expected) in known {
            let proof = proof::inclusion(&leaves[..size], position as u64).unwrap();
            assert_eq!(proof, hashes(expected), "{position} of {size}");
            let root = hashes(&ROOTS)[size - 1];
            assert!(proof::verify_inclusion(&leaves[position], position as u64, size as u64, &proof, &root));
        }
    }

    #[test]
    fn the_known_tree_has_the_known_consistency_proofs() {
        let known: [(usize, usize, &[&str]); 4] = [
            (1, 1, &[]),
            (
                1,
                8,
                &[
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            ),
            (
                6,
                8,
                &[
                    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            ),
            (
                2,
                5,
                &[
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            ),
        ];
        let (leaves, roots) = (leaves(), hashes(&ROOTS));
        for (old, new, expected) in known {
            let proof = proof::consistency(&leaves[..new], old as u64).unwrap();
            assert_eq!(proof, hashes(expected), "{old} to {new}");
            let (old_root, root) = (roots[old - 1], roots[new - 1]);
            assert!(proof::verify_consistency(old as u64, &old_root, new as u64, &root, &proof));
        }
    }
}
