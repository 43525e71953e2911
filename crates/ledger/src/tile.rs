//! Tiles: the tree in files, so that a proof reads a handful of them and not every leaf (<https://c2sp.org/tlog-tiles>).
//!
//! A tile holds up to 256 neighbouring hashes of one level: at level 0 the leaves, at each level above the roots of full
//! tiles below. What lies between two levels is computed. Tiles of entries are not made: nobody may be given an event.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    hash::{Hash, node},
    root,
};

/// How many levels of the tree one tile spans.
const HEIGHT: u32 = 8;
/// How many hashes a full tile holds.
pub const WIDTH: u64 = 1 << HEIGHT;

/// The name of a tile.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Tile {
    /// 0 for leaves.
    pub level: u32,
    /// Counted from 0 at each level.
    pub index: u64,
    /// How many hashes it holds, from 1 to [`WIDTH`].
    pub width: u64,
}

impl Tile {
    /// The tile as a tree of `size` leaves has it, if it has it.
    pub fn of(level: u32, index: u64, size: u64) -> Option<Tile> {
        let width = hashes(level, size).checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        (width > 0).then_some(Tile { level, index, width })
    }

    /// Where it lies below the log's address: `tile/0/x001/x234/067.p/8`.
    pub fn path(&self) -> String {
        let mut path = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            path = format!("x{:03}/{path}", rest % 1000);
            rest /= 1000;
        }
        let part = if self.width == WIDTH { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{}/{path}{part}", self.level)
    }
}

/// The tiles of a tree of `size` leaves that the tree of `before` leaves did not have, or not so full; from the leaves up.
pub fn since(before: u64, size: u64) -> impl Iterator<Item = Tile> {
    (0..=u64::BITS / HEIGHT).take_while(move |level| hashes(*level, size) > 0).flat_map(move |level| {
        let (from, to) = (hashes(level, before), hashes(level, size));
        let indices = if from < to { from / WIDTH..to.div_ceil(WIDTH) } else { 0..0 };
        indices.filter_map(move |index| Tile::of(level, index, size))
    })
}

/// The proof that the leaf at `position` is in the tree of `size` leaves, from its tiles; nothing if there is no such leaf.
/// It is the proof that [`proof::inclusion`](crate::proof::inclusion) makes from all leaves.
///
/// `read` gives the hashes of a tile. It may give those of a fuller one.
///
/// # Errors
/// What `read` gives; of a tile with too few hashes, [`Short`].
pub fn inclusion<E: From<Short>>(
    size: u64,
    position: u64,
    read: impl FnMut(Tile) -> Result<Vec<Hash>, E>,
) -> Result<Option<Vec<Hash>>, E> {
    if position >= size {
        return Ok(None);
    }
    let mut tree = Tree { size, read, seen: BTreeMap::new() };
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + (1 << (to - from - 1).ilog2());
        if position < middle {
            path.push(tree.range(middle, to)?);
            to = middle;
        } else {
            path.push(tree.range(from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// The root of the tree of `size` leaves, from its tiles.
///
/// # Errors
/// As [`inclusion`].
pub fn root_of<E: From<Short>>(size: u64, read: impl FnMut(Tile) -> Result<Vec<Hash>, E>) -> Result<Hash, E> {
    Tree { size, read, seen: BTreeMap::new() }.range(0, size)
}

/// A tile held fewer hashes than its name says.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the tile {} holds fewer hashes than its name says: write it again from the ledger", .0.path())]
pub struct Short(pub Tile);

/// A tree in tiles, each read once.
struct Tree<R> {
    size: u64,
    read: R,
    seen: BTreeMap<(u32, u64), Vec<Hash>>,
}

impl<E: From<Short>, R: FnMut(Tile) -> Result<Vec<Hash>, E>> Tree<R> {
    /// The root of the leaves from one position to another: perfect subtrees, the largest first.
    fn range(&mut self, mut from: u64, to: u64) -> Result<Hash, E> {
        let mut subtrees = Vec::new();
        while from < to {
            let height = (to - from).ilog2();
            subtrees.push(self.perfect(height, from >> height)?);
            from += 1 << height;
        }
        Ok(subtrees
            .into_iter()
            .rev()
            .reduce(|right, left| node(&left, &right))
            .unwrap_or_else(crate::hash::empty))
    }

    /// The root of a perfect subtree of 2 to the `height` leaves, counted from 0 among those of its height.
    fn perfect(&mut self, height: u32, index: u64) -> Result<Hash, E> {
        let (level, above) = (height / HEIGHT, height % HEIGHT);
        let first = index << above;
        let (tile, offset) = (first / WIDTH, first % WIDTH);
        let hashes = self.tile(level, tile)?;
        let wanted = hashes.iter().skip(usize::try_from(offset).unwrap_or(usize::MAX)).take(1 << above);
        Ok(root(wanted.copied()))
    }

    fn tile(&mut self, level: u32, index: u64) -> Result<&[Hash], E> {
        let seen = match self.seen.entry((level, index)) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(unseen) => {
                let missing = Tile { level, index, width: 0 };
                let tile = Tile::of(level, index, self.size).ok_or(Short(missing))?;
                let hashes = (self.read)(tile)?;
                if (hashes.len() as u64) < tile.width {
                    return Err(Short(tile).into());
                }
                unseen.insert(hashes)
            }
        };
        Ok(seen)
    }
}

/// How many hashes a level of a tree has.
fn hashes(level: u32, size: u64) -> u64 {
    size.checked_shr(level * HEIGHT).unwrap_or(0)
}
