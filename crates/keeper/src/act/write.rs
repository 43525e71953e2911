//! What an act writes of a subject.

use kept_store::params;
use kept_vault::{Kind, Source, SourceName, SubjectId};

use super::{Act, Claim, Index};
use crate::{
    blob::Blob,
    ctx::Actor,
    error::KeeperError,
    outbox::Letter,
    record::{self, Record, RecordSpec},
    release,
    sealed::{self, Parts, Vault},
    time::to_millis,
    trail::Deed,
};

impl Act<'_, '_> {
    /// Writes a record of a subject, one sealed part per kind, and the event that says so.
    ///
    /// # Errors
    /// The record is not listed by an area, or one of its fields names no kind.
    pub fn put<R: Record>(&mut self, subject: SubjectId, record: &R) -> Result<(), KeeperError> {
        self.put_as(subject, R::NAME, record)
    }

    /// Writes a record of a subject that comes from somebody else than them, whom the notice names (`use-15`).
    ///
    /// # Errors
    /// As [`put`](Act::put), or the notice does not say that this source gives what the record holds.
    pub fn put_from<R: Record>(
        &mut self,
        from: SourceName,
        subject: SubjectId,
        record: &R,
    ) -> Result<(), KeeperError> {
        self.put_of(Source::Named(from), subject, R::NAME, record)
    }

    /// Writes one of many records of a type, under a name of its own that begins with the type's (`mail/…`).
    ///
    /// # Errors
    /// As [`put`](Act::put), or the name is another type's.
    pub fn put_as<R: Record>(
        &mut self,
        subject: SubjectId,
        name: &str,
        record: &R,
    ) -> Result<(), KeeperError> {
        self.put_of(self.source(), subject, name, record)
    }

    fn put_of<R: Record>(
        &mut self,
        source: Source,
        subject: SubjectId,
        name: &str,
        record: &R,
    ) -> Result<(), KeeperError> {
        if !self.house.registry.lists_record(&RecordSpec::of::<R>()) {
            return Err(KeeperError::Unlisted { name: R::NAME });
        }
        if name.split('/').next() != Some(R::NAME) {
            return Err(KeeperError::Shape { name: R::NAME, cause: "the name is another record's".into() });
        }
        let vault = Vault { ring: &self.house.ring };
        let ahead = if R::OWN_KEY { None } else { self.turn.ahead.known(subject, name) };
        let known = ahead.map_or_else(|| vault.known(self.tx, subject, name), Ok)?;
        self.turn.ahead.forget(subject);
        if known.keys.is_empty() && !self.fresh.contains(&subject) && !sealed::has_keys(self.tx, subject)? {
            self.fresh.push(subject);
        }
        let (given, left_out): (Vec<_>, Vec<_>) =
            record::by_kind(record)?.into_iter().partition(|(_, fields)| !fields.is_empty());
        let mut kinds: Vec<Kind> = given.iter().map(|(kind, _)| *kind).collect();
        for (kind, _) in left_out {
            // What a person did not give, or took back, is not held.
            if vault.drop_part(self.tx, subject, name, kind)? {
                kinds.push(kind);
            }
        }
        if kinds.is_empty() {
            // Nothing was given and nothing was there.
            return Ok(());
        }
        given
            .iter()
            .try_for_each(|(kind, _)| self.may_hold(*kind).and_then(|()| self.may_come(source, *kind)))?;
        let policy = self.ctx.policy.clone();
        let parts = Parts { record: name, source, notice: policy.version(), kinds: given };
        vault.put(self.tx, &mut self.ctx.rng, &parts, &known, R::OWN_KEY)?;
        self.note_among(&known.keys, Deed::Wrote, R::NAME, &kinds, None, None).map(drop)
    }

    /// Keys of a subject, or what is sealed under them, are about to go.
    pub(crate) fn destroys_keys(&mut self, subject: SubjectId) {
        self.turn.ahead.forget(subject);
    }

    /// Whether the notice names data of this kind. What it is silent about is not held; an area asks before it writes
    /// rows of its own that hold an optional kind.
    ///
    /// # Errors
    /// [`KeeperError::Undeclared`] if it does not.
    pub fn may_hold(&self, kind: Kind) -> Result<(), KeeperError> {
        let named = self.ctx.policy.notice.label_of(kind.term()).is_some();
        if named { Ok(()) } else { Err(KeeperError::Undeclared(kind)) }
    }

    /// What comes neither from the person nor from our own work, the notice names with its source.
    fn may_come(&self, source: Source, kind: Kind) -> Result<(), KeeperError> {
        let Source::Named(from) = source else { return Ok(()) };
        let notice = &self.ctx.policy.notice;
        let rule = notice.sources.iter().find(|rule| rule.rule.id == from.rule());
        let mut labels = rule.into_iter().flat_map(|rule| &rule.gives);
        if labels.any(|label| notice.kinds_of(label).any(|term| term == kind.term())) {
            return Ok(());
        }
        Err(KeeperError::NotFrom { kind, from: from.rule().to_owned() })
    }

    /// Writes the bytes that lie with a record of its own key: a document that somebody sent. Once; they are not changed.
    ///
    /// # Errors
    /// The record is not listed, shares its key with others, or has no field of this kind; the notice names no such kind.
    pub fn put_blob<R: Record>(
        &mut self,
        subject: SubjectId,
        name: &str,
        kind: Kind,
        bytes: &[u8],
    ) -> Result<(), KeeperError> {
        let fits = R::OWN_KEY
            && release::type_of(name) == R::NAME
            && R::FIELDS.iter().any(|field| field.kind == kind)
            && self.house.registry.lists_record(&RecordSpec::of::<R>());
        if !fits {
            return Err(KeeperError::Unlisted { name: R::NAME });
        }
        self.may_hold(kind)?;
        let (source, notice) = (self.source(), self.ctx.policy.version().to_owned());
        Blob { subject, record: name, kind }.put(
            self.tx,
            &Vault { ring: &self.house.ring },
            &mut self.ctx.rng,
            (source, &notice),
            bytes,
        )
    }

    /// Makes a subject findable by a value.
    ///
    /// # Errors
    /// The database failed; a taken value is an answer, not an error.
    pub fn claim(&mut self, index: Index, value: &str, subject: SubjectId) -> Result<Claim, KeeperError> {
        let digest = self.house.ring.blind(index.name, value.as_bytes());
        let slot: &[u8] = if index.unique { &[] } else { subject.as_bytes() };
        self.tx.send(
            "INSERT INTO lookups (name, digest, slot, subject, kind) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (name, digest, slot) DO NOTHING",
            &params![index.name, digest, slot, subject.as_bytes(), index.kind.term()],
        )?;
        let row = self.tx.query_one(
            "SELECT subject FROM lookups WHERE name = $1 AND digest = $2 AND slot = $3",
            &params![index.name, digest, slot],
        )?;
        let holder = sealed::subject(&row, 0)?;
        Ok(if holder == subject { Claim::Granted } else { Claim::Taken(holder) })
    }

    /// Takes a subject's values out of an index.
    ///
    /// # Errors
    /// The database failed.
    pub fn release(&mut self, index: Index, subject: SubjectId) -> Result<(), KeeperError> {
        self.tx.send(
            "DELETE FROM lookups WHERE subject = $1 AND name = $2",
            &params![subject.as_bytes(), index.name],
        )?;
        Ok(())
    }

    /// Takes one of a subject's values out of an index.
    ///
    /// # Errors
    /// The database failed.
    pub fn release_one(&mut self, index: Index, value: &str, subject: SubjectId) -> Result<(), KeeperError> {
        let digest = self.house.ring.blind(index.name, value.as_bytes());
        self.tx.send(
            "DELETE FROM lookups WHERE name = $1 AND digest = $2 AND subject = $3",
            &params![index.name, digest, subject.as_bytes()],
        )?;
        Ok(())
    }

    /// Writes a message to a person into the sealed outbox, in this transaction.
    ///
    /// # Errors
    /// As [`put`](Act::put).
    pub fn mail(&mut self, subject: SubjectId, letter: &Letter) -> Result<(), KeeperError> {
        let record = crate::outbox::record(&mut self.ctx.rng);
        self.put_as(subject, &record, letter)?;
        self.tx.send(
            "INSERT INTO outbox (subject, record, queued) VALUES ($1, $2, $3)",
            &params![subject.as_bytes(), &record, to_millis(self.ctx.now)],
        )?;
        self.note(subject, Deed::Messaged, letter.about, &[], None)?;
        self.happen(subject, "mail.queued", &record, self.ctx.now)
    }

    fn source(&self) -> Source {
        match self.ctx.actor {
            Actor::Person(_) | Actor::Visitor => Source::Person,
            Actor::Staff { .. } => Source::Staff,
            Actor::System => Source::System,
        }
    }
}
