//! Proving the notice: every sentence has a check, and what a check finds is evidence.

mod change;
mod retain;
mod rules;

use jiff::Timestamp;
use kept_notice::Sentence;
use kept_store::{Read, params};
use serde::Serialize;

use crate::{
    checkpoint,
    ctx::Actor,
    error::KeeperError,
    keeper::{House, Keeper},
    policy::Policy,
    registry::Registry,
    sealed::Vault,
    time::{day, from_millis, to_millis},
    trail,
};

/// How one or more sentences are proven.
#[derive(Clone, Copy)]
pub struct Check {
    /// The sentences that it proves.
    pub covers: Covers,
    /// By what kind of proof.
    pub proof: Proof,
    /// Looks, and says what it found.
    pub run: fn(&Inspect<'_, '_>) -> Result<Finding, KeeperError>,
}

/// Which sentences a check proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// Every rule of a section: `retain`.
    Section(&'static str),
    /// One rule, besides any check of its section: `never.track`.
    Rule(&'static str),
}

impl Covers {
    /// Whether the rule with this id is covered.
    pub fn includes(self, id: &str) -> bool {
        match self {
            Covers::Section(section) => {
                id.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            Covers::Rule(rule) => id == rule,
        }
    }
}

/// A kind of proof, printed beside every promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// No code path, type or schema can do otherwise.
    Construction,
    /// The ledger shows that it happened.
    Event,
    /// The server tests itself.
    Probe,
    /// A named role states it.
    Attested,
}

/// How a promise stands. The words are DPV's rule fulfilment, in plain English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is being kept.
    Kept,
    /// There has been nothing to do yet.
    NotDue,
    /// It is broken: the detail says how.
    Broken,
    /// A person states it.
    Stated,
    /// The notice does not yet apply.
    NotInForce,
}

impl Status {
    /// The word of the board and of the JSON output.
    pub fn word(self) -> &'static str {
        match self {
            Status::Kept => "kept",
            Status::NotDue => "not-due",
            Status::Broken => "broken",
            Status::Stated => "stated",
            Status::NotInForce => "not-in-force",
        }
    }

    fn parse(word: &str) -> Option<Status> {
        [Status::Kept, Status::NotDue, Status::Broken, Status::Stated, Status::NotInForce]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How the promise stands.
    pub status: Status,
    /// How many cases were looked at, in the detail's terms.
    pub count: i64,
    /// The oldest case that is still open.
    pub oldest: Option<Timestamp>,
    /// The finding in words, without personal data.
    pub detail: String,
}

impl Finding {
    /// Kept, with a count and words.
    pub fn kept(count: i64, detail: impl Into<String>) -> Finding {
        Finding { status: Status::Kept, count, oldest: None, detail: detail.into() }
    }

    /// Broken, with how many cases break it.
    pub fn broken(count: i64, detail: impl Into<String>) -> Finding {
        Finding { status: Status::Broken, count, oldest: None, detail: detail.into() }
    }

    /// Nothing to do yet.
    pub fn not_due(detail: impl Into<String>) -> Finding {
        Finding { status: Status::NotDue, count: 0, oldest: None, detail: detail.into() }
    }
}

/// What a check may look at.
pub struct Inspect<'a, 'c> {
    /// One snapshot of the database.
    pub read: &'a Read<'c>,
    /// The moment of the check.
    pub now: Timestamp,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The sentence to prove.
    pub sentence: &'a Sentence,
    house: &'a House,
}

impl Inspect<'_, '_> {
    /// The areas of the site.
    pub fn registry(&self) -> &Registry {
        &self.house.registry
    }

    fn vault(&self) -> Vault<'_> {
        Vault { ring: &self.house.ring }
    }

    /// The rule's name without its section: `lapsed` of `retain.lapsed`.
    pub fn name(&self) -> &str {
        self.sentence.id.split_once('.').map_or(self.sentence.id.as_str(), |(_, name)| name)
    }

    /// The single number that a query counts.
    ///
    /// # Errors
    /// The database failed.
    pub fn count(&self, sql: &str, params: &[kept_store::Value]) -> Result<i64, KeeperError> {
        Ok(self.read.query_one(sql, params)?.get(0)?)
    }
}

/// The kernel's own checks.
pub(crate) const CHECKS: &[Check] = &[
    Check { covers: Covers::Section("retain"), proof: Proof::Event, run: retain::check },
    Check { covers: Covers::Section("hold"), proof: Proof::Event, run: rules::hold },
    Check { covers: Covers::Section("form"), proof: Proof::Construction, run: rules::form },
    Check { covers: Covers::Section("purpose"), proof: Proof::Construction, run: rules::purpose },
    Check { covers: Covers::Section("role"), proof: Proof::Construction, run: rules::role },
    Check { covers: Covers::Rule("right.access"), proof: Proof::Probe, run: rules::access },
    Check { covers: Covers::Rule("notice"), proof: Proof::Probe, run: change::published },
    Check { covers: Covers::Rule("notice.change"), proof: Proof::Event, run: change::change },
    Check { covers: Covers::Rule("never.store-in-clear"), proof: Proof::Probe, run: rules::sealed },
];

/// Everything that a run of all checks found. This is the JSON of `kept prove --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The notice in force.
    pub notice: NoticeRef,
    /// When the checks ran.
    pub at: Timestamp,
    /// The ledger that the evidence points into.
    pub ledger: LedgerRef,
    /// Every sentence with what was found.
    pub promises: Vec<Promise>,
}

/// A notice by its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoticeRef {
    /// The hash of its canonical form.
    pub version: String,
    /// Its effective date.
    pub effective: jiff::civil::Date,
}

/// A ledger by its size and root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedgerRef {
    /// How many events.
    pub size: u64,
    /// The Merkle root in base64.
    pub root: String,
}

/// One sentence and what its check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Promise {
    /// The rule: `retain.lapsed`.
    pub id: String,
    /// The operator's clause numbers.
    #[serde(rename = "ref")]
    pub refs: Vec<String>,
    /// The sentence.
    pub sentence: String,
    /// `obligation`, `prohibition` or `permission`.
    pub rule: String,
    /// How it is proven.
    pub proof: Proof,
    /// How it stands.
    pub status: Status,
    /// When it was checked.
    pub checked: Timestamp,
    /// How many cases.
    pub count: i64,
    /// The oldest open case.
    pub oldest: Option<Timestamp>,
    /// The finding in words.
    pub detail: String,
}

impl Report {
    /// The promises that are broken.
    pub fn broken(&self) -> impl Iterator<Item = &Promise> {
        self.promises.iter().filter(|promise| promise.status == Status::Broken)
    }
}

impl Keeper {
    /// Runs the check of every sentence now, writes the evidence down, and signs a checkpoint of the ledger.
    ///
    /// # Errors
    /// The database failed, or the ledger's rows no longer give its root.
    pub async fn prove(&self) -> Result<Report, KeeperError> {
        let _turn = self.house.proving.lock().await;
        let (house, policy, now) = (self.house.clone(), self.follow().await?, self.now());
        let report = self.store.scan(move |read| report(&house, read, &policy, now)).await?;
        let (house, evidence) = (self.house.clone(), report.clone());
        let note = self.act(self.ctx(Actor::System), move |act| {
            let position = i64::try_from(evidence.ledger.size).unwrap_or(i64::MAX);
            // What another server found in a longer ledger stays.
            for promise in &evidence.promises {
                act.tx().execute(
                    "INSERT INTO evidence (promise, at, status, count, oldest, position, detail) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (promise) DO UPDATE SET at = excluded.at, \
                     status = excluded.status, count = excluded.count, oldest = excluded.oldest, \
                     position = excluded.position, detail = excluded.detail \
                     WHERE evidence.position <= excluded.position",
                    &params![
                        &promise.id,
                        to_millis(promise.checked),
                        promise.status.word(),
                        promise.count,
                        promise.oldest.map(to_millis),
                        position,
                        &promise.detail
                    ],
                )?;
            }
            checkpoint::sign(&house, act.tx(), act.ctx.now)
        })
        .await?;
        let folder = self.house.folder.clone();
        let published = tokio::task::spawn_blocking(move || checkpoint::publish(&folder, &note)).await;
        published.map_err(std::io::Error::other).flatten().map_err(KeeperError::Checkpoint)?;
        Ok(report)
    }

    /// What the last run of the checks found: what the public board shows.
    ///
    /// # Errors
    /// The database failed.
    pub async fn board(&self) -> Result<Report, KeeperError> {
        let (house, policy, now) = (self.house.clone(), self.follow().await?, self.now());
        self.store.read(move |read| board(&house, read, &policy, now)).await
    }
}

fn report(house: &House, read: &Read<'_>, policy: &Policy, now: Timestamp) -> Result<Report, KeeperError> {
    let edge = trail::verified_edge(read)?;
    let in_force = day(now) >= policy.notice.effective;
    let mut promises = Vec::with_capacity(policy.sentences.len());
    for sentence in &policy.sentences {
        let checks = checks_of(house, &sentence.id)?;
        let found = if in_force {
            let inspect = Inspect { read, now, policy, sentence, house };
            let found: Vec<Finding> =
                checks.iter().map(|check| (check.run)(&inspect)).collect::<Result<_, _>>()?;
            together(found)
        } else {
            Finding { status: Status::NotInForce, ..Finding::not_due("the notice does not yet apply") }
        };
        promises.push(promise(sentence, &checks, now, found));
    }
    Ok(Report { notice: notice_ref(policy), at: now, ledger: ledger_ref(&edge), promises })
}

fn board(house: &House, read: &Read<'_>, policy: &Policy, now: Timestamp) -> Result<Report, KeeperError> {
    let mut promises = Vec::with_capacity(policy.sentences.len());
    let mut at = now;
    for sentence in &policy.sentences {
        let checks = checks_of(house, &sentence.id)?;
        let row = read.query_opt(
            "SELECT at, status, count, oldest, detail FROM evidence WHERE promise = $1",
            &params![&sentence.id],
        )?;
        let Some(row) = row else {
            promises.push(promise(sentence, &checks, now, Finding::not_due("not yet checked")));
            continue;
        };
        at = from_millis(row.get(0)?)?;
        let found = Finding {
            status: Status::parse(&row.get::<String>(1)?)
                .ok_or(KeeperError::Malformed("an unknown status of a promise"))?,
            count: row.get(2)?,
            oldest: row.get::<Option<i64>>(3)?.map(from_millis).transpose()?,
            detail: row.get(4)?,
        };
        promises.push(promise(sentence, &checks, at, found));
    }
    Ok(Report { notice: notice_ref(policy), at, ledger: ledger_ref(&trail::edge(read)?), promises })
}

/// The checks of a sentence: several areas may each prove their part of it.
fn checks_of<'a>(house: &'a House, id: &str) -> Result<Vec<&'a Check>, KeeperError> {
    let checks: Vec<_> = house.registry.checks().filter(|check| check.covers.includes(id)).collect();
    if checks.is_empty() { Err(KeeperError::Unknown(id.into())) } else { Ok(checks) }
}

/// What several checks of one sentence found: it is broken if one of them says so, and then only they speak; the count
/// is that of the first.
fn together(found: Vec<Finding>) -> Finding {
    let (broken, sound): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|finding| finding.status == Status::Broken);
    let found = if broken.is_empty() { sound } else { broken };
    found
        .into_iter()
        .reduce(|mut all, next| {
            // Whoever has nothing to say of this sentence says nothing.
            let details = [all.detail, next.detail].into_iter().filter(|detail| !detail.is_empty());
            all.detail = details.collect::<Vec<_>>().join("; ");
            all.oldest = all.oldest.into_iter().chain(next.oldest).min();
            all
        })
        .unwrap_or_else(|| Finding::not_due("nothing to check"))
}

fn promise(sentence: &Sentence, checks: &[&Check], checked: Timestamp, found: Finding) -> Promise {
    // The checks of one sentence are of one kind of proof.
    let proof = checks.first().map_or(Proof::Construction, |check| check.proof);
    Promise {
        id: sentence.id.clone(),
        refs: sentence.refs.clone(),
        sentence: sentence.text.clone(),
        rule: sentence.modality.to_string(),
        proof,
        status: found.status,
        checked,
        count: found.count,
        oldest: found.oldest,
        detail: found.detail,
    }
}

fn notice_ref(policy: &Policy) -> NoticeRef {
    NoticeRef { version: policy.notice.version.clone(), effective: policy.notice.effective }
}

fn ledger_ref(edge: &kept_ledger::Frontier) -> LedgerRef {
    LedgerRef { size: edge.size(), root: data_encoding::BASE64.encode(&edge.root()) }
}
