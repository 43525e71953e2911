//! Return (`acc-12`): who was a member before says under which number, and what was kept of that membership is joined to
//! their new account. The support desk decides, because the number alone proves nothing.
//!
//! What was kept moves: the number and the credits are the new subject's from then on, with its clocks. The old subject's
//! events stay what they were, under a key that ends on its own day.

pub(crate) mod desk;
pub(crate) mod mine;

use jiff::Timestamp;
use kept_keeper::{
    Act, Area, Check, Claim, Covers, Deed, EventSpec, Finding, Holds, Inspect, KeeperError, Policy, Proof,
    Record, RecordSpec, Table, View,
    time::{from_millis, to_millis},
};
use kept_notice::Right;
use kept_store::{Migration, Read, params};
use kept_vault::{Kind, SubjectId};
use serde::{Deserialize, Serialize};

use crate::{
    members::BY_MEMBER_ID,
    messages,
    records::{Addressee, MemberId, Profile},
};

/// The event of a membership that was taken up again.
pub(crate) const RETURNED: &str = "membership.returned";

pub(crate) const AREA: Area = Area {
    migrations: &[Migration {
        name: "accounts/0007_returns",
        sql: include_str!("../../migrations/0007_returns.sql"),
    }],
    tables: &[Table {
        name: "returns",
        columns: &[
            ("asked", Holds::Kind(Kind::IDENTIFIER)),
            ("state", Holds::Kind(Kind::IDENTIFIER)),
            ("decided", Holds::Kind(Kind::IDENTIFIER)),
        ],
        erase: &[(Kind::IDENTIFIER, "DELETE FROM returns WHERE subject = $1")],
    }],
    records: &[RecordSpec::of::<FormerNumber>()],
    optional: &[Kind::IDENTIFIER],
    views: &[ReturnCard::SPEC, FormerCard::SPEC],
    events: &[EventSpec { name: RETURNED, when: "we join an earlier membership to your account" }],
    checks: &[Check { covers: Covers::Rule("right.return"), proof: Proof::Event, run: check }],
    ..Area::named("returning")
};

/// The number under which somebody says that they were a member; gone once it is decided.
#[derive(Clone, Record, Serialize, Deserialize)]
#[record(name = "former-number")]
struct FormerNumber {
    /// As it was typed, in capitals.
    #[kind(Identifier)]
    former: Option<String>,
}

/// Somebody who says that they were a member before, at the support desk.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(
    name = "return-card",
    says = "who says that they were a member before, at the support desk, after stating a reason"
)]
#[view(by = Role("support"), purpose = "dpv:ServiceProvision", of = Profile)]
struct ReturnCard {
    #[kind(Name)]
    given_name: Option<String>,
    #[kind(Name)]
    family_name: Option<String>,
    #[kind(EmailAddress)]
    email: Option<String>,
    #[kind(Identifier, of = FormerNumber)]
    former: Option<String>,
}

/// What is kept of an earlier membership, at the support desk.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(
    name = "former-card",
    says = "what is kept of an earlier membership, at the support desk, after stating a reason"
)]
#[view(by = Role("support"), purpose = "dpv:ServiceProvision", of = MemberId)]
#[view(rows(Membership, ProfessionalTraining))]
struct FormerCard {
    #[kind(Identifier)]
    member_id: Option<String>,
}

/// Where a wish to return stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Accepted,
    Refused,
}

/// Why nothing can be joined, whoever it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// No account has this number, or it is the person's own.
    Nobody,
    /// The account still has its name and address: its owner renews it.
    StillThere,
    /// A hold covers what is kept.
    Held,
}

/// Whether the notice knows a return.
pub(crate) fn offered(policy: &Policy) -> bool {
    let right = policy.notice.rights.iter().any(|rule| rule.right == Right::Return);
    right && policy.notice.label_of(Kind::IDENTIFIER.term()).is_some()
}

/// Notes under which number somebody was a member; `false` if that was asked already, and waits or was accepted.
fn ask(act: &mut Act<'_, '_>, subject: SubjectId, number: &str) -> Result<bool, KeeperError> {
    if standing(act.tx(), subject)?.is_some_and(|(_, state)| state != State::Refused) {
        return Ok(false);
    }
    act.put(subject, &FormerNumber { former: Some(number.to_owned()) })?;
    act.tx().execute(
        "INSERT INTO returns (subject, asked, state) VALUES ($1, $2, $3) ON CONFLICT (subject) DO UPDATE SET \
         asked = excluded.asked, state = excluded.state, decided = NULL",
        &params![subject.as_bytes(), to_millis(act.ctx.now), State::Waiting.word()],
    )?;
    Ok(true)
}

/// Takes it back, as long as nobody has decided.
fn take_back(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<(), KeeperError> {
    let gone = act.tx().execute(
        "DELETE FROM returns WHERE subject = $1 AND state = $2",
        &params![subject.as_bytes(), State::Waiting.word()],
    )?;
    if gone > 0 { act.put(subject, &FormerNumber { former: None }) } else { Ok(()) }
}

/// The account that was meant, if what is kept of it can be joined to another.
fn meant(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    number: &str,
) -> Result<Result<SubjectId, Obstacle>, KeeperError> {
    let found = act.find(BY_MEMBER_ID, number)?.filter(|found| *found != subject);
    let Some(former) = found else { return Ok(Err(Obstacle::Nobody)) };
    if act.view::<Addressee>(former, None)?.email.is_some() {
        return Ok(Err(Obstacle::StillThere));
    }
    Ok(if act.holds(former)?.is_empty() { Ok(former) } else { Err(Obstacle::Held) })
}

/// Decides, once: `accepted` is the former subject. `false` if it does not wait any more.
fn decide(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    accepted: Option<SubjectId>,
    reason: &str,
) -> Result<bool, KeeperError> {
    let state = if accepted.is_some() { State::Accepted } else { State::Refused };
    let decided = act.tx().execute(
        "UPDATE returns SET state = $1, decided = $2 WHERE subject = $3 AND state = $4",
        &params![state.word(), to_millis(act.ctx.now), subject.as_bytes(), State::Waiting.word()],
    )?;
    if decided == 0 {
        return Ok(false);
    }
    let (what, title, text) = match accepted {
        Some(former) => {
            join(act, subject, former)?;
            act.emit(subject, RETURNED)?;
            (
                "your earlier membership is joined to this account",
                "Your earlier membership is here again",
                "We have joined what we kept of your earlier membership to your account: your member id is the former one, \
                 and My account shows the credits that you had earned.",
            )
        }
        None => (
            "your earlier membership is not joined to this account",
            "We could not join your earlier membership",
            "We could not make sure that the earlier membership was yours. Why, you read on the page “What was done with your \
             data”; you can ask again on My account.",
        ),
    };
    act.put(subject, &FormerNumber { former: None })?;
    act.note(subject, Deed::Wrote, what, &[], Some(reason))?;
    messages::write(act, subject, "return", title, text).map(|()| true)
}

/// Moves what was kept: the number and the credits. Nothing of the old account is left but what its own clocks end.
fn join(act: &mut Act<'_, '_>, subject: SubjectId, former: SubjectId) -> Result<(), KeeperError> {
    let number = act.view::<FormerCard>(former, Some("joined to the account that its member has now"))?;
    let number = number.member_id.ok_or(KeeperError::Malformed("a member id without its record"))?;
    act.note(former, Deed::Wrote, "what was kept is joined to a new account", &[], None)?;
    act.put(former, &MemberId { member_id: None })?;
    for owner in [subject, former] {
        act.release(BY_MEMBER_ID, owner)?;
    }
    if let Claim::Taken(_) = act.claim(BY_MEMBER_ID, &number, subject)? {
        return Err(KeeperError::Malformed("a member id that was free a moment ago"));
    }
    act.put(subject, &MemberId { member_id: Some(number) })?;
    move_credits(act, subject, former)?;
    act.tx().execute("DELETE FROM accounts WHERE subject = $1", &params![former.as_bytes()])?;
    act.leave(former)
}

/// Row by row: a database that is spread over several servers keeps the two people on two of them.
fn move_credits(act: &Act<'_, '_>, subject: SubjectId, former: SubjectId) -> Result<(), KeeperError> {
    let rows = act.tx().query(
        "SELECT earned, tenths, course FROM credits WHERE subject = $1 ORDER BY number",
        &params![former.as_bytes()],
    )?;
    if rows.is_empty() {
        return Ok(());
    }
    act.may_hold(Kind::PROFESSIONAL_TRAINING)?;
    for row in rows {
        act.tx().execute(
            "INSERT INTO credits (subject, number, earned, tenths, course) \
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4 FROM credits WHERE subject = $1",
            &params![subject.as_bytes(), row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<String>(2)?],
        )?;
    }
    act.tx().execute("DELETE FROM credits WHERE subject = $1", &params![former.as_bytes()])?;
    Ok(())
}

/// `acc-12`: what was joined to another account was joined by a decision, and the number is one account's alone.
fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let baseless = inspect.count(
        "SELECT COUNT(*) FROM returns WHERE state = $1 AND NOT EXISTS (SELECT 1 FROM happenings WHERE \
         happenings.subject = returns.subject AND happenings.event = $2 AND happenings.at = returns.decided)",
        &params![State::Accepted.word(), RETURNED],
    )?;
    if baseless > 0 {
        return Ok(Finding::broken(baseless, format!("joined without a decision: {baseless}")));
    }
    let undecided = inspect.count(
        "SELECT COUNT(*) FROM happenings WHERE event = $1 AND NOT EXISTS (SELECT 1 FROM returns WHERE \
         returns.subject = happenings.subject AND returns.state = $2)",
        &params![RETURNED, State::Accepted.word()],
    )?;
    if undecided > 0 {
        return Ok(Finding::broken(undecided, format!("joined, and nobody had asked for it: {undecided}")));
    }
    let row = inspect.read.query_one(
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = $1 THEN 1 ELSE 0 END), 0) FROM returns",
        &params![State::Waiting.word()],
    )?;
    let (asked, waiting): (i64, i64) = (row.get(0)?, row.get(1)?);
    Ok(match asked {
        0 => Finding::not_due("nobody has asked for an earlier membership"),
        _ => Finding::kept(
            asked - waiting,
            format!("decided, each by the support desk: {}; waiting for it: {waiting}", asked - waiting),
        ),
    })
}

/// Since when, and how, somebody's wish to return stands.
fn standing(read: &Read<'_>, subject: SubjectId) -> Result<Option<(Timestamp, State)>, KeeperError> {
    let row =
        read.query_opt("SELECT asked, state FROM returns WHERE subject = $1", &params![subject.as_bytes()])?;
    row.map(|row| Ok((from_millis(row.get(0)?)?, State::parse(&row.get::<String>(1)?)?))).transpose()
}

/// Who waits for a decision, the longest first.
fn waiting(read: &Read<'_>) -> Result<Vec<(SubjectId, Timestamp)>, KeeperError> {
    let rows = read.query(
        "SELECT subject, asked FROM returns WHERE state = $1 ORDER BY asked, subject LIMIT 200",
        &params![State::Waiting.word()],
    )?;
    rows.iter().map(|row| Ok((SubjectId::from_bytes(row.get(0)?), from_millis(row.get(1)?)?))).collect()
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Accepted => "accepted",
            State::Refused => "refused",
        }
    }

    fn parse(word: &str) -> Result<State, KeeperError> {
        let known = [State::Waiting, State::Accepted, State::Refused];
        let found = known.into_iter().find(|state| state.word() == word);
        found.ok_or(KeeperError::Malformed("an unknown state of a return"))
    }
}

impl Obstacle {
    /// Why, for the desk.
    fn says(self) -> &'static str {
        match self {
            Obstacle::Nobody => "No earlier membership has this number.",
            Obstacle::StillThere => {
                "The account with this number still has its name and address: whoever owns it has it renewed, at that address."
            }
            Obstacle::Held => "A dispute holds what is kept of it: settle it first.",
        }
    }
}
