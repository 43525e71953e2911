//! An act: one transaction by somebody, at a moment, under one policy. What it writes, and the events that say so,
//! are committed together or not at all.

use jiff::Timestamp;
use kept_ledger::Hash;
use kept_notice::{HoldEnd, Verdict, due};
use kept_store::{Tx, Value, params};
use kept_vault::{Kind, Source, SourceName, SubjectId};

use crate::{
    blob::Blob,
    carry::Begun,
    ctx::{Actor, Ctx},
    duty::Duty,
    error::KeeperError,
    follow,
    journal::Note,
    keeper::House,
    outbox::Letter,
    record::{self, Record, RecordSpec},
    release,
    sealed::{self, Keys, Parts, Vault},
    tell,
    time::to_millis,
    trail::{Deed, Event, SITE, SealedEvent, Trail, Turn},
    view::{By, View},
};

/// One transaction by somebody, under a policy.
pub struct Act<'a, 'c> {
    tx: &'a Tx<'c>,
    /// Who, when, under which policy.
    pub ctx: &'a mut Ctx,
    house: &'a House,
    turn: &'a mut Turn,
    /// The first leaf that it appended, and its position.
    first: Option<(i64, Hash)>,
    /// Whether an event could not be appended.
    unrecorded: bool,
    /// The notice that is proposed, if any.
    proposed: Option<String>,
    /// Subjects that this act has begun, and whose trail may begin with it.
    fresh: Vec<SubjectId>,
    /// People whose permission to look this act has put on record.
    permitted: Vec<SubjectId>,
}

/// A blind index: how a subject is found by a value that is stored nowhere in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// The index's name, which is part of what is hashed.
    pub name: &'static str,
    /// The kind that it reveals, and with which it is erased.
    pub kind: Kind,
    /// Whether a value may belong to one subject only.
    pub unique: bool,
}

/// The outcome of claiming a value in a unique index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The value is the subject's now.
    Granted,
    /// Another subject has it.
    Taken(SubjectId),
}

impl<'a, 'c> Act<'a, 'c> {
    /// Begins an act when its turn has come: one runs after another, whatever the database and the number of servers.
    /// It runs under the policy in force at its moment, or a later one that an act before it has found in force; the
    /// first act at or after the moment from which a proposed policy binds puts that into force.
    pub(crate) fn begin(
        tx: &'a Tx<'c>,
        ctx: &'a mut Ctx,
        house: &'a House,
        turn: &'a mut Turn,
    ) -> Result<Act<'a, 'c>, KeeperError> {
        let notices = turn.notices(tx)?;
        let due = notices.activates.is_some_and(|at| at <= to_millis(ctx.now));
        let (version, proposed) = match notices.proposed {
            Some(version) if due => (version, None),
            proposed => (notices.policy, proposed),
        };
        if ctx.policy.version() != version {
            ctx.policy = house.policy_of(tx, &version)?;
        }
        let (first, unrecorded, fresh, permitted) = (None, false, Vec::new(), Vec::new());
        let mut act = Act { tx, ctx, house, turn, first, unrecorded, proposed, fresh, permitted };
        if due {
            follow::put_into_force(&mut act)?;
        }
        Ok(act)
    }

    /// Ends the act; called once. Gives its first leaf, if it has one.
    ///
    /// # Errors
    /// An event could not be appended and the act went on: what it did must not be committed without its event.
    pub(crate) fn finish(&mut self) -> Result<Option<(i64, Hash)>, KeeperError> {
        if self.unrecorded {
            return Err(KeeperError::Unrecorded);
        }
        if let Some(version) = &self.proposed {
            // Who comes while a change is announced is told of it, too.
            tell::list(self.tx, version, &self.fresh, self.ctx.now)?;
        }
        Ok(self.first)
    }

    /// Changes which notice is in force or proposed, with a statement on the row of the ledger's edge.
    pub(crate) fn change_notices(&mut self, sql: &str, params: &[Value]) -> Result<(), KeeperError> {
        self.turn.changes_notices();
        Ok(self.tx.send(sql, params)?)
    }

    pub(crate) fn house(&self) -> &'a House {
        self.house
    }

    /// The version of the notice that is proposed, if any.
    pub(crate) fn proposed(&self) -> Option<&str> {
        self.proposed.as_deref()
    }

    /// The transaction, for an area's own tables.
    pub fn tx(&self) -> &'a Tx<'c> {
        self.tx
    }

    /// A random subject, of whom nothing is held yet.
    pub fn new_subject(&mut self) -> SubjectId {
        let subject = SubjectId::random(&mut self.ctx.rng);
        self.fresh.push(subject);
        subject
    }

    // ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────

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

    /// A subject's keys of kinds.
    fn keys(&self, subject: SubjectId) -> Result<Keys, KeeperError> {
        match self.turn.ahead.known(subject, "") {
            Some(known) => Ok(known.keys),
            None => Vault { ring: &self.house.ring }.keys(self.tx, subject, ""),
        }
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

    // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// Reads a person through a view. A read by staff commits its event before the data is released, with the reason
    /// that they stated.
    ///
    /// # Errors
    /// The notice does not allow the view, it is not for this actor, or the role must state a reason and did not;
    /// then nothing is released.
    pub fn view<V: View>(&mut self, subject: SubjectId, because: Option<&str>) -> Result<V, KeeperError> {
        self.released::<V, V>(subject, because, |act| release::view::<V>(act.house, act.tx, subject, None))
    }

    /// Reads a person through a view, with one of many records of a type: `document/…`.
    ///
    /// # Errors
    /// As [`view`](Act::view).
    pub fn view_of<V: View>(
        &mut self,
        subject: SubjectId,
        record: &str,
        because: Option<&str>,
    ) -> Result<V, KeeperError> {
        self.released::<V, V>(subject, because, |act| {
            release::view::<V>(act.house, act.tx, subject, Some(record))
        })
    }

    /// Reads the bytes that lie with a record, through a view that shows it; nothing if they have been erased.
    ///
    /// # Errors
    /// As [`view`](Act::view).
    pub fn blob_of<V: View>(
        &mut self,
        subject: SubjectId,
        record: &str,
        because: Option<&str>,
    ) -> Result<Option<Vec<u8>>, KeeperError> {
        self.released::<V, _>(subject, because, |act| {
            release::blob::<V>(act.house, act.tx, subject, record).map(|blob| (blob, None))
        })
    }

    /// Releases something through a view: asked of the notice before, and for staff on the trail with it.
    fn released<V: View, T>(
        &mut self,
        subject: SubjectId,
        because: Option<&str>,
        data: impl FnOnce(&Self) -> Result<(T, Option<Keys>), KeeperError>,
    ) -> Result<T, KeeperError> {
        release::may::<V>(self.house, self.ctx, subject)?;
        release::asked::<V>(self.ctx, because, self.permitted.contains(&subject))?;
        let (data, keys) = data(self)?;
        if let By::Role(_) = V::SPEC.by {
            let kinds = V::SPEC.each_kind();
            let purpose = Some(V::SPEC.purpose);
            match keys {
                Some(keys) => self.note_among(&keys, Deed::Read, V::SPEC.name, &kinds, because, purpose)?,
                None => self.note_for(subject, Deed::Read, V::SPEC.name, &kinds, because, purpose)?,
            };
        }
        Ok(data)
    }

    /// Puts on record that a person allows staff to look at their data, and how it was made sure that it was them. For this
    /// act: another look needs another permission. In a role of which the notice asks none, there is nothing to record.
    ///
    /// # Errors
    /// The database failed.
    pub fn permit(&mut self, subject: SubjectId, how: &str) -> Result<(), KeeperError> {
        let Actor::Staff { role, .. } = self.ctx.actor else { return Ok(()) };
        if self.ctx.policy.notice.role(role).is_some_and(|rule| rule.asks_permission) {
            self.note(subject, Deed::Permitted, how, &[], None)?;
            self.permitted.push(subject);
        }
        Ok(())
    }

    /// The subject to whom a value belongs in a unique index.
    ///
    /// # Errors
    /// The database failed.
    pub fn find(&self, index: Index, value: &str) -> Result<Option<SubjectId>, KeeperError> {
        release::find(self.house, self.tx, index, value)
    }

    /// The ids of the rules that hold some of a subject's data now.
    ///
    /// # Errors
    /// The database failed.
    pub fn holds(&self, subject: SubjectId) -> Result<Vec<String>, KeeperError> {
        Ok(crate::erase::active_holds(self.tx, subject, to_millis(self.ctx.now))?)
    }

    /// Whether the notice in force allows a view.
    pub fn allows<V: View>(&self) -> bool {
        matches!(self.ctx.policy.verdict(&V::SPEC), Verdict::Allowed { .. })
    }

    // ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

    /// Says that something happened to a subject just now: an event of the ledger that starts and stops clocks and holds.
    ///
    /// # Errors
    /// No area declares the event, or nothing is held about the subject.
    pub fn emit(&mut self, subject: SubjectId, event: &str) -> Result<(), KeeperError> {
        self.emit_at(subject, event, self.ctx.now)
    }

    /// Says that something happened to one record of a subject just now (a document was decided on): its clocks count for
    /// this record, and erase it alone.
    ///
    /// # Errors
    /// As [`emit`](Act::emit).
    pub fn emit_of(&mut self, subject: SubjectId, event: &str, record: &str) -> Result<(), KeeperError> {
        self.note(subject, Deed::Happened, event, &[], None)?;
        self.happen(subject, event, record, self.ctx.now)
    }

    /// Says that something happened to a subject at an earlier moment, from which its clocks count.
    ///
    /// # Errors
    /// As [`emit`](Act::emit).
    pub fn emit_at(&mut self, subject: SubjectId, event: &str, at: Timestamp) -> Result<(), KeeperError> {
        self.note(subject, Deed::Happened, event, &[], None)?;
        self.happen(subject, event, "", at)
    }

    fn happen(
        &mut self,
        subject: SubjectId,
        event: &str,
        record: &str,
        at: Timestamp,
    ) -> Result<(), KeeperError> {
        if self.house.registry.event(event).is_none() {
            return Err(KeeperError::Unknown(event.into()));
        }
        self.known(subject, event)?;
        self.tx.send(
            "INSERT INTO happenings (subject, event, record, at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (subject, event, record) DO UPDATE SET at = excluded.at",
            &params![subject.as_bytes(), event, record, to_millis(at)],
        )?;
        let policy = self.ctx.policy.clone();
        for rule in policy.notice.retains.iter().filter(|r| r.unless.as_deref() == Some(event)) {
            self.tx.send(
                "DELETE FROM duties WHERE subject = $1 AND rule = $2 AND state IN ('waiting', 'held') \
                 AND (record = $3 OR $3 = '')",
                &params![subject.as_bytes(), &rule.rule.id, record],
            )?;
        }
        Begun { subject, event, record, at }.start(self.tx, &policy)?;
        for hold in policy.notice.holds_until(event) {
            // The next sweep takes the row away and does what it kept back.
            self.tx.send(
                "UPDATE holds SET until = $1 WHERE subject = $2 AND hold = $3 AND (until IS NULL OR until > $1)",
                &params![to_millis(at), subject.as_bytes(), &hold.rule.id],
            )?;
        }
        for hold in policy.notice.holds_from(event) {
            let until = match &hold.end {
                HoldEnd::Lasts(span) => Some(to_millis(due(at, span).map_err(|_| KeeperError::Calendar)?)),
                HoldEnd::Until(_) => None,
            };
            self.tx.send(
                "INSERT INTO holds (subject, hold, since, until) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (subject, hold) DO UPDATE SET until = excluded.until, since = \
                 CASE WHEN holds.until <= excluded.since THEN excluded.since ELSE holds.since END",
                &params![subject.as_bytes(), &hold.rule.id, to_millis(at), until],
            )?;
        }
        Ok(())
    }

    /// Nothing begins for a subject of whom nothing is held: it would never end.
    fn known(&self, subject: SubjectId, what: &str) -> Result<(), KeeperError> {
        if self.fresh.contains(&subject) || sealed::has_keys(self.tx, subject)? {
            return Ok(());
        }
        Err(KeeperError::Nobody(what.into()))
    }

    /// Schedules a job of an area for a subject; one that is already scheduled moves to the new date.
    ///
    /// # Errors
    /// No area declares the job, or nothing is held about the subject.
    pub fn schedule(&mut self, subject: SubjectId, job: &str, due: Timestamp) -> Result<(), KeeperError> {
        if self.house.registry.job(job).is_none() {
            return Err(KeeperError::Unknown(job.into()));
        }
        self.known(subject, job)?;
        let duty = Duty {
            subject,
            rule: job.into(),
            action: "run".into(),
            record: String::new(),
            event: String::new(),
            started: self.ctx.now,
            due,
        };
        duty.save(self.tx)?;
        Ok(())
    }

    /// Takes a scheduled job back.
    ///
    /// # Errors
    /// The database failed.
    pub fn unschedule(&mut self, subject: SubjectId, job: &str) -> Result<(), KeeperError> {
        self.tx.send(
            "DELETE FROM duties WHERE subject = $1 AND rule = $2 AND action = 'run'",
            &params![subject.as_bytes(), job],
        )?;
        Ok(())
    }

    /// A subject goes on as another: when nothing of them is held any more, their dates and states go, too.
    ///
    /// # Errors
    /// The database failed.
    pub fn leave(&mut self, subject: SubjectId) -> Result<(), KeeperError> {
        crate::erase::forget_bookkeeping(self.tx, &self.house.registry, subject)
    }

    /// Appends an event that concerns nobody in particular to the site's own trail.
    ///
    /// # Errors
    /// The database failed.
    pub fn note_site(&mut self, deed: Deed, what: &str) -> Result<i64, KeeperError> {
        self.note(SITE, deed, what, &[], None)
    }

    /// Appends an event about a subject to the ledger, in this transaction. Gives its position.
    ///
    /// Of a subject whose trail has been erased, or of whom nothing has been written yet, the event goes to the site's
    /// own trail, without the subject and without the reason, which may name them.
    ///
    /// # Errors
    /// The database failed.
    pub fn note(
        &mut self,
        subject: SubjectId,
        deed: Deed,
        what: &str,
        kinds: &[Kind],
        because: Option<&str>,
    ) -> Result<i64, KeeperError> {
        self.note_for(subject, deed, what, kinds, because, None)
    }

    fn note_for(
        &mut self,
        subject: SubjectId,
        deed: Deed,
        what: &str,
        kinds: &[Kind],
        because: Option<&str>,
        purpose: Option<&str>,
    ) -> Result<i64, KeeperError> {
        let keys = self.keys(subject)?;
        self.note_among(&keys, deed, what, kinds, because, purpose)
    }

    /// Appends an event about the subject whose keys these are. When that fails, nothing of the act may be kept, even if its
    /// code goes on.
    fn note_among(
        &mut self,
        keys: &Keys,
        deed: Deed,
        what: &str,
        kinds: &[Kind],
        because: Option<&str>,
        purpose: Option<&str>,
    ) -> Result<i64, KeeperError> {
        let noted = self.try_note(keys, deed, what, kinds, because, purpose);
        noted.inspect_err(|_| self.unrecorded = true)
    }

    fn try_note(
        &mut self,
        keys: &Keys,
        deed: Deed,
        what: &str,
        kinds: &[Kind],
        because: Option<&str>,
        purpose: Option<&str>,
    ) -> Result<i64, KeeperError> {
        let vault = Vault { ring: &self.house.ring };
        let may_begin = self.fresh.contains(&keys.subject);
        if may_begin {
            self.turn.ahead.forget(keys.subject);
        }
        let trail = Trail::among(self.tx, &vault, &mut self.ctx.rng, keys, may_begin)?;
        let event = Event {
            at: self.ctx.now,
            who: self.ctx.actor.label(),
            deed,
            purpose: purpose.map(Into::into),
            what: what.into(),
            kinds: kinds.iter().map(ToString::to_string).collect(),
            because: because.filter(|_| trail.subject == keys.subject).map(Into::into),
            notice: self.ctx.policy.version().into(),
        };
        let sealed = trail.seal(&mut self.ctx.rng, &event)?;
        self.append_sealed(sealed)
    }

    /// Appends what was noted a moment ago, unless the trail that it belongs to has been erased since.
    pub(crate) fn append(&mut self, note: &Note) -> Result<(), KeeperError> {
        let sealed = match note {
            Note::Sealed(event) => event.clone(),
            Note::Open(subject, event) => {
                let vault = Vault { ring: &self.house.ring };
                let keys = self.keys(*subject)?;
                let Some(trail) = Trail::known(&vault, &keys)? else { return Ok(()) };
                trail.seal(&mut self.ctx.rng, event)?
            }
        };
        self.append_sealed(sealed).map(drop)
    }

    fn append_sealed(&mut self, event: SealedEvent) -> Result<i64, KeeperError> {
        let (position, leaf) = self.turn.append(event)?;
        self.first.get_or_insert((position, leaf));
        Ok(position)
    }

    fn source(&self) -> Source {
        match self.ctx.actor {
            Actor::Person(_) | Actor::Visitor => Source::Person,
            Actor::Staff { .. } => Source::Staff,
            Actor::System => Source::System,
        }
    }
}
