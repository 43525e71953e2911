//! Asking a signed-in person for their password again, before what somebody else at their keyboard must not be able to do.

use kept_keeper::{Actor, Deed};
use kept_web::{Problem, Visit, form::Fields};

use crate::{Accounts, password, problem, records::SignInCheck, sessions::Signed, sign_up::throttle_key};

/// How the trail names a wrong answer.
pub(crate) const AGAIN: &str = "password again";

/// How often it may be wrong within the throttle's window.
const MOST: u32 = 10;

/// Whether the form's field `password` has the person's password; else the field says so.
pub(crate) async fn right(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &mut Fields,
) -> Result<bool, Problem> {
    let Some(password) = fields.secret("password", "Your password", password::LONGEST) else {
        return Ok(false);
    };
    let (subject, key) = (signed.subject, throttle_key(accounts, AGAIN, &signed.subject.to_string()));
    accounts.throttle.count(key, MOST, visit.now)?;
    let check = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::System), move |look| look.view::<SignInCheck>(subject))
        .await
        .map_err(problem)?;
    if accounts.passwords.matches(password, check.hash).await.map_err(Problem::internal)? {
        accounts.throttle.forget(key);
        return Ok(true);
    }
    fields.refuse("password", "This is not your password.");
    let ctx = accounts.keeper.ctx(Actor::System);
    accounts
        .keeper
        .act(ctx, move |act| act.note(subject, Deed::SignInFailed, AGAIN, &[], None).map(drop))
        .await
        .map_err(problem)?;
    Ok(false)
}
