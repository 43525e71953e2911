//! The tombstone log: beside the database and never in its backups, the random ids of every key that was destroyed.
//! A restored backup is held against it, so that nobody whom it brings back stays.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use kept_vault::{KeyId, SubjectId};

/// An append-only file; one line per destroyed key: moment, subject, key.
pub(crate) struct Tombstones {
    file: Mutex<File>,
}

impl Tombstones {
    /// Opens the log of a data folder, making it at the first start.
    pub(crate) fn open(folder: &Path) -> io::Result<Tombstones> {
        let path = folder.join("tombstones");
        let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
        File::open(folder)?.sync_all()?;
        // A crash may have cut the last line short. Its erasure is begun again, with a line of its own.
        let mut last = [b'\n'];
        if file.seek(SeekFrom::End(0))? > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
        Ok(Tombstones { file: Mutex::new(file) })
    }

    /// Writes the ids of keys that are about to go, and returns when they are on disk.
    pub(crate) fn append(&self, at: Timestamp, keys: &[(SubjectId, KeyId)]) -> io::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let at = at.to_string();
        let lines: String = keys.iter().map(|(subject, key)| format!("{at} {subject} {key}\n")).collect();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let before = file.metadata()?.len();
        let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
        if written.is_err() && file.set_len(before).is_err() {
            // Half a line (on a full disk) stays until the next start ends it.
            tracing::warn!("the tombstone log could not be cut back after a failed write");
        }
        written
    }
}
