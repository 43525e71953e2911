//! Acts take turns: those that wait on one server share a transaction, one part each, because the sync at the end of a
//! commit takes longer than all else, and on PostgreSQL the way to the ledger's edge and back does too.
//!
//! An act that fails or panics is rolled back alone. When the transaction around them is lost, each runs again by itself.
//! They are answered after the commit.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kept_store::{StoreError, Tx};
use tokio::sync::oneshot;

use crate::{
    act::Act,
    ctx::Ctx,
    error::KeeperError,
    keeper::{Acted, House, Keeper},
    trail::Appender,
};

/// Acts that share a commit at most. The first one waits for the last.
const MOST: usize = 256;

/// The acts that wait for their turn.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Vec<Box<dyn Turn>>,
    /// A task runs what waits, until nothing does.
    served: bool,
}

/// An act that waits, whatever it gives.
trait Turn: Send {
    /// Runs it as a part of the transaction.
    ///
    /// # Errors
    /// The transaction no longer stands.
    fn run(&mut self, tx: &Tx<'_>, house: &House, appender: &mut Appender) -> Result<(), StoreError>;

    /// Answers its caller: with `Ok`, what the last run gave stands; else with why it does not.
    fn answer(self: Box<Self>, stands: Result<(), KeeperError>);
}

/// Runs an act when its turn has come, and answers when it is on the disk. It runs to its end even when the caller stops
/// waiting.
pub(crate) async fn take<T, E, F>(keeper: &Keeper, ctx: Ctx, work: F) -> Result<T, E>
where
    F: FnMut(&mut Act<'_, '_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<KeeperError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let turn = Box::new(Asked { ctx, work, done: None, reply });
    let first = {
        let mut queue = keeper.house.turns.lock();
        queue.waiting.push(turn);
        !mem::replace(&mut queue.served, true)
    };
    if first {
        tokio::spawn(serve(keeper.clone()));
    }
    // Nobody is left to answer when the runtime ends under it.
    answer.await.unwrap_or_else(|_| Err(KeeperError::Store(StoreError::CommitUnknown).into()))
}

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next to run together; with none the task has ended.
    fn next(&self) -> Vec<Box<dyn Turn>> {
        let mut queue = self.lock();
        queue.served = !queue.waiting.is_empty();
        let most = queue.waiting.len().min(MOST);
        queue.waiting.drain(..most).collect()
    }
}

/// Runs what waits, until nothing does.
async fn serve(keeper: Keeper) {
    let house = Arc::clone(&keeper.house);
    let mut ended = Ended { house: &house, early: true };
    let mut keeper = Some(keeper);
    let mut group = house.turns.next();
    while let Some(site) = keeper.take() {
        let answers = run(&site, group).await;
        group = house.turns.next();
        // Whoever is answered may close the site and open it again: then nothing of it is held here any more.
        keeper = Some(site).filter(|_| !group.is_empty());
        ended.early = keeper.is_some();
        for (turn, stands) in answers {
            // A result that nobody waits for is dropped here, and that is the caller's code.
            if catch_unwind(AssertUnwindSafe(|| turn.answer(stands))).is_err() {
                tracing::error!("what an act held panicked when it was dropped");
            }
        }
    }
}

/// Lets the next act begin a new task, when this one was dropped with its runtime.
struct Ended<'h> {
    house: &'h House,
    early: bool,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if self.early {
            self.house.turns.lock().served = false;
        }
    }
}

type Answer = (Box<dyn Turn>, Result<(), KeeperError>);

/// Runs a group in one transaction; when that is lost, each by itself.
async fn run(keeper: &Keeper, group: Vec<Box<dyn Turn>>) -> Vec<Answer> {
    let (group, stands) = together(keeper, group).await;
    let one_is_to_blame = !matches!(
        stands,
        Ok(())
            | Err(KeeperError::Store(
                StoreError::Busy | StoreError::Unreachable | StoreError::CommitUnknown | StoreError::Closed
            ))
    );
    if group.len() == 1 || !one_is_to_blame {
        return group.into_iter().map(|turn| (turn, again(&stands))).collect();
    }
    let mut answers = Vec::with_capacity(group.len());
    for turn in group {
        let (alone, stands) = together(keeper, vec![turn]).await;
        answers.extend(alone.into_iter().map(|turn| (turn, again(&stands))));
    }
    answers
}

async fn together(
    keeper: &Keeper,
    group: Vec<Box<dyn Turn>>,
) -> (Vec<Box<dyn Turn>>, Result<(), KeeperError>) {
    let group = Arc::new(Mutex::new(group));
    let (house, turns) = (Arc::clone(&keeper.house), Arc::clone(&group));
    let stands = keeper
        .store
        .write(move |tx| {
            let mut appender = Appender::begin(tx)?;
            for turn in turns.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
                turn.run(tx, &house, &mut appender)?;
            }
            appender.finish(tx)
        })
        .await;
    let turns = mem::take(&mut *group.lock().unwrap_or_else(PoisonError::into_inner));
    (turns, stands)
}

/// The same for everybody.
fn again(stands: &Result<(), KeeperError>) -> Result<(), KeeperError> {
    match stands {
        Ok(()) => Ok(()),
        Err(KeeperError::Store(error)) => Err(KeeperError::Store(error.clone())),
        // Of its own the appender knows no other error.
        Err(_) => Err(KeeperError::Ledger),
    }
}

struct Asked<T, E, F> {
    ctx: Ctx,
    work: F,
    /// What the last run gave.
    done: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Turn for Asked<T, E, F>
where
    F: FnMut(&mut Act<'_, '_>) -> Result<T, E> + Send,
    T: Send,
    E: From<KeeperError> + Send,
{
    fn run(&mut self, tx: &Tx<'_>, house: &House, appender: &mut Appender) -> Result<(), StoreError> {
        appender.mark();
        let done = tx.part(|| {
            let given = (self.work)(&mut Act::begin(tx, &mut self.ctx, house, appender));
            let given = given.map_err(Acted::Theirs)?;
            appender.is_whole().map_err(Acted::Ours)?;
            Ok(given)
        })?;
        if done.is_err() {
            appender.take_back();
        }
        self.done = Some(done.map_err(Acted::flat));
        Ok(())
    }

    fn answer(self: Box<Self>, stands: Result<(), KeeperError>) {
        let answer = match stands {
            Ok(()) => self.done,
            Err(error) => Some(Err(error.into())),
        };
        if let Some(answer) = answer {
            // Whoever no longer waits need not be told.
            let _ = self.reply.send(answer);
        }
    }
}
