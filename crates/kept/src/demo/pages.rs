//! The example's own pages: what it is, its mailbox, and its clock. They exist in the example only.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use data_encoding::BASE32_NOPAD;
use kept_accounts::{
    Email,
    members::{BY_EMAIL, BY_PENDING_EMAIL},
};
use kept_keeper::{Actor, Keeper, KeeperError, Letter, TimeSource, time::long_date};
use kept_web::{Frame, Problem, Sent, Visit, form::Fields, page};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};
use totp_rs::{Algorithm, Builder, Secret};

use super::{Demo, DemoClock, PASSWORD, PATIENCE, Staff, people::NEWCOMER};
use crate::site::Site;

#[derive(Clone)]
struct DemoPages(Arc<Shared>);

struct Shared {
    keeper: Keeper,
    clock: Arc<DemoClock>,
    staff: Vec<Staff>,
    base: String,
    /// One press of the clock's button at a time.
    turn: Mutex<()>,
}

pub(super) fn routes(site: &Site, demo: &Demo) -> Router {
    let shared = Shared {
        keeper: demo.keeper.clone(),
        clock: demo.clock.clone(),
        staff: demo.staff.clone(),
        base: site.face.base.origin().to_owned(),
        turn: Mutex::new(()),
    };
    Router::new()
        .route("/demo", get(about))
        .route("/demo/mail", get(mail))
        .route("/demo/clock", post(move_clock))
        .with_state(DemoPages(Arc::new(shared)))
}

#[derive(Template)]
#[template(path = "demo/about.html")]
struct AboutPage<'a> {
    frame: Frame,
    people: Vec<SignIn<'a>>,
    password: &'static str,
    /// Where others came over from, and one of them, if the notice names a source.
    taken_over: Option<(String, &'static str)>,
    today: String,
    steps: &'static [(i64, &'static str)],
}

struct SignIn<'a> {
    role: &'a str,
    email: &'a str,
    code: Option<String>,
}

/// How far the clock can be moved at once.
const STEPS: &[(i64, &str)] = &[(1, "One day"), (30, "Thirty days"), (184, "Six months")];

async fn about(State(demo): State<DemoPages>, visit: Visit) -> Result<Response, Problem> {
    let now = demo.0.clock.now();
    let people = demo
        .0
        .staff
        .iter()
        .map(|person| SignIn {
            role: &person.role,
            email: &person.email,
            code: code(&person.secret, u64::try_from(now.as_second()).unwrap_or(0)),
        })
        .collect();
    let frame = visit.form_frame("About this example");
    let policy = demo.0.keeper.policy();
    let taken_over = policy.notice.sources.first().map(|source| (source.says.clone(), NEWCOMER));
    page(&AboutPage { frame, people, password: PASSWORD, taken_over, today: long_date(now), steps: STEPS })
}

/// What an authenticator app would show now, at the example's time.
pub(crate) fn code(secret: &str, now: u64) -> Option<String> {
    let bytes = BASE32_NOPAD.decode(secret.as_bytes()).ok().filter(|bytes| !bytes.is_empty())?;
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_secret(Secret::from(bytes))
        .build()
        .ok()?;
    Some(totp.generate(now).to_string())
}

async fn move_clock(State(demo): State<DemoPages>, Sent(fields): Sent) -> Result<Response, Problem> {
    let days = fields.get("days").and_then(|days| days.parse().ok()).unwrap_or(0);
    if !STEPS.iter().any(|(step, _)| *step == days) {
        return Err(Problem::bad_request("The clock cannot be moved by that much."));
    }
    let _turn = demo.0.turn.lock().await;
    let begun = Instant::now();
    let shared = &demo.0;
    shared.keeper.write_journal().await.map_err(Problem::internal)?;
    shared.clock.move_on(days);
    // The brakes count from the last sweep: without one at this moment, the first day would be longer than a day.
    shared.keeper.sweep().await.map_err(Problem::internal)?;
    for _ in 0..days {
        shared.clock.pass_day().map_err(Problem::internal)?;
        shared.keeper.sweep().await.map_err(Problem::internal)?;
        if begun.elapsed() > PATIENCE {
            break;
        }
    }
    shared.clock.stay().map_err(Problem::internal)?;
    shared.keeper.prove().await.map_err(Problem::internal)?;
    Ok(Redirect::to("/demo").into_response())
}

#[derive(Deserialize)]
struct Mailbox {
    to: Option<String>,
}

#[derive(Template)]
#[template(path = "demo/mail.html")]
struct MailPage {
    frame: Frame,
    fields: Fields,
    asked: bool,
    letters: Vec<Shown>,
}

struct Shown {
    subject: String,
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Link(String),
}

async fn mail(
    State(demo): State<DemoPages>,
    visit: Visit,
    Query(mailbox): Query<Mailbox>,
) -> Result<Response, Problem> {
    let mut fields = Fields::default();
    let email: Option<Email> = mailbox.to.as_deref().and_then(|to| to.parse().ok());
    if let Some(email) = &email {
        fields.fill("to", email.as_str());
    }
    let asked = email.is_some();
    let letters = match email {
        Some(email) => letters(&demo.0.keeper, &email).await.map_err(Problem::internal)?,
        None => Vec::new(),
    };
    let letters = letters.into_iter().rev().map(|letter| shown(letter, &demo.0.base)).collect();
    page(&MailPage { frame: visit.frame("Mail of this example"), fields, asked, letters })
}

async fn letters(keeper: &Keeper, email: &Email) -> Result<Vec<Letter>, KeeperError> {
    let folded = email.folded();
    keeper
        .look(keeper.ctx(Actor::System), move |look| {
            let mut subjects = look.find_all(BY_EMAIL, &folded)?;
            subjects.extend(look.find_all(BY_PENDING_EMAIL, &folded)?);
            let mut letters = Vec::new();
            for subject in subjects {
                letters.extend(look.letters(subject)?);
            }
            Ok(letters)
        })
        .await
}

/// A letter with the addresses of this site as links.
fn shown(letter: Letter, base: &str) -> Shown {
    let mut parts = Vec::new();
    for word in letter.text.split_inclusive(char::is_whitespace) {
        let (link, space) = word.split_at(word.trim_end().len());
        if link.starts_with(base) {
            let link = link.trim_end_matches('.');
            parts.push(Part::Link(link.to_owned()));
            parts.push(Part::Text(space.to_owned()));
        } else {
            parts.push(Part::Text(word.to_owned()));
        }
    }
    Shown { subject: letter.subject, parts }
}
