//! The store that servers hold.

use std::{path::Path, sync::Arc};

use tokio::{sync::Semaphore, task};

use crate::{
    Migration, OpenError, Read, StoreError, Tx, dialect, files, migration, params,
    readers::{self, Readers},
    transaction,
    writer::Writer,
};

/// Scans that run at once; more wait. Each keeps a core busy and holds back the write-ahead log.
const SCANS: usize = 4;

/// One open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// Dropped from the top: the writer's connection has to be the last one.
struct Shared {
    readers: Readers,
    scans: Arc<Semaphore>,
    writer: Writer,
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
        let (lock, path) = files::claim(folder)?;
        let pending = migration::pending(&files::reader(&path)?, &path, migrations)?;
        let connection = files::writer(&path)?;
        migration::run(&connection, &pending)?;
        let writer = Writer::start(connection, lock)
            .map_err(|source| OpenError::Io { path: folder.to_owned(), source })?;
        Ok(Store {
            shared: Arc::new(Shared {
                readers: Readers::new(path),
                scans: Arc::new(Semaphore::new(SCANS)),
                writer,
            }),
        })
    }

    /// Runs `work` in a transaction of its own, one after another, and answers after the commit is on the disk.
    /// An `Err` rolls it back. It runs to its end even when the caller stops waiting.
    ///
    /// # Errors
    /// The error of `work`, or a [`StoreError`] of the transaction around it.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.shared.writer.run(|connection| transaction::writing(connection, work)).await?
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
        self.shared.readers.run(readers::POINT_READ, work)
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
        let turn = Arc::clone(&self.shared.scans).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let shared = Arc::clone(&self.shared);
        let scan = task::spawn_blocking(move || {
            // The turn ends with the scan, not with the caller's patience.
            let _turn = turn;
            shared.readers.run(readers::UNLIMITED, work)
        });
        scan.await.map_err(|_| StoreError::Closed)?
    }

    /// Every column of every table, from the database's own catalogue, ordered by table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn columns(&self) -> Result<Vec<Column>, StoreError> {
        self.scan(|read| {
            let rows = read.query(dialect::CATALOGUE, &params![])?;
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
        self.shared.writer.run(files::forget).await?
    }

    /// Leaves no trace of deleted and replaced rows in any file of the folder, by writing the database anew.
    ///
    /// Writes wait meanwhile, about a second for every 100 MB, and twice the database's size must be free, half
    /// of it in the system's folder for temporary files.
    ///
    /// # Errors
    /// [`StoreError::Full`], with everything as it was; [`StoreError::Busy`] as [`Store::forget`].
    pub async fn scrub(&self) -> Result<(), StoreError> {
        self.shared.writer.run(files::scrub).await?
    }

    /// Refuses new work on every clone, finishes what is queued, and lets go of the folder.
    pub async fn close(self) {
        self.shared.readers.close();
        self.shared.writer.close().await;
    }
}
