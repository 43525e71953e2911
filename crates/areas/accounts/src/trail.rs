//! The trail: every sign-in, every failed one, every page opened, and every look by somebody else with its reason, in
//! plain words, the newest first (`acc-11`).

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use jiff::Timestamp;
use kept_keeper::{Actor, Deed, Entry, Event, Letter, Policy, Record};
use kept_notice::words::list;
use kept_vault::Kind;
use kept_web::{Frame, Problem, Visit, page};
use serde::Deserialize;

use crate::{
    Accounts,
    addressed::STRAYED,
    closing, data, documents, import, members, new_password,
    passkeys::sign_in::{COPIED, PASSKEY},
    password_again::AGAIN,
    problem,
    readers::RightsHolder,
    records::{Credential, MemberId, Passkeys, RecoveryCodes, SecondFactor},
    returning,
    sessions::SIGNED_IN,
};

/// How many events one page shows.
const PAGE: i64 = 100;

/// From which position of the ledger backwards a page begins; nothing for the newest.
#[derive(Deserialize)]
pub(crate) struct From {
    before: Option<u64>,
}

#[derive(Template)]
#[template(path = "trail.html")]
struct TrailPage {
    frame: Frame,
    events: Vec<Happened>,
    /// Where the next older page begins.
    older: Option<u64>,
    newest: bool,
    /// Whether the account is switched off.
    restricted: bool,
}

/// Something that was done, as often in a row as it was.
pub(crate) struct Happened {
    pub(crate) at: Timestamp,
    pub(crate) what: String,
    pub(crate) because: Option<String>,
    pub(crate) times: usize,
}

/// One page of the trail.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    RightsHolder(signed): RightsHolder,
    Query(from): Query<From>,
) -> Result<Response, Problem> {
    accounts.keeper.write_journal().await.map_err(problem)?;
    let before = from.before;
    let ctx = accounts.keeper.ctx(Actor::Person(signed.subject));
    let policy = ctx.policy.clone();
    let entries =
        accounts.keeper.look(ctx, move |look| look.trail_before(before, PAGE)).await.map_err(problem)?;
    let full = i64::try_from(entries.len()).is_ok_and(|shown| shown == PAGE);
    page(&TrailPage {
        frame: visit.form_frame("What was done with your data"),
        events: history(&policy, &entries),
        older: entries.last().map(|entry| entry.position).filter(|_| full),
        newest: before.is_none(),
        restricted: signed.restricted,
    })
}

/// The trail in words, the newest first; what repeats itself is told once.
pub(crate) fn history(policy: &Policy, trail: &[Entry]) -> Vec<Happened> {
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
pub(crate) fn words(policy: &Policy, event: &Event) -> Option<String> {
    let mut kinds: Vec<&str> = event.kinds.iter().map(String::as_str).collect();
    kinds.sort_by_key(|kind| Kind::parse(kind).map(|kind| data::place(policy, kind)));
    let kinds = list(&kinds.into_iter().map(|kind| policy.notice.name_of(kind)).collect::<Vec<_>>());
    let who = match event.who.split_once(':') {
        // A person who confirms their address did not choose the id that they are given.
        _ if event.deed == Deed::Wrote && event.what == MemberId::NAME => "This site",
        Some(("support", _)) => "Our support desk",
        Some(("verifier", _)) => "Our verification desk",
        Some(("owner", _)) => "An owner of this site",
        _ if event.who == "person" || event.who == "visitor" => "You",
        _ => "This site",
    };
    Some(match event.deed {
        // Told by what it was part of: the message, the page, the sign-in.
        Deed::Wrote if event.what == Letter::NAME => return None,
        Deed::Wrote if who == "This site" && (second_factor(event) || event.what == Passkeys::NAME) => {
            return None;
        }
        Deed::Read if who == "You" => return None,
        Deed::Happened if event.what == SIGNED_IN => return None,
        Deed::Wrote if event.what == Passkeys::NAME => format!("{who} changed your passkeys"),
        Deed::Wrote if second_factor(event) => format!("{who} changed your second factor"),
        Deed::Wrote if event.what == Credential::NAME => format!("{who} set your password"),
        Deed::Wrote if kinds.is_empty() => format!("{who} noted: {}", event.what),
        Deed::Wrote => format!("{who} wrote down your {kinds}"),
        Deed::Read => format!("{who} looked at your {kinds}"),
        Deed::Permitted => format!("{who} noted that you allow a look into your account: {}", event.what),
        Deed::Opened => format!("You opened the page “{}”", event.what),
        Deed::Downloaded => format!("You downloaded the file “{}”", event.what),
        Deed::Exported => "You took a copy of your data".into(),
        Deed::Erased => format!("We erased your {kinds}"),
        Deed::Happened => happened(&event.what).unwrap_or(&event.what).to_owned(),
        Deed::SignedIn if event.what == PASSKEY => "You signed in with a passkey".into(),
        Deed::SignedIn => "You signed in".into(),
        Deed::SignInFailed => match event.what.as_str() {
            "one-time code" => "Somebody knew your password and gave a wrong one-time code",
            PASSKEY => "Somebody tried to sign in as you with a passkey and failed",
            COPIED => "A passkey of yours was refused, because somebody may have copied it",
            AGAIN => "A wrong password was given on a page of your account",
            _ => "Somebody tried to sign in as you and failed",
        }
        .into(),
        Deed::SignedOut => match event.what.as_str() {
            "session" => "You signed out".into(),
            STRAYED => "A session ended, because its address was opened in another browser".into(),
            which => format!("You ended {which}"),
        },
        Deed::Disabled => "Your account was switched off".into(),
        Deed::Messaged => "We wrote you a message".into(),
        Deed::Held => format!("Erasing your {kinds} was put off, because a hold covers it"),
        Deed::Site => event.what.clone(),
    })
}

/// What happened, from which clocks count. The notice says it as what is to come; here it is past.
fn happened(event: &str) -> Option<&'static str> {
    Some(match event {
        members::SIGN_UP => "You signed up",
        "sign-up.confirmed" => "You confirmed your address",
        SIGNED_IN => "You signed in",
        new_password::COMPROMISED => "You told us that somebody may know your password",
        new_password::CHOSEN => "You chose a new password",
        import::IMPORTED => "We took over your account",
        closing::CLOSING => "You asked us to close your account",
        closing::KEPT => "You decided to keep your account",
        closing::CLOSED => "You closed your account at once",
        closing::DEACTIVATED => "You deactivated your account",
        members::REACTIVATED => "You activated your account again",
        members::EXPIRED => "Your membership ended",
        "membership.renewed" => "Your membership was renewed",
        returning::RETURNED => "We joined an earlier membership to your account",
        "dispute.opened" => "You disputed how we handle your data",
        "dispute.settled" => "The dispute was settled",
        documents::SENT => "You handed in a document",
        documents::DECIDED => "We decided on a document of yours",
        _ => return None,
    })
}

/// Whether an event is about the second factor's secret or its recovery codes.
fn second_factor(event: &Event) -> bool {
    [SecondFactor::NAME, RecoveryCodes::NAME].contains(&event.what.as_str())
}

#[cfg(test)]
mod tests {
    use crate::{AREA, DOCUMENTS, DOWNLOADS, LICENCES, RETURNING};

    #[test]
    fn whatever_happens_has_words() {
        for area in [AREA, DOCUMENTS, DOWNLOADS, LICENCES, RETURNING] {
            for event in area.events {
                assert!(super::happened(event.name).is_some(), "{} has no words on the trail", event.name);
            }
        }
    }
}
