//! Checkpoints: the ledger's size and root, signed, in the database and in a file beside it that anyone may be given.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use jiff::Timestamp;
use kept_ledger::Checkpoint;
use kept_store::{Tx, params};

use crate::{error::KeeperError, keeper::House, time::to_millis, trail};

/// Signs the ledger as it stands and keeps the note; at one size there is one checkpoint.
pub(crate) fn sign(house: &House, tx: &Tx<'_>, at: Timestamp) -> Result<String, KeeperError> {
    let edge = trail::edge(tx)?;
    let checkpoint = Checkpoint { origin: house.origin.clone(), size: edge.size(), root: edge.root() };
    let size = i64::try_from(edge.size()).map_err(|_| KeeperError::Ledger)?;
    let note = house.signer.sign(&checkpoint);
    tx.execute(
        "INSERT INTO checkpoints (size, at, note) VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING",
        &params![size, to_millis(at), &note],
    )?;
    Ok(note)
}

/// Writes the latest note to `ledger/checkpoint` in the data folder. A crash leaves the old file or the new one.
pub(crate) fn publish(folder: &Path, note: &str) -> io::Result<()> {
    let folder = folder.join("ledger");
    fs::create_dir_all(&folder)?;
    let draft = folder.join("checkpoint.new");
    let mut file = File::create(&draft)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, folder.join("checkpoint"))?;
    File::open(&folder)?.sync_all()
}
