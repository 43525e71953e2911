//! Signing in with a passkey, without telling one's address before. Wrong passwords, however many, do not shut this door: it
//! has tries of its own, and nothing about a passkey can be guessed.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use kept_keeper::{Act, Actor, Deed, KeeperError};
use kept_vault::SubjectId;
use kept_web::{Client, Frame, Problem, Sent, Visit, assets, page_with_script, paths};

use super::{
    ANSWER, BY_PASSKEY, handle, put, questions,
    rp::{Answer, Refused, RelyingParty},
};
use crate::{
    Accounts,
    onward::Onward,
    problem,
    records::{Passkey, PasskeyCheck},
    sessions::Factor,
    sign_in::{Carried, Outcome, closed, come_in},
    throttle::{self, Limit, QUARTER_HOUR},
};

/// How many questions one place on the network may ask for.
const PER_PLACE: Limit = Limit { what: "passkey from", most: 100, within: QUARTER_HOUR };

/// How the trail names a passkey.
pub(crate) const PASSKEY: &str = "passkey";
/// How the trail names a passkey of which there may be two.
pub(crate) const COPIED: &str = "passkey that has counted backwards";

#[derive(Template)]
#[template(path = "passkeys/sign_in.html")]
struct AskPage<'a> {
    frame: Frame,
    script: &'static str,
    question: &'a str,
    onward: Onward,
}

/// Where a browser ends up that asks again for the address of an act: nothing changes on GET.
pub(crate) async fn back() -> Redirect {
    Redirect::to(paths::SIGN_IN)
}

/// The page on which the browser asks for a passkey.
pub(crate) async fn ask(
    State(accounts): State<Accounts>,
    visit: Visit,
    client: Client,
    Sent(fields): Sent,
) -> Result<Response, Problem> {
    let site = RelyingParty::at(&accounts.face.base).ok_or_else(Problem::not_found)?;
    throttle::count(&accounts, [PER_PLACE.of(&accounts, &client.place())], visit.now).await?;
    let question = site.ask().map_err(problem)?;
    questions::keep(&accounts, visit.session().digest(), &question, visit.now).await?;
    page_with_script(&AskPage {
        frame: visit.form_frame("Sign in with a passkey"),
        script: assets::passkey_script_path(),
        question: &question.options,
        onward: Onward::sent(&fields),
    })
}

/// Takes the passkey's answer.
pub(crate) async fn answer(
    State(accounts): State<Accounts>,
    visit: Visit,
    headers: HeaderMap,
    Sent(fields): Sent,
) -> Result<Response, Problem> {
    let site = RelyingParty::at(&accounts.face.base).ok_or_else(Problem::not_found)?;
    let answer = Answer::read(fields.get("answer").unwrap_or_default()).map_err(refused)?;
    let answers = answer.answers().map_err(refused)?;
    let state = questions::take(&accounts, visit.session().digest(), answers, visit.now).await?;
    let state = state.ok_or(Refused::NoAnswer).map_err(refused)?;
    let known = owner(&accounts, &answer).await?;
    let subject = known.as_ref().map(|(subject, _)| *subject);
    let judged = known.ok_or(Refused::Wrong).and_then(|(subject, before)| {
        let after = site.judge(&state, &answer, &before, handle(&accounts, subject), visit.now)?;
        Ok((subject, before, after))
    });
    let (subject, before, after) = match judged {
        Ok(judged) => judged,
        Err(cause) => {
            let note = move |act: &mut Act<'_, '_>| note(act, subject, cause);
            accounts.keeper.act(accounts.keeper.ctx(Actor::System), note).await.map_err(problem)?;
            return Err(refused(cause));
        }
    };
    let carried = Carried::of(&accounts, &visit, &headers, None);
    let carries = carried.clone();
    let outcome = accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::System), move |act| {
            if !keep(act, subject, &before, &after)? {
                return Ok::<_, KeeperError>(Outcome::Wrong);
            }
            come_in(act, subject, Factor::Given, PASSKEY, &carries)
        })
        .await
        .map_err(problem)?;
    carried.tell(&visit, &outcome);
    match outcome {
        Outcome::In(_) => Ok(Redirect::to(Onward::sent(&fields).page()).into_response()),
        Outcome::Wrong => Err(refused(Refused::Wrong)),
        Outcome::Closed => Err(closed(&accounts.face.contact)),
    }
}

/// Whose the passkey is that has answered, as it says, and what it is judged by.
async fn owner(accounts: &Accounts, answer: &Answer) -> Result<Option<(SubjectId, Passkey)>, Problem> {
    let id = answer.id();
    accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::System), move |look| {
            let Some(subject) = look.find(BY_PASSKEY, &id)? else { return Ok(None) };
            let list = look.view::<PasskeyCheck>(subject)?.list;
            Ok(list.into_iter().find(|passkey| passkey.id == id).map(|passkey| (subject, passkey)))
        })
        .await
        .map_err(problem)
}

/// Keeps the counter and the date, if the passkey is still what it was when its answer was judged.
fn keep(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    before: &Passkey,
    after: &Passkey,
) -> Result<bool, KeeperError> {
    let mut list = act.view::<PasskeyCheck>(subject, None)?.list;
    let Some(passkey) = list.iter_mut().find(|passkey| *passkey == before) else { return Ok(false) };
    passkey.clone_from(after);
    put(act, subject, list)?;
    Ok(true)
}

/// Writes down who was not let in.
fn note(act: &mut Act<'_, '_>, subject: Option<SubjectId>, cause: Refused) -> Result<(), KeeperError> {
    match subject {
        None => act.note_site(Deed::SignInFailed, "unknown passkey").map(drop),
        Some(subject) => {
            let what = if cause == Refused::CountedBack { COPIED } else { PASSKEY };
            act.note(subject, Deed::SignInFailed, what, &[], None).map(drop)
        }
    }
}

fn refused(cause: Refused) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "This passkey did not sign you in",
        "It may have been removed here, or its answer came later than five minutes after the question.",
        "Try again, or sign in with your password.",
    )
    .leading(&("/sign-in", "Sign in"))
    .because(cause)
}
