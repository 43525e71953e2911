//! The second factor: a one-time code from an authenticator app (RFC 6238). It comes before any staff page. Who sets it up
//! or off gives the password first; ten recovery codes stand in for a lost phone.

use askama::Template;
use axum::{
    extract::{Query, State},
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
    Accounts, messages,
    onward::Onward,
    passkeys, password_again, problem,
    readers::Person,
    records::{MyProfile, SecondFactor, SecondFactorCheck},
    recovery_codes,
    sessions::{self, Factor, Signed},
    throttle::{self, DAY, Limit, QUARTER_HOUR, Tries},
};

/// How many codes may be tried: at 30 in a day the chance of a guess is one in 10,000.
const PER_PERSON: Limit = Limit { what: "code", most: 10, within: QUARTER_HOUR };
const PER_DAY: Limit = Limit { what: "code in a day", most: 30, within: DAY };

/// The page's address.
pub(crate) const HERE: &str = "/account/second-factor";

/// Where the code is asked for in signing in.
pub(crate) const ASK: &str = "/sign-in/code";

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage<'a> {
    frame: Frame,
    fields: &'a Fields,
    onward: &'a Onward,
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactorPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    /// The QR code and its text, while the factor is not confirmed.
    setup: Option<Setup>,
    staff: bool,
    /// How many recovery codes are left, once the factor is on.
    left: Option<usize>,
    /// Whether a passkey has to be used before anything here is changed.
    short: bool,
}

#[derive(Template)]
#[template(path = "recovery_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
    onward: &'static str,
}

struct Setup {
    svg: String,
    secret: String,
}

/// The second step of signing in.
pub(crate) async fn ask(
    visit: Visit,
    signed: Option<Signed>,
    Query(onward): Query<Onward>,
) -> Result<Response, Problem> {
    match signed {
        Some(signed) if signed.factor == Factor::Awaited => {
            let frame = visit.form_frame("Your one-time code");
            page(&CodePage { frame, fields: &Fields::default(), onward: &onward })
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
                let right = match &code {
                    Code::App(digits) => spend(act, subject, digits, false)?,
                    Code::Recovery(text) => recovery_codes::spend(act, subject, text)?,
                };
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
            return Ok(Redirect::to(Onward::sent(&fields).page()).into_response());
        }
        // The session that waits for its code is still the browser's own.
        visit.keep();
        fields.refuse("code", "This code is not right, or has been used. Type the next one.");
    }
    let (frame, onward) = (visit.form_frame("Your one-time code"), Onward::sent(&fields));
    let form = CodePage { frame, fields: &fields, onward: &onward };
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

/// Begins, confirms with the first code, makes new recovery codes, or switches it off.
pub(crate) async fn change(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    if passkeys::short(&accounts, &signed).await? {
        return set_up(&accounts, &visit, &signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let wanted = fields.get("do").map(str::to_owned);
    if let Some(wanted) = wanted {
        return with_password(&accounts, &visit, &signed, fields, &wanted).await;
    }
    let subject = signed.subject;
    if let Some(Code::App(code)) = code(&accounts, &visit, &signed, &mut fields).await? {
        let session = visit.renew();
        let signing = signed.clone();
        let [slips, day] = tries(&accounts, subject);
        let codes = accounts
            .keeper
            .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
                if !spend(act, subject, &code, true)? {
                    return Ok::<_, KeeperError>(None);
                }
                throttle::got_in(act.tx(), slips, day)?;
                // What was opened with the password alone, perhaps by somebody else, ends.
                sessions::end_all(act, subject)?;
                sessions::promote(act, &signing, &session)?;
                recovery_codes::make(act, subject).map(Some)
            })
            .await
            .map_err(problem)?;
        if let Some(codes) = codes {
            return show_codes(&visit, &signed, codes);
        }
        visit.keep();
    }
    fields.refuse("code", "This code is not right. Check the clock of your phone, and type the next one.");
    set_up(&accounts, &visit, &signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// What needs the password: beginning, new recovery codes, and switching it off.
async fn with_password(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    mut fields: Fields,
    wanted: &str,
) -> Result<Response, Problem> {
    if !password_again::right(accounts, visit, signed, &mut fields).await? {
        return set_up(accounts, visit, signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let (subject, ctx) = (signed.subject, accounts.keeper.ctx(Actor::Person(signed.subject)));
    match wanted {
        "begin" => {
            let begin =
                move |act: &mut Act<'_, '_>| match act.view::<SecondFactorCheck>(subject, None)?.confirmed {
                    true => Ok(()),
                    false => new_secret(act, subject).map(drop),
                };
            accounts.keeper.act(ctx, begin).await.map_err(problem)?;
            set_up(accounts, visit, signed, &Fields::default(), StatusCode::OK).await
        }
        "codes" => {
            let make =
                move |act: &mut Act<'_, '_>| match act.view::<SecondFactorCheck>(subject, None)?.confirmed {
                    true => recovery_codes::make(act, subject).map(Some),
                    false => Ok(None),
                };
            match accounts.keeper.act(ctx, make).await.map_err(problem)? {
                Some(codes) => show_codes(visit, signed, codes),
                None => Err(Problem::conflict()),
            }
        }
        "off" if signed.roles.is_empty() => {
            accounts.keeper.act(ctx, move |act| switch_off(act, subject)).await.map_err(problem)?;
            Ok(Redirect::to(HERE).into_response())
        }
        _ => Err(Problem::bad_request("The form did not say what to do. Nothing has been changed.")),
    }
}

fn show_codes(visit: &Visit, signed: &Signed, codes: Vec<String>) -> Result<Response, Problem> {
    let onward = if signed.roles.is_empty() { paths::ACCOUNT } else { paths::DESK };
    page(&CodesPage { frame: visit.form_frame("Your recovery codes"), codes, onward })
}

fn switch_off(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    act.put(subject, &SecondFactor { secret: None, confirmed: None, last_step: None })?;
    recovery_codes::drop_all(act, subject)?;
    let contact = act.ctx.policy.notice.contact.clone();
    let text = format!(
        "The second factor of your account was switched off: the password alone opens it now. If this was not you, change \
         your password at once and write to {contact}."
    );
    messages::write(act, subject, "second-factor-off", "Your second factor was switched off", &text)
}

/// What was typed where a code is asked for.
enum Code {
    /// The digits of the app.
    App(String),
    /// A recovery code.
    Recovery(String),
}

async fn code(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &mut Fields,
) -> Result<Option<Code>, Problem> {
    let Some(code) = fields.secret("code", "Code", 40) else { return Ok(None) };
    throttle::count(accounts, tries(accounts, signed.subject), visit.now).await?;
    if recovery_codes::looks_like(&code) {
        return Ok(Some(Code::Recovery(code.to_string())));
    }
    Ok(Some(Code::App(code.chars().filter(char::is_ascii_digit).collect())))
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
    let frame = visit.form_frame("Your second factor");
    let left = check.confirmed.then_some(check.digests.len());
    let short = passkeys::short(accounts, signed).await?;
    page_with(
        status,
        &SecondFactorPage { frame, fields, setup, staff: !signed.roles.is_empty(), left, short },
    )
}

fn second_factor(secret: &str, confirmed: bool, last_step: u64) -> SecondFactor {
    SecondFactor { secret: Some(secret.into()), confirmed: Some(confirmed), last_step: Some(last_step) }
}

fn new_secret(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<String, KeeperError> {
    let mut bytes = [0; 20];
    act.ctx.rng.fill_bytes(&mut bytes);
    let secret = HEXLOWER.encode(&bytes);
    act.put(subject, &second_factor(&secret, false, 0))?;
    Ok(secret)
}

/// Gives somebody a confirmed second factor at once and returns its secret in base32: for the example's invented staff
/// and for tests, where nobody can scan a picture.
///
/// # Errors
/// The database failed.
pub fn enrol(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<String, KeeperError> {
    let secret = new_secret(act, subject)?;
    act.put(subject, &second_factor(&secret, true, 0))?;
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
    act.put(subject, &second_factor(&secret, true, step))?;
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
