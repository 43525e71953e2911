//! Blobs: the bytes that lie with a record, such as a document that somebody sent. Sealed whole under the record's own key
//! for their kind, so that they go with the record.

use kept_store::{Read, Tx, params};
use kept_vault::{Kind, Place, Source, SubjectId};
use rand_chacha::ChaCha20Rng;

use crate::{error::KeeperError, sealed::Vault};

/// Where a blob belongs. It is written once and never changed.
pub(crate) struct Blob<'a> {
    pub(crate) subject: SubjectId,
    pub(crate) record: &'a str,
    pub(crate) kind: Kind,
}

impl Blob<'_> {
    /// Seals the bytes under the record's key.
    pub(crate) fn put(
        &self,
        tx: &Tx<'_>,
        vault: &Vault<'_>,
        rng: &mut ChaCha20Rng,
        (source, notice): (Source, &str),
        bytes: &[u8],
    ) -> Result<(), KeeperError> {
        let (key_id, key) = vault.key(tx, rng, self.subject, self.kind, self.record)?;
        let name = self.name();
        let sealed = kept_vault::seal(&key, &self.place(&name, source, notice), bytes, rng);
        tx.execute(
            "INSERT INTO blobs (subject, record, kind, key, sealed, notice, source) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &params![
                self.subject.as_bytes(),
                self.record,
                self.kind.term(),
                key_id.as_bytes(),
                sealed,
                notice,
                source.as_str()
            ],
        )?;
        Ok(())
    }

    /// Opens the bytes; nothing once their key or row is gone.
    pub(crate) fn open(&self, read: &Read<'_>, vault: &Vault<'_>) -> Result<Option<Vec<u8>>, KeeperError> {
        let row = read.query_opt(
            "SELECT sealed, notice, source FROM blobs WHERE subject = $1 AND record = $2 AND kind = $3",
            &params![self.subject.as_bytes(), self.record, self.kind.term()],
        )?;
        let keys = vault.keys(read, self.subject, self.record)?;
        let key = vault.open_key(&keys, self.kind, self.record)?;
        let (Some(row), Some((_, key))) = (row, key) else { return Ok(None) };
        let (sealed, notice): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
        let source = Source::parse(&row.get::<String>(2)?)
            .ok_or(KeeperError::Malformed("an unknown source of a blob"))?;
        let name = self.name();
        let plain = kept_vault::open(&key, &self.place(&name, source, &notice), &sealed)
            .map_err(|cause| KeeperError::Sealed { record: self.record.into(), cause })?;
        Ok(Some(plain.to_vec()))
    }

    /// No part of the record has this name, so that a part and its bytes cannot be put in each other's place.
    fn name(&self) -> String {
        format!("{}#bytes", self.record)
    }

    fn place<'p>(&self, name: &'p str, source: Source, notice: &'p str) -> Place<'p> {
        Place { subject: self.subject, record: name, kind: self.kind, notice, source, revision: 1 }
    }
}
