//! A look: reads in one snapshot, by somebody, under one policy, without writing.

use std::cell::RefCell;

use jiff::Timestamp;
use kept_store::{Read, StoreError, params};
use kept_vault::{Kind, SubjectId};
use rand_chacha::ChaCha20Rng;

use crate::{
    act::Index,
    blob::Blob,
    copy::{self, Copied},
    ctx::{Actor, Ctx},
    error::KeeperError,
    holdings::{self, Holding},
    journal::Note,
    keeper::House,
    outbox::Letter,
    record::Record as _,
    release,
    sealed::{self, Keys, Vault},
    time::from_millis,
    trail::{self, Deed, Entry, Event, SITE, Trail},
    view::{By, View, ViewSpec},
};

/// Reads by somebody, under a policy.
pub struct Look<'a, 'c> {
    read: &'a Read<'c>,
    /// Who, when, under which policy.
    pub ctx: &'a Ctx,
    house: &'a House,
    rng: RefCell<&'a mut ChaCha20Rng>,
    notes: RefCell<Notes>,
}

/// What a look has noted of itself.
#[derive(Default)]
pub(crate) struct Notes {
    /// To be written within a second.
    pub(crate) soon: Vec<Note>,
    /// To be written before anything of the look is given.
    pub(crate) before: Vec<Note>,
}

impl<'a, 'c> Look<'a, 'c> {
    pub(crate) fn new(
        read: &'a Read<'c>,
        ctx: &'a Ctx,
        rng: &'a mut ChaCha20Rng,
        house: &'a House,
    ) -> Look<'a, 'c> {
        Look { read, ctx, house, rng: RefCell::new(rng), notes: RefCell::default() }
    }

    pub(crate) fn into_notes(self) -> Notes {
        self.notes.into_inner()
    }

    /// The snapshot, for an area's own tables.
    pub fn sql(&self) -> &'a Read<'c> {
        self.read
    }

    /// Reads the actor's own data, or what the server itself needs, through a view. A view for staff is refused here:
    /// [`shown`](Look::shown) asks for their reason.
    ///
    /// # Errors
    /// The notice does not allow the view, or it is not for this actor.
    pub fn view<V: View>(&self, subject: SubjectId) -> Result<V, KeeperError> {
        self.released::<V, V>(subject, |look| release::view::<V>(look.house, look.read, subject, None))
    }

    /// Reads through a view, with one of many records of a type: `document/…`.
    ///
    /// # Errors
    /// As [`view`](Look::view).
    pub fn view_of<V: View>(&self, subject: SubjectId, record: &str) -> Result<V, KeeperError> {
        self.released::<V, V>(subject, |look| {
            release::view::<V>(look.house, look.read, subject, Some(record))
        })
    }

    /// Reads the bytes that lie with a record, through a view that shows it; nothing if they have been erased.
    ///
    /// # Errors
    /// As [`view`](Look::view).
    pub fn blob_of<V: View>(&self, subject: SubjectId, record: &str) -> Result<Option<Vec<u8>>, KeeperError> {
        self.released::<V, _>(subject, |look| {
            release::blob::<V>(look.house, look.read, subject, record).map(|blob| (blob, None))
        })
    }

    /// Reads a person through a view for staff, with the reason that they stated. The event is on the disk before the look
    /// gives anything (`use-1`); if it cannot be written, nothing is given.
    ///
    /// # Errors
    /// The notice does not allow the view, it is not for this actor, or the role must state a reason and did not.
    pub fn shown<V: View>(&self, subject: SubjectId, because: Option<&str>) -> Result<V, KeeperError> {
        release::may::<V>(self.house, self.ctx, subject)?;
        // A look records no permission: a role that needs one reads in an act.
        release::asked::<V>(self.ctx, because, false)?;
        let (data, keys) = release::view::<V>(self.house, self.read, subject, None)?;
        let vault = Vault { ring: &self.house.ring };
        let keys = keys.map_or_else(|| vault.keys(self.read, subject, ""), Ok)?;
        let note = match Trail::known(&vault, &keys)? {
            Some(trail) => self.sealed(&trail, &self.event(&V::SPEC, because))?,
            // Of a subject whose trail has been erased, it is the site's own event, without the reason, which may name them.
            None => {
                let site = Trail::known(&vault, &vault.keys(self.read, SITE, "")?)?;
                self.sealed(&site.ok_or(KeeperError::Unrecorded)?, &self.event(&V::SPEC, None))?
            }
        };
        self.notes.borrow_mut().before.push(note);
        Ok(data)
    }

    fn released<V: View, T>(
        &self,
        subject: SubjectId,
        data: impl FnOnce(&Self) -> Result<(T, Option<Keys>), KeeperError>,
    ) -> Result<T, KeeperError> {
        if let By::Role(_) = V::SPEC.by {
            return Err(KeeperError::NotYours { view: V::SPEC.name });
        }
        release::may::<V>(self.house, self.ctx, subject)?;
        let (data, keys) = data(self)?;
        if V::SPEC.by == By::Person {
            let event = self.event(&V::SPEC, None);
            let trail = keys.map(|keys| Trail::known(&Vault { ring: &self.house.ring }, &keys));
            match trail.transpose()?.flatten() {
                Some(trail) => {
                    let note = self.sealed(&trail, &event)?;
                    self.notes.borrow_mut().soon.push(note);
                }
                None => self.note(subject, event),
            }
        }
        Ok(data)
    }

    fn sealed(&self, trail: &Trail, event: &Event) -> Result<Note, KeeperError> {
        Ok(Note::Sealed(trail.seal(*self.rng.borrow_mut(), event)?))
    }

    /// The subject to whom a value belongs in a unique index.
    ///
    /// # Errors
    /// The database failed.
    pub fn find(&self, index: Index, value: &str) -> Result<Option<SubjectId>, KeeperError> {
        release::find(self.house, self.read, index, value)
    }

    /// Every subject to whom a value belongs in an index.
    ///
    /// # Errors
    /// The database failed.
    pub fn find_all(&self, index: Index, value: &str) -> Result<Vec<SubjectId>, KeeperError> {
        let digest = self.house.ring.blind(index.name, value.as_bytes());
        let rows = self.read.query(
            "SELECT subject FROM lookups WHERE name = $1 AND digest = $2",
            &params![index.name, digest],
        )?;
        Ok(rows.iter().map(|row| sealed::subject(row, 0)).collect::<Result<_, StoreError>>()?)
    }

    /// Everything that is held about the actor: what, why, until when, from where.
    ///
    /// # Errors
    /// The database failed, or a part did not open.
    pub fn holdings(&self) -> Result<Vec<Holding>, KeeperError> {
        let subject = self.person()?;
        let found = holdings::of(self.house, self.read, &self.ctx.policy, subject, self.ctx.now)?;
        self.note(subject, self.read_event("my-data", "dpv:RightsFulfilment", &[], None));
        Ok(found)
    }

    /// A copy of what is held about the actor, record by record and row by row, less what is kept secret even from them.
    ///
    /// # Errors
    /// As [`holdings`](Look::holdings).
    pub fn copy(&self) -> Result<Copied, KeeperError> {
        copy::of(self.house, self.read, self.person()?)
    }

    /// The bytes that lie with one of the actor's records, for that copy; nothing if there are none.
    ///
    /// # Errors
    /// As [`holdings`](Look::holdings).
    pub fn copy_of_bytes(&self, record: &str, kind: Kind) -> Result<Option<Vec<u8>>, KeeperError> {
        Blob { subject: self.person()?, record, kind }.open(self.read, &Vault { ring: &self.house.ring })
    }

    /// When something last happened to the actor, as its clocks count it.
    ///
    /// # Errors
    /// The database failed.
    pub fn last(&self, event: &str) -> Result<Option<Timestamp>, KeeperError> {
        let row = self.read.query_opt(
            "SELECT MAX(at) FROM happenings WHERE subject = $1 AND event = $2",
            &params![self.person()?.as_bytes(), event],
        )?;
        let at: Option<i64> = row.map(|row| row.get(0)).transpose()?.flatten();
        at.map(from_millis).transpose()
    }

    /// The events that have ever happened to the actor: those from which clocks count.
    ///
    /// # Errors
    /// The database failed.
    pub fn happened(&self) -> Result<Vec<String>, KeeperError> {
        let subject = self.person()?;
        let rows = self.read.query(
            "SELECT DISTINCT event FROM happenings WHERE subject = $1",
            &params![subject.as_bytes()],
        )?;
        Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, StoreError>>()?)
    }

    /// What was done with the actor's data, newest first.
    ///
    /// # Errors
    /// The database failed, or an event does not fit its leaf.
    pub fn trail(&self, most: i64) -> Result<Vec<Entry>, KeeperError> {
        self.trail_before(None, most)
    }

    /// What was done with the actor's data before a position of the ledger, newest first: one page of a long trail.
    ///
    /// # Errors
    /// As [`trail`](Look::trail).
    pub fn trail_before(&self, before: Option<u64>, most: i64) -> Result<Vec<Entry>, KeeperError> {
        trail::of(self.read, &Vault { ring: &self.house.ring }, self.person()?, before, most)
    }

    /// The letters written to a subject, oldest first: what the mail server will be given.
    ///
    /// # Errors
    /// Only the system may read the outbox.
    pub fn letters(&self, subject: SubjectId) -> Result<Vec<Letter>, KeeperError> {
        if self.ctx.actor != Actor::System {
            return Err(KeeperError::NotYours { view: "outbox" });
        }
        let rows = self.read.query(
            "SELECT record FROM outbox WHERE subject = $1 ORDER BY queued, record",
            &params![subject.as_bytes()],
        )?;
        let vault = Vault { ring: &self.house.ring };
        let kinds: Vec<Kind> = Letter::FIELDS.iter().map(|field| field.kind).collect();
        let mut letters = Vec::new();
        for row in rows {
            for part in vault.record(self.read, subject, row.text(0)?, &kinds)?.0 {
                let letter = serde_json::from_value(part.fields.into())
                    .map_err(|_| KeeperError::Shape { name: "mail", cause: "data error".into() })?;
                letters.push(letter);
            }
        }
        Ok(letters)
    }

    fn person(&self) -> Result<SubjectId, KeeperError> {
        match self.ctx.actor {
            Actor::Person(subject) => Ok(subject),
            _ => Err(KeeperError::NotYours { view: "my-data" }),
        }
    }

    fn event(&self, view: &ViewSpec, because: Option<&str>) -> Event {
        self.read_event(view.name, view.purpose, self.ctx.policy.kinds_shown(view), because)
    }

    fn read_event(&self, what: &str, purpose: &str, kinds: &[Kind], because: Option<&str>) -> Event {
        Event {
            at: self.ctx.now,
            who: self.ctx.actor.label(),
            deed: Deed::Read,
            purpose: Some(purpose.into()),
            what: what.into(),
            kinds: kinds.iter().map(ToString::to_string).collect(),
            because: because.map(Into::into),
            notice: self.ctx.policy.version().into(),
        }
    }

    fn note(&self, subject: SubjectId, event: Event) {
        self.notes.borrow_mut().soon.push(Note::Open(subject, event));
    }
}
