//! Words that several pages share.

use kept_keeper::{Coming, Policy, time::day};
use kept_notice::terms;

/// Why something is read, in the notice's words or, where the notice has none, in those of the term.
pub(crate) fn purpose(policy: &Policy, term: &str) -> String {
    let said = policy.notice.purposes.iter().find(|purpose| purpose.is.id == term);
    let said = said.map(|purpose| format!("to {}", purpose.says));
    said.unwrap_or_else(|| terms::find(term).map_or(term, |term| term.label).to_owned())
}

/// The beginning of a notice's version, enough to tell versions apart by eye.
pub(crate) fn short(version: &str) -> String {
    version.chars().take(12).collect()
}

/// The day from which a coming notice binds, as far as it is known: never earlier than the day that it names.
pub(crate) fn starts(coming: &Coming) -> String {
    let says = coming.policy.notice.effective;
    let day = coming.from.map_or(says, day).max(says);
    day.strftime("%-d %B %Y").to_string()
}
