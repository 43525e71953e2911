//! `kept`: a privacy notice you can run.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use kept::{
    commands::{self, Failed},
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
    },
    /// Checks a notice: exit 0, or 1 with each problem at file:line:column
    Check {
        /// The notice
        notice: PathBuf,
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
        /// As JSON
        #[arg(long)]
        json: bool,
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
    /// The site's settings
    #[arg(long, conflicts_with = "data")]
    config: Option<PathBuf>,
}

impl SiteArgs {
    fn folder(&self) -> Result<PathBuf, Failed> {
        commands::folder(self.data.as_deref(), self.config.as_deref())
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
        Err(cause) => fail(cause.as_ref()),
    }
}

/// Runs a command; says whether what it looked at is good.
async fn run(
    command: Command,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<bool, Box<dyn std::error::Error>> {
    match command {
        Command::Demo { example, listen, data } => {
            let example = match example {
                Example::Cpe => demo::Example::CPE,
                Example::Trainers => demo::Example::TRAINERS,
                Example::Process => demo::Example::PROCESS,
            };
            demo::run(&example, &listen, data.as_deref(), out).await?;
            Ok(true)
        }
        Command::Check { notice } => Ok(commands::check::run(&notice, out, err)?),
        Command::Diff { old, new, json } => {
            let today = time::day(Wall.now());
            Ok(commands::diff::run(&old, &new, today, json, out, err)?)
        }
        Command::Uses { notice, json } => {
            let source = notice.as_deref().map(commands::read).transpose()?;
            commands::uses::run(source.as_deref().unwrap_or(demo::TRAINERS), json, out)?;
            Ok(true)
        }
        Command::Prove { json, site } => Ok(commands::prove::run(&site.folder()?, json, out).await?),
        Command::Simulate { notice, years, people, seed, plot, json } => {
            let (notice, plot) = (notice.as_path(), plot.as_deref());
            let asked = commands::simulate::Asked { notice, years, people, seed, plot, json };
            Ok(commands::simulate::run(asked, out).await?)
        }
        Command::Duties { dry_run: _, json, site } => {
            commands::duties::run(&site.folder()?, json, out).await?;
            Ok(true)
        }
    }
}

fn fail(cause: &dyn std::error::Error) -> ExitCode {
    // Nothing can be done about a standard error that is gone.
    let _ = writeln!(io::stderr(), "kept: {}", chain(cause));
    ExitCode::FAILURE
}
