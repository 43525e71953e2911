//! An append-only log that anyone can check: an RFC 6962 Merkle tree and signed checkpoints in the C2SP
//! formats (<https://c2sp.org/tlog-checkpoint>, <https://c2sp.org/signed-note>).
//!
//! A leaf is the [`commit`]ment to an event. No event is in the tree, and no digest of one that could be
//! tried: whoever forgets an event and its nonce leaves behind a leaf that means nothing and breaks nothing.
//!
//! The crate knows no database, clock or network.

mod checkpoint;
mod frontier;
mod hash;
mod note;
pub mod proof;
pub mod tile;

pub use checkpoint::{BadOrigin, Checkpoint, Origin, Signer, verify};
pub use frontier::{Frontier, Malformed, root};
pub use hash::{Hash, commit, leaf};
pub use note::NoteError;
