//! `kept import FILE.csv`: people from another system, through the running server or into a folder that none has open.

mod table;

use std::{io::Write, path::Path};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kept_accounts::import::{self, Batch, Fault, Invitation, Outcome, Refused};
use kept_keeper::{Keeper, KeeperError};
use kept_notice::words::counted;
use serde::{Deserialize, Serialize};

use self::table::{Line, Table};
use super::{Failed, Place, open};
use crate::{control, demo};

/// How many lines are one transaction, at most: one that fails, or is interrupted, leaves nothing of these.
const TOGETHER: usize = 100;
/// And how many bytes of cells; a question to the server is shorter than its limit even when each needs an escape.
const TOGETHER_BYTES: usize = 256 * 1024;

/// What is asked for.
pub struct Asked<'a> {
    /// The file.
    pub file: &'a Path,
    /// Only say what would happen.
    pub dry_run: bool,
    /// The source, by its name in the notice.
    pub source: Option<String>,
    /// Where people reach the site, if newcomers are written to.
    pub invite: Option<String>,
    /// As of when the file is right.
    pub as_of: Option<Timestamp>,
}

/// A moment, or a day, which then is its beginning.
///
/// # Errors
/// It is neither, and how to write one.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let moment = text.parse().ok().or_else(day);
    moment.ok_or_else(|| "write a day, such as 2027-01-31, or a moment, such as 2027-01-31T09:00Z".to_owned())
}

/// What a batch was answered with.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// What came of each line, and the letter to each newcomer, if they get one.
    Taken(Vec<Outcome>, Option<Invitation>),
    /// The file as a whole does not fit the notice.
    Refused(String),
}

/// What came of the lines of a batch, and the letter to each newcomer.
type Taken = (Vec<Outcome>, Option<Invitation>);

/// What came of all lines.
#[derive(Default)]
struct Tally {
    added: u64,
    known: u64,
    rejected: u64,
}

/// Takes the people of a file in, says which lines were rejected and why, and whether none was.
///
/// # Errors
/// The file cannot be taken in at all, and why; the site cannot be opened, or stopped answering.
pub async fn run(
    place: &Place,
    asked: &Asked<'_>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<bool, Failed> {
    let unfit = |why| Failed::Unfit { path: asked.file.to_path_buf(), why };
    let now = demo::time_of(&place.folder)?.now();
    if asked.as_of.is_some_and(|as_of| as_of > now) {
        let why = "--as-of names a moment that is still to come: say when the file was written, or when the data in it was \
                   right";
        return Err(unfit(why.to_owned()));
    }
    let (mut table, columns) = Table::open(asked.file).map_err(unfit)?;
    let batch = |lines| Batch {
        source: asked.source.clone(),
        columns: columns.clone(),
        lines,
        dry_run: asked.dry_run,
        invite: asked.invite.clone(),
        as_of: asked.as_of,
    };
    let site = Site::of(place).await?;
    let (_, letter) = site.ask(batch(Vec::new())).await?.map_err(unfit)?;
    let mut tally = Tally::default();
    loop {
        let (lines, more) = next(&mut table).map_err(unfit)?;
        let (mut good, mut numbers) = (Vec::new(), Vec::new());
        let mut rejected = Vec::new();
        for Line { number, cells } in lines {
            match cells {
                Ok(cells) => {
                    good.push(cells);
                    numbers.push(number);
                }
                Err(faults) => rejected.push((number, faults)),
            }
        }
        if !good.is_empty() {
            let (outcomes, _) = site.ask(batch(good)).await?.map_err(unfit)?;
            for (number, outcome) in numbers.into_iter().zip(outcomes) {
                match outcome {
                    Outcome::Added => tally.added += 1,
                    Outcome::Known => tally.known += 1,
                    Outcome::Rejected(faults) => rejected.push((number, faults)),
                }
            }
        }
        rejected.sort_by_key(|(number, _)| *number);
        for (number, faults) in &rejected {
            tally.rejected += 1;
            complain(asked.file, *number, faults, err)?;
        }
        if !more {
            break;
        }
    }
    site.close().await?;
    tally.print(asked, letter, out)?;
    Ok(tally.rejected == 0)
}

/// Takes a batch in, for whoever asks the running server.
///
/// # Errors
/// The database failed; nothing of the batch was taken in.
pub async fn take_in(keeper: &Keeper, batch: Batch) -> Result<Reply, KeeperError> {
    let taken = async {
        let letter = import::invitation(keeper, &batch)?;
        Ok(Reply::Taken(import::take_in(keeper, batch).await?, letter))
    };
    match taken.await {
        Err(Refused::Keeper(cause)) => Err(cause),
        Err(refused) => Ok(Reply::Refused(refused.to_string())),
        Ok(reply) => Ok(reply),
    }
}

/// The next lines that go together, and whether there are more.
fn next(table: &mut Table) -> Result<(Vec<Line>, bool), String> {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while lines.len() < TOGETHER && bytes < TOGETHER_BYTES {
        let Some(line) = table.line()? else { return Ok((lines, false)) };
        bytes += line.cells.iter().flatten().map(String::len).sum::<usize>();
        lines.push(line);
    }
    Ok((lines, true))
}

/// A rejected line: its number, its column, and nothing that is in it.
fn complain(file: &Path, number: u64, faults: &[Fault], err: &mut impl Write) -> std::io::Result<()> {
    for Fault { column, message } in faults {
        let colon = if column.is_empty() { "" } else { ":" };
        writeln!(err, "{}:{number}{colon}{column}: {message}", file.display())?;
    }
    Ok(())
}

impl Tally {
    fn print(
        &self,
        asked: &Asked<'_>,
        letter: Option<Invitation>,
        out: &mut impl Write,
    ) -> std::io::Result<()> {
        let Tally { added, known, rejected } = *self;
        let people = counted(added, "person", "people");
        let (taken, left) = if asked.dry_run {
            ("would be taken in", "would be left as they are")
        } else {
            ("taken in", "left as they are")
        };
        writeln!(out, "{people} {taken}, {known} already here and {left}, {rejected} rejected.")?;
        if asked.dry_run {
            writeln!(out, "Nothing has been changed.")?;
        }
        match letter.filter(|_| added > 0) {
            Some(Invitation { title, text }) if asked.dry_run => {
                writeln!(out, "{people} would be invited, each with this letter:\n\n  {title}\n")?;
                for line in text.lines() {
                    writeln!(out, "{}", format!("  {line}").trim_end())?;
                }
            }
            Some(_) => writeln!(out, "{people} invited.")?,
            None if added > 0 && !asked.dry_run => {
                writeln!(out, "Nobody was written to. A newcomer gets in by the page “Forgotten password”.")?;
            }
            None => {}
        }
        Ok(())
    }
}

/// Where lines go: to the server that has the folder open, or straight into the folder.
enum Site<'a> {
    Running(&'a Path),
    Ours(Box<Keeper>),
}

impl<'a> Site<'a> {
    async fn of(place: &'a Place) -> Result<Site<'a>, Failed> {
        if control::is_there(&place.folder)? {
            return Ok(Site::Running(&place.folder));
        }
        Ok(Site::Ours(Box::new(open(place).await?)))
    }

    async fn ask(&self, batch: Batch) -> Result<Result<Taken, String>, Failed> {
        let reply = match self {
            Site::Ours(keeper) => take_in(keeper, batch).await?,
            Site::Running(folder) => {
                let question = format!("import {}", serde_json::to_string(&batch)?);
                let gone =
                    "it has stopped; run the same command again: who is here already is left as they are";
                let answer =
                    control::ask(folder, &question).map_err(|cause| Failed::Server(cause.to_string()))?;
                let answer = answer.filter(|answer| !answer.is_empty());
                match serde_json::from_str(&answer.ok_or_else(|| Failed::Server(gone.to_owned()))?)? {
                    control::Answer::Ok(reply) => reply,
                    control::Answer::Failed(cause) => return Err(Failed::Server(cause)),
                }
            }
        };
        Ok(match reply {
            Reply::Taken(outcomes, letter) => Ok((outcomes, letter)),
            Reply::Refused(why) => Err(why),
        })
    }

    async fn close(self) -> Result<(), Failed> {
        if let Site::Ours(keeper) = self {
            keeper.close().await?;
        }
        Ok(())
    }
}
