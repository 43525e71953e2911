//! The commands, one file each.

pub mod check;
pub mod diff;
pub mod duties;
pub mod prove;
pub mod simulate;
pub mod uses;

use std::path::{Path, PathBuf};

use kept_keeper::{Database, Keeper, Setup, StartError};

use crate::{demo, machine, site::AREAS};

/// Why a command did not do what it was asked. The text says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The folder holds no site.
    #[error("{} holds no site: give the data folder of one with --data", .0.display())]
    NoSite(PathBuf),
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
    /// The settings do not say where the data is.
    #[error("{}: write `data = \"FOLDER\"` to say where the site's data folder is", .0.display())]
    Config(PathBuf),
    /// A running server could not answer.
    #[error("the running server did not answer: {0}")]
    Server(String),
    /// The site could not be opened.
    #[error(transparent)]
    Start(#[from] StartError),
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
    #[error("cannot write the answer: {0}")]
    Output(#[from] std::io::Error),
    /// The answer could not be put into JSON, or a server's answer is none.
    #[error("the answer is not what was expected: {0}")]
    Json(#[from] serde_json::Error),
}

/// The data folder that a command is to look at.
///
/// # Errors
/// Neither names one that holds a site.
pub fn folder(data: Option<&Path>, config: Option<&Path>) -> Result<PathBuf, Failed> {
    let folder = match (data, config) {
        (Some(data), _) => data.to_path_buf(),
        (None, Some(config)) => configured(config)?,
        (None, None) => PathBuf::from("."),
    };
    if folder.join(demo::NOTICE).is_file() { Ok(folder) } else { Err(Failed::NoSite(folder)) }
}

fn configured(config: &Path) -> Result<PathBuf, Failed> {
    let text = read(config)?;
    let wrong = || Failed::Config(config.to_path_buf());
    let table: toml::Table = text.parse().map_err(|_| wrong())?;
    let data = table.get("data").and_then(toml::Value::as_str).ok_or_else(wrong)?;
    Ok(config.parent().unwrap_or(Path::new(".")).join(data))
}

/// A file's text.
///
/// # Errors
/// It is not there, or is not text.
pub fn read(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|cause| Failed::File { path: path.to_path_buf(), cause })
}

/// Opens a folder that no server has open, under the notice in it.
///
/// # Errors
/// What does not fit, and what to do.
pub async fn open(folder: &Path) -> Result<Keeper, Failed> {
    let notice = read(&folder.join(demo::NOTICE))?;
    let seed = machine::seed().map_err(Failed::Seed)?;
    let time = demo::time_of(folder)?;
    Ok(Keeper::open(Setup { folder, database: Database::Folder, notice: &notice, areas: AREAS, time, seed })
        .await?)
}
