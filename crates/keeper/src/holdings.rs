//! "My data": what is held about a person, why, until when, and where it came from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kept_store::{Read, params};
use kept_vault::{Kind, Source, SubjectId};
use serde_json::Value as Json;

use crate::{
    duty::{COLUMNS, Duty},
    erase,
    error::KeeperError,
    keeper::House,
    policy::{Policy, rule_of},
    registry::{holds_any, kinds_of},
    sealed::Vault,
    time::to_millis,
};

/// Kinds that are shown to nobody: not even the person has a use for the hash of a password.
pub(crate) const SECRET: &[Kind] = &[Kind::PASSWORD, Kind::AUTHENTICATING];

#[derive(Default)]
struct Found {
    count: usize,
    values: Vec<String>,
    sources: Vec<Source>,
}

/// One kind of data that is held about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The kind.
    pub kind: Kind,
    /// The notice's plain word for it.
    pub label: &'static str,
    /// How many records or rows hold it.
    pub count: usize,
    /// What it says, field by field; nothing for what is kept as a secret even from the person.
    pub values: Vec<String>,
    /// Where it came from.
    pub sources: Vec<Source>,
    /// Why: the purposes of the notice that use it, as it says them.
    pub why: Vec<String>,
    /// Until when.
    pub until: Vec<Until>,
    /// The ids of holds that keep it for now, past any date.
    pub held_by: Vec<String>,
}

/// When a kind ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// The clock runs: erased on or after this day.
    Date {
        /// The moment.
        when: Timestamp,
        /// The rule.
        rule: String,
    },
    /// The clock has not started: the sentence says when it will.
    Sentence {
        /// The sentence.
        text: String,
        /// The rule.
        rule: String,
    },
}

/// Everything that is held about a subject, by kind.
pub(crate) fn of(
    house: &House,
    read: &Read<'_>,
    policy: &Policy,
    subject: SubjectId,
    now: Timestamp,
) -> Result<Vec<Holding>, KeeperError> {
    let mut found: BTreeMap<Kind, Found> = BTreeMap::new();
    for part in (Vault { ring: &house.ring }).parts(read, subject)? {
        let found = found.entry(part.kind).or_default();
        found.count += 1;
        if !found.sources.contains(&part.source) {
            found.sources.push(part.source);
        }
        if !SECRET.contains(&part.kind) {
            part.fields.into_iter().for_each(|(_, value)| show(value, &mut found.values));
        }
    }
    for table in house.registry.tables() {
        for kind in kinds_of(table) {
            let Some(held) = holds_any(table, &[kind]) else { continue };
            let sql = format!("SELECT COUNT(*) FROM {} WHERE subject = $1 AND {held}", table.name);
            let rows: i64 = read.query_one(&sql, &params![subject.as_bytes()])?.get(0)?;
            if rows > 0 {
                found.entry(kind).or_default().count += usize::try_from(rows).unwrap_or(usize::MAX);
            }
        }
    }
    let duties = erasures(read, subject)?;
    let holds = erase::active_holds(read, subject, to_millis(now))?;
    found
        .into_iter()
        .map(|(kind, Found { count, sources, values })| {
            Ok(Holding {
                kind,
                label: kept_notice::terms::find(kind.term()).map_or(kind.term(), |term| term.label),
                count,
                values,
                sources,
                why: why(policy, kind),
                until: until(policy, kind, &duties)?,
                held_by: holds
                    .iter()
                    .filter(|id| {
                        policy.notice.holds.iter().any(|h| h.rule.id == **id && h.covers(kind.term()))
                    })
                    .cloned()
                    .collect(),
            })
        })
        .collect()
}

/// Everything that a field says, whatever its shape: an address has parts of its own.
fn show(value: Json, values: &mut Vec<String>) {
    match value {
        Json::Null => {}
        Json::Bool(yes) => values.push(if yes { "yes" } else { "no" }.into()),
        Json::Number(number) => values.push(number.to_string()),
        Json::String(text) => values.push(text),
        Json::Array(items) => items.into_iter().for_each(|item| show(item, values)),
        Json::Object(fields) => fields.into_iter().for_each(|(_, field)| show(field, values)),
    }
}

fn erasures(read: &Read<'_>, subject: SubjectId) -> Result<Vec<Duty>, KeeperError> {
    let rows = read.query(
        &format!("SELECT {COLUMNS} FROM duties WHERE subject = $1 AND action = 'erase' AND state <> 'done'"),
        &params![subject.as_bytes()],
    )?;
    rows.iter().map(Duty::read).collect::<Result<_, _>>()
}

fn why(policy: &Policy, kind: Kind) -> Vec<String> {
    policy
        .notice
        .purposes
        .iter()
        .filter(|p| p.uses.iter().any(|label| policy.notice.kinds_of(label).any(|term| term == kind.term())))
        .map(|p| p.says.clone())
        .collect()
}

/// The dates of running clocks, the earliest first, then the sentences of those that could still begin.
fn until(policy: &Policy, kind: Kind, duties: &[Duty]) -> Result<Vec<Until>, KeeperError> {
    let mut ends = Vec::new();
    for duty in duties {
        if erase::kinds_of(policy, &duty.rule)?.contains(&kind) {
            ends.push(Until::Date { when: duty.due, rule: rule_of(&duty.rule).into() });
        }
    }
    ends.sort_by_key(|until| match until {
        Until::Date { when, .. } => Some(*when),
        Until::Sentence { .. } => None,
    });
    let runs = |rule: &str| duties.iter().any(|duty| rule_of(&duty.rule) == rule);
    for retain in policy.notice.retains.iter().filter(|retain| !runs(&retain.rule.id)) {
        let erases = erase::kinds_of(policy, &retain.rule.id).is_ok_and(|kinds| kinds.contains(&kind));
        if let (true, Some(sentence)) = (erases, policy.sentence(&retain.rule.id)) {
            ends.push(Until::Sentence { text: sentence.text.clone(), rule: sentence.id.clone() });
        }
    }
    Ok(ends)
}
