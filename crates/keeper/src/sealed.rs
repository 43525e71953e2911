//! The vault's table: keys by scope, sealed parts, and the blind index. Functions of a transaction; [`Act`](crate::Act)
//! and [`Look`](crate::Look) decide who may call them.

use kept_store::{Read, Row, StoreError, Tx, params};
use kept_vault::{DataKey, Epoch, KeyId, KeyRing, Kind, Place, Source, SubjectId, Wrapped};
use rand_chacha::ChaCha20Rng;
use serde_json::{Map, Value as Json};

use crate::{error::KeeperError, tidy};

/// A part as it is stored, with what the reader may want to know about it.
pub(crate) struct Part {
    pub(crate) record: String,
    pub(crate) kind: Kind,
    pub(crate) source: Source,
    pub(crate) notice: String,
    pub(crate) fields: Map<String, Json>,
}

/// The vault under one key ring.
pub(crate) struct Vault<'a> {
    pub(crate) ring: &'a KeyRing,
}

impl Vault<'_> {
    /// Seals the fields of one kind of a record, under the subject's key for that kind or the record's own.
    pub(crate) fn put(
        &self,
        tx: &Tx<'_>,
        rng: &mut ChaCha20Rng,
        part: &Part,
        subject: SubjectId,
        own_key: bool,
    ) -> Result<(), KeeperError> {
        let scope = if own_key { part.record.as_str() } else { "" };
        let (key_id, key) = self.key(tx, rng, subject, part.kind, scope)?;
        let revision = tx
            .query_opt(
                "SELECT revision FROM vault WHERE subject = $1 AND record = $2 AND kind = $3",
                &params![subject.as_bytes(), &part.record, part.kind.term()],
            )?
            .map_or(Ok(1), |row| row.get::<i64>(0).map(|last| last + 1))?;
        let place = Place {
            subject,
            record: &part.record,
            kind: part.kind,
            notice: &part.notice,
            source: part.source,
            revision,
        };
        let plain = serde_json::to_vec(&part.fields)
            .map_err(|e| KeeperError::Shape { name: "part", cause: e.to_string() })?;
        let sealed = kept_vault::seal(&key, &place, &plain, rng);
        tx.execute(
            "INSERT INTO vault (subject, record, kind, key, sealed, notice, source, revision) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (subject, record, kind) DO UPDATE SET key = excluded.key, sealed = excluded.sealed, \
             notice = excluded.notice, source = excluded.source, revision = excluded.revision",
            &params![
                subject.as_bytes(),
                &part.record,
                part.kind.term(),
                key_id.as_bytes(),
                sealed,
                &part.notice,
                part.source.as_str(),
                revision
            ],
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
        let unused = "FROM keys WHERE subject = $1 AND kind = $2 AND NOT EXISTS \
                      (SELECT 1 FROM vault WHERE vault.subject = keys.subject AND vault.key = keys.key)";
        for sql in [
            format!("INSERT INTO taken_back (subject, key) SELECT subject, key {unused}"),
            format!("DELETE {unused}"),
        ] {
            tx.execute(&sql, &params![subject, kind])?;
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
        if let Some(found) = self.find_key(tx, subject, kind, scope)? {
            return Ok(found);
        }
        let (id, key) = (KeyId::random(rng), DataKey::random(rng));
        let wrapped = self.ring.wrap(subject, id, kind, &key, rng);
        tx.execute(
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

    /// Opens parts of a subject: all of them, or those of one record.
    pub(crate) fn parts(
        &self,
        read: &Read<'_>,
        subject: SubjectId,
        record: Option<&str>,
    ) -> Result<Vec<Part>, KeeperError> {
        let columns = "SELECT vault.key, keys.epoch, keys.wrapped, vault.record, vault.kind, vault.sealed, vault.notice, \
                       vault.source, vault.revision FROM vault JOIN keys ON keys.subject = vault.subject \
                       AND keys.key = vault.key WHERE vault.subject = $1";
        let rows = match record {
            Some(record) => read.query(
                &format!("{columns} AND vault.record = $2 ORDER BY vault.kind"),
                &params![subject.as_bytes(), record],
            )?,
            None => read.query(
                &format!("{columns} ORDER BY vault.record, vault.kind"),
                &params![subject.as_bytes()],
            )?,
        };
        rows.iter().map(|row| self.part(row, subject)).collect()
    }

    fn part(&self, row: &Row, subject: SubjectId) -> Result<Part, KeeperError> {
        let (key_id, wrapped) = wrapped(row)?;
        let record: String = row.get(3)?;
        let kind = kind(&row.get::<String>(4)?)?;
        let sealed: Vec<u8> = row.get(5)?;
        let notice: String = row.get(6)?;
        let source = Source::parse(&row.get::<String>(7)?)
            .ok_or(KeeperError::Malformed("an unknown source in the vault"))?;
        let key = self.unwrap(subject, key_id, kind, &wrapped)?;
        let place = Place { subject, record: &record, kind, notice: &notice, source, revision: row.get(8)? };
        let plain = kept_vault::open(&key, &place, &sealed)
            .map_err(|cause| KeeperError::Sealed { record: record.clone(), cause })?;
        // What serde says of a part may quote it.
        let fields = serde_json::from_slice(&plain)
            .map_err(|_| KeeperError::Malformed("a sealed part of another version"))?;
        Ok(Part { record, kind, source, notice, fields })
    }

    /// Opens the key of a scope, when there is one.
    pub(crate) fn find_key(
        &self,
        read: &Read<'_>,
        subject: SubjectId,
        kind: Kind,
        scope: &str,
    ) -> Result<Option<(KeyId, DataKey)>, KeeperError> {
        let row = read.query_opt(
            "SELECT key, epoch, wrapped FROM keys WHERE subject = $1 AND kind = $2 AND record = $3",
            &params![subject.as_bytes(), kind.term(), scope],
        )?;
        let Some(row) = row else { return Ok(None) };
        let (id, wrapped) = wrapped(&row)?;
        Ok(Some((id, self.unwrap(subject, id, kind, &wrapped)?)))
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

fn wrapped(row: &Row) -> Result<(KeyId, Wrapped), KeeperError> {
    let epoch: i64 = row.get(1)?;
    let epoch = u32::try_from(epoch).map_err(|_| KeeperError::Malformed("an epoch out of range"))?;
    Ok((KeyId::from_bytes(row.get(0)?), Wrapped { epoch: Epoch(epoch), bytes: row.get(2)? }))
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
