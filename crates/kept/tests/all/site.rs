//! The example's folder, filled once by the binary itself and copied for every test that needs one of its own.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use tempfile::TempDir;

use crate::server::Server;

/// A test's own copy of the filled example, which no server has open.
pub(crate) struct Copy(TempDir);

impl Copy {
    pub(crate) fn of_the_example() -> Copy {
        let copy = tempfile::tempdir().unwrap();
        clone(filled(), copy.path());
        Copy(copy)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Every file with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.folder(), &mut files);
        files
    }
}

/// The filled example. It lives under the build's own folder, because nothing would remove it at the end of the tests,
/// and belongs to one run of them at a time.
fn filled() -> &'static Path {
    static FILLED: OnceLock<(PathBuf, File)> = OnceLock::new();
    let (folder, _lock) = FILLED.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example");
        let lock = File::create(folder.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        Server::start(&folder).stop();
        (folder, lock)
    });
    folder
}

fn clone(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            clone(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), files);
        } else {
            files.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
}
