//! “I was a member before”, as the person sees it.

use askama::Template;
use axum::{
    extract::State as Extracted,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use kept_keeper::Actor;
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page_with,
};

use super::{State, ask as note, offered, standing, take_back};
use crate::{
    Accounts, problem,
    readers::Person,
    sessions::Signed,
    throttle::{self, DAY, Limit},
};

/// The page's address.
pub(crate) const HERE: &str = "/account/return";

/// How often one person may ask: whoever guesses at numbers is slow.
const ASKED: Limit = Limit { what: "return", most: 5, within: DAY };

#[derive(Template)]
#[template(path = "returning/mine.html")]
struct ReturnPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    waits: Option<Timestamp>,
    accepted: bool,
    refused: bool,
}

/// The form, or how it stands.
pub(crate) async fn show(
    Extracted(accounts): Extracted<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    open(&accounts)?;
    stands(&accounts, &visit, &signed, &Fields::default(), StatusCode::OK).await
}

/// Asks, or takes it back.
pub(crate) async fn ask(
    Extracted(accounts): Extracted<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    open(&accounts)?;
    let (subject, ctx) = (signed.subject, accounts.keeper.ctx(Actor::Person(signed.subject)));
    if fields.get("do") == Some("back") {
        accounts.keeper.act(ctx, move |act| take_back(act, subject)).await.map_err(problem)?;
        return Ok(Redirect::to(HERE).into_response());
    }
    let Some(number) = fields.text("number", "Former member id", 40, Need::Required) else {
        return stands(&accounts, &visit, &signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    throttle::count(&accounts, [ASKED.of(&accounts, &subject.to_string())], visit.now).await?;
    let number = number.to_uppercase();
    let noted = accounts.keeper.act(ctx, move |act| note(act, subject, &number)).await.map_err(problem)?;
    if noted { Ok(Redirect::to(HERE).into_response()) } else { Err(Problem::conflict()) }
}

fn open(accounts: &Accounts) -> Result<(), Problem> {
    if offered(&accounts.keeper.policy()) { Ok(()) } else { Err(Problem::not_found()) }
}

async fn stands(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    let subject = signed.subject;
    let ctx = accounts.keeper.ctx(Actor::Person(subject));
    let known =
        accounts.keeper.look(ctx, move |look| standing(look.sql(), subject)).await.map_err(problem)?;
    let is = |wanted| known.is_some_and(|(_, state)| state == wanted);
    let page = ReturnPage {
        frame: visit.form_frame("I was a member before"),
        fields,
        waits: known.filter(|_| is(State::Waiting)).map(|(asked, _)| asked),
        accepted: is(State::Accepted),
        refused: is(State::Refused),
    };
    page_with(status, &page)
}
