//! The world of a simulation: a real site in a folder that is gone afterwards, on a clock that only the simulation moves,
//! and the crash of the machine under it.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use kept_keeper::{Area, Database, Keeper, Setup, TimeSource};
use tempfile::TempDir;

use super::{Plan, SimulateError};

/// A clock that stands still until it is moved.
pub(super) struct Clock(AtomicI64);

impl Clock {
    pub(super) fn set(&self, to: Timestamp) {
        self.0.store(to.as_second(), Ordering::SeqCst);
    }
}

impl TimeSource for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// A site with its machine.
pub(super) struct World<'a> {
    pub(super) keeper: Keeper,
    pub(super) clock: Arc<Clock>,
    pub(super) crashes: u32,
    home: TempDir,
    notice: &'a str,
    areas: &'a [Area],
}

impl<'a> World<'a> {
    pub(super) async fn begin(
        plan: &Plan<'a>,
        start: Timestamp,
        seed: [u8; 32],
    ) -> Result<World<'a>, SimulateError> {
        let Plan { notice, areas, .. } = *plan;
        let home = tempfile::Builder::new().prefix("kept-simulate-").tempdir_in(plan.place)?;
        let clock = Arc::new(Clock(AtomicI64::new(start.as_second())));
        let folder = home.path().join("0");
        let setup =
            Setup { folder: &folder, database: Database::Folder, notice, areas, time: clock.clone(), seed };
        let keeper = Keeper::open(setup).await?;
        Ok(World { keeper, clock, crashes: 0, home, notice, areas })
    }

    /// The machine dies. What is on its disk at this moment is all that the next start finds: the folder is copied as it
    /// lies, the write-ahead log not yet emptied, and whatever only memory knew is lost.
    pub(super) async fn crash(&mut self, seed: [u8; 32]) -> Result<(), SimulateError> {
        let dead = self.home.path().join(self.crashes.to_string());
        self.crashes += 1;
        let folder = self.home.path().join(self.crashes.to_string());
        copy(&dead, &folder)?;
        let setup = Setup {
            folder: &folder,
            database: Database::Folder,
            notice: self.notice,
            areas: self.areas,
            time: self.clock.clone(),
            seed,
        };
        self.keeper = Keeper::open(setup).await?;
        fs::remove_dir_all(dead)?;
        Ok(())
    }
}

/// Copies what a start reads. The index beside the write-ahead log is memory that happens to lie in a file: a machine
/// that dies leaves none that counts.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else if entry.file_name() != "kept.db-shm" {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
