//! An answer that nobody reads to its end: `kept prove | head`.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use crate::{cli::kept, site::Copy};

#[test]
fn an_answer_that_nobody_reads_to_its_end_is_nothing_to_complain_of() {
    let site = Copy::of_the_example();
    // The pipe is closed before the first line is written: what a machine does not buffer is not needed.
    for line in ["uses", "uses --json", "prove --data .", "prove --json --data .", "duties --data ."] {
        let mut command = kept(site.folder(), line);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let told: Vec<_> = BufReader::new(child.stderr.take().unwrap()).lines().collect();
        assert!(told.is_empty(), "{line}: {told:?}");
        assert_eq!(child.wait().unwrap().code(), Some(141), "{line}");
    }
}
