//! From text to a checked notice, or to every problem it has.
//!
//! Three passes: the file is read as TOML; its sections are read into a [`Notice`], word by word; the whole is checked
//! for sense. A word that is not known is taken for the one it was probably meant to be, so that one slip is one
//! problem. Expectations are asked only of a notice without other problems.

mod check;
mod file;
mod nouns;
mod read;
mod refer;
mod rules;

use toml::de::DeTable;

use crate::notice::Notice;
use crate::problem::Problem;
use crate::vocabulary::Vocabulary;
use crate::{canonical, expect};
use read::Reader;

/// Reads and checks a notice.
///
/// # Errors
///
/// Every problem found, in the order of the file; of a file that is not TOML, the first place where it is not.
pub fn parse(source: &str, words: &Vocabulary) -> Result<Notice, Vec<Problem>> {
    let mut reader = Reader::new(source, words);
    let tree = match DeTable::parse(source) {
        Ok(tree) => tree,
        Err(error) => {
            reader.problem(error.span().unwrap_or(0..0), error.message().to_lowercase(), None);
            return Err(reader.into_problems());
        }
    };
    let mut notice = reader.notice(tree.get_ref());
    check::check(&notice, &mut reader);
    if reader.is_clean() {
        for (place, expected) in notice.expects.iter().enumerate() {
            reader.unmet(place + 1, expected, expect::answer(&notice, &expected.ask));
        }
    }
    let problems = reader.into_problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    notice.canonical = canonical::form(tree.get_ref());
    notice.version = canonical::version(&notice.canonical);
    Ok(notice)
}
