//! Who had which role when: what the trail of whoever works here says of each role given and ended, and the looks of some
//! people's trails replayed against it (`use-1`). The table of roles tells only who has one now.

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kept_keeper::{Deed, Event, Inspect, KeeperError};
use kept_vault::SubjectId;

/// How a last day is written: `3 March 2027`.
const DAY: &str = "%-d %B %Y";

/// How long after a role is over a request may still read that began within it.
const BEGUN: Duration = Duration::from_secs(60);

/// What the trail says of a role that is given, perhaps with a last day.
pub(crate) fn given(role: &str, last: Option<Date>) -> String {
    match last {
        Some(last) => format!("role {role} given until {}", last.strftime(DAY)),
        None => format!("role {role} given"),
    }
}

/// What the trail says of a role that is over.
pub(crate) fn ended(role: &str) -> String {
    format!("role {role} ended")
}

/// The looks in a role at some people's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    /// By somebody who had the role then.
    pub(crate) within: i64,
    /// By somebody who did not.
    pub(crate) without: i64,
    /// By somebody whose trail has been erased since, so that nothing tells any more.
    pub(crate) untold: i64,
}

/// Replays the roles of everybody who looked in a role. Whole trails are read for it, so it is done only when everything is.
pub(crate) fn replayed(inspect: &Inspect<'_, '_>, role: &str) -> Result<Looks, KeeperError> {
    let mut looks = Looks::default();
    if !inspect.reads_everything() {
        return Ok(looks);
    }
    let mut by: BTreeMap<SubjectId, Vec<Timestamp>> = BTreeMap::new();
    for look in inspect.looks_in(role)? {
        by.entry(look.by).or_default().push(look.at);
    }
    for (subject, moments) in by {
        let trail = inspect.trail_of(subject, |event| change(event, role).is_some())?;
        for at in moments {
            match &trail {
                None => looks.untold += 1,
                Some(trail) if had(trail, role, at) => looks.within += 1,
                Some(_) => looks.without += 1,
            }
        }
    }
    Ok(looks)
}

/// What an event says of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Given { until: Option<Timestamp> },
    Ended,
}

fn change(event: &Event, role: &str) -> Option<Change> {
    if event.deed != Deed::Wrote {
        return None;
    }
    match event.what.strip_prefix("role ")?.strip_prefix(role)? {
        " given" => Some(Change::Given { until: None }),
        " ended" => Some(Change::Ended),
        rest => {
            let last = Date::strptime(DAY, rest.strip_prefix(" given until ")?).ok()?;
            let end = last.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
            Some(Change::Given { until: Some(end.timestamp()) })
        }
    }
}

/// Whether somebody had a role at a moment, after their own trail. The newest event comes first.
fn had(trail: &[Event], role: &str, at: Timestamp) -> bool {
    let changes = trail.iter().filter_map(|event| Some((event.at, change(event, role)?)));
    let counts = |(moment, change): &(Timestamp, Change)| match change {
        Change::Given { .. } => *moment <= at,
        Change::Ended => *moment + BEGUN < at,
    };
    match changes.into_iter().find(counts) {
        Some((_, Change::Given { until })) => until.is_none_or(|until| at < until + BEGUN),
        Some((_, Change::Ended)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_had_from_its_giving_to_its_end() {
        // The newest first: until a day, and longer than that; then ended, given again without an end, and ended.
        let trail = [
            event("2027-09-01T12:00:00Z", ended("support")),
            event("2027-07-01T12:00:00Z", given("support", None)),
            event("2027-06-01T12:00:00Z", given("owner", None)),
            event("2027-04-01T00:00:30Z", ended("support")),
            event("2027-02-01T12:00:00Z", given("support", Some(day("2027-03-31")))),
            event("2027-01-01T12:00:00Z", given("support", Some(day("2027-02-15")))),
        ];
        for (at, yes) in [
            ("2026-12-31T12:00:00Z", false),
            ("2027-01-01T12:00:00Z", true),
            ("2027-02-20T12:00:00Z", true),
            ("2027-03-31T23:59:59Z", true),
            ("2027-04-01T00:02:00Z", false),
            ("2027-06-01T12:00:00Z", false),
            ("2027-07-01T12:00:00Z", true),
            ("2027-09-01T12:00:00Z", true),
            ("2027-09-01T12:02:00Z", false),
        ] {
            assert_eq!(had(&trail, "support", moment(at)), yes, "{at}");
        }
        assert!(!had(&trail, "owner", moment("2027-05-01T12:00:00Z")));
        assert!(had(&trail, "owner", moment("2027-12-01T12:00:00Z")), "another role's end is not its own");
        // A job that comes late does not lengthen a role.
        let late = [event("2027-01-01T12:00:00Z", given("support", Some(day("2027-02-15"))))];
        assert!(!had(&late, "support", moment("2027-02-16T09:00:00Z")));
        assert!(!had(
            &[event("2027-01-01T12:00:00Z", "role owner proposed".into())],
            "owner",
            moment("2027-02-01T12:00:00Z")
        ));
    }

    fn event(at: &str, what: String) -> Event {
        Event {
            at: moment(at),
            who: "person".into(),
            deed: Deed::Wrote,
            purpose: None,
            what,
            kinds: Vec::new(),
            because: None,
            notice: String::new(),
        }
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }
}
