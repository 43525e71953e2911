//! Tidying: what was erased leaves no trace in any page of the database.
//!
//! Erased rows are overwritten at once, and the write-ahead log is emptied after each sweep. What remains are stale
//! copies of wrapped keys in unused space of pages that live on; with the key file they could still be opened. Writing
//! the database anew takes them away too. It is slow, so it is done once a day, and only after something was erased.

use kept_store::{StoreError, Tx, params};

use crate::{error::KeeperError, keeper::Keeper};

/// Notes, in the transaction that erases, that there is something to tidy.
pub(crate) fn mark(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO facts (name, value) VALUES ('untidy', '1') ON CONFLICT (name) \
         DO UPDATE SET value = CAST(CAST(facts.value AS BIGINT) + 1 AS TEXT)",
        &params![],
    )?;
    Ok(())
}

impl Keeper {
    /// Writes the database anew if anything was erased since the last time, so that no trace of it is left in any file
    /// of the folder. The server calls it once a day. Says whether there was anything to do.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while a long read goes on, [`StoreError::Full`] without room for a second copy of the
    /// database: it is done the next time.
    pub async fn tidy(&self) -> Result<bool, KeeperError> {
        let before: Option<String> = self
            .store
            .read(|read| {
                let row = read.query_opt("SELECT value FROM facts WHERE name = 'untidy'", &params![])?;
                row.map(|row| row.get(0)).transpose()
            })
            .await
            .map_err(KeeperError::Store)?;
        let Some(before) = before else { return Ok(false) };
        self.store.scrub().await?;
        // What was erased meanwhile has changed the value, and waits for the next time.
        self.store
            .write(move |tx| {
                tx.execute("DELETE FROM facts WHERE name = 'untidy' AND value = $1", &params![&before])
            })
            .await
            .map_err(KeeperError::Store)?;
        Ok(true)
    }
}
