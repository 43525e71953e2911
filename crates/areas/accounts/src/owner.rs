//! Owners: the first is made by a one-time code that the server prints when it starts and there is none; they give and end roles, and
//! release the brakes.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use kept_keeper::{Act, Actor, Deed, Keeper, KeeperError, time::to_millis};
use kept_store::params;
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, form::Fields, page, page_with, paths};
use rand_core::Rng;
use sha2::{Digest, Sha256};

use crate::{
    Accounts, ROLES,
    members::{self, BY_EMAIL, Standing},
    problem,
    records::StaffCard,
    sessions::{Person, Staff},
    sign_up,
    throttle::{self, Limit, QUARTER_HOUR},
};

/// How often the code may be tried, by everybody together.
const GUESSES: Limit = Limit { what: "owner", most: 10, within: QUARTER_HOUR };

/// Where the hash of the code is kept until it is used.
const FACT: &str = "first-owner";

#[derive(Template)]
#[template(path = "owner.html")]
struct OwnerPage<'a> {
    frame: Frame,
    fields: &'a Fields,
}

#[derive(Template)]
#[template(path = "staff.html")]
struct StaffPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    people: Vec<Colleague>,
    roles: &'static [&'static str],
}

struct Colleague {
    subject: String,
    card: StaffCard,
    roles: Vec<&'static str>,
    me: bool,
}

/// Makes the code of the first owner, to be printed; one that was printed before is no longer good. Nothing if there
/// is an owner.
///
/// # Errors
/// The database failed.
pub async fn first_owner_code(keeper: &Keeper) -> Result<Option<String>, KeeperError> {
    keeper.act(keeper.ctx(Actor::System), new_code).await
}

fn new_code(act: &mut Act<'_, '_>) -> Result<Option<String>, KeeperError> {
    let owners = act.tx().query("SELECT 1 FROM roles WHERE role = 'owner' LIMIT 1", &params![])?;
    if !owners.is_empty() {
        return Ok(None);
    }
    let mut bytes = [0; 15];
    act.ctx.rng.fill_bytes(&mut bytes);
    let code = BASE32_NOPAD.encode(&bytes);
    act.tx().execute(
        "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &params![FACT, digest(&code)],
    )?;
    act.note_site(Deed::Site, "code of the first owner made")?;
    let spaced: Vec<_> = code.as_bytes().chunks(6).map(String::from_utf8_lossy).collect();
    Ok(Some(spaced.join("-")))
}

fn digest(code: &str) -> String {
    let plain: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    HEXLOWER.encode(&Sha256::digest(plain))
}

/// The form for the code.
pub(crate) async fn ask(visit: Visit, _person: Person) -> Result<Response, Problem> {
    page(&OwnerPage { frame: visit.form_frame("Become the owner"), fields: &Fields::default() })
}

/// Takes the code.
pub(crate) async fn claim(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let subject = signed.subject;
    if let Some(code) = fields.secret("code", "Code", 64) {
        throttle::count(&accounts, [GUESSES.of(&accounts, "")], visit.now).await?;
        let digest = digest(&code);
        let made = accounts
            .keeper
            .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
                let spent = act
                    .tx()
                    .execute("DELETE FROM facts WHERE name = $1 AND value = $2", &params![FACT, &digest])?;
                if spent == 1 {
                    give_role(act, subject, "owner")?;
                }
                Ok::<_, KeeperError>(spent == 1)
            })
            .await
            .map_err(problem)?;
        if made {
            return Ok(Redirect::to("/account/second-factor").into_response());
        }
        fields.refuse("code", "This is not the code, or it has been used.");
    }
    let form = OwnerPage { frame: visit.form_frame("Become the owner"), fields: &fields };
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &form)
}

/// Gives somebody a role.
///
/// # Errors
/// The database failed.
pub fn give_role(act: &mut Act<'_, '_>, subject: SubjectId, role: &str) -> Result<(), KeeperError> {
    act.tx().execute(
        "INSERT INTO roles (subject, role, since) VALUES ($1, $2, $3) ON CONFLICT (subject, role) DO NOTHING",
        &params![subject.as_bytes(), role, to_millis(act.ctx.now)],
    )?;
    act.note(subject, Deed::Wrote, &format!("role {role} given"), &[], None).map(drop)
}

fn end_role(act: &mut Act<'_, '_>, subject: SubjectId, role: &str) -> Result<(), KeeperError> {
    act.tx()
        .execute("DELETE FROM roles WHERE subject = $1 AND role = $2", &params![subject.as_bytes(), role])?;
    act.note(subject, Deed::Wrote, &format!("role {role} ended"), &[], None).map(drop)
}

/// Who works here.
pub(crate) async fn staff(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
) -> Result<Response, Problem> {
    list(&accounts, &visit, &staff, &Fields::default(), StatusCode::OK).await
}

/// Gives or ends a role.
pub(crate) async fn change(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let actor = staff.acting("owner")?;
    let role = fields.get("role").and_then(|word| ROLES.iter().copied().find(|role| *role == word));
    let Some(role) = role else {
        return Err(Problem::bad_request("The form named no role. Nothing has been changed."));
    };
    if let Some(subject) = fields.get("end").and_then(|id| id.parse::<SubjectId>().ok()) {
        if subject == staff.0.subject && role == "owner" {
            return Err(Problem::bad_request("An owner cannot end their own ownership: another owner can."));
        }
        let (ctx, me) = (accounts.keeper.ctx(actor), staff.0.subject);
        let ended = accounts
            .keeper
            .act(ctx, move |act| {
                // Two owners who end each other at once must not leave the site without one.
                if !members::roles(act.tx(), me)?.contains(&"owner") {
                    return Ok::<_, KeeperError>(false);
                }
                end_role(act, subject, role).map(|()| true)
            })
            .await
            .map_err(problem)?;
        if !ended {
            return Err(Problem::not_found());
        }
        return Ok(Redirect::to("/desk/staff").into_response());
    }
    let Some(email) = sign_up::email(&mut fields) else {
        return list(&accounts, &visit, &staff, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let given = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let Some(subject) = act.find(BY_EMAIL, &email.folded())? else {
                return Ok::<_, KeeperError>(false);
            };
            // Whoever is being erased by date cannot work here: their membership is renewed first.
            if members::account(act.tx(), subject)?.is_none_or(|account| account.standing != Standing::Open) {
                return Ok(false);
            }
            give_role(act, subject, role).map(|()| true)
        })
        .await
        .map_err(problem)?;
    if given {
        return Ok(Redirect::to("/desk/staff").into_response());
    }
    fields.refuse(
        "email",
        "Nobody with this address has an open account. They sign up or renew first, like everybody.",
    );
    list(&accounts, &visit, &staff, &fields, StatusCode::NOT_FOUND).await
}

async fn list(
    accounts: &Accounts,
    visit: &Visit,
    staff: &Staff,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    let actor = staff.acting("owner")?;
    let me = staff.0.subject;
    let people = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let rows = act.tx().query("SELECT DISTINCT subject FROM roles ORDER BY subject", &params![])?;
            rows.iter()
                .map(|row| {
                    let subject = SubjectId::from_bytes(row.get(0)?);
                    Ok::<_, KeeperError>(Colleague {
                        subject: subject.to_string(),
                        card: act.view::<StaffCard>(subject, Some("the list of people with a role"))?,
                        roles: members::roles(act.tx(), subject)?,
                        me: subject == me,
                    })
                })
                .collect::<Result<Vec<_>, _>>()
        })
        .await
        .map_err(problem)?;
    page_with(status, &StaffPage { frame: visit.form_frame("Staff"), fields, people, roles: ROLES })
}

/// An owner has looked and confirms that erasing may go on.
pub(crate) async fn release_brake(
    State(accounts): State<Accounts>,
    staff: Staff,
    _sent: Sent,
) -> Result<Response, Problem> {
    accounts.keeper.release_brake(staff.acting("owner")?).await.map_err(problem)?;
    Ok(Redirect::to(paths::DESK).into_response())
}
