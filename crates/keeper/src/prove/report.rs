//! A run of all checks: the report that the board, the JSON output and the exit code share.

use jiff::Timestamp;
use kept_notice::Sentence;
use kept_store::{Read, Tx, params};
use serde::Serialize;

use super::{Check, Finding, Inspect, Proof, Status, ground::Ground, sample::Sample};
use crate::{
    checkpoint,
    ctx::Actor,
    error::KeeperError,
    facts,
    keeper::{House, Keeper},
    policy::Policy,
    time::{day, from_millis, to_millis},
    trail,
};

/// Where it is written down how many leaves the last run read.
const LEAVES_READ: &str = "leaves-read";

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
    /// How many of their leaves were read for this: all of them, or those that had come since an earlier run.
    pub read: u64,
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
    /// Runs the check of every sentence now, writes the evidence down, and signs a checkpoint of the ledger. Reads every
    /// leaf, every deed, and everybody whose time has come.
    ///
    /// # Errors
    /// The database failed, or the ledger's rows no longer give its root.
    pub async fn prove(&self) -> Result<Report, KeeperError> {
        self.prove_from(|_| None).await
    }

    /// As [`prove`](Keeper::prove), reading only what has come since the last run in which this server found every
    /// sentence kept: new leaves, new deeds, people whose time has come since, and fewer samples. What changed in older
    /// rows is for `prove` to find. Everything is read when there was no such run under the notice in force, or
    /// when some server has found a sentence broken since.
    ///
    /// # Errors
    /// As [`prove`](Keeper::prove).
    pub async fn prove_new(&self) -> Result<Report, KeeperError> {
        self.prove_from(Option::take).await
    }

    async fn prove_from(
        &self,
        known: fn(&mut Option<Ground>) -> Option<Ground>,
    ) -> Result<Report, KeeperError> {
        let mut turn = self.house.proving.lock().await;
        let (house, policy, now) = (self.house.clone(), self.follow().await?, self.now());
        let known = known(&mut turn);
        let (report, ground) =
            self.store.scan(move |read| report(&house, read, &policy, now, known.as_ref())).await?;
        // Where something is broken, the next run looks at everything again.
        *turn = report.broken().next().is_none().then_some(ground);
        let (house, evidence) = (self.house.clone(), report.clone());
        let (checkpoint, note) = self
            .act(self.ctx(Actor::System), move |act| {
                write_down(act.tx(), &evidence)?;
                checkpoint::sign(&house, act.tx(), act.ctx.now)
            })
            .await?;
        let house = self.house.clone();
        self.store.scan(move |read| checkpoint::publish(read, &house, &checkpoint, &note)).await?;
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

fn write_down(tx: &Tx<'_>, report: &Report) -> Result<(), KeeperError> {
    let position = i64::try_from(report.ledger.size).unwrap_or(i64::MAX);
    // What another server found in a longer ledger stays.
    for promise in &report.promises {
        tx.execute(
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
    Ok(facts::write(tx, LEAVES_READ, &report.ledger.read.to_string())?)
}

fn report(
    house: &House,
    read: &Read<'_>,
    policy: &Policy,
    now: Timestamp,
    known: Option<&Ground>,
) -> Result<(Report, Ground), KeeperError> {
    let start = Ground::default();
    let broken = read.query("SELECT 1 FROM evidence WHERE status = 'broken' LIMIT 1", &params![])?;
    let known = known.filter(|known| known.version == policy.version() && broken.is_empty());
    let before = known.unwrap_or(&start);
    let ground = before.go_on(read, policy, now)?;
    let sample = Sample::choose(house, read, now, before.at.is_none())?;
    let in_force = day(now) >= policy.notice.effective;
    let mut promises = Vec::with_capacity(policy.sentences.len());
    for sentence in &policy.sentences {
        let checks = checks_of(house, &sentence.id)?;
        let found = if in_force {
            let (before, ground, sample) = (before, &ground, &sample);
            let inspect = Inspect { read, now, policy, sentence, house, before, ground, sample };
            together(checks.iter().map(|check| (check.run)(&inspect)).collect::<Result<_, _>>()?)
        } else {
            Finding { status: Status::NotInForce, ..Finding::not_due("the notice does not yet apply") }
        };
        promises.push(promise(sentence, &checks, now, found));
    }
    let ledger = ledger_ref(&ground.edge, ground.edge.size() - before.edge.size());
    Ok((Report { notice: notice_ref(policy), at: now, ledger, promises }, ground))
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
    let leaves_read =
        facts::read(read, LEAVES_READ)?.and_then(|count| count.parse().ok()).unwrap_or_default();
    let ledger = ledger_ref(&trail::edge(read)?, leaves_read);
    Ok(Report { notice: notice_ref(policy), at, ledger, promises })
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

fn ledger_ref(edge: &kept_ledger::Frontier, read: u64) -> LedgerRef {
    LedgerRef { size: edge.size(), read, root: data_encoding::BASE64.encode(&edge.root()) }
}
