//! Returning members at the support desk: who waits, the longest first; a card after a reason; a decision with one.

use askama::Template;
use axum::{
    extract::State as Extracted,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, civil::Date};
use kept_keeper::{Act, Actor, KeeperError, time::day};
use kept_vault::SubjectId;
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page_with,
};

use super::{FormerCard, Obstacle, ReturnCard, State, decide, meant, offered, standing, waiting};
use crate::{Accounts, account::in_units, members, problem, readers::Staff};

/// The page's address.
pub(crate) const HERE: &str = "/desk/returns";

/// The longest reason, in characters.
const MOST_REASON: usize = 300;

#[derive(Template)]
#[template(path = "returning/queue.html")]
struct QueuePage<'a> {
    frame: Frame,
    fields: &'a Fields,
    people: Vec<(SubjectId, Timestamp)>,
}

#[derive(Template)]
#[template(path = "returning/card.html")]
struct CardPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    subject: SubjectId,
    card: ReturnCard,
    kept: Result<Kept, &'static str>,
    reason: String,
}

/// How a look is allowed: by asking for it.
const ASKED: &str = "an earlier membership was asked for";

/// What is kept of the earlier membership.
struct Kept {
    number: Option<String>,
    ended: Option<Date>,
    credits: String,
}

/// What came of opening a card.
type Opened = (ReturnCard, Result<Kept, Obstacle>);

fn support(accounts: &Accounts, staff: &Staff) -> Result<Actor, Problem> {
    let actor = staff.acting("support")?;
    if offered(&accounts.keeper.policy()) { Ok(actor) } else { Err(Problem::not_found()) }
}

/// Who waits.
pub(crate) async fn queue(
    Extracted(accounts): Extracted<Accounts>,
    visit: Visit,
    staff: Staff,
) -> Result<Response, Problem> {
    support(&accounts, &staff)?;
    list(&accounts, &visit, &Fields::default(), StatusCode::OK).await
}

async fn list(
    accounts: &Accounts,
    visit: &Visit,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    let people = accounts.keeper.store().read(waiting).await.map_err(problem)?;
    page_with(status, &QueuePage { frame: visit.form_frame("Returning members"), fields, people })
}

/// Opens a card, or decides.
pub(crate) async fn act(
    Extracted(accounts): Extracted<Accounts>,
    visit: Visit,
    staff: Staff,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let actor = support(&accounts, &staff)?;
    let subject: Option<SubjectId> = fields.get("subject").and_then(|id| id.parse().ok());
    let accept = match fields.get("do") {
        Some("open") => None,
        Some("join") => Some(true),
        Some("refuse") => Some(false),
        _ => return Err(Problem::bad_request("The form named no act. Nothing has been changed.")),
    };
    let reason = fields.text("reason", "Reason", MOST_REASON, Need::Required);
    let Some(subject) = subject else {
        fields.refuse("reason", "Choose first whom it is about.");
        return list(&accounts, &visit, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    match (reason, accept) {
        (None, None) => list(&accounts, &visit, &fields, StatusCode::UNPROCESSABLE_ENTITY).await,
        (None, Some(_)) => {
            let because = "the form of the decision was not complete";
            card(&accounts, &visit, actor, subject, because, &fields).await
        }
        (Some(reason), None) => card(&accounts, &visit, actor, subject, &reason, &Fields::default()).await,
        (Some(reason), Some(joins)) => {
            let ctx = accounts.keeper.ctx(actor);
            let decided = accounts.keeper.act(ctx, move |act| answer(act, subject, joins, &reason));
            if decided.await.map_err(problem)? {
                Ok(Redirect::to(HERE).into_response())
            } else {
                Err(Problem::conflict())
            }
        }
    }
}

async fn card(
    accounts: &Accounts,
    visit: &Visit,
    actor: Actor,
    subject: SubjectId,
    reason: &str,
    fields: &Fields,
) -> Result<Response, Problem> {
    let because = reason.to_owned();
    let opened = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| open(act, subject, &because))
        .await
        .map_err(problem)?;
    let (card, kept) = opened.ok_or_else(Problem::not_found)?;
    let status = if fields.errors().is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = CardPage {
        frame: visit.form_frame("A returning member"),
        fields,
        subject,
        card,
        kept: kept.map_err(Obstacle::says),
        reason: reason.to_owned(),
    };
    page_with(status, &page)
}

/// Who asks, and what is kept under the number that they named; of nobody who does not wait.
fn open(act: &mut Act<'_, '_>, subject: SubjectId, reason: &str) -> Result<Option<Opened>, KeeperError> {
    if standing(act.tx(), subject)?.is_none_or(|(_, state)| state != State::Waiting) {
        return Ok(None);
    }
    act.permit(subject, ASKED)?;
    let card = act.view::<ReturnCard>(subject, Some(reason))?;
    let kept = match meant(act, subject, card.former.as_deref().unwrap_or_default())? {
        Err(obstacle) => Err(obstacle),
        Ok(former) => {
            act.permit(former, ASKED)?;
            let number = act.view::<FormerCard>(former, Some(reason))?.member_id;
            let ended = members::account(act.tx(), former)?.and_then(|account| account.expires).map(day);
            let earned = members::credits(act.tx(), former)?;
            Ok(Kept { number, ended, credits: in_units(earned.iter().map(|credit| credit.tenths).sum()) })
        }
    };
    Ok(Some((card, kept)))
}

/// Joins what is kept, or refuses; `false` if things stand otherwise than when the card was opened.
fn answer(act: &mut Act<'_, '_>, subject: SubjectId, joins: bool, reason: &str) -> Result<bool, KeeperError> {
    if !joins {
        return decide(act, subject, None, reason);
    }
    act.permit(subject, ASKED)?;
    let card = act.view::<ReturnCard>(subject, Some(reason))?;
    match meant(act, subject, card.former.as_deref().unwrap_or_default())? {
        Ok(former) => {
            act.permit(former, ASKED)?;
            decide(act, subject, Some(former), reason)
        }
        Err(_) => Ok(false),
    }
}
