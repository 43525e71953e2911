//! Whatever a notice holds, reading it ends in a notice whose canonical form is the same notice, or in problems that stand in
//! the file.
#![no_main]

#[path = "../../crates/notice/tests/all/fixtures.rs"]
#[expect(dead_code, reason = "the words of the code are all that is used of it")]
mod fixtures;

use kept_notice::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    match parse(source, &fixtures::words()) {
        Ok(notice) => {
            assert!(!notice.sentences().is_empty());
            let again =
                parse(&notice.canonical, &fixtures::words()).expect("its canonical form does not read");
            assert_eq!(again.version, notice.version);
            assert!(again.changes_from(&notice).is_empty());
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            let lines: Vec<&str> = source.split('\n').collect();
            for problem in problems {
                assert!(problem.column <= lines[problem.line - 1].chars().count() + 1, "{problem}");
            }
        }
    }
});
