//! The store that servers hold.

use std::path::Path;

use crate::{
    Migration, OpenError, Read, StoreError, Tx, dialect, params, postgres::Postgres, sqlite::Sqlite,
};

/// One open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
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
        Store::open_if(folder, migrations, |_| Ok::<_, OpenError>(()))
    }

    /// As [`open`](Store::open), if what the database says `fits`, which is asked before any of the `migrations` runs, and
    /// not of a database in which none has run yet.
    ///
    /// # Errors
    /// As [`open`](Store::open), and what `fits` says: then nothing was changed.
    pub fn open_if<E: From<OpenError> + From<StoreError> + Send>(
        folder: &Path,
        migrations: &[Migration],
        fits: impl FnOnce(&Read<'_>) -> Result<(), E> + Send,
    ) -> Result<Store, E> {
        Ok(Store { engine: Engine::Sqlite(Sqlite::open(folder, migrations, fits)?) })
    }

    /// Connects to the PostgreSQL database at `url` (`postgresql://user@host/name`), which must exist and be UTF-8,
    /// and runs the `migrations` that have not run yet, in this order, while no other server does.
    ///
    /// Connections are not encrypted. They are made when they are needed, and again after they broke.
    ///
    /// # Errors
    /// [`OpenError`]. With `NotOurs` and `OtherVersion` nothing was changed.
    pub fn connect(url: &str, migrations: &[Migration]) -> Result<Store, OpenError> {
        Store::connect_if(url, migrations, |_| Ok::<_, OpenError>(()))
    }

    /// As [`connect`](Store::connect), if what the database says `fits`, as for [`open_if`](Store::open_if).
    ///
    /// # Errors
    /// As [`connect`](Store::connect), and what `fits` says: then nothing was changed.
    pub fn connect_if<E: From<OpenError> + From<StoreError> + Send>(
        url: &str,
        migrations: &[Migration],
        fits: impl FnOnce(&Read<'_>) -> Result<(), E> + Send,
    ) -> Result<Store, E> {
        Ok(Store { engine: Engine::Postgres(Postgres::connect(url, migrations, fits)?) })
    }

    /// Whether nothing has been kept yet in the PostgreSQL database at `url`. Changes nothing.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn is_new(url: &str) -> Result<bool, OpenError> {
        Postgres::is_new(url)
    }

    /// Runs `work` in a transaction of its own, and answers after the commit is on the disk. An `Err` rolls it back.
    /// It runs to its end even when the caller stops waiting.
    ///
    /// On SQLite those that wait at the same time share one commit. When that has to be given up because of one of
    /// them (it met a full disk), the others run again.
    ///
    /// # Errors
    /// The error of `work`, or a [`StoreError`] of the transaction around it.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.write(work).await,
            Engine::Postgres(postgres) => postgres.write(work).await,
        }
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
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.read(work),
            Engine::Postgres(postgres) => postgres.read(work).await,
        }
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
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.scan(work).await,
            Engine::Postgres(postgres) => postgres.scan(work).await,
        }
    }

    /// Every column of every table, from the database's own catalogue, ordered by table.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn columns(&self) -> Result<Vec<Column>, StoreError> {
        let catalogue = match self.engine {
            Engine::Sqlite(_) => dialect::sqlite::CATALOGUE,
            Engine::Postgres(_) => dialect::postgres::CATALOGUE,
        };
        self.scan(move |read| {
            let rows = read.query(catalogue, &params![])?;
            rows.iter().map(|row| Ok(Column { table: row.get(0)?, name: row.get(1)? })).collect()
        })
        .await
    }

    /// Lets go of deleted and replaced rows. Call it after erasing.
    ///
    /// On SQLite it removes them from the write-ahead log. In the database a deleted row is overwritten with zeros,
    /// but this does not find every trace: when SQLite moves rows between neighbouring pages, a copy can stay
    /// behind in unused space of a page that lives on. Of rows of a few hundred bytes about one in a hundred leaves
    /// one. On PostgreSQL it vacuums: nobody can read them any more, but their bytes stay until the space is used
    /// again. [`Store::scrub`] removes those too.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when somebody may still see the old rows, such as a scan: call it again later.
    pub async fn forget(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.forget().await,
            Engine::Postgres(postgres) => postgres.forget().await,
        }
    }

    /// Leaves no trace of deleted and replaced rows in the database, by writing it anew.
    ///
    /// On SQLite none is left in any file of the folder. Writes wait meanwhile, about a second for every 100 MB, and
    /// twice the database's size must be free, half of it in the system's folder for temporary files.
    ///
    /// On PostgreSQL none is left in a table; reads of the table that is being written wait too, and twice the
    /// largest table's size must be free. The server's own write-ahead log, archives of it, replicas' logs and
    /// the disk's blocks of files that were removed are beyond our reach.
    ///
    /// # Errors
    /// [`StoreError::Full`], with everything as it was; [`StoreError::Busy`] as [`Store::forget`].
    pub async fn scrub(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.scrub().await,
            Engine::Postgres(postgres) => postgres.scrub().await,
        }
    }

    /// Refuses new work on every clone, finishes what is queued, and lets go of the folder.
    pub async fn close(self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.close().await,
            Engine::Postgres(postgres) => postgres.close().await,
        };
    }
}
