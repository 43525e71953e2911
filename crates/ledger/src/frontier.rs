//! The right edge of the tree: all that is needed to append.

use crate::hash::{Hash, empty, node};

/// The right edge of a tree: the roots of the perfect subtrees its leaves fall into, the largest first.
///
/// A tree of a million leaves has at most twenty. Appending costs one hash on average, the root at most one
/// for each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    size: u64,
    /// One for each bit that is set in `size`.
    subtrees: Vec<Hash>,
}

/// Bytes that are not a frontier.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the right edge of a ledger: its length does not fit its size; compute it again from the leaves")]
pub struct Malformed;

impl Frontier {
    /// The edge of the tree without leaves.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and tells its position, counted from 0.
    pub fn append(&mut self, leaf: Hash) -> u64 {
        let position = self.size;
        let mut subtree = leaf;
        // Like a carry in binary addition: each 1 at the end of the size is a subtree as large as ours.
        for _ in 0..position.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                subtree = node(&left, &subtree);
            }
        }
        self.subtrees.push(subtree);
        self.size += 1;
        position
    }

    /// The root of the tree (RFC 6962, section 2.1).
    pub fn root(&self) -> Hash {
        self.subtrees.iter().rev().copied().reduce(|right, left| node(&left, &right)).unwrap_or_else(empty)
    }

    /// The bytes to store: the size, 64 bits big-endian, then the subtrees.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.size.to_be_bytes(), self.subtrees.as_flattened()].concat()
    }

    /// Reads [stored](Frontier::to_bytes) bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if their length does not fit the size they state, or the size is 2⁶³ or more, which no
    /// database counts.
    pub fn from_bytes(bytes: &[u8]) -> Result<Frontier, Malformed> {
        let (size, subtrees) = bytes.split_first_chunk().ok_or(Malformed)?;
        let size = u64::from_be_bytes(*size);
        let (subtrees, rest) = subtrees.as_chunks();
        let fits = rest.is_empty() && subtrees.len() as u64 == u64::from(size.count_ones());
        if !fits || i64::try_from(size).is_err() {
            return Err(Malformed);
        }
        Ok(Frontier { size, subtrees: subtrees.to_vec() })
    }
}

/// The root of the tree with these leaves.
pub fn root<I: IntoIterator<Item = Hash>>(leaves: I) -> Hash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.append(leaf);
    }
    frontier.root()
}
