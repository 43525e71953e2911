//! Choosing a new password: because one wants to, because somebody may know the old one (`acc-10`). Whatever was opened
//! with the old one ends, and a letter says that it was replaced.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Span;
use kept_keeper::{Act, Actor, Deed, Finding, Inspect, KeeperError};
use kept_store::params;
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, form::Fields, page, page_with};

use crate::{
    Accounts,
    links::{self, Leads},
    messages, passkeys, password, password_again, problem,
    readers::Person,
    records::{Addressee, Credential},
    recovery,
    sessions::{self, Signed},
};

/// The event that somebody may know a person's password.
pub(crate) const COMPROMISED: &str = "credential.compromised";
/// The event of a password that takes the place of another, or of none.
pub(crate) const CHOSEN: &str = "password.chosen";

#[derive(Template)]
#[template(path = "new_password.html")]
struct NewPasswordPage<'a> {
    frame: Frame,
    fields: &'a Fields,
}

#[derive(Template)]
#[template(path = "compromised.html")]
struct CompromisedPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    /// The passkeys, which a new password does not change, in words.
    passkeys: Vec<String>,
}

#[derive(Template)]
#[template(path = "replaced.html")]
struct ReplacedPage {
    frame: Frame,
    /// Whether the new one is chosen already, or a letter leads to it.
    chosen: bool,
    /// The passkeys of whoever is still signed in, in words.
    passkeys: Vec<String>,
}

/// The form for another password.
pub(crate) async fn show(visit: Visit, _person: Person) -> Result<Response, Problem> {
    page(&NewPasswordPage { frame: visit.form_frame(CHANGE), fields: &Fields::default() })
}

const CHANGE: &str = "Change your password";
const KNOWN: &str = "Somebody may know your password";

/// Changes it.
pub(crate) async fn change(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    if choose_now(&accounts, &visit, &signed, &mut fields, None).await? {
        return replaced(&accounts, &visit, &signed).await;
    }
    let form = NewPasswordPage { frame: visit.form_frame(CHANGE), fields: &fields };
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &form)
}

/// What to do when somebody may know the password.
pub(crate) async fn show_compromised(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    let passkeys = passkeys::all_told(&accounts, signed.subject).await?;
    page(&CompromisedPage { frame: visit.form_frame(KNOWN), fields: &Fields::default(), passkeys })
}

/// Ends every session and the password at once; the new one is chosen on the spot or by a letter.
pub(crate) async fn compromised(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    if fields.get("by").is_some_and(|by| by == "letter") {
        let (ctx, base) = (accounts.keeper.ctx(Actor::Person(signed.subject)), accounts.face.base.clone());
        let act = move |act: &mut Act<'_, '_>| give_up(act, signed.subject, |path| base.join(path));
        accounts.keeper.act(ctx, act).await.map_err(problem)?;
        visit.end();
        return Ok(Redirect::to("/password-ended").into_response());
    }
    if choose_now(&accounts, &visit, &signed, &mut fields, Some(COMPROMISED)).await? {
        return replaced(&accounts, &visit, &signed).await;
    }
    let passkeys = passkeys::all_told(&accounts, signed.subject).await?;
    let form = CompromisedPage { frame: visit.form_frame(KNOWN), fields: &fields, passkeys };
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &form)
}

/// Where the browser is after everything has ended: signed out, with a letter on its way.
pub(crate) async fn given_up(visit: Visit) -> Result<Response, Problem> {
    page(&ReplacedPage { frame: visit.frame("Your password has ended"), chosen: false, passkeys: Vec::new() })
}

async fn replaced(accounts: &Accounts, visit: &Visit, signed: &Signed) -> Result<Response, Problem> {
    let passkeys = passkeys::all_told(accounts, signed.subject).await?;
    page(&ReplacedPage { frame: visit.form_frame("Your password is new"), chosen: true, passkeys })
}

/// `acc-10`: whoever said that somebody may know their password has no session and no remembered device from before.
pub(crate) fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let mut left = 0;
    for table in ["sessions", "devices"] {
        left += inspect.count(
            &format!(
                "SELECT COUNT(*) FROM happenings JOIN {table} ON {table}.subject = happenings.subject \
                 WHERE happenings.event = $1 AND {table}.began < happenings.at"
            ),
            &params![COMPROMISED],
        )?;
    }
    if left > 0 {
        return Ok(Finding::broken(left, format!("still open from before a password was given up: {left}")));
    }
    let told = inspect.count("SELECT COUNT(*) FROM happenings WHERE event = $1", &params![COMPROMISED])?;
    Ok(match told {
        0 => Finding::not_due("nobody has said that somebody may know their password"),
        n => Finding::kept(n, format!("said by {n}; nothing of theirs is open from before")),
    })
}

/// Asks for the password again, and puts the new one in its place. Says whether it did.
async fn choose_now(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &mut Fields,
    because: Option<&'static str>,
) -> Result<bool, Problem> {
    if !password_again::right(accounts, visit, signed, fields).await? {
        // What was typed as the new one is not shown again either.
        drop(fields.secret("new_password", "New password", password::LONGEST));
        return Ok(false);
    }
    let Some(hash) = hashed(accounts, signed.subject, fields).await? else { return Ok(false) };
    let (session, signing) = (visit.renew(), signed.clone());
    accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(signed.subject)), move |act| {
            if let Some(event) = because {
                act.emit(signing.subject, event)?;
            }
            set(act, signing.subject, &hash)?;
            sessions::replace(act, &signing, &session)
        })
        .await
        .map_err(problem)?;
    Ok(true)
}

/// The hash of the form's `new_password`, if it is a good one for this person.
pub(crate) async fn hashed(
    accounts: &Accounts,
    subject: SubjectId,
    fields: &mut Fields,
) -> Result<Option<String>, Problem> {
    let Some(new) = fields.secret("new_password", "New password", password::LONGEST) else { return Ok(None) };
    let mut ctx = accounts.keeper.ctx(Actor::System);
    let known = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::System), move |look| look.view::<Addressee>(subject))
        .await
        .map_err(problem)?;
    let about: Vec<&str> =
        [&known.given_name, &known.email].into_iter().filter_map(Option::as_deref).collect();
    if let Err(weak) = password::judge(&new, &about) {
        fields.refuse("new_password", weak.to_string());
        return Ok(None);
    }
    accounts.passwords.hash(new, &mut ctx.rng).await.map(Some).map_err(Problem::internal)
}

/// Puts a new password in the place of the old one: every session ends, links to recovery stop working, and a letter says so.
pub(crate) fn set(act: &mut Act<'_, '_>, subject: SubjectId, hash: &str) -> Result<(), KeeperError> {
    act.put(subject, &Credential { hash: Some(hash.to_owned()) })?;
    act.emit(subject, CHOSEN)?;
    sessions::end_all(act, subject)?;
    links::revoke(act, subject, Leads::Recovery)?;
    let contact = act.ctx.policy.notice.contact.clone();
    let text = format!(
        "Your password was replaced, and every session of your account has ended. If this was not you, ask for a new \
         password on the page “Forgotten password”, and write to {contact}."
    );
    messages::write(act, subject, "password-replaced", "Your password was replaced", &text)
}

/// Nobody can sign in with the old password any more, from now on; the letter leads to a new one.
fn give_up(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    address: impl Fn(&str) -> String,
) -> Result<(), KeeperError> {
    act.emit(subject, COMPROMISED)?;
    act.put(subject, &Credential { hash: None })?;
    sessions::end_all(act, subject)?;
    act.note(subject, Deed::SignedOut, "every session", &[], None)?;
    let token = links::make(act, subject, Leads::Recovery, Span::new().days(1))?;
    let text = format!(
        "You said that somebody may know your password. It works no more, and every session has ended. Choose a new one \
         within one day:\n\n{}\n\nAfter that day, ask for another message on the page “Forgotten password”.",
        address(&recovery::path(&token))
    );
    messages::write(act, subject, "password-ended", "Choose a new password", &text)
}
