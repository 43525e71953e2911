//! The ledger's tiles in the data folder, grown from its rows. Whatever happens to them, they can be written again.

use std::{collections::BTreeMap, fs, io, path::Path};

use kept_ledger::{
    Checkpoint, Hash, root,
    tile::{self, Short, Tile, WIDTH},
};
use kept_store::{Read, params};

use crate::{checkpoint::replace, error::KeeperError};

/// Writes the tiles that are new since the tree had `before` leaves. If what lies there does not give the checkpoint's
/// root (a database was restored beside it, a file was lost), all of them.
pub(crate) fn write(
    read: &Read<'_>,
    folder: &Path,
    before: u64,
    checkpoint: &Checkpoint,
) -> Result<(), KeeperError> {
    let size = checkpoint.size;
    let grown = match before.min(size) {
        0 => Ok(None),
        before => grow(read, folder, before, size)
            .and_then(|()| tile::root_of(size, |tile| stored(folder, tile)))
            .map(Some),
    };
    match grown {
        Ok(Some(root)) if root == checkpoint.root => return Ok(()),
        Ok(None) => {}
        Ok(Some(_)) => tracing::warn!("the ledger's tiles do not give its root: they are written anew"),
        Err(Trouble::Short(short)) => tracing::warn!(%short, "the ledger's tiles are written anew"),
        Err(Trouble::Other(cause)) => return Err(cause),
    }
    grow(read, folder, 0, size).map_err(|trouble| match trouble {
        // The rows have fewer leaves than their edge says.
        Trouble::Short(_) => KeeperError::Ledger,
        Trouble::Other(cause) => cause,
    })
}

/// Why tiles could not be written or read.
enum Trouble {
    /// One that should be there is not, or not whole.
    Short(Short),
    Other(KeeperError),
}

impl From<Short> for Trouble {
    fn from(short: Short) -> Trouble {
        Trouble::Short(short)
    }
}

fn grow(read: &Read<'_>, folder: &Path, before: u64, size: u64) -> Result<(), Trouble> {
    // The roots of the tiles that have become full, which the level above holds.
    let mut full: BTreeMap<u32, std::vec::IntoIter<Hash>> = BTreeMap::new();
    let mut filling: (u32, Vec<Hash>) = (0, Vec::new());
    for tile in tile::since(before, size) {
        if tile.level != filling.0 {
            full.insert(filling.0, std::mem::take(&mut filling.1).into_iter());
            filling.0 = tile.level;
        }
        let mut hashes = match Tile::of(tile.level, tile.index, before) {
            Some(old) => stored(folder, old)?,
            None => Vec::new(),
        };
        let known = hashes.len() as u64;
        let missing = usize::try_from(tile.width - known).unwrap_or(0);
        match tile.level.checked_sub(1).and_then(|below| full.get_mut(&below)) {
            Some(below) => hashes.extend(below.take(missing)),
            None => {
                let first = tile.index * WIDTH;
                hashes.extend(leaves(read, first + known, first + tile.width).map_err(Trouble::Other)?);
            }
        }
        if hashes.len() as u64 != tile.width {
            return Err(Short(tile).into());
        }
        if tile.width == WIDTH {
            filling.1.push(root(hashes.iter().copied()));
        }
        let path = folder.join(tile.path());
        replace(&path, hashes.as_flattened())
            .map_err(|cause| Trouble::Other(KeeperError::Checkpoint(cause)))?;
        if tile.width == WIDTH {
            // Its parts are no longer asked for.
            match fs::remove_dir_all(path.with_extension("p")) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(Trouble::Other(KeeperError::Checkpoint(cause)));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The hashes of a tile as it lies in the folder.
fn stored(folder: &Path, tile: Tile) -> Result<Vec<Hash>, Trouble> {
    let bytes = fs::read(folder.join(tile.path())).map_err(|_| Short(tile))?;
    match bytes.as_chunks() {
        (hashes, []) if hashes.len() as u64 == tile.width => Ok(hashes.to_vec()),
        _ => Err(Short(tile).into()),
    }
}

/// The leaves from one position to another.
fn leaves(read: &Read<'_>, from: u64, to: u64) -> Result<Vec<Hash>, KeeperError> {
    let position = |at: u64| i64::try_from(at).map_err(|_| KeeperError::Ledger);
    let rows = read.query(
        "SELECT leaf FROM ledger WHERE position >= $1 AND position < $2 ORDER BY position",
        &params![position(from)?, position(to)?],
    )?;
    rows.iter().map(|row| Ok(row.get(0)?)).collect()
}
