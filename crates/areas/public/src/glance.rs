//! The notice on one screen: a row for each of its own words for data.

use kept_keeper::Policy;
use kept_notice::{Data, RetainAction, Shown};

use crate::words::{self, Events};

/// What is held, why, until when and who sees it.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) why: Vec<Link>,
    pub(crate) until: Vec<Link>,
    /// The staff who see it; none if nobody does.
    pub(crate) who: Vec<Link>,
}

/// Words that lead to the sentence they come from.
#[derive(PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
}

/// One row per label of `[data]`, in the notice's order; neighbours of which all else is the same share one.
pub(crate) fn rows(policy: &Policy, events: &Events) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for data in &policy.notice.data {
        let what = words::plain(data);
        let (why, until, who) = (why(policy, data), until(policy, data, events), who(policy, data));
        match rows.last_mut() {
            Some(last) if last.why == why && last.until == until && last.who == who => {
                last.what = format!("{}, {what}", last.what);
            }
            _ => rows.push(Row { what: words::capital(&what), why, until, who }),
        }
    }
    rows
}

impl Link {
    /// A link to the sentence of a rule.
    pub(crate) fn to(rule: &str, text: impl Into<String>) -> Link {
        Link { href: format!("#{rule}"), text: text.into() }
    }
}

fn why(policy: &Policy, data: &Data) -> Vec<Link> {
    let purposes = policy.notice.purposes.iter().filter(|purpose| purpose.uses(&data.label));
    purposes.map(|purpose| Link::to(&purpose.rule.id, format!("to {}", purpose.says))).collect()
}

fn until(policy: &Policy, data: &Data, events: &Events) -> Vec<Link> {
    let erases = |action: &RetainAction| matches!(action, RetainAction::Erase { labels } if labels.contains(&data.label));
    let ends = policy.notice.retains.iter().filter(|rule| erases(&rule.action));
    ends.map(|rule| Link::to(&rule.rule.id, events.end_of(rule))).collect()
}

fn who(policy: &Policy, data: &Data) -> Vec<Link> {
    let seers = policy.notice.roles.iter().filter_map(|role| {
        let (_, shown) = role.sees.iter().find(|(label, _)| *label == data.label)?;
        let text = match shown {
            Shown::Whole => role.name.clone(),
            mask => format!("{} ({mask})", role.name),
        };
        Some(Link::to(&role.rule.id, text))
    });
    seers.collect()
}
