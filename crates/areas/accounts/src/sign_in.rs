//! Signing in. A wrong password, an unknown address and one that is not confirmed give the same answer, after the same
//! time, with as much written down.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use jiff::Span;
use kept_keeper::{Act, Actor, Deed, KeeperError};
use kept_notice::{Carrier, shortest, words::duration};
use kept_vault::{Kind, SubjectId};
use kept_web::{
    Client, Frame, Problem, Sent, Visit,
    form::Fields,
    page, page_with,
    session::{DeviceId, SessionId},
};
use tokio::time::Instant;

use crate::{
    Accounts, at_pace, devices,
    members::{self, BY_EMAIL, Standing},
    onward::Onward,
    passkeys, password, problem,
    records::SignInCheck,
    reminders, second_factor,
    sessions::{self, Factor},
    sign_up,
    throttle::{self, DAY, Limit, QUARTER_HOUR},
};

/// How often one address, also from many places, and one place on the network may be tried.
const PER_ADDRESS: Limit = Limit { what: "sign-in", most: 10, within: QUARTER_HOUR };
const PER_DAY: Limit = Limit { what: "sign-in in a day", most: 30, within: DAY };
const PER_PLACE: Limit = Limit { what: "sign-in from", most: 100, within: QUARTER_HOUR };

/// The one thing that is said when somebody does not get in.
const NO: &str = "This address and password do not match, or the address has not been confirmed yet.";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    /// For how long a device can be remembered, if at all.
    remembers: Option<String>,
    onward: &'a Onward,
    /// Whether addresses carry sessions, so that a page without one cannot know who has signed in elsewhere.
    addressed: bool,
    /// Whether the site's address lets it have passkeys.
    by_passkey: bool,
}

/// What came of a sign-in.
pub(crate) enum Outcome {
    In(Factor),
    Wrong,
    /// The account is closed: by its owner, or its day has come.
    Closed,
}

/// What a browser brings, and what it gets if somebody comes in.
#[derive(Clone)]
pub(crate) struct Carried {
    before: SessionId,
    session: SessionId,
    /// The device that it was known as. Whoever signs in on it now says anew whether it is to be remembered: it may have
    /// been somebody else's.
    known: Option<DeviceId>,
    /// The device that it becomes, and for how long.
    remember: Option<(DeviceId, Span)>,
}

impl Carried {
    /// What this browser brings; its session is renewed, and it may become a remembered device.
    pub(crate) fn of(
        accounts: &Accounts,
        visit: &Visit,
        headers: &HeaderMap,
        remember: Option<(DeviceId, Span)>,
    ) -> Carried {
        let before = visit.session();
        Carried { before, session: visit.renew(), known: devices::brought(accounts, headers), remember }
    }

    /// Has the browser keep what it is to keep now.
    pub(crate) fn tell(self, visit: &Visit, outcome: &Outcome) {
        match (outcome, self.remember) {
            (Outcome::In(_), Some((device, lasts))) => visit.remember(device, shortest(&lasts)),
            (Outcome::In(_), None) if self.known.is_some() => visit.forget(),
            (Outcome::In(_), None) => {}
            // Nobody has come in, so the browser stays what it was: the one that has just signed up, perhaps.
            _ => visit.keep(),
        }
    }
}

/// The form.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Query(onward): Query<Onward>,
) -> Result<Response, Problem> {
    page(&form(&accounts, &visit, &Fields::default(), &onward))
}

/// Signs in.
pub(crate) async fn post(
    State(accounts): State<Accounts>,
    visit: Visit,
    client: Client,
    headers: HeaderMap,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let started = Instant::now();
    let email = sign_up::email(&mut fields);
    let password = fields.secret("password", "Password", password::LONGEST);
    let (Some(email), Some(password)) = (email, password) else {
        return again(&accounts, &visit, &fields);
    };
    let folded = email.folded();
    let (slips, day) = (PER_ADDRESS.of(&accounts, &folded), PER_DAY.of(&accounts, &folded));
    let from = PER_PLACE.of(&accounts, &client.place());
    throttle::count(&accounts, [slips, day, from], visit.now).await?;
    let (subject, hash) = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::System), move |look| {
            let subject = look.find(BY_EMAIL, &folded)?;
            let check = subject.map(|subject| look.view::<SignInCheck>(subject)).transpose()?;
            Ok::<_, KeeperError>((subject, check.and_then(|check| check.hash)))
        })
        .await
        .map_err(problem)?;
    let right = accounts.passwords.matches(password, hash).await.map_err(Problem::internal)?;
    let mut ctx = accounts.keeper.ctx(Actor::System);
    let lasts = devices::lasts(&ctx.policy).filter(|_| fields.ticked("remember"));
    let remember = lasts.map(|lasts| (DeviceId::random(&mut ctx.rng), lasts));
    let carried = Carried::of(&accounts, &visit, &headers, remember);
    let carries = carried.clone();
    let outcome = accounts
        .keeper
        .act(ctx, move |act| {
            let outcome = sign_in(act, subject, right, &carries)?;
            if matches!(outcome, Outcome::In(_)) {
                throttle::got_in(act.tx(), slips, day)?;
            }
            Ok::<_, KeeperError>(outcome)
        })
        .await
        .map_err(problem)?;
    carried.tell(&visit, &outcome);
    at_pace(started, accounts.pace).await;
    match outcome {
        Outcome::In(factor) => {
            let onward = Onward::sent(&fields);
            let code = (factor == Factor::Awaited).then(|| onward.through(second_factor::ASK));
            Ok(Redirect::to(code.as_deref().unwrap_or(onward.page())).into_response())
        }
        Outcome::Wrong => {
            fields.refuse("email", NO);
            again(&accounts, &visit, &fields)
        }
        Outcome::Closed => Err(closed(&accounts.face.contact)),
    }
}

/// Writes down what came of it: on the person's trail, or on the site's, so that both take as long.
fn sign_in(
    act: &mut Act<'_, '_>,
    subject: Option<SubjectId>,
    right: bool,
    carried: &Carried,
) -> Result<Outcome, KeeperError> {
    let Some(subject) = subject else {
        act.note_site(Deed::SignInFailed, "unknown address")?;
        return Ok(Outcome::Wrong);
    };
    if !right {
        act.note(subject, Deed::SignInFailed, "password", &[], None)?;
        return Ok(Outcome::Wrong);
    }
    let factor = sessions::first_factor(act, subject)?;
    come_in(act, subject, factor, "password", carried)
}

/// Lets somebody in who has shown who they are, unless they have closed their account, or only a dispute keeps something of
/// it: a passkey opens no more then than the password, which is erased.
pub(crate) fn come_in(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    factor: Factor,
    by: &str,
    carried: &Carried,
) -> Result<Outcome, KeeperError> {
    let standing = members::account(act.tx(), subject)?.map(|account| account.standing);
    let opens = matches!(standing, Some(Standing::Open | Standing::Deactivated | Standing::Disabled));
    if opens && !act.is_over(subject, Kind::PASSWORD)? {
        sessions::end(act, carried.before.digest())?;
        sessions::begin(act, subject, &carried.session, factor, by)?;
        carried.known.iter().try_for_each(|device| devices::forget(act, device))?;
        if let Some((device, lasts)) = &carried.remember {
            devices::remember(act, subject, device, lasts)?;
        }
        return Ok(Outcome::In(factor));
    }
    act.note(subject, Deed::SignInFailed, "account is closed", &[], None)?;
    Ok(Outcome::Closed)
}

fn again(accounts: &Accounts, visit: &Visit, fields: &Fields) -> Result<Response, Problem> {
    let onward = Onward::sent(fields);
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &form(accounts, visit, fields, &onward))
}

/// The page as it is before anybody has typed anything.
pub(crate) fn specimen(frame: Frame) -> askama::Result<String> {
    let (fields, onward) = (&Fields::default(), &Onward::default());
    SignInPage { frame, fields, remembers: None, onward, addressed: false, by_passkey: true }.render()
}

fn form<'a>(accounts: &Accounts, visit: &Visit, fields: &'a Fields, onward: &'a Onward) -> SignInPage<'a> {
    let policy = accounts.keeper.policy();
    let remembers = devices::lasts(&policy).map(|lasts| duration(&lasts));
    let addressed = matches!(policy.notice.session.carrier, Carrier::Address { .. });
    let by_passkey = passkeys::possible(accounts);
    SignInPage { frame: visit.form_frame("Sign in"), fields, remembers, onward, addressed, by_passkey }
}

/// Only who has shown who they are is told this.
pub(crate) fn closed(contact: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "Your account is closed",
        "What was in it is erased, unless a law or a dispute keeps it for now.",
        format!("If it was not you who closed it, or to ask for what is kept, write to {contact}."),
    )
}
