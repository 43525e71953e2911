//! The one thread that writes. SQLite has one writer at a time, so a queue in front of it beats a lock.

use std::{
    fs::File,
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{files, group::Groups};
use crate::{
    StoreError, Tx,
    job::{Job, answered, job},
};

/// Jobs that may wait; more make their callers wait to queue.
const QUEUE: usize = 1024;
/// Jobs that share a commit at most. The first one waits for the last, and a tenth of a second would be felt.
const GROUP: usize = 256;

/// The queue to the thread. Dropping it waits until the thread has done what was queued.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

enum Command {
    /// Runs with others in a group.
    Write(Box<dyn Job>),
    /// Runs between groups, outside a transaction.
    Alone(fn(&Connection) -> Result<(), StoreError>, oneshot::Sender<Result<(), StoreError>>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread that commits `groups`. `lock` is held as long as it runs.
    pub(crate) fn start(groups: Groups, lock: File) -> std::io::Result<Writer> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread =
            thread::Builder::new().name("store-writer".to_owned()).spawn(|| serve(groups, lock, receiver))?;
        Ok(Writer { queue: Some(sender), thread: Some(thread) })
    }

    /// Runs `work` in a transaction, after those queued before, even when nobody waits for its answer any more.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, reply) = job(work);
        self.send(Command::Write(job)).await?;
        answered(reply).await
    }

    /// Runs `job` outside a transaction, after those queued before.
    pub(crate) async fn alone(
        &self,
        job: fn(&Connection) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Alone(job, reply)).await?;
        answer.await.map_err(|_| StoreError::Panicked)?
    }

    /// Finishes what is queued, empties the write-ahead log, and lets go of the folder.
    pub(crate) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.send(Command::Close(reply)).await.is_ok() {
            // An error means the same: the thread has ended.
            let _ = answer.await;
        }
    }

    async fn send(&self, command: Command) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send(command).await.map_err(|_| StoreError::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        // The last store may be dropped by a job, on the thread itself.
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
            && thread.join().is_err()
        {
            tracing::error!("the writer ended in a panic");
        }
    }
}

fn serve(mut groups: Groups, lock: File, mut queue: mpsc::Receiver<Command>) {
    let mut closers = Vec::new();
    let mut next = queue.blocking_recv();
    while let Some(command) = next.take() {
        match command {
            Command::Write(job) => {
                let mut group = vec![job];
                while group.len() < GROUP && next.is_none() {
                    match queue.try_recv() {
                        Ok(Command::Write(job)) => group.push(job),
                        Ok(other) => next = Some(other),
                        Err(_) => break,
                    }
                }
                groups.run(group);
            }
            Command::Alone(job, reply) => {
                // Whoever no longer waits need not be told.
                let _ = reply.send(groups.alone(job));
            }
            Command::Close(done) => {
                queue.close();
                closers.push(done);
            }
        }
        next = next.or_else(|| queue.blocking_recv());
    }
    if let Err(error) = groups.alone(files::forget) {
        tracing::warn!(%error, "the write-ahead log could not be emptied; the next start does it");
    }
    drop(groups);
    drop(lock);
    for done in closers {
        let _ = done.send(());
    }
}
