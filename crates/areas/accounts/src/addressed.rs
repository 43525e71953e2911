//! Sessions in addresses (`acc-5`): what becomes of one whose address was passed on.

use kept_keeper::{Actor, Deed, KeeperError};
use kept_web::session::SessionId;

use crate::{Accounts, sessions};

/// How the trail names the end of a session whose address was opened in another browser.
pub(crate) const STRAYED: &str = "address in another browser";

/// A session whose address was opened in another browser than its own ends, and the person can read why on their trail.
pub(crate) async fn end_strayed(accounts: &Accounts, session: &SessionId) -> Result<(), KeeperError> {
    let ctx = accounts.keeper.ctx(Actor::System);
    let (digest, now) = (session.digest(), ctx.now);
    let Some(signed) = accounts.keeper.look(ctx, move |look| sessions::find(look.sql(), digest, now)).await?
    else {
        return Ok(());
    };
    accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::System), move |act| {
            sessions::end(act, digest)?;
            act.note(signed.subject, Deed::SignedOut, STRAYED, &[], None).map(drop)
        })
        .await
}
