//! One's e-mail addresses (`rgt-2`): more than one, each confirmed by a letter before it counts, any of them good for
//! signing in, and one of them the main one, to which we write. Whoever adds or changes one gives the password, and the
//! address that was there before is told.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Span;
use kept_keeper::{Act, Actor, Claim, Duty, KeeperError, Letter};
use kept_notice::due;
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, form::Fields, page, page_with};

use crate::{
    Accounts,
    email::Email,
    links::{self, Leads},
    members::{BY_EMAIL, BY_PENDING_EMAIL},
    messages, password_again, problem,
    readers::Person,
    records::{Addresses, MyProfile, NewAddress, Profile},
    recovery,
    sessions::Signed,
    sign_up,
};

/// The page's address.
const HERE: &str = "/account/addresses";
/// How many addresses somebody may have.
const MOST: usize = 5;
/// The job that forgets an address which was not confirmed.
pub(crate) const FORGET: &str = "accounts.forget-new-address";

#[derive(Template)]
#[template(path = "addresses.html")]
struct AddressesPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    main: String,
    others: Vec<String>,
    new: Option<String>,
    may_add: bool,
}

#[derive(Template)]
#[template(path = "address.html")]
struct ConfirmPage<'a> {
    frame: Frame,
    token: &'a str,
}

/// The addresses.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    list(&accounts, &visit, &signed, &Fields::default(), StatusCode::OK).await
}

/// Adds one, makes one the main one, or removes one.
pub(crate) async fn change(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let email = sign_up::email(&mut fields);
    let wanted = match fields.get("do") {
        Some("add") => Wanted::Add,
        Some("main") => Wanted::Main,
        Some("remove") => Wanted::Remove,
        _ => return Err(Problem::bad_request("The form did not say what to do. Nothing has been changed.")),
    };
    let right = password_again::right(&accounts, &visit, &signed, &mut fields).await?;
    let (Some(email), true) = (email, right) else {
        return list(&accounts, &visit, &signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let (subject, base) = (signed.subject, accounts.face.base.clone());
    let done = accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| match wanted {
            Wanted::Add => add(act, subject, &email, |token| base.join(&format!("{HERE}/{token}"))),
            Wanted::Main => make_main(act, subject, &email),
            Wanted::Remove => remove(act, subject, &email),
        })
        .await
        .map_err(problem)?;
    if let Err(unfit) = done {
        fields.refuse("email", unfit.to_string());
        return list(&accounts, &visit, &signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    Ok(Redirect::to(HERE).into_response())
}

#[derive(Clone, Copy)]
enum Wanted {
    Add,
    Main,
    Remove,
}

/// Why a change of addresses does not fit how things stand.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Unfit {
    #[error("You have this address here already.")]
    Known,
    #[error("You have {MOST} addresses, which is as many as can be kept. Remove one first.")]
    TooMany,
    #[error("This is not one of your confirmed addresses.")]
    NotYours,
    #[error("This is your main address. Make another one the main one first.")]
    Main,
}

/// A letter to the new address; nothing else changes until its link is pressed. Whether somebody else has the address is
/// not said here: only its owner learns it, on confirming.
fn add(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    email: &Email,
    address: impl Fn(&str) -> String,
) -> Result<Result<(), Unfit>, KeeperError> {
    let mine = act.view::<MyProfile>(subject, None)?;
    if all(&mine).any(|known| same(known, email)) {
        return Ok(Err(Unfit::Known));
    }
    if all(&mine).count() >= MOST {
        return Ok(Err(Unfit::TooMany));
    }
    forget(act, subject)?;
    act.put(subject, &NewAddress { new: Some(email.as_str().to_owned()) })?;
    act.claim(BY_PENDING_EMAIL, &email.folded(), subject)?;
    let lasts = Span::new().days(1);
    act.schedule(subject, FORGET, due(act.ctx.now, &lasts).map_err(|_| KeeperError::Calendar)?)?;
    let token = links::make(act, subject, Leads::Address, lasts)?;
    // No name, as with signing up: whoever typed in another's address must not choose what we write to them.
    let text = format!(
        "Hello,\n\nsomebody, perhaps you, added this address to an account here. Sign in, and then confirm it within one \
         day:\n\n{}\n\nIf it was not you, there is nothing to do: the address is forgotten by itself.\n\n{}",
        address(&token),
        act.ctx.policy.notice.of
    );
    let to = email.as_str().to_owned();
    act.mail(
        subject,
        &Letter { about: "new-address", to, subject: "Please confirm your address".into(), text },
    )?;
    let contact = act.ctx.policy.notice.contact.clone();
    let text = format!(
        "One more e-mail address is about to be added to your account. If this was not you, change your password at once \
         and write to {contact}."
    );
    messages::write(act, subject, "address-added", "An address is being added to your account", &text)?;
    Ok(Ok(()))
}

fn make_main(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    email: &Email,
) -> Result<Result<(), Unfit>, KeeperError> {
    let mine = act.view::<MyProfile>(subject, None)?;
    let Some(chosen) = mine.others.iter().find(|known| same(known, email)).cloned() else {
        return Ok(Err(Unfit::NotYours));
    };
    let contact = act.ctx.policy.notice.contact.clone();
    let text = format!(
        "From now on we write to another address of yours than this one. If this was not you, write to {contact}."
    );
    messages::write(act, subject, "main-address", "Your main address has changed", &text)?;
    let (Some(given_name), Some(family_name), Some(before)) = (mine.given_name, mine.family_name, mine.email)
    else {
        return Err(KeeperError::Malformed("an open account without a name or address"));
    };
    let others = mine.others.into_iter().filter(|known| *known != chosen).chain([before]).collect();
    put_others(act, subject, others)?;
    act.put(
        subject,
        &Profile { given_name, family_name, email: chosen, address: mine.address, phone: mine.phone },
    )?;
    Ok(Ok(()))
}

fn remove(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    email: &Email,
) -> Result<Result<(), Unfit>, KeeperError> {
    let mine = act.view::<MyProfile>(subject, None)?;
    if mine.email.as_deref().is_some_and(|main| same(main, email)) {
        return Ok(Err(Unfit::Main));
    }
    if mine.new.as_deref().is_some_and(|new| same(new, email)) {
        return forget(act, subject).map(Ok);
    }
    let others: Vec<String> = mine.others.iter().filter(|known| !same(known, email)).cloned().collect();
    if others.len() == mine.others.len() {
        return Ok(Err(Unfit::NotYours));
    }
    let contact = act.ctx.policy.notice.contact.clone();
    let text =
        format!("This address was removed from your account. If this was not you, write to {contact}.");
    messages::write_to(act, subject, email.as_str(), "address-removed", "An address was removed", &text)?;
    act.release_one(BY_EMAIL, &email.folded(), subject)?;
    put_others(act, subject, others)?;
    Ok(Ok(()))
}

/// The page behind the letter's link. It belongs to whoever is signed in to the account, and to nobody else.
pub(crate) async fn ask(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Path(token): Path<String>,
) -> Result<Response, Problem> {
    let (ctx, wanted) = (accounts.keeper.ctx(Actor::Person(signed.subject)), token.clone());
    let found = accounts
        .keeper
        .look(ctx, move |look| links::find(look.sql(), &wanted, Leads::Address, look.ctx.now))
        .await
        .map_err(problem)?;
    if found != Some(signed.subject) {
        return Err(recovery::spent());
    }
    page(&ConfirmPage { frame: visit.form_frame("Confirm your address"), token: &token })
}

/// Confirms it.
pub(crate) async fn confirm(
    State(accounts): State<Accounts>,
    Person(signed): Person,
    Path(token): Path<String>,
    _sent: Sent,
) -> Result<Response, Problem> {
    let subject = signed.subject;
    let outcome = accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
            let now = act.ctx.now;
            if links::find(act.tx(), &token, Leads::Address, now)? != Some(subject) {
                return Ok::<_, KeeperError>(None);
            }
            take(act, subject)
        })
        .await
        .map_err(problem)?;
    match outcome {
        None => Err(recovery::spent()),
        Some(Claim::Granted) => Ok(Redirect::to(HERE).into_response()),
        Some(Claim::Taken(_)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "Another account uses this address",
            "An address can sign in to one account only, so it has not been added to yours.",
            "If the other account is yours, too, remove the address there first.",
        )),
    }
}

/// The new address becomes one of the person's, unless somebody else has confirmed it in the meantime.
fn take(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<Option<Claim>, KeeperError> {
    let mine = act.view::<MyProfile>(subject, None)?;
    let Some(email) = mine.new.as_deref().and_then(|text| text.parse::<Email>().ok()) else {
        return Ok(None);
    };
    let claim = act.claim(BY_EMAIL, &email.folded(), subject)?;
    if claim == Claim::Granted {
        let others = mine.others.into_iter().chain([email.as_str().to_owned()]).collect();
        put_others(act, subject, others)?;
    }
    forget(act, subject)?;
    Ok(Some(claim))
}

/// The job of the day after: an address that was not confirmed is forgotten.
pub(crate) fn expire(act: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    forget(act, duty.subject)
}

fn forget(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    act.unschedule(subject, FORGET)?;
    links::revoke(act, subject, Leads::Address)?;
    act.release(BY_PENDING_EMAIL, subject)?;
    act.put(subject, &NewAddress { new: None })
}

fn put_others(act: &mut Act<'_, '_>, subject: SubjectId, others: Vec<String>) -> Result<(), KeeperError> {
    act.put(subject, &Addresses { others: Some(others).filter(|others| !others.is_empty()) })
}

/// Every address of a person, the main one first, confirmed or not.
fn all(mine: &MyProfile) -> impl Iterator<Item = &str> {
    mine.email.iter().chain(&mine.others).chain(&mine.new).map(String::as_str)
}

fn same(known: &str, email: &Email) -> bool {
    known.parse::<Email>().is_ok_and(|known| known.folded() == email.folded())
}

async fn list(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    let subject = signed.subject;
    let mine = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::Person(subject)), move |look| look.view::<MyProfile>(subject))
        .await
        .map_err(problem)?;
    let may_add = all(&mine).count() < MOST;
    let frame = visit.form_frame("Your e-mail addresses");
    let main = mine.email.unwrap_or_default();
    page_with(status, &AddressesPage { frame, fields, main, others: mine.others, new: mine.new, may_add })
}
