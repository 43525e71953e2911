//! Documents, as the person who hands them in sees them.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use kept_keeper::{Actor, KeeperError, time::day};
use kept_web::{
    Frame, Problem, Visit,
    file::{Disposition, file},
    form::{Fields, Need},
    page_with,
    upload::{Received, SentFile},
};

use super::{Format, MyDocument, Paper, State as Stands, accepted_until, declared, hand_in};
use crate::{Accounts, problem, readers::Person, staff::last_day};

/// The page's address.
const HERE: &str = "/account/documents";

#[derive(Template)]
#[template(path = "documents/mine.html")]
struct MinePage<'a> {
    frame: Frame,
    fields: &'a Fields,
    papers: Vec<Line>,
    standing: Standing,
}

/// How the professional standing is, with its last day.
enum Standing {
    Unverified,
    Verified(jiff::civil::Date),
    Over(jiff::civil::Date),
}

struct Line {
    number: String,
    about: String,
    sent: Timestamp,
    state: Stands,
    decided: Option<Timestamp>,
    answer: Option<String>,
    erased: Option<jiff::civil::Date>,
}

/// What I have handed in, and the form for more.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    person: Person,
) -> Result<Response, Problem> {
    list(&accounts, &visit, &person, &Fields::default(), StatusCode::OK).await
}

async fn list(
    accounts: &Accounts,
    visit: &Visit,
    Person(signed): &Person,
    fields: &Fields,
    status: StatusCode,
) -> Result<Response, Problem> {
    if !declared(&accounts.keeper.policy()) {
        return Err(Problem::not_found());
    }
    let subject = signed.subject;
    let (papers, accepted) = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::Person(subject)), move |look| {
            let mut lines = Vec::new();
            for paper in Paper::of(look.sql(), subject)? {
                let shown = look.view_of::<MyDocument>(subject, &paper.record)?;
                lines.push(Line {
                    number: paper.number().to_owned(),
                    about: shown.about.unwrap_or_default(),
                    sent: paper.sent,
                    state: paper.state,
                    decided: paper.decided,
                    answer: shown.answer,
                    erased: paper.erased(&look.ctx.policy).map(day),
                });
            }
            Ok::<_, KeeperError>((lines, accepted_until(look.sql(), subject)?))
        })
        .await
        .map_err(problem)?;
    let last = accepted.map(last_day).transpose().map_err(problem)?;
    let standing = match (accepted, last) {
        (Some(until), Some(last)) if until > visit.now => Standing::Verified(last),
        (_, Some(last)) => Standing::Over(last),
        (_, None) => Standing::Unverified,
    };
    page_with(status, &MinePage { frame: visit.form_frame("Documents"), fields, papers, standing })
}

/// Takes a document in.
pub(crate) async fn send(
    State(accounts): State<Accounts>,
    visit: Visit,
    person: Person,
    SentFile { mut fields, file }: SentFile,
) -> Result<Response, Problem> {
    if !declared(&accounts.keeper.policy()) {
        return Err(Problem::not_found());
    }
    let about = fields.text("about", "What it is", 100, Need::Required);
    let taken = match file {
        Received::Nothing => Err("Choose a file."),
        Received::TooLarge => {
            Err("This file is larger than 5 MB. Make it smaller, for example by scanning it in grey.")
        }
        Received::Whole(bytes) => match Format::of(&bytes) {
            Some(format) => Ok((format, bytes)),
            None => Err("This is no PDF, PNG or JPEG file, whatever its name says. Save it as one of these."),
        },
    };
    let (about, format, bytes) = match (about, taken) {
        (Some(about), Ok((format, bytes))) => (about, format, bytes),
        (_, taken) => {
            if let Err(wrong) = taken {
                fields.refuse("file", wrong);
            }
            return list(&accounts, &visit, &person, &fields, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let subject = person.0.subject;
    let taken = accounts
        .keeper
        .act(accounts.keeper.ctx(Actor::Person(subject)), move |act| {
            hand_in(act, subject, &about, (format, &bytes))
        })
        .await
        .map_err(problem)?;
    if taken {
        return Ok(Redirect::to(HERE).into_response());
    }
    fields.refuse(
        "file",
        "Five of your documents wait for a decision already. Hand in more when we have decided.",
    );
    list(&accounts, &visit, &person, &fields, StatusCode::UNPROCESSABLE_ENTITY).await
}

/// One of my documents, as I handed it in.
pub(crate) async fn open(
    State(accounts): State<Accounts>,
    Path(number): Path<String>,
    Person(signed): Person,
) -> Result<Response, Problem> {
    let subject = signed.subject;
    let found = accounts
        .keeper
        .look(accounts.keeper.ctx(Actor::Person(subject)), move |look| {
            let paper = Paper::find(look.sql(), &number)?.filter(|paper| paper.subject == subject);
            let Some(paper) = paper else { return Ok::<_, KeeperError>(None) };
            let format = look.view_of::<MyDocument>(subject, &paper.record)?.format;
            let bytes = look.blob_of::<MyDocument>(subject, &paper.record)?;
            Ok(format.as_deref().and_then(Format::parse).zip(bytes))
        })
        .await
        .map_err(problem)?;
    let (format, bytes) = found.ok_or_else(Problem::not_found)?;
    Ok(file(format.media(), Disposition::Inline, &format!("document.{}", format.word()), bytes))
}
