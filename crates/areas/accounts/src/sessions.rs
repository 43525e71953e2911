//! Sessions: a random id in the browser, its digest in the database, and nothing else (`acc-4`, `acc-7`).

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{Span, Timestamp};
use kept_keeper::{
    Act, Actor, Deed, Finding, Inspect, KeeperError,
    time::{from_millis, to_millis},
};
use kept_notice::{Carrier, Notice, due, shortest};
use kept_store::{Read, params};
use kept_vault::SubjectId;
use kept_web::{Arrival, Frame, Problem, Reader, Visit, page, session::SessionId, try_an_address};

use crate::{
    Accounts, addressed, devices,
    members::{self, Standing},
    own_pages, passkeys, problem,
    records::SecondFactorCheck,
    reminders, staff, throttle,
};

/// The event of every sign-in, from which the clock of unused accounts counts (`acc-13`).
pub(crate) const SIGNED_IN: &str = "sign-in.succeeded";

/// Where one is after signing out.
pub(crate) const SIGNED_OUT: &str = "/signed-out";

/// How often a session's last use is written down: being a minute out does not matter, writing at each request would.
const NOTED_EVERY: i64 = 60_000;

/// How many hours a session lasts at most under a notice that does not say, however much it is used: an id that was
/// copied is not good for ever (OWASP ASVS 5.0, 7.3.2).
const MOST_HOURS: i64 = 12;

/// Whether a second factor stands between a session and what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// The person has none.
    None,
    /// The password was right and the code has not been given.
    Awaited,
    /// The code was right.
    Given,
}

impl Factor {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Factor::None => "none",
            Factor::Awaited => "awaited",
            Factor::Given => "given",
        }
    }

    fn parse(word: &str) -> Option<Factor> {
        [Factor::None, Factor::Awaited, Factor::Given].into_iter().find(|factor| factor.word() == word)
    }
}

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Who.
    pub subject: SubjectId,
    /// How far.
    pub factor: Factor,
    /// Their roles.
    pub roles: Vec<&'static str>,
    /// Whether the account is switched off, and opens only what is held about them.
    pub(crate) restricted: bool,
    pub(crate) digest: [u8; 32],
    began: Timestamp,
    seen: i64,
}

/// Whether a code is still awaited of somebody who begins to sign in.
pub(crate) fn first_factor(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<Factor, KeeperError> {
    let second = act.view::<SecondFactorCheck>(subject, None)?;
    Ok(if second.confirmed { Factor::Awaited } else { Factor::None })
}

/// Starts a session, by a password or what stands for it; the id that the browser had before is not used again.
pub(crate) fn begin(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    session: &SessionId,
    factor: Factor,
    by: &str,
) -> Result<(), KeeperError> {
    insert(act, subject, session, factor)?;
    if factor != Factor::Awaited {
        act.note(subject, Deed::SignedIn, by, &[], None)?;
        members::reactivate(act, subject)?;
        act.emit(subject, SIGNED_IN)?;
    }
    Ok(())
}

fn insert(
    act: &Act<'_, '_>,
    subject: SubjectId,
    session: &SessionId,
    factor: Factor,
) -> Result<(), KeeperError> {
    let now = act.ctx.now;
    act.tx().execute(
        "INSERT INTO sessions (digest, subject, began, seen, ends, factor) VALUES ($1, $2, $3, $3, $4, $5)",
        &params![
            session.digest(),
            subject.as_bytes(),
            to_millis(now),
            to_millis(ends(act, now, now)?),
            factor.word()
        ],
    )?;
    Ok(())
}

/// The code was right: the session goes on under a new id.
pub(crate) fn promote(
    act: &mut Act<'_, '_>,
    signed: &Signed,
    session: &SessionId,
) -> Result<(), KeeperError> {
    end(act, signed.digest)?;
    begin(act, signed.subject, session, Factor::Given, "password")
}

/// Every session of a person ends, and this one goes on under a new id: what is opened with what they have just replaced is
/// worth nothing.
pub(crate) fn replace(
    act: &mut Act<'_, '_>,
    signed: &Signed,
    session: &SessionId,
) -> Result<(), KeeperError> {
    end_all(act, signed.subject)?;
    insert(act, signed.subject, session, signed.factor)
}

/// Ends a session.
pub(crate) fn end(act: &Act<'_, '_>, digest: [u8; 32]) -> Result<(), KeeperError> {
    act.tx().execute("DELETE FROM sessions WHERE digest = $1", &params![digest])?;
    Ok(())
}

/// Ends every session of a person, and forgets every device.
pub(crate) fn end_all(act: &Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    devices::forget_all(act, subject)?;
    act.tx().execute("DELETE FROM sessions WHERE subject = $1", &params![subject.as_bytes()])?;
    Ok(())
}

/// When a session ends that was last used now: after the idle time of the notice, or at its latest.
fn ends(act: &Act<'_, '_>, began: Timestamp, now: Timestamp) -> Result<Timestamp, KeeperError> {
    let idle = due(now, &act.ctx.policy.notice.session.idle).map_err(|_| KeeperError::Calendar)?;
    Ok(idle.min(latest(&act.ctx.policy.notice, began)?))
}

/// How long a session lasts at most.
pub(crate) fn longest(notice: &Notice) -> Span {
    match notice.session.carrier {
        Carrier::Cookie { lasts: Some(lasts) } | Carrier::Address { lasts: Some(lasts) } => lasts,
        Carrier::Cookie { lasts: None } | Carrier::Address { lasts: None } | Carrier::Remember { .. } => {
            Span::new().hours(MOST_HOURS)
        }
    }
}

/// When a session ends at the latest.
fn latest(notice: &Notice, began: Timestamp) -> Result<Timestamp, KeeperError> {
    due(began, &longest(notice)).map_err(|_| KeeperError::Calendar)
}

/// Who has the session with this digest, if it has not ended.
pub(crate) fn find(read: &Read<'_>, digest: [u8; 32], now: Timestamp) -> Result<Option<Signed>, KeeperError> {
    let row = read.query_opt(
        "SELECT subject, factor, seen, began FROM sessions WHERE digest = $1 AND ends > $2",
        &params![digest, to_millis(now)],
    )?;
    let Some(row) = row else { return Ok(None) };
    let subject = SubjectId::from_bytes(row.get(0)?);
    let factor =
        Factor::parse(row.text(1)?).ok_or(KeeperError::Malformed("an unknown factor of a session"))?;
    let restricted = match members::account(read, subject)?.map(|account| account.standing) {
        Some(Standing::Open) => false,
        Some(Standing::Disabled) => true,
        // Who returns to an account that rests gives the second factor first.
        Some(Standing::Deactivated) if factor == Factor::Awaited => false,
        _ => return Ok(None),
    };
    Ok(Some(Signed {
        subject,
        factor,
        roles: if restricted { Vec::new() } else { staff::roles(read, subject, now)? },
        restricted,
        digest,
        began: from_millis(row.get(3)?)?,
        seen: row.get(2)?,
    }))
}

/// The middleware of every page: finds the session, and hands pages the [`Visit`] and who has [`Signed`] in.
pub(crate) async fn visit(State(accounts): State<Accounts>, mut request: Request, next: Next) -> Response {
    let keeper = &accounts.keeper;
    let mut ctx = keeper.ctx(Actor::System);
    let fresh = SessionId::random(&mut ctx.rng);
    let idle = shortest(&ctx.policy.notice.session.idle);
    let arrival = Arrival::of(&request, &accounts.face.base, &accounts.tokens, idle, ctx.now);
    if let Some(strayed) = &arrival.strayed
        && let Err(cause) = addressed::end_strayed(&accounts, strayed).await
    {
        return problem(cause).into_response();
    }
    let known = arrival.session.clone();
    let path = request.uri().path().to_owned();
    let mut visit = Visit::new(accounts.face.clone(), accounts.tokens.clone(), path, arrival, fresh, ctx.now);
    visit.demo.clone_from(&accounts.demo);
    visit.announcement = (accounts.announce)(request.headers(), keeper);
    let looks = request.method() == Method::GET;
    let signed = match known {
        Some(session) => {
            let (digest, now) = (session.digest(), ctx.now);
            match keeper.look(ctx, move |look| find(look.sql(), digest, now)).await {
                Ok(signed) => signed,
                Err(cause) => return problem(cause).into_response(),
            }
        }
        None => None,
    };
    let signed = match signed {
        None if looks => match devices::known_again(&accounts, request.headers(), &visit).await {
            Ok(signed) => signed,
            Err(cause) => return problem(cause).into_response(),
        },
        signed => signed,
    };
    let mut reader = None;
    if let Some(signed) = signed {
        visit.belongs();
        visit.reader = match (&signed.factor, signed.roles.is_empty()) {
            (Factor::Awaited, _) => Reader::Visitor,
            (_, true) => Reader::Person,
            (_, false) => Reader::Staff,
        };
        if let Err(cause) = touch(&accounts, &signed, visit.now).await {
            return problem(cause).into_response();
        }
        request.extensions_mut().insert(signed.clone());
        reader = Some(signed).filter(|signed| signed.factor != Factor::Awaited);
    }
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    if let (Some(signed), Some(title), true) =
        (reader, visit.title(), looks && response.status().is_success())
    {
        keeper.note_page(Actor::Person(signed.subject), &title);
    }
    visit.carry(&mut response);
    response.extensions_mut().insert(visit.frame(""));
    response
}

/// Pushes the idle end on, at most once a minute.
async fn touch(accounts: &Accounts, signed: &Signed, now: Timestamp) -> Result<(), KeeperError> {
    if to_millis(now) - signed.seen < NOTED_EVERY {
        return Ok(());
    }
    let (digest, began) = (signed.digest, signed.began);
    let ctx = accounts.keeper.ctx(Actor::System);
    accounts
        .keeper
        .act(ctx, move |act| {
            let ends = ends(act, began, now)?;
            act.tx().execute(
                "UPDATE sessions SET seen = $1, ends = $2 WHERE digest = $3",
                &params![to_millis(now), to_millis(ends), digest],
            )?;
            Ok(())
        })
        .await
}

/// Ends the browser's session.
pub(crate) async fn sign_out(
    State(accounts): State<Accounts>,
    visit: Visit,
    headers: HeaderMap,
    person: Option<Signed>,
    _sent: kept_web::Sent,
) -> Result<Response, Problem> {
    let device = devices::brought(&accounts, &headers);
    if device.is_some() {
        visit.forget();
    }
    if let Some(signed) = person {
        let ctx = accounts.keeper.ctx(Actor::Person(signed.subject));
        accounts
            .keeper
            .act(ctx, move |act| {
                end(act, signed.digest)?;
                device.iter().try_for_each(|device| devices::forget(act, device))?;
                act.note(signed.subject, Deed::SignedOut, "session", &[], None).map(drop)
            })
            .await
            .map_err(problem)?;
    }
    visit.end();
    Ok(Redirect::to(SIGNED_OUT).into_response())
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage {
    frame: Frame,
}

/// What to do on a computer that others use, too (`sec-5`).
pub(crate) async fn signed_out(visit: Visit) -> Result<Response, Problem> {
    page(&SignedOutPage { frame: visit.frame("You have signed out") })
}

/// `acc-7`: no session outlives the idle time that the notice states, or the longest time that there is.
pub(crate) fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let rows = inspect.read.query(
        "SELECT seen, began, MAX(ends) FROM sessions WHERE ends > $1 GROUP BY seen, began",
        &params![to_millis(inspect.now)],
    )?;
    let mut long = 0;
    for row in &rows {
        let idle = due(from_millis(row.get(0)?)?, &inspect.policy.notice.session.idle)
            .map_err(|_| KeeperError::Calendar)?;
        let end = idle.min(latest(&inspect.policy.notice, from_millis(row.get(1)?)?)?);
        if row.get::<i64>(2)? > to_millis(end) {
            long += 1;
        }
    }
    if long > 0 {
        return Ok(Finding::broken(long, format!("{long} sessions outlast the idle time")));
    }
    let forgotten = reminders::forgotten(inspect.policy);
    if !forgotten.is_empty() {
        let detail = format!("the pages do not remind people {}", forgotten.join(", "));
        return Ok(Finding::broken(1, detail));
    }
    if let Some(detail) = own_pages::broken(inspect)? {
        return Ok(Finding::broken(1, detail));
    }
    let long = devices::outlasting(inspect)?;
    if long > 0 {
        return Ok(Finding::broken(long, format!("{long} devices are remembered for too long")));
    }
    let carried = match inspect.policy.notice.session.carrier {
        Carrier::Cookie { .. } | Carrier::Remember { .. } => "the cookie holds a random id and no date",
        Carrier::Address { .. } => match try_an_address(shortest(&inspect.policy.notice.session.idle)) {
            Ok(()) => "an address, tried, opens nothing when typed in, in another browser, or after its time",
            Err(found) => return Ok(Finding::broken(1, found)),
        },
    };
    let open =
        inspect.count("SELECT COUNT(*) FROM sessions WHERE ends > $1", &params![to_millis(inspect.now)])?;
    Ok(Finding::kept(open, format!("{open} sessions open, none longer than the notice says; {carried}")))
}

/// Sessions that have ended are taken away; the server does this with its sweep.
///
/// # Errors
/// The database failed.
pub async fn tidy(accounts: &Accounts) -> Result<(), KeeperError> {
    let now = to_millis(accounts.keeper.now());
    accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::System), move |act| {
            act.tx().execute("DELETE FROM sessions WHERE ends <= $1", &params![now])?;
            act.tx().execute("DELETE FROM confirmations WHERE ends <= $1", &params![now])?;
            act.tx().execute("DELETE FROM links WHERE ends <= $1", &params![now])?;
            act.tx().execute("DELETE FROM devices WHERE ends <= $1", &params![now])?;
            passkeys::tidy(act.tx(), act.ctx.now)?;
            Ok(throttle::tidy(act.tx(), act.ctx.now)?)
        })
        .await
}
