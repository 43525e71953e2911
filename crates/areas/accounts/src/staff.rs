//! Who works here. An owner gives a role, perhaps until a day (contractors, after-hours support), and takes it; the
//! person is told, and a role that is over opens nothing (`use-1`).

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kept_keeper::{
    Act, Actor, Deed, Duty, Finding, GRACE, Inspect, KeeperError, Policy,
    time::{day, from_millis, long_date, to_millis},
};
use kept_notice::words::counted;
use kept_store::{Read, params};
use kept_vault::SubjectId;
use kept_web::{
    Frame, Problem, Sent, Visit,
    form::{Fields, Need},
    page_with,
};

use crate::{
    Accounts, ROLES,
    members::{self, BY_EMAIL, Standing},
    messages, problem,
    proposals::{self, Weighty},
    readers::Staff,
    records::StaffCard,
    sign_up, tenure,
};

/// The job that takes away the roles of a person whose last day is over.
pub(crate) const END_ROLES: &str = "accounts.end-roles";

#[derive(Template)]
#[template(path = "staff.html")]
struct StaffPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    people: Vec<Colleague>,
    roles: Vec<&'static str>,
    waiting: usize,
}

struct Colleague {
    subject: String,
    card: StaffCard,
    roles: Vec<Held>,
    me: bool,
}

/// A role that somebody has.
struct Held {
    role: &'static str,
    /// The last day of it.
    last: Option<Date>,
}

// ── roles ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/// The roles that somebody has at a moment. Every request asks anew, so one that is over opens nothing.
///
/// # Errors
/// The database failed.
pub(crate) fn roles(
    read: &Read<'_>,
    subject: SubjectId,
    now: Timestamp,
) -> Result<Vec<&'static str>, KeeperError> {
    Ok(held(read, subject, now)?.into_iter().map(|held| held.role).collect())
}

fn held(read: &Read<'_>, subject: SubjectId, now: Timestamp) -> Result<Vec<Held>, KeeperError> {
    let rows = read.query(
        "SELECT role, until FROM roles WHERE subject = $1 AND (until IS NULL OR until > $2) ORDER BY role",
        &params![subject.as_bytes(), to_millis(now)],
    )?;
    let mut all = Vec::new();
    for row in rows {
        let word: String = row.get(0)?;
        let last = row.get::<Option<i64>>(1)?.map(from_millis).transpose()?.map(last_day).transpose()?;
        all.extend(ROLES.iter().copied().filter(|role| *role == word).map(|role| Held { role, last }));
    }
    Ok(all)
}

/// Everybody who has a role at a moment.
pub(crate) fn everybody(read: &Read<'_>, now: Timestamp) -> Result<Vec<SubjectId>, KeeperError> {
    let rows = read.query(
        "SELECT DISTINCT subject FROM roles WHERE until IS NULL OR until > $1 ORDER BY subject",
        &params![to_millis(now)],
    )?;
    rows.iter().map(|row| Ok(SubjectId::from_bytes(row.get(0)?))).collect()
}

/// Gives somebody a role that does not end by itself, and says nothing to them.
///
/// # Errors
/// The database failed.
pub fn give_role(act: &mut Act<'_, '_>, subject: SubjectId, role: &str) -> Result<(), KeeperError> {
    enter(act, subject, role, None)
}

/// Gives somebody a role, perhaps until a moment, and tells them. A role that they have gets the new end.
///
/// # Errors
/// The database failed.
pub(crate) fn give(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    role: &str,
    until: Option<Timestamp>,
) -> Result<(), KeeperError> {
    enter(act, subject, role, until)?;
    let until = until.map(last).transpose()?.map(|last| format!(", until {last}")).unwrap_or_default();
    let text = format!(
        "An owner of this site has given you the role {role}{until}. The desk opens to you after you have set up a \
         second factor: you find it on My account.\n\nIf you did not expect this, please write to {}.",
        act.ctx.policy.notice.contact
    );
    messages::write(act, subject, "role", &format!("You now have the role {role}"), &text)
}

fn enter(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    role: &str,
    until: Option<Timestamp>,
) -> Result<(), KeeperError> {
    act.tx().execute(
        "INSERT INTO roles (subject, role, since, until) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (subject, role) DO UPDATE SET until = excluded.until",
        &params![subject.as_bytes(), role, to_millis(act.ctx.now), until.map(to_millis)],
    )?;
    schedule_end(act, subject)?;
    let what = tenure::given(role, until.map(last_day).transpose()?);
    act.note(subject, Deed::Wrote, &what, &[], None).map(drop)
}

/// Takes a role away, and tells the person. What they proposed as an owner goes with it.
fn end(act: &mut Act<'_, '_>, subject: SubjectId, role: &str) -> Result<(), KeeperError> {
    act.tx()
        .execute("DELETE FROM roles WHERE subject = $1 AND role = $2", &params![subject.as_bytes(), role])?;
    if role == "owner" {
        proposals::withdraw_all(act, subject)?;
    }
    schedule_end(act, subject)?;
    act.note(subject, Deed::Wrote, &tenure::ended(role), &[], None)?;
    let text = format!(
        "You no longer have the role {role}: the pages that it opened are closed to you. Your own account stays as it \
         is.\n\nIf you think that this is wrong, please write to {}.",
        act.ctx.policy.notice.contact
    );
    messages::write(act, subject, "role", &format!("Your role {role} has ended"), &text)
}

/// The job: what has ended goes, and the person is told.
pub(crate) fn end_due(act: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    let rows = act.tx().query(
        "SELECT role FROM roles WHERE subject = $1 AND until <= $2 ORDER BY role",
        &params![duty.subject.as_bytes(), to_millis(act.ctx.now)],
    )?;
    for row in rows {
        end(act, duty.subject, &row.get::<String>(0)?)?;
    }
    schedule_end(act, duty.subject)
}

/// The job comes at the earliest end.
fn schedule_end(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    let row = act
        .tx()
        .query_one("SELECT MIN(until) FROM roles WHERE subject = $1", &params![subject.as_bytes()])?;
    match row.get::<Option<i64>>(0)? {
        Some(first) => act.schedule(subject, END_ROLES, from_millis(first)?),
        None => act.unschedule(subject, END_ROLES),
    }
}

/// `use-1`: a role with an end is gone when it is over, and the job that takes it stands ready until then; and whoever looked
/// in the role had it then.
pub(crate) fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let role = inspect.name();
    let late = inspect.now.checked_sub(GRACE).map_err(|_| KeeperError::Calendar)?;
    let stayed = inspect.count(
        "SELECT COUNT(*) FROM roles WHERE role = $1 AND until <= $2",
        &params![role, to_millis(late)],
    )?;
    if stayed > 0 {
        return Ok(Finding::broken(stayed, format!("past their last day and still in the role: {stayed}")));
    }
    let endless = inspect.count(
        "SELECT COUNT(*) FROM roles WHERE role = $1 AND until IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM duties WHERE duties.subject = roles.subject AND duties.rule = $2 AND duties.due <= roles.until)",
        &params![role, END_ROLES],
    )?;
    if endless > 0 {
        return Ok(Finding::broken(endless, format!("with a last day that nothing will keep: {endless}")));
    }
    let row = inspect.read.query_one(
        "SELECT COUNT(*), COUNT(until) FROM roles WHERE role = $1 AND (until IS NULL OR until > $2)",
        &params![role, to_millis(inspect.now)],
    )?;
    let (all, ending): (i64, i64) = (row.get(0)?, row.get(1)?);
    let looks = tenure::replayed(inspect, role)?;
    if looks.without > 0 {
        let detail = format!("looks by somebody who did not have the role then: {}", looks.without);
        return Ok(Finding::broken(looks.without, detail));
    }
    let mut detail = match all {
        0 => "nobody has the role".to_owned(),
        some => counted(some, "person has the role", "people have the role"),
    };
    if ending > 0 {
        detail.push_str(&format!(", {ending} of them until a last day"));
    }
    if looks.within > 0 {
        detail.push_str(&format!("; looks by somebody who had it then: {}", looks.within));
    }
    if looks.untold > 0 {
        detail.push_str(&format!("; looks by somebody of whom nothing is held any more: {}", looks.untold));
    }
    Ok(Finding::kept(all, detail))
}

/// The last day before a midnight, in words.
pub(crate) fn last(until: Timestamp) -> Result<String, KeeperError> {
    last_day(until).map(|day| day.strftime("%-d %B %Y").to_string())
}

/// What ends at a midnight UTC, ends with the day before it.
pub(crate) fn last_day(until: Timestamp) -> Result<Date, KeeperError> {
    from_millis(to_millis(until) - 1).map(day)
}

// ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Who works here.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
) -> Result<Response, Problem> {
    list(&accounts, &visit, &staff, &Fields::default(), StatusCode::OK).await
}

/// What came of giving a role.
enum Given {
    Done,
    /// It waits for a second owner.
    Waits,
    /// Nobody with this address has an open account.
    Nobody,
}

/// Gives or takes a role.
pub(crate) async fn change(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let actor = staff.acting("owner")?;
    let role = fields
        .get("role")
        .and_then(|word| offered(&accounts.keeper.policy()).into_iter().find(|role| *role == word));
    let Some(role) = role else {
        return Err(Problem::bad_request("The form named no role. Nothing has been changed."));
    };
    if let Some(subject) = fields.get("end").and_then(|id| id.parse::<SubjectId>().ok()) {
        return take(&accounts, &staff, actor, subject, role).await;
    }
    let email = sign_up::email(&mut fields);
    let until = last_day_of(&mut fields, "until", "Last day", Need::Voluntary, visit.now);
    if role == "owner" && until.is_some() {
        fields.refuse("until", "An owner has no last day: another owner ends the role. Leave this empty.");
    }
    let (Some(email), true) = (email, fields.errors().is_empty()) else {
        return list(&accounts, &visit, &staff, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let me = staff.0.subject;
    let given = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let Some(subject) = act.find(BY_EMAIL, &email.folded())? else {
                return Ok::<_, KeeperError>(Given::Nobody);
            };
            if !open(act, subject)? {
                return Ok(Given::Nobody);
            }
            if role == "owner" {
                return proposals::propose(act, me, Weighty::Owner(subject)).map(|()| Given::Waits);
            }
            give(act, subject, role, until).map(|()| Given::Done)
        })
        .await
        .map_err(problem)?;
    match given {
        Given::Done => Ok(Redirect::to("/desk/staff").into_response()),
        Given::Waits => Ok(Redirect::to(proposals::HERE).into_response()),
        Given::Nobody => {
            fields.refuse(
                "email",
                "Nobody with this address has an open account. They sign up or renew first, like everybody.",
            );
            list(&accounts, &visit, &staff, &fields, StatusCode::NOT_FOUND).await
        }
    }
}

/// Whoever is being erased by date cannot work here: their membership is renewed first.
pub(crate) fn open(act: &Act<'_, '_>, subject: SubjectId) -> Result<bool, KeeperError> {
    Ok(members::account(act.tx(), subject)?.is_some_and(|account| account.standing == Standing::Open))
}

async fn take(
    accounts: &Accounts,
    staff: &Staff,
    actor: Actor,
    subject: SubjectId,
    role: &'static str,
) -> Result<Response, Problem> {
    let me = staff.0.subject;
    if subject == me && role == "owner" {
        return Err(Problem::bad_request("An owner cannot end their own ownership: another owner can."));
    }
    let taken = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let now = act.ctx.now;
            // Two owners who end each other at once must not leave the site without one.
            let may = roles(act.tx(), me, now)?.contains(&"owner");
            if !may || !roles(act.tx(), subject, now)?.contains(&role) {
                return Ok::<_, KeeperError>(false);
            }
            end(act, subject, role).map(|()| true)
        })
        .await
        .map_err(problem)?;
    if taken { Ok(Redirect::to("/desk/staff").into_response()) } else { Err(Problem::not_found()) }
}

/// The moment at which the last day that a form names is over: midnight after it, in UTC.
pub(crate) fn last_day_of(
    fields: &mut Fields,
    name: &'static str,
    label: &str,
    need: Need,
    now: Timestamp,
) -> Option<Timestamp> {
    let text = fields.text(name, label, 10, need)?;
    let last = text.parse::<Date>().ok().filter(|last| *last >= day(now));
    let end = last.and_then(|last| last.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok());
    if end.is_none() {
        fields.refuse(name, format!("Write a day from {} on, such as {}.", long_date(now), day(now)));
    }
    end.map(|end| end.timestamp())
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
    let (people, waiting) = accounts
        .keeper
        .look(accounts.keeper.ctx(actor), move |look| {
            let now = look.ctx.now;
            let mut people = Vec::new();
            for subject in everybody(look.sql(), now)? {
                people.push(Colleague {
                    subject: subject.to_string(),
                    card: look.shown::<StaffCard>(subject, Some("the list of people with a role"))?,
                    roles: held(look.sql(), subject, now)?,
                    me: subject == me,
                });
            }
            Ok::<_, KeeperError>((people, proposals::waiting(look.sql(), now)?))
        })
        .await
        .map_err(problem)?;
    let roles = offered(&accounts.keeper.policy());
    page_with(
        status,
        &StaffPage { frame: visit.form_frame("People who work here"), fields, people, roles, waiting },
    )
}

/// The roles that can be given here: those that the notice has.
fn offered(policy: &Policy) -> Vec<&'static str> {
    ROLES.iter().copied().filter(|role| policy.notice.role(role).is_some()).collect()
}
