//! A caller's transaction on its way to the database and its answer on the way back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use crate::{StoreError, Tx};

/// A write that waits to be run. It may be run several times and is answered once.
pub(crate) trait Job: Send {
    /// Runs the function; says whether its changes are to be kept. What a panic leaves half done in memory is
    /// dropped with the job; its changes are not to be kept.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Answers the caller: with `Ok`, what the last run gave stands; else with why it does not.
    fn answer(self: Box<Self>, stands: Result<(), StoreError>);
}

/// What a caller waits for. A reply that was dropped means that its function panicked.
pub(crate) type Reply<T, E> = oneshot::Receiver<Result<Result<T, E>, StoreError>>;

/// A job for `work`, and where its answer arrives.
pub(crate) fn job<T, E, F>(work: F) -> (Box<dyn Job>, Reply<T, E>)
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Asked { work, done: None, reply }), answer)
}

/// Waits for the answer to a [`job`].
pub(crate) async fn answered<T, E: From<StoreError>>(reply: Reply<T, E>) -> Result<T, E> {
    reply.await.map_err(|_| StoreError::Panicked)??
}

/// Tells each of `jobs` the same.
pub(crate) fn answer_all(jobs: impl IntoIterator<Item = Box<dyn Job>>, stands: &Result<(), StoreError>) {
    for job in jobs {
        // A result that nobody waits for is dropped here, and that is the caller's code.
        if catch_unwind(AssertUnwindSafe(|| job.answer(stands.clone()))).is_err() {
            tracing::error!("what a job held panicked when it was dropped");
        }
    }
}

struct Asked<T, E, F> {
    work: F,
    /// What the last run gave; `None` after a panic.
    done: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<Result<T, E>, StoreError>>,
}

impl<T, E, F> Job for Asked<T, E, F>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let run = AssertUnwindSafe(|| {
            self.done = None;
            self.done = Some((self.work)(tx));
        });
        catch_unwind(run).is_ok() && matches!(self.done, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, stands: Result<(), StoreError>) {
        let answer = match stands {
            Ok(()) => self.done.map(Ok),
            Err(error) => Some(Err(error)),
        };
        if let Some(answer) = answer {
            // Whoever no longer waits need not be told.
            let _ = self.reply.send(answer);
        }
    }
}
