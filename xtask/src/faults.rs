//! Faults provoked on purpose, for longer than the tests can take. The loops themselves are the kernel's tests; here
//! they get their length.

use std::process::Command;

use crate::{cargo, root, run};

/// Kills a busy server again and again, on both databases, and prints what came of it.
pub(crate) fn kill(options: &[&str]) -> Result<(), String> {
    let mut test = Command::new(cargo());
    test.current_dir(root());
    test.args(["test", "--package", "kept-keeper", "--test", "all", "--"]);
    test.args(["--exact", "kill::long", "--ignored", "--nocapture"]);
    for option in options.chunks(2) {
        let (name, number) = match option {
            ["--cycles", number] => ("KEPT_CYCLES", number),
            ["--seed", number] => ("KEPT_SEED", number),
            other => return Err(format!("unknown option {}: use --cycles N or --seed N", other.join(" "))),
        };
        if number.parse::<u64>().is_err() {
            return Err(format!("{number} is not a number"));
        }
        test.env(name, number);
    }
    run(&mut test)
}
