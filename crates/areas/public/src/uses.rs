//! Who may see what, why, and in what form: every declared read of the code with the notice's verdict.

use askama::Template;
use axum::{extract::State, response::Response};
use kept_keeper::{Policy, Use};
use kept_notice::words::capital;
use kept_web::{Frame, Problem, Visit, page};

use crate::{Public, words};

#[derive(Template)]
#[template(path = "uses.html")]
struct UsesPage {
    frame: Frame,
    readers: Vec<Reader>,
}

/// Somebody who reads, with every way in which they do.
struct Reader {
    name: String,
    about: String,
    reads: Vec<Read>,
}

/// One declared read.
struct Read {
    says: String,
    why: String,
    sees: Vec<String>,
    /// The rules of the notice that allow it.
    rules: Vec<String>,
    /// Why it is switched off, if it is.
    off: Option<String>,
}

pub(crate) async fn show(State(public): State<Public>, visit: Visit) -> Result<Response, Problem> {
    let readers = readers(&public.keeper.policy());
    page(&UsesPage { frame: visit.frame("Who sees what"), readers })
}

/// The reads by who reads, in the order of the code.
fn readers(policy: &Policy) -> Vec<Reader> {
    let uses = kept_keeper::uses(policy);
    let mut names: Vec<&str> = Vec::new();
    for one in &uses {
        if !names.contains(&one.who.as_str()) {
            names.push(&one.who);
        }
    }
    let reads = |name: &str| uses.iter().filter(|one| one.who == name).map(|one| read(policy, one)).collect();
    let reader = |name: &str| {
        let (title, about) = introduce(policy, name);
        Reader { name: title, about, reads: reads(name) }
    };
    names.into_iter().map(reader).collect()
}

fn read(policy: &Policy, one: &Use) -> Read {
    let sees = one.sees.iter().map(|seen| {
        let label = policy.notice.name_of(seen.kind);
        if seen.form == "whole" { label.to_owned() } else { format!("{label} ({})", seen.form) }
    });
    Read {
        says: capital(one.says),
        why: words::purpose(policy, one.purpose),
        sees: sees.collect(),
        rules: one.rules.clone(),
        off: one.off.clone(),
    }
}

/// Who this is, and under what they look.
fn introduce(policy: &Policy, who: &str) -> (String, String) {
    match (who, policy.notice.role(who)) {
        ("you", _) => ("You".into(), "On your own pages, about yourself.".into()),
        ("the server", _) => ("The server".into(), "By itself, shown to nobody.".into()),
        (role, Some(rule)) => {
            let allowed = if rule.asks_permission { " They look only when you have allowed it." } else { "" };
            let reason =
                if rule.asks_reason { " They first state a reason, which you can read." } else { "" };
            (format!("Our staff: {role}"), format!("Those who {}.{allowed}{reason}", rule.says))
        }
        (role, None) => (format!("Our staff: {role}"), "The notice does not name this role.".into()),
    }
}
