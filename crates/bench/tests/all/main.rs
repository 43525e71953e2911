//! The measurement keeps working: a tiny run on both databases, in which no figure is held against anything.

use std::{fs, process::Command};

#[test]
fn a_tiny_run_measures_everything_and_every_answer_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.md");
    let mut measure = Command::new(env!("CARGO_BIN_EXE_kept-bench"));
    measure.args([
        "measure",
        "--people",
        "60",
        "--connections",
        "1,4",
        "--seconds",
        "0.3",
        "--leaves",
        "1000",
    ]);
    let done = measure.arg("--out").arg(&report).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let report = fs::read_to_string(report).unwrap();
    for site in ["## SQLite, 60 people", "## PostgreSQL, 60 people"] {
        assert!(report.contains(site), "{report}");
    }
    let mut answered = 0;
    for asked in ["floor", "read by the person", "read by another", "durable write"] {
        for line in report.lines().filter(|line| line.starts_with(&format!("| {asked} | "))) {
            if let Some(errors) = line.split('|').nth(9) {
                assert_eq!(errors.trim(), "0", "{line}");
                answered += 1;
            }
        }
    }
    assert_eq!(answered, 4 * 2 * 2, "four questions, two databases, two numbers of connections: {report}");
}
