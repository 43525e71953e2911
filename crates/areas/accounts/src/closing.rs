//! Closing one's account (`acc-14`, `rgt-3`), and letting it rest (`acc-15`). What goes, what stays, why and until when is
//! computed from the notice and from what is held, and stands line by line before the button. There is time to think
//! again, with a date; and there is “now”.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use kept_keeper::{
    Act, Actor, Holding, KeeperError, Look, Policy,
    time::{day, long_date},
};
use kept_notice::{Retain, due, words::capital};
use kept_vault::{Kind, SubjectId};
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::Fields,
    page, page_with,
    parts::{Consequence, Step, StepState},
};

use crate::{
    Accounts,
    data::{self, Course},
    members, messages, password_again, problem,
    readers::RightsHolder,
    sessions::Signed,
    signed_in,
};

/// The person asks to close the account; the notice says how long there is to think again.
pub(crate) const CLOSING: &str = "account.closing";
/// The person keeps it after all.
pub(crate) const KEPT: &str = "account.kept";
/// The person closes it without that time.
pub(crate) const CLOSED: &str = "account.closed";
/// The person lets it rest, until they sign in again.
pub(crate) const DEACTIVATED: &str = "account.deactivated";

/// The page's address.
pub(crate) const HERE: &str = "/account/close";

#[derive(Template)]
#[template(path = "closing.html")]
struct ClosingPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    stand: Stand,
    /// When what goes goes, if one asks now; nothing where the notice has no rule for it.
    on: Option<String>,
    stays: Vec<Consequence>,
    goes: Vec<Consequence>,
    /// Whether the notice lets one close without waiting.
    at_once: bool,
    /// When an account is erased that rests from now on, if the notice knows accounts that rest.
    rests_until: Option<String>,
    works_here: bool,
}

/// How closing stands.
enum Stand {
    /// Nobody has asked for it.
    Open,
    /// It has been asked for: the steps, and the day.
    Closing { steps: Vec<Step>, on: String },
}

#[derive(Template)]
#[template(path = "closed.html")]
struct ClosedPage {
    frame: Frame,
    rests: bool,
}

/// What closing would do, or will do.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    RightsHolder(signed): RightsHolder,
) -> Result<Response, Problem> {
    render(&accounts, &visit, &signed, &Fields::default(), StatusCode::OK).await
}

/// Closes, keeps, closes now, or lets it rest.
pub(crate) async fn decide(
    State(accounts): State<Accounts>,
    visit: Visit,
    RightsHolder(signed): RightsHolder,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let policy = accounts.keeper.policy();
    let wanted = match fields.get("do") {
        Some("keep") => Wanted::Keep,
        Some("close") if policy.notice.erased_from(CLOSING).next().is_some() => Wanted::Close,
        Some("now") if policy.notice.erased_from(CLOSED).next().is_some() => Wanted::Now,
        Some("rest") if may_rest(&policy) && !signed.restricted => Wanted::Rest,
        _ => return Err(Problem::bad_request("The form did not say what to do. Nothing has been changed.")),
    };
    if !signed.roles.is_empty() {
        return Err(Problem::conflict());
    }
    if wanted != Wanted::Keep {
        if wanted == Wanted::Now && !fields.ticked("sure") {
            fields.refuse("sure", "Tick this box if you want it now: nobody can bring it back.");
        }
        let right = password_again::right(&accounts, &visit, &signed, &mut fields).await?;
        if !right || !fields.errors().is_empty() {
            return render(&accounts, &visit, &signed, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    }
    let (ctx, signing) = (accounts.keeper.ctx(Actor::Person(signed.subject)), signed.clone());
    let address = accounts.face.base.join(HERE);
    let work = move |act: &mut Act<'_, '_>| match wanted {
        Wanted::Close => close(act, &signing, &address),
        Wanted::Keep => keep(act, signing.subject),
        Wanted::Now => close_now(act, signing.subject),
        Wanted::Rest => rest(act, signing.subject),
    };
    accounts.keeper.act(ctx, work).await.map_err(problem)?;
    let to = match wanted {
        Wanted::Close | Wanted::Keep => HERE,
        Wanted::Now => "/account-closed",
        Wanted::Rest => "/account-rests",
    };
    if to != HERE {
        visit.end();
    }
    Ok(Redirect::to(to).into_response())
}

/// What the page's buttons ask for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Close,
    Keep,
    Now,
    Rest,
}

/// Where the browser is after closing at once.
pub(crate) async fn closed(visit: Visit) -> Result<Response, Problem> {
    page(&ClosedPage { frame: visit.frame("Your account is closed"), rests: false })
}

/// Where the browser is after deactivating.
pub(crate) async fn rests(visit: Visit) -> Result<Response, Problem> {
    page(&ClosedPage { frame: visit.frame("Your account rests"), rests: true })
}

/// The clock of the notice begins. The session goes on, so that one press takes it back; all others end.
fn close(act: &mut Act<'_, '_>, signed: &Signed, address: &str) -> Result<(), KeeperError> {
    let (subject, now) = (signed.subject, act.ctx.now);
    act.emit(subject, CLOSING)?;
    signed_in::end_others(act, subject, signed.digest)?;
    let Some(on) = first_end(&act.ctx.policy, CLOSING, now)? else { return Ok(()) };
    let text = format!(
        "You asked us to close your account. We do so on {}. Until then everything is as it was. If you change your mind, \
         sign in and press “Keep my account” on this page before that day:\n\n{address}\n\nIf it was not you who asked, do \
         that, and change your password.",
        long_date(on)
    );
    messages::write(act, subject, "closing", &format!("Your account closes on {}", long_date(on)), &text)
}

fn keep(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    act.emit(subject, KEPT)?;
    messages::write(
        act,
        subject,
        "kept",
        "Your account stays",
        "You keep your account. Nothing of it is erased.",
    )
}

/// The next sweep erases; until it has come, nobody can sign in any more.
fn close_now(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    act.emit(subject, CLOSED)?;
    members::close(act, subject)
}

fn rest(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    let now = act.ctx.now;
    act.emit(subject, DEACTIVATED)?;
    members::deactivate(act, subject)?;
    let until = first_end(&act.ctx.policy, DEACTIVATED, now)?;
    let until =
        until.map(|end| format!(" If you do not, we erase it on {}.", long_date(end))).unwrap_or_default();
    let text = format!("Your account rests: nobody can use it. To return, sign in as before.{until}");
    messages::write(act, subject, "deactivated", "Your account rests", &text)
}

async fn render(
    accounts: &Accounts,
    visit: &Visit,
    signed: &Signed,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    let ctx = accounts.keeper.ctx(Actor::Person(signed.subject));
    let (policy, now, roles) = (ctx.policy.clone(), ctx.now, signed.roles.clone());
    let (holdings, course, asked) = accounts
        .keeper
        .look(ctx, move |look| {
            let course = Course::of(look, roles.clone())?;
            Ok::<_, KeeperError>((look.holdings()?, course, asked(look)?))
        })
        .await
        .map_err(problem)?;
    let from = asked.unwrap_or(now);
    let stand = match (asked, first_end(&policy, CLOSING, from).map_err(problem)?) {
        (Some(asked), Some(end)) => closing(asked, end),
        _ => Stand::Open,
    };
    let (stays, goes) = consequences(&course, holdings, CLOSING, from).map_err(problem)?;
    let rests_until = first_end(&policy, DEACTIVATED, now).map_err(problem)?;
    let page = ClosingPage {
        frame: visit.form_frame("Close your account"),
        fields,
        on: first_end(&policy, CLOSING, from).map_err(problem)?.map(long_date),
        stand,
        stays,
        goes,
        at_once: policy.notice.erased_from(CLOSED).next().is_some(),
        rests_until: rests_until.filter(|_| !signed.restricted).map(long_date),
        works_here: !signed.roles.is_empty(),
    };
    page_with(status, &page)
}

/// When the person asked, if they have not taken it back since.
pub(crate) fn asked(look: &Look<'_, '_>) -> Result<Option<Timestamp>, KeeperError> {
    let kept = look.last(KEPT)?;
    Ok(look.last(CLOSING)?.filter(|asked| kept.is_none_or(|kept| kept < *asked)))
}

fn closing(asked: Timestamp, end: Timestamp) -> Stand {
    let step = |at, what: &str, state| Step { on: day(at), what: what.into(), state };
    Stand::Closing {
        steps: vec![
            step(asked, "You asked us to close your account.", StepState::Done),
            step(
                end,
                "What is listed below is erased. Until then you can keep your account.",
                StepState::Ahead,
            ),
        ],
        on: long_date(end),
    }
}

/// Whether the notice knows accounts that rest.
pub(crate) fn may_rest(policy: &Arc<Policy>) -> bool {
    policy.notice.erased_from(DEACTIVATED).next().is_some()
}

/// When the first of them erases, if the event is at this moment.
pub(crate) fn first_end(
    policy: &Arc<Policy>,
    event: &str,
    from: Timestamp,
) -> Result<Option<Timestamp>, KeeperError> {
    let mut first: Option<Timestamp> = None;
    for retain in policy.notice.erased_from(event) {
        let end = end_of(retain, from)?;
        first = Some(first.map_or(end, |known| known.min(end)));
    }
    Ok(first)
}

fn end_of(retain: &Retain, from: Timestamp) -> Result<Timestamp, KeeperError> {
    due(from, &retain.after.unwrap_or_default()).map_err(|_| KeeperError::Calendar)
}

/// What stays, and what goes: every kind that is held is in one of the two, and no other.
fn consequences(
    course: &Course,
    mut holdings: Vec<Holding>,
    event: &str,
    from: Timestamp,
) -> Result<(Vec<Consequence>, Vec<Consequence>), KeeperError> {
    let (mut stays, mut goes) = (Vec::new(), Vec::new());
    holdings.sort_by_key(|holding| data::place(&course.policy, holding.kind));
    for holding in holdings {
        let name = course.policy.notice.name_of(holding.kind.term()).to_owned();
        let gone = gone_on(&course.policy, holding.kind, event, from)?;
        match gone {
            Some(_) if !holding.held_by.is_empty() => {
                for id in &holding.held_by {
                    add(&mut stays, &name, &kept_by_hold(&course.policy, id));
                }
            }
            Some(end) => add(&mut goes, &name, &(format!("erased from {}", long_date(end)), None)),
            None => add(&mut stays, &name, &(stays_for(course, holding), None)),
        }
    }
    Ok((stays, goes))
}

/// One line for all that has the same end.
fn add(lines: &mut Vec<Consequence>, name: &str, (then, law): &(String, Option<String>)) {
    match lines.iter_mut().find(|line| line.then == *then && line.law == *law) {
        Some(line) => {
            line.what.push_str(", ");
            line.what.push_str(name);
        }
        None => lines.push(Consequence { what: capital(name), then: then.clone(), law: law.clone() }),
    }
}

fn gone_on(
    policy: &Arc<Policy>,
    kind: Kind,
    event: &str,
    from: Timestamp,
) -> Result<Option<Timestamp>, KeeperError> {
    let mut first: Option<Timestamp> = None;
    for retain in policy.notice.erased_from(event) {
        if policy.notice.erased_by(retain).any(|term| term == kind.term()) {
            let end = end_of(retain, from)?;
            first = Some(first.map_or(end, |known| known.min(end)));
        }
    }
    Ok(first)
}

/// What the sentence of a hold says, and the law that it names.
fn kept_by_hold(policy: &Policy, id: &str) -> (String, Option<String>) {
    let hold = policy.notice.holds.iter().find(|hold| hold.rule.id == id);
    let sentence = policy.sentence(id).map(|sentence| sentence.text.clone()).unwrap_or_default();
    (format!("stays for now. {sentence}"), hold.map(|hold| hold.because.clone()))
}

/// Why it stays, and until when.
fn stays_for(course: &Course, holding: Holding) -> String {
    let why = holding.why.join(", and to ");
    let ends: Vec<String> = course.ends(holding.until).into_iter().map(|end| end.text).collect();
    let until = ends.first().map(|first| format!(". {first}")).unwrap_or_default();
    format!("stays, to {why}{until}")
}
