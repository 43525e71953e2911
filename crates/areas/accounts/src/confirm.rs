//! Confirming an address. Opening the link changes nothing; its button does. A browser that did not sign up must also
//! know the password: else whoever typed in another's address would own the account that the other confirms.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use jiff::Timestamp;
use kept_keeper::{Actor, KeeperError, time::to_millis};
use kept_store::{Read, params};
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, form::Fields, page, page_with};

use crate::{
    Accounts,
    email::Email,
    links,
    members::{self, Confirmed},
    password, password_again, problem,
    records::Addressee,
    throttle::{self, Limit, QUARTER_HOUR},
};

/// How often the password of a sign-up may be tried.
const GUESSES: Limit = Limit { what: "confirm", most: 10, within: QUARTER_HOUR };

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    token: &'a str,
    ask_password: bool,
}

#[derive(Template)]
#[template(path = "confirmed.html")]
struct ConfirmedPage {
    frame: Frame,
    opened: bool,
    /// When the membership ends that began with it, if one did.
    until: Option<Timestamp>,
}

/// A sign-up that waits for its confirmation.
struct Pending {
    subject: SubjectId,
    browser: [u8; 32],
}

/// The page behind the link of the mail.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let pending = pending(&accounts, &token).await?;
    let frame = visit.form_frame("Confirm your address");
    let ask_password = !same_browser(&visit, &pending);
    page(&ConfirmPage { frame, fields: &Fields::default(), token: &token, ask_password })
}

/// Confirms.
pub(crate) async fn post(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path(token): Path<String>,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let pending = pending(&accounts, &token).await?;
    if !same_browser(&visit, &pending) && !knows_password(&accounts, &visit, &pending, &mut fields).await? {
        let frame = visit.form_frame("Confirm your address");
        let form = ConfirmPage { frame, fields: &fields, token: &token, ask_password: true };
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &form);
    }
    let digest = links::parse(&token).ok_or_else(spent)?;
    let outcome = accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(pending.subject)), move |act| {
            // Whoever deletes the row confirms: a link pressed twice at once opens one account.
            let mine = act.tx().execute("DELETE FROM confirmations WHERE digest = $1", &params![digest])?;
            if mine == 0 {
                return Ok(None);
            }
            let address = act.view::<Addressee>(pending.subject, None)?.email;
            let email: Option<Email> = address.and_then(|text| text.parse().ok());
            let Some(email) = email else { return Ok(None) };
            let confirmed = members::confirm(act, pending.subject, &email)?;
            let account = members::account(act.tx(), pending.subject)?;
            Ok(Some((confirmed, account.and_then(|account| account.expires))))
        })
        .await
        .map_err(problem)?;
    let (confirmed, until) = outcome.ok_or_else(spent)?;
    let (title, opened) = match confirmed {
        Confirmed::Opened => ("Your account is open", true),
        Confirmed::AddressTaken => ("You already have an account", false),
    };
    page(&ConfirmedPage { frame: visit.frame(title), opened, until })
}

fn same_browser(visit: &Visit, pending: &Pending) -> bool {
    visit.known().is_some_and(|session| session.digest() == pending.browser)
}

async fn knows_password(
    accounts: &Accounts,
    visit: &Visit,
    pending: &Pending,
    fields: &mut Fields,
) -> Result<bool, Problem> {
    let Some(password) = fields.secret("password", "Password", password::LONGEST) else { return Ok(false) };
    throttle::count(accounts, [GUESSES.of(accounts, &pending.subject.to_string())], visit.now).await?;
    let right = password_again::matches(accounts, pending.subject, password).await?;
    if !right {
        fields.refuse("password", "This is not the password that was chosen when signing up.");
    }
    Ok(right)
}

async fn pending(accounts: &Accounts, token: &str) -> Result<Pending, Problem> {
    let digest = links::parse(token).ok_or_else(spent)?;
    let ctx = accounts.keeper.ctx(Actor::System);
    let now = to_millis(ctx.now);
    let found =
        accounts.keeper.look(ctx, move |look| find(look.sql(), digest, now)).await.map_err(problem)?;
    found.ok_or_else(spent)
}

fn find(read: &Read<'_>, digest: [u8; 32], now: i64) -> Result<Option<Pending>, KeeperError> {
    let row = read.query_opt(
        "SELECT subject, browser FROM confirmations WHERE digest = $1 AND ends > $2",
        &params![digest, now],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Pending { subject: SubjectId::from_bytes(row.get(0)?), browser: row.get(1)? }))
}

/// A link that was used, that is too old, or that never was: the page does not tell which.
fn spent() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "This link is no longer valid",
        "A link works once, and for one day.",
        "If you have confirmed your address already, sign in. If not, sign up again.",
    )
}
