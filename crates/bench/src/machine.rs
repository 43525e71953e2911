//! What only the machine can tell: the moment, how long something took, and what kind of machine it is.

use std::{fs, path::Path, process::Command, time::Instant};

use jiff::Timestamp;
use kept_keeper::TimeSource;

/// The machine's clock.
pub(crate) struct Wall;

impl TimeSource for Wall {
    fn now(&self) -> Timestamp {
        now()
    }
}

/// The moment.
#[expect(clippy::disallowed_methods, reason = "a measurement is of the machine's own time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// From when a duration counts.
#[expect(clippy::disallowed_methods, reason = "a measurement is of the machine's own time")]
pub(crate) fn start() -> Instant {
    Instant::now()
}

/// The machine and the version that was measured, in one sentence each.
pub(crate) fn described() -> Vec<String> {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()));
    let memory = memory.map_or(0, |kilobytes| kilobytes / 1024 / 1024);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let changed = if said("git", &["status", "--porcelain"]).is_empty() { "" } else { ", with changes" };
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    vec![
        format!("Machine: {cores} cores ({cpu}), {memory} GiB of memory, Linux {}.", kernel.trim()),
        format!(
            "Version: commit {commit}{changed}, {}. Load average before the run: {load} (what else ran shows in the \
             floor too).",
            now().strftime("%Y-%m-%d %H:%M UTC")
        ),
    ]
}

/// Resident memory of a process, in bytes.
pub(crate) fn resident(process: u32) -> u64 {
    let status = format!("/proc/{process}/status");
    let text = field(&status, "VmRSS").unwrap_or_default();
    let kilobytes: u64 = text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    kilobytes * 1024
}

/// What a process has used of the processors, in microseconds (proc_pid_stat(5): fields 14 and 15, in hundredths of a
/// second).
pub(crate) fn used(process: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field is a name in brackets, which may hold spaces.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() * 10_000.0
}

/// What the files of a folder take together, in bytes.
pub(crate) fn size(folder: &Path, begins: &str) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = files.filter(|file| file.file_name().to_string_lossy().starts_with(begins));
    ours.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
