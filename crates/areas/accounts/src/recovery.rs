//! A forgotten password or user name (`acc-9`): a letter with a link that works once, for an hour. The answer is the same
//! for everybody, and so is how much is written down.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use jiff::Span;
use kept_keeper::{Act, Actor, Deed, Finding, Inspect, KeeperError, time::to_millis};
use kept_notice::due;
use kept_store::params;
use kept_vault::{Kind, SubjectId};
use kept_web::{
    Client, Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page, page_with,
};
use tokio::time::Instant;

use crate::{
    Accounts, at_pace,
    email::Email,
    links::{self, Leads},
    members::{self, BY_EMAIL, BY_MEMBER_ID, Standing},
    messages, new_password, problem,
    throttle::{self, Limit, QUARTER_HOUR},
};

/// How often one address or member id, and one place on the network, may ask.
const PER_NAME: Limit = Limit { what: "recovery", most: 3, within: QUARTER_HOUR };
const PER_PLACE: Limit = Limit { what: "recovery from", most: 30, within: QUARTER_HOUR };

const TITLE: &str = "Forgotten password";

#[derive(Template)]
#[template(path = "forgotten.html")]
struct ForgottenPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    /// Whether people have member ids.
    ids: bool,
    /// Whether some are taken over from elsewhere, and have no password at first.
    taken_over: bool,
}

#[derive(Template)]
#[template(path = "forgotten_sent.html")]
struct SentPage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    token: &'a str,
}

#[derive(Template)]
#[template(path = "recovered.html")]
struct RecoveredPage {
    frame: Frame,
}

/// Where a link of recovery leads.
pub(crate) fn path(token: &str) -> String {
    format!("/recover/{token}")
}

/// The form.
pub(crate) async fn show(State(accounts): State<Accounts>, visit: Visit) -> Result<Response, Problem> {
    page(&form(&accounts, &visit, &Fields::default()))
}

fn form<'a>(accounts: &Accounts, visit: &Visit, fields: &'a Fields) -> ForgottenPage<'a> {
    let notice = &accounts.keeper.policy().notice;
    let ids = notice.label_of(Kind::IDENTIFIER.term()).is_some();
    let taken_over = !notice.sources.is_empty();
    ForgottenPage { frame: visit.form_frame(TITLE), fields, ids, taken_over }
}

/// The page as it is before anybody has typed anything.
pub(crate) fn specimen(frame: Frame) -> askama::Result<String> {
    ForgottenPage { frame, fields: &Fields::default(), ids: true, taken_over: true }.render()
}

/// Sends the letter, if there is anybody to send it to.
pub(crate) async fn ask(
    State(accounts): State<Accounts>,
    visit: Visit,
    client: Client,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let started = Instant::now();
    let Some(name) = fields.text("name", "E-mail address or member id", 254, Need::Required) else {
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &form(&accounts, &visit, &fields));
    };
    let email: Option<Email> = name.parse().ok();
    let name = email.as_ref().map_or_else(|| name.to_uppercase(), Email::folded);
    let tries = [PER_NAME.of(&accounts, &name), PER_PLACE.of(&accounts, &client.place())];
    throttle::count(&accounts, tries, visit.now).await?;
    let base = accounts.face.base.clone();
    accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Visitor), move |act| {
            let found = act.find(if email.is_some() { BY_EMAIL } else { BY_MEMBER_ID }, &name)?;
            match found {
                Some(subject) if reachable(act, subject)? => {
                    send(act, subject, email.as_ref(), |path| base.join(path))
                }
                _ => nobody(act),
            }
        })
        .await
        .map_err(problem)?;
    at_pace(started, accounts.pace).await;
    page(&SentPage { frame: visit.frame("Check your mail") })
}

/// Whether a letter reaches somebody: not before the address is confirmed, and not after the account is closed or the password
/// is erased. A dispute may keep the address longer; no password is chosen anew for what only that keeps.
fn reachable(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<bool, KeeperError> {
    let account = members::account(act.tx(), subject)?;
    let unreachable = [Standing::Pending, Standing::Closed];
    let confirmed = account.is_some_and(|account| !unreachable.contains(&account.standing));
    Ok(confirmed && !act.is_over(subject, Kind::PASSWORD)? && messages::reached(act, subject)?.is_some())
}

/// Nobody is there to write to. The ledger's size is public, so as much is written down as for a letter.
fn nobody(act: &mut Act<'_, '_>) -> Result<(), KeeperError> {
    for _ in 0..2 {
        act.note_site(Deed::Site, "a new password was asked for, for nobody")?;
    }
    Ok(())
}

/// Writes the letter: to the address that was typed, if it is one of the person's, else to their main one.
pub(crate) fn send(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    to: Option<&Email>,
    address: impl Fn(&str) -> String,
) -> Result<(), KeeperError> {
    let token = links::make(act, subject, Leads::Recovery, Span::new().hours(1))?;
    let text = format!(
        "Somebody, perhaps you, asked for a new password for your account here. Choose it within one hour:\n\n{}\n\nThe \
         address to which this message came is one that you can sign in with. If it was not you who asked, there is \
         nothing to do: your password stays as it is.",
        address(&path(&token))
    );
    let about = "recovery";
    match to {
        Some(to) => messages::write_to(act, subject, to.as_str(), about, "Choose a new password", &text),
        None => messages::write(act, subject, about, "Choose a new password", &text),
    }
}

/// The page behind the link.
pub(crate) async fn choose(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    whose(&accounts, &token).await?;
    let frame = visit.form_frame("Choose a new password");
    page(&RecoveryPage { frame, fields: &Fields::default(), token: &token })
}

/// Puts the new password in place. The link works no more.
pub(crate) async fn chosen(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path(token): Path<String>,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let subject = whose(&accounts, &token).await?;
    let Some(hash) = new_password::hashed(&accounts, subject, &mut fields).await? else {
        let frame = visit.form_frame("Choose a new password");
        let form = RecoveryPage { frame, fields: &fields, token: &token };
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &form);
    };
    let set = accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
            // A link that is used twice at once sets one password.
            let now = act.ctx.now;
            if links::find(act.tx(), &token, Leads::Recovery, now)?.is_none() {
                return Ok::<_, KeeperError>(false);
            }
            new_password::set(act, subject, &hash).map(|()| true)
        })
        .await
        .map_err(problem)?;
    if !set {
        return Err(spent());
    }
    page(&RecoveredPage { frame: visit.frame("Your password is new") })
}

async fn whose(accounts: &Accounts, token: &str) -> Result<SubjectId, Problem> {
    let (ctx, token) = (accounts.keeper.ctx(Actor::System), token.to_owned());
    let found = accounts
        .keeper
        .look(ctx, move |look| links::find(look.sql(), &token, Leads::Recovery, look.ctx.now))
        .await
        .map_err(problem)?;
    found.ok_or_else(spent)
}

/// `acc-9`: no link to a new password is open for longer than it says, nor for somebody who has no account.
pub(crate) fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let latest = due(inspect.now, &Span::new().days(1)).map_err(|_| KeeperError::Calendar)?;
    let long = inspect.count(
        "SELECT COUNT(*) FROM links WHERE leads = $1 AND ends > $2",
        &params![Leads::Recovery.word(), to_millis(latest)],
    )?;
    if long > 0 {
        return Ok(Finding::broken(long, format!("links to a new password that work for too long: {long}")));
    }
    let several = inspect.count(
        "SELECT COUNT(*) FROM (SELECT subject FROM links WHERE leads = $1 GROUP BY subject HAVING COUNT(*) > 1) twice",
        &params![Leads::Recovery.word()],
    )?;
    if several > 0 {
        return Ok(Finding::broken(
            several,
            format!("people with more than one link to a new password: {several}"),
        ));
    }
    let open = inspect.count(
        "SELECT COUNT(*) FROM links WHERE leads = $1 AND ends > $2",
        &params![Leads::Recovery.word(), to_millis(inspect.now)],
    )?;
    Ok(Finding::kept(
        open,
        format!("{open} open; each works once, for its own account, until its hour is over"),
    ))
}

/// A link that was used, that is too old, or that never was: the page does not tell which.
pub(crate) fn spent() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "This link is no longer valid",
        "A link works once, and not for long. Nothing has been changed.",
        "Ask for a new one where you asked for this one.",
    )
}
