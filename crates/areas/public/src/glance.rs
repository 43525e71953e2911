//! The notice on one screen: a row for each of its own words for data.

use kept_keeper::Policy;
use kept_notice::{Data, Shown, words::capital};

/// What is held, why, until when and who sees it.
pub struct Row {
    /// The label in words.
    pub what: String,
    /// What it is used for: "to run your membership".
    pub why: Vec<String>,
    /// When each rule ends it: "6 months after your membership expires".
    pub until: Vec<String>,
    /// The staff who see it; none if nobody does.
    pub who: Vec<String>,
}

/// One row per label of `[data]`, in the notice's order; neighbours of which all else is the same share one.
pub fn rows(policy: &Policy) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for data in &policy.notice.data {
        let what = data.in_short();
        let (why, until, who) = (why(policy, data), until(policy, data), who(policy, data));
        match rows.last_mut() {
            Some(last) if last.why == why && last.until == until && last.who == who => {
                last.what = format!("{}, {what}", last.what);
            }
            _ => rows.push(Row { what: capital(&what), why, until, who }),
        }
    }
    rows
}

fn why(policy: &Policy, data: &Data) -> Vec<String> {
    let purposes = policy.notice.purposes.iter().filter(|purpose| purpose.uses(&data.label));
    purposes.map(|purpose| format!("to {}", purpose.says)).collect()
}

fn until(policy: &Policy, data: &Data) -> Vec<String> {
    let ends = policy.notice.retains.iter().filter(|rule| rule.erases(&data.label));
    ends.map(|rule| policy.notice.end_of(rule)).collect()
}

fn who(policy: &Policy, data: &Data) -> Vec<String> {
    let seers = policy.notice.roles.iter().filter_map(|role| {
        let (_, shown) = role.sees.iter().find(|(label, _)| *label == data.label)?;
        Some(match shown {
            Shown::Whole => role.name.clone(),
            mask => format!("{}, {mask}", role.name),
        })
    });
    seers.collect()
}
