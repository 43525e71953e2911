//! A throw-away PostgreSQL server for a run of tests: its own folder, a socket in it, no network.
//!
//! It starts at the first question, and ends with the tests' process. Tests ask for [databases](database) on it, as
//! many as they like.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this crate is part of tests: what is not as expected must stop them"
)]

mod bridge;

pub use bridge::{Bridge, Cut};

use std::{
    collections::HashMap,
    fs,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use kept_store::{Migration, Store};

/// `nobody`, on every Linux: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;

/// Runs the server, and runs it again when it dies, until the input ends, which it does when this process does, however
/// that happens. Then nothing is left.
const KEEP: &str = r#"
    folder=$1; shift
    while :; do "$@" >>"$folder/log" 2>&1; sleep 0.05; done & again=$!
    read -r _
    kill -KILL $again; wait $again 2>/dev/null
    server=$(head -n 1 "$folder/data/postmaster.pid")
    kill -QUIT $server; while kill -0 $server 2>/dev/null; do sleep 0.05; done
    rm -rf "$folder""#;

/// For tests: a crash of this machine may take the databases with it; a crash of the server does not.
const HASTY: &[&str] = &["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off"];

/// A server of its own, for tests that do to it what others must not feel.
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    /// The template of each set of migrations.
    templates: Mutex<HashMap<Vec<Migration>, String>>,
    databases: AtomicU32,
    keeper: Child,
}

/// The address of a new database in which `migrations` have run.
pub fn database(migrations: &[Migration]) -> String {
    let server = shared();
    let mut templates = server.templates.lock().unwrap();
    let template = templates.entry(migrations.to_vec()).or_insert_with(|| {
        let name = server.create("template0");
        drop(Store::connect(&server.url(&name), migrations).unwrap());
        name
    });
    let name = server.create(template);
    drop(templates);
    server.url(&name)
}

/// The address of a new database without a table.
pub fn empty_database() -> String {
    shared().empty_database()
}

/// The address of a new database without a table, on a server that waits for the disk at each commit and tidies by
/// itself, as one in use does: for measuring.
pub fn durable_database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::with(&[])).empty_database()
}

/// The folder with the server's files and its socket.
pub fn folder() -> &'static Path {
    &shared().folder
}

/// Runs `sql` on the database at `url`, past any store; gives what it answers.
pub fn sql(url: &str, sql: &str) -> String {
    let mut psql = Command::new(programs().join("psql"));
    run(psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]))
}

fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

impl Server {
    /// Starts a server that ends when it is dropped, or with the tests' process.
    pub fn start() -> Server {
        Server::with(HASTY)
    }

    fn with(settings: &[&str]) -> Server {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("kept-pg").tempdir().unwrap().keep();
        let are_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let as_user = |command: &mut Command| {
            command.current_dir(&folder);
            if are_root {
                chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
                command.uid(NOBODY).gid(NOBODY);
            }
        };
        let data = folder.join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        as_user(initdb.arg("-D").arg(&data).args(["-U", "kept", "-A", "trust", "-E", "UTF8", "--no-sync"]));
        // A locale that sorts as people do, so that a test can tell that text sorts by its bytes nevertheless.
        run(initdb.args(["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en"]));
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEP, "sh"]).arg(&folder).arg(programs.join("postgres")).arg("-D").arg(&data);
        keeper.arg("-k").arg(&folder).args(["-c", "listen_addresses=", "-c", "max_connections=300"]);
        keeper.args(settings);
        as_user(&mut keeper);
        let keeper = keeper.stdin(Stdio::piped()).spawn().unwrap();
        let (templates, databases) = (Mutex::default(), AtomicU32::new(0));
        let server = Server { programs, folder, templates, databases, keeper };
        server.wait();
        server
    }

    /// The address of a new database without a table.
    pub fn empty_database(&self) -> String {
        self.url(&self.create("template0"))
    }

    /// Ends the server as a crash does, with `KILL` as when memory runs out or `QUIT` as an operator in a hurry, and
    /// returns when it has been started again and answers.
    pub fn crash(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        run(Command::new("sh").args(["-c", r#"kill -s "$1" "$2""#, "sh", signal, pid]));
        while Path::new("/proc").join(pid).exists() {
            sleep(Duration::from_millis(10));
        }
        self.wait();
    }

    fn wait(&self) {
        for _ in 0..1500 {
            let mut ready = Command::new(self.programs.join("pg_isready"));
            if ready.arg("-q").arg("-h").arg(&self.folder).status().unwrap().success() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        panic!("PostgreSQL did not start: {}", fs::read_to_string(self.folder.join("log")).unwrap());
    }

    fn create(&self, template: &str) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut createdb = Command::new(self.programs.join("createdb"));
        createdb.arg("-h").arg(&self.folder).args(["-U", "kept", "-T", template, &name]);
        run(&mut createdb);
        name
    }

    fn url(&self, database: &str) -> String {
        format!("host={} user=kept dbname={database}", self.folder.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Where Debian has the newest server's programs, or where `pg_config` says they are.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.map(|version| version.unwrap().path().join("bin"));
    let newest = versions.filter(|programs| programs.join("initdb").exists()).max();
    newest.unwrap_or_else(|| {
        let asked = Command::new("pg_config").arg("--bindir").output();
        let asked = asked.expect("install postgresql: these tests run on both databases");
        PathBuf::from(String::from_utf8(asked.stdout).unwrap().trim())
    })
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{} failed: {told}", command.get_program().display());
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
