//! The front page: what this is, what one can do here, and in a few words what is held.

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::Timestamp;
use kept_keeper::Policy;
use kept_notice::{
    Retain, due,
    words::{capital, list},
};
use kept_web::{Frame, Problem, Reader, Visit, page};

use crate::{Public, problem, tally::Tally};

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    what: String,
    why: String,
    /// The last end of all; a notice that holds nothing has none.
    last: Option<String>,
    /// The roles of the notice; empty when there are none.
    who: String,
    tally: Tally,
}

pub(crate) async fn show(State(public): State<Public>, visit: Visit) -> Result<Response, Problem> {
    let policy = public.keeper.policy();
    let board = public.keeper.board().await.map_err(problem)?;
    let held: Vec<String> = policy.notice.data.iter().map(kept_notice::Data::in_short).collect();
    let purposes: Vec<&str> = policy.notice.purposes.iter().map(|purpose| purpose.says.as_str()).collect();
    let roles: Vec<&str> = policy.notice.roles.iter().map(|role| role.name.as_str()).collect();
    page(&Home {
        frame: visit.frame("Welcome"),
        what: capital(&held.join(", ")),
        why: format!("To {}", list(&purposes)),
        last: last_end(&policy).map(|rule| policy.notice.end_of(rule)),
        who: list(&roles),
        tally: Tally::of(&board),
    })
}

/// The rule that lets data stay the longest.
fn last_end(policy: &Policy) -> Option<&Retain> {
    let erasing = policy.notice.retains.iter().filter(|rule| rule.erased().is_some());
    erasing.max_by_key(|rule| {
        let span = rule.within.or(rule.after).unwrap_or_default();
        due(Timestamp::UNIX_EPOCH, &span).unwrap_or(Timestamp::MAX)
    })
}
