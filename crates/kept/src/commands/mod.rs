//! The commands, one file each.

pub mod check;
pub mod diff;
pub mod duties;
pub mod import;
pub mod init;
pub mod propose;
pub mod prove;
pub mod publish;
pub mod serve;
pub mod simulate;
pub mod uses;

use std::path::{Path, PathBuf};

use kept_keeper::{Database, Keeper, Policy, ProposeError, Proposed, Registry, Setup, StartError};
use kept_notice::Problem;

use crate::{
    config::{Config, DatabaseUrl},
    demo, machine,
    server::ServeError,
    site::AREAS,
};

/// Why a command did not do what it was asked. The text says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The folder holds no site.
    #[error(
        "{} holds no site: give the data folder of one with --data, or its settings with --config; the first `kept \
         serve` makes a new one",
        .0.display()
    )]
    NoSite(PathBuf),
    /// A file that was to be written is there already.
    #[error("{} is there already, and nothing was written: choose another folder", .0.display())]
    Exists(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {}", path.display(), cause)]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {}", path.display(), cause)]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file that was given does not fit the command; nothing was done.
    #[error("{}: {why}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// The settings or the notice have problems.
    #[error("{}", list(path, problems))]
    Problems {
        /// The file.
        path: PathBuf,
        /// Each with its place.
        problems: Vec<Problem>,
    },
    /// A running server could not answer.
    #[error("the running server did not answer: {0}")]
    Server(String),
    /// The site could not be opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The notice cannot take the place of the one in force.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// A running server refuses the notice.
    #[error("{0}")]
    Refused(String),
    /// The site could not be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The machine has not enough memory for hashing passwords.
    #[error(transparent)]
    Hash(#[from] kept_accounts::password::HashFailed),
    /// The kernel failed.
    #[error(transparent)]
    Keeper(#[from] kept_keeper::KeeperError),
    /// A simulation could not be run.
    #[error(transparent)]
    Simulate(#[from] crate::simulate::SimulateError),
    /// The machine has no randomness to give.
    #[error("the operating system gives no randomness: {0}")]
    Seed(getrandom::Error),
    /// Something could not be written out.
    #[error("cannot write the answer")]
    Output(#[from] std::io::Error),
    /// The answer could not be put into JSON, or a server's answer is none.
    #[error("the answer is not what was expected")]
    Json(#[from] serde_json::Error),
}

/// Where a site is.
#[derive(Debug)]
pub struct Place {
    /// The data folder.
    pub folder: PathBuf,
    /// The notice's file.
    pub notice: PathBuf,
    /// The PostgreSQL database, if it has one.
    pub database: Option<DatabaseUrl>,
}

impl Place {
    /// A site by its data folder, which for an example holds its notice too.
    ///
    /// # Errors
    /// The folder holds no site.
    pub fn of_folder(folder: &Path, database: Option<DatabaseUrl>) -> Result<Place, Failed> {
        let (folder, notice) = (folder.to_path_buf(), folder.join(demo::NOTICE));
        if notice.is_file() { Ok(Place { folder, notice, database }) } else { Err(Failed::NoSite(folder)) }
    }

    /// A site by its settings.
    ///
    /// # Errors
    /// The settings have problems.
    pub fn of_config(path: &Path) -> Result<Place, Failed> {
        let Config { data, notice, database, .. } = Config::read(path)?;
        Ok(Place { folder: data, notice, database })
    }
}

/// The database of a site that may have one elsewhere.
pub(crate) fn database(address: Option<&DatabaseUrl>) -> Database<'_> {
    address.map_or(Database::Folder, |address| Database::Url(address.reveal()))
}

fn list(path: &Path, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect();
    lines.join("\n")
}

/// A file's text.
///
/// # Errors
/// It is not there, or is not text.
pub fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|cause| Failed::File { path: path.to_path_buf(), cause })
}

/// The notice of a file that was read, compiled as every site of this version would run it.
///
/// # Errors
/// Every problem of the notice.
pub(crate) fn compile(path: &Path, source: &str) -> Result<Policy, Failed> {
    Policy::compile(source, &Registry::new(AREAS)).map_err(|cause| in_file(path, cause))
}

/// Why a site cannot start, with the problems of its notice at their places in its file.
pub(crate) fn in_file(notice: &Path, cause: StartError) -> Failed {
    match cause {
        StartError::Notice(problems) => Failed::Problems { path: notice.to_path_buf(), problems },
        other => other.into(),
    }
}

/// Opens a site that no server has open in this folder.
///
/// # Errors
/// What does not fit, and what to do.
pub async fn open(place: &Place) -> Result<Keeper, Failed> {
    begun(place)?;
    let notice = read(&place.notice)?;
    let setup = setup(place, &notice)?;
    Keeper::open(setup).await.map_err(|cause| in_file(&place.notice, cause))
}

/// Opens a site that no server has open, under the notice in force in it, and proposes another.
///
/// # Errors
/// What does not fit, and what to do.
pub async fn open_and_propose(place: &Place, notice: &str) -> Result<(Keeper, Proposed), Failed> {
    begun(place)?;
    let setup = setup(place, notice)?;
    Ok(Keeper::open_and_propose(setup).await?)
}

/// Whoever only asks makes no new site.
fn begun(place: &Place) -> Result<(), Failed> {
    let sign = if place.database.is_some() { "keys" } else { "kept.db" };
    if place.folder.join(sign).exists() { Ok(()) } else { Err(Failed::NoSite(place.folder.clone())) }
}

fn setup<'a>(place: &'a Place, notice: &'a str) -> Result<Setup<'a>, Failed> {
    let seed = machine::seed().map_err(Failed::Seed)?;
    let time = demo::time_of(&place.folder)?;
    let database = database(place.database.as_ref());
    Ok(Setup { folder: &place.folder, database, notice, areas: AREAS, time, seed })
}
