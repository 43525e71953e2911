//! Passkeys: a key on the person's own device, which signs them in without a password (W3C Web Authentication, level 3). It
//! makes sure of the person by itself, so it counts as both factors. Whoever adds or removes one gives the password first,
//! and a letter says so.

mod questions;
mod rp;
pub(crate) mod sign_in;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use kept_keeper::{Act, Actor, Claim, Index, KeeperError, time::long_date};
use kept_vault::{Kind, SubjectId};
use kept_web::{
    Frame, Problem, Sent, Visit, assets,
    form::{Fields, Need},
    page_with, page_with_script, paths,
};
use sha2::{Digest, Sha256};

use self::rp::{HANDLE, Made, Question, Refused, RelyingParty};
use crate::{
    Accounts, messages, password_again, problem,
    readers::Person,
    records::{Addressee, MyPasskeys, Passkey, PasskeyCheck, Passkeys},
    sessions::{Factor, Signed},
    signed_in,
};
pub(crate) use questions::tidy;

/// The page's address.
pub(crate) const HERE: &str = "/account/passkeys";
/// Where one asks to sign in with a passkey.
pub(crate) const SIGN_IN: &str = "/sign-in/passkey";
/// Where the passkey's answer goes.
pub(crate) const ANSWER: &str = "/sign-in/passkey/answer";

/// The ids of passkeys; each belongs to one person.
const BY_PASSKEY: Index = Index { name: "passkey", kind: Kind::AUTHENTICATING, unique: true };

/// How many one person can have.
const MOST: usize = 10;

const TITLE: &str = "Passkeys";

#[derive(Template)]
#[template(path = "passkeys/passkeys.html")]
struct PasskeysPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    list: Vec<Passkey>,
    /// Whether the site's address lets it have passkeys.
    possible: bool,
    may_add: bool,
    /// Whether a passkey has to be used before anything here is changed.
    short: bool,
}

#[derive(Template)]
#[template(path = "passkeys/make.html")]
struct MakePage<'a> {
    frame: Frame,
    script: &'static str,
    name: &'a str,
    question: &'a str,
}

#[derive(Template)]
#[template(path = "passkeys/remove.html")]
struct RemovePage<'a> {
    frame: Frame,
    fields: &'a Fields,
    passkey: Passkey,
}

/// Why a change of passkeys does not fit how things stand.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Unfit {
    #[error("You have {MOST} passkeys, which is as many as can be kept. Remove one first.")]
    TooMany,
    #[error("This passkey has been added already.")]
    Known,
    #[error("This is not one of your passkeys.")]
    NotYours,
    #[error("You work here, so sign out, and in again with your passkey, before you change this.")]
    Short,
}

/// Whether the site's address lets it have passkeys.
pub(crate) fn possible(accounts: &Accounts) -> bool {
    RelyingParty::at(&accounts.face.base).is_some()
}

/// One's own passkeys.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    list(&accounts, &visit, &signed, &Fields::default(), StatusCode::OK).await
}

/// Asks the browser to make one, takes what it has made, or removes one.
pub(crate) async fn change(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(fields): Sent,
) -> Result<Response, Problem> {
    match fields.get("do") {
        Some("add") => ask(&accounts, &visit, &signed, fields).await,
        Some("made") => take(&accounts, &visit, &signed, fields).await,
        Some("remove") => remove(&accounts, &visit, &signed, fields).await,
        _ => Err(Problem::bad_request("The form did not say what to do. Nothing has been changed.")),
    }
}

/// After the password, the page on which the browser makes a passkey.
async fn ask(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let site = RelyingParty::at(&accounts.face.base).ok_or_else(Problem::not_found)?;
    let name = name(&mut fields);
    let right = password_again::right(accounts, visit, signed, &mut fields).await?;
    let mine = mine(accounts, signed.subject).await?;
    if let Err(unfit) = fits(signed, &mine.list) {
        fields.refuse("name", unfit.to_string());
    }
    let (Some(name), true, true) = (name, right, fields.errors().is_empty()) else {
        return list(accounts, visit, signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let question =
        site.ask_for_new(handle(accounts, signed.subject), &mine.email, &mine.list).map_err(problem)?;
    questions::keep(accounts, signed.digest, &question, visit.now).await?;
    let Question { options, .. } = question;
    page_with_script(&MakePage {
        frame: visit.form_frame("Make the passkey"),
        script: assets::passkey_script_path(),
        name: &name,
        question: &options,
    })
}

/// Keeps the passkey that the browser has made.
async fn take(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let site = RelyingParty::at(&accounts.face.base).ok_or_else(Problem::not_found)?;
    let Some(name) = name(&mut fields) else {
        return list(accounts, visit, signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let made = match judged(accounts, visit, signed, &site, &fields, name).await? {
        Ok(passkey) => {
            let (ctx, signing) = (accounts.keeper.ctx(Actor::Person(signed.subject)), signed.clone());
            accounts.keeper.act(ctx, move |act| add(act, &signing, &passkey)).await.map_err(problem)?
        }
        Err(_) => {
            fields.refuse("name", "Your browser's answer was not right, or came too late. Begin anew.");
            return list(accounts, visit, signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    if let Err(unfit) = made {
        fields.refuse("name", unfit.to_string());
        return list(accounts, visit, signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    Ok(Redirect::to(HERE).into_response())
}

/// What the browser has made, if it answers a question that it was asked in this session.
async fn judged(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    site: &RelyingParty,
    fields: &Fields,
    name: String,
) -> Result<Result<Passkey, Refused>, Problem> {
    let made = Made::read(fields.get("answer").unwrap_or_default());
    let (made, answers) = match made.and_then(|made| made.answers().map(|answers| (made, answers))) {
        Ok(read) => read,
        Err(refused) => return Ok(Err(refused)),
    };
    let question = questions::take(accounts, signed.digest, answers, visit.now).await?;
    Ok(question.ok_or(Refused::NoAnswer).and_then(|state| site.take(&state, &made, name, visit.now)))
}

fn add(act: &mut Act<'_, '_>, signed: &Signed, passkey: &Passkey) -> Result<Result<(), Unfit>, KeeperError> {
    let subject = signed.subject;
    let mut list = act.view::<PasskeyCheck>(subject, None)?.list;
    if let Err(unfit) = fits(signed, &list) {
        return Ok(Err(unfit));
    }
    if list.iter().any(|known| known.id == passkey.id) {
        return Ok(Err(Unfit::Known));
    }
    if let Claim::Taken(_) = act.claim(BY_PASSKEY, &passkey.id, subject)? {
        return Ok(Err(Unfit::Known));
    }
    list.push(passkey.clone());
    put(act, subject, list)?;
    let contact = act.ctx.policy.notice.contact.clone();
    let text = format!(
        "A passkey was added to your account: it now opens your account without your password. If this was not you, sign \
         in, remove it on the page “Passkeys”, change your password, and write to {contact}."
    );
    messages::write(act, subject, "passkey-added", "A passkey was added to your account", &text)?;
    Ok(Ok(()))
}

/// First asks for the password, then removes it; whatever was opened elsewhere, with this passkey perhaps, ends.
async fn remove(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let (id, asks) = (fields.get("passkey").unwrap_or_default().to_owned(), fields.get("password").is_none());
    let mine = mine(accounts, signed.subject).await?;
    let Some(passkey) = mine.list.into_iter().find(|passkey| passkey.id == id) else {
        fields.refuse("name", Unfit::NotYours.to_string());
        return list(accounts, visit, signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    if asks || !password_again::right(accounts, visit, signed, &mut fields).await? {
        let frame = visit.form_frame("Remove a passkey");
        let status = if asks { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        return page_with(status, &RemovePage { frame, fields: &fields, passkey });
    }
    let (ctx, signing) = (accounts.keeper.ctx(Actor::Person(signed.subject)), signed.clone());
    let gone = accounts.keeper.act(ctx, move |act| drop_one(act, &signing, &id)).await.map_err(problem)?;
    if let Err(unfit) = gone {
        fields.refuse("name", unfit.to_string());
        return list(accounts, visit, signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    Ok(Redirect::to(HERE).into_response())
}

fn drop_one(act: &mut Act<'_, '_>, signed: &Signed, id: &str) -> Result<Result<(), Unfit>, KeeperError> {
    let subject = signed.subject;
    let list = act.view::<PasskeyCheck>(subject, None)?.list;
    if is_short(signed, &list) {
        return Ok(Err(Unfit::Short));
    }
    let left: Vec<Passkey> = list.iter().filter(|passkey| passkey.id != id).cloned().collect();
    if left.len() == list.len() {
        return Ok(Err(Unfit::NotYours));
    }
    act.release_one(BY_PASSKEY, id, subject)?;
    put(act, subject, left)?;
    signed_in::end_others(act, subject, signed.digest)?;
    let contact = act.ctx.policy.notice.contact.clone();
    let text = format!(
        "A passkey was removed from your account, and your other sessions have ended. If this was not you, change your \
         password at once and write to {contact}."
    );
    messages::write(act, subject, "passkey-removed", "A passkey was removed from your account", &text)?;
    Ok(Ok(()))
}

fn put(act: &mut Act<'_, '_>, subject: SubjectId, list: Vec<Passkey>) -> Result<(), KeeperError> {
    act.put(subject, &Passkeys { list: Some(list).filter(|list| !list.is_empty()) })
}

fn fits(signed: &Signed, list: &[Passkey]) -> Result<(), Unfit> {
    match list.len() {
        MOST.. => Err(Unfit::TooMany),
        _ if is_short(signed, list) => Err(Unfit::Short),
        _ => Ok(()),
    }
}

/// Whether somebody who works here has signed in by password alone although they have a passkey. Otherwise a stolen password
/// would lead to another second factor, and past the one that there is.
fn is_short(signed: &Signed, list: &[Passkey]) -> bool {
    !signed.roles.is_empty() && signed.factor == Factor::None && !list.is_empty()
}

/// Whether that is so of whoever has signed in.
pub(crate) async fn short(accounts: &Accounts, signed: &Signed) -> Result<bool, Problem> {
    Ok(is_short(signed, &mine(accounts, signed.subject).await?.list))
}

/// A passkey as its owner is told of it.
pub(crate) fn told(passkey: &Passkey) -> String {
    let used = match passkey.used {
        Some(used) => format!("last used on {}", long_date(used)),
        None => "not used yet".into(),
    };
    format!("A passkey named “{}”, added on {}, {used}.", passkey.name, long_date(passkey.added))
}

/// All of a person's passkeys, as they are told of them.
pub(crate) async fn all_told(accounts: &Accounts, subject: SubjectId) -> Result<Vec<String>, Problem> {
    Ok(mine(accounts, subject).await?.list.iter().map(told).collect())
}

/// The name by which a person's passkeys know whose they are: a keyed hash, so that it says nothing to the keeper of the
/// person's passkeys, and is the same for all of them.
fn handle(accounts: &Accounts, subject: SubjectId) -> [u8; HANDLE] {
    let keyed = Sha256::new().chain_update(accounts.keeper.secret("passkeys"));
    keyed.chain_update(subject.as_bytes()).finalize().into()
}

fn name(fields: &mut Fields) -> Option<String> {
    fields.text("name", "Name of the passkey", 60, Need::Required)
}

struct Mine {
    list: Vec<Passkey>,
    email: String,
}

async fn mine(accounts: &Accounts, subject: SubjectId) -> Result<Mine, Problem> {
    let ctx = accounts.keeper.ctx(Actor::Person(subject));
    accounts
        .keeper
        .look(ctx, move |look| {
            let email = look.view::<Addressee>(subject)?.email.unwrap_or_default();
            Ok::<_, KeeperError>(Mine { list: look.view::<MyPasskeys>(subject)?.list, email })
        })
        .await
        .map_err(problem)
}

async fn list(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    let list = mine(accounts, signed.subject).await?.list;
    page_with(
        status,
        &PasskeysPage {
            frame: visit.form_frame(TITLE),
            fields,
            possible: possible(accounts),
            may_add: list.len() < MOST,
            short: is_short(signed, &list),
            list,
        },
    )
}
