//! Whatever the file holds, reading it ends in a notice or in problems that stand in the file.

use kept_notice::parse;
use proptest::prelude::*;

use crate::fixtures::{TRAINERS, words};

/// Reads, and looks at everything a notice offers.
fn read(source: &str) -> Result<(), TestCaseError> {
    match parse(source, &words()) {
        Ok(notice) => {
            prop_assert!(!notice.sentences().is_empty());
            let again = parse(&notice.canonical, &words());
            prop_assert_eq!(again.map(|again| again.version), Ok(notice.version));
        }
        Err(problems) => {
            prop_assert!(!problems.is_empty());
            let lines: Vec<&str> = source.split('\n').collect();
            for problem in problems {
                let line = lines.get(problem.line - 1);
                prop_assert!(
                    line.is_some_and(|line| problem.column <= line.chars().count() + 1),
                    "{}",
                    problem
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn any_text(source in "\\PC{0,400}") {
        read(&source)?;
    }

    #[test]
    fn any_toml(source in r#"(\[\[?(notice|data|hold|retain\.x|form\.sign-up|expect|never|right)\]\]?|(of|is|erase|keep|when|ask|after|x) = ("x"|1|\[\]|\["identity", 2\]|\{ x = "y" \}|2026-01-01)|\n){1,24}"#) {
        read(&source)?;
    }

    #[test]
    fn a_notice_with_lines_moved_and_lost(from in 0usize..170, to in 0usize..170, lost in 0usize..170) {
        let mut lines: Vec<&str> = TRAINERS.lines().collect();
        let line = lines.remove(from % lines.len());
        lines.insert(to % lines.len(), line);
        lines.remove(lost % lines.len());
        read(&lines.join("\n"))?;
    }

    #[test]
    fn a_notice_with_a_text_put_in(place in 0usize..6000, text in r#"[\[\]{}="',.#\n éa-z0-9-]{1,12}"#) {
        let characters: Vec<char> = TRAINERS.chars().collect();
        let (before, after) = characters.split_at(place % characters.len());
        let source: String = before.iter().copied().chain(text.chars()).chain(after.iter().copied()).collect();
        read(&source)?;
    }
}
