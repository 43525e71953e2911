//! The support desk: a member is found by the exact address and a reason, and what is seen is on the member's trail
//! before it is shown (`use-1`).

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use kept_keeper::{Act, Deed, KeeperError, View, time::day};
use kept_notice::Verdict;
use kept_store::params;
use kept_vault::SubjectId;
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page, page_with,
};

use crate::{
    Accounts,
    account::in_units,
    members::{self, Account, BY_EMAIL, Credit, Standing},
    problem,
    records::MemberCard,
    sessions::Staff,
    sign_up,
};

#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    support: bool,
    owner: bool,
    allowed: bool,
    paused: Option<String>,
    done: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "member.html")]
struct MemberPage {
    frame: Frame,
    subject: String,
    card: MemberCard,
    standing: &'static str,
    open: bool,
    expires: Option<jiff::civil::Date>,
    expired: bool,
    credits: String,
    dispute: bool,
    reason: String,
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
    let allowed = matches!(accounts.keeper.policy().verdict(&MemberCard::SPEC), Verdict::Allowed { .. });
    let page = DeskPage {
        frame: visit.form_frame("Desk"),
        fields,
        support: staff.0.roles.contains(&"support"),
        owner: staff.0.roles.contains(&"owner"),
        allowed,
        paused: accounts.keeper.paused().await.map_err(problem)?,
        done,
    };
    page_with(status, &page)
}

/// Opens a member's card, after the reason.
pub(crate) async fn find(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let actor = staff.acting("support")?;
    let email = sign_up::email(&mut fields);
    let reason = fields.text("reason", "Reason", 300, Need::Required);
    let (Some(email), Some(reason), true) = (email, reason, fields.errors().is_empty()) else {
        return desk(&accounts, &visit, &staff, &fields, None, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let shown = reason.clone();
    let found = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let Some(subject) = act.find(BY_EMAIL, &email.folded())? else {
                return Ok::<_, KeeperError>(None);
            };
            open(act, subject, &reason).map(|open| open.map(|opened| (subject, opened)))
        })
        .await
        .map_err(problem)?;
    match found {
        Some((subject, opened)) => page(&opened.page(&visit, subject, shown)),
        None => {
            fields.refuse("email", "Nobody with this address has an account. It must be written exactly.");
            desk(&accounts, &visit, &staff, &fields, None, StatusCode::NOT_FOUND).await
        }
    }
}

struct Opened {
    card: MemberCard,
    account: Account,
    credits: Vec<Credit>,
    dispute: bool,
    now: jiff::Timestamp,
}

fn open(act: &mut Act<'_, '_>, subject: SubjectId, reason: &str) -> Result<Option<Opened>, KeeperError> {
    let Some(account) = members::account(act.tx(), subject)? else { return Ok(None) };
    let card = act.view::<MemberCard>(subject, Some(reason))?;
    let credits = members::credits(act.tx(), subject)?;
    let disputes = act.tx().query(
        "SELECT 1 FROM holds WHERE subject = $1 AND hold = 'hold.dispute'",
        &params![subject.as_bytes()],
    )?;
    Ok(Some(Opened { card, account, credits, dispute: !disputes.is_empty(), now: act.ctx.now }))
}

impl Opened {
    fn page(self, visit: &Visit, subject: SubjectId, reason: String) -> MemberPage {
        MemberPage {
            frame: visit.form_frame("Member"),
            subject: subject.to_string(),
            standing: self.account.standing.word(),
            open: self.account.standing == Standing::Open,
            expires: self.account.expires.map(day),
            expired: self.account.expires.is_some_and(|at| at <= self.now),
            credits: in_units(self.credits.iter().map(|credit| credit.tenths).sum()),
            dispute: self.dispute,
            card: self.card,
            reason,
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
}

impl Deal {
    fn parse(word: &str) -> Option<Deal> {
        Some(match word {
            "renew" => Deal::Renew,
            "expire" => Deal::Expire,
            "disable" => Deal::Disable,
            "enable" => Deal::Enable,
            "open-dispute" => Deal::OpenDispute,
            "settle-dispute" => Deal::SettleDispute,
            _ => return None,
        })
    }

    fn done(self) -> &'static str {
        match self {
            Deal::Renew => "The membership is renewed for a year, and the member has a message.",
            Deal::Expire => "The membership has ended today. The account is switched off within a minute.",
            Deal::Disable => "The account is switched off.",
            Deal::Enable => "The account is open again.",
            Deal::OpenDispute => "The dispute is noted. What it covers is kept until it is settled.",
            Deal::SettleDispute => "The dispute is settled. The dates of the notice run again.",
        }
    }
}

/// Does it, with the reason on the member's trail.
pub(crate) async fn act(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
    Sent(fields): Sent,
) -> Result<Response, Problem> {
    let actor = staff.acting("support")?;
    let subject: Option<SubjectId> = fields.get("subject").and_then(|id| id.parse().ok());
    let deal = fields.get("do").and_then(Deal::parse);
    let reason = fields.get("reason").unwrap_or_default().trim().chars().take(300).collect::<String>();
    let (Some(subject), Some(deal), false) = (subject, deal, reason.is_empty()) else {
        return Err(Problem::bad_request("The form was not complete. Nothing has been changed."));
    };
    let found = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            if members::account(act.tx(), subject)?.is_none_or(|a| a.standing == Standing::Pending) {
                return Ok(false);
            }
            perform(act, subject, deal, &reason).map(|()| true)
        })
        .await
        .map_err(problem)?;
    if !found {
        return Err(Problem::not_found());
    }
    desk(&accounts, &visit, &staff, &Fields::default(), Some(deal.done()), StatusCode::OK).await
}

fn perform(act: &mut Act<'_, '_>, subject: SubjectId, deal: Deal, reason: &str) -> Result<(), KeeperError> {
    let (what, deed) = match deal {
        Deal::Renew => ("membership renewed", Deed::Wrote),
        Deal::Expire => ("membership ended", Deed::Wrote),
        Deal::Disable => ("account", Deed::Disabled),
        Deal::Enable => ("account opened again", Deed::Wrote),
        Deal::OpenDispute => ("dispute noted", Deed::Wrote),
        Deal::SettleDispute => ("dispute settled", Deed::Wrote),
    };
    act.note(subject, deed, what, &[], Some(reason))?;
    match deal {
        Deal::Renew => members::renew(act, subject),
        Deal::Expire => members::expire_now(act, subject),
        Deal::Disable => members::disable(act, subject),
        Deal::Enable => members::enable(act, subject),
        Deal::OpenDispute => act.emit(subject, "dispute.opened"),
        Deal::SettleDispute => act.emit(subject, "dispute.settled"),
    }
}
