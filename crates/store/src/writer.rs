//! The one thread that writes. SQLite has one writer at a time, so a queue in front of it beats a lock.

use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{StoreError, files};

/// Jobs that may wait; more make their callers wait to queue.
const QUEUE: usize = 1024;

/// The queue to the thread. Dropping it waits until the thread has done what was queued.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

enum Command {
    Run(Box<dyn FnOnce(&Connection) + Send>),
    Close(oneshot::Sender<()>),
}

impl Writer {
    /// Starts the thread. `lock` is held as long as it runs.
    pub(crate) fn start(connection: Connection, lock: File) -> std::io::Result<Writer> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(|| serve(connection, lock, receiver))?;
        Ok(Writer { queue: Some(sender), thread: Some(thread) })
    }

    /// Runs `job` on the thread, after those queued before, even when nobody waits for its answer any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let run = Command::Run(Box::new(move |connection: &Connection| drop(reply.send(job(connection)))));
        self.send(run).await?;
        answer.await.map_err(|_| StoreError::Panicked)
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

fn serve(connection: Connection, lock: File, mut queue: mpsc::Receiver<Command>) {
    let mut closers = Vec::new();
    while let Some(command) = queue.blocking_recv() {
        match command {
            Command::Run(job) => {
                // The transaction catches its function's panics; this is for what surrounds it, such as the
                // conversion of an error. The reply is dropped with the job, so its caller is told.
                if catch_unwind(AssertUnwindSafe(|| job(&connection))).is_err() {
                    tracing::error!("a job panicked outside its transaction");
                }
            }
            Command::Close(done) => {
                queue.close();
                closers.push(done);
            }
        }
    }
    if let Err(error) = files::forget(&connection) {
        tracing::warn!(%error, "the write-ahead log could not be emptied; the next start does it");
    }
    drop(connection);
    drop(lock);
    for done in closers {
        // Whoever no longer waits need not be told.
        let _ = done.send(());
    }
}
