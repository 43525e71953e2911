//! `kept simulate NOTICE`: years under a notice in a minute. The first promise that breaks ends it.

use std::{
    env,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use jiff::Span;
use kept_notice::words::counted;

use super::{Failed, compile, read};
use crate::{
    simulate::{self, Broken, Plan, Tally},
    site::AREAS,
};

/// What to simulate.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The notice.
    pub notice: &'a Path,
    /// How many years.
    pub years: u16,
    /// How many people.
    pub people: u32,
    /// Where all chance comes from.
    pub seed: u64,
    /// Where to draw the picture.
    pub plot: Option<&'a Path>,
    /// Whether to print JSON.
    pub json: bool,
}

/// Simulates, prints, and says whether every promise was kept.
///
/// # Errors
/// The notice has problems, or the machine failed.
pub async fn run(asked: Asked<'_>, out: &mut impl Write) -> Result<bool, Failed> {
    let source = read(asked.notice)?;
    let policy = compile(asked.notice, &source)?;
    // Before the years are lived through, and not after them.
    let plot = asked.plot.map(to_draw).transpose()?;
    let Asked { years, people, seed, .. } = asked;
    if !asked.json {
        let from = policy.notice.effective.strftime("%-d %B %Y");
        let (years, people) = (counted(years, "year", "years"), counted(people, "person", "people"));
        writeln!(out, "{}: {years} from {from}, {people}, seed {seed}\n", policy.notice.of)?;
        out.flush()?;
    }
    let span = Span::new().years(i64::from(years));
    let place = place();
    let plan = Plan { notice: &source, areas: AREAS, span, people, seed, place: &place };
    let outcome = simulate::simulate(&plan, &mut |_, _| Box::pin(async { Ok(()) })).await?;
    if let Some((path, mut file)) = plot {
        let picture = simulate::draw(&outcome, &policy.notice.of);
        file.write_all(picture.as_bytes()).map_err(|cause| Failed::NotWritten { path, cause })?;
    }
    if asked.json {
        serde_json::to_writer_pretty(&mut *out, &outcome)?;
        writeln!(out)?;
    } else {
        table(&outcome.tally, out)?;
        match &outcome.broken {
            Some(broken) => tell(broken, out)?,
            None => writeln!(out, "\nEvery promise was kept on every day.")?,
        }
    }
    Ok(outcome.broken.is_none())
}

fn to_draw(path: &Path) -> Result<(PathBuf, File), Failed> {
    match File::create(path) {
        Ok(file) => Ok((path.to_path_buf(), file)),
        Err(cause) => Err(Failed::NotWritten { path: path.to_path_buf(), cause }),
    }
}

/// Where the simulated site lies. It commits as any site does, and nobody needs it afterwards: a file system in memory, where
/// there is one, saves it from waiting for a disk. `TMPDIR` says another place, for more people than fit there.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if env::var_os("TMPDIR").is_none() && memory.is_dir() { memory.into() } else { env::temp_dir() }
}

fn table(tally: &Tally, out: &mut impl Write) -> std::io::Result<()> {
    let lines = [
        ("days", tally.days.to_string()),
        ("people", tally.people.to_string()),
        ("acts", tally.acts.to_string()),
        ("duties done", tally.duties.to_string()),
        ("erasures", tally.erasures.to_string()),
        ("crashes", tally.crashes.to_string()),
        ("resumed", tally.resumed.to_string()),
        ("brakes", tally.brakes.to_string()),
        ("proofs", tally.proofs.to_string()),
        ("events", tally.events.to_string()),
        ("ledger root", tally.root.clone()),
    ];
    lines.iter().try_for_each(|(name, value)| writeln!(out, "  {name:<12} {value}"))
}

fn tell(broken: &Broken, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "\nBroken on {}: {}", broken.day.strftime("%-d %B %Y"), broken.finding)?;
    if let (Some(rule), Some(sentence)) = (&broken.rule, &broken.sentence) {
        writeln!(out, "  {rule}: {sentence}")?;
    }
    if let Some(person) = &broken.person {
        writeln!(out, "\nThe history of {}:", person.subject)?;
        person.lines.iter().try_for_each(|(at, line)| writeln!(out, "  {at}  {line}"))?;
    }
    Ok(())
}
