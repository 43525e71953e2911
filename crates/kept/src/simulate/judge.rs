//! Holding the site against what the simulation knows of a person: nothing is left too long, nothing went too soon, what
//! happened is written down, and the account stands as it should.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kept_keeper::{Actor, Deed, Keeper, KeeperError, Look, time::to_millis};
use kept_notice::Notice;
use kept_store::params;
use kept_vault::{Kind, SubjectId};

use super::{
    outcome::{Finding, SimulateError},
    person::{Person, erases},
};

/// How many entries of a trail are read: more than anybody in a simulation gathers.
const TRAIL: i64 = 1000;

/// What the site holds about a person.
struct Held {
    kinds: BTreeSet<String>,
    documents: usize,
    /// Where they are signed in, and what devices are remembered.
    seats: usize,
    devices: usize,
    events: Vec<(String, i64)>,
    standing: Option<String>,
    trail: Vec<(Timestamp, Deed, String)>,
}

/// What is wrong about a person, if anything is. Works out anew what is gone by now.
pub(super) async fn judge(
    keeper: &Keeper,
    person: &mut Person,
    now: Timestamp,
) -> Result<Option<Finding>, SimulateError> {
    let policy = keeper.policy();
    let notice = &policy.notice;
    person.settle(notice, now)?;
    let subject = person.subject;
    let held = keeper.look(keeper.ctx(Actor::Person(subject)), move |look| read(look, subject)).await?;
    if let Some(found) = kinds(notice, person, &held, now)? {
        return Ok(Some(found));
    }
    if let Some(found) = seats(notice, person, &held, now)? {
        return Ok(Some(found));
    }
    if person.is_gone() {
        return Ok((!held.events.is_empty())
            .then(|| Finding::new(None, "everything was erased, yet what happened to them is still noted")));
    }
    if let Some(found) = events(notice, person, &held) {
        return Ok(Some(found));
    }
    Ok(standing(notice, person, &held, now)?.or_else(|| trail(person, &held)))
}

fn read(look: &Look<'_, '_>, subject: SubjectId) -> Result<Held, KeeperError> {
    let me = params![subject.as_bytes()];
    let mut kinds = BTreeSet::new();
    for row in look.sql().query("SELECT kind FROM keys WHERE subject = $1 AND record = ''", &me)? {
        kinds.insert(row.get(0)?);
    }
    let account = look.sql().query_opt("SELECT standing, expires FROM accounts WHERE subject = $1", &me)?;
    let standing: Option<String> = account.as_ref().map(|row| row.get(0)).transpose()?;
    let expires: Option<i64> = account.map(|row| row.get(1)).transpose()?.flatten();
    kinds.extend(standing.iter().map(|_| Kind::ACCOUNT.term().to_owned()));
    kinds.extend(expires.iter().map(|_| Kind::MEMBERSHIP.term().to_owned()));
    let count = |table: &str| -> Result<usize, KeeperError> {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE subject = $1");
        let found: i64 = look.sql().query_one(&sql, &me)?.get(0)?;
        Ok(usize::try_from(found).unwrap_or(usize::MAX))
    };
    for (table, kind) in
        [("credits", Kind::PROFESSIONAL_TRAINING), ("standings", Kind::PROFESSIONAL_CERTIFICATION)]
    {
        if count(table)? > 0 {
            kinds.insert(kind.term().into());
        }
    }
    let (documents, seats, devices) = (count("documents")?, count("sessions")?, count("devices")?);
    let rows =
        look.sql().query("SELECT event, at FROM happenings WHERE subject = $1 AND record = ''", &me)?;
    let events = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect::<Result<_, KeeperError>>()?;
    let trail = look.trail(TRAIL)?;
    let trail = trail.into_iter().map(|entry| (entry.event.at, entry.event.deed, entry.event.what));
    Ok(Held { kinds, documents, seats, devices, events, standing, trail: trail.collect() })
}

/// Every kind is there as long as it should be, and no longer.
fn kinds(
    notice: &Notice,
    person: &Person,
    held: &Held,
    now: Timestamp,
) -> Result<Option<Finding>, SimulateError> {
    for kind in &person.given {
        let there = held.kinds.contains(kind.term());
        if there != person.gone.contains(kind) {
            continue;
        }
        let rule = person.erased_by(notice, *kind, now)?;
        if there {
            let rule = rule.map(|rule| rule.rule.id.as_str());
            return Ok(Some(Finding::new(rule, &format!("{kind} should be gone by now, and is still held"))));
        }
        if let Some(hold) = person.held_by(notice, *kind, now)? {
            let text = format!("{kind} is gone, although a hold keeps it");
            return Ok(Some(Finding::new(Some(&hold.rule.id), &text)));
        }
        let to_come = notice
            .retains
            .iter()
            .find(|rule| erases(notice, rule, *kind) && person.events.contains_key(rule.when.as_str()));
        let text = format!("{kind} is gone before its time");
        return Ok(Some(Finding::new(to_come.map(|rule| rule.rule.id.as_str()), &text)));
    }
    Ok(None)
}

/// Each document is there as long as its own clock says, and whoever is signed in somewhere is so as long as the notice says.
fn seats(
    notice: &Notice,
    person: &Person,
    held: &Held,
    now: Timestamp,
) -> Result<Option<Finding>, SimulateError> {
    let mut open = 0;
    for seat in &person.seats {
        open += usize::from(seat.is_open(notice, now)?);
    }
    let known = person.seats.iter().filter(|seat| seat.is_known(now)).count();
    for (rule, what, there, should) in [
        ("retain.documents", "documents", held.documents, person.papers.count()),
        ("session", "sessions", held.seats, open),
        ("session", "remembered devices", held.devices, known),
    ] {
        if there != should {
            let text = format!("{what} there: {there}, and should be {should}");
            return Ok(Some(Finding::new(Some(rule), &text)));
        }
    }
    Ok(None)
}

/// Everything that happened to them is noted, at its moment: clocks count from it.
fn events(notice: &Notice, person: &Person, held: &Held) -> Option<Finding> {
    for (event, at) in &person.events {
        if !held.events.iter().any(|(name, when)| (name.as_str(), *when) == (*event, to_millis(*at))) {
            let rule = notice.retains.iter().find(|rule| rule.when == *event);
            let text = format!("{event} happened and was not written down");
            return Some(Finding::new(rule.map(|rule| rule.rule.id.as_str()), &text));
        }
    }
    let more = held.events.iter().find(|(name, _)| !person.events.contains_key(name.as_str()));
    more.map(|(name, _)| Finding::new(None, &format!("{name} was written down and never happened")))
}

/// The account stands as the notice and what its owner did have it.
fn standing(
    notice: &Notice,
    person: &Person,
    held: &Held,
    now: Timestamp,
) -> Result<Option<Finding>, SimulateError> {
    let Some(stands) = held.standing.as_deref() else { return Ok(None) };
    let (should, off) = person.standing(notice, now)?;
    let text = format!("the account is {stands} and should be {should}");
    Ok((stands != should).then(|| Finding::new(off.map(|rule| rule.rule.id.as_str()), &text)))
}

/// Whatever was done is on the trail, as long as there is one.
fn trail(person: &Person, held: &Held) -> Option<Finding> {
    if person.gone.contains(&Kind::TRAIL) {
        return None;
    }
    let missing = person.trail.iter().find(|(at, deed, what)| {
        !held.trail.iter().any(|(when, did, of)| (when, did, of.as_str()) == (at, deed, *what))
    });
    missing.map(|(at, _, what)| Finding::new(None, &format!("no event of {at} on the trail: {what}")))
}
