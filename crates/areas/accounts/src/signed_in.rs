//! Where one is signed in: every session with its dates, and a button to end it. What a session is used with, and from
//! where, is not written down anywhere.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use kept_keeper::{
    Act, Actor, Deed, KeeperError,
    time::{from_millis, to_millis},
};
use kept_notice::words::duration;
use kept_store::{Read, params};
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, page};

use crate::{Accounts, devices, problem, readers::Person, sessions};

/// The page's address.
const HERE: &str = "/account/sessions";

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage {
    frame: Frame,
    sessions: Vec<Session>,
    idle: String,
    most: String,
    /// Whether the notice remembers devices.
    remembers: bool,
}

/// A session, as its owner sees it.
struct Session {
    /// The digest of its id, which opens nothing, to name it by.
    digest: String,
    began: Timestamp,
    seen: Timestamp,
    ends: Timestamp,
    /// Whether its code has not been given yet.
    awaits_code: bool,
    /// Whether the page was asked for in it.
    this: bool,
}

/// The sessions.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    let ctx = accounts.keeper.ctx(Actor::Person(signed.subject));
    let sessions = accounts
        .keeper
        .look(ctx, move |look| of(look.sql(), signed.subject, signed.digest, look.ctx.now))
        .await
        .map_err(problem)?;
    page(&SignedInPage {
        frame: visit.form_frame("Where you are signed in"),
        sessions,
        idle: duration(&accounts.keeper.policy().notice.session.idle),
        remembers: devices::lasts(&accounts.keeper.policy()).is_some(),
        most: duration(&sessions::longest(&accounts.keeper.policy().notice)),
    })
}

/// Ends one session, or all but this one.
pub(crate) async fn end(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(fields): Sent,
) -> Result<Response, Problem> {
    let one = fields.get("end").map(|text| HEXLOWER.decode(text.as_bytes()));
    let one: Option<[u8; 32]> = match one {
        None if fields.get("others").is_some() => None,
        Some(Ok(digest)) => Some(digest.try_into().map_err(|_| unnamed())?),
        _ => return Err(unnamed()),
    };
    let (subject, mine) = (signed.subject, signed.digest);
    accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| match one {
            Some(digest) => end_one(act, subject, digest),
            None => end_others(act, subject, mine),
        })
        .await
        .map_err(problem)?;
    if one == Some(mine) {
        visit.end();
    }
    Ok(Redirect::to(if one == Some(mine) { sessions::SIGNED_OUT } else { HERE }).into_response())
}

/// One that is not the person's own is not there for them: nothing happens, and nothing is said.
fn end_one(act: &mut Act<'_, '_>, subject: SubjectId, digest: [u8; 32]) -> Result<(), KeeperError> {
    let ended = act.tx().execute(
        "DELETE FROM sessions WHERE digest = $1 AND subject = $2",
        &params![digest, subject.as_bytes()],
    )?;
    if ended > 0 {
        act.note(subject, Deed::SignedOut, "one session", &[], None)?;
    }
    Ok(())
}

/// All but the one that asks for it, and every remembered device, which would begin another by itself.
pub(crate) fn end_others(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    mine: [u8; 32],
) -> Result<(), KeeperError> {
    devices::forget_all(act, subject)?;
    let ended = act.tx().execute(
        "DELETE FROM sessions WHERE subject = $1 AND digest <> $2",
        &params![subject.as_bytes(), mine],
    )?;
    if ended > 0 {
        act.note(subject, Deed::SignedOut, "all other sessions", &[], None)?;
    }
    Ok(())
}

fn of(
    read: &Read<'_>,
    subject: SubjectId,
    mine: [u8; 32],
    now: Timestamp,
) -> Result<Vec<Session>, KeeperError> {
    let rows = read.query(
        "SELECT digest, began, seen, ends, factor FROM sessions WHERE subject = $1 AND ends > $2 \
         ORDER BY seen DESC, began DESC",
        &params![subject.as_bytes(), to_millis(now)],
    )?;
    rows.iter()
        .map(|row| {
            let digest: [u8; 32] = row.get(0)?;
            Ok(Session {
                digest: HEXLOWER.encode(&digest),
                began: from_millis(row.get(1)?)?,
                seen: from_millis(row.get(2)?)?,
                ends: from_millis(row.get(3)?)?,
                awaits_code: row.get::<String>(4)? == sessions::Factor::Awaited.word(),
                this: digest == mine,
            })
        })
        .collect()
}

fn unnamed() -> Problem {
    Problem::bad_request("The form named no session. Nothing has been changed.")
}
