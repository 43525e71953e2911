//! An act on its way to its commit: tried again when the database was to blame, and done once.
//!
//! Whether an act was committed although its answer was lost is told by its first leaf: the hash of a random nonce, at a
//! position that only its own transaction can have taken. So the ledger is the list of operation ids, and none has to be
//! kept, expired or removed (decision 15).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kept_ledger::Hash;
use kept_store::{StoreError, Tx};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use tokio::time::sleep;

use crate::{
    act::Act,
    ctx::Ctx,
    error::KeeperError,
    keeper::{Acted, House, Keeper},
    trail,
};

/// How often an act is tried, the first time among them.
const TRIES: u32 = 4;
/// How long the first pause is at most; each is three times the one before. Together they outlast a database's restart.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Attempt<T, F> {
    ctx: Ctx,
    work: F,
    /// What the last run gave, from its last statement until its commit has been answered for.
    done: Option<Done<T>>,
}

struct Done<T> {
    outcome: T,
    /// `None` of an act that appended nothing.
    leaf: Option<(i64, Hash)>,
}

impl<T, F> Attempt<T, F> {
    pub(crate) fn new(ctx: Ctx, work: F) -> Attempt<T, F> {
        Attempt { ctx, work, done: None }
    }

    pub(crate) async fn until_done<E>(self, keeper: &Keeper) -> Result<T, E>
    where
        F: FnMut(&mut Act<'_, '_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<KeeperError> + Send + 'static,
    {
        let attempt = Arc::new(Mutex::new(self));
        let mut tries = 0;
        loop {
            let (house, this) = (keeper.house.clone(), Arc::clone(&attempt));
            let turn = keeper.house.acts.clone().acquire_owned().await;
            let run = move |tx: &mut Tx<'_>| {
                // Until it has ended, also where nobody waits for it any more.
                let _turn = &turn;
                lock(&this).run(tx, &house)
            };
            let tried = keeper.store.write(run).await;
            tries += 1;
            let pause = {
                let mut attempt = lock(&attempt);
                let cause = match tried {
                    Ok(()) => {
                        let done = attempt.done.take();
                        return done.map(|done| done.outcome).ok_or_else(|| KeeperError::Unrecorded.into());
                    }
                    Err(Acted::Ours(KeeperError::Store(cause))) => cause,
                    Err(other) => return Err(other.flat()),
                };
                let can_be_looked_up = attempt.done.as_ref().is_some_and(|done| done.leaf.is_some());
                let (again, cause) = match cause {
                    // As long as an earlier commit was not looked up, nobody may say that nothing was kept.
                    StoreError::Busy | StoreError::Unreachable if can_be_looked_up => {
                        (true, StoreError::CommitUnknown)
                    }
                    StoreError::Busy | StoreError::Unreachable => (true, cause),
                    StoreError::CommitUnknown => (can_be_looked_up, cause),
                    _ => (false, cause),
                };
                if !again || tries == TRIES {
                    return Err(KeeperError::Store(cause).into());
                }
                pause(tries, &mut attempt.ctx.rng)
            };
            sleep(pause).await;
        }
    }

    /// Runs the act, unless the last run turns out to have been committed.
    fn run<E>(&mut self, tx: &Tx<'_>, house: &House) -> Result<(), Acted<E>>
    where
        F: FnMut(&mut Act<'_, '_>) -> Result<T, E>,
    {
        let mut act = Act::begin(tx, &mut self.ctx, house).map_err(Acted::Ours)?;
        // Its turn has come, so the transaction of the last run is over, one way or the other.
        if let Some(leaf) = self.done.as_ref().and_then(|done| done.leaf)
            && trail::holds(tx, leaf).map_err(Acted::Ours)?
        {
            // Its turn may have put a notice into force.
            return act.finish().map(drop).map_err(Acted::Ours);
        }
        self.done = None;
        let outcome = (self.work)(&mut act).map_err(|error| {
            tx.interruption().map_or(Acted::Theirs(error), |cause| Acted::Ours(KeeperError::Store(cause)))
        })?;
        let leaf = act.finish().map_err(Acted::Ours)?;
        self.done = Some(Done { outcome, leaf });
        Ok(())
    }
}

/// Between half of the pause and the whole, so that those who were refused together do not come back together.
fn pause(tries: u32, rng: &mut ChaCha20Rng) -> Duration {
    let most = PAUSE * 3_u32.pow(tries - 1);
    most / 2 + most.mul_f64(f64::from(rng.next_u32()) / f64::from(u32::MAX)) / 2
}

fn lock<T>(attempt: &Mutex<T>) -> MutexGuard<'_, T> {
    attempt.lock().unwrap_or_else(PoisonError::into_inner)
}
