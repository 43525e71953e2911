//! The loop: starts a server, lets it work, kills it, and looks at what is left.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use kept_keeper::Keeper;
use kept_pgtest::Server;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tempfile::TempDir;

use super::{
    Fault,
    check::{self, Seen},
    child::Orders,
    model::Model,
};
use crate::{
    club::{AREA, NOTICE},
    site::{Hands, On, START, moment, open},
};

/// A site whose server is killed again and again.
pub(crate) struct Drill {
    /// Where the folder is on a small disk of its own; let go of before the folder is.
    _disk: Option<SmallDisk>,
    folder: TempDir,
    /// The database's server, which is killed too, and its address.
    server: Option<Server>,
    url: Option<String>,
    model: Model,
    seen: Seen,
    dice: ChaCha8Rng,
    fault: Option<Fault>,
    lived: Lived,
}

/// What it has lived through.
#[derive(Default)]
pub(crate) struct Lived {
    cycles: u64,
    answered: usize,
    restarts: Vec<Duration>,
    crashes: usize,
}

impl Drill {
    pub(crate) async fn new(on: On, seed: u64, fault: Option<Fault>) -> Drill {
        let server = (on == On::Postgres).then(Server::start);
        let url = server.as_ref().map(Server::empty_database);
        let drill = Drill { server, url, fault, ..Drill::empty(seed) };
        drill.open(1).await.close().await.unwrap();
        drill
    }

    fn empty(seed: u64) -> Drill {
        Drill {
            _disk: None,
            folder: TempDir::new().unwrap(),
            server: None,
            url: None,
            model: Model::new(moment(START)),
            seen: Seen::default(),
            dice: ChaCha8Rng::seed_from_u64(seed),
            fault: None,
            lived: Lived::default(),
        }
    }

    /// So many times; gives what it has lived through, or what was found.
    pub(crate) async fn run(mut self, cycles: u64) -> Result<Lived, String> {
        for cycle in 1..=cycles {
            let refusals = self.live_and_die(cycle);
            self.model.crashed();
            self.wait_for_its_connections();
            let keeper = self.open(251).await;
            let sweep = cycle == cycles || self.roll(2) == 0;
            let found = self.look(&keeper, sweep).await;
            keeper.close().await.unwrap();
            found.map_err(|found| format!("cycle {cycle}: {found}"))?;
            if !refusals && let Some(why) = self.model.refused.first() {
                return Err(format!("cycle {cycle}: an act was refused: {why}"));
            }
            self.model.refused.clear();
        }
        Ok(Lived { cycles, answered: self.model.answered, ..self.lived })
    }

    /// A server's life: it starts, works, and is killed. Says whether it may have had to refuse an act.
    fn live_and_die(&mut self, cycle: u64) -> bool {
        let begun = now();
        let life = Life::begin(&self.orders(cycle), None);
        if self.roll(6) == 0 {
            // Killed while it starts, most often.
            thread::sleep(Duration::from_millis(self.roll(250)));
        } else {
            life.wait_for(0, "ready");
            self.lived.restarts.push(begun.elapsed());
            thread::sleep(Duration::from_millis(10 + self.roll(300)));
        }
        let refuses = self.server.is_some() && self.roll(4) == 0;
        if refuses && let Some(server) = &self.server {
            let signal = if self.dice.next_u64().is_multiple_of(2) { "KILL" } else { "QUIT" };
            server.crash(signal);
            self.lived.crashes += 1;
            thread::sleep(Duration::from_millis(self.roll(400)));
        }
        life.end().iter().for_each(|line| self.model.hear(line));
        refuses
    }

    /// What the killed server had sent to the database may still be committed there.
    fn wait_for_its_connections(&self) {
        let open = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while self.url.as_ref().is_some_and(|url| kept_pgtest::sql(url, open) != "0") {
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// One server that cannot write for a while, and then can again; gives a summary, or what was found.
    pub(crate) async fn starve(mut self, shortage: Shortage) -> Result<String, String> {
        let blocks = (shortage == Shortage::Files).then_some(1600);
        let ballast = self.folder.path().join("ballast");
        let life = Life::begin(&self.orders(1), blocks);
        let ready = life.wait_for(0, "ready");
        let working = life.wait_for(ready, "did\t");
        let pid = life.process.id().to_string();
        let refused = match shortage {
            Shortage::Files => life.wait_for(working, "not\t"),
            Shortage::Disk => {
                fs::write(&ballast, vec![0; 5_000_000]).unwrap();
                life.wait_for(working, "not\t")
            }
            Shortage::Syncs => {
                let mut strace = Command::new("strace");
                strace.args(["-f", "-qq", "-o", "/dev/null", "-p", &pid, "-e", "trace=fsync,fdatasync"]);
                let mut strace =
                    strace.args(["-e", "inject=fsync,fdatasync:error=EIO:when=3+5"]).spawn().unwrap();
                thread::sleep(Duration::from_secs(3));
                strace.kill().unwrap();
                strace.wait().unwrap();
                working
            }
        };
        // Whoever only reads notices nothing.
        let seen = life.wait_for(refused, "seen\t");
        match shortage {
            Shortage::Files => {
                let raised =
                    Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap();
                assert!(raised.success());
            }
            Shortage::Disk => fs::remove_file(&ballast).unwrap(),
            Shortage::Syncs => {}
        }
        let told = life.told.lines.lock().unwrap().len();
        life.wait_for(told.max(seen), "did\t");
        life.end().iter().for_each(|line| self.model.hear(line));
        self.model.crashed();
        let keeper = self.open(251).await;
        let found = self.look(&keeper, true).await;
        keeper.close().await.unwrap();
        found?;
        let (answered, refused) = (self.model.answered, self.model.refused.len());
        assert!(refused > 0 || shortage == Shortage::Syncs, "nothing was refused: this proves nothing");
        Ok(format!("{shortage:?} | {answered} acts answered: 0 lost; {refused} refused: 0 kept"))
    }

    /// The same on a disk of so many megabytes.
    pub(crate) async fn on_a_small_disk(seed: u64, megabytes: u32) -> Drill {
        let folder = TempDir::new().unwrap();
        let disk = SmallDisk::at(folder.path(), megabytes);
        let drill = Drill { _disk: Some(disk), folder, ..Drill::empty(seed) };
        drill.open(1).await.close().await.unwrap();
        drill
    }

    fn orders(&self, cycle: u64) -> Orders {
        let members = self.model.people.iter().filter(|(_, person)| person.left.is_none());
        let people = members.map(|(name, person)| (name.clone(), person.subject.unwrap().to_string()));
        Orders {
            folder: self.folder.path().to_owned(),
            url: self.url.clone(),
            moment: self.model.moment,
            cycle,
            people: people.collect(),
            fault: self.fault,
        }
    }

    async fn open(&self, seed: u8) -> Keeper {
        let clock = Hands::at(&self.model.moment.to_string());
        open(self.folder.path(), self.url.as_deref(), clock, NOTICE, &[AREA], seed).await.unwrap()
    }

    /// Looks at what is left. In half of the cycles the next server has to do what is due.
    async fn look(&mut self, keeper: &Keeper, sweep: bool) -> Result<(), String> {
        let dice = self.dice.next_u64();
        let folder = self.folder.path();
        check::whole(keeper, folder, &mut self.model, &mut self.seen, dice).await?;
        if sweep {
            check::duties(keeper, &self.model).await?;
            check::whole(keeper, folder, &mut self.model, &mut self.seen, dice).await?;
        }
        Ok(())
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.dice.next_u64() % below
    }
}

impl Lived {
    pub(crate) fn and(mut self, other: Lived) -> Lived {
        self.restarts.extend(other.restarts);
        Lived {
            cycles: self.cycles + other.cycles,
            answered: self.answered + other.answered,
            crashes: self.crashes + other.crashes,
            ..self
        }
    }

    pub(crate) fn summary(&mut self) -> String {
        self.restarts.sort_unstable();
        let p99 = self.restarts.get(self.restarts.len() * 99 / 100).copied().unwrap_or_default();
        let bound = 3.0 / self.cycles as f64;
        format!(
            "{} cycles, {} crashes of the database's server | {} acts answered: 0 lost, 0 doubled, 0 by halves | 95 % bound \
             3/n = {bound:.4} per cycle | restart p99 {} ms",
            self.cycles,
            self.crashes,
            self.answered,
            p99.as_millis()
        )
    }
}

/// What a server lacks for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shortage {
    /// Its files may not grow.
    Files,
    /// The disk is full.
    Disk,
    /// Each fifth sync fails.
    Syncs,
}

/// A disk in memory. Only root may make one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(folder: &Path, megabytes: u32) -> SmallDisk {
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "none"]).arg(folder).status();
        assert!(mounted.unwrap().success(), "only root may mount a disk");
        SmallDisk(folder.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// A server that runs as a process of its own.
struct Life {
    process: Child,
    told: Arc<Told>,
    listener: thread::JoinHandle<()>,
}

#[derive(Default)]
struct Told {
    lines: Mutex<Vec<String>>,
    more: Condvar,
}

impl Life {
    /// Starts one, which may make no file longer than so many blocks of 512 bytes: a write beyond is refused.
    fn begin(orders: &Orders, blocks: Option<u32>) -> Life {
        let limit =
            blocks.map_or_else(String::new, |blocks| format!("trap '' XFSZ; ulimit -S -f {blocks}; "));
        let mut command = Command::new("sh");
        command.args(["-c", &format!(r#"{limit}exec "$@""#), "sh"]).arg(std::env::current_exe().unwrap());
        command.args(["--exact", "kill::child::serve", "--ignored", "--nocapture", "--quiet"]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let orders = serde_json::to_string(orders).unwrap() + "\n";
        process.stdin.as_mut().unwrap().write_all(orders.as_bytes()).unwrap();
        let told = Arc::new(Told::default());
        let (out, hears) = (process.stdout.take().unwrap(), Arc::clone(&told));
        let listener = thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                hears.lines.lock().unwrap().push(line.unwrap());
                hears.more.notify_all();
            }
        });
        Life { process, told, listener }
    }

    /// Waits until it tells something that begins so, after so many lines; gives how many it has told then.
    fn wait_for(&self, after: usize, begins: &str) -> usize {
        let place = |lines: &[String]| {
            lines.iter().skip(after).position(|line| line.starts_with(begins)).map(|place| after + place + 1)
        };
        let lines = self.told.lines.lock().unwrap();
        let waits = |lines: &mut Vec<String>| place(lines).is_none();
        let (lines, _) = self.told.more.wait_timeout_while(lines, Duration::from_secs(60), waits).unwrap();
        place(&lines).unwrap_or_else(|| panic!("the server did not say {begins:?}"))
    }

    /// Kills it; gives what it told.
    fn end(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.listener.join().unwrap();
        std::mem::take(&mut *self.told.lines.lock().unwrap())
    }
}

pub(crate) fn say(line: &str) {
    io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "how long a server takes to start is the machine's own time")]
fn now() -> Instant {
    Instant::now()
}
