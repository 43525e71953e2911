//! My account: one's own details, to read and to correct; membership and credits.

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use kept_keeper::{
    Actor, KeeperError, Policy,
    time::{day, long_date},
};
use kept_vault::Kind;
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page_with, paths,
};

use crate::{
    Accounts, closing, devices, documents,
    members::{self, Account, Credit},
    passkeys, problem,
    readers::Person,
    records::{MyProfile, Profile},
    returning,
    sessions::Signed,
    sign_up::Row,
};

/// What the address says after saving, so that the page can: it tells nothing about anybody.
const SAVED: &str = "saved";

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    email: String,
    member_id: Option<String>,
    expires: Option<String>,
    /// When the account closes, if its owner has asked for that.
    closes: Option<String>,
    /// Whether credits can be earned here.
    earns: bool,
    credits: Vec<CreditLine>,
    total: String,
    address: Row,
    phone: Row,
    staff: bool,
    /// Whether devices are remembered here.
    remembers: bool,
    /// Whether the notice knows accounts that rest.
    may_rest: bool,
    /// Whether an earlier membership can be joined.
    returns: bool,
    documents: bool,
    downloads: bool,
    saved: bool,
}

struct CreditLine {
    on: jiff::civil::Date,
    course: String,
    units: String,
}

/// Shows one's own details; at `?saved`, that they have just been saved.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    RawQuery(query): RawQuery,
    Person(signed): Person,
) -> Result<Response, Problem> {
    let mine = mine(&accounts, &signed).await?;
    let fields = filled(&mine.profile);
    let page = render(&accounts, &visit, &signed, mine, &fields);
    page_with(StatusCode::OK, &AccountPage { saved: query.as_deref() == Some(SAVED), ..page })
}

/// The form with what is already held (`acc-16`).
fn filled(profile: &MyProfile) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in [
        ("given_name", &profile.given_name),
        ("family_name", &profile.family_name),
        ("address", &profile.address),
        ("phone", &profile.phone),
    ] {
        if let Some(value) = value {
            fields.fill(name, value);
        }
    }
    fields
}

/// Whether the form shows what is held, tried with a profile of nobody.
pub(crate) fn fills_in() -> bool {
    let form = filled(&nobodys());
    ["given_name", "family_name", "address", "phone"].iter().all(|name| form.get(name).is_some())
}

/// The details of nobody, to try the form with.
fn nobodys() -> MyProfile {
    let [given_name, family_name, address, phone] = ["a", "b", "c", "d"].map(|value| Some(value.to_owned()));
    MyProfile { given_name, family_name, address, phone, ..MyProfile::default() }
}

/// What the form holds once it has been sent.
struct Typed {
    given_name: String,
    family_name: String,
    address: Option<String>,
    phone: Option<String>,
}

/// Reads the form. What is wrong with it is in the fields.
fn typed(policy: &Policy, fields: &mut Fields) -> Option<Typed> {
    let (address, phone) = (Row::of(policy, Kind::PHYSICAL_ADDRESS), Row::of(policy, Kind::TELEPHONE_NUMBER));
    let given_name = fields.text("given_name", "Given name", 100, Need::Required);
    let family_name = fields.text("family_name", "Family name", 100, Need::Required);
    let address =
        address.asked.then(|| fields.prose("address", "Postal address", 500, address.need())).flatten();
    let phone = phone.asked.then(|| fields.text("phone", "Telephone number", 40, phone.need())).flatten();
    if !fields.errors().is_empty() {
        return None;
    }
    Some(Typed { given_name: given_name?, family_name: family_name?, address, phone })
}

/// Corrects them (`rgt-2`).
pub(crate) async fn save(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let Some(typed) = typed(&accounts.keeper.policy(), &mut fields) else {
        let mine = mine(&accounts, &signed).await?;
        let page = render(&accounts, &visit, &signed, mine, &fields);
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let subject = signed.subject;
    accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
            let known = act.view::<MyProfile>(subject, None)?;
            let email = known.email.ok_or(KeeperError::Malformed("an open account without an address"))?;
            act.put(
                subject,
                &Profile {
                    given_name: typed.given_name.clone(),
                    family_name: typed.family_name.clone(),
                    email,
                    address: typed.address.clone(),
                    phone: typed.phone.clone(),
                },
            )
        })
        .await
        .map_err(problem)?;
    Ok(Redirect::to(&format!("{}?{SAVED}", paths::ACCOUNT)).into_response())
}

struct Mine {
    profile: MyProfile,
    account: Option<Account>,
    credits: Vec<Credit>,
    closes: Option<Timestamp>,
}

async fn mine(accounts: &Accounts, signed: &Signed) -> Result<Mine, Problem> {
    let subject = signed.subject;
    accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::Person(subject)), move |look| {
            Ok::<_, KeeperError>(Mine {
                profile: look.view::<MyProfile>(subject)?,
                account: members::account(look.sql(), subject)?,
                credits: members::credits(look.sql(), subject)?,
                closes: match closing::asked(look)? {
                    Some(asked) => closing::first_end(&look.ctx.policy, closing::CLOSING, asked)?,
                    None => None,
                },
            })
        })
        .await
        .map_err(problem)
}

fn render<'a>(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    mine: Mine,
    fields: &'a Fields,
) -> AccountPage<'a> {
    let policy = accounts.keeper.policy();
    let total = mine.credits.iter().map(|credit| credit.tenths).sum();
    AccountPage {
        frame: visit.form_frame("My account"),
        fields,
        email: mine.profile.email.unwrap_or_default(),
        member_id: mine.profile.member_id,
        expires: mine.account.and_then(|account| account.expires).map(long_date),
        closes: mine.closes.map(long_date),
        earns: policy.notice.label_of(Kind::PROFESSIONAL_TRAINING.term()).is_some(),
        credits: mine
            .credits
            .into_iter()
            .map(|credit| CreditLine {
                on: day(credit.earned),
                units: in_units(credit.tenths),
                course: credit.course,
            })
            .collect(),
        total: in_units(total),
        address: Row::of(&policy, Kind::PHYSICAL_ADDRESS),
        phone: Row::of(&policy, Kind::TELEPHONE_NUMBER),
        staff: !signed.roles.is_empty(),
        remembers: devices::lasts(&policy).is_some(),
        may_rest: closing::may_rest(&policy),
        returns: returning::offered(&policy),
        documents: documents::declared(&policy),
        downloads: accounts.downloads.is_some(),
        saved: false,
    }
}

/// Tenths as people write them: `1.5`.
pub(crate) fn in_units(tenths: i64) -> String {
    format!("{}.{}", tenths / 10, (tenths % 10).abs())
}

/// The kinds of which a page takes a correction: those of this form, tried with the details of nobody, and those that have
/// a page of their own.
pub(crate) fn corrected(policy: &Policy) -> Vec<Kind> {
    let mut kinds = vec![Kind::EMAIL_ADDRESS, Kind::PASSWORD];
    let Some(new) = typed(policy, &mut filled(&nobodys())) else { return kinds };
    kinds.push(Kind::NAME);
    kinds.extend(new.address.map(|_| Kind::PHYSICAL_ADDRESS));
    kinds.extend(new.phone.map(|_| Kind::TELEPHONE_NUMBER));
    kinds
}
