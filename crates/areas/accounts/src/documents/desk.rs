//! The verification desk: a queue, the oldest first; a document is opened after a reason, and decided on with one.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use kept_keeper::{Actor, KeeperError, time::day};
use kept_web::{
    Frame, Problem, Sent, Visit,
    file::{Disposition, file},
    form::{Fields, Need},
    page, page_with,
};

use super::{DocumentCard, Format, Paper, State as Stands, Verdict, decide, declared, verified_until};
use crate::{
    Accounts, problem,
    readers::Staff,
    staff::{last_day, last_day_of},
};

/// The page's address.
pub(crate) const HERE: &str = "/desk/documents";

/// The longest reason, in characters.
const MOST_REASON: usize = 300;

#[derive(Template)]
#[template(path = "documents/queue.html")]
struct QueuePage {
    frame: Frame,
    papers: Vec<Waits>,
}

/// A document in the queue: no more than that it waits.
struct Waits {
    number: String,
    sent: Timestamp,
    /// From when it is erased, decided on or not.
    erased: Option<jiff::civil::Date>,
}

#[derive(Template)]
#[template(path = "documents/ask.html")]
struct AskPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    number: &'a str,
    sent: Timestamp,
}

#[derive(Template)]
#[template(path = "documents/card.html")]
struct CardPage<'a> {
    frame: Frame,
    fields: &'a Fields,
    number: &'a str,
    sent: Timestamp,
    waits: bool,
    card: DocumentCard,
    /// The last day of a standing that is verified already.
    verified: Option<jiff::civil::Date>,
    /// The link to the document itself, for this session and ten minutes.
    link: String,
    picture: bool,
    pdf: bool,
}

/// Somebody who verifies standings; the page is there for nobody else, and under no notice that knows no documents.
fn verifier(accounts: &Accounts, staff: &Staff) -> Result<Actor, Problem> {
    let actor = staff.acting("verifier")?;
    if declared(&accounts.keeper.policy()) { Ok(actor) } else { Err(Problem::not_found()) }
}

async fn paper(accounts: &Accounts, number: &str) -> Result<Paper, Problem> {
    let number = number.to_owned();
    let found = accounts.keeper.store().read(move |read| Paper::find(read, &number));
    found.await.map_err(problem)?.ok_or_else(Problem::not_found)
}

/// The queue.
pub(crate) async fn queue(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
) -> Result<Response, Problem> {
    verifier(&accounts, &staff)?;
    let policy = accounts.keeper.policy();
    let waiting = accounts.keeper.store().read(Paper::waiting).await.map_err(problem)?;
    let papers = waiting
        .into_iter()
        .map(|paper| Waits {
            number: paper.number().to_owned(),
            sent: paper.sent,
            erased: paper.erased(&policy).map(day),
        })
        .collect();
    page(&QueuePage { frame: visit.form_frame("Documents to verify"), papers })
}

/// Asks for the reason.
pub(crate) async fn ask(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path(number): Path<String>,
    staff: Staff,
) -> Result<Response, Problem> {
    verifier(&accounts, &staff)?;
    let paper = paper(&accounts, &number).await?;
    asking(&visit, &paper, &Fields::default(), StatusCode::OK)
}

fn asking(visit: &Visit, paper: &Paper, fields: &Fields, status: StatusCode) -> Result<Response, Problem> {
    let frame = visit.form_frame("Open a document");
    page_with(status, &AskPage { frame, fields, number: paper.number(), sent: paper.sent })
}

/// Opens a document, after the reason.
pub(crate) async fn open(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path(number): Path<String>,
    staff: Staff,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let actor = verifier(&accounts, &staff)?;
    let paper = paper(&accounts, &number).await?;
    let Some(reason) = fields.text("reason", "Reason", MOST_REASON, Need::Required) else {
        return asking(&visit, &paper, &fields, StatusCode::UNPROCESSABLE_ENTITY);
    };
    show(&accounts, &visit, actor, paper, &reason, (&Fields::default(), StatusCode::OK)).await
}

async fn show(
    accounts: &Accounts,
    visit: &Visit,
    actor: Actor,
    paper: Paper,
    reason: &str,
    (fields, status): (&Fields, StatusCode),
) -> Result<Response, Problem> {
    let (reading, reason) = (paper.clone(), reason.to_owned());
    let (card, verified) = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let card = act.view_of::<DocumentCard>(reading.subject, &reading.record, Some(&reason))?;
            Ok::<_, KeeperError>((card, verified_until(act.tx(), reading.subject, act.ctx.now)?))
        })
        .await
        .map_err(problem)?;
    let format = card.format.as_deref().and_then(Format::parse).ok_or_else(Problem::not_found)?;
    let page = CardPage {
        frame: visit.form_frame("Document"),
        fields,
        number: paper.number(),
        sent: paper.sent,
        waits: paper.state == Stands::Waiting,
        verified: verified.map(last_day).transpose().map_err(problem)?,
        link: format!("{HERE}/{}/file/{}", paper.number(), visit.pass(&paper.record)),
        picture: format != Format::Pdf,
        pdf: format == Format::Pdf,
        card,
    };
    page_with(status, &page)
}

/// The document itself, for who has just stated a reason for opening it.
pub(crate) async fn content(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path((number, pass)): Path<(String, String)>,
    staff: Staff,
) -> Result<Response, Problem> {
    let actor = verifier(&accounts, &staff)?;
    let paper = paper(&accounts, &number).await?;
    if !visit.opens(&pass, &paper.record) {
        return Err(Problem::gone());
    }
    let found = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let because = Some("the document itself, after the reason given when it was opened");
            let card = act.view_of::<DocumentCard>(paper.subject, &paper.record, because)?;
            let bytes = act.blob_of::<DocumentCard>(paper.subject, &paper.record, because)?;
            Ok::<_, KeeperError>(card.format.as_deref().and_then(Format::parse).zip(bytes))
        })
        .await
        .map_err(problem)?;
    let (format, bytes) = found.ok_or_else(Problem::not_found)?;
    Ok(file(format.media(), Disposition::Inline, &format!("document.{}", format.word()), bytes))
}

/// Where a browser ends up that asks again for the address of a decision.
pub(crate) async fn back(_staff: Staff) -> Redirect {
    Redirect::to(HERE)
}

/// Accepts or refuses.
pub(crate) async fn answer(
    State(accounts): State<Accounts>,
    visit: Visit,
    Path(number): Path<String>,
    staff: Staff,
    Sent(mut fields): Sent,
) -> Result<Response, Problem> {
    let actor = verifier(&accounts, &staff)?;
    let paper = paper(&accounts, &number).await?;
    let accepts = match fields.get("do") {
        Some("accept") => true,
        Some("refuse") => false,
        _ => return Err(Problem::bad_request("The form named no decision. Nothing has been changed.")),
    };
    let reason = fields.prose("answer", "What the person reads", MOST_REASON, Need::Required);
    let until = if accepts {
        last_day_of(&mut fields, "until", "Accepted until", Need::Required, visit.now).map(Verdict::Accepted)
    } else {
        Some(Verdict::Refused)
    };
    let (Some(reason), Some(verdict)) = (reason, until) else {
        let again = (&fields, StatusCode::UNPROCESSABLE_ENTITY);
        return show(&accounts, &visit, actor, paper, "the form of the decision was not complete", again)
            .await;
    };
    let decided = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let card = act.view_of::<DocumentCard>(paper.subject, &paper.record, Some("deciding on it"))?;
            decide(act, &paper, card, verdict, &reason)
        })
        .await
        .map_err(problem)?;
    if decided { Ok(Redirect::to(HERE).into_response()) } else { Err(Problem::conflict()) }
}
