//! The threads that talk to the server. Each has a connection of its own: a transaction's function keeps its
//! thread busy to its end, so the threads are the pool.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_postgres::Config;

use super::session::{Session, UniqueIndexes};
use crate::{
    Read, StoreError, Tx,
    dialect::postgres as dialect,
    job::{Job, answer_all},
};

/// Connections, and transactions at the same time. A server takes 100 by default, for everybody.
const THREADS: usize = 16;
/// Transactions that may wait; more make their callers wait to queue.
const QUEUE: usize = 1024;

/// What a thread is asked to do. It must not panic.
pub(crate) type Task = Box<dyn FnOnce(&mut Worker) + Send>;

/// The queue to the threads. Dropping it waits until they have done what was queued.
pub(crate) struct Workers {
    queue: Option<mpsc::Sender<Command>>,
    threads: Vec<JoinHandle<()>>,
    /// Closed when the last thread has ended.
    ended: watch::Receiver<()>,
}

enum Command {
    Do(Task),
    Close,
}

/// A thread's connection, made when it is first needed and made again after it broke.
pub(crate) struct Worker {
    config: Config,
    unique_indexes: Arc<UniqueIndexes>,
    session: Option<Session>,
}

impl Workers {
    pub(crate) fn start(config: &Config, unique_indexes: UniqueIndexes) -> std::io::Result<Workers> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let (alive, ended) = watch::channel(());
        let receiver = Arc::new(Mutex::new(receiver));
        let unique_indexes = Arc::new(unique_indexes);
        let start = |_| {
            let (receiver, alive) = (Arc::clone(&receiver), alive.clone());
            let (config, unique_indexes) = (config.clone(), Arc::clone(&unique_indexes));
            thread::Builder::new().name("store-worker".to_owned()).spawn(move || {
                let _alive = alive;
                let mut worker = Worker { config, unique_indexes, session: None };
                while let Some(task) = next(&receiver) {
                    task(&mut worker);
                }
            })
        };
        let threads = (0..THREADS).map(start).collect::<Result<_, _>>()?;
        Ok(Workers { queue: Some(sender), threads, ended })
    }

    /// Has a thread do `task`, after those queued before have begun.
    pub(crate) async fn send(&self, task: Task) -> Result<(), StoreError> {
        self.command(Command::Do(task)).await
    }

    /// Refuses new tasks, finishes what is queued, and disconnects.
    pub(crate) async fn close(&self) {
        // An error means that they have ended.
        let _ = self.command(Command::Close).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    async fn command(&self, command: Command) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.send(command).await.map_err(|_| StoreError::Closed)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        drop(self.queue.take());
        // The last store may be dropped by a task, on one of the threads.
        let others = |thread: &JoinHandle<()>| thread.thread().id() != thread::current().id();
        for thread in self.threads.drain(..).filter(others) {
            if thread.join().is_err() {
                tracing::error!("a worker ended in a panic");
            }
        }
    }
}

/// The next task; `None` when the queue is closed and empty. One idle thread waits in the queue, the others behind it.
fn next(queue: &Mutex<mpsc::Receiver<Command>>) -> Option<Task> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        match queue.blocking_recv()? {
            Command::Do(task) => return Some(task),
            Command::Close => queue.close(),
        }
    }
}

impl Worker {
    /// Runs `job` in a transaction and answers it.
    pub(crate) fn write(&mut self, mut job: Box<dyn Job>) {
        let run = |session: &Session| {
            session.begin(dialect::BEGIN_WRITE, false);
            job.run(&mut Tx::postgres(session))
        };
        let stands = self.transact(run).and_then(|(session, keep)| {
            let stands = session.end(keep);
            self.keep(session);
            stands
        });
        answer_all([job], &stands);
    }

    /// Runs `work` on one snapshot and replies. A reply that is dropped means that it panicked.
    pub(crate) fn read<T, E: From<StoreError>>(
        &mut self,
        begin: &'static str,
        patient: bool,
        mut work: impl FnMut(&Read<'_>) -> Result<T, E>,
        reply: oneshot::Sender<Result<Result<T, E>, StoreError>>,
    ) {
        let run = |session: &Session| {
            session.begin(begin, patient);
            catch_unwind(AssertUnwindSafe(|| work(&Read::postgres(session))))
        };
        match self.transact(run) {
            // Whoever no longer waits need not be told.
            Err(error) => drop(reply.send(Err(error))),
            Ok((session, done)) => {
                match done {
                    Ok(done) => drop(catch_unwind(AssertUnwindSafe(|| reply.send(Ok(done))))),
                    Err(_) => tracing::error!("a read panicked"),
                }
                session.end_read();
                self.keep(session);
            }
        }
    }

    /// Runs `work` outside a transaction.
    pub(crate) fn alone(
        &mut self,
        work: impl FnOnce(&Session) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (session, begun) = self.transact(|session| session.begin_none(true))?;
        let done = begun.and_then(|()| work(&session));
        // Ends no transaction, but finds out whether the connection can be used again.
        let _ = session.end(false);
        self.keep(session);
        done
    }

    /// Runs `work` on the connection. One that broke while it was idle is replaced, and the work begun anew: it has seen
    /// nothing yet.
    fn transact<T>(&mut self, mut work: impl FnMut(&Session) -> T) -> Result<(Session, T), StoreError> {
        if let Some(session) = self.session.take() {
            let done = work(&session);
            if !session.was_over() {
                return Ok((session, done));
            }
        }
        let session = self.connect()?;
        let done = work(&session);
        Ok((session, done))
    }

    fn connect(&self) -> Result<Session, StoreError> {
        Session::connect(&self.config, Arc::clone(&self.unique_indexes)).map_err(|reason| {
            tracing::warn!(%reason, "the database cannot be reached");
            StoreError::Unreachable
        })
    }

    fn keep(&mut self, session: Session) {
        self.session = Some(session).filter(Session::is_sound);
    }
}
