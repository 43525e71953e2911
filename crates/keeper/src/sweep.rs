//! The sweep: does what is due, in batches, resumable after a crash at any point. What it did is evidence.

use std::{collections::BTreeSet, time::Duration};

use jiff::{Span, Timestamp};
use kept_notice::due;
use kept_store::{StoreError, Tx, params};
use kept_vault::{KeyId, SubjectId};

use crate::{
    act::Act,
    area::Warning,
    brakes, carry,
    ctx::Actor,
    duty::{COLUMNS, Duty},
    erase::{self, Erasure},
    error::KeeperError,
    keeper::{House, Keeper},
    sealed, tell, tidy,
    time::{from_millis, to_millis},
    trail::Deed,
};

/// How many duties are looked up at once. They are done in the order of the tables, so the more of them, the fewer pages each
/// batch changes.
const ROUND: i64 = 10_000;
/// How many duties one act does. Each batch waits for three syncs. On PostgreSQL its longest act takes a good half of a
/// second, and whoever waits longer than two for the turn is refused.
const BATCH: usize = 400;

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
        self.entomb_taken_back().await?;
        self.end_holds(now).await?;
        let mut swept = Swept { paused: brakes::test(self, now).await?, ..Swept::default() };
        self.carry_over().await?;
        self.list_people().await?;
        let mut failed: BTreeSet<(String, String, String, String)> = BTreeSet::new();
        let mut erased = false;
        loop {
            let due = self.due(now, swept.paused.is_some(), failed.len()).await?;
            let round: Vec<Duty> = due.into_iter().filter(|duty| !failed.contains(&name(duty))).collect();
            if round.is_empty() {
                break;
            }
            let (erasures, others): (Vec<Duty>, Vec<Duty>) =
                round.into_iter().partition(|duty| duty.action == "erase");
            erased |= !erasures.is_empty();
            for batch in others.chunks(BATCH).chain(erasures.chunks(BATCH)) {
                match self.perform(batch.to_vec()).await {
                    Ok(()) => {
                        swept.done += batch.len();
                        continue;
                    }
                    // None of them is to blame, and the next sweep goes on from here.
                    Err(
                        cause @ KeeperError::Store(
                            StoreError::Busy | StoreError::Unreachable | StoreError::CommitUnknown,
                        ),
                    ) => return Err(cause),
                    // One of them stops the others: each on its own.
                    Err(_) => {}
                }
                for duty in batch {
                    match self.perform(vec![duty.clone()]).await {
                        Ok(()) => swept.done += 1,
                        Err(cause) => {
                            tracing::error!(rule = %duty.rule, action = %duty.action, cause = %chain(&cause), "duty failed");
                            failed.insert(name(duty));
                        }
                    }
                }
            }
        }
        swept.failed = failed.len();
        self.finish_telling().await?;
        if erased {
            // The write-ahead log still holds the rows that went. While a long read goes on it cannot be emptied; the
            // next sweep that erases, or tidying, does it.
            match self.store.forget().await {
                Err(StoreError::Busy) => {
                    tracing::info!("the write-ahead log is emptied later, a read goes on")
                }
                other => other?,
            }
        }
        Ok(swept)
    }

    /// Holds whose time is over end, and what they kept back is due again; what another hold still covers is held anew.
    async fn end_holds(&self, now: Timestamp) -> Result<(), KeeperError> {
        let over = self
            .store
            .scan(move |read| {
                read.query("SELECT 1 FROM holds WHERE until <= $1 LIMIT 1", &params![to_millis(now)])
            })
            .await
            .map_err(KeeperError::Store)?;
        if over.is_empty() {
            return Ok(());
        }
        self.act(self.ctx(Actor::System), move |act| {
            let (tx, now) = (act.tx(), params![to_millis(now)]);
            tx.execute(
                "UPDATE duties SET state = 'waiting' WHERE state = 'held' \
                 AND subject IN (SELECT subject FROM holds WHERE until <= $1)",
                &now,
            )?;
            tx.execute("DELETE FROM holds WHERE until <= $1", &now)?;
            Ok(())
        })
        .await
    }

    /// Writes the tombstones of keys that went with what people took back. The act that took it back has left their ids,
    /// so that no crash can lose them.
    async fn entomb_taken_back(&self) -> Result<(), KeeperError> {
        let keys = self
            .store
            .scan(|read| {
                let rows = read.query("SELECT subject, key FROM taken_back", &params![])?;
                let ids =
                    rows.iter().map(|row| Ok((sealed::subject(row, 0)?, KeyId::from_bytes(row.get(1)?))));
                ids.collect::<Result<Vec<_>, StoreError>>()
            })
            .await
            .map_err(KeeperError::Store)?;
        if keys.is_empty() {
            return Ok(());
        }
        self.write_tombstones(keys.clone()).await?;
        let entombed = self.store.write(move |tx| {
            keys.iter().try_for_each(|(subject, key)| {
                let gone = "DELETE FROM taken_back WHERE subject = $1 AND key = $2";
                tx.execute(gone, &params![subject.as_bytes(), key.as_bytes()]).map(drop)
            })
        });
        entombed.await.map_err(KeeperError::Store)
    }

    async fn due(&self, now: Timestamp, paused: bool, extra: usize) -> Result<Vec<Duty>, KeeperError> {
        let most = ROUND + i64::try_from(extra).unwrap_or(0);
        self.store
            .scan(move |read| {
                // A letter cannot be taken back either, and under a wrong clock it would name a wrong day.
                let but = if paused {
                    "AND action <> 'erase' AND action NOT LIKE 'warn %' AND action NOT LIKE 'tell %'"
                } else {
                    ""
                };
                let mut rows = Vec::new();
                // One state after the other, in the order of the index: nothing is sorted, nothing read for nothing.
                for state in ["begun", "waiting"] {
                    rows.extend(read.query(
                        &format!(
                            "SELECT {COLUMNS} FROM duties WHERE state = $1 AND due <= $2 {but} \
                             ORDER BY due, subject, rule, action, record LIMIT $3"
                        ),
                        &params![state, to_millis(now), most],
                    )?);
                }
                let duties = rows.iter().map(Duty::read);
                let mut duties = duties.collect::<Result<Vec<_>, KeeperError>>()?;
                // As the tables lie, so that each page is changed once for all who are on it. What is due for one person
                // stays in its order.
                duties.sort_by_key(|duty| duty.subject);
                Ok(duties)
            })
            .await
    }

    /// Does a batch of duties, all erasures or none.
    async fn perform(&self, duties: Vec<Duty>) -> Result<(), KeeperError> {
        if duties.first().is_some_and(|duty| duty.action == "erase") {
            let begun = self.begin(duties).await?;
            self.entomb(&begun).await?;
            return self.finish(begun).await;
        }
        let house = self.house.clone();
        self.act(self.ctx(Actor::System), move |act| {
            carry::is_over(act.tx())?;
            duties.iter().try_for_each(|duty| run(act, &house, duty))
        })
        .await
    }

    /// Erasing, step one: the intent.
    async fn begin(&self, duties: Vec<Duty>) -> Result<Vec<Erasure>, KeeperError> {
        self.act(self.ctx(Actor::System), move |act| {
            carry::is_over(act.tx())?;
            duties.iter().filter_map(|duty| erase::begin(act.tx(), act.ctx, duty).transpose()).collect()
        })
        .await
    }

    /// Erasing, step two: the tombstones are on disk.
    async fn entomb(&self, begun: &[Erasure]) -> Result<(), KeeperError> {
        let keys = begun.iter().flat_map(|e| e.keys.iter().map(|key| (e.duty.subject, *key)));
        self.write_tombstones(keys.collect()).await
    }

    async fn write_tombstones(&self, keys: Vec<(SubjectId, KeyId)>) -> Result<(), KeeperError> {
        let (house, now) = (self.house.clone(), self.now());
        let written = tokio::task::spawn_blocking(move || house.tombstones.append(now, &keys)).await;
        written.map_err(std::io::Error::other).flatten().map_err(KeeperError::Tombstones)
    }

    /// Erasing, step three: keys and rows go.
    async fn finish(&self, begun: Vec<Erasure>) -> Result<(), KeeperError> {
        let house = self.house.clone();
        self.act(self.ctx(Actor::System), move |act| {
            let mut gone = false;
            for erasure in &begun {
                gone |= erase::finish(act, &house, erasure)?;
            }
            if gone {
                tidy::mark(act.tx())?;
            }
            Ok(())
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

/// A reversible duty, if it still stands.
fn run(act: &mut Act<'_, '_>, house: &House, duty: &Duty) -> Result<(), KeeperError> {
    if !duty.done(act.tx())? {
        return Ok(());
    }
    let position = match duty.action.as_str() {
        "run" => {
            let job =
                house.registry.job(&duty.rule).ok_or_else(|| KeeperError::Unknown(duty.rule.clone()))?;
            return (job.run)(act, duty);
        }
        "disable" => {
            let mut off = false;
            for hook in house.registry.hooks().filter_map(|hooks| hooks.disable) {
                off |= hook(act, duty.subject)?;
            }
            if !off {
                return Ok(());
            }
            act.note(duty.subject, Deed::Disabled, &duty.rule, &[], None)?
        }
        _ if duty.rule == tell::RULE => match tell::tell(act, duty)? {
            Some(position) => position,
            None => return Ok(()),
        },
        _ => {
            let policy = act.ctx.policy.clone();
            let sentence = policy.sentence(&duty.rule).map(|s| s.text.as_str()).unwrap_or_default();
            let when = fair_end(act.tx(), duty, act.ctx.now)?;
            for hook in house.registry.hooks().filter_map(|hooks| hooks.warn) {
                let warning = Warning { subject: duty.subject, rule: &duty.rule, sentence, when };
                hook(act, &warning)?;
            }
            act.note(duty.subject, Deed::Messaged, &duty.rule, &[], None)?
        }
    };
    Ok(erase::record_deed(act.tx(), duty, position, to_millis(act.ctx.now))?)
}

/// When the erasure comes of which a warning tells. A warning that a server was too late for still gives the person
/// the whole time that the notice promises: the erasure waits, and the board says that it is late.
fn fair_end(tx: &Tx<'_>, duty: &Duty, now: Timestamp) -> Result<Timestamp, KeeperError> {
    let row = tx.query_opt(
        "SELECT due FROM duties WHERE subject = $1 AND rule = $2 AND action = 'erase' AND record = $3",
        &params![duty.subject.as_bytes(), &duty.rule, &duty.record],
    )?;
    let end = row.map_or(Ok(duty.due), |row| from_millis(row.get(0)?))?;
    let lead = duty.action.strip_prefix("warn ").and_then(|lead| lead.parse::<Span>().ok());
    let lead = lead.ok_or_else(|| KeeperError::Unknown(duty.action.clone()))?;
    let fair = due(now, &lead).map_err(|_| KeeperError::Calendar)?;
    if fair <= end + GRACE {
        return Ok(end);
    }
    tx.execute(
        "UPDATE duties SET due = $1 WHERE subject = $2 AND rule = $3 AND action = 'erase' AND record = $4 \
         AND state = 'waiting'",
        &params![to_millis(fair), duty.subject.as_bytes(), &duty.rule, &duty.record],
    )?;
    Ok(fair)
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
