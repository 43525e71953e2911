//! The number of a professional licence (`acc-9`), where a notice knows such numbers. Whoever gives theirs can be known by it
//! when they call: the support desk types what the caller says, and learns whether it is the one that is held, not which.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use kept_keeper::{Act, Actor, Area, KeeperError, Policy, Record, RecordSpec, View};
use kept_vault::{Kind, SubjectId};
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page_with,
};
use serde::{Deserialize, Serialize};

use crate::{Accounts, problem, readers::Person};

/// The page's address.
pub(crate) const HERE: &str = "/account/licence";

/// The longest number, in characters.
const LONGEST: usize = 40;

/// Licence numbers as a part of the accounts area. A notice that names no official ids has none.
pub const LICENCES: Area = Area {
    records: &[RecordSpec::of::<Licence>()],
    optional: &[Kind::OFFICIAL_ID],
    views: &[MyLicence::SPEC, LicenceCheck::SPEC],
    ..Area::named("licences")
};

/// The number of a person's licence, which they may give.
#[derive(Clone, Record, Serialize, Deserialize)]
#[record(name = "licence")]
struct Licence {
    /// As it was typed.
    #[kind(OfficialID)]
    licence: Option<String>,
}

/// One's own licence number.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "my-licence", says = "your licence number, on My account")]
#[view(by = Person, purpose = "dpv:IdentityVerification", of = Licence)]
struct MyLicence {
    /// As it was typed.
    #[kind(OfficialID)]
    licence: Option<String>,
}

/// What the number that a caller says is compared with.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "licence-check")]
#[view(says = "the comparison of a licence number with the one that a caller says, which shows it to nobody")]
#[view(by = Role("support"), purpose = "dpv:IdentityVerification", of = Licence)]
struct LicenceCheck {
    /// As it was typed.
    #[kind(OfficialID)]
    licence: Option<String>,
}

#[derive(Template)]
#[template(path = "licence.html")]
struct LicencePage<'a> {
    frame: Frame,
    fields: &'a Fields,
    held: bool,
}

/// Whether the notice knows such numbers.
pub(crate) fn declared(policy: &Policy) -> bool {
    policy.notice.label_of(Kind::OFFICIAL_ID.term()).is_some()
}

/// The form, with what is held (`acc-16`).
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    open(&accounts)?;
    let held = mine(&accounts, signed.subject).await?;
    let mut fields = Fields::default();
    if let Some(licence) = &held {
        fields.fill("licence", licence.as_str());
    }
    form(&visit, &fields, held.is_some(), StatusCode::OK)
}

/// Writes it down, or takes it back.
pub(crate) async fn save(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    open(&accounts)?;
    let licence = match fields.get("do") {
        Some("remove") => None,
        _ => number(&mut fields, Need::Required),
    };
    if !fields.errors().is_empty() {
        let held = mine(&accounts, signed.subject).await?;
        return form(&visit, &fields, held.is_some(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (ctx, subject) = (accounts.keeper.ctx(Actor::Person(signed.subject)), signed.subject);
    let put = move |act: &mut Act<'_, '_>| act.put(subject, &Licence { licence: licence.clone() });
    accounts.keeper.act(ctx, put).await.map_err(problem)?;
    Ok(Redirect::to(HERE).into_response())
}

fn open(accounts: &Accounts) -> Result<(), Problem> {
    if declared(&accounts.keeper.policy()) { Ok(()) } else { Err(Problem::not_found()) }
}

/// The number that is held.
async fn mine(accounts: &Accounts, subject: SubjectId) -> Result<Option<String>, Problem> {
    let ctx = accounts.keeper.ctx(Actor::Person(subject));
    let mine = accounts.keeper.look(ctx, move |look| look.view::<MyLicence>(subject)).await;
    Ok(mine.map_err(problem)?.licence)
}

fn form(visit: &Visit, fields: &Fields, held: bool, status: StatusCode) -> Result<Response, Problem> {
    page_with(status, &LicencePage { frame: visit.form_frame("Licence number"), fields, held })
}

/// A number that somebody typed: it has a letter or a digit at least, or there would be nothing to compare.
pub(crate) fn number(fields: &mut Fields, need: Need) -> Option<String> {
    let number = fields.text("licence", "Licence number", LONGEST, need)?;
    if plain(&number).is_empty() {
        fields.refuse("licence", "Write the number as it stands on the licence.");
    }
    Some(number)
}

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Same,
    Other,
    /// None is held.
    Unknown,
}

impl Compared {
    /// For the desk.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Compared::Same => "This is the licence number that we hold.",
            Compared::Other => "This is not the licence number that we hold.",
            Compared::Unknown => "We hold no licence number of this person.",
        }
    }
}

/// Compares what a caller says with what is held, however it is spaced; the look is on the person's trail.
pub(crate) fn compare(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    said: &str,
    reason: &str,
) -> Result<Compared, KeeperError> {
    let held = act.view::<LicenceCheck>(subject, Some(reason))?.licence;
    Ok(match held {
        None => Compared::Unknown,
        Some(held) if plain(&held) == plain(said) => Compared::Same,
        Some(_) => Compared::Other,
    })
}

/// Letters and digits alone: people say and write the rest in many ways.
fn plain(number: &str) -> String {
    number.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}
