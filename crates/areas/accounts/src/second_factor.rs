//! The second factor: a one-time code from an authenticator app (RFC 6238). It comes before any staff page.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use kept_keeper::{Act, Actor, Deed, KeeperError};
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, form::Fields, page, page_with, paths};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::{QrCode, render::svg};
use rand_core::Rng;
use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::{
    Accounts, problem,
    records::{MyProfile, SecondFactor, SecondFactorCheck},
    sessions::{self, Factor, Person, Signed},
    throttle::{self, DAY, Limit, QUARTER_HOUR, Tries},
};

/// How many codes may be tried: at 30 in a day the chance of a guess is one in 10,000.
const PER_PERSON: Limit = Limit { what: "code", most: 10, within: QUARTER_HOUR };
const PER_DAY: Limit = Limit { what: "code in a day", most: 30, within: DAY };

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    frame: Frame,
    fields: &'a Fields,
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactorPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    /// The QR code and its text, while the factor is not confirmed.
    setup: Option<Setup>,
    staff: bool,
}

struct Setup {
    svg: String,
    secret: String,
}

/// The second step of signing in.
pub(crate) async fn ask(visit: Visit, signed: Option<Signed>) -> Result<Response, Problem> {
    match signed {
        Some(signed) if signed.factor == Factor::Awaited => {
            page(&CodePage { frame: visit.form_frame("Your one-time code"), fields: &Fields::default() })
        }
        Some(_) => Ok(Redirect::to("/account").into_response()),
        None => Ok(Redirect::to(paths::SIGN_IN).into_response()),
    }
}

/// Takes the code.
pub(crate) async fn answer(
    State(accounts): State<Accounts>,
    visit: Visit,
    signed: Option<Signed>,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let Some(signed) = signed.filter(|signed| signed.factor == Factor::Awaited) else {
        return Ok(Redirect::to(paths::SIGN_IN).into_response());
    };
    if let Some(code) = code(&accounts, &visit, &signed, &mut fields).await? {
        let session = visit.renew();
        let (ctx, subject) = (accounts.keeper.ctx(Actor::System), signed.subject);
        let [slips, day] = tries(&accounts, subject);
        let right = accounts
            .keeper
            .act(ctx, move |act| {
                let right = spend(act, subject, &code, false)?;
                if right {
                    throttle::got_in(act.tx(), slips, day)?;
                    sessions::promote(act, &signed, &session)?;
                } else {
                    act.note(subject, Deed::SignInFailed, "one-time code", &[], None)?;
                }
                Ok::<_, KeeperError>(right)
            })
            .await
            .map_err(problem)?;
        if right {
            return Ok(Redirect::to("/account").into_response());
        }
        // The session that waits for its code is still the browser's own.
        visit.keep();
        fields.refuse("code", "This code is not right, or has been used. Wait for the next one.");
    }
    let form = CodePage { frame: visit.form_frame("Your one-time code"), fields: &fields };
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &form)
}

/// Setting a second factor up.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    set_up(&accounts, &visit, &signed, &Fields::default(), StatusCode::OK).await
}

/// Makes a secret, or confirms the one that was made with the first code.
pub(crate) async fn confirm(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let subject = signed.subject;
    if fields.get("begin").is_some() {
        accounts
            .keeper
            .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
                let known = act.view::<SecondFactorCheck>(subject, None)?;
                if !known.confirmed {
                    new_secret(act, subject)?;
                }
                Ok::<_, KeeperError>(())
            })
            .await
            .map_err(problem)?;
        return set_up(&accounts, &visit, &signed, &Fields::default(), StatusCode::OK).await;
    }
    if let Some(code) = code(&accounts, &visit, &signed, &mut fields).await? {
        let session = visit.renew();
        let signing = signed.clone();
        let [slips, day] = tries(&accounts, subject);
        let right = accounts
            .keeper
            .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
                let right = spend(act, subject, &code, true)?;
                if right {
                    throttle::got_in(act.tx(), slips, day)?;
                    // What was opened with the password alone, perhaps by somebody else, ends.
                    sessions::end_all(act, subject)?;
                    sessions::promote(act, &signing, &session)?;
                }
                Ok::<_, KeeperError>(right)
            })
            .await
            .map_err(problem)?;
        if right {
            let to = if signed.roles.is_empty() { "/account" } else { paths::DESK };
            return Ok(Redirect::to(to).into_response());
        }
        visit.keep();
        fields
            .refuse("code", "This code is not right. Check the clock of your phone, and type the next one.");
    }
    set_up(&accounts, &visit, &signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await
}

async fn code(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &mut Fields,
) -> Result<Option<String>, Problem> {
    let Some(code) = fields.secret("code", "Code", 20) else { return Ok(None) };
    throttle::count(accounts, tries(accounts, signed.subject), visit.now).await?;
    Ok(Some(code.chars().filter(char::is_ascii_digit).collect()))
}

fn tries(accounts: &Accounts, subject: SubjectId) -> [Tries; 2] {
    [PER_PERSON, PER_DAY].map(|limit| limit.of(accounts, &subject.to_string()))
}

async fn set_up(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    let subject = signed.subject;
    let (check, mine) = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::Person(subject)), move |look| {
            let check = look.view::<SecondFactorCheck>(subject)?;
            let mine = look.view::<MyProfile>(subject)?;
            Ok::<_, KeeperError>((check, mine))
        })
        .await
        .map_err(problem)?;
    let setup = match (check.confirmed, check.secret) {
        (false, Some(secret)) => {
            Some(picture(&secret, &accounts.face.name, mine.email.as_deref().unwrap_or("account"))?)
        }
        _ => None,
    };
    if check.confirmed {
        return Ok(Redirect::to("/account").into_response());
    }
    let frame = visit.form_frame("Your second factor");
    page_with(status, &SecondFactorPage { frame, fields, setup, staff: !signed.roles.is_empty() })
}

fn new_secret(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<String, KeeperError> {
    let mut bytes = [0; 20];
    act.ctx.rng.fill_bytes(&mut bytes);
    let secret = HEXLOWER.encode(&bytes);
    act.put(subject, &SecondFactor { secret: secret.clone(), confirmed: false, last_step: 0 })?;
    Ok(secret)
}

/// Gives somebody a confirmed second factor at once and returns its secret in base32: for the example's invented staff
/// and for tests, where nobody can scan a picture.
///
/// # Errors
/// The database failed.
pub fn enrol(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<String, KeeperError> {
    let secret = new_secret(act, subject)?;
    act.put(subject, &SecondFactor { secret: secret.clone(), confirmed: true, last_step: 0 })?;
    let bytes = HEXLOWER.decode(secret.as_bytes()).map_err(|_| KeeperError::Malformed("a bad secret"))?;
    Ok(data_encoding::BASE32_NOPAD.encode(&bytes))
}

/// Whether a code is right now; a right one cannot be used again.
fn spend(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    code: &str,
    confirming: bool,
) -> Result<bool, KeeperError> {
    let known = act.view::<SecondFactorCheck>(subject, None)?;
    let Some(secret) = known.secret.filter(|_| known.confirmed != confirming) else { return Ok(false) };
    let totp = totp(&secret)?;
    let Some(step) = totp.check(code, seconds(act.ctx.now)).filter(|step| *step > known.last_step) else {
        return Ok(false);
    };
    act.put(subject, &SecondFactor { secret, confirmed: true, last_step: step })?;
    Ok(true)
}

/// Six digits, thirty seconds, SHA-1: what every authenticator app knows. One step of skew each way.
fn totp(secret: &str) -> Result<Totp, KeeperError> {
    let malformed = || KeeperError::Malformed("a bad secret of a second factor");
    let bytes = HEXLOWER.decode(secret.as_bytes()).map_err(|_| malformed())?;
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(Secret::from(bytes))
        .build()
        .map_err(|_| malformed())
}

fn seconds(now: Timestamp) -> u64 {
    u64::try_from(now.as_second()).unwrap_or(0)
}

fn picture(secret: &str, issuer: &str, account: &str) -> Result<Setup, Problem> {
    let bytes = HEXLOWER.decode(secret.as_bytes()).map_err(Problem::internal)?;
    let secret = data_encoding::BASE32_NOPAD.encode(&bytes);
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let address =
        format!("otpauth://totp/{}:{}?secret={secret}&issuer={}", part(issuer), part(account), part(issuer));
    let code = QrCode::new(address).map_err(Problem::internal)?;
    let svg = code.render::<svg::Color<'_>>().min_dimensions(220, 220).build();
    // The drawing stands inside a page, where an XML declaration has no place.
    let svg = svg.split_once("?>").map_or(svg.as_str(), |(_, drawing)| drawing).to_owned();
    let spaced = secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    Ok(Setup { svg, secret: spaced })
}
