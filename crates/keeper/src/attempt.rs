//! An act on its way to its commit: tried again when the database was to blame, and done once.
//!
//! Whether an act was committed although its answer was lost is told by its first leaf: the hash of a random nonce, at a
//! position that only its own transaction can have taken. So the ledger is the list of operation ids, and none has to be
//! kept, expired or removed (decision 15).

use std::time::Duration;

use kept_ledger::Hash;
use kept_store::{StoreError, Tx};
use kept_vault::SubjectId;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use tokio::{sync::oneshot, time::sleep};

use crate::{
    act::Act,
    ctx::Ctx,
    error::KeeperError,
    keeper::{Acted, House, Keeper},
    trail::{self, Turn},
    turns::{Lost, Turns, Waiting},
};

/// How often an act is tried, the first time among them.
const TRIES: u32 = 4;
/// How long the first pause is at most; each is three times the one before. Together they outlast a database's restart.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Attempt<T, F> {
    ctx: Ctx,
    work: F,
    /// What the last run gave that came to its end, and its first leaf, if it has one.
    done: Option<(T, Option<(i64, Hash)>)>,
    /// The first leaf of that run, while nobody knows whether it was committed.
    unknown: Option<(i64, Hash)>,
}

impl<T, F> Attempt<T, F> {
    pub(crate) fn new(ctx: Ctx, work: F) -> Attempt<T, F> {
        Attempt { ctx, work, done: None, unknown: None }
    }

    pub(crate) async fn until_done<E>(self, keeper: &Keeper) -> Result<T, E>
    where
        F: FnMut(&mut Act<'_, '_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<KeeperError> + Send + 'static,
    {
        let mut attempt = self;
        let mut tries = 0;
        loop {
            let (reply, answer) = oneshot::channel();
            Turns::queue(keeper, Box::new(Try { attempt, ran: None, reply }));
            // Nobody is left to answer when the runtime ends under it.
            let Ok((back, tried)) = answer.await else {
                return Err(KeeperError::Store(StoreError::CommitUnknown).into());
            };
            attempt = back;
            tries += 1;
            let cause = match tried {
                Ok(()) => {
                    let done = attempt.done.take();
                    return done.map(|(outcome, _)| outcome).ok_or_else(|| KeeperError::Unrecorded.into());
                }
                Err(Acted::Ours(KeeperError::Store(cause))) => cause,
                Err(other) => return Err(other.flat()),
            };
            if cause == StoreError::CommitUnknown {
                attempt.unknown = attempt.done.as_ref().and_then(|(_, leaf)| *leaf);
            }
            let (again, cause) = match cause {
                // As long as an earlier commit was not looked up, nobody may say that nothing was kept.
                StoreError::Busy | StoreError::Unreachable if attempt.unknown.is_some() => {
                    (true, StoreError::CommitUnknown)
                }
                StoreError::Busy | StoreError::Unreachable => (true, cause),
                // What appended nothing cannot be looked up.
                StoreError::CommitUnknown => (attempt.unknown.is_some(), cause),
                _ => (false, cause),
            };
            if !again || tries == TRIES {
                return Err(KeeperError::Store(cause).into());
            }
            sleep(pause(tries, &mut attempt.ctx.rng)).await;
        }
    }

    /// Runs the act, unless the last run turns out to have been committed.
    fn run<E>(&mut self, tx: &Tx<'_>, house: &House, turn: &mut Turn) -> Result<(), Acted<E>>
    where
        F: FnMut(&mut Act<'_, '_>) -> Result<T, E>,
    {
        let mut act = Act::begin(tx, &mut self.ctx, house, turn).map_err(Acted::Ours)?;
        // Its turn has come, so the transaction of the last run is over, one way or the other.
        if let Some(leaf) = self.unknown {
            if trail::holds(tx, leaf).map_err(Acted::Ours)? {
                // Its turn may have put a notice into force.
                return act.finish().map(drop).map_err(Acted::Ours);
            }
            self.unknown = None;
        }
        self.done = None;
        let outcome = (self.work)(&mut act).map_err(|error| {
            tx.interruption().map_or(Acted::Theirs(error), |cause| Acted::Ours(KeeperError::Store(cause)))
        })?;
        let leaf = act.finish().map_err(Acted::Ours)?;
        self.done = Some((outcome, leaf));
        Ok(())
    }
}

/// An attempt that waits for its turn.
struct Try<T, E, F> {
    attempt: Attempt<T, F>,
    /// What its last run in this turn gave.
    ran: Option<Result<(), Acted<E>>>,
    reply: oneshot::Sender<Tried<T, E, F>>,
}

/// An attempt that comes back, and whether it was done.
type Tried<T, E, F> = (Attempt<T, F>, Result<(), Acted<E>>);

impl<T, E, F> Waiting for Try<T, E, F>
where
    F: FnMut(&mut Act<'_, '_>) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn about(&self) -> Option<SubjectId> {
        self.attempt.ctx.about
    }

    fn run(&mut self, tx: &Tx<'_>, house: &House, turn: &mut Turn) -> Result<(), StoreError> {
        let mark = turn.mark();
        let (ran, stands) = tx.part(|| self.attempt.run(tx, house, turn));
        if ran.is_err() {
            turn.back_to(mark);
        }
        self.ran = Some(ran);
        stands
    }

    fn failed(&self) -> bool {
        matches!(self.ran, Some(Err(_)))
    }

    fn answer(self: Box<Self>, stands: Result<(), Lost>) {
        let tried = match (stands, self.ran) {
            (Ok(()), Some(ran)) => ran,
            (Ok(()), None) => Err(StoreError::RolledBack.into()),
            // Of what failed by itself nothing was kept in any case.
            (Err(Lost::Store(StoreError::CommitUnknown)), Some(Err(_))) => {
                Err(StoreError::Unreachable.into())
            }
            (Err(cause), _) => Err(Acted::Ours(cause.into())),
        };
        // Whoever no longer waits need not be told.
        let _ = self.reply.send((self.attempt, tried));
    }
}

/// Between half of the pause and the whole, so that those who were refused together do not come back together.
fn pause(tries: u32, rng: &mut ChaCha20Rng) -> Duration {
    let most = PAUSE * 3_u32.pow(tries - 1);
    most / 2 + most.mul_f64(f64::from(rng.next_u32()) / f64::from(u32::MAX)) / 2
}
