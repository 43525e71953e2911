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
    BaseUrl, Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page, page_with, paths,
};

use crate::{
    Accounts,
    account::in_units,
    licence::{self, Compared},
    members::{self, Account, BY_EMAIL, Credit, Standing},
    problem, proposals,
    readers::Staff,
    records::{Addressee, MemberCard},
    recovery, returning, sign_up, staff,
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
    standing: &'static str,
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

/// How things stand with a member, as far as it decides what the desk may do.
struct Case {
    account: Account,
    expired: bool,
    works_here: bool,
    /// Whether a dispute holds their data; nothing under a notice that knows no disputes.
    disputes: Option<bool>,
    /// Whether the password has been erased for good, and a dispute keeps the rest.
    over: bool,
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

/// The case of a member; of nobody who has not confirmed, or whose identity has been erased.
fn case(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<Option<Case>, KeeperError> {
    let confirmed = members::account(act.tx(), subject)?.filter(|a| a.standing != Standing::Pending);
    let Some(account) = confirmed else { return Ok(None) };
    if act.view::<Addressee>(subject, None)?.email.is_none() {
        return Ok(None);
    }
    Ok(Some(Case {
        account,
        expired: account.expires.is_some_and(|at| at <= act.ctx.now),
        works_here: !staff::roles(act.tx(), subject, act.ctx.now)?.is_empty(),
        disputes: disputes(act, subject)?,
        over: act.is_over(subject, Kind::PASSWORD)?,
    }))
}

fn disputes(act: &Act<'_, '_>, subject: SubjectId) -> Result<Option<bool>, KeeperError> {
    let standing = act.holds(subject)?;
    let mut running = None;
    for hold in act.ctx.policy.notice.holds_from("dispute.opened") {
        running = Some(running.unwrap_or(false) || standing.contains(&hold.rule.id));
    }
    Ok(running)
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
            standing: self.case.account.standing.word(),
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

/// What the desk can do for a member.
#[derive(Clone, Copy)]
enum Deal {
    Renew,
    Expire,
    Disable,
    Enable,
    OpenDispute,
    SettleDispute,
    Recover,
}

impl Deal {
    const ALL: [Deal; 7] = [
        Deal::Renew,
        Deal::Expire,
        Deal::Disable,
        Deal::Enable,
        Deal::OpenDispute,
        Deal::SettleDispute,
        Deal::Recover,
    ];

    fn word(self) -> &'static str {
        match self {
            Deal::Renew => "renew",
            Deal::Expire => "expire",
            Deal::Disable => "disable",
            Deal::Enable => "enable",
            Deal::OpenDispute => "open-dispute",
            Deal::SettleDispute => "settle-dispute",
            Deal::Recover => "recover",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Deal::Renew => "Renew for a year",
            Deal::Expire => "End the membership today",
            Deal::Disable => "Switch the account off",
            Deal::Enable => "Open the account again",
            Deal::OpenDispute => "Note a dispute",
            Deal::SettleDispute => "Settle the dispute",
            Deal::Recover => "Send a link to a new password",
        }
    }

    /// What it leads to, before one presses it.
    fn leads_to(self) -> &'static str {
        match self {
            Deal::Renew => "The account is open, and no date of erasing runs.",
            Deal::Expire => "The account is switched off, and the dates of the notice begin to run.",
            Deal::Disable => {
                "It opens what we hold about the person, to see, take along and erase it, and nothing else. Dates that run, \
                 run on."
            }
            Deal::Enable => "The person can use it again.",
            Deal::OpenDispute => {
                "The person disputes how we handle their data: what it covers is not erased."
            }
            Deal::SettleDispute => "What it kept is erased when the notice says so.",
            Deal::Recover => {
                "It goes to the person’s main address. First make sure that it is them: have them say the address, or a number \
                 that you see or compare above."
            }
        }
    }

    fn done(self) -> &'static str {
        match self {
            Deal::Renew => "The membership is renewed for a year, and the person has a message.",
            Deal::Expire => "The membership has ended today. The account is switched off within a minute.",
            Deal::Disable => "The account is switched off.",
            Deal::Enable => "The account is open again.",
            Deal::OpenDispute => "The dispute is noted. What it covers is kept until it is settled.",
            Deal::SettleDispute => "The dispute is settled. The dates of the notice run again.",
            Deal::Recover => "A message with the link is on its way to the person’s main address.",
        }
    }

    /// Whether it makes sense as things stand. An end is not ended again, which would move the dates of erasing; an
    /// account whose membership is over is opened by renewing it; one that its owner has closed stays closed; who works
    /// here is the owners' to decide on.
    fn fits(self, case: &Case) -> bool {
        let open = case.account.standing == Standing::Open;
        let closed = case.account.standing == Standing::Closed;
        let member = case.account.expires.is_some();
        match self {
            Deal::Renew => member && !case.works_here && !closed,
            Deal::Expire => member && !case.works_here && !case.expired && !closed,
            Deal::Disable => !case.works_here && open,
            Deal::Enable => !case.works_here && case.account.standing == Standing::Disabled && !case.expired,
            Deal::OpenDispute => case.disputes == Some(false),
            Deal::SettleDispute => case.disputes == Some(true),
            Deal::Recover => !case.works_here && !closed && !case.over,
        }
    }

    /// Whether the person must have allowed that somebody looks into the account (`acc-9`).
    fn needs_permission(self) -> bool {
        matches!(self, Deal::Recover)
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

fn perform(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    deal: Deal,
    reason: &str,
    base: &BaseUrl,
) -> Result<(), KeeperError> {
    let (what, deed) = match deal {
        Deal::Renew => ("membership renewed", Deed::Wrote),
        Deal::Expire => ("membership ended", Deed::Wrote),
        Deal::Disable => ("account", Deed::Disabled),
        Deal::Enable => ("account opened again", Deed::Wrote),
        Deal::OpenDispute => ("dispute opened", Deed::Wrote),
        Deal::SettleDispute => ("dispute settled", Deed::Wrote),
        Deal::Recover => ("help with signing in, with your permission", Deed::Wrote),
    };
    act.note(subject, deed, what, &[], Some(reason))?;
    match deal {
        Deal::Renew => members::renew(act, subject),
        Deal::Expire => members::expire_now(act, subject),
        Deal::Disable => members::disable(act, subject),
        Deal::Enable => members::enable(act, subject),
        Deal::OpenDispute => act.emit(subject, "dispute.opened"),
        Deal::SettleDispute => act.emit(subject, "dispute.settled"),
        Deal::Recover => recovery::send(act, subject, None, |path| base.join(path)),
    }
}
