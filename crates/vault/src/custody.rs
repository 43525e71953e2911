//! Who holds the key ring.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::KeyRing;
use crate::ring_text::{self, TextError};

/// Holds a site's key ring, apart from its data.
pub trait KeyCustody: Send + Sync {
    /// Fetches the ring.
    ///
    /// # Errors
    ///
    /// [`KeyRingError`] if there is none, or it cannot be read.
    fn load(&self) -> Result<KeyRing, KeyRingError>;

    /// Keeps the ring in place of the one before. When it returns, the new one is kept for good and the
    /// old one is no longer given out; when it fails, the old one is still there, whole.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Io`] if it cannot be written.
    fn save(&self, ring: &KeyRing) -> Result<(), KeyRingError>;
}

/// Why a key ring could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// There is no file.
    #[error(
        "there is no key file at {}: put the newest copy of it there; without it the data cannot be read",
        path.display()
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file begins as a key file and stops early.
    #[error("the key file {} is cut short: put the newest whole copy of it there", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
    },
    /// The file is not as it was written.
    #[error(
        "the key file {} is damaged, found at line {line}: put the newest whole copy of it there",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line that does not read, from 1; the last if only the checksum tells.
        line: usize,
    },
    /// The file is something else, or of another version of Kept.
    #[error("{} is not a key file that this version of Kept reads: name the right file", path.display())]
    NotAKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("the key file {} could not be read or written: {source}", path.display())]
    Io {
        /// The file or its folder.
        path: PathBuf,
        /// What it answered.
        source: io::Error,
    },
}

/// A key ring in a local file: the default.
///
/// The file is readable by its owner only and is replaced as a whole, so that a crash leaves the old ring
/// or the new one. If its path is a symbolic link (to a disk of its own, say), what it points to is replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The key file at `path`, whether it is there or not.
    pub fn new(path: impl Into<PathBuf>) -> KeyFile {
        KeyFile { path: path.into() }
    }

    /// Whether anything is there, or may be. Where something is, a new ring must not be saved over it: all
    /// data sealed under the one there would be lost.
    pub fn exists(&self) -> bool {
        !matches!(fs::symlink_metadata(&self.path), Err(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl KeyCustody for KeyFile {
    fn load(&self) -> Result<KeyRing, KeyRingError> {
        let path = self.path.clone();
        let text = match fs::read(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeyRingError::Missing { path });
            }
            Err(source) => return Err(KeyRingError::Io { path, source }),
        };
        ring_text::read(&text).map_err(|error| match error {
            TextError::NotAKeyRing => KeyRingError::NotAKeyFile { path },
            TextError::Truncated => KeyRingError::Truncated { path },
            TextError::Damaged(line) => KeyRingError::Damaged { path, line },
        })
    }

    fn save(&self, ring: &KeyRing) -> Result<(), KeyRingError> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let mut new = path.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);

        // A file left by a crash may be readable by others: it is replaced, not reused.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(&new)(error)),
            _ => {}
        }
        write_private(&new, ring_text::write(ring).as_bytes()).map_err(refused(&new))?;
        fs::rename(&new, &path).map_err(refused(&path))?;
        sync_folder(&path).map_err(refused(&path))
    }
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> KeyRingError {
    let path = path.to_owned();
    |source| KeyRingError::Io { path, source }
}

/// Writes a new file that only its owner can read, through to the disk.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Writes a rename through to the disk. Only Unix opens folders, and only there is it needed.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
