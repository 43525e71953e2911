//! The notice's own tests: questions in plain words, answered by the rules.

use jiff::civil::Date;

use crate::choice::Shown;
use crate::notice::{HoldData, HoldEnd, Notice, Retain};
use crate::spell;
use crate::time::due_day;

/// An answer, or what is wrong with the question and what to do about it.
pub(crate) type Answer = Result<String, (String, String)>;

/// The questions that can be asked.
const FORMS: &str = "ask \"when is LABEL erased, if EVENT on DATE\", \"is LABEL kept on DATE, if EVENT on DATE\" or \
                     \"who sees LABEL for PURPOSE\"";

/// An event that happened on a day.
type Fact<'a> = (&'a str, Date);

/// What becomes of a label.
enum End {
    On(Date),
    /// By a hold that none of the events ends.
    Held(String),
    Never,
}

/// The answer to one question.
pub(crate) fn answer(notice: &Notice, ask: &str) -> Answer {
    let (question, facts) = match ask.split_once(", if ") {
        Some((question, facts)) => (question, facts.split(" and ").map(|text| fact(notice, text)).collect()),
        None => (ask, Ok(Vec::new())),
    };
    let words: Vec<&str> = question.split(' ').collect();
    match words.as_slice() {
        ["when", "is" | "are", label, "erased"] => {
            let facts: Vec<Fact<'_>> = facts?;
            Ok(match end(notice, known_label(notice, label)?, &facts) {
                End::On(day) => day.to_string(),
                End::Held(hold) => format!("held by {hold}"),
                End::Never => "never".to_owned(),
            })
        }
        ["is" | "are", label, "kept", "on", day] => {
            let (day, facts) = (date(day)?, facts?);
            let kept = match end(notice, known_label(notice, label)?, &facts) {
                End::On(end) => day < end,
                End::Held(_) | End::Never => true,
            };
            Ok(if kept { "yes" } else { "no" }.to_owned())
        }
        ["who", "sees", label, "for", purpose] => who(notice, known_label(notice, label)?, purpose),
        _ => Err(("this question cannot be answered".to_owned(), FORMS.to_owned())),
    }
}

fn who(notice: &Notice, label: &str, purpose: &str) -> Answer {
    if notice.purpose(purpose).is_none() {
        let names = notice.purposes.iter().map(|purpose| purpose.name.as_str());
        return Err((format!("unknown purpose \"{purpose}\""), spell::help(purpose, names)));
    }
    let sights = notice.sights(label).into_iter().filter(|sight| sight.purposes.contains(&purpose));
    let names: Vec<String> = sights
        .map(|sight| match sight.shown {
            Shown::Whole => sight.role.to_owned(),
            mask => format!("{} ({mask})", sight.role),
        })
        .collect();
    Ok(if names.is_empty() { "nobody".to_owned() } else { names.join(", ") })
}

fn end(notice: &Notice, label: &str, facts: &[Fact<'_>]) -> End {
    let ends = notice
        .retains
        .iter()
        .flat_map(|rule| facts.iter().filter_map(|fact| end_by(rule, label, fact, facts)));
    let Some(mut day) = ends.min() else { return End::Never };
    // A hold may end within another, so look again after each.
    loop {
        let mut later = day;
        for (name, until) in holds_on(notice, label, day, facts) {
            let Some(until) = until else { return End::Held(name.to_owned()) };
            later = later.max(until);
        }
        if later == day {
            return End::On(day);
        }
        day = later;
    }
}

/// The day on which a rule erases a label, if this event starts it and no other stops it.
fn end_by(rule: &Retain, label: &str, (event, start): &Fact<'_>, facts: &[Fact<'_>]) -> Option<Date> {
    if rule.when != *event || !rule.erases(label) {
        return None;
    }
    let day = rule.after.or(rule.within).map_or(*start, |span| due_day(*start, &span));
    let stops = |(event, on): &Fact<'_>| rule.unless.as_deref() == Some(event) && start <= on && *on < day;
    (!facts.iter().any(stops)).then_some(day)
}

/// The holds that keep a label on a day, each with the day it ends, if any event ends it.
fn holds_on<'n>(
    notice: &'n Notice,
    label: &str,
    day: Date,
    facts: &[Fact<'_>],
) -> Vec<(&'n str, Option<Date>)> {
    let mut holds = Vec::new();
    for hold in &notice.holds {
        let covers = match &hold.data {
            HoldData::All => true,
            HoldData::Labels(labels) => labels.iter().any(|held| held == label),
        };
        for (_, from) in facts.iter().filter(|(event, from)| covers && *event == hold.from && *from <= day) {
            let until = match &hold.end {
                HoldEnd::Lasts(span) => Some(due_day(*from, span)),
                HoldEnd::Until(end) => {
                    facts.iter().filter(|(event, on)| event == end && on >= from).map(|(_, on)| *on).min()
                }
            };
            if until.is_none_or(|until| until > day) {
                holds.push((hold.name.as_str(), until));
            }
        }
    }
    holds
}

fn fact<'a>(notice: &Notice, text: &'a str) -> Result<Fact<'a>, (String, String)> {
    let (event, day) = text
        .split_once(" on ")
        .ok_or_else(|| (format!("\"{text}\" is not an event on a date"), FORMS.to_owned()))?;
    if !notice.words.events.iter().any(|known| known.name == event) {
        let names = notice.words.events.iter().map(|known| known.name);
        return Err((format!("unknown event \"{event}\""), spell::help(event, names)));
    }
    Ok((event, date(day)?))
}

fn known_label<'a>(notice: &Notice, label: &'a str) -> Result<&'a str, (String, String)> {
    if notice.data(label).is_some() {
        return Ok(label);
    }
    let labels = notice.data.iter().map(|data| data.label.as_str());
    Err((format!("unknown label \"{label}\""), spell::help(label, labels)))
}

fn date(text: &str) -> Result<Date, (String, String)> {
    text.parse().map_err(|_| (format!("\"{text}\" is not a date"), "write it as 2027-01-31".to_owned()))
}
