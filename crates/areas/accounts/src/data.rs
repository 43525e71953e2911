//! My data: what is held, why, until when, where it came from, and who did what with it.

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::Timestamp;
use kept_keeper::{Actor, Deed, Entry, Holding, KeeperError, Policy, Until, time::long_date};
use kept_vault::{Kind, Source};
use kept_web::{Frame, Problem, Visit, page};

use crate::{Accounts, problem, sessions::Person};

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
    until: Vec<String>,
    from: String,
    held: bool,
}

struct Happened {
    at: Timestamp,
    what: String,
    because: Option<String>,
}

/// Shows a person everything that is held about them.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    Person(signed): Person,
) -> Result<Response, Problem> {
    // What this person has just looked at belongs on the page, too.
    accounts.keeper.write_journal().await.map_err(problem)?;
    let ctx = accounts.keeper.ctx(Actor::Person(signed.subject));
    let (policy, now) = (ctx.policy.clone(), ctx.now);
    let (holdings, trail) = accounts
        .keeper
        .look(ctx, |look| Ok::<_, KeeperError>((look.holdings()?, look.trail(NEWEST)?)))
        .await
        .map_err(problem)?;
    let more = i64::try_from(trail.len()).is_ok_and(|shown| shown == NEWEST);
    let page_of = DataPage {
        frame: visit.form_frame("My data"),
        of: accounts.face.name.clone(),
        lines: holdings.into_iter().map(|holding| line(holding, now)).collect(),
        events: trail.into_iter().map(|entry| happened(&policy, entry)).collect(),
        more,
    };
    page(&page_of)
}

fn line(holding: Holding, now: Timestamp) -> Line {
    let values = match holding.kind {
        Kind::PASSWORD => vec!["Stored so that nobody can read it, not even we.".into()],
        Kind::AUTHENTICATING => vec!["The secret of your authenticator app.".into()],
        Kind::AUTHENTICATION_HISTORY => vec![counted(holding.count, "open session", "open sessions")],
        Kind::TRAIL => vec![format!("{}, listed below.", counted(holding.count, "entry", "entries"))],
        Kind::PROFESSIONAL_TRAINING => {
            vec![format!(
                "{}, listed on My account.",
                counted(holding.count, "credit entry", "credit entries")
            )]
        }
        Kind::MEMBERSHIP => vec!["Whether it is open, since when and until when.".into()],
        Kind::EMAIL_CONTENT => vec![counted(holding.count, "message to you", "messages to you")],
        _ => holding.values,
    };
    Line {
        what: holding.label.into(),
        values,
        why: holding.why,
        until: holding.until.into_iter().map(|until| until_text(until, now)).collect(),
        from: from(&holding.sources),
        held: !holding.held_by.is_empty(),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

fn until_text(until: Until, now: Timestamp) -> String {
    match until {
        Until::Date { when, .. } if when <= now => "Being erased now.".into(),
        Until::Date { when, .. } => format!("Erased on or after {}.", long_date(when)),
        Until::Sentence { text, .. } => text,
    }
}

fn from(sources: &[Source]) -> String {
    let words: Vec<&str> = sources
        .iter()
        .map(|source| match source {
            Source::Person => "you",
            Source::Staff => "our staff",
            Source::System => "this site",
        })
        .collect();
    if words.is_empty() { "this site".into() } else { words.join(", ") }
}

fn happened(policy: &Policy, entry: Entry) -> Happened {
    let event = &entry.event;
    let kinds: Vec<&str> = event
        .kinds
        .iter()
        .map(|kind| kept_notice::terms::find(kind).map_or(kind.as_str(), |term| term.label))
        .collect();
    let kinds = kinds.join(", ");
    let who = match event.who.split_once(':') {
        Some(("support", _)) => "Our support desk",
        Some(("owner", _)) => "An owner of this site",
        _ if event.who == "person" || event.who == "visitor" => "You",
        _ => "This site",
    };
    let what = match event.deed {
        Deed::Wrote if kinds.is_empty() => format!("{who} wrote something down"),
        Deed::Wrote => format!("{who} wrote down your {kinds}"),
        Deed::Read if event.what == "my-data" => "You looked at this page".into(),
        Deed::Read => format!("{who} looked at your {kinds}"),
        Deed::Erased => format!("We erased your {kinds}"),
        Deed::Happened => policy.notice.words_of(&event.what).map_or_else(
            || format!("Noted: {}", event.what),
            |words| format!("From this day counts: {words}"),
        ),
        Deed::SignedIn => "You signed in".into(),
        Deed::SignInFailed => "Somebody tried to sign in as you and failed".into(),
        Deed::SignedOut => "You signed out".into(),
        Deed::Disabled => "Your account was switched off".into(),
        Deed::Messaged => "We wrote you a message".into(),
        Deed::Held => format!("Erasing your {kinds} was put off, because a hold covers it"),
        Deed::Site => event.what.clone(),
    };
    Happened { at: event.at, what, because: event.because.clone() }
}
