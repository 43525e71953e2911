//! My data: what is held, why, until when, where it came from, and who did what with it.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::Timestamp;
use kept_keeper::{
    Actor, Deed, Entry, Event, Holding, KeeperError, Letter, Policy, Record, Until, View, time::long_date,
};
use kept_notice::{
    due,
    words::{capital, counted},
};
use kept_vault::{Kind, Source};
use kept_web::{Frame, Problem, Visit, page, paths};

use crate::{
    Accounts, members, problem,
    records::{MemberId, MyProfile},
    sessions::Person,
};

/// How many events of the trail the page shows.
const NEWEST: i64 = 100;

#[derive(Template)]
#[template(path = "data.html")]
struct DataPage {
    frame: Frame,
    of: String,
    lines: Vec<Line>,
    events: Vec<Happened>,
    more: bool,
}

struct Line {
    what: String,
    values: Vec<String>,
    why: Vec<String>,
    until: Vec<End>,
    from: String,
    held: bool,
}

impl Line {
    fn goes_with(&self, other: &Line) -> bool {
        (&self.why, &self.until, &self.from, self.held) == (&other.why, &other.until, &other.from, other.held)
    }
}

/// When something ends, and the rule of the notice that says so.
#[derive(PartialEq, Eq)]
struct End {
    text: String,
    rule: String,
}

struct Happened {
    at: Timestamp,
    what: String,
    because: Option<String>,
    /// How often in a row.
    times: usize,
}

/// What decides when a person's data ends.
struct Course {
    policy: Arc<Policy>,
    now: Timestamp,
    /// When the membership ends.
    expires: Option<Timestamp>,
    /// As what they work here, if they do.
    roles: Vec<&'static str>,
    /// What has happened already.
    happened: Vec<String>,
}

/// Shows a person everything that is held about them.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    // What this person has just looked at belongs on the page, too.
    accounts.keeper.write_journal().await.map_err(problem)?;
    let (ctx, subject) = (accounts.keeper.ctx(Actor::Person(signed.subject)), signed.subject);
    let (mut holdings, trail, course) = accounts
        .keeper
        .look(ctx, move |look| {
            let course = Course {
                policy: look.ctx.policy.clone(),
                now: look.ctx.now,
                expires: members::account(look.sql(), subject)?.and_then(|account| account.expires),
                roles: signed.roles.clone(),
                happened: look.happened()?,
            };
            Ok::<_, KeeperError>((look.holdings()?, look.trail(NEWEST)?, course))
        })
        .await
        .map_err(problem)?;
    holdings.sort_by_key(|holding| place(&course.policy, holding.kind));
    let more = i64::try_from(trail.len()).is_ok_and(|shown| shown == NEWEST);
    let page_of = DataPage {
        frame: visit.form_frame("My data"),
        of: accounts.face.name.clone(),
        lines: lines(&course, holdings),
        events: history(&course.policy, &trail),
        more,
    };
    page(&page_of)
}

/// Where the notice lists a kind: at which label, and where in it.
fn place(policy: &Policy, kind: Kind) -> Option<(usize, usize)> {
    policy.notice.data.iter().enumerate().find_map(|(at, data)| {
        let within = data.kinds.iter().position(|term| term.id == kind.term())?;
        Some((at, within))
    })
}

/// One line for what the notice has under one label, as long as all of it has the same reasons and the same end.
fn lines(course: &Course, holdings: Vec<Holding>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut label = None;
    for holding in holdings {
        let before = label;
        label = place(&course.policy, holding.kind).map(|(at, _)| at);
        let next = line(course, holding);
        match lines.last_mut().filter(|last| before == label && last.goes_with(&next)) {
            Some(last) => {
                last.what.push_str(", ");
                last.what.push_str(&next.what);
                last.values.extend(next.values);
            }
            None => lines.push(next),
        }
    }
    for line in &mut lines {
        line.what = capital(&line.what);
    }
    lines
}

fn line(course: &Course, holding: Holding) -> Line {
    let from = from(holding.kind, &holding.sources);
    let values = match holding.kind {
        // Its fields come in the order of their names, the family name first.
        Kind::NAME => vec![holding.values.into_iter().rev().collect::<Vec<_>>().join(" ")],
        Kind::PASSWORD => vec!["Stored so that nobody can read it, not even we.".into()],
        Kind::AUTHENTICATING => vec!["The secret of your authenticator app.".into()],
        Kind::AUTHENTICATION_HISTORY => vec![counted(holding.count, "open session", "open sessions")],
        Kind::TRAIL => vec![format!("{}, listed below.", counted(holding.count, "entry", "entries"))],
        Kind::PERSONAL_DOCUMENTS => vec!["The documents that you handed in, listed under Documents.".into()],
        Kind::PROFESSIONAL_CERTIFICATION => {
            vec!["That we have accepted your professional standing, and until when.".into()]
        }
        Kind::PROFESSIONAL_TRAINING => {
            vec![format!(
                "{}, listed on My account.",
                counted(holding.count, "credit entry", "credit entries")
            )]
        }
        Kind::MEMBERSHIP => {
            let dates = course.expires.map(|at| match at > course.now {
                true => format!("Until {}.", long_date(at)),
                false => format!("Ended on {}.", long_date(at)),
            });
            dates.into_iter().collect()
        }
        Kind::ACCOUNT => {
            let roles = course.roles.iter().map(|role| format!("You work here as {role}."));
            std::iter::once("Whether it is open, and since when.".into()).chain(roles).collect()
        }
        // Of each message its subject, text and address, in the order of their names.
        Kind::EMAIL_CONTENT => {
            holding.values.into_iter().step_by(3).map(|about| format!("“{about}”")).collect()
        }
        _ => holding.values,
    };
    let mut until: Vec<End> = Vec::new();
    for end in holding.until.into_iter().filter_map(|until| course.end(until)) {
        if !until.contains(&end) {
            until.push(end);
        }
    }
    Line {
        what: course.policy.notice.name_of(holding.kind.term()).into(),
        values,
        why: holding.why,
        until,
        from,
        held: !holding.held_by.is_empty(),
    }
}

impl Course {
    /// When something ends, with a date wherever one is known; nothing for a rule that can no longer apply.
    fn end(&self, until: Until) -> Option<End> {
        match until {
            Until::Date { when, rule } if when <= self.now => {
                Some(End { text: "Due to be erased".into(), rule })
            }
            Until::Date { when, rule } => {
                Some(End { text: format!("Erased from {}", long_date(when)), rule })
            }
            Until::Sentence { text, rule } => {
                let notice = &self.policy.notice;
                let retain = notice.retains.iter().find(|retain| retain.rule.id == rule)?;
                let date = self
                    .expires
                    .filter(|_| retain.when == "membership.expired")
                    .and_then(|end| due(end, &retain.after.or(retain.within).unwrap_or_default()).ok());
                let Some(date) = date else {
                    // One signs up once; a membership that was renewed ends again, on its date.
                    let happened = |event: &String| self.happened.contains(event);
                    let over = retain.unless.as_ref().is_some_and(happened) && happened(&retain.when);
                    return (!over).then_some(End { text, rule });
                };
                let unless = retain.unless.as_deref().and_then(|event| notice.words_of(event));
                let unless = unless.map(|words| format!(", unless {words}")).unwrap_or_default();
                Some(End { text: format!("Erased from {}{unless}", long_date(date)), rule })
            }
        }
    }
}

fn from(kind: Kind, sources: &[Source]) -> String {
    // What the site makes while a person acts is not from them.
    if matches!(kind, Kind::IDENTIFIER | Kind::AUTHENTICATING | Kind::EMAIL_CONTENT) || sources.is_empty() {
        return "this site".into();
    }
    let words: Vec<&str> = sources
        .iter()
        .map(|source| match source {
            Source::Person => "you",
            Source::Staff => "our staff",
            Source::System => "this site",
        })
        .collect();
    words.join(", ")
}

/// The trail in words, the newest first; what repeats itself is told once.
fn history(policy: &Policy, trail: &[Entry]) -> Vec<Happened> {
    let mut told: Vec<Happened> = Vec::new();
    for event in trail.iter().map(|entry| &entry.event) {
        let Some(what) = words(policy, event) else { continue };
        match told.last_mut() {
            Some(last) if last.what == what && last.because == event.because => last.times += 1,
            _ => told.push(Happened { at: event.at, what, because: event.because.clone(), times: 1 }),
        }
    }
    told
}

/// What an event was; nothing for the writing of a letter, which is told as the message that it is.
fn words(policy: &Policy, event: &Event) -> Option<String> {
    let mut kinds: Vec<&str> = event.kinds.iter().map(String::as_str).collect();
    kinds.sort_by_key(|kind| Kind::parse(kind).map(|kind| place(policy, kind)));
    let kinds = kinds.into_iter().map(|kind| policy.notice.name_of(kind)).collect::<Vec<_>>().join(", ");
    let who = match event.who.split_once(':') {
        // A person who confirms their address did not choose the id that they are given.
        _ if event.deed == Deed::Wrote && event.what == MemberId::NAME => "This site",
        Some(("support", _)) => "Our support desk",
        Some(("owner", _)) => "An owner of this site",
        Some(("verifier", _)) => "Our verification desk",
        _ if event.who == "person" || event.who == "visitor" => "You",
        _ => "This site",
    };
    Some(match event.deed {
        Deed::Wrote if event.what == Letter::NAME => return None,
        Deed::Wrote if kinds.is_empty() => format!("{who} noted: {}", event.what),
        Deed::Wrote => format!("{who} wrote down your {kinds}"),
        Deed::Read if event.what == "my-data" => "You looked at this page".into(),
        Deed::Read if event.what == MyProfile::SPEC.name => "You looked at My account".into(),
        Deed::Read => format!("{who} looked at your {kinds}"),
        Deed::Erased => format!("We erased your {kinds}"),
        Deed::Happened => policy
            .notice
            .words_of(&event.what)
            .map_or_else(|| format!("Noted: {}", event.what), |words| format!("Noted: the day {words}")),
        Deed::SignedIn => "You signed in".into(),
        Deed::SignInFailed => "Somebody tried to sign in as you and failed".into(),
        Deed::SignedOut => "You signed out".into(),
        Deed::Disabled => "Your account was switched off".into(),
        Deed::Messaged => "We wrote you a message".into(),
        Deed::Held => format!("Erasing your {kinds} was put off, because a hold covers it"),
        Deed::Site => event.what.clone(),
    })
}
