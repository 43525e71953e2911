//! Questions that wait for a passkey's answer. They lie in the database, so that any server can judge it; the first answer
//! takes its question away, right or wrong.

use jiff::{SignedDuration, Timestamp};
use kept_keeper::{KeeperError, time::to_millis};
use kept_store::{StoreError, Tx, params};
use kept_web::Problem;

use super::rp::Question;
use crate::{Accounts, problem};

/// How long a person has to answer.
const LASTS: SignedDuration = SignedDuration::from_mins(5);

/// Keeps a question for the browser that is asked.
pub(super) async fn keep(
    accounts: &Accounts,
    browser: [u8; 32],
    question: &Question,
    now: Timestamp,
) -> Result<(), Problem> {
    let (digest, state) = (question.digest, question.state.clone());
    let ends = to_millis(now + LASTS);
    let kept = accounts.keeper.store().write(move |tx| {
        tx.execute(
            "INSERT INTO passkey_questions (digest, browser, state, ends) VALUES ($1, $2, $3, $4)",
            &params![digest, browser, state.as_slice(), ends],
        )
        .map(drop)
    });
    kept.await.map_err(failed)
}

/// Takes a question that waits, and was asked of this browser: what judging the answer needs. It waits no longer.
pub(super) async fn take(
    accounts: &Accounts,
    browser: [u8; 32],
    digest: [u8; 32],
    now: Timestamp,
) -> Result<Option<Vec<u8>>, Problem> {
    let now = to_millis(now);
    let taken = accounts.keeper.store().write(move |tx| {
        let row = tx.query_opt(
            "DELETE FROM passkey_questions WHERE digest = $1 AND browser = $2 AND ends > $3 RETURNING state",
            &params![digest, browser, now],
        )?;
        row.map(|row| row.get(0)).transpose()
    });
    taken.await.map_err(failed)
}

/// Takes away the questions whose time is over.
pub(crate) fn tidy(tx: &Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.execute("DELETE FROM passkey_questions WHERE ends <= $1", &params![to_millis(now)]).map(drop)
}

fn failed(cause: StoreError) -> Problem {
    problem(KeeperError::Store(cause))
}
