//! Asking a signed-in person for their password again, before what somebody else at their keyboard must not be able to do.

use kept_keeper::{Actor, Deed, KeeperError};
use kept_vault::SubjectId;
use kept_web::{Problem, Visit, form::Fields};
use zeroize::Zeroizing;

use crate::{
    Accounts, password, problem,
    records::SignInCheck,
    sessions::Signed,
    throttle::{self, DAY, Limit, QUARTER_HOUR},
};

/// How the trail names a wrong answer.
pub(crate) const AGAIN: &str = "password again";

/// How often it may be asked for.
const PER_PERSON: Limit = Limit { what: AGAIN, most: 10, within: QUARTER_HOUR };
const PER_DAY: Limit = Limit { what: "password again in a day", most: 50, within: DAY };

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
    let subject = signed.subject;
    let [slips, day] = [PER_PERSON, PER_DAY].map(|limit| limit.of(accounts, &subject.to_string()));
    throttle::count(accounts, [slips, day], visit.now).await?;
    let right = matches(accounts, subject, password).await?;
    if !right {
        fields.refuse("password", "This is not your password.");
    }
    accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::System), move |act| {
            if right {
                Ok::<_, KeeperError>(throttle::got_in(act.tx(), slips, day)?)
            } else {
                act.note(subject, Deed::SignInFailed, AGAIN, &[], None).map(drop)
            }
        })
        .await
        .map_err(problem)?;
    Ok(right)
}

/// Whether this is the person's password. Who asks counts the tries.
pub(crate) async fn matches(
    accounts: &Accounts,
    subject: SubjectId,
    password: Zeroizing<String>,
) -> Result<bool, Problem> {
    let check = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::System), move |look| look.view::<SignInCheck>(subject))
        .await
        .map_err(problem)?;
    accounts.passwords.matches(password, check.hash).await.map_err(Problem::internal)
}
