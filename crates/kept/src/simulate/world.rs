//! The world of a simulation: a real site in a folder that is gone afterwards, on a clock that only the simulation moves,
//! and the crash of the machine under it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use jiff::Timestamp;
use kept_accounts::{Accounts, Passwords};
use kept_keeper::{Area, Database, Keeper, KeeperError, Setup, TimeSource};
use kept_store::{StoreError, params};
use kept_vault::KeyId;
use rand_core::Rng as _;
use tempfile::TempDir;

use super::{Plan, SimulateError, dice::Dice};
use crate::site::{Settings, Site};

/// Where people reach the simulated site.
pub(super) const BASE: &str = "https://simulated.example.test";

/// A clock that stands still until it is moved. A night's work looks at it before each of its steps and does one after
/// the other, so this is where the machine can die between any two of them, the same ones for the same seed.
pub(super) struct Clock {
    at: AtomicI64,
    doom: Mutex<Option<Doom>>,
}

/// A machine that is to die.
struct Doom {
    /// How often the clock may be looked at before.
    looks: u32,
    dead: PathBuf,
    next: PathBuf,
    /// Once it has died: whether its disk could be kept.
    kept: Option<io::Result<()>>,
}

impl Clock {
    fn new(at: Timestamp) -> Clock {
        Clock { at: AtomicI64::new(at.as_second()), doom: Mutex::new(None) }
    }

    pub(super) fn set(&self, to: Timestamp) {
        self.at.store(to.as_second(), Ordering::SeqCst);
    }
}

impl TimeSource for Clock {
    fn now(&self) -> Timestamp {
        if let Some(doom) = self.doom.lock().unwrap_or_else(PoisonError::into_inner).as_mut()
            && doom.kept.is_none()
        {
            match doom.looks.checked_sub(1) {
                Some(left) => doom.looks = left,
                None => doom.kept = Some(copy(&doom.dead, &doom.next)),
            }
        }
        Timestamp::from_second(self.at.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// A site with its machine.
pub(super) struct World<'a> {
    pub(super) keeper: Keeper,
    /// For the tidying that a server does with its sweep.
    pub(super) accounts: Accounts,
    /// The pages.
    pub(super) pages: Router,
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
        let clock = Arc::new(Clock::new(start));
        let folder = home.path().join("0");
        let (keeper, accounts, pages) = open(&folder, (notice, areas), &clock, seed).await?;
        Ok(World { keeper, accounts, pages, clock, crashes: 0, home, notice, areas })
    }

    /// The machine dies. What is on its disk at this moment is all that the next start finds: the folder is copied as it
    /// lies, the write-ahead log not yet emptied, and whatever only memory knew is lost.
    pub(super) async fn crash(&mut self, dice: &mut Dice) -> Result<(), SimulateError> {
        copy(&self.folder(self.crashes), &self.folder(self.crashes + 1))?;
        self.start_anew(dice).await
    }

    /// The machine is to die when it has looked at the clock so many times.
    pub(super) fn doom(&self, looks: u32) {
        let (dead, next) = (self.folder(self.crashes), self.folder(self.crashes + 1));
        *self.doom_of_clock() = Some(Doom { looks, dead, next, kept: None });
    }

    /// If it has died meanwhile, starts again with what its disk had then.
    pub(super) async fn rise(&mut self, dice: &mut Dice) -> Result<(), SimulateError> {
        let doom = self.doom_of_clock().take();
        match doom.and_then(|doom| doom.kept) {
            Some(kept) => {
                kept?;
                self.start_anew(dice).await
            }
            None => Ok(()),
        }
    }

    async fn start_anew(&mut self, dice: &mut Dice) -> Result<(), SimulateError> {
        let dead = self.folder(self.crashes);
        self.crashes += 1;
        let folder = self.folder(self.crashes);
        tear(&folder, dice)?;
        let site = (self.notice, self.areas);
        (self.keeper, self.accounts, self.pages) = open(&folder, site, &self.clock, dice.seed()).await?;
        fs::remove_dir_all(dead)?;
        Ok(())
    }

    /// The ids of all keys there are.
    pub(super) async fn keys(&self) -> Result<BTreeSet<String>, SimulateError> {
        let keys = self.keeper.store().scan(|read| {
            let rows = read.query("SELECT key FROM keys", &params![])?;
            let ids = rows.iter().map(|row| Ok(KeyId::from_bytes(row.get(0)?).to_string()));
            ids.collect::<Result<BTreeSet<_>, StoreError>>()
        });
        Ok(keys.await.map_err(KeeperError::Store)?)
    }

    /// How many erasures have begun, and are not done.
    pub(super) async fn begun(&self) -> Result<i64, SimulateError> {
        let counted = self.keeper.store().scan(|read| {
            read.query_one("SELECT COUNT(*) FROM duties WHERE state = 'begun'", &params![])?.get(0)
        });
        Ok(counted.await.map_err(KeeperError::Store)?)
    }

    /// How many of these keys are gone without a tombstone.
    pub(super) async fn without_tombstone(&self, mut keys: BTreeSet<String>) -> Result<usize, SimulateError> {
        for left in self.keys().await? {
            keys.remove(&left);
        }
        let log = fs::read_to_string(self.folder(self.crashes).join("tombstones"))?;
        for key in log.lines().filter_map(|line| line.rsplit(' ').next()) {
            keys.remove(key);
        }
        Ok(keys.len())
    }

    fn folder(&self, number: u32) -> PathBuf {
        self.home.path().join(number.to_string())
    }

    fn doom_of_clock(&self) -> std::sync::MutexGuard<'_, Option<Doom>> {
        self.clock.doom.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The site in a folder, and its pages over its kernel as a server has them, with passwords that are quick to try.
async fn open(
    folder: &Path,
    (notice, areas): (&str, &[Area]),
    clock: &Arc<Clock>,
    seed: [u8; 32],
) -> Result<(Keeper, Accounts, Router), SimulateError> {
    let setup = Setup { folder, database: Database::Folder, notice, areas, time: clock.clone(), seed };
    let keeper = Keeper::open(setup).await?;
    #[expect(clippy::expect_used, reason = "the address is a literal of this file")]
    let base = BASE.parse().expect("an address is one");
    let settings = Settings {
        base,
        passwords: Passwords::cheap()?,
        pace: Duration::ZERO,
        demo: None,
        downloads: None,
        proxies: Vec::new(),
    };
    let site = Site::new(keeper.clone(), settings);
    kept_public::served_at(&keeper, &site.face.base).await?;
    Ok((keeper, site.accounts.clone(), site.router(Router::new())))
}

/// What the machine was writing when it died is on its disk in part: the end of a commit, a line of the tombstones.
fn tear(folder: &Path, dice: &mut Dice) -> io::Result<()> {
    let mut commit = vec![0; dice.below(5_000) as usize];
    dice.rng().fill_bytes(&mut commit);
    let line = "2025-01-01T00:00:00Z 0123456789abcdef".bytes().take(dice.below(38) as usize);
    for (name, torn) in [("kept.db-wal", commit), ("tombstones", line.collect())] {
        File::options().create(true).append(true).open(folder.join(name))?.write_all(&torn)?;
    }
    Ok(())
}

/// Copies what a start reads. The index beside the write-ahead log is memory that happens to lie in a file: a machine
/// that dies leaves none that counts.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
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
