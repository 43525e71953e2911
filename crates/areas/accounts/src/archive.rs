//! A ZIP archive that is written and sent a piece at a time, and knows the SHA-256 of each of its files. Files are stored
//! as they are: an archive of a person's data is small, and a stored file can be read with any tool.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use zip::{
    CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions, write::StreamWriter,
};

/// An archive under way.
pub(crate) struct Archive {
    zip: ZipWriter<StreamWriter<Piece>>,
    piece: Piece,
    at: DateTime,
    files: Vec<File>,
    hash: Sha256,
}

/// A file of the archive, as its manifest lists it.
#[derive(Serialize)]
pub(crate) struct File {
    name: String,
    bytes: usize,
    sha256: String,
}

impl Archive {
    /// An empty archive, whose files bear this moment.
    pub(crate) fn new(now: Timestamp) -> Archive {
        let piece = Piece::default();
        let zip = ZipWriter::new_stream(piece.clone());
        Archive { zip, piece, at: dos_time(now), files: Vec::new(), hash: Sha256::new() }
    }

    /// Begins a file; the one before is complete.
    pub(crate) fn begin(&mut self, name: impl Into<String>) -> Result<(), ZipError> {
        self.complete();
        let name = name.into();
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(self.at)
            .unix_permissions(0o600);
        self.zip.start_file(name.as_str(), options)?;
        self.files.push(File { name, bytes: 0, sha256: String::new() });
        Ok(())
    }

    /// Appends to the file that was begun.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), ZipError> {
        self.hash.update(bytes);
        if let Some(file) = self.files.last_mut() {
            file.bytes += bytes.len();
        }
        Ok(self.zip.write_all(bytes)?)
    }

    /// The files that are complete, with their hashes.
    pub(crate) fn files(&mut self) -> &[File] {
        self.complete();
        &self.files
    }

    /// What has been written since the last time.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.piece.lock())
    }

    /// Ends the archive, and gives what was left to send.
    pub(crate) fn finish(self) -> Result<Vec<u8>, ZipError> {
        drop(self.zip.finish()?);
        Ok(std::mem::take(&mut *self.piece.lock()))
    }

    fn complete(&mut self) {
        let hash = std::mem::take(&mut self.hash).finalize();
        if let Some(file) = self.files.last_mut().filter(|file| file.sha256.is_empty()) {
            file.sha256 = HEXLOWER.encode(&hash);
        }
    }
}

/// What has been written and not yet sent.
#[derive(Clone, Default)]
struct Piece(Arc<Mutex<Vec<u8>>>);

impl Piece {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Piece {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A moment in ZIP's own terms, which know no zone and no year after 2107.
fn dos_time(now: Timestamp) -> DateTime {
    let at = now.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let small = |number: i8| u8::try_from(number).unwrap_or(0);
    let year = u16::try_from(at.year()).unwrap_or(0);
    DateTime::from_date_and_time(
        year,
        small(at.month()),
        small(at.day()),
        small(at.hour()),
        small(at.minute()),
        small(at.second()),
    )
    .unwrap_or_default()
}
