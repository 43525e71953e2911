//! The vault's table: keys by scope, sealed parts, and the blind index. Functions of a transaction; [`Act`](crate::Act)
//! and [`Look`](crate::Look) decide who may call them.

mod ahead;

use data_encoding::HEXLOWER;
use kept_store::{Read, Row, StoreError, Tx, params};
use kept_vault::{DataKey, Epoch, KeyId, KeyRing, Kind, Place, Source, SubjectId, Wrapped};
use rand_chacha::ChaCha20Rng;
use serde_json::{Map, Value as Json};

pub(crate) use self::ahead::Ahead;
use crate::{error::KeeperError, tidy};

/// A part as it is stored, with what the reader may want to know about it.
pub(crate) struct Part {
    pub(crate) record: String,
    pub(crate) kind: Kind,
    pub(crate) source: Source,
    /// How the version of the notice begins under which it was collected: sixteen digits of it.
    pub(crate) notice: String,
    pub(crate) fields: Map<String, Json>,
}

/// The kinds of a record, each with its fields, and under which circumstances they are written.
pub(crate) struct Parts<'a> {
    pub(crate) record: &'a str,
    pub(crate) source: Source,
    /// The version of the notice that is in force.
    pub(crate) notice: &'a str,
    pub(crate) kinds: Vec<(Kind, Map<String, Json>)>,
}

/// A subject's keys as they are stored, wrapped: those of kinds, and those of one record with a life of its own.
pub(crate) struct Keys {
    pub(crate) subject: SubjectId,
    rows: Vec<Key>,
}

type Key = (Kind, String, KeyId, Wrapped);

impl Keys {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// What is stored of one record, sealed, with the keys that may open it.
pub(crate) struct Stored {
    pub(crate) keys: Keys,
    parts: Vec<SealedPart>,
}

struct SealedPart {
    kind: Kind,
    key: KeyId,
    sealed: Vec<u8>,
    source: Source,
    notice: String,
    revision: i64,
}

/// The keys that may seal one record, and how often each of its kinds has been written.
pub(crate) struct Known {
    pub(crate) keys: Keys,
    revisions: Vec<(Kind, i64)>,
}

/// The vault under one key ring.
pub(crate) struct Vault<'a> {
    pub(crate) ring: &'a KeyRing,
}

impl Vault<'_> {
    /// Seals the kinds of a record, each under the subject's key for that kind or the record's own.
    pub(crate) fn put(
        &self,
        tx: &Tx<'_>,
        rng: &mut ChaCha20Rng,
        parts: &Parts<'_>,
        known: &Known,
        own_key: bool,
    ) -> Result<(), KeeperError> {
        let keys = &known.keys;
        let (subject, scope) = (keys.subject, if own_key { parts.record } else { "" });
        let notice = notice_id(parts.notice);
        let mut rows = Vec::with_capacity(parts.kinds.len());
        for (kind, fields) in &parts.kinds {
            let (key_id, key) = match self.open_key(keys, *kind, scope)? {
                Some(found) => found,
                None => self.make_key(tx, rng, subject, *kind, scope)?,
            };
            let last = known.revisions.iter().find(|(written, _)| written == kind);
            let revision = last.map_or(1, |(_, last)| last + 1);
            let place = Place {
                subject,
                record: parts.record,
                kind: *kind,
                notice: &HEXLOWER.encode(&notice),
                source: parts.source,
                revision,
            };
            let plain = serde_json::to_vec(fields)
                .map_err(|e| KeeperError::Shape { name: "part", cause: e.to_string() })?;
            let sealed = kept_vault::seal(&key, &place, &plain, rng);
            rows.push(
                params![
                    subject.as_bytes(),
                    parts.record,
                    kind.term(),
                    key_id.as_bytes(),
                    sealed,
                    notice,
                    parts.source.as_str(),
                    revision
                ]
                .into(),
            );
        }
        tx.send_each(
            "INSERT INTO vault (subject, record, kind, key, sealed, notice, source, revision) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (subject, record, kind) DO UPDATE SET key = excluded.key, sealed = excluded.sealed, \
             notice = excluded.notice, source = excluded.source, revision = excluded.revision",
            &rows,
        )?;
        Ok(())
    }

    /// Takes one kind out of a record, and its key when nothing else is sealed under it; the key's id waits in
    /// `taken_back` for its tombstone. Says whether the kind was there.
    pub(crate) fn drop_part(
        &self,
        tx: &Tx<'_>,
        subject: SubjectId,
        record: &str,
        kind: Kind,
    ) -> Result<bool, KeeperError> {
        let (subject, kind) = (subject.as_bytes(), kind.term());
        let gone = tx.execute(
            "DELETE FROM vault WHERE subject = $1 AND record = $2 AND kind = $3",
            &params![subject, record, kind],
        )?;
        for sql in [
            "INSERT INTO taken_back (subject, key) SELECT subject, key FROM keys WHERE subject = $1 AND kind = $2 \
             AND NOT EXISTS (SELECT 1 FROM vault WHERE vault.subject = keys.subject AND vault.key = keys.key)",
            "DELETE FROM keys WHERE subject = $1 AND kind = $2 \
             AND NOT EXISTS (SELECT 1 FROM vault WHERE vault.subject = keys.subject AND vault.key = keys.key)",
        ] {
            tx.execute(sql, &params![subject, kind])?;
        }
        if gone > 0 {
            tidy::mark(tx)?;
        }
        Ok(gone > 0)
    }

    /// The key of a scope, made when there is none.
    pub(crate) fn key(
        &self,
        tx: &Tx<'_>,
        rng: &mut ChaCha20Rng,
        subject: SubjectId,
        kind: Kind,
        scope: &str,
    ) -> Result<(KeyId, DataKey), KeeperError> {
        match self.open_key(&self.keys(tx, subject, scope)?, kind, scope)? {
            Some(found) => Ok(found),
            None => self.make_key(tx, rng, subject, kind, scope),
        }
    }

    fn make_key(
        &self,
        tx: &Tx<'_>,
        rng: &mut ChaCha20Rng,
        subject: SubjectId,
        kind: Kind,
        scope: &str,
    ) -> Result<(KeyId, DataKey), KeeperError> {
        let (id, key) = (KeyId::random(rng), DataKey::random(rng));
        let wrapped = self.ring.wrap(subject, id, kind, &key, rng);
        tx.send(
            "INSERT INTO keys (subject, key, kind, record, epoch, wrapped) VALUES ($1, $2, $3, $4, $5, $6)",
            &params![
                subject.as_bytes(),
                id.as_bytes(),
                kind.term(),
                scope,
                i64::from(wrapped.epoch.0),
                wrapped.bytes
            ],
        )?;
        Ok((id, key))
    }

    /// A subject's keys, and those of one of its records.
    pub(crate) fn keys(
        &self,
        read: &Read<'_>,
        subject: SubjectId,
        record: &str,
    ) -> Result<Keys, KeeperError> {
        let rows = read.query(
            "SELECT key, epoch, wrapped, kind, record FROM keys WHERE subject = $1 AND record IN ('', $2)",
            &params![subject.as_bytes(), record],
        )?;
        let rows = rows.iter().map(|row| stored_key(row, row.get(4)?)).collect::<Result<_, _>>()?;
        Ok(Keys { subject, rows })
    }

    /// What an act has to know before it writes a record.
    pub(crate) fn known(
        &self,
        read: &Read<'_>,
        subject: SubjectId,
        record: &str,
    ) -> Result<Known, KeeperError> {
        let Stored { keys, parts } = self.stored(read, subject, record)?;
        Ok(Known { keys, revisions: parts.iter().map(|part| (part.kind, part.revision)).collect() })
    }

    /// Opens the key of a scope, when it is among these.
    pub(crate) fn open_key(
        &self,
        keys: &Keys,
        kind: Kind,
        scope: &str,
    ) -> Result<Option<(KeyId, DataKey)>, KeeperError> {
        let found = keys.rows.iter().find(|(of, record, ..)| *of == kind && record == scope);
        let Some((_, _, id, wrapped)) = found else { return Ok(None) };
        Ok(Some((*id, self.unwrap(keys.subject, *id, kind, wrapped)?)))
    }

    /// Opens everything of a subject.
    pub(crate) fn parts(&self, read: &Read<'_>, subject: SubjectId) -> Result<Vec<Part>, KeeperError> {
        let rows = read.query(
            "SELECT keys.key, keys.epoch, keys.wrapped, vault.kind, vault.sealed, vault.notice, vault.source, \
             vault.revision, vault.record FROM vault JOIN keys ON keys.subject = vault.subject \
             AND keys.kind = vault.kind AND keys.record IN ('', vault.record) AND keys.key = vault.key \
             WHERE vault.subject = $1 ORDER BY vault.record, vault.kind",
            &params![subject.as_bytes()],
        )?;
        rows.iter()
            .map(|row| {
                let (kind, _, key, wrapped) = stored_key(row, String::new())?;
                let sealed = SealedPart {
                    kind,
                    key,
                    sealed: row.get(4)?,
                    notice: HEXLOWER.encode(row.bytes(5)?),
                    source: source(row.text(6)?)?,
                    revision: row.get(7)?,
                };
                self.part(subject, row.text(8)?, sealed, &wrapped)
            })
            .collect()
    }

    /// What is stored of one record, and the subject's keys. One statement of two ranges: each is read in one go.
    pub(crate) fn stored(
        &self,
        read: &Read<'_>,
        subject: SubjectId,
        record: &str,
    ) -> Result<Stored, KeeperError> {
        // A key has no notice: its own id stands there.
        let rows = read.query(
            "SELECT CAST(0 AS BIGINT), kind, key, wrapped, epoch, record, key FROM keys \
             WHERE subject = $1 AND record IN ('', $2) UNION ALL \
             SELECT CAST(1 AS BIGINT), kind, key, sealed, revision, source, notice FROM vault \
             WHERE subject = $1 AND record = $2",
            &params![subject.as_bytes(), record],
        )?;
        let (mut keys, mut parts) = (Keys { subject, rows: Vec::with_capacity(rows.len()) }, Vec::new());
        for row in &rows {
            let (kind, key, number) = (kind(row.text(1)?)?, KeyId::from_bytes(row.get(2)?), row.get(4)?);
            if row.get(0)? {
                let (source, notice) = (source(row.text(5)?)?, HEXLOWER.encode(row.bytes(6)?));
                parts.push(SealedPart { kind, key, sealed: row.get(3)?, source, notice, revision: number });
            } else {
                keys.rows.push((
                    kind,
                    row.get(5)?,
                    key,
                    Wrapped { epoch: epoch(number)?, bytes: row.get(3)? },
                ));
            }
        }
        Ok(Stored { keys, parts })
    }

    /// Opens the parts of one record that are of these `kinds`; gives the subject's keys too.
    pub(crate) fn record(
        &self,
        read: &Read<'_>,
        subject: SubjectId,
        record: &str,
        kinds: &[Kind],
    ) -> Result<(Vec<Part>, Keys), KeeperError> {
        let Stored { keys, parts: sealed } = self.stored(read, subject, record)?;
        let mut parts = Vec::with_capacity(sealed.len());
        for part in sealed.into_iter().filter(|part| kinds.contains(&part.kind)) {
            // Of one whose key has been destroyed, nothing is left to open.
            if let Some((.., wrapped)) = keys.rows.iter().find(|(_, _, id, _)| *id == part.key) {
                parts.push(self.part(subject, record, part, wrapped)?);
            }
        }
        Ok((parts, keys))
    }

    fn part(
        &self,
        subject: SubjectId,
        record: &str,
        sealed: SealedPart,
        wrapped: &Wrapped,
    ) -> Result<Part, KeeperError> {
        let SealedPart { kind, key, sealed, source, notice, revision } = sealed;
        let key = self.unwrap(subject, key, kind, wrapped)?;
        let place = Place { subject, record, kind, notice: &notice, source, revision };
        let plain = kept_vault::open(&key, &place, &sealed)
            .map_err(|cause| KeeperError::Sealed { record: record.to_owned(), cause })?;
        // What serde says of a part may quote it.
        let fields = serde_json::from_slice(&plain)
            .map_err(|_| KeeperError::Malformed("a sealed part of another version"))?;
        Ok(Part { record: record.to_owned(), kind, source, notice, fields })
    }

    fn unwrap(
        &self,
        subject: SubjectId,
        id: KeyId,
        kind: Kind,
        wrapped: &Wrapped,
    ) -> Result<DataKey, KeeperError> {
        self.ring
            .unwrap(subject, id, kind, wrapped)
            .map_err(|cause| KeeperError::Sealed { record: format!("key of {kind}"), cause })
    }
}

/// What a part remembers of the notice it was collected under: the first eight bytes of its version, which
/// `policies` has whole.
fn notice_id(version: &str) -> [u8; 8] {
    let digits = version.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
    let bytes = HEXLOWER.decode(&digits).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.unwrap_or_default()
}

/// The key that columns 0 to 3 of a row hold.
fn stored_key(row: &Row, scope: String) -> Result<(Kind, String, KeyId, Wrapped), KeeperError> {
    let (id, wrapped) = wrapped(row)?;
    Ok((kind(row.text(3)?)?, scope, id, wrapped))
}

fn wrapped(row: &Row) -> Result<(KeyId, Wrapped), KeeperError> {
    Ok((KeyId::from_bytes(row.get(0)?), Wrapped { epoch: epoch(row.get(1)?)?, bytes: row.get(2)? }))
}

fn epoch(number: i64) -> Result<Epoch, KeeperError> {
    let number = u32::try_from(number).map_err(|_| KeeperError::Malformed("an epoch out of range"))?;
    Ok(Epoch(number))
}

fn source(word: &str) -> Result<Source, KeeperError> {
    Source::parse(word).ok_or(KeeperError::Malformed("an unknown source in the vault"))
}

/// Whether any key of this subject is left.
pub(crate) fn has_keys(read: &Read<'_>, subject: SubjectId) -> Result<bool, StoreError> {
    let left = read.query("SELECT 1 FROM keys WHERE subject = $1 LIMIT 1", &params![subject.as_bytes()])?;
    Ok(!left.is_empty())
}

/// The kind that a column names.
pub(crate) fn kind(term: &str) -> Result<Kind, KeeperError> {
    Kind::parse(term).ok_or(KeeperError::Malformed("an unknown kind in the database"))
}

/// The subject that a column names.
pub(crate) fn subject(row: &Row, index: usize) -> Result<SubjectId, StoreError> {
    Ok(SubjectId::from_bytes(row.get(index)?))
}
