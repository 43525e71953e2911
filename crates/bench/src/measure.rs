//! The whole run: for each database and each number of people, fills, serves, asks, and looks at the rest.

use std::{
    collections::BTreeMap,
    env,
    fmt::Display,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Failure,
    fill::{Filled, Where},
    kernel::Kernel,
    load::{Answered, Asks},
    machine, report, say,
};

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Plan {
    /// How many people, one site after another.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    pub(crate) people: Vec<usize>,
    /// On which databases.
    #[arg(long, value_delimiter = ',', default_values = ["sqlite", "postgres"])]
    pub(crate) databases: Vec<Database>,
    /// With how many connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64, 500])]
    pub(crate) connections: Vec<usize>,
    /// How long each measurement lasts.
    #[arg(long, default_value_t = 2.5)]
    pub(crate) seconds: f64,
    /// How many leaves the tree has in which a proof is made.
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) leaves: u32,
    /// Ten thousand people and a second each: for a first look.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where the report is written.
    #[arg(long, default_value = "docs/BENCHMARKS.md")]
    pub(crate) out: PathBuf,
}

/// A database that Kept runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Display for Database {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Database::Sqlite => "SQLite",
            Database::Postgres => "PostgreSQL",
        })
    }
}

/// What was found at one site.
pub(crate) struct Site {
    pub(crate) database: Database,
    pub(crate) people: usize,
    pub(crate) filled: Filled,
    /// From starting the process to the first address it answers at, in milliseconds.
    pub(crate) start: f64,
    /// The floor's answers, by connections.
    pub(crate) floor: BTreeMap<usize, Answered>,
    /// Kept's answers, by what was asked and connections.
    pub(crate) kept: BTreeMap<(Asks, usize), Answered>,
    /// Resident memory of Kept's process after all of it, in bytes.
    pub(crate) memory: u64,
    /// The same of the floor's.
    pub(crate) floor_memory: u64,
    pub(crate) kernel: Kernel,
}

/// Everything that was found.
pub(crate) struct Found {
    pub(crate) described: Vec<String>,
    pub(crate) sites: Vec<Site>,
    /// Milliseconds for a proof of inclusion.
    pub(crate) proof: f64,
    pub(crate) plan: Plan,
}

/// Measures, and writes the report.
pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    let mut plan = plan.clone();
    if plan.quick {
        (plan.people, plan.connections, plan.seconds) = (vec![10_000], vec![1, 64, 500], 1.0);
    }
    let described = machine::described();
    let mut sites = Vec::new();
    for &database in &plan.databases {
        for &people in &plan.people {
            sites.push(site(&plan, database, people)?);
        }
    }
    say(&format!("a proof in a tree of {} leaves", plan.leaves));
    let proof = part(&mut this("proof", &[&plan.leaves])?)?;
    let found = Found { described, sites, proof, plan };
    fs::write(&found.plan.out, report::markdown(&found))?;
    say(&format!("written to {}", found.plan.out.display()));
    Ok(())
}

fn site(plan: &Plan, database: Database, people: usize) -> Result<Site, Failure> {
    let folder = tempfile::tempdir()?;
    let place = |name: &str| {
        let url = (database == Database::Postgres).then(kept_pgtest::durable_database);
        Where { folder: folder.path().join(name), url }
    };
    let (at, below) = (place("kept"), place("floor"));
    fs::create_dir(&below.folder)?;
    say(&format!("{database}, {people} people: filling"));
    let mut fill = this("fill", &[])?;
    fill.args(["--people", &people.to_string()]).arg("--below").arg(&below.folder);
    if let Some(url) = &below.url {
        fill.args(["--below-url", url]);
    }
    let filled: Filled = part(located(&mut fill, &at))?;

    let floor_server = Server::start(located(&mut this("floor", &[])?, &below))?;
    let server = Server::start(located(&mut this("kept", &[])?, &at))?;
    let ids = at.folder.join("ids");
    let ask = |server: &Server, asks: &str, connections: usize| -> Result<Answered, Failure> {
        let mut load = this("load", &[&server.address, &ids.display(), &asks, &connections, &plan.seconds])?;
        let before = machine::used(server.child.id());
        let mut answered: Answered = part(&mut load)?;
        #[expect(clippy::cast_precision_loss, reason = "far fewer answers than a float can count")]
        let answers = answered.answers.max(1) as f64;
        answered.cpu = (machine::used(server.child.id()) - before) / answers;
        Ok(answered)
    };
    let (mut floor, mut kept) = (BTreeMap::new(), BTreeMap::new());
    for &connections in &plan.connections {
        say(&format!("{database}, {people} people: {connections} connections"));
        // One right after the other, so that whatever else the machine does touches all of them.
        floor.insert(connections, ask(&floor_server, "own", connections)?);
        for (asks, word) in [(Asks::Own, "own"), (Asks::Card, "card"), (Asks::Write, "write")] {
            kept.insert((asks, connections), ask(&server, word, connections)?);
        }
    }
    let (start, memory) = (server.start, machine::resident(server.child.id()));
    let floor_memory = machine::resident(floor_server.child.id());
    server.stop()?;
    floor_server.stop()?;
    say(&format!("{database}, {people} people: the kernel"));
    let mut kernel = this("kernel", &[])?;
    kernel.args(["--seconds", &plan.seconds.to_string()]);
    let kernel = part(located(&mut kernel, &at))?;
    Ok(Site { database, people, filled, start, floor, kept, memory, floor_memory, kernel })
}

/// A server that runs.
struct Server {
    child: Child,
    address: String,
    start: f64,
}

impl Server {
    fn start(command: &mut Command) -> Result<Server, Failure> {
        let begun = machine::start();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut address)?;
        let start = begun.elapsed().as_secs_f64() * 1000.0;
        let address = address.trim().to_owned();
        if address.is_empty() {
            return Err(format!("a server ended before it served: {}", child.wait()?).into());
        }
        Ok(Server { child, address, start })
    }

    fn stop(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        for _ in 0..200 {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    Err(format!("a server ended with {status}").into())
                };
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill()?;
        Err("a server did not stop".into())
    }
}

/// This program again, as one of its parts.
fn this(part: &str, args: &[&dyn Display]) -> Result<Command, Failure> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(part).args(args.iter().map(ToString::to_string));
    Ok(command)
}

fn located<'a>(command: &'a mut Command, at: &Where) -> &'a mut Command {
    command.arg("--folder").arg::<&Path>(&at.folder);
    if let Some(url) = &at.url {
        command.args(["--url", url]);
    }
    command
}

/// Runs a part to its end; gives what it found.
fn part<T: DeserializeOwned>(command: &mut Command) -> Result<T, Failure> {
    let done = command.stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        return Err(format!("a part of the measurement ended with {}", done.status).into());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}
