//! The loop: starts a server, lets it work, kills it, and looks at what is left.

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
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
    folder: TempDir,
    /// The database's server, which is killed too, and its address.
    server: Option<Server>,
    url: Option<String>,
    model: Model,
    seen: Seen,
    dice: ChaCha8Rng,
    fault: Option<Fault>,
    restarts: Vec<Duration>,
    crashes: usize,
}

impl Drill {
    pub(crate) async fn new(on: On, seed: u64, fault: Option<Fault>) -> Drill {
        let server = (on == On::Postgres).then(Server::start);
        let url = server.as_ref().map(Server::empty_database);
        let drill = Drill {
            folder: TempDir::new().unwrap(),
            server,
            url,
            model: Model::new(moment(START)),
            seen: Seen::default(),
            dice: ChaCha8Rng::seed_from_u64(seed),
            fault,
            restarts: Vec::new(),
            crashes: 0,
        };
        drill.open(1).await.close().await.unwrap();
        drill
    }

    /// So many times; gives a summary, or what was found.
    pub(crate) async fn run(mut self, cycles: u64) -> Result<String, String> {
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
        Ok(self.summary(cycles))
    }

    /// A server's life: it starts, works, and is killed. Says whether it may have had to refuse an act.
    fn live_and_die(&mut self, cycle: u64) -> bool {
        let begun = now();
        let mut life = Life::begin(&self.orders(cycle));
        if self.roll(6) == 0 {
            thread::sleep(Duration::from_millis(self.roll(250)));
        } else {
            life.wait_for("ready");
            self.restarts.push(begun.elapsed());
            thread::sleep(Duration::from_millis(10 + self.roll(300)));
        }
        let refuses = self.server.is_some() && self.roll(4) == 0;
        if refuses && let Some(server) = &self.server {
            let signal = if self.dice.next_u64().is_multiple_of(2) { "KILL" } else { "QUIT" };
            server.crash(signal);
            self.crashes += 1;
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

    fn summary(mut self, cycles: u64) -> String {
        self.restarts.sort_unstable();
        let p99 = self.restarts.get(self.restarts.len() * 99 / 100).copied().unwrap_or_default();
        let place = if self.server.is_some() { "PostgreSQL" } else { "SQLite" };
        let bound = 3.0 / cycles as f64;
        format!(
            "kill -9 | {place} | {cycles} cycles, {} crashes of the database's server | {} acts answered: 0 lost, 0 \
             doubled, 0 by halves | 95 % bound 3/n = {bound:.4} per cycle | restart p99 {} ms",
            self.crashes,
            self.model.answered,
            p99.as_millis()
        )
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
    fn begin(orders: &Orders) -> Life {
        let mut command = Command::new(std::env::current_exe().unwrap());
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

    /// Waits until it has told this.
    fn wait_for(&mut self, what: &str) {
        let lines = self.told.lines.lock().unwrap();
        let told = |lines: &mut Vec<String>| !lines.iter().any(|line| line == what);
        let (_lines, late) = self.told.more.wait_timeout_while(lines, Duration::from_secs(60), told).unwrap();
        assert!(!late.timed_out(), "the server did not say {what:?}");
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
