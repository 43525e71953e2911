//! Faults provoked on purpose, for longer than the tests can take. The loops themselves are the kernel's tests; here
//! they get their length.

use std::process::Command;

use crate::{cargo, root, run};

/// Takes space and working syncs from a busy server for a while, and prints what came of it.
pub(crate) fn io() -> Result<(), String> {
    run(&mut test("kill::shortages"))
}

/// Kills a busy server again and again, on both databases, and prints what came of it.
pub(crate) fn kill(options: &[&str]) -> Result<(), String> {
    let mut test = test("kill::long");
    for option in options.chunks(2) {
        let (name, value) = match option {
            ["--on", database @ ("sqlite" | "postgres")] => ("KEPT_ON", database),
            ["--cycles", number] => ("KEPT_CYCLES", number),
            ["--seed", number] => ("KEPT_SEED", number),
            other => {
                let other = other.join(" ");
                return Err(format!(
                    "unknown option {other}: use --on sqlite|postgres, --cycles N or --seed N"
                ));
            }
        };
        if name != "KEPT_ON" && value.parse::<u64>().is_err() {
            return Err(format!("{value} is not a number"));
        }
        test.env(name, value);
    }
    run(&mut test)
}

/// One of the kernel's tests that run only when they are asked for.
fn test(name: &str) -> Command {
    let mut test = Command::new(cargo());
    test.current_dir(root()).args(["test", "--package", "kept-keeper", "--test", "all", "--"]);
    test.args(["--exact", name, "--ignored", "--nocapture"]);
    test
}
