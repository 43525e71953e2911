//! Erasing, in three steps that a crash may separate anywhere: the intent is committed, the tombstones are on disk,
//! then keys and rows go. Whatever is interrupted is begun again by the next sweep.

use std::collections::BTreeSet;

use kept_notice::RetainAction;
use kept_store::{Read, StoreError, Tx, params};
use kept_vault::{KeyId, Kind, SubjectId};

use crate::{
    act::Act,
    area::Holds,
    ctx::Ctx,
    duty::{Duty, started_by, state},
    error::KeeperError,
    keeper::House,
    policy::Policy,
    registry::{self, Registry, holds_any},
    sealed, tidy,
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
    if !duty.stands(tx, &[state::WAITING, state::BEGUN])? {
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
    for kind in &kinds {
        let rows = if duty.record.is_empty() {
            tx.query(
                "SELECT key FROM keys WHERE subject = $1 AND kind = $2",
                &params![duty.subject.as_bytes(), kind.term()],
            )?
        } else {
            tx.query(
                "SELECT key FROM keys WHERE subject = $1 AND kind = $2 AND record = $3",
                &params![duty.subject.as_bytes(), kind.term(), &duty.record],
            )?
        };
        for row in rows {
            keys.push(KeyId::from_bytes(row.get(0)?));
        }
    }
    duty.set(tx, state::BEGUN)?;
    Ok(Some(Erasure { duty: duty.clone(), kinds, held, keys }))
}

/// Step three, after the tombstones: destroys the keys and takes the rows. Running it again changes nothing.
pub(crate) fn finish(act: &mut Act<'_, '_>, house: &House, erasure: &Erasure) -> Result<(), KeeperError> {
    let (tx, duty, subject) = (act.tx(), &erasure.duty, erasure.duty.subject);
    if !duty.stands(tx, &[state::BEGUN])? {
        // Another sweep has finished it.
        return Ok(());
    }
    let gone = take(tx, house, erasure)?;
    if gone > 0 {
        tidy::mark(tx)?;
    }
    // What was all held back, or was taken before and is looked at again, is no erasure.
    if gone > 0 || erasure.held.is_empty() {
        let position = act.note(subject, Deed::Erased, &duty.rule, &erasure.kinds, None)?;
        record_deed(tx, duty, position, to_millis(act.ctx.now))?;
    }
    if erasure.held.is_empty() {
        duty.done(tx)?;
        start_anew(tx, act.ctx, duty)?;
    } else {
        act.note(subject, Deed::Held, &duty.rule, &erasure.held, None)?;
        duty.set(tx, state::HELD)?;
    }
    forget_bookkeeping(tx, &house.registry, subject)
}

/// Destroys the keys and takes the rows; says how many.
fn take(tx: &Tx<'_>, house: &House, erasure: &Erasure) -> Result<u64, KeeperError> {
    let (duty, subject) = (&erasure.duty, erasure.duty.subject);
    let mut gone = 0;
    for key in &erasure.keys {
        for sql in [
            "DELETE FROM keys WHERE subject = $1 AND key = $2",
            "DELETE FROM vault WHERE subject = $1 AND key = $2",
            "DELETE FROM blobs WHERE subject = $1 AND key = $2",
        ] {
            gone += tx.execute(sql, &params![subject.as_bytes(), key.as_bytes()])?;
        }
    }
    for kind in &erasure.kinds {
        if duty.record.is_empty() {
            gone += tx.execute(
                "DELETE FROM lookups WHERE subject = $1 AND kind = $2",
                &params![subject.as_bytes(), kind.term()],
            )?;
        }
        for table in house.registry.tables() {
            for (_, sql) in table.erase.iter().filter(|(erased, _)| erased == kind) {
                gone += tx.execute(sql, &params![subject.as_bytes()])?;
            }
        }
    }
    Ok(gone)
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
    let RetainAction::Erase { labels } = &retain.action else { return Err(unknown()) };
    let terms: BTreeSet<&str> = labels.iter().flat_map(|label| notice.kinds_of(label)).collect();
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

/// What a duty did, without whom it concerned.
pub(crate) fn record_deed(tx: &Tx<'_>, duty: &Duty, position: i64, done: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO deeds (position, rule, action, started, due, done) VALUES ($1, $2, $3, $4, $5, $6)",
        &params![position, &duty.rule, &duty.action, to_millis(duty.started), to_millis(duty.due), done],
    )?;
    Ok(())
}

/// When nothing of a subject is held any more, the dates and states that Kept needed to keep the notice go too.
fn forget_bookkeeping(tx: &Tx<'_>, registry: &Registry, subject: SubjectId) -> Result<(), KeeperError> {
    if sealed::has_keys(tx, subject)? {
        return Ok(());
    }
    for table in registry.tables() {
        let Some(held) = holds_any(table, &registry::kinds_of(table)) else { continue };
        let sql = format!("SELECT 1 FROM {} WHERE subject = $1 AND {held} LIMIT 1", table.name);
        if !tx.query(&sql, &params![subject.as_bytes()])?.is_empty() {
            return Ok(());
        }
    }
    for table in registry.tables() {
        if table.columns.iter().any(|(_, holds)| *holds == Holds::Bookkeeping) {
            tx.execute(
                &format!("DELETE FROM {} WHERE subject = $1", table.name),
                &params![subject.as_bytes()],
            )?;
        }
    }
    tx.execute("DELETE FROM lookups WHERE subject = $1", &params![subject.as_bytes()])?;
    Ok(())
}
