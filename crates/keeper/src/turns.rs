//! Acts take turns: those that wait on one server share a transaction, one part each, because the sync at the end of a
//! commit and the way to the ledger's edge take longer than all else (decision 25).
//!
//! An act that fails or panics is undone alone. When the transaction around them is lost through one of them, each runs
//! again by itself. They are answered after the commit.

use std::{
    collections::VecDeque,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kept_store::{StoreError, Tx};
use kept_vault::SubjectId;

use crate::{
    error::KeeperError,
    keeper::{House, Keeper},
    sealed::Ahead,
    trail::Turn,
};

/// Acts that share a commit at most, and events after which the others wait for the next: the first act waits for the
/// last, and other servers wait for all.
const ACTS: usize = 256;
const EVENTS: usize = 512;

/// An act that waits, whatever it gives.
pub(crate) trait Waiting: Send {
    /// Whose data it is about, as far as that is known.
    fn about(&self) -> Option<SubjectId>;

    /// Runs it as a part of the transaction.
    ///
    /// # Errors
    /// The transaction no longer stands.
    fn run(&mut self, tx: &Tx<'_>, house: &House, turn: &mut Turn) -> Result<(), StoreError>;

    /// Whether it failed by itself when it was run.
    fn failed(&self) -> bool;

    /// Answers its caller: with `Ok`, what the last run gave stands; else with why it does not.
    fn answer(self: Box<Self>, stands: Result<(), Lost>);
}

/// Why a transaction of acts was not committed, or nobody knows whether it was.
#[derive(Clone)]
pub(crate) enum Lost {
    Store(StoreError),
    /// The row of the ledger's edge is none.
    Ledger,
}

impl From<KeeperError> for Lost {
    fn from(cause: KeeperError) -> Lost {
        if let KeeperError::Store(cause) = cause { Lost::Store(cause) } else { Lost::Ledger }
    }
}

impl From<StoreError> for Lost {
    fn from(cause: StoreError) -> Lost {
        Lost::Store(cause)
    }
}

impl From<Lost> for KeeperError {
    fn from(lost: Lost) -> KeeperError {
        match lost {
            Lost::Store(cause) => KeeperError::Store(cause),
            Lost::Ledger => KeeperError::Ledger,
        }
    }
}

/// The acts of a server that wait for their turn.
#[derive(Default)]
pub(crate) struct Turns(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Box<dyn Waiting>>,
    /// A task runs what waits, until nothing does: one transaction of acts at a time. So acts keep no connection from those
    /// who only look, and a server that freezes holds the turn once, and not once more for each of those that waited.
    served: bool,
}

impl Turns {
    /// Runs an act when its turn has come, to its end even when nobody waits for it any more.
    pub(crate) fn queue(keeper: &Keeper, act: Box<dyn Waiting>) {
        let mut queue = keeper.house.turns.lock();
        queue.waiting.push_back(act);
        if !mem::replace(&mut queue.served, true) {
            tokio::spawn(serve(keeper.clone()));
        }
    }

    /// Those who go next.
    fn next(&self) -> Group {
        let mut queue = self.lock();
        let most = queue.waiting.len().min(ACTS);
        queue.waiting.drain(..most).collect()
    }

    fn put_back(&self, acts: Group) {
        let mut queue = self.lock();
        acts.into_iter().rev().for_each(|act| queue.waiting.push_front(act));
    }

    /// Whether somebody waits; if not, whoever comes next begins a new task.
    fn goes_on(&self) -> bool {
        let mut queue = self.lock();
        queue.served = !queue.waiting.is_empty();
        queue.served
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        lock(&self.0)
    }
}

async fn serve(keeper: Keeper) {
    let house = Arc::clone(&keeper.house);
    let mut ended = Ended { house: &house, early: true };
    let mut keeper = Some(keeper);
    while let Some(site) = keeper.take() {
        let answers = take_turn(&site).await;
        // Whoever is answered may close the site and open it again: then nothing of it is held here any more.
        keeper = Some(site).filter(|_| house.turns.goes_on());
        ended.early = keeper.is_some();
        if ended.early {
            // The next turn need not wait until all are told.
            tokio::spawn(async { tell(answers) });
        } else {
            tell(answers);
        }
    }
}

fn tell(answers: Answers) {
    for (act, stands) in answers {
        // A result that nobody waits for is dropped here, and that is the caller's code.
        if catch_unwind(AssertUnwindSafe(|| act.answer(stands))).is_err() {
            tracing::error!("what an act held panicked when it was dropped");
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

type Group = Vec<Box<dyn Waiting>>;
type Answers = Vec<(Box<dyn Waiting>, Result<(), Lost>)>;

/// Runs those who wait in one transaction; when one of them has ended it, each by itself.
async fn take_turn(keeper: &Keeper) -> Answers {
    let group = keeper.house.turns.next();
    let is_one = group.len() == 1;
    let (group, stands) = together(keeper, group).await;
    let one_is_to_blame = match &stands {
        Ok(()) | Err(Lost::Ledger) => false,
        Err(Lost::Store(cause)) => !matches!(
            cause,
            StoreError::Busy | StoreError::Unreachable | StoreError::CommitUnknown | StoreError::Closed
        ),
    };
    if is_one {
        return by_itself(group, &stands).collect();
    }
    if !one_is_to_blame {
        return group.into_iter().map(|act| (act, stands.clone())).collect();
    }
    let mut answers = Vec::with_capacity(group.len());
    for act in group {
        let (alone, stands) = together(keeper, vec![act]).await;
        answers.extend(by_itself(alone, &stands));
    }
    answers
}

/// What becomes of an act that was alone: when it failed by itself, nobody need be told that its transaction did too.
fn by_itself(
    alone: Group,
    stands: &Result<(), Lost>,
) -> impl Iterator<Item = (Box<dyn Waiting>, Result<(), Lost>)> {
    alone.into_iter().map(|act| {
        let stands = if act.failed() { Ok(()) } else { stands.clone() };
        (act, stands)
    })
}

/// Runs a group in one transaction; those whom it had no room for wait for the next.
async fn together(keeper: &Keeper, group: Group) -> (Group, Result<(), Lost>) {
    let group = Arc::new(Mutex::new(group));
    let (house, acts) = (Arc::clone(&keeper.house), Arc::clone(&group));
    let written = keeper.store.write(move |tx| {
        let mut turn = Turn::begin(tx)?;
        let mut acts = lock(&acts);
        if tx.is_far() {
            turn.ahead = Ahead::read(tx, &acts.iter().filter_map(|act| act.about()).collect())?;
        }
        let mut ran = 0;
        for act in acts.iter_mut() {
            act.run(tx, &house, &mut turn)?;
            ran += 1;
            if turn.appended() >= EVENTS {
                break;
            }
        }
        turn.finish(tx)?;
        Ok::<_, KeeperError>(ran)
    });
    let ran = written.await;
    let mut group = mem::take(&mut *lock(&group));
    if let Ok(ran) = ran {
        keeper.house.turns.put_back(group.split_off(ran));
    }
    (group, ran.map(drop).map_err(Lost::from))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
