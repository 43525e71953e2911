//! The embedded database: one file, one thread that writes, any number that read.

mod files;
mod group;
mod log;
mod readers;
mod statement;
mod writer;

use std::{path::Path, sync::Arc};

pub(crate) use rusqlite::Connection;

use tokio::{sync::Semaphore, task};

pub(crate) use self::statement::{define, execute, part, query};
use self::{group::Groups, readers::Readers, writer::Writer};
use crate::{Migration, OpenError, Read, StoreError, Tx, migration};

/// Scans that run at once; more wait. Each keeps a core busy and holds back the write-ahead log.
const SCANS: usize = 4;

/// An open data folder. Clones share it.
#[derive(Clone)]
pub(crate) struct Sqlite {
    shared: Arc<Shared>,
}

/// Dropped from the top: the writer's connection has to be the last one.
struct Shared {
    readers: Readers,
    scans: Arc<Semaphore>,
    writer: Writer,
}

impl Sqlite {
    pub(crate) fn open<E: From<OpenError> + From<StoreError>>(
        folder: &Path,
        migrations: &[Migration],
        fits: impl FnOnce(&Read<'_>) -> Result<(), E>,
    ) -> Result<Sqlite, E> {
        let (lock, path) = files::claim(folder)?;
        let reader = files::reader(&path)?;
        let pending = statement::reading(&reader, |read| {
            migration::fitting(read, &path.display().to_string(), migrations, fits)
        })?;
        drop(reader);
        let connection = files::writer(&path)?;
        for step in pending {
            statement::writing(&connection, |tx| migration::run(tx, step))
                .map_err(|source| OpenError::Migration { name: step.name, source })?;
        }
        let writer = Writer::start(Groups::new(path.clone(), connection)?, lock)
            .map_err(|source| OpenError::Io { path: folder.to_owned(), source })?;
        let shared = Shared { readers: Readers::new(path), scans: Arc::new(Semaphore::new(SCANS)), writer };
        Ok(Sqlite { shared: Arc::new(shared) })
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.shared.writer.write(work).await
    }

    pub(crate) fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Read<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.shared.readers.run(readers::POINT_READ, work)
    }

    pub(crate) async fn scan<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Read<'_>) -> Result<T, E> + Send + 'static,
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

    pub(crate) async fn forget(&self) -> Result<(), StoreError> {
        self.shared.writer.alone(files::forget).await
    }

    pub(crate) async fn scrub(&self) -> Result<(), StoreError> {
        self.shared.writer.alone(files::scrub).await
    }

    pub(crate) async fn close(&self) {
        self.shared.readers.close();
        self.shared.writer.close().await;
    }
}
