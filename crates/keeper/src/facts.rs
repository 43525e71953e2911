//! What a site has written down about itself, name by name: nothing of it is about anybody. A name belongs to the module
//! that writes it.

use kept_store::{Read, StoreError, Tx, params};

use crate::{act::Act, error::KeeperError, prove::Inspect};

/// What stands under a name.
pub(crate) fn read(read: &Read<'_>, name: &str) -> Result<Option<String>, StoreError> {
    let row = read.query_opt("SELECT value FROM facts WHERE name = $1", &params![name])?;
    row.map(|row| row.get(0)).transpose()
}

/// Writes it down in place of what stood there.
pub(crate) fn write(tx: &Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &params![name, value],
    )?;
    Ok(())
}

/// Writes it down unless something stands there.
pub(crate) fn write_first(tx: &Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        &params![name, value],
    )?;
    Ok(())
}

/// Takes it away if it is still this. Says whether it was.
pub(crate) fn take(tx: &Tx<'_>, name: &str, value: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM facts WHERE name = $1 AND value = $2", &params![name, value])? == 1)
}

impl Inspect<'_, '_> {
    /// What the site has written down under a name.
    ///
    /// # Errors
    /// The database failed.
    pub fn fact(&self, name: &str) -> Result<Option<String>, KeeperError> {
        Ok(read(self.read, name)?)
    }
}

impl Act<'_, '_> {
    /// Writes something down about the site, for all of its servers and programs, in place of what stood under the name.
    /// It is about nobody: erasing does not come here.
    ///
    /// # Errors
    /// The database failed.
    pub fn write_fact(&mut self, name: &str, value: &str) -> Result<(), KeeperError> {
        Ok(write(self.tx(), name, value)?)
    }

    /// Takes away what stands under a name if it is still this; of several acts one does so. Says whether this one did.
    ///
    /// # Errors
    /// The database failed.
    pub fn take_fact(&mut self, name: &str, value: &str) -> Result<bool, KeeperError> {
        Ok(take(self.tx(), name, value)?)
    }
}
