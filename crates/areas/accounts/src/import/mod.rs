//! People from another system: lines of a table, from a source that the notice names (`use-15`). A few lines are one
//! transaction, and a line that was taken in before is left as it is, so that a run that was interrupted is run again.

mod line;

use std::sync::Arc;

use jiff::Timestamp;
use kept_keeper::{
    Act, Actor, Claim, Index, Keeper, KeeperError, Look, Policy,
    time::{long_date, to_millis},
};
use kept_notice::{DataSource, words::counted};
use kept_store::{Read, params};
use kept_vault::{Kind, SourceName, SubjectId};
use serde::{Deserialize, Serialize};

use self::line::{Columns, Newcomer};
use crate::{
    closing,
    members::{self, BY_EMAIL, BY_MEMBER_ID, SIGN_UP, Standing},
    messages,
};

/// The event of an account that was taken over from elsewhere.
pub const IMPORTED: &str = "account.imported";

/// Lines of one file that are taken in together. It holds personal data: it goes to the site's server and nowhere else.
#[derive(Clone, Serialize, Deserialize)]
pub struct Batch {
    /// The source, by its name in the notice; where the notice names one only, it need not be said.
    pub source: Option<String>,
    /// The names of the columns, as the first line of the file has them.
    pub columns: Vec<String>,
    /// The lines, cell by cell.
    pub lines: Vec<Vec<String>>,
    /// Only says what would happen.
    pub dry_run: bool,
    /// Where people reach the site, if each newcomer is to get a letter.
    pub invite: Option<String>,
    /// As of when the file is right: whom the site has erased since, it may still name.
    pub as_of: Option<Timestamp>,
}

/// What came of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Somebody new is here.
    Added,
    /// The address is known: whose it is stays as they are.
    Known,
    /// The line was not taken in, and why.
    Rejected(Vec<Fault>),
}

/// What is wrong with a cell, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The column's name.
    pub column: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Why nothing of a file can be taken in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The notice names no source at all.
    #[error(
        "the notice names nobody but the person as a source of data, so nothing was taken in (use-15): add a \
         [source.*] rule to it first, and propose the notice"
    )]
    NoSource,
    /// The notice does not name this one.
    #[error(
        "the notice names no such source, so nothing was taken in: it names {0}; choose one with --source"
    )]
    UnknownSource(String),
    /// The notice names several.
    #[error("the notice names more than one source: choose one with --source: {0}")]
    WhichSource(String),
    /// People were erased, and nobody has said when the file was written.
    #[error(
        "{0} erased here so far, and the file may name them: say with --as-of as of when it is right, such as 2027-01-31 or \
         2027-01-31T09:00Z"
    )]
    Undated(String),
    /// People were erased since the file was written.
    #[error(
        "{0} erased here since then, and the file may name them: tell the other system whom to leave out, have the file \
         written anew, and say with --as-of when that was"
    )]
    Outdated(String),
    /// The source does not give what an account needs.
    #[error(
        "[{0}] of the notice gives no name or no e-mail address, and no account can be without: add them to its \
         \"gives\""
    )]
    TooLittle(String),
    /// The first line of the file is not right.
    #[error("column {number} of the first line: {message}")]
    Column {
        /// Which, from one.
        number: usize,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A column is missing.
    #[error("the first line has no column \"{0}\", and nobody can be taken in without")]
    Missing(&'static str),
    /// The database failed.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
}

/// Takes lines in, or says what would come of it. Of a batch without lines only the columns are looked at.
///
/// # Errors
/// The file as a whole cannot be taken in, or the database failed; then nothing of the batch was.
pub async fn take_in(keeper: &Keeper, batch: Batch) -> Result<Vec<Outcome>, Refused> {
    let ctx = keeper.ctx(Actor::System);
    if batch.dry_run || batch.lines.is_empty() {
        return keeper.look(ctx, move |look| foresee(look, &batch)).await;
    }
    keeper.act(ctx, move |act| admit(act, &batch)).await
}

fn foresee(look: &mut Look<'_, '_>, batch: &Batch) -> Result<Vec<Outcome>, Refused> {
    let (_, columns) = opened(&look.ctx.policy, batch)?;
    current(look.sql(), &look.ctx.policy, batch)?;
    let mut outcomes = Vec::with_capacity(batch.lines.len());
    for line in &batch.lines {
        outcomes.push(match columns.read(&look.ctx.policy, look.ctx.now, line) {
            Ok(newcomer) => {
                already(&newcomer, |index, value| look.find(index, value))?.unwrap_or(Outcome::Added)
            }
            Err(faults) => Outcome::Rejected(faults),
        });
    }
    Ok(outcomes)
}

fn admit(act: &mut Act<'_, '_>, batch: &Batch) -> Result<Vec<Outcome>, Refused> {
    let policy = act.ctx.policy.clone();
    let (rule, columns) = opened(&policy, batch)?;
    current(act.tx(), &policy, batch)?;
    let source = SourceName::new(&rule.name).ok_or_else(|| KeeperError::Unknown(rule.rule.id.clone()))?;
    let invite = |base: &String| invitation_of(&policy, rule, base, act.ctx.now);
    let letter = batch.invite.as_ref().map(invite).transpose()?;
    let mut outcomes = Vec::with_capacity(batch.lines.len());
    for line in &batch.lines {
        outcomes.push(match columns.read(&policy, act.ctx.now, line) {
            Err(faults) => Outcome::Rejected(faults),
            Ok(newcomer) => match already(&newcomer, |index, value| act.find(index, value))? {
                Some(outcome) => outcome,
                None => {
                    let subject = begin(act, source, &newcomer)?;
                    if let Some(Invitation { title, text }) = &letter {
                        messages::write(act, subject, "invitation", title, text)?;
                    }
                    Outcome::Added
                }
            },
        });
    }
    Ok(outcomes)
}

/// The source of a batch and its columns, held against the notice.
fn opened<'p>(policy: &'p Policy, batch: &Batch) -> Result<(&'p DataSource, Columns), Refused> {
    let sources = &policy.notice.sources;
    let names = || sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ");
    let rule = match (&batch.source, sources.as_slice()) {
        (_, []) => return Err(Refused::NoSource),
        (None, [only]) => only,
        (None, _) => return Err(Refused::WhichSource(names())),
        (Some(name), _) => policy.notice.source(name).ok_or_else(|| Refused::UnknownSource(names()))?,
    };
    let columns = Columns::read_head(policy, rule, &batch.columns)?;
    Ok((rule, columns))
}

/// Whether the file is younger than every erasure. Nothing remembers who was erased; how many were, and when, is nobody's.
fn current(read: &Read<'_>, policy: &Policy, batch: &Batch) -> Result<(), Refused> {
    let since = batch.as_of.map_or(i64::MIN, to_millis);
    let rows = read.query(
        "SELECT rule, COUNT(*) FROM deeds WHERE action = 'erase' AND done > $1 GROUP BY rule",
        &params![since],
    );
    let mut erased = 0;
    for row in rows.map_err(KeeperError::from)? {
        let rule: String = row.get(0).map_err(KeeperError::from)?;
        if forgets(policy, &rule) {
            erased += row.get::<i64>(1).map_err(KeeperError::from)?;
        }
    }
    let people = || counted(erased, "person was", "people were");
    match batch.as_of {
        _ if erased == 0 => Ok(()),
        None => Err(Refused::Undated(people())),
        Some(_) => Err(Refused::Outdated(people())),
    }
}

/// Whether a rule forgets people whose address was known to be theirs; of a rule of an earlier notice that may be so.
fn forgets(policy: &Policy, rule: &str) -> bool {
    let Some(rule) = policy.notice.retain(rule) else { return true };
    rule.when != SIGN_UP && policy.notice.erased_by(rule).any(|term| term == Kind::EMAIL_ADDRESS.term())
}

/// What stands in the way of a newcomer: somebody has the address, or the member id, already.
fn already(
    newcomer: &Newcomer,
    find: impl Fn(Index, &str) -> Result<Option<SubjectId>, KeeperError>,
) -> Result<Option<Outcome>, KeeperError> {
    if find(BY_EMAIL, &newcomer.email.folded())?.is_some() {
        return Ok(Some(Outcome::Known));
    }
    let Some(id) = &newcomer.member_id else { return Ok(None) };
    Ok(find(BY_MEMBER_ID, id)?.map(|_| {
        let message = "somebody else here has this member id; find out whose it is";
        Outcome::Rejected(vec![Fault { column: "member_id".into(), message: message.into() }])
    }))
}

/// Begins an account without a password: its owner gets in by a recovery letter (`acc-9`).
fn begin(act: &mut Act<'_, '_>, source: SourceName, newcomer: &Newcomer) -> Result<SubjectId, KeeperError> {
    let subject = act.new_subject();
    act.put_from(source, subject, &newcomer.profile)?;
    if let Claim::Taken(_) = act.claim(BY_EMAIL, &newcomer.email.folded(), subject)? {
        return Err(KeeperError::Malformed("an address that was free a moment ago"));
    }
    act.tx().execute(
        "INSERT INTO accounts (subject, standing, since) VALUES ($1, $2, $3)",
        &params![subject.as_bytes(), Standing::Open.word(), to_millis(act.ctx.now)],
    )?;
    match &newcomer.member_id {
        Some(id) => members::bring_id(act, source, subject, id)?,
        None if act.may_hold(Kind::IDENTIFIER).is_ok() => members::give_id(act, subject)?,
        None => {}
    }
    if let Some(expires) = newcomer.expires {
        members::run_until(act, subject, expires)?;
    }
    act.emit(subject, IMPORTED)?;
    Ok(subject)
}

/// The letter to somebody who has been taken over: that they have an account now, from where we know them, how to get in,
/// and what happens if they do not (GDPR art. 14).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invitation {
    /// Its subject.
    pub title: String,
    /// Its text, without the greeting.
    pub text: String,
}

/// The letter that a batch sends to each newcomer, if it sends any.
///
/// # Errors
/// The batch does not fit the notice.
pub fn invitation(keeper: &Keeper, batch: &Batch) -> Result<Option<Invitation>, Refused> {
    let Some(base) = &batch.invite else { return Ok(None) };
    let policy = keeper.policy();
    let (rule, _) = opened(&policy, batch)?;
    Ok(Some(invitation_of(&policy, rule, base, keeper.now())?))
}

fn invitation_of(
    policy: &Arc<Policy>,
    rule: &DataSource,
    base: &str,
    now: Timestamp,
) -> Result<Invitation, KeeperError> {
    let contact = &policy.notice.contact;
    let unwanted = match closing::first_end(policy, IMPORTED, now)? {
        Some(end) => format!(
            "there is nothing to do: we erase it from {}. To have it erased sooner, write to {contact}.",
            long_date(end)
        ),
        None => format!("write to {contact}, and we erase it."),
    };
    let text = format!(
        "You have an account with us now. What is in it comes from {}. To use it, choose a password: on this page, write \
         the address to which this message came, and you get a link:\n\n{base}/forgotten\n\nIf you do not want an account, \
         {unwanted}\n\nOur privacy notice says what we do with your data, and what you can ask of us:\n\n{base}/notice",
        rule.says
    );
    Ok(Invitation { title: "You have an account with us".into(), text })
}
