//! An act: one transaction by somebody, at a moment, under one policy. What it writes, and the events that say so,
//! are committed together or not at all.

mod happen;
mod read;
mod write;

use kept_ledger::Hash;
use kept_store::{Tx, Value};
use kept_vault::{Kind, SubjectId};

use crate::{
    ctx::Ctx,
    error::KeeperError,
    follow,
    journal::Note,
    keeper::House,
    sealed::{Keys, Vault},
    tell,
    time::to_millis,
    trail::{Deed, Event, SITE, SealedEvent, Trail, Turn},
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

    /// A subject's keys of kinds.
    fn keys(&self, subject: SubjectId) -> Result<Keys, KeeperError> {
        match self.turn.ahead.known(subject, "") {
            Some(known) => Ok(known.keys),
            None => Vault { ring: &self.house.ring }.keys(self.tx, subject, ""),
        }
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
}
