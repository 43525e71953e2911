//! Throttling: how often somebody may try, counted in the database, so that all servers count together and a restart
//! forgets nothing. Counted under keyed hashes, and the same for addresses with and without an account.

use jiff::{SignedDuration, Timestamp};
use kept_keeper::{KeeperError, time::to_millis};
use kept_store::{StoreError, Tx, params};
use kept_web::Problem;
use sha2::{Digest, Sha256};

use crate::{Accounts, problem};

/// The window in which a few slips are forgiven.
pub(crate) const QUARTER_HOUR: SignedDuration = SignedDuration::from_mins(15);
/// The window that guessing from many places meets.
pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);

/// So many tries of one thing, from the first of them on for so long.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    /// What is tried; a part of what is hashed.
    pub(crate) what: &'static str,
    pub(crate) most: i64,
    pub(crate) within: SignedDuration,
}

/// The tries of somebody under a limit.
#[derive(Clone, Copy)]
pub(crate) struct Tries {
    limit: Limit,
    digest: [u8; 32],
}

impl Limit {
    /// The tries of `who`. Nobody can read them out of the hash, whose key belongs to the site's key ring.
    pub(crate) fn of(self, accounts: &Accounts, who: &str) -> Tries {
        let mut hash = Sha256::new();
        hash.update(accounts.keeper.secret("throttle"));
        hash.update(self.what);
        hash.update([0]);
        hash.update(who);
        Tries { limit: self, digest: hash.finalize().into() }
    }
}

/// Counts one try under each limit. Where one of them is used up nothing is counted: whoever knocks at a shut door does
/// not keep it shut.
///
/// # Errors
/// A limit is used up: how long to wait. Or the database failed.
pub(crate) async fn count<const N: usize>(
    accounts: &Accounts,
    mut tries: [Tries; N],
    now: Timestamp,
) -> Result<(), Problem> {
    // In one order everywhere, so that two who count the same do not wait for each other.
    tries.sort_by_key(|tries| tries.digest);
    let counted =
        accounts.keeper.store().write(move |tx| tries.iter().try_for_each(|tries| tries.count(tx, now)));
    counted.await.map_err(|refused| match refused {
        Refused::Wait { millis } => {
            Problem::too_many(u64::try_from(millis).unwrap_or(0).div_ceil(1000).max(1))
        }
        Refused::Store(cause) => problem(KeeperError::Store(cause)),
    })
}

/// The right person got in: their slips are forgotten, and the try does not count towards the day. The day's other
/// tries may be somebody else's guesses, so they stay.
pub(crate) fn got_in(tx: &Tx<'_>, slips: Tries, day: Tries) -> Result<(), StoreError> {
    let mut steps = [
        (slips.digest, "DELETE FROM throttles WHERE digest = $1"),
        (day.digest, "UPDATE throttles SET count = count - 1 WHERE digest = $1 AND count > 0"),
    ];
    steps.sort_unstable();
    steps.iter().try_for_each(|(digest, sql)| tx.execute(sql, &params![*digest]).map(drop))
}

/// Takes away the counts whose time is over.
pub(crate) fn tidy(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.execute("DELETE FROM throttles WHERE ends <= $1", &params![to_millis(now)]).map(drop)
}

impl Tries {
    /// Counts and looks in one statement: of two servers that count at once, one sees what the other has counted.
    /// A count that ends later than any can was made under a clock that was wrong, and begins anew.
    fn count(&self, tx: &Tx<'_>, now: Timestamp) -> Result<(), Refused> {
        let (now, within) =
            (to_millis(now), i64::try_from(self.limit.within.as_millis()).unwrap_or(i64::MAX));
        let row = tx.query_one(
            "INSERT INTO throttles (digest, count, ends) VALUES ($1, 1, $2) ON CONFLICT (digest) DO UPDATE SET \
             count = CASE WHEN throttles.ends BETWEEN $3 AND $4 THEN throttles.count + 1 ELSE 1 END, \
             ends = CASE WHEN throttles.ends BETWEEN $3 AND $4 THEN throttles.ends ELSE excluded.ends END \
             RETURNING count, ends",
            &params![
                self.digest,
                now.saturating_add(within),
                now.saturating_add(1),
                now.saturating_add(within).saturating_add(within)
            ],
        )?;
        let (count, ends): (i64, i64) = (row.get(0)?, row.get(1)?);
        if count > self.limit.most { Err(Refused::Wait { millis: ends - now }) } else { Ok(()) }
    }
}

/// Why a try was not counted; with it nothing is.
enum Refused {
    Wait { millis: i64 },
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(cause: StoreError) -> Refused {
        Refused::Store(cause)
    }
}
