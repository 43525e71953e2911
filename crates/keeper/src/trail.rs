//! The ledger as the database keeps it: public leaves, and each event sealed under its subject's trail key.

use jiff::Timestamp;
use kept_ledger::{Frontier, Hash, commit, leaf};
use kept_store::{Read, Row, Tx, Value, params};
use kept_vault::{DataKey, KeyId, Kind, Place, Source, SubjectId};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::{
    error::KeeperError,
    sealed::{Ahead, Keys, Vault},
};

/// How many random bytes precede an event.
const NONCE: usize = 32;

/// The subject of events that concern no person: a policy taken into force, a brake, a checkpoint.
pub(crate) const SITE: SubjectId = SubjectId::from_bytes([0; 16]);

/// What an event says was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Data was collected or changed.
    Wrote,
    /// Data was shown through a view.
    Read,
    /// A person allowed that staff look at their data.
    Permitted,
    /// A page was opened.
    Opened,
    /// A file was given to the person.
    Downloaded,
    /// A copy of everything was given to the person.
    Exported,
    /// Data was erased for good.
    Erased,
    /// Something happened that the notice counts from.
    Happened,
    /// Somebody signed in.
    SignedIn,
    /// Somebody tried to sign in and failed.
    SignInFailed,
    /// Somebody signed out.
    SignedOut,
    /// An account was switched off.
    Disabled,
    /// A message was written to the person.
    Messaged,
    /// Erasing was put off, because a hold covers the data.
    Held,
    /// Something of the site itself.
    Site,
}

/// A processing event: who, what, purpose, view, kinds, notice version, time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Who: `person`, `system`, `visitor`, or `role:` and a random id.
    pub who: String,
    /// What was done.
    pub deed: Deed,
    /// Why: a DPV purpose, or nothing where the deed has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Through which view, under which rule, or of what: a name in the code or the notice.
    pub what: String,
    /// The kinds of data concerned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// The reason that staff stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The notice version under which it was done.
    pub notice: String,
}

/// An event with its position in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The leaf's position.
    pub position: u64,
    /// What happened.
    pub event: Event,
}

/// An event with its nonce, sealed under a trail key: all that appending it needs.
#[derive(Clone)]
pub(crate) struct SealedEvent {
    pub(crate) subject: SubjectId,
    key: KeyId,
    leaf: Hash,
    sealed: Vec<u8>,
}

/// Where an event is written: a subject, and the key of their trail.
pub(crate) struct Trail {
    pub(crate) subject: SubjectId,
    pub(crate) key: (KeyId, DataKey),
}

impl Trail {
    /// The subject's own trail, if there is one or it may begin now; else the site's. An erased trail stays erased.
    pub(crate) fn of(
        tx: &Tx<'_>,
        vault: &Vault<'_>,
        rng: &mut ChaCha20Rng,
        subject: SubjectId,
        may_begin: bool,
    ) -> Result<Trail, KeeperError> {
        let keys = vault.keys(tx, subject, "")?;
        Trail::among(tx, vault, rng, &keys, may_begin)
    }

    /// The same, when the subject's keys have been read already.
    pub(crate) fn among(
        tx: &Tx<'_>,
        vault: &Vault<'_>,
        rng: &mut ChaCha20Rng,
        keys: &Keys,
        may_begin: bool,
    ) -> Result<Trail, KeeperError> {
        if let Some(trail) = Trail::known(vault, keys)? {
            return Ok(trail);
        }
        let subject = if may_begin { keys.subject } else { SITE };
        Ok(Trail { subject, key: vault.key(tx, rng, subject, Kind::TRAIL, "")? })
    }

    /// A subject's own trail, when its key is among theirs.
    pub(crate) fn known(vault: &Vault<'_>, keys: &Keys) -> Result<Option<Trail>, KeeperError> {
        let key = vault.open_key(keys, Kind::TRAIL, "")?;
        Ok(key.map(|key| Trail { subject: keys.subject, key }))
    }

    /// Seals an event. The nonce makes its leaf unlike any other, and tells nobody what the event is.
    pub(crate) fn seal(&self, rng: &mut ChaCha20Rng, event: &Event) -> Result<SealedEvent, KeeperError> {
        let mut plain = vec![0; NONCE];
        rng.fill_bytes(&mut plain);
        serde_json::to_writer(&mut plain, event)
            .map_err(|e| KeeperError::Shape { name: "event", cause: e.to_string() })?;
        let (nonce, body) = plain.split_first_chunk::<NONCE>().ok_or(KeeperError::Ledger)?;
        let (key, data) = &self.key;
        Ok(SealedEvent {
            subject: self.subject,
            key: *key,
            leaf: leaf(&commit(nonce, body)),
            sealed: kept_vault::seal(data, &place(self.subject), &plain, rng),
        })
    }
}

/// A turn at the ledger: its right edge while a transaction may append to it, what was appended, which is written by
/// [`finish`](Turn::finish) all at once, and the notice in force.
pub(crate) struct Turn {
    edge: Frontier,
    leaves: Vec<Vec<Value>>,
    events: Vec<(SubjectId, Vec<Value>)>,
    notices: Notices,
    stale: bool,
    /// The keys of those whom the acts are about.
    pub(crate) ahead: Ahead,
}

/// Which notice is in force, and which is to follow.
#[derive(Clone)]
pub(crate) struct Notices {
    /// The version in force.
    pub(crate) policy: String,
    /// The version that is proposed.
    pub(crate) proposed: Option<String>,
    /// From when the proposed one binds, once that is known.
    pub(crate) activates: Option<i64>,
}

/// How far a turn had come, to go [back](Turn::back_to) to.
pub(crate) struct Mark {
    edge: Frontier,
    appended: usize,
}

impl Turn {
    /// Takes the edge, and with it the turn: until this transaction ends, no other can take it, on any server.
    ///
    /// Acts take it before anything else. So they run one after another on every database, what one reads cannot change
    /// before it writes, no two wait for each other, and no two leaves take one position.
    pub(crate) fn begin(tx: &Tx<'_>) -> Result<Turn, KeeperError> {
        let row = tx.query_one(
            "UPDATE ledger_edge SET edge = edge WHERE id = 1 RETURNING policy, proposed, activates, edge",
            &params![],
        )?;
        Ok(Turn {
            edge: frontier(&row, 3)?,
            leaves: Vec::new(),
            events: Vec::new(),
            notices: Notices::read(&row)?,
            stale: false,
            ahead: Ahead::default(),
        })
    }

    /// The notices, as the act before has left them.
    pub(crate) fn notices(&mut self, tx: &Tx<'_>) -> Result<Notices, KeeperError> {
        if self.stale {
            let row = "SELECT policy, proposed, activates FROM ledger_edge WHERE id = 1";
            self.notices = Notices::read(&tx.query_one(row, &params![])?)?;
            self.stale = false;
        }
        Ok(self.notices.clone())
    }

    /// The act that runs changes the notices in the database. Whether it is kept or not, the next reads them anew.
    pub(crate) fn changes_notices(&mut self) {
        self.stale = true;
    }

    /// How many events were appended.
    pub(crate) fn appended(&self) -> usize {
        self.leaves.len()
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { edge: self.edge.clone(), appended: self.appended() }
    }

    /// Takes back what was appended since: the act that did so is undone.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.edge = mark.edge;
        self.leaves.truncate(mark.appended);
        self.events.truncate(mark.appended);
    }

    /// Appends an event, for the transaction of the change that it describes. Gives its position and its leaf.
    pub(crate) fn append(&mut self, event: SealedEvent) -> Result<(i64, Hash), KeeperError> {
        let SealedEvent { subject, key, leaf, sealed } = event;
        let position = i64::try_from(self.edge.append(leaf)).map_err(|_| KeeperError::Ledger)?;
        self.leaves.push(params![position, leaf].into());
        let row = params![subject.as_bytes(), position, sealed, Kind::TRAIL.term(), key.as_bytes()];
        self.events.push((subject, row.into()));
        Ok((position, leaf))
    }

    /// Writes what was appended.
    pub(crate) fn finish(&mut self, tx: &Tx<'_>) -> Result<(), KeeperError> {
        if self.leaves.is_empty() {
            return Ok(());
        }
        tx.send_each("INSERT INTO ledger (position, leaf) VALUES ($1, $2)", &self.leaves)?;
        // As the table lies, so that each of its pages is changed once for all who are on it.
        self.events.sort_by_key(|(subject, _)| *subject);
        let events: Vec<_> = std::mem::take(&mut self.events).into_iter().map(|(_, row)| row).collect();
        // Unless the trail was erased, by the same act or a later one.
        tx.send_each(
            "INSERT INTO trail (subject, position, sealed) SELECT $1, $2, $3 FROM keys \
             WHERE subject = $1 AND kind = $4 AND record = '' AND key = $5",
            &events,
        )?;
        tx.send("UPDATE ledger_edge SET edge = $1 WHERE id = 1", &params![self.edge.to_bytes()])?;
        Ok(())
    }
}

impl Notices {
    fn read(row: &Row) -> Result<Notices, KeeperError> {
        Ok(Notices { policy: row.get(0)?, proposed: row.get(1)?, activates: row.get(2)? })
    }
}

/// Whether this leaf was committed at this position. The hash of a random nonce is in no other transaction.
pub(crate) fn holds(read: &Read<'_>, (position, leaf): (i64, Hash)) -> Result<bool, KeeperError> {
    let row = read.query_opt("SELECT leaf FROM ledger WHERE position = $1", &params![position])?;
    Ok(row.map(|row| row.get::<Hash>(0)).transpose()? == Some(leaf))
}

/// The ledger's right edge: its size and root.
pub(crate) fn edge(read: &Read<'_>) -> Result<Frontier, KeeperError> {
    frontier(&read.query_one("SELECT edge FROM ledger_edge WHERE id = 1", &params![])?, 0)
}

fn frontier(row: &Row, column: usize) -> Result<Frontier, KeeperError> {
    Frontier::from_bytes(&row.get::<Vec<u8>>(column)?).map_err(|_| KeeperError::Ledger)
}

/// How many leaves are read at once when the root is computed anew.
const PAGE: i64 = 10_000;

/// The ledger's right edge, after computing it anew from the leaves after an edge that was computed so before.
///
/// # Errors
/// [`KeeperError::Ledger`]: one of these leaves was changed, removed or added.
pub(crate) fn verified_edge(read: &Read<'_>, from: &Frontier) -> Result<Frontier, KeeperError> {
    let mut seen = from.clone();
    loop {
        let next = i64::try_from(seen.size()).map_err(|_| KeeperError::Ledger)?;
        let leaves = read.query(
            "SELECT position, leaf FROM ledger WHERE position >= $1 ORDER BY position LIMIT $2",
            &params![next, PAGE],
        )?;
        if leaves.is_empty() {
            break;
        }
        for row in leaves {
            let position = seen.append(row.get(1)?);
            if i64::try_from(position) != Ok(row.get(0)?) {
                return Err(KeeperError::Ledger);
            }
        }
    }
    if seen == edge(read)? { Ok(seen) } else { Err(KeeperError::Ledger) }
}

/// A subject's events before a position, newest first; empty when the trail has been erased.
///
/// Each is held against its leaf, so that a changed or swapped row is found here.
pub(crate) fn of(
    read: &Read<'_>,
    vault: &Vault<'_>,
    subject: SubjectId,
    before: Option<u64>,
    most: i64,
) -> Result<Vec<Entry>, KeeperError> {
    let keys = vault.keys(read, subject, "")?;
    let Some((_, key)) = vault.open_key(&keys, Kind::TRAIL, "")? else { return Ok(Vec::new()) };
    let before = before.and_then(|position| i64::try_from(position).ok()).unwrap_or(i64::MAX);
    let rows = read.query(
        "SELECT trail.position, trail.sealed, ledger.leaf FROM trail JOIN ledger ON ledger.position = trail.position \
         WHERE trail.subject = $1 AND trail.position < $2 ORDER BY trail.position DESC LIMIT $3",
        &params![subject.as_bytes(), before, most],
    )?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let position: i64 = row.get(0)?;
        let plain = kept_vault::open(&key, &place(subject), &row.get::<Vec<u8>>(1)?)
            .map_err(|cause| KeeperError::Sealed { record: format!("trail/{position}"), cause })?;
        let (nonce, body) = plain.split_first_chunk::<NONCE>().ok_or(KeeperError::Ledger)?;
        if leaf(&commit(nonce, body)) != row.get::<[u8; 32]>(2)? {
            return Err(KeeperError::Ledger);
        }
        let event = serde_json::from_slice(body)
            .map_err(|_| KeeperError::Malformed("an event of another version"))?;
        entries.push(Entry { position: u64::try_from(position).map_err(|_| KeeperError::Ledger)?, event });
    }
    Ok(entries)
}

/// The place of a trail row. It does not name its position, so that an event can be sealed before it has one: the leaf at
/// that position is the event's own. The event inside names its notice and moment, so the place need not.
fn place(subject: SubjectId) -> Place<'static> {
    Place { subject, record: "trail", kind: Kind::TRAIL, notice: "", source: Source::System, revision: 0 }
}
