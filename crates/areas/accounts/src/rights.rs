//! Proving what people can do about their data by themselves: correct it (`rgt-2`) and have it erased (`rgt-3`). Both checks
//! look at what came of it when somebody did.

use std::collections::BTreeSet;

use kept_keeper::{Finding, GRACE, Inspect, KeeperError, Policy, Record, View, time::to_millis};
use kept_notice::{Retain, Verdict, words::counted};
use kept_store::params;
use kept_vault::Kind;

use crate::{
    AREA,
    account::corrected,
    closing::{CLOSED, CLOSING},
    downloads::Machines,
    licence::Licence,
    members::Standing,
    records::{Addresses, Credential, MyProfile, NewAddress, Profile},
};

/// `rgt-2`: whatever a form has asked of people, a page takes the correction of; and what they corrected is what is held,
/// as the record of who did what says.
pub(crate) fn rectify(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let policy = inspect.policy;
    if let Verdict::Refused { reason } = policy.verdict(&MyProfile::SPEC) {
        return Ok(Finding::broken(1, format!("the page is off: {reason}")));
    }
    let asked = asked_for(policy);
    let fixed = uncorrectable(&asked, &corrected(policy));
    if !fixed.is_empty() {
        let fixed = fixed.join(", ");
        return Ok(Finding::broken(1, format!("asked for, and no page takes a correction of it: {fixed}")));
    }
    let found = inspect.written(CORRECTED)?;
    if found.lost > 0 {
        let detail = format!("corrected, and older details are held: {}", found.lost);
        return Ok(Finding::broken(found.lost, detail));
    }
    if found.unrecorded > 0 {
        let detail = format!("changed without an entry in the record of who did what: {}", found.unrecorded);
        return Ok(Finding::broken(found.unrecorded, detail));
    }
    Ok(Finding::kept(
        found.parts,
        format!(
            "{} kinds of detail can be corrected; gone over as a test: {}, with {}, each as the record of who did what \
             says",
            asked.len(),
            counted(found.parts, "detail", "details"),
            counted(found.again, "correction", "corrections")
        ),
    ))
}

/// What people correct on pages of their own, with the kinds that each always has.
const CORRECTED: &[(&str, &[Kind])] = &[
    (Profile::NAME, &[Kind::NAME, Kind::EMAIL_ADDRESS]),
    (Credential::NAME, &[]),
    (Addresses::NAME, &[]),
    (NewAddress::NAME, &[]),
    (Licence::NAME, &[]),
    (Machines::NAME, &[]),
];

/// The kinds that the notice's forms ask people for.
fn asked_for(policy: &Policy) -> BTreeSet<&'static str> {
    let labels = policy
        .notice
        .forms
        .iter()
        .flat_map(|form| form.required.iter().chain(form.voluntary.iter().map(|(label, _)| label)));
    let terms: BTreeSet<&str> = labels.flat_map(|label| policy.notice.kinds_of(label)).collect();
    let spec = AREA.forms.iter().flat_map(|form| form.kinds).map(|(kind, _)| kind.term());
    spec.filter(|term| terms.contains(term)).collect()
}

fn uncorrectable(asked: &BTreeSet<&'static str>, corrected: &[Kind]) -> Vec<&'static str> {
    asked.iter().copied().filter(|term| !corrected.iter().any(|kind| kind.term() == *term)).collect()
}

/// `rgt-3`: the notice has a rule that erases from the day on which somebody asks, and what it is silent about is named.
/// Whoever asked has its date before them, and whoever did not want to wait is out.
pub(crate) fn erase(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let notice = &inspect.policy.notice;
    let labels: BTreeSet<&String> =
        notice.erased_from(CLOSING).filter_map(Retain::erased).flatten().collect();
    let mut dateless = 0;
    for rule in notice.erased_from(CLOSING).chain(notice.erased_from(CLOSED)) {
        dateless += without_a_date(inspect, rule)?;
    }
    if dateless > 0 {
        return Ok(Finding::broken(dateless, format!("asked for, and no date runs: {dateless}")));
    }
    let open = inspect.count(
        "SELECT COUNT(*) FROM happenings WHERE event = $1 AND (EXISTS (SELECT 1 FROM sessions \
         WHERE sessions.subject = happenings.subject AND sessions.ends > $2) OR EXISTS (SELECT 1 FROM accounts \
         WHERE accounts.subject = happenings.subject AND accounts.standing <> $3))",
        &params![CLOSED, to_millis(inspect.now), Standing::Closed.word()],
    )?;
    if open > 0 {
        return Ok(Finding::broken(open, format!("closed at once, and still open: {open}")));
    }
    let stays: Vec<&str> = notice
        .data
        .iter()
        .map(|data| data.label.as_str())
        .filter(|label| !labels.iter().any(|l| l == label))
        .collect();
    let erased = i64::try_from(labels.len()).unwrap_or(i64::MAX);
    let stays =
        if stays.is_empty() { "nothing stays".into() } else { format!("what stays: {}", stays.join(", ")) };
    let asked = inspect.count("SELECT COUNT(*) FROM happenings WHERE event = $1", &params![CLOSING])?;
    let asked = match asked {
        0 => "nobody has asked for it".into(),
        some => {
            let people = counted(some, "person has asked for it", "people have asked for it");
            format!("{people}, and the date runs or it was taken back")
        }
    };
    Ok(Finding::kept(erased, format!("closing an account erases {erased} sorts of data; {stays}; {asked}")))
}

/// Of whom no duty of a rule has come of what they asked for, although they have not taken it back. Clocks are carried over
/// to another notice by the sweep after it binds.
fn without_a_date(inspect: &Inspect<'_, '_>, rule: &Retain) -> Result<i64, KeeperError> {
    let since = inspect.policy.since;
    let from = if inspect.now < since + GRACE { to_millis(since) } else { i64::MIN };
    inspect.count(
        "SELECT COUNT(*) FROM happenings h WHERE h.event = $1 AND h.at >= $2 AND NOT EXISTS (SELECT 1 FROM happenings u \
         WHERE u.subject = h.subject AND u.event = $3 AND u.at >= h.at) AND NOT EXISTS (SELECT 1 FROM duties d \
         WHERE d.subject = h.subject AND (d.rule = $4 OR d.rule LIKE $5) AND d.action = 'erase' AND d.started = h.at)",
        &params![
            &rule.when,
            from,
            rule.unless.as_deref().unwrap_or_default(),
            &rule.rule.id,
            format!("{}@%", rule.rule.id)
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// rgt-2: a form that asks for what no page corrects is found.
    #[test]
    fn what_cannot_be_corrected_is_named() {
        let asked = BTreeSet::from([Kind::NAME.term(), Kind::TELEPHONE_NUMBER.term()]);
        assert_eq!(uncorrectable(&asked, &[Kind::NAME, Kind::TELEPHONE_NUMBER]), Vec::<&str>::new());
        assert_eq!(uncorrectable(&asked, &[Kind::NAME]), [Kind::TELEPHONE_NUMBER.term()]);
    }
}
