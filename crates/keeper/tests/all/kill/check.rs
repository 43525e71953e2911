//! What must be so of a site whose server was killed, whenever that was.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use kept_keeper::{Actor, Deed, Entry, Keeper, KeeperError, Look};
use kept_ledger::{Frontier, Hash, proof};
use kept_store::{Row, StoreError, params};
use kept_vault::SubjectId;

use super::model::{Model, Person};
use crate::{club::BY_EMAIL, site::OWNER};

/// What was seen at the last start, and must have grown or gone in order since.
#[derive(Default)]
pub(crate) struct Seen {
    keys: BTreeSet<(String, String)>,
    /// The ledger's size and root.
    ledger: Option<(u64, Hash)>,
}

/// Rows that would be half of something. Each query counts them.
const HALVES: &[(&str, &str)] = &[
    (
        "a part without its key",
        "SELECT COUNT(*) FROM vault WHERE NOT EXISTS \
         (SELECT 1 FROM keys WHERE keys.subject = vault.subject AND keys.key = vault.key)",
    ),
    (
        "a key that seals nothing",
        "SELECT COUNT(*) FROM keys WHERE NOT EXISTS \
         (SELECT 1 FROM vault WHERE vault.subject = keys.subject AND vault.key = keys.key) \
         AND NOT EXISTS (SELECT 1 FROM trail WHERE trail.subject = keys.subject AND keys.kind = 'kept:Trail')",
    ),
    (
        "an event without its key",
        "SELECT COUNT(*) FROM trail WHERE NOT EXISTS \
         (SELECT 1 FROM keys WHERE keys.subject = trail.subject AND keys.kind = 'kept:Trail')",
    ),
    (
        "an event without its leaf",
        "SELECT COUNT(*) FROM trail WHERE NOT EXISTS \
         (SELECT 1 FROM ledger WHERE ledger.position = trail.position)",
    ),
    (
        "a deed without its leaf",
        "SELECT COUNT(*) FROM deeds WHERE NOT EXISTS \
         (SELECT 1 FROM ledger WHERE ledger.position = deeds.position)",
    ),
    (
        "an address in the index without its key",
        "SELECT COUNT(*) FROM lookups WHERE NOT EXISTS \
         (SELECT 1 FROM keys WHERE keys.subject = lookups.subject AND keys.kind = lookups.kind)",
    ),
    (
        "an address that is not in the index",
        "SELECT COUNT(*) FROM keys WHERE kind IN ('pd:EmailAddress', 'pd:Name') AND NOT EXISTS \
         (SELECT 1 FROM lookups WHERE lookups.subject = keys.subject AND lookups.kind = keys.kind)",
    ),
    (
        "a letter without its text",
        "SELECT COUNT(*) FROM outbox WHERE NOT EXISTS \
         (SELECT 1 FROM vault WHERE vault.subject = outbox.subject AND vault.record = outbox.record)",
    ),
    (
        "a letter that will never be sent",
        "SELECT COUNT(*) FROM vault WHERE record LIKE 'mail/%' AND NOT EXISTS \
         (SELECT 1 FROM outbox WHERE outbox.subject = vault.subject AND outbox.record = vault.record)",
    ),
    (
        "a letter without its clock",
        "SELECT COUNT(*) FROM outbox WHERE NOT EXISTS \
         (SELECT 1 FROM duties WHERE duties.subject = outbox.subject AND duties.record = outbox.record)",
    ),
    (
        "a member without a badge",
        "SELECT COUNT(*) FROM members WHERE NOT EXISTS \
         (SELECT 1 FROM vault WHERE vault.subject = members.subject AND vault.record = 'badge')",
    ),
    (
        "a clock of nobody",
        "SELECT COUNT(*) FROM duties WHERE NOT EXISTS (SELECT 1 FROM keys WHERE keys.subject = duties.subject)",
    ),
];

/// Everything that must be so before anything else is done.
pub(crate) async fn whole(
    keeper: &Keeper,
    folder: &Path,
    model: &mut Model,
    seen: &mut Seen,
    dice: u64,
) -> Result<(), String> {
    if let Some(bad) = model.bad.first() {
        return Err(bad.clone());
    }
    for (what, sql) in HALVES {
        let found: i64 = rows(keeper, sql).await[0].get(0).unwrap();
        ensure(found == 0, || format!("{what}: {found}"))?;
    }
    ledger(keeper, folder, seen, dice).await?;
    keys(keeper, folder, seen).await?;
    for name in std::mem::take(&mut model.touched) {
        let Some(person) = model.people.get_mut(&name) else { continue };
        is_as_told(keeper, &name, person).await?;
        if person.subject.is_none() {
            model.people.remove(&name);
        }
    }
    Ok(())
}

/// Positions are dense, the edge is what the leaves give, and all is a continuation of what was there before.
async fn ledger(keeper: &Keeper, folder: &Path, seen: &mut Seen, dice: u64) -> Result<(), String> {
    let rows_of = rows(keeper, "SELECT position, leaf FROM ledger ORDER BY position").await;
    let leaves: Vec<Hash> = rows_of.iter().map(|row| row.get(1).unwrap()).collect();
    let dense = (0_i64..).zip(&rows_of).all(|(place, row)| row.get(0) == Ok(place));
    ensure(dense, || "a position of the ledger is missing or there twice".into())?;
    let edge: Vec<u8> = rows(keeper, "SELECT edge FROM ledger_edge").await[0].get(0).unwrap();
    let edge = Frontier::from_bytes(&edge).unwrap();
    let (size, root) = (u64::try_from(leaves.len()).unwrap(), kept_ledger::root(leaves.iter().copied()));
    ensure((edge.size(), edge.root()) == (size, root), || "the edge is not what the leaves give".into())?;

    let note = fs::read_to_string(folder.join("ledger/checkpoint")).ok();
    let published = note.map(|note| kept_ledger::verify(&note, &keeper.verifier_key()).unwrap());
    let published = published.map(|checkpoint| (checkpoint.size, checkpoint.root));
    for (old, old_root) in seen.ledger.into_iter().chain(published) {
        let path = proof::consistency(&leaves, old);
        let grown = path.is_some_and(|path| proof::verify_consistency(old, &old_root, size, &root, &path));
        ensure(grown, || format!("the ledger of {size} leaves does not continue the one of {old}"))?;
    }
    let position = dice % size;
    let path = proof::inclusion(&leaves, position).unwrap();
    let leaf = &leaves[usize::try_from(position).unwrap()];
    let included = proof::verify_inclusion(leaf, position, size, &path, &root);
    ensure(included, || format!("leaf {position} of {size} is not proven"))?;
    seen.ledger = Some((size, root));
    Ok(())
}

/// No key goes without its tombstone, and none that has one comes back.
async fn keys(keeper: &Keeper, folder: &Path, seen: &mut Seen) -> Result<(), String> {
    let rows_of = rows(keeper, "SELECT subject, key, kind, record FROM keys").await;
    let id = |row: &Row, index| SubjectId::from_bytes(row.get(index).unwrap()).to_string();
    let keys: BTreeSet<_> = rows_of.iter().map(|row| (id(row, 0), id(row, 1))).collect();
    let buried = tombstones(folder);
    let vanished = seen.keys.difference(&keys).find(|key| !buried.contains(*key));
    ensure(vanished.is_none(), || "a key is gone without a tombstone".into())?;
    let begun = rows(keeper, "SELECT subject FROM duties WHERE state = 'begun'").await;
    let begun: BTreeSet<_> = begun.iter().map(|row| id(row, 0)).collect();
    let back = keys.intersection(&buried).find(|(subject, _)| !begun.contains(subject));
    ensure(back.is_none(), || "a key is there that has a tombstone".into())?;
    seen.keys = keys;
    Ok(())
}

/// Subject and key of each tombstone. A line that a crash cut short says nothing.
fn tombstones(folder: &Path) -> BTreeSet<(String, String)> {
    let log = fs::read_to_string(folder.join("tombstones")).unwrap_or_default();
    let fields = log.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let whole = fields.filter(|fields| fields.len() == 3 && fields[2].len() == 32);
    whole.map(|fields| (fields[1].to_owned(), fields[2].to_owned())).collect()
}

/// What was answered about a person is there once; what was begun is there once or not at all.
async fn is_as_told(keeper: &Keeper, name: &str, person: &mut Person) -> Result<(), String> {
    let email = format!("{name}@example.test");
    let found = look(keeper, Actor::System, move |look| look.find(BY_EMAIL, &email)).await;
    let Some(subject) = person.subject.or(found) else { return Ok(()) };
    ensure(!person.never, || format!("{name} was refused and is there all the same"))?;
    person.subject = Some(subject);
    let me = params![subject.as_bytes()].to_vec();
    let ask = |sql: &'static str| {
        let me = me.clone();
        async move { query(keeper, sql, me).await }
    };
    let left = ask("SELECT at FROM happenings WHERE subject = $1 AND event = 'member.left'").await;
    let left: Option<i64> = left.first().map(|row| row.get(0).unwrap());
    let told = person.left.map(|at| at.as_millisecond());
    ensure(left.is_none() || left == told, || format!("{name} left, and nobody said so"))?;
    let now = keeper.now();
    if let Some(at) = person.left.filter(|at| left.is_some() || after(*at, 18) <= now) {
        person.surely_left = true;
        // From here on things go, and the deeds say whether they went once.
        if after(at, 6) <= now {
            return Ok(());
        }
    } else {
        ensure(!person.surely_left, || format!("{name} left, and it is not there"))?;
        person.left = None;
    }
    ensure(found == Some(subject), || format!("{name} cannot be found"))?;

    let row = ask(
        "SELECT rung, (SELECT COUNT(*) FROM walks WHERE walks.subject = $1) FROM members WHERE subject = $1",
    );
    let row = row.await;
    let row = row.first().ok_or_else(|| format!("{name} is no member"))?;
    let (rung, walks): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
    person.steps.look(usize::try_from(rung).unwrap(), &format!("steps of {name}"))?;
    let held = look(keeper, Actor::Person(subject), |look| look.holdings()).await;
    let badge = held.iter().any(|holding| holding.values == [format!("W-{rung}")]);
    let revision = "SELECT revision FROM vault WHERE subject = $1 AND record = 'badge'";
    let revision: i64 = ask(revision).await[0].get(0).unwrap();
    ensure((walks, revision, badge) == (rung, rung + 1, true), || format!("a step of {name} is half done"))?;

    let trail = look(keeper, Actor::Person(subject), |look| look.trail(100_000)).await;
    let events = |deed, what| events(&trail, deed, what);
    ensure(events(Deed::Wrote, "badge") == person.steps.answered + 1, || {
        format!("a step of {name} has no event or two")
    })?;
    ensure(events(Deed::Wrote, "profile") == 1, || format!("{name} joined without an event or twice"))?;
    person.letters.look(events(Deed::Messaged, "test"), &format!("letters to {name}"))?;
    person.cards.look(events(Deed::Read, "card"), &format!("looks at {name}"))?;
    person.reads.look(events(Deed::Read, "own"), &format!("reads by {name}"))
}

fn events(trail: &[Entry], deed: Deed, what: &str) -> usize {
    trail.iter().filter(|entry| entry.event.deed == deed && entry.event.what == what).count()
}

/// Does what is due, and sees that each duty was done, once, by whichever server.
pub(crate) async fn duties(keeper: &Keeper, model: &Model) -> Result<(), String> {
    loop {
        let swept = keeper.sweep().await.map_err(|cause| cause.to_string())?;
        ensure(swept.failed == 0, || format!("{} duties cannot be resumed", swept.failed))?;
        match swept.paused {
            Some(_) => keeper.release_brake(OWNER).await.unwrap(),
            None => break,
        }
    }
    let mut expected = BTreeMap::new();
    for left in model.people.values().filter(|person| person.surely_left).filter_map(|person| person.left) {
        for (rule, action, due) in [
            ("retain.closed", "disable", left + 24.hours()),
            ("retain.lapsed", "warn P30D", after(left, 6) - (30 * 24).hours()),
            ("retain.lapsed", "erase", after(left, 6)),
            ("retain.trail", "erase", after(left, 12)),
            ("retain.credits", "erase", after(left, 24)),
        ] {
            if due <= keeper.now() {
                *expected
                    .entry((rule.to_owned(), action.to_owned(), left.as_millisecond()))
                    .or_insert(0_i64) += 1;
            }
        }
    }
    let deeds = "SELECT rule, action, started, COUNT(*) FROM deeds WHERE rule <> 'retain.mail' \
                 GROUP BY rule, action, started";
    let deed =
        |row: &Row| ((row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap()), row.get(3).unwrap());
    let deeds: BTreeMap<(String, String, i64), i64> = rows(keeper, deeds).await.iter().map(deed).collect();
    let twice = deeds.iter().find(|(deed, times)| expected.get(*deed).is_none_or(|due| due < *times));
    ensure(twice.is_none(), || format!("done twice, or not due: {:?}", twice.unwrap()))?;
    let undone = expected.iter().find(|(deed, due)| deeds.get(*deed).is_none_or(|times| times < *due));
    ensure(undone.is_none(), || format!("due and not done: {:?}", undone.unwrap()))?;

    let report = keeper.prove().await.map_err(|cause| cause.to_string())?;
    let broken: Vec<String> =
        report.broken().map(|promise| format!("{}: {}", promise.id, promise.detail)).collect();
    ensure(broken.is_empty(), || format!("broken: {broken:?}"))
}

/// So many months later, by the calendar.
fn after(at: Timestamp, months: i64) -> Timestamp {
    (at.to_zoned(TimeZone::UTC) + months.months()).timestamp()
}

fn ensure(so: bool, else_: impl FnOnce() -> String) -> Result<(), String> {
    if so { Ok(()) } else { Err(else_()) }
}

async fn rows(keeper: &Keeper, sql: &'static str) -> Vec<Row> {
    query(keeper, sql, Vec::new()).await
}

async fn query(keeper: &Keeper, sql: &'static str, values: Vec<kept_store::Value>) -> Vec<Row> {
    let rows = keeper.store().scan(move |read| read.query(sql, &values)).await;
    rows.map_err(|error: StoreError| error).unwrap()
}

async fn look<T: Send + 'static>(
    keeper: &Keeper,
    actor: Actor,
    mut work: impl FnMut(&mut Look<'_, '_>) -> Result<T, KeeperError> + Send + 'static,
) -> T {
    keeper.look(keeper.ctx(actor), move |look| work(look)).await.unwrap()
}
