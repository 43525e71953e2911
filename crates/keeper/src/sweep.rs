//! The sweep: does what is due, in batches, resumable after a crash at any point. What it did is evidence.

use std::{collections::BTreeSet, time::Duration};

use jiff::{Span, Timestamp};
use kept_store::params;

use crate::{
    area::Warning,
    brakes,
    ctx::Actor,
    duty::{COLUMNS, Duty, state},
    erase::{self, Erasure},
    error::KeeperError,
    keeper::Keeper,
    time::to_millis,
    trail::Deed,
};

/// How many duties one round takes.
const BATCH: i64 = 200;

/// How long after its due moment a duty may be done and still be on time. Sweeps run every minute; a day covers a
/// machine that was down over night.
pub const GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Duties done.
    pub done: usize,
    /// Duties that could not be done and will be tried again; the cause is in the server's log.
    pub failed: usize,
    /// Why irreversible duties wait, if they do.
    pub paused: Option<String>,
}

impl Keeper {
    /// Does every duty that is due now. Irreversible ones wait while a brake is on.
    ///
    /// # Errors
    /// The database failed. A single duty that fails does not stop the others.
    pub async fn sweep(&self) -> Result<Swept, KeeperError> {
        let now = self.now();
        self.end_lapsed_holds(now).await?;
        let mut swept = Swept { paused: brakes::test(self, now).await?, ..Swept::default() };
        let mut failed: BTreeSet<(String, String, String, String)> = BTreeSet::new();
        let mut erased = false;
        loop {
            let due = self.due(now, swept.paused.is_some(), failed.len()).await?;
            let batch: Vec<Duty> = due.into_iter().filter(|duty| !failed.contains(&name(duty))).collect();
            if batch.is_empty() {
                break;
            }
            let (erasures, others): (Vec<Duty>, Vec<Duty>) =
                batch.into_iter().partition(|duty| duty.action == "erase");
            for duty in others {
                match self.run(duty.clone()).await {
                    Ok(()) => swept.done += 1,
                    Err(cause) => {
                        tracing::error!(rule = %duty.rule, action = %duty.action, cause = %chain(&cause), "duty failed");
                        failed.insert(name(&duty));
                    }
                }
            }
            if !erasures.is_empty() {
                erased = true;
                swept.done += self.erase(erasures).await?;
            }
        }
        swept.failed = failed.len();
        if erased {
            // The write-ahead log still holds the rows that went.
            self.store.forget().await?;
        }
        Ok(swept)
    }

    /// Holds whose time is over end, and what they kept back is due again.
    async fn end_lapsed_holds(&self, now: Timestamp) -> Result<(), KeeperError> {
        self.store
            .write(move |tx| {
                tx.execute("DELETE FROM holds WHERE until <= $1", &params![to_millis(now)])?;
                tx.execute(
                    "UPDATE duties SET state = 'waiting' WHERE state = 'held' AND NOT EXISTS \
                     (SELECT 1 FROM holds WHERE holds.subject = duties.subject)",
                    &params![],
                )
            })
            .await
            .map(drop)
            .map_err(KeeperError::Store)
    }

    async fn due(&self, now: Timestamp, paused: bool, extra: usize) -> Result<Vec<Duty>, KeeperError> {
        let most = BATCH + i64::try_from(extra).unwrap_or(0);
        self.store
            .scan(move |read| {
                let but = if paused { "AND action <> 'erase'" } else { "" };
                let rows = read.query(
                    &format!(
                        "SELECT {COLUMNS} FROM duties WHERE state IN ('waiting', 'begun') AND due <= $1 {but} \
                         ORDER BY due, subject, rule LIMIT $2"
                    ),
                    &params![to_millis(now), most],
                )?;
                rows.iter().map(Duty::read).collect::<Result<Vec<_>, KeeperError>>()
            })
            .await
    }

    /// A reversible duty: one act.
    async fn run(&self, duty: Duty) -> Result<(), KeeperError> {
        let house = self.house.clone();
        self.act(self.ctx(Actor::System), move |act| {
            let done = to_millis(act.ctx.now);
            let position = match duty.action.as_str() {
                "run" => {
                    let job = house
                        .registry
                        .job(&duty.rule)
                        .ok_or_else(|| KeeperError::Unknown(duty.rule.clone()))?;
                    // The job may schedule itself again, so its row goes first.
                    act.unschedule(duty.subject, job.name)?;
                    return (job.run)(act, &duty);
                }
                "disable" => {
                    for hook in house.registry.hooks().filter_map(|hooks| hooks.disable) {
                        hook(act, duty.subject)?;
                    }
                    act.note(duty.subject, Deed::Disabled, &duty.rule, &[], None)?
                }
                _ => {
                    let policy = act.ctx.policy.clone();
                    let sentence = policy.sentence(&duty.rule).map(|s| s.text.as_str()).unwrap_or_default();
                    let when = end_of(act.tx(), &duty)?;
                    for hook in house.registry.hooks().filter_map(|hooks| hooks.warn) {
                        let warning = Warning { subject: duty.subject, rule: &duty.rule, sentence, when };
                        hook(act, &warning)?;
                    }
                    act.note(duty.subject, Deed::Messaged, &duty.rule, &[], None)?
                }
            };
            erase::record_deed(act.tx(), &duty, position, done)?;
            duty.set(act.tx(), state::DONE)?;
            Ok(())
        })
        .await
    }

    /// A batch of erasures: intent, tombstones, rows.
    async fn erase(&self, duties: Vec<Duty>) -> Result<usize, KeeperError> {
        let begun: Vec<Erasure> = self
            .act(self.ctx(Actor::System), move |act| {
                duties.iter().map(|duty| erase::begin(act.tx(), act.ctx, duty)).collect()
            })
            .await?;
        let keys: Vec<_> =
            begun.iter().flat_map(|e| e.keys.iter().map(|key| (e.duty.subject, *key))).collect();
        self.house.tombstones.append(self.now(), &keys).map_err(KeeperError::Tombstones)?;
        let house = self.house.clone();
        self.act(self.ctx(Actor::System), move |act| {
            begun.iter().try_for_each(|erasure| erase::finish(act, &house, erasure))?;
            Ok(begun.len())
        })
        .await
    }

    /// What would be done until a moment, in the order of its dates, and whether anything keeps it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn duties_until(&self, until: Timestamp) -> Result<Vec<(Duty, Vec<String>)>, KeeperError> {
        self.store
            .scan(move |read| {
                let rows = read.query(
                    &format!(
                        "SELECT {COLUMNS} FROM duties WHERE state <> 'done' AND due <= $1 ORDER BY due, subject, rule"
                    ),
                    &params![to_millis(until)],
                )?;
                rows.iter()
                    .map(|row| {
                        let duty = Duty::read(row)?;
                        let holds = erase::active_holds(read, duty.subject, to_millis(until))?;
                        Ok((duty, holds))
                    })
                    .collect::<Result<Vec<_>, KeeperError>>()
            })
            .await
    }
}

/// When the erasure comes of which a warning tells.
fn end_of(tx: &kept_store::Tx<'_>, duty: &Duty) -> Result<Timestamp, KeeperError> {
    let row = tx.query_opt(
        "SELECT due FROM duties WHERE subject = $1 AND rule = $2 AND action = 'erase' AND record = $3",
        &params![duty.subject.as_bytes(), &duty.rule, &duty.record],
    )?;
    row.map_or(Ok(duty.due), |row| crate::time::from_millis(row.get(0)?))
}

fn name(duty: &Duty) -> (String, String, String, String) {
    (duty.subject.to_string(), duty.rule.clone(), duty.action.clone(), duty.record.clone())
}

/// An error and its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// A day of the calendar, the step that the brakes allow a clock to jump.
pub(crate) fn a_day() -> Span {
    Span::new().hours(24)
}
