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

/// Runs the server until its input ends, which it does when this process does, however that happens. Then nothing
/// is left.
const KEEP: &str = r#"
    folder=$1; shift
    "$@" >"$folder/log" 2>&1 & server=$!
    read -r _
    kill -QUIT $server; wait $server; rm -rf "$folder""#;

/// For tests: a crash of this machine may take the databases with it.
const HASTY: &[&str] = &["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off"];

struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    /// The template of each set of migrations.
    templates: Mutex<HashMap<Vec<Migration>, String>>,
    databases: AtomicU32,
    _keeper: Child,
}

/// The address of a new database in which `migrations` have run.
pub fn database(migrations: &[Migration]) -> String {
    let cluster = cluster();
    let mut templates = cluster.templates.lock().unwrap();
    let template = templates.entry(migrations.to_vec()).or_insert_with(|| {
        let name = cluster.create("template0");
        drop(Store::connect(&cluster.url(&name), migrations).unwrap());
        name
    });
    let name = cluster.create(template);
    drop(templates);
    cluster.url(&name)
}

/// The address of a new database without a table.
pub fn empty_database() -> String {
    let cluster = cluster();
    cluster.url(&cluster.create("template0"))
}

/// The address of a new database without a table, on a server that waits for the disk at each commit and tidies by
/// itself, as one in use does: for measuring. Not to be mixed with the others in one process.
pub fn durable_database() -> String {
    let cluster = CLUSTER.get_or_init(|| Cluster::start(&[]));
    cluster.url(&cluster.create("template0"))
}

/// The folder with the server's files and its socket.
pub fn folder() -> &'static Path {
    &cluster().folder
}

/// Runs `sql` on the database at `url`, past any store; gives what it answers.
pub fn sql(url: &str, sql: &str) -> String {
    let cluster = cluster();
    let mut psql = Command::new(cluster.programs.join("psql"));
    run(psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]))
}

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| Cluster::start(HASTY))
}

impl Cluster {
    fn start(settings: &[&str]) -> Cluster {
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
        let cluster = Cluster {
            programs,
            folder,
            templates: Mutex::default(),
            databases: AtomicU32::new(0),
            _keeper: keeper,
        };
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        for _ in 0..300 {
            let mut ready = Command::new(self.programs.join("pg_isready"));
            if ready.arg("-q").arg("-h").arg(&self.folder).status().unwrap().success() {
                return;
            }
            sleep(Duration::from_millis(100));
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
