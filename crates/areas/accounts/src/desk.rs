//! The support desk: a member is found by the exact address and a reason, and what is seen is on the member's trail
//! before it is shown (`use-1`).

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{Redirect, Response},
};
use kept_keeper::{Act, Actor, Deed, KeeperError, View, time::day};
use kept_notice::Verdict;
use kept_vault::{Kind, SubjectId};
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page, page_with, paths,
};

use crate::{
    Accounts,
    account::in_units,
    data,
    deal::{Case, Deal, case, perform},
    licence::{self, Compared},
    members::{self, BY_EMAIL, Credit},
    problem, proposals,
    readers::Staff,
    records::MemberCard,
    returning, sign_up,
};

/// The longest reason, in characters.
const MOST_REASON: usize = 300;

#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    support: bool,
    owner: bool,
    verifier: bool,
    /// Whether members return.
    returns: bool,
    allowed: bool,
    /// Whether the person must allow it before anybody looks (`acc-9`).
    asks_permission: bool,
    paused: Option<String>,
    /// How many proposals wait for a second owner.
    waiting: usize,
    done: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    subject: String,
    card: MemberCard,
    standing: String,
    expires: Option<jiff::civil::Date>,
    expired: bool,
    /// Nothing where none can be earned.
    credits: Option<String>,
    works_here: bool,
    disputes: bool,
    deals: Vec<Deal>,
    reason: String,
    /// Whether the notice knows licence numbers.
    licence: bool,
    /// What came of comparing one.
    compared: Option<&'static str>,
}

/// The desk.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
) -> Result<Response, Problem> {
    desk(&accounts, &visit, &staff, &Fields::default(), None, StatusCode::OK).await
}

async fn desk(
    accounts: &Accounts,
    visit: &Visit,
    staff: &Staff,
    fields: &Fields,
    done: Option<&'static str>,
    status: StatusCode,
) -> Result<Response, Problem> {
    let now = visit.now;
    let waiting = accounts.keeper.store().read(move |read| proposals::waiting(read, now));
    let page = DeskPage {
        frame: visit.form_frame("Desk"),
        fields,
        support: staff.0.roles.contains(&"support"),
        owner: staff.0.roles.contains(&"owner"),
        verifier: staff.0.roles.contains(&"verifier"),
        returns: returning::offered(&accounts.keeper.policy()),
        allowed: allowed(accounts),
        asks_permission: asks_permission(accounts),
        paused: accounts.keeper.paused().await.map_err(problem)?,
        waiting: waiting.await.map_err(problem)?,
        done,
    };
    page_with(status, &page)
}

/// Whether the notice lets the desk see members at all.
fn allowed(accounts: &Accounts) -> bool {
    matches!(accounts.keeper.policy().verdict(&MemberCard::SPEC), Verdict::Allowed { .. })
}

fn asks_permission(accounts: &Accounts) -> bool {
    accounts.keeper.policy().notice.role("support").is_some_and(|rule| rule.asks_permission)
}

/// Where a browser ends up that asks again for the address of an act: nothing changes on GET.
pub(crate) async fn back(_staff: Staff) -> Redirect {
    Redirect::to(paths::DESK)
}

/// Opens a member's card, after the reason.
pub(crate) async fn find(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let actor = staff.acting("support")?;
    if !allowed(&accounts) {
        // Before the address is looked for: not even whether it has an account may be learnt here.
        return desk(&accounts, &visit, &staff, &fields, None, StatusCode::FORBIDDEN).await;
    }
    let email = sign_up::email(&mut fields);
    let reason = fields.text("reason", "Reason", MOST_REASON, Need::Required);
    if asks_permission(&accounts) && !fields.ticked("permission") {
        fields.refuse("permission", "Have the person name the address and allow it first.");
    }
    let (Some(email), Some(reason), true) = (email, reason, fields.errors().is_empty()) else {
        return desk(&accounts, &visit, &staff, &fields, None, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let shown = reason.clone();
    let found = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let Some(subject) = act.find(BY_EMAIL, &email.folded())? else {
                // That somebody has no account is known now, too: it leaves a trace, without the address.
                act.note_site(Deed::Read, "a member card that nobody has")?;
                return Ok::<_, KeeperError>(None);
            };
            open(act, subject, &reason).map(|open| open.map(|opened| (subject, opened)))
        })
        .await
        .map_err(problem)?;
    match found {
        Some((subject, opened)) => page(&opened.page(&visit, &Fields::default(), subject, shown)),
        None => {
            fields.refuse("email", "Nobody with this address has an account. It must be written exactly.");
            desk(&accounts, &visit, &staff, &fields, None, StatusCode::NOT_FOUND).await
        }
    }
}

/// A member's card with what the desk may do.
struct Opened {
    card: MemberCard,
    case: Case,
    credits: Option<Vec<Credit>>,
    /// Whether the notice knows licence numbers.
    licence: bool,
    /// What came of comparing one.
    compared: Option<Compared>,
}

fn open(act: &mut Act<'_, '_>, subject: SubjectId, reason: &str) -> Result<Option<Opened>, KeeperError> {
    let Some(case) = case(act, subject)? else { return Ok(None) };
    act.permit(subject, "they named its address")?;
    let card = act.view::<MemberCard>(subject, Some(reason))?;
    let earns = act.may_hold(Kind::PROFESSIONAL_TRAINING).is_ok();
    let credits = earns.then(|| members::credits(act.tx(), subject)).transpose()?;
    let licence = licence::declared(&act.ctx.policy);
    Ok(Some(Opened { card, case, credits, licence, compared: None }))
}

impl Opened {
    fn page<'a>(
        self,
        visit: &Visit,
        fields: &'a Fields,
        subject: SubjectId,
        reason: String,
    ) -> MemberPage<'a> {
        MemberPage {
            frame: visit.form_frame("A person’s card"),
            fields,
            subject: subject.to_string(),
            standing: data::standing(self.case.account),
            expires: self.case.account.expires.map(day),
            expired: self.case.expired,
            credits: self.credits.map(|all| in_units(all.iter().map(|credit| credit.tenths).sum())),
            works_here: self.case.works_here,
            disputes: self.case.disputes == Some(true),
            deals: Deal::ALL.into_iter().filter(|deal| deal.fits(&self.case)).collect(),
            card: self.card,
            reason,
            licence: self.licence,
            compared: self.compared.map(Compared::says),
        }
    }
}

/// What came of asking for an act.
enum Dealt {
    Done,
    /// Things stand otherwise than when the card was opened.
    Unfit,
    Nobody,
}

/// Does it, with the reason on the member's trail.
pub(crate) async fn act(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let actor = staff.acting("support")?;
    let unclear = || Problem::bad_request("The form was not complete. Nothing has been changed.");
    let (subject, reason) = on_card(&mut fields).ok_or_else(unclear)?;
    let deal = match fields.get("do") {
        Some("compare") => {
            let said = licence::number(&mut fields, Need::Required).filter(|_| fields.errors().is_empty());
            return card(&accounts, &visit, actor, &fields, (subject, reason), said).await;
        }
        word => Deal::ALL.into_iter().find(|deal| word == Some(deal.word())).ok_or_else(unclear)?,
    };
    if deal.needs_permission() && !fields.ticked("permission") {
        fields.refuse("permission", "Have the person allow it first.");
        return card(&accounts, &visit, actor, &fields, (subject, reason), None).await;
    }
    let base = accounts.face.base.clone();
    let dealt = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| match case(act, subject)? {
            None => Ok(Dealt::Nobody),
            Some(case) if !deal.fits(&case) => Ok(Dealt::Unfit),
            Some(_) => perform(act, subject, deal, &reason, &base).map(|()| Dealt::Done),
        })
        .await
        .map_err(problem)?;
    match dealt {
        Dealt::Done => {
            desk(&accounts, &visit, &staff, &Fields::default(), Some(deal.done()), StatusCode::OK).await
        }
        Dealt::Unfit => Err(Problem::conflict()),
        Dealt::Nobody => Err(Problem::not_found()),
    }
}

/// Whose card a form stands on, and the reason for which it was opened.
fn on_card(fields: &mut Fields) -> Option<(SubjectId, String)> {
    let subject = fields.get("subject")?.parse().ok()?;
    Some((subject, fields.text("reason", "Reason", MOST_REASON, Need::Required)?))
}

/// The card again, after a form on it: with what is wrong in it, or with what came of comparing the licence number that a
/// caller `said` with the one that is held (`acc-9`).
async fn card(
    accounts: &Accounts,
    visit: &Visit,
    actor: Actor,
    fields: &Fields,
    (subject, reason): (SubjectId, String),
    said: Option<String>,
) -> Result<Response, Problem> {
    let because = reason.clone();
    let opened = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let Some(mut opened) = open(act, subject, &because)? else { return Ok::<_, KeeperError>(None) };
            let said = said.as_deref().filter(|_| opened.licence);
            opened.compared = said.map(|said| licence::compare(act, subject, said, &because)).transpose()?;
            Ok(Some(opened))
        })
        .await
        .map_err(problem)?;
    let opened = opened.ok_or_else(Problem::not_found)?;
    let status = if fields.errors().is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &opened.page(visit, fields, subject, reason))
}
