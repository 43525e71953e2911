//! Telling people of a change that matters to them (`ntc-2`): a duty for each, done by the sweep, once. When the last of
//! those who were here at the proposal has been told, the announced time begins.

use jiff::{Span, Timestamp};
use kept_notice::due;
use kept_store::{Read, Tx, params};
use kept_vault::SubjectId;

use crate::{
    act::Act,
    area::{Announcement, Told},
    ctx::Actor,
    duty::Duty,
    error::KeeperError,
    follow::{LEASE, midnight},
    keeper::Keeper,
    sealed,
    time::to_millis,
    trail::{Deed, SITE},
};

/// How many people are listed in one act.
const BATCH: i64 = 500;

/// The rule under which people are told.
pub(crate) const RULE: &str = "notice.change";

/// The action of a duty to tell somebody of this version.
fn action(version: &str) -> String {
    format!("tell {}", version.chars().take(12).collect::<String>())
}

/// A proposal that people are told of.
struct Proposal {
    version: String,
    proposed: i64,
    listed: bool,
    reached: Vec<u8>,
}

fn proposal(read: &Read<'_>) -> Result<Option<Proposal>, KeeperError> {
    let row = read.query_opt(
        "SELECT version, proposed, listed, reached FROM policies WHERE activated IS NULL AND told IS NULL",
        &params![],
    )?;
    row.map(|row| {
        Ok(Proposal {
            version: row.get(0)?,
            proposed: row.get(1)?,
            listed: row.get::<Option<i64>>(2)?.is_some(),
            reached: row.get::<Option<Vec<u8>>>(3)?.unwrap_or_default(),
        })
    })
    .transpose()
}

/// People who have come since a change was proposed are told of it as well.
pub(crate) fn list(
    tx: &Tx<'_>,
    version: &str,
    fresh: &[SubjectId],
    now: Timestamp,
) -> Result<(), KeeperError> {
    for subject in fresh {
        tx.execute(
            "INSERT INTO duties (subject, rule, action, record, event, started, due, state) \
             SELECT $1, $2, $3, '', '', $4, $4, 'waiting' FROM policies WHERE version = $5 AND material = 1 \
             AND EXISTS (SELECT 1 FROM keys WHERE keys.subject = $1) \
             ON CONFLICT (subject, rule, action, record) DO NOTHING",
            &params![subject.as_bytes(), RULE, action(version), to_millis(now), version],
        )?;
    }
    Ok(())
}

impl Keeper {
    /// Makes a duty for everybody of whom something is held, if people are to be told of a change.
    pub(crate) async fn list_people(&self) -> Result<(), KeeperError> {
        while self.store.read(proposal).await?.is_some_and(|proposal| !proposal.listed) {
            self.act(self.ctx(Actor::System), list_some).await?;
        }
        Ok(())
    }

    /// If everybody has been told, the announced time begins.
    pub(crate) async fn finish_telling(&self) -> Result<(), KeeperError> {
        if self.store.read(told_to_all).await?.is_none() {
            return Ok(());
        }
        self.act(self.ctx(Actor::System), |act| match told_to_all(act.tx())? {
            Some(version) => begin_announced_time(act, &version),
            None => Ok(()),
        })
        .await?;
        self.read_notices(self.now()).await
    }
}

/// The version of which everybody has been told who was here when it was proposed.
fn told_to_all(read: &Read<'_>) -> Result<Option<String>, KeeperError> {
    let Some(proposal) = proposal(read)?.filter(|proposal| proposal.listed) else { return Ok(None) };
    let waiting = read.query(
        "SELECT 1 FROM duties WHERE state = 'waiting' AND due = $1 AND rule = $2 AND action = $3 LIMIT 1",
        &params![proposal.proposed, RULE, action(&proposal.version)],
    )?;
    Ok(waiting.is_empty().then_some(proposal.version))
}

fn list_some(act: &mut Act<'_, '_>) -> Result<(), KeeperError> {
    let tx = act.tx();
    let Some(proposal) = proposal(tx)?.filter(|proposal| !proposal.listed) else { return Ok(()) };
    let people = tx.query(
        "SELECT DISTINCT subject FROM keys WHERE subject > $1 ORDER BY subject LIMIT $2",
        &params![proposal.reached, BATCH],
    )?;
    let mut reached = None;
    for row in &people {
        let subject = sealed::subject(row, 0)?;
        reached = Some(*subject.as_bytes());
        if subject != SITE {
            tx.execute(
                "INSERT INTO duties (subject, rule, action, record, event, started, due, state) \
                 VALUES ($1, $2, $3, '', '', $4, $4, 'waiting') \
                 ON CONFLICT (subject, rule, action, record) DO NOTHING",
                &params![subject.as_bytes(), RULE, action(&proposal.version), proposal.proposed],
            )?;
        }
    }
    let listed = reached.is_none().then_some(to_millis(act.ctx.now));
    tx.execute(
        "UPDATE policies SET reached = $1, listed = $2 WHERE version = $3",
        &params![reached, listed, &proposal.version],
    )?;
    Ok(())
}

fn begin_announced_time(act: &mut Act<'_, '_>, version: &str) -> Result<(), KeeperError> {
    let (tx, now) = (act.tx(), act.ctx.now);
    let change = act.ctx.policy.notice.change.clone();
    let ahead =
        change.map(|change| change.ahead).ok_or(KeeperError::Malformed("a change that nobody may make"))?;
    let effective: String =
        tx.query_one("SELECT effective FROM policies WHERE version = $1", &params![version])?.get(0)?;
    let effective = effective.parse().map_err(|_| KeeperError::Malformed("an effective day that is none"))?;
    let over = to_millis(due(now, &ahead).map_err(|_| KeeperError::Calendar)?);
    let soonest = to_millis(now.checked_add(LEASE).map_err(|_| KeeperError::Calendar)?);
    let activates = midnight(effective)?.max(over).max(soonest);
    tx.execute(
        "UPDATE policies SET told = $1, activates = $2 WHERE version = $3",
        &params![to_millis(now), activates, version],
    )?;
    act.change_notices("UPDATE ledger_edge SET activates = $1 WHERE id = 1", &params![activates])?;
    act.note(SITE, Deed::Site, "everyone told of the proposed notice", &[], Some(version)).map(drop)
}

/// Tells one person. Gives the position of the event that says so, or nothing if there is nobody to tell; who cannot be
/// told yet is tried again in a day.
pub(crate) fn tell(act: &mut Act<'_, '_>, duty: &Duty) -> Result<Option<i64>, KeeperError> {
    let house = act.house();
    // What has been withdrawn since, or is in force, is not told any more.
    let coming = act.proposed().filter(|version| action(version) == duty.action).map(str::to_owned);
    let Some(coming) = coming.map(|version| house.coming(act.tx(), &version)).transpose()?.flatten() else {
        return Ok(None);
    };
    let (effective, changes) = (coming.policy.notice.effective, &coming.changes);
    let announcement = Announcement { subject: duty.subject, effective, changes };
    let mut told = Told::Nobody;
    for hook in house.registry.hooks().filter_map(|hooks| hooks.tell) {
        match (hook(act, &announcement)?, told) {
            (Told::Now, _) => told = Told::Now,
            (Told::Later, Told::Nobody) => told = Told::Later,
            _ => {}
        }
    }
    match told {
        Told::Now => act.note(duty.subject, Deed::Messaged, RULE, &[], None).map(Some),
        Told::Nobody => Ok(None),
        Told::Later => {
            let due = due(act.ctx.now, &Span::new().days(1)).map_err(|_| KeeperError::Calendar)?;
            Duty { started: act.ctx.now, due, ..duty.clone() }.save(act.tx())?;
            Ok(None)
        }
    }
}
