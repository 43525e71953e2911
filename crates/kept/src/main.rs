//! `kept`: a privacy notice you can run.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use kept::{
    commands::{self, Failed, Place, publish},
    config::{Config, DatabaseUrl},
    demo,
    machine::Wall,
};
use kept_keeper::{TimeSource as _, chain, time};

/// A privacy notice you can run.
#[derive(Parser)]
#[command(name = "kept", version, about, disable_help_subcommand = true)]
struct Kept {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a filled example site and prints its address, sign-ins, and where mail goes
    Demo {
        /// Which example
        #[arg(default_value = "trainers")]
        example: Example,
        /// The address to listen on
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: String,
        /// The folder that keeps the example; without it the example is gone when it stops
        #[arg(long)]
        data: Option<PathBuf>,
        /// A PostgreSQL database, for the rows of the example; keys and logs are in its folder
        #[arg(long, value_name = "URL", requires = "data")]
        database: Option<String>,
    },
    /// Writes the files of a site of one's own, to begin from
    Init {
        /// The folder for them
        folder: PathBuf,
    },
    /// Serves a site of one's own until a signal asks it to stop
    Serve {
        /// The site's settings
        #[arg(long)]
        config: PathBuf,
    },
    /// Checks a notice: exit 0, or 1 with each problem at file:line:column
    Check {
        /// The notice
        notice: PathBuf,
    },
    /// Prints a notice for people to read, or as JSON-LD with the terms of the Data Privacy Vocabulary
    Publish {
        /// The notice
        notice: PathBuf,
        /// In what form
        #[arg(long, default_value = "html")]
        format: Format,
    },
    /// Says what changes from one notice to another, in sentences, and whether people must be told first
    Diff {
        /// The notice as it is
        old: PathBuf,
        /// The notice as it is to be
        new: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Says who may see what, why, and in what form
    Uses {
        /// A notice; without it the trainers' example
        notice: Option<PathBuf>,
        /// A site's settings, for its notice
        #[arg(long, conflicts_with = "notice")]
        config: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Proposes another notice for a site; people are told first, if it matters to them
    Propose {
        /// The notice as it is to be; the one in force withdraws what is proposed
        notice: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Runs the check of every sentence now; exit 1 if one is broken
    Prove {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Lives through years under a notice, with invented people, and crashes; exit 1 at the first promise that breaks
    Simulate {
        /// The notice
        notice: PathBuf,
        /// How many years, from the day on which the notice takes effect
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
        years: u16,
        /// How many people sign up in that time
        #[arg(long, default_value_t = 200)]
        people: u32,
        /// Where all chance comes from: the same seed gives the same ledger
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Draws how it went, as SVG
        #[arg(long, value_name = "FILE")]
        plot: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Takes in people from another system; exit 0 if every line was, 1 if some were rejected, 2 if the file cannot be
    Import {
        /// A table in CSV, in UTF-8, at most 64 MiB; its first line names the columns: given_name, family_name, email, and, where
        /// the notice has them, address, phone, member_id, expires (a day: 2027-01-31)
        file: PathBuf,
        /// Changes nothing, and says what would happen
        #[arg(long)]
        dry_run: bool,
        /// Where the people come from: a [source.*] of the notice, if it names more than one
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
        /// Writes a letter to everybody who is new; without it nobody is written to
        #[arg(long, requires = "config", conflicts_with = "data")]
        invite: bool,
        /// As of when the file is right: a day, or a moment. Needed once people have been erased here, whom it may still name
        #[arg(long, value_name = "WHEN", value_parser = commands::import::moment)]
        as_of: Option<Timestamp>,
        #[command(flatten)]
        site: SiteArgs,
    },
    /// Lists what is due, what would happen, and under which sentence
    Duties {
        /// Only look; the server does what is due by itself, so this is always so
        #[arg(long)]
        dry_run: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        site: SiteArgs,
    },
}

#[derive(clap::Args)]
struct SiteArgs {
    /// The site's data folder
    #[arg(long)]
    data: Option<PathBuf>,
    /// The PostgreSQL database of the site in that folder, where it has one
    #[arg(long, value_name = "URL", requires = "data")]
    database: Option<String>,
    /// The site's settings
    #[arg(long, conflicts_with = "data")]
    config: Option<PathBuf>,
}

impl SiteArgs {
    fn place(self) -> Result<Place, Failed> {
        match &self.config {
            Some(config) => Place::of_config(config),
            None => {
                let folder = self.data.as_deref().unwrap_or(Path::new("."));
                Place::of_folder(folder, self.database.map(DatabaseUrl::from))
            }
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Example {
    /// A provider of continuing professional education
    Cpe,
    /// A certified trainers' membership network
    Trainers,
    /// A web-based service for business processes
    Process,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One page that needs no other file
    Html,
    /// Text with marks for headings, lists and a table
    Markdown,
    /// JSON-LD
    Json,
}

fn main() -> ExitCode {
    // The default hook prints what a panic says, which may be anyone's data.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a bug: the work was given up");
    }));
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_max_level(tracing::Level::WARN)
        .init();
    let command = Kept::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return fail(&cause),
    };
    let (mut out, mut err) = (io::stdout(), io::stderr());
    match runtime.block_on(run(command, &mut out, &mut err)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(cause) if is_broken_pipe(cause.as_ref()) => ExitCode::from(BROKEN_PIPE),
        Err(cause) => fail(cause.as_ref()),
    }
}

/// What was given does not fit the command, as clap says of its arguments.
const MISUSED: u8 = 2;
/// How a shell tells that a program was ended by SIGPIPE.
const BROKEN_PIPE: u8 = 128 + 13;

/// Whether nobody reads the answer any more (`kept prove | head`), which is nothing to complain of.
fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let in_json = || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        kind.or_else(in_json) == Some(io::ErrorKind::BrokenPipe)
    })
}

/// Runs a command; says whether what it looked at is good.
async fn run(
    command: Command,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<bool, Box<dyn std::error::Error>> {
    match command {
        Command::Demo { example, listen, data, database } => {
            let example = match example {
                Example::Cpe => demo::Example::CPE,
                Example::Trainers => demo::Example::TRAINERS,
                Example::Process => demo::Example::PROCESS,
            };
            demo::run(&example, &listen, data.as_deref(), database.map(DatabaseUrl::from), out).await?;
            Ok(true)
        }
        Command::Init { folder } => {
            commands::init::run(&folder, out)?;
            Ok(true)
        }
        Command::Serve { config } => {
            commands::serve::run(&config, out).await?;
            Ok(true)
        }
        Command::Check { notice } => Ok(commands::check::run(&notice, out, err)?),
        Command::Publish { notice, format } => {
            let format = match format {
                Format::Html => publish::Format::Html,
                Format::Markdown => publish::Format::Markdown,
                Format::Json => publish::Format::Json,
            };
            publish::run(&notice, format, out)?;
            Ok(true)
        }
        Command::Diff { old, new, json } => {
            let today = time::day(Wall.now());
            Ok(commands::diff::run(&old, &new, today, json, out, err)?)
        }
        Command::Uses { notice, config, json } => {
            let config = config.map(|config| Config::read(&config)).transpose()?;
            let notice = config.map(|config| config.notice).or(notice);
            commands::uses::run(notice.as_deref(), json, out)?;
            Ok(true)
        }
        Command::Propose { notice, json, site } => {
            Ok(commands::propose::run(&site.place()?, &notice, json, out, err).await?)
        }
        Command::Prove { json, site } => Ok(commands::prove::run(&site.place()?, json, out).await?),
        Command::Simulate { notice, years, people, seed, plot, json } => {
            let (notice, plot) = (notice.as_path(), plot.as_deref());
            let asked = commands::simulate::Asked { notice, years, people, seed, plot, json };
            Ok(commands::simulate::run(asked, out).await?)
        }
        Command::Import { file, dry_run, source, invite, as_of, site } => {
            let base = site.config.as_deref().filter(|_| invite).map(Config::read).transpose()?;
            let invite = base.map(|config| config.base.origin().to_owned());
            let asked = commands::import::Asked { file: &file, dry_run, source, invite, as_of };
            Ok(commands::import::run(&site.place()?, &asked, out, err).await?)
        }
        Command::Duties { dry_run: _, json, site } => {
            commands::duties::run(&site.place()?, json, out).await?;
            Ok(true)
        }
    }
}

fn fail(cause: &(dyn std::error::Error + 'static)) -> ExitCode {
    // Nothing can be done about a standard error that is gone.
    let _ = writeln!(io::stderr(), "kept: {}", chain(cause));
    let misused = matches!(cause.downcast_ref(), Some(Failed::Unfit { .. }));
    if misused { ExitCode::from(MISUSED) } else { ExitCode::FAILURE }
}
