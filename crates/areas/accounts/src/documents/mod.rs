//! The verification desk: a person hands in a document about their professional standing, somebody looks at it and
//! decides, and services that need it ask whether the standing is verified (`acc-2`).
//!
//! The document lies sealed under a key of its own, with a clock of its own. What stays after it is the acceptance: two
//! dates.

pub(crate) mod desk;
mod format;
pub(crate) mod mine;

use data_encoding::HEXLOWER;
use jiff::{Span, Timestamp};
use kept_keeper::{
    Act, Area, Check, Covers, Deed, Duty, EventSpec, Finding, GRACE, Holds, Inspect, Job, KeeperError,
    Policy, Proof, Record, RecordSpec, Table, View,
    time::{from_millis, to_millis},
};
use kept_notice::{Action, due};
use kept_store::{Migration, Read, Row, params};
use kept_vault::{Kind, SubjectId};
use rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::{messages, records::Profile, staff};
use format::Format;

/// Somebody has handed in a document.
pub(crate) const SENT: &str = "document.sent";
/// It has been decided on.
pub(crate) const DECIDED: &str = "document.decided";
/// The job that says a month ahead that an acceptance ends.
const WARN: &str = "documents.warn";
/// The job that ends it.
const EXPIRE: &str = "documents.expire";

/// How many documents of one person wait at most: nobody needs more, and disks are finite.
const MOST_WAITING: i64 = 5;

/// The verification desk as a part of the accounts area. A notice that names no documents has none.
pub const DOCUMENTS: Area = Area {
    migrations: &[Migration {
        name: "accounts/0006_documents",
        sql: include_str!("../../migrations/0006_documents.sql"),
    }],
    tables: &[
        Table {
            name: "documents",
            columns: &[
                ("record", Holds::Kind(Kind::PERSONAL_DOCUMENTS)),
                ("sent", Holds::Kind(Kind::PERSONAL_DOCUMENTS)),
                ("state", Holds::Kind(Kind::PERSONAL_DOCUMENTS)),
                ("decided", Holds::Kind(Kind::PERSONAL_DOCUMENTS)),
            ],
            // Documents die one by one: only the rows whose document is gone from the vault go with it.
            erase: &[(
                Kind::PERSONAL_DOCUMENTS,
                "DELETE FROM documents WHERE subject = $1 AND NOT EXISTS \
                 (SELECT 1 FROM vault WHERE vault.subject = documents.subject AND vault.record = documents.record)",
            )],
        },
        Table {
            name: "standings",
            columns: &[
                ("accepted", Holds::Kind(Kind::PROFESSIONAL_CERTIFICATION)),
                ("until", Holds::Kind(Kind::PROFESSIONAL_CERTIFICATION)),
            ],
            erase: &[(Kind::PROFESSIONAL_CERTIFICATION, "DELETE FROM standings WHERE subject = $1")],
        },
    ],
    records: &[RecordSpec::of::<Document>()],
    optional: &[Kind::PERSONAL_DOCUMENTS, Kind::PROFESSIONAL_CERTIFICATION],
    views: &[MyDocument::SPEC, DocumentCard::SPEC],
    events: &[
        EventSpec { name: SENT, when: "you hand in a document" },
        EventSpec { name: DECIDED, when: "we have decided on it" },
    ],
    record_events: &[(SENT, RecordSpec::of::<Document>()), (DECIDED, RecordSpec::of::<Document>())],
    jobs: &[Job { name: WARN, run: warn }, Job { name: EXPIRE, run: expire }],
    checks: &[Check { covers: Covers::Rule("role.verifier"), proof: Proof::Construction, run: check }],
    ..Area::named("documents")
};

/// A document that somebody handed in; its bytes lie beside it.
#[derive(Clone, Record, Serialize, Deserialize)]
#[record(name = "document", own_key)]
pub struct Document {
    /// What it is, in the person's words.
    #[kind(PersonalDocuments)]
    pub about: String,
    /// What kind of file it is: `pdf`, `png` or `jpeg`.
    #[kind(PersonalDocuments)]
    pub format: String,
    /// How many bytes it has.
    #[kind(PersonalDocuments)]
    pub size: u64,
    /// Why it was accepted or refused.
    #[kind(PersonalDocuments)]
    pub answer: Option<String>,
}

/// A document, as its owner sees it.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "my-document", says = "the documents that you handed in, on My account")]
#[view(by = Person, purpose = "dpv:Verification", of = Document, rows(ProfessionalCertification))]
pub struct MyDocument {
    /// What it is.
    #[kind(PersonalDocuments)]
    pub about: Option<String>,
    /// The kind of file.
    #[kind(PersonalDocuments)]
    pub format: Option<String>,
    /// Why it was accepted or refused.
    #[kind(PersonalDocuments)]
    pub answer: Option<String>,
}

/// A document at the verification desk.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "document-card", says = "a document at the verification desk, after stating a reason")]
#[view(by = Role("verifier"), purpose = "dpv:Verification", of = Document, rows(ProfessionalCertification))]
pub struct DocumentCard {
    /// Given name.
    #[kind(Name, of = Profile)]
    pub given_name: Option<String>,
    /// Family name.
    #[kind(Name, of = Profile)]
    pub family_name: Option<String>,
    /// What it is.
    #[kind(PersonalDocuments)]
    pub about: Option<String>,
    /// The kind of file.
    #[kind(PersonalDocuments)]
    pub format: Option<String>,
    /// How many bytes it has.
    #[kind(PersonalDocuments)]
    pub size: Option<u64>,
    /// Why it was accepted or refused, once it is decided on.
    #[kind(PersonalDocuments)]
    pub answer: Option<String>,
}

/// What is known of a document without opening it.
#[derive(Clone, Debug)]
struct Paper {
    subject: SubjectId,
    record: String,
    sent: Timestamp,
    state: State,
    decided: Option<Timestamp>,
}

/// Where a document stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Accepted,
    Refused,
}

/// What is decided on a document.
#[derive(Clone, Copy, Debug)]
enum Verdict {
    /// The standing is verified until this moment.
    Accepted(Timestamp),
    Refused,
}

/// Whether somebody's professional standing is verified at a moment: what a service asks that needs it.
///
/// # Errors
/// The database failed.
pub fn verified(read: &Read<'_>, subject: SubjectId, now: Timestamp) -> Result<bool, KeeperError> {
    Ok(verified_until(read, subject, now)?.is_some())
}

fn verified_until(
    read: &Read<'_>,
    subject: SubjectId,
    now: Timestamp,
) -> Result<Option<Timestamp>, KeeperError> {
    Ok(accepted_until(read, subject)?.filter(|until| *until > now))
}

/// Until when a standing counts, or did.
pub(crate) fn accepted_until(read: &Read<'_>, subject: SubjectId) -> Result<Option<Timestamp>, KeeperError> {
    let row =
        read.query_opt("SELECT until FROM standings WHERE subject = $1", &params![subject.as_bytes()])?;
    row.map(|row| from_millis(row.get(0)?)).transpose()
}

/// Whether the notice knows documents at all.
pub(crate) fn declared(policy: &Policy) -> bool {
    [Kind::PERSONAL_DOCUMENTS, Kind::PROFESSIONAL_CERTIFICATION]
        .iter()
        .all(|kind| policy.notice.label_of(kind.term()).is_some())
}

/// Takes a document in. `false` if as many as may wait already do.
fn hand_in(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    about: &str,
    (format, bytes): (Format, &[u8]),
) -> Result<bool, KeeperError> {
    act.may_hold(Kind::PERSONAL_DOCUMENTS)?;
    let waiting = act.tx().query_one(
        "SELECT COUNT(*) FROM documents WHERE subject = $1 AND state = $2",
        &params![subject.as_bytes(), State::Waiting.word()],
    )?;
    if waiting.get::<i64>(0)? >= MOST_WAITING {
        return Ok(false);
    }
    let mut number = [0; 12];
    act.ctx.rng.fill_bytes(&mut number);
    let record = record(&HEXLOWER.encode(&number));
    let document = Document {
        about: about.into(),
        format: format.word().into(),
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        answer: None,
    };
    act.put_as(subject, &record, &document)?;
    act.put_blob::<Document>(subject, &record, Kind::PERSONAL_DOCUMENTS, bytes)?;
    act.tx().execute(
        "INSERT INTO documents (subject, record, sent, state) VALUES ($1, $2, $3, $4)",
        &params![subject.as_bytes(), &record, to_millis(act.ctx.now), State::Waiting.word()],
    )?;
    act.emit_of(subject, SENT, &record).map(|()| true)
}

/// Decides on a document, once. `card` is the document as it was read for that, in this act.
fn decide(
    act: &mut Act<'_, '_>,
    paper: &Paper,
    card: DocumentCard,
    verdict: Verdict,
    reason: &str,
) -> Result<bool, KeeperError> {
    let (subject, now) = (paper.subject, act.ctx.now);
    let state = match verdict {
        Verdict::Accepted(_) => State::Accepted,
        Verdict::Refused => State::Refused,
    };
    let decided = act.tx().execute(
        "UPDATE documents SET state = $1, decided = $2 WHERE subject = $3 AND record = $4 AND state = $5",
        &params![state.word(), to_millis(now), subject.as_bytes(), &paper.record, State::Waiting.word()],
    )?;
    let (Some(about), Some(format), 1) = (card.about, card.format, decided) else { return Ok(false) };
    let document =
        Document { about, format, size: card.size.unwrap_or_default(), answer: Some(reason.into()) };
    act.put_as(subject, &paper.record, &document)?;
    act.emit_of(subject, DECIDED, &paper.record)?;
    let what = match verdict {
        Verdict::Accepted(until) => {
            accept(act, subject, until)?;
            format!("professional standing accepted until {}", staff::last(until)?)
        }
        Verdict::Refused => "document refused".to_owned(),
    };
    act.note(subject, Deed::Wrote, &what, &[], Some(reason))?;
    let (title, text) = match verdict {
        Verdict::Accepted(until) => (
            "Your document is accepted",
            format!(
                "We have accepted the document that you handed in. It counts until {}.",
                staff::last(until)?
            ),
        ),
        Verdict::Refused => {
            ("Your document is not accepted", "We could not accept the document that you handed in.".into())
        }
    };
    let text =
        format!("{text} Why, you read under Documents on My account, where you can also hand in another.");
    messages::write(act, subject, "document", title, &text).map(|()| true)
}

fn accept(act: &mut Act<'_, '_>, subject: SubjectId, until: Timestamp) -> Result<(), KeeperError> {
    act.may_hold(Kind::PROFESSIONAL_CERTIFICATION)?;
    act.tx().execute(
        "INSERT INTO standings (subject, accepted, until) VALUES ($1, $2, $3) \
         ON CONFLICT (subject) DO UPDATE SET accepted = excluded.accepted, until = excluded.until",
        &params![subject.as_bytes(), to_millis(act.ctx.now), to_millis(until)],
    )?;
    act.schedule(subject, EXPIRE, until)?;
    let early = due(until, &Span::new().days(-30)).map_err(|_| KeeperError::Calendar)?;
    if early > act.ctx.now { act.schedule(subject, WARN, early) } else { act.unschedule(subject, WARN) }
}

/// The job a month before an acceptance ends.
fn warn(act: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    let Some(until) = verified_until(act.tx(), duty.subject, act.ctx.now)? else { return Ok(()) };
    let text = format!(
        "We have accepted your professional standing until {}. If it goes on, please hand in a new document before that \
         day, under Documents on My account.",
        staff::last(until)?
    );
    messages::write(act, duty.subject, "document", "Your accepted document runs out", &text)
}

/// The job of its end. That there was one, and until when, is known as long as the notice's own clock lets it.
fn expire(act: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    if accepted_until(act.tx(), duty.subject)?.is_none_or(|until| until > act.ctx.now) {
        return Ok(());
    }
    act.note(duty.subject, Deed::Wrote, "acceptance of the professional standing ended", &[], None)?;
    let text = "The time for which we had accepted your professional standing is over. You can hand in a new document under \
                Documents on My account.";
    messages::write(act, duty.subject, "document", "Your accepted document has run out", text)
}

/// `acc-2`: every standing that counts rests on a decision, and ends when it was said to.
fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let baseless = inspect.count(
        "SELECT COUNT(*) FROM standings WHERE NOT EXISTS (SELECT 1 FROM happenings WHERE \
         happenings.subject = standings.subject AND happenings.event = $1 AND happenings.at = standings.accepted)",
        &params![DECIDED],
    )?;
    if baseless > 0 {
        return Ok(Finding::broken(baseless, format!("verified without a decision: {baseless}")));
    }
    let endless = inspect.count(
        "SELECT COUNT(*) FROM standings WHERE until > $1 AND NOT EXISTS (SELECT 1 FROM duties WHERE \
         duties.subject = standings.subject AND duties.rule = $2 AND duties.due <= standings.until)",
        &params![to_millis(inspect.now), EXPIRE],
    )?;
    if endless > 0 {
        return Ok(Finding::broken(endless, format!("verified, and nothing tells when it ends: {endless}")));
    }
    let late = inspect.now.checked_sub(GRACE).map_err(|_| KeeperError::Calendar)?;
    let untold = inspect.count(
        "SELECT COUNT(*) FROM standings WHERE until <= $1 AND EXISTS (SELECT 1 FROM duties WHERE \
         duties.subject = standings.subject AND duties.rule = $2)",
        &params![to_millis(late), EXPIRE],
    )?;
    if untold > 0 {
        return Ok(Finding::broken(untold, format!("over, and its owner has not been told: {untold}")));
    }
    let row = inspect.read.query_one(
        "SELECT (SELECT COUNT(*) FROM standings WHERE until > $1), (SELECT COUNT(*) FROM documents WHERE state = $2)",
        &params![to_millis(inspect.now), State::Waiting.word()],
    )?;
    let (verified, waiting): (i64, i64) = (row.get(0)?, row.get(1)?);
    Ok(Finding::kept(
        verified,
        format!("verified, each by a decision: {verified}; waiting for one: {waiting}"),
    ))
}

// ── what is known of them ────────────────────────────────────────────────────────────────────────────────────────────

const COLUMNS: &str = "subject, record, sent, state, decided";

impl Paper {
    /// The document with a number, whoever's it is.
    fn find(read: &Read<'_>, number: &str) -> Result<Option<Paper>, KeeperError> {
        let row = read.query_opt(
            &format!("SELECT {COLUMNS} FROM documents WHERE record = $1"),
            &params![record(number)],
        )?;
        row.as_ref().map(Paper::read).transpose()
    }

    /// A person's documents, the newest first.
    fn of(read: &Read<'_>, subject: SubjectId) -> Result<Vec<Paper>, KeeperError> {
        let rows = read.query(
            &format!("SELECT {COLUMNS} FROM documents WHERE subject = $1 ORDER BY sent DESC, record"),
            &params![subject.as_bytes()],
        )?;
        rows.iter().map(Paper::read).collect()
    }

    /// The documents that wait for a decision, the oldest first.
    fn waiting(read: &Read<'_>) -> Result<Vec<Paper>, KeeperError> {
        let rows = read.query(
            &format!("SELECT {COLUMNS} FROM documents WHERE state = $1 ORDER BY sent, record LIMIT 200"),
            &params![State::Waiting.word()],
        )?;
        rows.iter().map(Paper::read).collect()
    }

    fn read(row: &Row) -> Result<Paper, KeeperError> {
        Ok(Paper {
            subject: SubjectId::from_bytes(row.get(0)?),
            record: row.get(1)?,
            sent: from_millis(row.get(2)?)?,
            state: State::parse(&row.get::<String>(3)?)
                .ok_or(KeeperError::Malformed("an unknown state of a document"))?,
            decided: row.get::<Option<i64>>(4)?.map(from_millis).transpose()?,
        })
    }

    /// What an address names it by: a random number.
    fn number(&self) -> &str {
        self.record.split_once('/').map_or("", |(_, number)| number)
    }

    /// From when it is erased, under the notice in force.
    fn erased(&self, policy: &Policy) -> Option<Timestamp> {
        let (event, at) = match self.decided {
            Some(at) => (DECIDED, at),
            None => (SENT, self.sent),
        };
        let clocks = policy.notice.clocks(event);
        let erasing = clocks.into_iter().filter(|clock| matches!(clock.action, Action::Erase(_)));
        erasing.filter_map(|clock| due(at, &clock.after).ok()).min()
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Accepted => "accepted",
            State::Refused => "refused",
        }
    }

    fn parse(word: &str) -> Option<State> {
        [State::Waiting, State::Accepted, State::Refused].into_iter().find(|state| state.word() == word)
    }
}

fn record(number: &str) -> String {
    format!("{}/{number}", Document::NAME)
}
