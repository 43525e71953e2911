//! `cargo xtask`: what the people who work on Kept run.
//!
//! `cargo xtask test` is the whole proof that a version is good: what the tests need is installed, then format, lints,
//! and every test, the walk through a real browser among them. It stops at the first step that fails.
//!
//! `cargo xtask bench` measures Kept against a floor and writes `docs/BENCHMARKS.md`; what follows it is for `kept-bench
//! measure`: `--quick`, `--people 10000,100000`, `--databases sqlite,postgres`, `--seconds 2.5`.
//!
//! `cargo xtask faults kill [--on sqlite|postgres] [--cycles N] [--seed N]` kills a busy server at random moments, far more
//! often than the tests do; `cargo xtask faults io` takes space and syncs from it, which needs root and strace.

mod faults;
mod needs;

use std::{
    env,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

fn main() -> ExitCode {
    let asked: Vec<String> = env::args().skip(1).collect();
    let outcome = match asked.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["test"] => test(),
        ["bench", how @ ..] => bench(how),
        ["faults", "kill", options @ ..] => faults::kill(options),
        ["faults", "io"] => faults::io(),
        _ => Err("usage: cargo xtask test | bench [--quick | --help] | faults kill [--on sqlite|postgres] [--cycles N] [--seed N] | faults io"
            .to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("xtask: {why}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs everything that has to be green.
fn test() -> Result<(), String> {
    let cargo = cargo();
    let run = |program: &str, args: &[&str]| run(Command::new(program).args(args).current_dir(root()));

    step("what the tests need from the system", needs::install)?;
    step("what the journeys need", || run("npm", &["ci", "--prefix", "journeys"]))?;
    step("format", || run(&cargo, &["fmt", "--all", "--check"]))?;
    step("lints", || run(&cargo, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    step("tests", || run(&cargo, &["test", "--workspace"]))
}

/// Builds for release and measures.
fn bench(how: &[&str]) -> Result<(), String> {
    let measure = ["run", "--release", "--package", "kept-bench", "--", "measure"];
    run(Command::new(cargo()).args(measure).args(how).current_dir(root()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Runs one step and says how long it took.
fn step(name: &str, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    say(&format!("── {name}"));
    #[expect(clippy::disallowed_methods, reason = "how long a step takes is the machine's own time")]
    let begun = Instant::now();
    let outcome = work();
    let word = if outcome.is_ok() { "good" } else { "failed" };
    say(&format!("── {name}: {word} after {:.1} s", begun.elapsed().as_secs_f64()));
    outcome.map_err(|why| format!("{name}: {why}"))
}

/// Runs a program to its end.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} ended with {status}")),
        Err(cause) => Err(format!("cannot run {name}: {cause}")),
    }
}

fn say(line: &str) {
    // Nothing can be done about a standard error that is gone.
    let _ = writeln!(io::stderr(), "{line}");
}
