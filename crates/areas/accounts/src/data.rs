//! My data: what is held, why, until when, where it came from, and who did what with it.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use jiff::Timestamp;
use kept_keeper::{Actor, Holding, KeeperError, Look, Policy, Until, time::long_date};
use kept_notice::{
    Notice, Retain, due,
    words::{capital, counted},
};
use kept_vault::{Kind, Source};
use kept_web::{Frame, Problem, Visit, page, paths};

use crate::{
    Accounts, closing, documents, import,
    members::{self, Account, Standing},
    passkeys, problem,
    readers::RightsHolder,
    records::{MyPasskeys, Passkey, SecondFactorCheck},
    sessions, staff,
    trail::{self, Happened},
};

/// How many events of the trail the page shows; the page of the trail has them all.
const NEWEST: i64 = 30;

#[derive(Template)]
#[template(path = "data.html")]
struct DataPage {
    frame: Frame,
    /// Whether the account is switched off.
    restricted: bool,
    of: String,
    lines: Vec<Line>,
    events: Vec<Happened>,
}

/// A line of what is held.
pub(crate) struct Line {
    pub(crate) what: String,
    pub(crate) values: Vec<String>,
    pub(crate) why: Vec<String>,
    pub(crate) until: Vec<End>,
    pub(crate) from: String,
    pub(crate) held: bool,
}

impl Line {
    fn goes_with(&self, other: &Line) -> bool {
        (&self.why, &self.until, &self.from, self.held) == (&other.why, &other.until, &other.from, other.held)
    }
}

/// When something ends, and the rule of the notice that says so.
#[derive(PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) text: String,
    rule: String,
    /// The moment, where one is known.
    at: Option<Timestamp>,
    /// Whether nothing can keep it from coming but a hold.
    sure: bool,
}

/// What decides when a person's data ends.
pub(crate) struct Course {
    pub(crate) policy: Arc<Policy>,
    now: Timestamp,
    /// Where the account stands, and when the membership ends.
    account: Option<Account>,
    /// The last day for which the professional standing was accepted, in words.
    accepted: Option<String>,
    /// As what they work here, if they do.
    roles: Vec<&'static str>,
    /// What has happened already.
    happened: Vec<String>,
    /// The secret of an authenticator app.
    app: bool,
    /// The passkeys.
    pub(crate) passkeys: Vec<Passkey>,
}

/// Shows a person everything that is held about them.
pub(crate) async fn show(
    State(accounts): State<Accounts>,
    visit: Visit,
    RightsHolder(signed): RightsHolder,
) -> Result<Response, Problem> {
    // What this person has just looked at belongs on the page, too.
    accounts.keeper.write_journal().await.map_err(problem)?;
    let (ctx, roles) = (accounts.keeper.ctx(Actor::Person(signed.subject)), signed.roles);
    let (holdings, shown, course) = accounts
        .keeper
        .look(ctx, move |look| {
            let course = Course::of(look, roles.clone())?;
            Ok::<_, KeeperError>((look.holdings()?, look.trail(NEWEST)?, course))
        })
        .await
        .map_err(problem)?;
    let page_of = DataPage {
        frame: visit.form_frame("My data"),
        restricted: signed.restricted,
        of: accounts.face.name.clone(),
        lines: course.lines(holdings),
        events: trail::history(&course.policy, &shown),
    };
    page(&page_of)
}

/// Where the notice lists a kind: at which label, and where in it.
pub(crate) fn place(policy: &Policy, kind: Kind) -> Option<(usize, usize)> {
    policy.notice.data.iter().enumerate().find_map(|(at, data)| {
        let within = data.kinds.iter().position(|term| term.id == kind.term())?;
        Some((at, within))
    })
}

fn line(course: &Course, holding: Holding) -> Line {
    let from = from(holding.kind, &holding.sources, &course.policy.notice);
    let values = match holding.kind {
        // Its fields come in the order of their names, the family name first.
        Kind::NAME => vec![holding.values.into_iter().rev().collect::<Vec<_>>().join(" ")],
        Kind::PASSWORD => vec!["Stored so that nobody can read it, not even we.".into()],
        Kind::AUTHENTICATING => course.proofs(),
        Kind::AUTHENTICATION_HISTORY => vec![counted(holding.count, "open session", "open sessions")],
        Kind::TRAIL => {
            vec![format!("{}, the newest of them below.", counted(holding.count, "entry", "entries"))]
        }
        Kind::PERSONAL_DOCUMENTS => vec!["The documents that you handed in, listed under Documents.".into()],
        Kind::PROFESSIONAL_CERTIFICATION => {
            let until = |last: &String| format!("Accepted until {last}.");
            course.accepted.iter().map(until).collect()
        }
        Kind::PROFESSIONAL_TRAINING => {
            vec![format!(
                "{}, listed on My account.",
                counted(holding.count, "credit entry", "credit entries")
            )]
        }
        Kind::MEMBERSHIP => {
            let dates = course.expires().map(|at| match at > course.now {
                true => format!("Until {}.", long_date(at)),
                false => format!("Ended on {}.", long_date(at)),
            });
            dates.into_iter().collect()
        }
        Kind::ACCOUNT => {
            let roles = course.roles.iter().map(|role| format!("You work here as {role}."));
            course.account.map(standing).into_iter().chain(roles).collect()
        }
        // Of each message its subject, text and address, in the order of their names.
        Kind::EMAIL_CONTENT => {
            holding.values.into_iter().step_by(3).map(|about| format!("“{about}”")).collect()
        }
        // Of each machine its id, and since when, in the order of their names.
        Kind::DEVICE_BASED => holding.values.chunks(2).map(machine).collect(),
        _ => holding.values,
    };
    Line {
        what: course.policy.notice.name_of(holding.kind.term()).into(),
        values,
        why: holding.why,
        until: course.ends(holding.until),
        from,
        held: !holding.held_by.is_empty(),
    }
}

/// Where an account stands, and since when.
pub(crate) fn standing(account: Account) -> String {
    let since = long_date(account.since);
    match account.standing {
        Standing::Pending => format!("Waits since {since} for its address to be confirmed."),
        Standing::Open => format!("Open since {since}."),
        Standing::Disabled => format!("Switched off since {since}."),
        Standing::Deactivated => format!("At rest since {since}."),
        Standing::Closed => format!("Closed on {since}."),
    }
}

fn machine(told: &[String]) -> String {
    match told {
        [id, since] => match since.parse() {
            Ok(since) => format!("{id}, since {}", long_date(since)),
            Err(_) => id.clone(),
        },
        other => other.concat(),
    }
}

impl Course {
    /// The course of the person who looks.
    pub(crate) fn of(look: &Look<'_, '_>, roles: Vec<&'static str>) -> Result<Course, KeeperError> {
        let Actor::Person(subject) = look.ctx.actor else {
            return Err(KeeperError::NotYours { view: "my-data" });
        };
        Ok(Course {
            policy: look.ctx.policy.clone(),
            now: look.ctx.now,
            account: members::account(look.sql(), subject)?,
            accepted: documents::accepted_until(look.sql(), subject)?.map(staff::last).transpose()?,
            roles,
            happened: look.happened()?,
            app: look.view::<SecondFactorCheck>(subject)?.secret.is_some(),
            passkeys: look.view::<MyPasskeys>(subject)?.list,
        })
    }

    fn expires(&self) -> Option<Timestamp> {
        self.account.and_then(|account| account.expires)
    }

    fn has_happened(&self, event: &String) -> bool {
        self.happened.contains(event)
    }

    /// What the person can show with who they are. Secrets are shown to nobody; that they are there is.
    fn proofs(&self) -> Vec<String> {
        let app = self.app.then(|| "The secret of your authenticator app.".to_owned());
        let all: Vec<String> = app.into_iter().chain(self.passkeys.iter().map(passkeys::told)).collect();
        if all.is_empty() { vec!["What tells a link of ours from any other.".into()] } else { all }
    }

    /// One line for what the notice has under one label, as long as all of it has the same reasons and the same end.
    pub(crate) fn lines(&self, mut holdings: Vec<Holding>) -> Vec<Line> {
        holdings.sort_by_key(|holding| place(&self.policy, holding.kind));
        let mut lines: Vec<Line> = Vec::new();
        let mut label = None;
        for holding in holdings {
            let before = label;
            label = place(&self.policy, holding.kind).map(|(at, _)| at);
            let next = line(self, holding);
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

    /// The ends of something, the earliest first, and none that comes after one that is sure. What nothing else ends, ends
    /// with the account.
    pub(crate) fn ends(&self, until: Vec<Until>) -> Vec<End> {
        let mut ends: Vec<End> = Vec::new();
        let closes = until.iter().find_map(|until| self.by_closing(until));
        for end in until.into_iter().filter_map(|until| self.end(until)) {
            if !ends.iter().any(|known| known.text == end.text) {
                ends.push(end);
            }
        }
        ends.sort_by_key(|end| (end.at.is_none(), end.at));
        if let Some(sure) = ends.iter().position(|end| end.sure) {
            ends.truncate(sure + 1);
        }
        if ends.is_empty() { closes.into_iter().collect() } else { ends }
    }

    fn by_closing(&self, until: &Until) -> Option<End> {
        let Until::Sentence { rule, .. } = until else { return None };
        let closes = |retain: &&Retain| retain.rule.id == *rule && retain.when == closing::CLOSING;
        let rule = self.policy.notice.retains.iter().find(closes)?.rule.id.clone();
        Some(End { text: "Erased when you close your account".into(), rule, at: None, sure: false })
    }

    /// When something ends, with a date wherever one is known; nothing for a rule that can no longer apply, or that only
    /// the person's own wish begins.
    fn end(&self, until: Until) -> Option<End> {
        let notice = &self.policy.notice;
        let (Until::Date { rule, .. } | Until::Sentence { rule, .. }) = &until;
        let retain = notice.retains.iter().find(|retain| retain.rule.id == *rule)?;
        match until {
            Until::Date { when, rule } if when <= self.now => {
                Some(End { text: "Due to be erased".into(), rule, at: Some(when), sure: true })
            }
            Until::Date { when, rule } => {
                let unless =
                    if retain.when == sessions::SIGNED_IN { ", unless you sign in again before" } else { "" };
                let text = format!("Erased from {}{unless}", long_date(when));
                Some(End { text, rule, at: Some(when), sure: unless.is_empty() })
            }
            Until::Sentence { .. } if OWN_WISH.contains(&retain.when.as_str()) => None,
            Until::Sentence { .. }
                if ARRIVALS.contains(&retain.when.as_str()) && !self.has_happened(&retain.when) =>
            {
                None
            }
            Until::Sentence { text, rule } => {
                let date = self
                    .expires()
                    .filter(|_| retain.when == "membership.expired")
                    .and_then(|end| due(end, &retain.after.or(retain.within).unwrap_or_default()).ok());
                let Some(date) = date else {
                    // One signs up once; a membership that was renewed ends again, on its date.
                    let over = retain.unless.as_ref().is_some_and(|event| self.has_happened(event))
                        && self.has_happened(&retain.when);
                    return (!over).then_some(End { text, rule, at: None, sure: false });
                };
                let unless = retain.unless.as_deref().and_then(|event| notice.words_of(event));
                let unless = unless.map(|words| format!(", unless {words}")).unwrap_or_default();
                let text = format!("Erased from {}{unless}", long_date(date));
                Some(End { text, rule, at: Some(date), sure: unless.is_empty() })
            }
        }
    }
}

/// How one comes here: once, and whoever came otherwise never does this.
const ARRIVALS: &[&str] = &[members::SIGN_UP, import::IMPORTED];

/// What only the person's own wish begins; the page on which they wish it tells the dates.
const OWN_WISH: &[&str] = &[closing::CLOSING, closing::CLOSED, closing::DEACTIVATED];

fn from(kind: Kind, sources: &[Source], notice: &Notice) -> String {
    // What the site makes while a person acts is not from them.
    let made_here = matches!(kind, Kind::AUTHENTICATING | Kind::EMAIL_CONTENT)
        || kind == Kind::IDENTIFIER && !sources.iter().any(|source| matches!(source, Source::Named(_)));
    if made_here || sources.is_empty() {
        return "this site".into();
    }
    let words: Vec<&str> = sources
        .iter()
        .map(|source| match source {
            Source::Person => "you",
            Source::Staff => "our staff",
            Source::System => "this site",
            Source::Named(name) => {
                let rule = notice.sources.iter().find(|rule| rule.rule.id == name.rule());
                rule.map_or("a source of an earlier notice", |rule| rule.says.as_str())
            }
        })
        .collect();
    words.join(", ")
}
