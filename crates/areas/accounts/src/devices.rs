//! Remembered devices (`acc-6`), where the notice says so: for who asks for it, a second cookie holds another random id
//! for some time, and when the session has ended a new one begins by it. It opens what a password opens and no more: a
//! second factor is asked for as ever.

use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use data_encoding::HEXLOWER;
use jiff::{Span, Timestamp};
use kept_keeper::{
    Act, Actor, Deed, Inspect, KeeperError, Policy,
    time::{from_millis, to_millis},
};
use kept_notice::{Carrier, due};
use kept_store::{Read, params};
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, page, paths, session::DeviceId};

use crate::{
    Accounts,
    members::{self, Standing},
    problem,
    readers::Person,
    sessions::{self, Signed},
};

/// The page's address.
pub(crate) const HERE: &str = "/account/devices";

/// For how long the notice remembers devices, if it does.
pub(crate) fn lasts(policy: &Policy) -> Option<Span> {
    match policy.notice.session.carrier {
        Carrier::Remember { lasts } => Some(lasts),
        Carrier::Cookie { .. } | Carrier::Address { .. } => None,
    }
}

/// The device that a browser says it is. A notice that remembers none lists no cookie for it, so none is read or removed.
pub(crate) fn brought(accounts: &Accounts, headers: &HeaderMap) -> Option<DeviceId> {
    lasts(&accounts.keeper.policy())?;
    DeviceId::read(headers, &accounts.face.base)
}

/// Remembers a device from now on.
pub(crate) fn remember(
    act: &Act<'_, '_>,
    subject: SubjectId,
    device: &DeviceId,
    lasts: &Span,
) -> Result<(), KeeperError> {
    let now = act.ctx.now;
    let ends = due(now, lasts).map_err(|_| KeeperError::Calendar)?;
    act.tx().execute(
        "INSERT INTO devices (digest, subject, began, seen, ends) VALUES ($1, $2, $3, $3, $4)",
        &params![device.digest(), subject.as_bytes(), to_millis(now), to_millis(ends)],
    )?;
    Ok(())
}

/// Forgets a device.
pub(crate) fn forget(act: &Act<'_, '_>, device: &DeviceId) -> Result<(), KeeperError> {
    act.tx().execute("DELETE FROM devices WHERE digest = $1", &params![device.digest()])?;
    Ok(())
}

/// Forgets every device of a person.
pub(crate) fn forget_all(act: &Act<'_, '_>, subject: SubjectId) -> Result<u64, KeeperError> {
    Ok(act.tx().execute("DELETE FROM devices WHERE subject = $1", &params![subject.as_bytes()])?)
}

/// A browser without a session that is known by its device gets a new one. A device that nobody knows any more is taken
/// from the browser.
pub(crate) async fn known_again(
    accounts: &Accounts,
    headers: &HeaderMap,
    visit: &Visit,
) -> Result<Option<Signed>, KeeperError> {
    let Some(device) = brought(accounts, headers) else { return Ok(None) };
    let ctx = accounts.keeper.ctx(Actor::System);
    let (digest, now) = (device.digest(), ctx.now);
    let known = accounts.keeper.look(ctx, move |look| whose(look.sql(), digest, now)).await?;
    if known.is_none() {
        visit.forget();
        return Ok(None);
    }
    let session = visit.renew();
    let signed = accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::System), move |act| {
            let Some(subject) = whose(act.tx(), digest, now)? else { return Ok(None) };
            let factor = sessions::first_factor(act, subject)?;
            sessions::begin(act, subject, &session, factor, "remembered device")?;
            act.tx().execute(
                "UPDATE devices SET seen = $1 WHERE digest = $2",
                &params![to_millis(now), digest],
            )?;
            sessions::find(act.tx(), session.digest(), now)
        })
        .await?;
    if signed.is_none() {
        // It was forgotten in between.
        visit.keep();
        visit.forget();
    }
    Ok(signed)
}

/// Whose device this is, if it is remembered and its owner's account is open.
fn whose(read: &Read<'_>, digest: [u8; 32], now: Timestamp) -> Result<Option<SubjectId>, KeeperError> {
    let row = read.query_opt(
        "SELECT subject FROM devices WHERE digest = $1 AND ends > $2",
        &params![digest, to_millis(now)],
    )?;
    let Some(owner) = row.map(|row| row.get(0).map(SubjectId::from_bytes)).transpose()? else {
        return Ok(None);
    };
    let open = members::account(read, owner)?.is_some_and(|account| account.standing == Standing::Open);
    Ok(open.then_some(owner))
}

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: Frame,
    devices: Vec<Device>,
}

/// A device, as its owner sees it.
struct Device {
    /// The digest of its id, which opens nothing, to name it by.
    digest: String,
    began: Timestamp,
    seen: Timestamp,
    ends: Timestamp,
    /// Whether the page was asked for on it.
    this: bool,
}

/// The devices of a person. Under a notice that remembers none there is no such page.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    headers: HeaderMap,
    Person(signed): Person,
) -> Result<Response, Problem> {
    let ctx = accounts.keeper.ctx(Actor::Person(signed.subject));
    if lasts(&ctx.policy).is_none() {
        return Err(Problem::not_found());
    }
    let this = brought(&accounts, &headers).map(|device| device.digest());
    let devices = accounts
        .keeper
        .look(ctx, move |look| of(look.sql(), signed.subject, this, look.ctx.now))
        .await
        .map_err(problem)?;
    page(&DevicesPage { frame: visit.form_frame("Remembered devices"), devices })
}

/// Forgets one of one's own devices, or all of them.
pub(crate) async fn end(
    State(accounts): State<Accounts>,
    Person(signed): Person,
    Sent(fields): Sent,
) -> Result<Response, Problem> {
    let one = fields.get("forget").map(|text| HEXLOWER.decode(text.as_bytes()));
    let one: Option<[u8; 32]> = match one {
        None if fields.get("all").is_some() => None,
        Some(Ok(digest)) => Some(digest.try_into().map_err(|_| unnamed())?),
        _ => return Err(unnamed()),
    };
    let subject = signed.subject;
    accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
            let (what, forgotten) = match one {
                Some(digest) => ("one remembered device", forget_own(act, subject, digest)?),
                None => ("all remembered devices", forget_all(act, subject)?),
            };
            if forgotten > 0 {
                act.note(subject, Deed::SignedOut, what, &[], None)?;
            }
            Ok(())
        })
        .await
        .map_err(problem)?;
    Ok(Redirect::to(HERE).into_response())
}

/// One that is not the person's own is not there for them: nothing happens, and nothing is said.
fn forget_own(act: &Act<'_, '_>, subject: SubjectId, digest: [u8; 32]) -> Result<u64, KeeperError> {
    Ok(act.tx().execute(
        "DELETE FROM devices WHERE digest = $1 AND subject = $2",
        &params![digest, subject.as_bytes()],
    )?)
}

fn of(
    read: &Read<'_>,
    subject: SubjectId,
    this: Option<[u8; 32]>,
    now: Timestamp,
) -> Result<Vec<Device>, KeeperError> {
    let rows = read.query(
        "SELECT digest, began, seen, ends FROM devices WHERE subject = $1 AND ends > $2 ORDER BY seen DESC",
        &params![subject.as_bytes(), to_millis(now)],
    )?;
    rows.iter()
        .map(|row| {
            let digest: [u8; 32] = row.get(0)?;
            Ok(Device {
                digest: HEXLOWER.encode(&digest),
                began: from_millis(row.get(1)?)?,
                seen: from_millis(row.get(2)?)?,
                ends: from_millis(row.get(3)?)?,
                this: this == Some(digest),
            })
        })
        .collect()
}

/// How many devices are remembered for longer than the notice says: any, if it remembers none.
pub(crate) fn outlasting(inspect: &Inspect<'_, '_>) -> Result<i64, KeeperError> {
    let rows = inspect.read.query(
        "SELECT began, MAX(ends), COUNT(*) FROM devices WHERE ends > $1 GROUP BY began",
        &params![to_millis(inspect.now)],
    )?;
    let lasts = lasts(inspect.policy);
    let mut long = 0;
    for row in &rows {
        let end = match &lasts {
            Some(lasts) => due(from_millis(row.get(0)?)?, lasts).map_err(|_| KeeperError::Calendar)?,
            None => inspect.now,
        };
        if row.get::<i64>(1)? > to_millis(end) {
            long += row.get::<i64>(2)?;
        }
    }
    Ok(long)
}

fn unnamed() -> Problem {
    Problem::bad_request("The form named no device. Nothing has been changed.")
}
