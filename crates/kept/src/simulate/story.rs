//! The history of one person: what the simulation had them do, and what the database has of it: what happened when, what
//! was due, what holds. No personal data.

use jiff::Timestamp;
use kept_keeper::{Keeper, KeeperError, time::from_millis};
use kept_store::{Read, params};
use kept_vault::SubjectId;
use serde::Serialize;

use super::person::Person;

/// The history of somebody concerned, under their random id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The random id.
    pub subject: String,
    /// What happened, was done or is due, in order of time.
    pub lines: Vec<(Timestamp, String)>,
}

pub(super) async fn tell(keeper: &Keeper, person: &Person) -> Result<Story, KeeperError> {
    let subject = person.subject;
    let mut lines = keeper.store().scan(move |read| lines(read, subject)).await?;
    lines.extend(person.trail.iter().map(|(at, _, what)| (*at, format!("simulated: {what}"))));
    lines.sort();
    Ok(Story { subject: subject.to_string(), lines })
}

fn lines(read: &Read<'_>, subject: SubjectId) -> Result<Vec<(Timestamp, String)>, KeeperError> {
    let me = params![subject.as_bytes()];
    let mut lines = Vec::new();
    let happened = "SELECT at, event, record FROM happenings WHERE subject = $1";
    for row in read.query(happened, &me)? {
        let of = if row.get::<String>(2)?.is_empty() { "" } else { " (to a single record)" };
        lines.push((from_millis(row.get(0)?)?, format!("happened: {}{of}", row.get::<String>(1)?)));
    }
    let duties = "SELECT due, action, rule, state FROM duties WHERE subject = $1";
    for row in read.query(duties, &me)? {
        let (action, rule, state): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        lines.push((from_millis(row.get(0)?)?, format!("due: {action} by {rule}: {state}")));
    }
    for row in read.query("SELECT since, hold, until FROM holds WHERE subject = $1", &me)? {
        let until = match row.get::<Option<i64>>(2)? {
            Some(until) => format!(" until {}", from_millis(until)?),
            None => String::new(),
        };
        lines.push((from_millis(row.get(0)?)?, format!("held: {}{until}", row.get::<String>(1)?)));
    }
    Ok(lines)
}
