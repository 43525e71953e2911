//! Erasing, in three steps that a crash may separate anywhere: the intent is committed, the tombstones are on disk,
//! then keys and rows go. Whatever is interrupted is begun again by the next sweep.

use std::collections::BTreeSet;

use kept_store::{Read, StoreError, Tx, Value, params};
use kept_vault::{KeyId, Kind, SubjectId};

use crate::{
    act::Act,
    area::Holds,
    ctx::Ctx,
    duty::{Duty, started_by},
    error::KeeperError,
    keeper::House,
    policy::Policy,
    registry::{self, Registry, holds_any},
    time::{from_millis, to_millis},
    trail::Deed,
};

/// An erasure that has begun: what goes, and what a hold keeps.
#[derive(Clone, Debug)]
pub(crate) struct Erasure {
    pub(crate) duty: Duty,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) held: Vec<Kind>,
    pub(crate) keys: Vec<KeyId>,
}

/// Step one: what the duty is to erase now, if it still stands. Commits the intent.
pub(crate) fn begin(tx: &Tx<'_>, ctx: &Ctx, duty: &Duty) -> Result<Option<Erasure>, KeeperError> {
    if !duty.begin(tx)? {
        return Ok(None);
    }
    let holds = active_holds(tx, duty.subject, to_millis(ctx.now))?;
    let held_by = |kind: &Kind| {
        holds
            .iter()
            .any(|id| ctx.policy.notice.holds.iter().any(|h| h.rule.id == *id && h.covers(kind.term())))
    };
    let (held, kinds): (Vec<Kind>, Vec<Kind>) =
        kinds_of(&ctx.policy, &duty.rule)?.into_iter().partition(held_by);
    let mut keys = Vec::new();
    let rows =
        tx.query("SELECT key, kind, record FROM keys WHERE subject = $1", &params![duty.subject.as_bytes()])?;
    for row in rows {
        let (kind, record): (String, String) = (row.get(1)?, row.get(2)?);
        let concerned = duty.record.is_empty() || duty.record == record;
        if concerned && kinds.iter().any(|erased| erased.term() == kind) {
            keys.push(KeyId::from_bytes(row.get(0)?));
        }
    }
    Ok(Some(Erasure { duty: duty.clone(), kinds, held, keys }))
}

/// Step three, after the tombstones: destroys the keys and takes the rows. Running it again changes nothing. Says
/// whether anything went.
pub(crate) fn finish(act: &mut Act<'_, '_>, house: &House, erasure: &Erasure) -> Result<bool, KeeperError> {
    let (tx, duty, subject) = (act.tx(), &erasure.duty, erasure.duty.subject);
    let held = !erasure.held.is_empty();
    if !duty.end(tx, held)? {
        return Ok(false);
    }
    act.destroys_keys(subject);
    let gone = take(tx, house, erasure)?;
    // What was all held back, or was taken before and is looked at again, is no erasure.
    if gone > 0 || !held {
        let position = act.note(subject, Deed::Erased, &duty.rule, &erasure.kinds, None)?;
        record_deed(tx, duty, position, to_millis(act.ctx.now))?;
    }
    if held {
        act.note(subject, Deed::Held, &duty.rule, &erasure.held, None)?;
    } else {
        start_anew(tx, act.ctx, duty)?;
    }
    forget_bookkeeping(tx, &house.registry, subject)?;
    Ok(gone > 0)
}

/// Destroys the keys and takes the rows; says how many.
fn take(tx: &Tx<'_>, house: &House, erasure: &Erasure) -> Result<u64, StoreError> {
    let (duty, subject) = (&erasure.duty, erasure.duty.subject);
    let mut statements = Vec::new();
    for keys in erasure.keys.chunks(MOST) {
        let (list, named) = list(subject, keys);
        for table in ["keys", "vault", "blobs"] {
            let sql = format!("DELETE FROM {table} WHERE subject = $1 AND key IN ({list})");
            statements.push((sql, named.clone()));
        }
    }
    if duty.record.is_empty() && !erasure.kinds.is_empty() {
        let terms = erasure.kinds.iter().map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ");
        let sql = format!("DELETE FROM lookups WHERE subject = $1 AND kind IN ({terms})");
        statements.push((sql, params![subject.as_bytes()].into()));
    }
    for table in house.registry.tables() {
        for (_, sql) in table.erase.iter().filter(|(kind, _)| erasure.kinds.contains(kind)) {
            statements.push(((*sql).to_owned(), params![subject.as_bytes()].into()));
        }
    }
    tx.execute_all(&statements)
}

/// The most keys that one statement destroys.
const MOST: usize = 16;

/// Placeholders for keys and what they stand for, after the subject. The last key is named again up to a power of two,
/// so that a handful of prepared statements serve all.
fn list(subject: SubjectId, keys: &[KeyId]) -> (String, Vec<Value>) {
    let count = keys.len().next_power_of_two();
    let named = keys.iter().chain(std::iter::repeat(keys.last()).flatten()).take(count);
    let values = std::iter::once(subject.as_bytes()).chain(named.map(KeyId::as_bytes));
    let list: Vec<String> = (2..count + 2).map(|number| format!("${number}")).collect();
    (list.join(", "), values.map(|id| Value::from(&id[..])).collect())
}

/// The event happened anew while the erasure was under way: its clock starts now that it is over.
fn start_anew(tx: &Tx<'_>, ctx: &Ctx, duty: &Duty) -> Result<(), KeeperError> {
    let row = tx.query_opt(
        "SELECT at FROM happenings WHERE subject = $1 AND event = $2 AND record = $3 AND at > $4",
        &params![duty.subject.as_bytes(), &duty.event, &duty.record, to_millis(duty.started)],
    )?;
    let Some(row) = row else { return Ok(()) };
    let at = from_millis(row.get(0)?)?;
    for next in started_by(&ctx.policy, duty.subject, &duty.event, &duty.record, at)? {
        if (&next.rule, &next.action) == (&duty.rule, &duty.action) {
            next.save(tx)?;
        }
    }
    Ok(())
}

/// The kinds that a rule erases, of the policy or of an earlier one whose clock still runs.
pub(crate) fn kinds_of(policy: &Policy, rule: &str) -> Result<Vec<Kind>, KeeperError> {
    let unknown = || KeeperError::Unknown(rule.into());
    let (notice, retain) = policy.retain(rule).ok_or_else(unknown)?;
    retain.erased().ok_or_else(unknown)?;
    let terms: BTreeSet<&str> = notice.erased_by(retain).collect();
    terms.into_iter().filter_map(Kind::parse).map(Ok).collect()
}

/// The ids of the rules that hold data of this subject now.
pub(crate) fn active_holds(read: &Read<'_>, subject: SubjectId, now: i64) -> Result<Vec<String>, StoreError> {
    read.query(
        "SELECT hold FROM holds WHERE subject = $1 AND (until IS NULL OR until > $2) ORDER BY hold",
        &params![subject.as_bytes(), now],
    )?
    .iter()
    .map(|row| row.get(0))
    .collect()
}

/// Whether an erasure of this kind has come for a subject of whom a hold keeps something: what a hold keeps is the rest of
/// what there was, and nothing is added to it.
pub(crate) fn is_over(
    read: &Read<'_>,
    policy: &Policy,
    subject: SubjectId,
    kind: Kind,
) -> Result<bool, KeeperError> {
    let come = read.query(
        "SELECT rule FROM duties WHERE subject = $1 AND action = 'erase' AND record = '' \
         AND state IN ('begun', 'held')",
        &params![subject.as_bytes()],
    )?;
    for row in come {
        if kinds_of(policy, row.text(0)?)?.contains(&kind) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a duty did, without whom it concerned.
pub(crate) fn record_deed(tx: &Tx<'_>, duty: &Duty, position: i64, done: i64) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO deeds (position, rule, action, started, due, done) VALUES ($1, $2, $3, $4, $5, $6)",
        &params![position, &duty.rule, &duty.action, to_millis(duty.started), to_millis(duty.due), done],
    )?;
    Ok(())
}

/// When nothing of a subject is held any more, the dates and states that Kept needed to keep the notice go too.
pub(crate) fn forget_bookkeeping(
    tx: &Tx<'_>,
    registry: &Registry,
    subject: SubjectId,
) -> Result<(), KeeperError> {
    if is_held(tx, registry, subject)? {
        return Ok(());
    }
    for table in registry.tables() {
        if table.columns.iter().any(|(_, holds)| *holds == Holds::Bookkeeping) {
            tx.send(&format!("DELETE FROM {} WHERE subject = $1", table.name), &params![subject.as_bytes()])?;
        }
    }
    tx.send("DELETE FROM lookups WHERE subject = $1", &params![subject.as_bytes()])?;
    Ok(())
}

/// Whether anything of a subject is held: a key, or a row of an area.
pub(crate) fn is_held(read: &Read<'_>, registry: &Registry, subject: SubjectId) -> Result<bool, StoreError> {
    let held = registry
        .tables()
        .filter_map(|table| Some((table.name, holds_any(table, &registry::kinds_of(table))?)))
        .map(|(table, held)| format!(" OR EXISTS (SELECT 1 FROM {table} WHERE subject = $1 AND {held})"));
    let any =
        format!("SELECT 1 WHERE EXISTS (SELECT 1 FROM keys WHERE subject = $1){}", held.collect::<String>());
    Ok(!read.query(&any, &params![subject.as_bytes()])?.is_empty())
}
