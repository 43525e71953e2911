//! Four eyes: what weighs, an owner proposes and another confirms. Until then anybody who works here can take it back,
//! and after a week it lapses. An owner who is alone waits a day, of which everybody who works here is told.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use jiff::{Span, Timestamp};
use kept_keeper::{
    Act, Deed, Duty, KeeperError, Look,
    time::{from_millis, long_date, to_millis},
};
use kept_notice::due;
use kept_store::{Read, Row, StoreError, params};
use kept_vault::SubjectId;
use kept_web::{Frame, Problem, Sent, Visit, page};

use crate::{
    Accounts, messages, problem,
    readers::Staff,
    records::StaffCard,
    staff::{self, everybody, roles},
};

/// The page's address.
pub(crate) const HERE: &str = "/desk/proposals";

/// The job that comes when a proposal is due: it takes effect, or it lapses.
pub(crate) const DUE: &str = "accounts.proposals";

/// How many days a proposal waits for a second owner.
const LAPSES: i64 = 7;
/// How many days that of an owner who is alone waits.
const WAITS: i64 = 1;

/// What one owner does not decide alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighty {
    /// Making somebody an owner.
    Owner(SubjectId),
    /// Letting erasing go on that a brake has paused.
    Brake,
}

/// A proposal that waits.
#[derive(Clone, Copy)]
struct Proposal {
    what: Weighty,
    by: SubjectId,
    proposed: Timestamp,
    due: Timestamp,
    /// Whether it takes effect when it is due; else it lapses.
    alone: bool,
}

#[derive(Template)]
#[template(path = "proposals.html")]
struct ProposalsPage {
    frame: Frame,
    lines: Vec<Line>,
}

struct Line {
    proposal: Proposal,
    /// By whom and for whom: for owners only.
    by: Option<StaffCard>,
    target: Option<StaffCard>,
    mine: bool,
    /// Whether who reads may confirm it.
    confirms: bool,
}

impl Weighty {
    fn act(self) -> &'static str {
        match self {
            Weighty::Owner(_) => "owner",
            Weighty::Brake => "brake",
        }
    }

    fn target(&self) -> &[u8] {
        match self {
            Weighty::Owner(subject) => subject.as_bytes(),
            Weighty::Brake => &[],
        }
    }

    fn parse(act: &str, target: Vec<u8>) -> Option<Weighty> {
        match act {
            "owner" => target.try_into().ok().map(|id| Weighty::Owner(SubjectId::from_bytes(id))),
            "brake" => Some(Weighty::Brake),
            _ => None,
        }
    }

    /// What it is, after "proposes to".
    fn words(self) -> &'static str {
        match self {
            Weighty::Owner(_) => "make somebody an owner",
            Weighty::Brake => "let erasing go on that a brake has paused",
        }
    }

    /// What a form names it by.
    fn id(self) -> String {
        match self {
            Weighty::Owner(subject) => subject.to_string(),
            Weighty::Brake => String::new(),
        }
    }
}

// ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────────

/// An owner proposes it; what another owner has proposed already is confirmed by that.
pub(crate) fn propose(act: &mut Act<'_, '_>, owner: SubjectId, what: Weighty) -> Result<(), KeeperError> {
    if let Some(standing) = find(act.tx(), what, act.ctx.now)? {
        return if standing.by == owner { Ok(()) } else { carry_out(act, &standing) };
    }
    let now = act.ctx.now;
    let colleagues = everybody(act.tx(), now)?;
    let mut others = Vec::new();
    for colleague in &colleagues {
        if *colleague != owner && roles(act.tx(), *colleague, now)?.contains(&"owner") {
            others.push(*colleague);
        }
    }
    let alone = others.is_empty();
    let days = if alone { WAITS } else { LAPSES };
    let due = due(now, &Span::new().days(days)).map_err(|_| KeeperError::Calendar)?;
    act.tx().execute(
        "INSERT INTO proposals (subject, act, target, proposed, due, alone) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (subject, act, target) DO UPDATE SET proposed = excluded.proposed, due = excluded.due, \
         alone = excluded.alone",
        &params![
            owner.as_bytes(),
            what.act(),
            what.target(),
            to_millis(now),
            to_millis(due),
            i64::from(alone)
        ],
    )?;
    note(act, what, "proposed")?;
    schedule(act, owner)?;
    let (tell, next) = if alone {
        (colleagues, format!("It takes effect on {}, unless it is taken back before", long_date(due)))
    } else {
        (others, format!("Nothing happens unless another owner confirms it by {}", long_date(due)))
    };
    let text = format!(
        "An owner of this site proposes to {}. {next}: on the desk, under “Waiting for a second owner”.",
        what.words()
    );
    tell.into_iter().try_for_each(|colleague| {
        messages::write(act, colleague, "proposal", "Something waits for you", &text)
    })
}

/// It takes effect.
fn carry_out(act: &mut Act<'_, '_>, proposal: &Proposal) -> Result<(), KeeperError> {
    remove(act, proposal)?;
    note(act, proposal.what, "confirmed")?;
    match proposal.what {
        // Whoever's account has been closed meanwhile does not become an owner.
        Weighty::Owner(subject) if !staff::open(act, subject)? => Ok(()),
        Weighty::Owner(subject) => staff::give(act, subject, "owner", None),
        Weighty::Brake => act.release_brake(),
    }
}

/// The job: what is due takes effect if its owner was alone, and lapses otherwise.
pub(crate) fn fall_due(act: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    let now = act.ctx.now;
    for proposal in of(act.tx(), Some(duty.subject))?.iter().filter(|proposal| proposal.due <= now) {
        if proposal.alone {
            carry_out(act, proposal)?;
        } else {
            remove(act, proposal)?;
            note(act, proposal.what, "lapsed")?;
        }
    }
    schedule(act, duty.subject)
}

/// What somebody proposed goes with their ownership.
pub(crate) fn withdraw_all(act: &mut Act<'_, '_>, owner: SubjectId) -> Result<(), KeeperError> {
    for proposal in of(act.tx(), Some(owner))? {
        remove(act, &proposal)?;
        note(act, proposal.what, "taken back")?;
    }
    Ok(())
}

fn remove(act: &mut Act<'_, '_>, proposal: &Proposal) -> Result<(), KeeperError> {
    act.tx().execute(
        "DELETE FROM proposals WHERE subject = $1 AND act = $2 AND target = $3",
        &params![proposal.by.as_bytes(), proposal.what.act(), proposal.what.target()],
    )?;
    schedule(act, proposal.by)
}

/// The job comes at the earliest due moment of what an owner has proposed.
fn schedule(act: &mut Act<'_, '_>, owner: SubjectId) -> Result<(), KeeperError> {
    let row = act
        .tx()
        .query_one("SELECT MIN(due) FROM proposals WHERE subject = $1", &params![owner.as_bytes()])?;
    match row.get::<Option<i64>>(0)? {
        Some(first) => act.schedule(owner, DUE, from_millis(first)?),
        None => act.unschedule(owner, DUE),
    }
}

/// On the trail of whom it concerns, or on the site's.
fn note(act: &mut Act<'_, '_>, what: Weighty, step: &str) -> Result<(), KeeperError> {
    match what {
        Weighty::Owner(subject) => {
            act.note(subject, Deed::Wrote, &format!("role owner {step}"), &[], None).map(drop)
        }
        Weighty::Brake => act.note_site(Deed::Site, &format!("letting erasing go on: {step}")).map(drop),
    }
}

// ── what stands ──────────────────────────────────────────────────────────────────────────────────────────────────────

const COLUMNS: &str = "act, target, subject, proposed, due, alone";

/// How many proposals wait.
pub(crate) fn waiting(read: &Read<'_>, now: Timestamp) -> Result<usize, KeeperError> {
    Ok(of(read, None)?.iter().filter(|proposal| proposal.stands(now)).count())
}

/// The proposals of one owner, or all.
fn of(read: &Read<'_>, owner: Option<SubjectId>) -> Result<Vec<Proposal>, KeeperError> {
    let rows = match owner {
        Some(owner) => read.query(
            &format!("SELECT {COLUMNS} FROM proposals WHERE subject = $1"),
            &params![owner.as_bytes()],
        )?,
        None => read.query(&format!("SELECT {COLUMNS} FROM proposals ORDER BY proposed"), &params![])?,
    };
    rows.iter().map(Proposal::read).collect()
}

/// The proposal of this that still stands.
fn find(read: &Read<'_>, what: Weighty, now: Timestamp) -> Result<Option<Proposal>, KeeperError> {
    Ok(of(read, None)?.into_iter().find(|proposal| proposal.what == what && proposal.stands(now)))
}

impl Proposal {
    fn read(row: &Row) -> Result<Proposal, KeeperError> {
        let what = Weighty::parse(&row.get::<String>(0)?, row.get(1)?)
            .ok_or(KeeperError::Malformed("an unknown proposal"))?;
        let millis = |at: usize| -> Result<i64, StoreError> { row.get(at) };
        Ok(Proposal {
            what,
            by: SubjectId::from_bytes(row.get(2)?),
            proposed: from_millis(millis(3)?)?,
            due: from_millis(millis(4)?)?,
            alone: millis(5)? != 0,
        })
    }

    /// One that waits for a second owner is void from its due moment on; one that takes effect then waits for the sweep.
    fn stands(&self, now: Timestamp) -> bool {
        self.alone || self.due > now
    }
}

// ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/// What waits for a second owner.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    staff: Staff,
) -> Result<Response, Problem> {
    let owner = staff.acting("owner").ok();
    let me = staff.0.subject;
    let ctx = accounts.keeper.ctx(owner.unwrap_or(staff.in_any_role()?));
    let names = owner.is_some();
    let lines = accounts
        .keeper
        .look(ctx, move |look| {
            let now = look.ctx.now;
            let mut lines = Vec::new();
            for proposal in of(look.sql(), None)?.into_iter().filter(|proposal| proposal.stands(now)) {
                let target = match proposal.what {
                    Weighty::Owner(subject) => Some(subject),
                    Weighty::Brake => None,
                };
                lines.push(Line {
                    by: card(look, names.then_some(proposal.by))?,
                    target: card(look, target.filter(|_| names))?,
                    mine: proposal.by == me,
                    confirms: names && proposal.by != me,
                    proposal,
                });
            }
            Ok::<_, KeeperError>(lines)
        })
        .await
        .map_err(problem)?;
    page(&ProposalsPage { frame: visit.form_frame("Waiting for a second owner"), lines })
}

fn card(look: &Look<'_, '_>, subject: Option<SubjectId>) -> Result<Option<StaffCard>, KeeperError> {
    subject.map(|subject| look.shown::<StaffCard>(subject, Some("what waits for a second owner"))).transpose()
}

/// Confirms a proposal, as another owner, or takes it back, as anybody who works here.
pub(crate) async fn answer(
    State(accounts): State<Accounts>,
    staff: Staff,
    Sent(fields): Sent,
) -> Result<Response, Problem> {
    let confirms = match fields.get("do") {
        Some("confirm") => true,
        Some("take-back") => false,
        _ => return Err(Problem::bad_request("The form named no answer. Nothing has been changed.")),
    };
    let target = fields.get("target").unwrap_or_default();
    let what = match (fields.get("act"), target.parse::<SubjectId>()) {
        (Some("owner"), Ok(subject)) => Weighty::Owner(subject),
        (Some("brake"), _) => Weighty::Brake,
        _ => return Err(Problem::bad_request("The form named no proposal. Nothing has been changed.")),
    };
    let actor = match staff.acting("owner") {
        Ok(owner) => owner,
        Err(refused) if confirms => return Err(refused),
        Err(_) => staff.in_any_role()?,
    };
    let me = staff.0.subject;
    let answered = accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| {
            let now = act.ctx.now;
            let Some(proposal) = find(act.tx(), what, now)? else { return Ok::<_, KeeperError>(false) };
            // As things stand in this very act, not as they stood when the page was opened.
            let held = roles(act.tx(), me, now)?;
            if confirms {
                let second = proposal.by != me && held.contains(&"owner");
                return if second { carry_out(act, &proposal).map(|()| true) } else { Ok(false) };
            }
            if held.is_empty() {
                return Ok(false);
            }
            remove(act, &proposal)?;
            note(act, what, "taken back").map(|()| true)
        })
        .await
        .map_err(problem)?;
    if answered { Ok(Redirect::to(HERE).into_response()) } else { Err(Problem::conflict()) }
}

/// An owner has looked at what a brake has paused, and proposes that erasing goes on.
pub(crate) async fn release_brake(
    State(accounts): State<Accounts>,
    staff: Staff,
    _sent: Sent,
) -> Result<Response, Problem> {
    let actor = staff.acting("owner")?;
    if accounts.keeper.paused().await.map_err(problem)?.is_none() {
        return Err(Problem::conflict());
    }
    let me = staff.0.subject;
    accounts
        .keeper
        .act(accounts.keeper.ctx(actor), move |act| propose(act, me, Weighty::Brake))
        .await
        .map_err(problem)?;
    Ok(Redirect::to(HERE).into_response())
}
