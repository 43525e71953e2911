//! What an account still opens that is switched off: what is held about its owner, to see, take along and erase it
//! (`acc-12`, `rgt-1`, `rgt-3`).

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use jiff::civil::Date;
use kept_keeper::{Actor, KeeperError, time::day};
use kept_web::{Frame, Problem, Visit, page};

use crate::{Accounts, closing, members, problem, readers::RightsHolder};

/// The page's address.
pub(crate) const HERE: &str = "/account/switched-off";

#[derive(Template)]
#[template(path = "switched_off.html")]
struct SwitchedOffPage {
    frame: Frame,
    /// When the membership ended, if it has.
    ended: Option<Date>,
    /// When what its end begins to erase goes first.
    erased: Option<Date>,
}

/// The page; who can use their account has one of their own.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    RightsHolder(signed): RightsHolder,
) -> Result<Response, Problem> {
    if !signed.restricted {
        return Ok(Redirect::to("/account").into_response());
    }
    let ctx = accounts.keeper.ctx(Actor::Person(signed.subject));
    let (policy, now, subject) = (ctx.policy.clone(), ctx.now, signed.subject);
    let account = accounts.keeper.look(ctx, move |look| members::account(look.sql(), subject)).await;
    let ended = account.map_err(problem)?.and_then(|account| account.expires).filter(|end| *end <= now);
    let erased = ended.map(|end| closing::first_end(&policy, members::EXPIRED, end));
    let erased: Result<_, KeeperError> = erased.transpose();
    page(&SwitchedOffPage {
        frame: visit.form_frame("Your account is switched off"),
        ended: ended.map(day),
        erased: erased.map_err(problem)?.flatten().map(day),
    })
}
