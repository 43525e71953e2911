//! The socket in the data folder: how the command line asks a running server, whose folder nobody else may open.
//! One line asks (`prove`, `duties` with a moment, `propose` with a notice as a JSON string, `import` with a batch of lines in
//! JSON), one JSON document answers.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream as StdStream,
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use kept_keeper::{Keeper, chain};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::watch,
};

use crate::commands::{
    duties::{self, DueDuty},
    import, propose,
};

/// The socket's name in the data folder.
pub const SOCKET: &str = "control";
/// The longest question: a whole notice may be in it.
const LONGEST: u64 = 1024 * 1024;

/// What the server answers.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer<T> {
    /// The answer.
    Ok(T),
    /// Why there is none.
    Failed(String),
}

/// Makes the socket, for this user only; one that a killed server left behind is replaced.
///
/// # Errors
/// The system refused.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    // The folder is 0700, so nobody else can reach the socket in it.
    UnixListener::bind(path)
}

/// Answers until the server stops.
pub async fn answer(keeper: Keeper, socket: UnixListener, mut stopping: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stopping.changed() => return,
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => drop(tokio::spawn(one(keeper.clone(), stream))),
                Err(cause) => tracing::warn!(%cause, "the control socket failed once"),
            },
        }
    }
}

async fn one(keeper: Keeper, stream: UnixStream) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(LONGEST)).read_line(&mut line).await?;
    let json = reply(&keeper, line.trim()).await;
    write.write_all(json.as_bytes()).await
}

async fn reply(keeper: &Keeper, asked: &str) -> String {
    if asked == "prove" {
        return json(keeper.prove().await);
    }
    if let Some(until) = asked.strip_prefix("duties ").and_then(|at| at.parse::<Timestamp>().ok()) {
        return json(duties::due(keeper, until).await);
    }
    let proposed =
        asked.strip_prefix("propose ").and_then(|source| serde_json::from_str::<String>(source).ok());
    if let Some(source) = proposed {
        return json(propose::propose(keeper, &source).await);
    }
    if let Some(batch) = asked.strip_prefix("import ").and_then(|batch| serde_json::from_str(batch).ok()) {
        return json(import::take_in(keeper, batch).await);
    }
    json::<(), _>(Err(Unknown))
}

#[derive(Debug, thiserror::Error)]
#[error("the server does not know this question: is it of another version?")]
struct Unknown;

fn json<T: Serialize, E: std::error::Error>(outcome: Result<T, E>) -> String {
    let answer = match outcome {
        Ok(found) => Answer::Ok(found),
        Err(cause) => Answer::Failed(chain(&cause)),
    };
    serde_json::to_string(&answer).unwrap_or_default()
}

/// Asks the server of a folder; nothing if none is running.
///
/// # Errors
/// A server is there and does not answer.
pub fn ask(folder: &Path, question: &str) -> io::Result<Option<String>> {
    let Some(mut stream) = connect(folder)? else { return Ok(None) };
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    stream.write_all(format!("{question}\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(Some(answer))
}

/// Whether a server of the folder is running.
///
/// # Errors
/// The socket cannot be used.
pub fn is_there(folder: &Path) -> io::Result<bool> {
    Ok(connect(folder)?.is_some())
}

fn connect(folder: &Path) -> io::Result<Option<StdStream>> {
    match StdStream::connect(folder.join(SOCKET)) {
        Ok(stream) => Ok(Some(stream)),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Ok(None)
        }
        Err(cause) => Err(cause),
    }
}

/// The duties of an answer, or why there are none.
pub type Duties = Answer<Vec<DueDuty>>;
