//! The club's area: what a part of an organisation brings, as small as it can be while using everything.

use jiff::Timestamp;
use kept_keeper::{
    Act, Announcement, Area, By, Check, Covers, Duty, EventSpec, Field, Finding, FormSpec, Holds, Hooks,
    Index, Inspect, Job, KeeperError, Letter, Proof, Record, RecordSpec, Status, Table, Told, View,
    ViewField, ViewSpec, Warning,
    time::{long_date, to_millis},
};
use kept_store::{Migration, params};
use kept_vault::{Kind, Mask, SubjectId};
use serde::{Deserialize, Serialize};

pub(crate) const NOTICE: &str = include_str!("notice.toml");

/// An address belongs to one member, a name to as many as bear it.
pub(crate) const BY_EMAIL: Index = Index { name: "email", kind: Kind::EMAIL_ADDRESS, unique: true };
pub(crate) const BY_NAME: Index = Index { name: "name", kind: Kind::NAME, unique: false };

pub(crate) const AREA: Area = Area {
    migrations: &[MIGRATION],
    tables: TABLES,
    records: &[RecordSpec::of::<Profile>(), RecordSpec::of::<Badge>()],
    views: &[Own::SPEC, Card::SPEC, Phonebook::SPEC, Addressee::SPEC],
    forms: &[FormSpec {
        name: "join",
        title: "join the club",
        kinds: &[(Kind::NAME, true), (Kind::EMAIL_ADDRESS, true), (Kind::TELEPHONE_NUMBER, false)],
    }],
    events: EVENTS,
    roles: &["support", "owner"],
    jobs: &[
        Job { name: "ring", run: ring },
        Job { name: "trip", run: trip },
        Job { name: "home", run: home },
    ],
    hooks: Hooks { disable: Some(disable), warn: Some(warn), tell: Some(tell) },
    checks: &[Check { covers: Covers::Rule("session"), proof: Proof::Attested, run: stated }],
    ..Area::named("club")
};

pub(crate) const MIGRATION: Migration = Migration {
    name: "club/0001_club",
    sql: "CREATE TABLE members (
            subject  BLOB NOT NULL PRIMARY KEY,
            standing TEXT NOT NULL,
            rung     BIGINT NOT NULL,
            told     BIGINT
          );
          CREATE TABLE walks (
            subject BLOB   NOT NULL,
            number  BIGINT NOT NULL,
            credits BIGINT,
            PRIMARY KEY (subject, number)
          ) /* clustered */;",
};

pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "members",
        columns: &[
            ("standing", Holds::Kind(Kind::MEMBERSHIP)),
            ("rung", Holds::Kind(Kind::MEMBERSHIP)),
            ("told", Holds::Kind(Kind::MEMBERSHIP)),
        ],
        erase: &[(Kind::MEMBERSHIP, "DELETE FROM members WHERE subject = $1")],
    },
    Table {
        name: "walks",
        columns: &[("number", Holds::Bookkeeping), ("credits", Holds::Kind(Kind::PROFESSIONAL_TRAINING))],
        // The row stays and says nothing any more: both ways to erase are tried here.
        erase: &[(
            Kind::PROFESSIONAL_TRAINING,
            "UPDATE walks SET credits = NULL WHERE subject = $1 AND credits IS NOT NULL",
        )],
    },
];

const EVENTS: &[EventSpec] = &[
    EventSpec { name: "member.left", when: "you leave the club" },
    EventSpec { name: "member.back", when: "you come back" },
    EventSpec { name: "dispute.opened", when: "you dispute how we handle your data" },
    EventSpec { name: "dispute.settled", when: "the dispute is settled" },
    EventSpec { name: "inspection.begun", when: "an inspection begins" },
];

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) email: String,
    // Left out rather than null: what is taken back must go all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
}

impl Record for Profile {
    const NAME: &'static str = "profile";
    const FIELDS: &'static [Field] = &[
        Field { name: "name", kind: Kind::NAME },
        Field { name: "email", kind: Kind::EMAIL_ADDRESS },
        Field { name: "phone", kind: Kind::TELEPHONE_NUMBER },
    ];
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Badge {
    pub(crate) member_id: String,
}

impl Record for Badge {
    const NAME: &'static str = "badge";
    const FIELDS: &'static [Field] = &[Field { name: "member_id", kind: Kind::IDENTIFIER }];
}

const fn field(name: &'static str, kind: Kind, mask: Mask) -> ViewField {
    ViewField { record: "profile", name, kind, mask }
}

const fn spec(
    name: &'static str,
    by: By,
    purpose: &'static str,
    fields: &'static [ViewField],
    needed: bool,
) -> ViewSpec {
    ViewSpec { name, says: "what a test looks at", by, purpose, fields, rows: &[], needed }
}

/// What members see of themselves.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Own {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
}

impl View for Own {
    const SPEC: ViewSpec = spec(
        "own",
        By::Person,
        "dpv:ServiceProvision",
        &[
            field("name", Kind::NAME, Mask::Whole),
            field("email", Kind::EMAIL_ADDRESS, Mask::Whole),
            field("phone", Kind::TELEPHONE_NUMBER, Mask::Whole),
        ],
        false,
    );
}

/// What the desk sees: the name whole, the number in part.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Card {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
}

impl View for Card {
    const SPEC: ViewSpec = spec(
        "card",
        By::Role("support"),
        "dpv:ServiceProvision",
        &[
            field("name", Kind::NAME, Mask::Whole),
            field("email", Kind::EMAIL_ADDRESS, Mask::Domain),
            field("phone", Kind::TELEPHONE_NUMBER, Mask::Last4),
        ],
        false,
    );
}

/// A view that the notice does not allow: it shows the number whole, beside showing it in part.
#[derive(Debug, Deserialize)]
pub(crate) struct Phonebook {
    #[expect(dead_code, reason = "it is never released")]
    phone: Option<String>,
}

impl View for Phonebook {
    const SPEC: ViewSpec = spec(
        "phonebook",
        By::Role("support"),
        "dpv:ServiceProvision",
        &[
            field("phone", Kind::TELEPHONE_NUMBER, Mask::Last4),
            field("phone", Kind::TELEPHONE_NUMBER, Mask::Whole),
        ],
        false,
    );
}

/// What the server needs to write to somebody.
#[derive(Debug, Deserialize)]
pub(crate) struct Addressee {
    pub(crate) email: Option<String>,
}

impl View for Addressee {
    const SPEC: ViewSpec = spec(
        "addressee",
        By::System,
        "dpv:CommunicationManagement",
        &[field("email", Kind::EMAIL_ADDRESS, Mask::Whole)],
        true,
    );
}

fn ring(act: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    act.tx().execute(
        "UPDATE members SET rung = rung + 1 WHERE subject = $1",
        &params![duty.subject.as_bytes()],
    )?;
    Ok(())
}

/// A job with a mistake in it.
fn trip(_: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    Err(KeeperError::Unknown(duty.rule.clone()))
}

/// Somebody comes back, on the very day and in the very sweep.
fn home(act: &mut Act<'_, '_>, duty: &Duty) -> Result<(), KeeperError> {
    act.emit(duty.subject, "member.back")
}

fn disable(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<bool, KeeperError> {
    act.tx()
        .execute("UPDATE members SET standing = 'closed' WHERE subject = $1", &params![subject.as_bytes()])?;
    Ok(true)
}

fn warn(act: &mut Act<'_, '_>, warning: &Warning<'_>) -> Result<(), KeeperError> {
    act.tx().execute(
        "UPDATE members SET told = $2 WHERE subject = $1",
        &params![warning.subject.as_bytes(), to_millis(warning.when)],
    )?;
    match act.view::<Addressee>(warning.subject, None)?.email {
        Some(to) => write_to(act, warning.subject, &to, warning.when),
        None => Ok(()),
    }
}

fn write_to(act: &mut Act<'_, '_>, subject: SubjectId, to: &str, when: Timestamp) -> Result<(), KeeperError> {
    let text = format!("We will erase your data on {}.", long_date(when));
    act.mail(subject, &Letter { about: "warning", to: to.into(), subject: "Your data".into(), text })
}

/// Whoever has an address here is told of a change; whose name is not known yet, later.
fn tell(act: &mut Act<'_, '_>, announcement: &Announcement<'_>) -> Result<Told, KeeperError> {
    let Some(to) = act.view::<Addressee>(announcement.subject, None)?.email else { return Ok(Told::Nobody) };
    if to.starts_with("unconfirmed") {
        return Ok(Told::Later);
    }
    let matters = announcement.changes.iter().filter(|one| one.is_material()).count();
    let text = format!("On {} our notice changes: {matters} sentences.", announcement.effective);
    let letter = Letter { about: "change", to, subject: "Our notice".into(), text };
    act.mail(announcement.subject, &letter)?;
    Ok(Told::Now)
}

fn stated(_: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    Ok(Finding { status: Status::Stated, count: 0, oldest: None, detail: "the chair says so".into() })
}
