//! Measures Kept against a floor, in one run on one machine: a bare server that does the same look-up and the same
//! JSON, without vault, views and ledger.
//!
//! `measure` is the whole run; the other commands are its parts, each a process of its own: what is measured shares no
//! memory with what asks.

mod fill;
mod floor;
mod kernel;
mod load;
mod machine;
mod measure;
mod people;
mod report;
mod serve;
mod site;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use serde::Serialize;

use crate::{fill::Where, load::Asks, measure::Plan};

/// Why a measurement was not made. This program has one way to fail: it says why and ends.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures Kept against a floor.
#[derive(Parser)]
enum Command {
    /// The whole run: writes a Markdown report.
    Measure(Plan),
    /// Fills a site and its floor.
    #[command(hide = true)]
    Fill {
        #[command(flatten)]
        at: Where,
        /// The floor's folder.
        #[arg(long)]
        below: PathBuf,
        /// The floor's database.
        #[arg(long)]
        below_url: Option<String>,
        #[arg(long)]
        people: usize,
    },
    /// Serves the floor until the input ends.
    #[command(hide = true)]
    Floor {
        #[command(flatten)]
        at: Where,
    },
    /// Serves Kept until the input ends.
    #[command(hide = true)]
    Kept {
        #[command(flatten)]
        at: Where,
    },
    /// Asks.
    #[command(hide = true)]
    Load { address: String, ids: PathBuf, asks: Asks, connections: usize, seconds: f64 },
    /// Measures the kernel without HTTP.
    #[command(hide = true)]
    Kernel {
        #[command(flatten)]
        at: Where,
        #[arg(long)]
        seconds: f64,
    },
    /// Makes an inclusion proof.
    #[command(hide = true)]
    Proof { leaves: u32 },
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("kept-bench: {why}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let on_tokio = || tokio::runtime::Runtime::new();
    match command {
        Command::Measure(plan) => measure::run(&plan),
        Command::Fill { at, below, below_url, people } => {
            tell(&on_tokio()?.block_on(fill::run(at, Where { folder: below, url: below_url }, people))?)
        }
        Command::Floor { at } => on_tokio()?.block_on(floor::serve(at)),
        Command::Kept { at } => on_tokio()?.block_on(site::serve(at)),
        Command::Load { address, ids, asks, connections, seconds } => {
            tell(&load::run(address, &ids, asks, connections, seconds)?)
        }
        Command::Kernel { at, seconds } => tell(&on_tokio()?.block_on(kernel::run(at, seconds))?),
        Command::Proof { leaves } => tell(&kernel::inclusion_proof(leaves)?),
    }
}

/// What a part found, for the whole.
fn tell<T: Serialize>(found: &T) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{}", serde_json::to_string(found)?)?)
}

/// Progress, for whoever waits.
pub(crate) fn say(line: &str) {
    // Nothing can be done about a standard error that is gone.
    let _ = writeln!(io::stderr(), "{line}");
}
