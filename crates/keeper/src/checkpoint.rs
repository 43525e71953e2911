//! Checkpoints: the ledger's size and root, signed, in the database, and with the ledger's tiles in files beside it that
//! anyone may be given (<https://c2sp.org/tlog-tiles>).

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use jiff::Timestamp;
use kept_ledger::Checkpoint;
use kept_store::{Read, Tx, params};

use crate::{error::KeeperError, keeper::House, tiles, time::to_millis, trail};

/// Signs the ledger as it stands and keeps the note; at one size there is one checkpoint.
pub(crate) fn sign(house: &House, tx: &Tx<'_>, at: Timestamp) -> Result<(Checkpoint, String), KeeperError> {
    let edge = trail::edge(tx)?;
    let checkpoint = Checkpoint { origin: house.origin.clone(), size: edge.size(), root: edge.root() };
    let size = i64::try_from(edge.size()).map_err(|_| KeeperError::Ledger)?;
    let note = house.signer.sign(&checkpoint);
    tx.execute(
        "INSERT INTO checkpoints (size, at, note) VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING",
        &params![size, to_millis(at), &note],
    )?;
    Ok((checkpoint, note))
}

/// Writes the tiles of the ledger and then the latest note to `ledger/` in the data folder. A crash leaves the old note or
/// the new one, and every tile that it needs.
pub(crate) fn publish(
    read: &Read<'_>,
    house: &House,
    checkpoint: &Checkpoint,
    note: &str,
) -> Result<(), KeeperError> {
    let folder = house.folder.join("ledger");
    tiles::write(read, &folder, published(&folder, house), checkpoint)?;
    replace(&folder.join("checkpoint"), note.as_bytes()).map_err(KeeperError::Checkpoint)
}

/// The size of the log that the note in the folder is about; none if it is not ours, so that every tile is written.
fn published(folder: &Path, house: &House) -> u64 {
    let note = fs::read_to_string(folder.join("checkpoint")).unwrap_or_default();
    kept_ledger::verify(&note, &house.signer.verifier_key()).map_or(0, |published| published.size)
}

/// Writes a file so that a crash leaves the old one or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let draft = path.with_extension("new");
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}
