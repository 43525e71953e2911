//! The first owner is made by a one-time code that the server prints when it starts and there is none.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use kept_keeper::{Act, Actor, Deed, Keeper, KeeperError};
use kept_store::params;
use kept_web::{Frame, Problem, Sent, Visit, form::Fields, page, page_with};

use crate::{
    Accounts, problem,
    readers::Person,
    staff::give_role,
    throttle::{self, Limit, QUARTER_HOUR},
    typed_code,
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
    let code = typed_code::random::<15>(&mut act.ctx.rng);
    act.write_fact(FACT, &typed_code::digest(&code))?;
    act.note_site(Deed::Site, "code of the first owner made")?;
    Ok(Some(typed_code::grouped(&code, 6)))
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
        let digest = typed_code::digest(&code);
        let made = accounts
            .keeper
            .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
                let spent = act.take_fact(FACT, &digest)?;
                if spent {
                    give_role(act, subject, "owner")?;
                }
                Ok::<_, KeeperError>(spent)
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
