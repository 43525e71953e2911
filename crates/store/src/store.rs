//! The store that servers hold.

use std::path::Path;

use crate::{Migration, OpenError, Read, StoreError, Tx, dialect, params, sqlite::Sqlite};

/// One open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Sqlite,
}

/// A column of the live database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// The table's name.
    pub table: String,
    /// The column's name.
    pub name: String,
}

impl Store {
    /// Opens the database in `folder`, makes folder and database when missing, and runs the `migrations` that
    /// have not run yet, in this order.
    ///
    /// # Errors
    /// [`OpenError`]. With `InUse`, `NotOurs` and `OtherVersion` nothing was changed.
    pub fn open(folder: &Path, migrations: &[Migration]) -> Result<Store, OpenError> {
        Ok(Store { engine: Sqlite::open(folder, migrations)? })
    }

    /// Runs `work` in a transaction of its own, one after another, and answers after the commit is on the disk.
    /// An `Err` rolls it back. It runs to its end even when the caller stops waiting.
    ///
    /// Those that wait at the same time share one commit. When that has to be given up because of one of them (it
    /// met a full disk), the others run again.
    ///
    /// # Errors
    /// The error of `work`, or a [`StoreError`] of the transaction around it.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.engine.write(work).await
    }

    /// Runs a short `work` at once on the calling thread, on one snapshot of what was committed.
    ///
    /// # Errors
    /// The error of `work`, or a [`StoreError`]: `Budget` when it takes too many steps for a point read.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.engine.read(work)
    }

    /// Runs a long `work` on a thread for blocking work, on one snapshot of what was committed. While it runs
    /// the write-ahead log cannot be emptied, so read in chunks.
    ///
    /// # Errors
    /// The error of `work`, or a [`StoreError`].
    pub async fn scan<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&Read<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.engine.scan(work).await
    }

    /// Every column of every table, from the database's own catalogue, ordered by table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn columns(&self) -> Result<Vec<Column>, StoreError> {
        self.scan(|read| {
            let rows = read.query(dialect::sqlite::CATALOGUE, &params![])?;
            rows.iter().map(|row| Ok(Column { table: row.get(0)?, name: row.get(1)? })).collect()
        })
        .await
    }

    /// Removes deleted and replaced rows from the write-ahead log. Call it after erasing.
    ///
    /// A deleted row is overwritten with zeros, but this does not find every trace: when SQLite moves rows
    /// between neighbouring pages, a copy can stay behind in unused space of a page that lives on. Of rows of a
    /// few hundred bytes about one in a hundred leaves one. [`Store::scrub`] removes those too.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when a scan still reads the old rows: call it again later.
    pub async fn forget(&self) -> Result<(), StoreError> {
        self.engine.forget().await
    }

    /// Leaves no trace of deleted and replaced rows in any file of the folder, by writing the database anew.
    ///
    /// Writes wait meanwhile, about a second for every 100 MB, and twice the database's size must be free, half
    /// of it in the system's folder for temporary files.
    ///
    /// # Errors
    /// [`StoreError::Full`], with everything as it was; [`StoreError::Busy`] as [`Store::forget`].
    pub async fn scrub(&self) -> Result<(), StoreError> {
        self.engine.scrub().await
    }

    /// Refuses new work on every clone, finishes what is queued, and lets go of the folder.
    pub async fn close(self) {
        self.engine.close().await;
    }
}
