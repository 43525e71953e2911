//! Tidying: what was erased leaves no trace in any page of the database.
//!
//! Erased rows are overwritten at once, and the write-ahead log is emptied after each sweep. What remains are stale
//! copies of wrapped keys in unused space of pages that live on; with the key file they could still be opened. Writing
//! the database anew takes them away too. It is slow and keeps others waiting, so it is done once a day, by one server, and
//! only after something was erased.

use jiff::{Span, Timestamp};
use kept_store::{StoreError, Tx, params};

use crate::{error::KeeperError, facts, keeper::Keeper, time::to_millis};

/// After how many hours it is done again at the earliest: less than a day, so that whoever calls daily finds its turn.
const REST: i64 = 20;
/// How many hours a server has for it. One that was killed meanwhile leaves it to the next that calls after them.
const LEASE: i64 = 1;

/// Where it is written down that there is something to tidy: a number, which each erasure raises.
const UNTIDY: &str = "untidy";
/// Where it is written down from when on it may be done again, in milliseconds.
const AGAIN: &str = "tidy again";

/// Notes, in the transaction that erases, that there is something to tidy.
pub(crate) fn mark(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.send(
        "INSERT INTO facts (name, value) VALUES ($1, '1') ON CONFLICT (name) \
         DO UPDATE SET value = CAST(CAST(facts.value AS BIGINT) + 1 AS TEXT)",
        &params![UNTIDY],
    )?;
    Ok(())
}

impl Keeper {
    /// Writes the database anew if anything was erased since the last time, so that no trace of it is left in any file
    /// of the folder. The server calls it when it starts and once a day; of several servers one does it. Says whether it was
    /// done now.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while a long read goes on, [`StoreError::Full`] without room for a second copy of the
    /// database: it is done the next time.
    pub async fn tidy(&self) -> Result<bool, KeeperError> {
        let now = self.now();
        let (lease, rest) = (hours_from(now, LEASE)?, hours_from(now, REST)?);
        let claimed = self.store.write(move |tx| claim(tx, to_millis(now), lease, rest)).await;
        let Some(before) = claimed.map_err(KeeperError::Store)? else { return Ok(false) };
        let scrubbed = self.store.scrub().await;
        let (is_done, again) = (scrubbed.is_ok(), hours_from(self.now(), REST)?);
        let noted = self.store.write(move |tx| {
            if is_done {
                // What was erased meanwhile has changed the value, and waits for the next time.
                facts::take(tx, UNTIDY, &before)?;
            }
            let next = if is_done { again } else { 0 };
            facts::write(tx, AGAIN, &next.to_string())
        });
        let noted: Result<(), StoreError> = noted.await;
        scrubbed?;
        noted?;
        Ok(true)
    }
}

/// Takes it upon this server, if there is anything to tidy and no other has done so lately. Gives what says that there is.
fn claim(tx: &Tx<'_>, now: i64, lease: i64, rest: i64) -> Result<Option<String>, StoreError> {
    let Some(untidy) = facts::read(tx, UNTIDY)? else { return Ok(None) };
    facts::write_first(tx, AGAIN, "0")?;
    // A moment that lies too far ahead was written under a clock that was wrong.
    let taken = tx.execute(
        "UPDATE facts SET value = $1 WHERE name = $2 AND NOT CAST(value AS BIGINT) BETWEEN $3 AND $4",
        &params![lease.to_string(), AGAIN, now + 1, rest],
    )?;
    Ok((taken > 0).then_some(untidy))
}

fn hours_from(now: Timestamp, hours: i64) -> Result<i64, KeeperError> {
    let then = now.checked_add(Span::new().hours(hours)).map_err(|_| KeeperError::Calendar)?;
    Ok(to_millis(then))
}
