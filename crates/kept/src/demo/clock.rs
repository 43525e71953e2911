//! The example's clock: the machine's, moved. It goes forward only, a day at a time, so that the brakes see time pass as
//! it passes on a real site.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use kept_keeper::TimeSource;

/// The clock's file in the example's folder: how many seconds it is ahead of the machine, and the moment it was last at.
const FILE: &str = "demo-clock";
const DAY: i64 = 24 * 60 * 60;

/// A clock that is ahead of the machine's, or on its way there.
pub struct DemoClock {
    file: PathBuf,
    machine: Arc<dyn TimeSource>,
    /// Seconds ahead of the machine, when it has caught up.
    ahead: AtomicI64,
    /// The moment it stands still at, while days are let pass.
    passing: Mutex<Option<Timestamp>>,
}

impl DemoClock {
    /// A clock that begins so many days ago.
    pub fn new(folder: &Path, machine: Arc<dyn TimeSource>, days_ago: i64) -> DemoClock {
        let start = machine.now().as_second() - days_ago * DAY;
        let passing = Timestamp::from_second(start).unwrap_or(Timestamp::UNIX_EPOCH);
        DemoClock {
            file: folder.join(FILE),
            machine,
            ahead: AtomicI64::new(0),
            passing: Mutex::new(Some(passing)),
        }
    }

    /// The clock of a folder, at the moment at which it was left.
    ///
    /// # Errors
    /// The file cannot be read, or is not one of ours.
    pub fn of(folder: &Path, machine: Arc<dyn TimeSource>) -> io::Result<DemoClock> {
        let file = folder.join(FILE);
        let text = std::fs::read_to_string(&file)?;
        let mut numbers = text.split_whitespace().map(str::parse::<i64>);
        let (Some(Ok(ahead)), Some(Ok(last))) = (numbers.next(), numbers.next()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the example's clock is damaged"));
        };
        let last = Timestamp::from_second(last).map_err(io::Error::other)?;
        Ok(DemoClock { file, machine, ahead: AtomicI64::new(ahead), passing: Mutex::new(Some(last)) })
    }

    /// Whether a folder has such a clock.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(FILE).is_file()
    }

    /// Whether it is more than a day behind where it belongs.
    pub fn behind(&self) -> bool {
        self.goal() - self.now().as_second() > DAY
    }

    /// Lets one day pass, and writes down where it is: whoever is killed on the way goes on from there.
    ///
    /// # Errors
    /// The moment could not be written down.
    pub fn pass_day(&self) -> io::Result<()> {
        let next = Timestamp::from_second(self.now().as_second() + DAY).map_err(io::Error::other)?;
        *self.passing() = Some(next);
        self.note()
    }

    /// Moves the goal so many days on; [`pass_day`](DemoClock::pass_day) then leads there.
    pub fn move_on(&self, days: i64) {
        let now = self.now();
        *self.passing() = Some(now);
        self.ahead.fetch_add(days * DAY, Ordering::SeqCst);
    }

    /// From here on it runs with the machine. Nothing is written, so that whoever only looks leaves the folder alone.
    pub fn run_on(&self) {
        *self.passing() = None;
    }

    /// From here on it runs with the machine, and the next start knows.
    ///
    /// # Errors
    /// The moment could not be written down.
    pub fn settle(&self) -> io::Result<()> {
        self.run_on();
        self.note()
    }

    /// From here on it runs on from where it stands now, however far it got.
    ///
    /// # Errors
    /// The moment could not be written down.
    pub fn stay(&self) -> io::Result<()> {
        let ahead = self.now().as_second() - self.machine.now().as_second();
        self.ahead.store(ahead, Ordering::SeqCst);
        self.settle()
    }

    /// Writes down where it is, for the next start.
    ///
    /// # Errors
    /// The file could not be written.
    pub fn note(&self) -> io::Result<()> {
        let text = format!("{} {}\n", self.ahead.load(Ordering::SeqCst), self.now().as_second());
        let new = self.file.with_extension("new");
        std::fs::write(&new, text)?;
        std::fs::rename(new, &self.file)
    }

    fn goal(&self) -> i64 {
        self.machine.now().as_second() + self.ahead.load(Ordering::SeqCst)
    }

    fn passing(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TimeSource for DemoClock {
    fn now(&self) -> Timestamp {
        let standing = *self.passing();
        standing.unwrap_or_else(|| {
            let machine = self.machine.now();
            Timestamp::from_millisecond(machine.as_millisecond() + self.ahead.load(Ordering::SeqCst) * 1000)
                .unwrap_or(machine)
        })
    }
}
