//! The filled example sites: invented people at every stage, whose accounts live and die under a real notice, with a
//! clock that can be moved so that one can watch.

mod clock;
mod pages;
mod people;

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use kept_accounts::Passwords;
use kept_keeper::{Database, Keeper, KeeperError, Policy, Setup, StartError, TimeSource};
use kept_web::{BaseUrl, BaseUrlError};

pub use clock::DemoClock;
pub(crate) use pages::code;
pub use people::{PASSWORD, Staff};
pub(crate) use people::{TRAINING, invent};

use crate::{
    commands::{self, Failed},
    config::DatabaseUrl,
    machine::{self, Wall},
    server::{self, ServeError},
    site::{AREAS, PACE, Settings, Site},
};

/// The trainers' notice, as it stands in `examples/`.
pub const TRAINERS: &str = include_str!("../../../../examples/trainers/notice.toml");
/// The notice of a provider of continuing professional education.
pub const CPE: &str = include_str!("../../../../examples/cpe/notice.toml");
/// The notice of a web-based service for business processes.
pub const PROCESS: &str = include_str!("../../../../examples/process/notice.toml");
/// The notice's name in a site's folder.
pub const NOTICE: &str = "notice.toml";

/// An example site: a notice, and how long its people have lived under it. What happens to them is what the notice has
/// rules for.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The notice, as it stands in `examples/`.
    pub notice: &'static str,
    /// What one of its people is called.
    pub person: &'static str,
    /// For what they earn credits, where the notice knows any.
    pub courses: &'static [&'static str],
    /// What they can download: each file's name, and what is in it.
    pub files: &'static [(&'static str, &'static str)],
    /// How many days of history it lives through before it is shown.
    pub history: i64,
}

impl Example {
    /// A certified trainers' membership network.
    pub const TRAINERS: Example =
        Example { notice: TRAINERS, person: "member", courses: &people::TRAINING, files: &[], history: 660 };
    /// A provider of continuing professional education.
    pub const CPE: Example =
        Example { notice: CPE, person: "customer", courses: &people::ACCOUNTING, files: &[], history: 400 };
    /// A web-based service for business processes.
    pub const PROCESS: Example =
        Example { notice: PROCESS, person: "client", courses: &[], files: &[SOFTWARE], history: 400 };
}

/// What stands for the process service's software: a file that says so.
const SOFTWARE: (&str, &str) = (
    "process-desk-2.1.txt",
    "This file stands for a program that clients of the example would install.\n\
     It shows its machine id under “About”; here, make one up, such as DESK-7F3A.\n",
);

/// Why the example did not come up.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The site could not be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It could not be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The kernel failed.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The folder holds something else.
    #[error(transparent)]
    Command(#[from] Failed),
    /// The folder holds something else, or is none.
    #[error("{0} is no empty folder and holds no example site: choose another with --data")]
    NotEmpty(String),
    /// The last start was broken off while the history was being lived through.
    #[error(
        "the example in {0} was broken off while it was being filled: remove the folder, or choose another with --data"
    )]
    HalfFilled(String),
    /// The people of another system could not be taken over.
    #[error(transparent)]
    Import(#[from] kept_accounts::import::Refused),
    /// A password could not be hashed.
    #[error(transparent)]
    Hash(#[from] kept_accounts::password::HashFailed),
    /// The address is none that a browser could open.
    #[error("the listening address makes no web address")]
    Address(#[from] BaseUrlError),
    /// The machine has no randomness to give.
    #[error("the operating system gives no randomness: {0}")]
    Seed(getrandom::Error),
    /// A file of the example could not be written or read.
    #[error("a file of the example cannot be used")]
    Io(#[from] std::io::Error),
}

/// A filled example, ready to be served.
pub struct Demo {
    /// The kernel.
    pub keeper: Keeper,
    /// The clock that can be moved.
    pub clock: Arc<DemoClock>,
    /// Who works there.
    pub staff: Vec<Staff>,
    /// The one-time code that makes an owner, at the first start of a folder.
    pub owner_code: Option<String>,
}

/// Fills the folder with the example, or opens the one in it and lets the days pass that it was shut. `base` is where its
/// letters lead to.
///
/// # Errors
/// The folder holds something else, or the site could not be opened.
pub async fn fill(
    example: &Example,
    folder: &Path,
    database: Database<'_>,
    machine: Arc<dyn TimeSource>,
    seed: [u8; 32],
    base: &BaseUrl,
    out: &mut impl Write,
) -> Result<Demo, DemoError> {
    let known = folder.join(NOTICE).exists();
    let empty = || folder.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    if !known && folder.exists() && !empty() {
        return Err(DemoError::NotEmpty(folder.display().to_string()));
    }
    if known && !folder.join(people::STAFF).exists() {
        return Err(DemoError::HalfFilled(folder.display().to_string()));
    }
    let clock = Arc::new(match known {
        true => DemoClock::of(folder, machine)?,
        false => DemoClock::new(folder, machine, example.history),
    });
    // A folder that was filled under an earlier notice, or whose notice has been changed since, goes on as it is.
    let notice = match known {
        true => std::fs::read_to_string(folder.join(NOTICE))?,
        false => example.notice.to_owned(),
    };
    let setup = Setup { folder, database, notice: &notice, areas: AREAS, time: clock.clone(), seed };
    let keeper = Keeper::open(setup).await?;
    if Policy::compile(example.notice, keeper.registry())?.version() != keeper.policy().version() {
        writeln!(
            out,
            "This example runs under another notice than this version's. To change it: kept propose NOTICE --data {}",
            folder.display()
        )?;
    }
    let (staff, owner_code) = if known {
        (people::staff_of(folder)?, None)
    } else {
        std::fs::write(folder.join(NOTICE), example.notice)?;
        writeln!(out, "Living through {} days under the notice …", example.history)?;
        out.flush()?;
        // Made before anybody is an owner, as on a site of one's own, so that this way in can be tried, too.
        let owner_code = kept_accounts::first_owner_code(&keeper).await?;
        (people::live(example, &keeper, &clock, folder, base.origin()).await?, owner_code)
    };
    catch_up(&keeper, &clock).await?;
    keeper.prove().await?;
    Ok(Demo { keeper, clock, staff, owner_code })
}

/// Lets the days pass one by one, with a sweep in each, until the example is at the present.
async fn catch_up(keeper: &Keeper, clock: &DemoClock) -> Result<(), DemoError> {
    // A server that was killed while days passed may not have swept on its last one, and the brakes count from a sweep.
    keeper.sweep().await?;
    while clock.behind() {
        clock.pass_day()?;
        keeper.sweep().await?;
    }
    clock.settle()?;
    keeper.sweep().await?;
    Ok(())
}

/// The time source of a folder: the example's moved clock if it has one, else the machine's.
///
/// # Errors
/// The example's clock cannot be read.
pub fn time_of(folder: &Path) -> Result<Arc<dyn TimeSource>, std::io::Error> {
    let wall = Arc::new(Wall);
    if DemoClock::is_in(folder) {
        let clock = DemoClock::of(folder, wall)?;
        clock.run_on();
        return Ok(Arc::new(clock));
    }
    Ok(wall)
}

/// Runs the example until a signal asks to stop.
///
/// # Errors
/// What went wrong, and what to do.
pub async fn run(
    example: &Example,
    listen: &str,
    data: Option<&Path>,
    database: Option<DatabaseUrl>,
    out: &mut impl Write,
) -> Result<(), DemoError> {
    // Taken before anything is written: a busy address must not cost a minute of filling.
    let listener = server::listen(listen).await?;
    let address = listener.local_addr()?;
    let kept_for_run = match data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("kept-demo-").tempdir()?),
    };
    let folder = match (data, &kept_for_run) {
        (Some(data), _) => data.to_path_buf(),
        (None, Some(temporary)) => temporary.path().to_path_buf(),
        (None, None) => std::env::temp_dir(),
    };
    let seed = machine::seed().map_err(DemoError::Seed)?;
    let database = commands::database(database.as_ref());
    let base = base(listen, address)?;
    let demo = fill(example, &folder, database, Arc::new(Wall), seed, &base, out).await?;
    let site = Site::new(
        demo.keeper.clone(),
        Settings {
            base,
            passwords: Passwords::standard()?,
            pace: PACE,
            downloads: downloads(example, &folder)?,
            demo: Some(
                "This is an example. Everybody in it is invented, and nothing leaves this machine.".into(),
            ),
            proxies: Vec::new(),
        },
    );
    let router = site.router(pages::routes(&site, &demo));
    let ready = || introduce(&site, &demo, &folder, kept_for_run.is_some(), out);
    Ok(server::serve(site.clone(), router, listener, &folder, ready).await?)
}

/// The folder with the example's files, where it has any.
fn downloads(example: &Example, folder: &Path) -> std::io::Result<Option<PathBuf>> {
    if example.files.is_empty() {
        return Ok(None);
    }
    let downloads = folder.join("downloads");
    std::fs::create_dir_all(&downloads)?;
    for (name, text) in example.files {
        std::fs::write(downloads.join(name), text)?;
    }
    Ok(Some(downloads))
}

/// The address as a browser on this machine opens it. Who asks for `localhost` gets that name: browsers keep passkeys for a
/// name, and for no number.
fn base(listen: &str, address: SocketAddr) -> Result<BaseUrl, BaseUrlError> {
    let host = match address.ip() {
        _ if listen.starts_with("localhost:") => "localhost".to_owned(),
        ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        ip => ip.to_string(),
    };
    format!("http://{host}:{}", address.port()).parse()
}

fn introduce(
    site: &Site,
    demo: &Demo,
    folder: &Path,
    temporary: bool,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let base = site.face.base.origin();
    writeln!(out, "\n{} is at {base}\n", site.face.name)?;
    for person in &demo.staff {
        let code = if person.secret.is_empty() { "" } else { "  (one-time codes are on the page /demo)" };
        writeln!(out, "  {:<9} {}{code}", person.role, person.email)?;
    }
    if let Some(code) = &demo.owner_code {
        writeln!(out, "  code      {code}  (once, at /owner: makes who is signed in an owner)")?;
    }
    writeln!(out, "  password  {PASSWORD}  (the same for all)")?;
    writeln!(out, "\n  mail      {base}/demo/mail?to=ADDRESS")?;
    writeln!(out, "  board     {base}/notice/kept")?;
    writeln!(out, "  clock     {base}/demo")?;
    let gone = if temporary { "  (gone when it stops; keep it with --data DIR)" } else { "" };
    writeln!(out, "  data      {}{gone}\n", folder.display())?;
    out.flush()
}

/// How long one press of the clock's button may work.
const PATIENCE: Duration = Duration::from_secs(25);
