//! Proving that what was written is what is held (`rgt-2`): what the trails of some people say about how often a record of
//! theirs was written, held against how often what is stored says that it was.

use kept_store::params;
use kept_vault::{Kind, SubjectId};

use super::{Inspect, sample::Lately};
use crate::{
    error::KeeperError,
    sealed,
    trail::{Deed, Event},
};

/// Some records of some people, as they were written and as they are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many parts were held against the trail.
    pub parts: i64,
    /// How often they had been written again after the first time.
    pub again: i64,
    /// Parts that are older than the trail says: what was written last is not there.
    pub lost: i64,
    /// Parts that were written more often than the trail says.
    pub unrecorded: i64,
}

impl Inspect<'_, '_> {
    /// Holds `records` of some people against their trails, each named with the kinds that are always given in it: of these
    /// each write raises the revision; of one that people may leave out, it begins anew whenever they do.
    ///
    /// # Errors
    /// The database failed.
    pub fn written(&self, records: &[(&str, &[Kind])]) -> Result<Written, KeeperError> {
        let mut found = Written::default();
        for Lately { subject, events, whole } in self.lately()?.unwrap_or_default() {
            // Nothing is known of how it came about when the trail has been erased.
            if events.is_empty() {
                continue;
            }
            for (record, always) in records {
                for (kind, revision) in self.revisions(*subject, record)? {
                    let noted = writes(events, record, kind);
                    found.parts += 1;
                    found.again += revision - 1;
                    found.lost += i64::from(always.contains(&kind) && revision < noted);
                    found.unrecorded += i64::from(*whole && revision > noted);
                }
            }
        }
        Ok(found)
    }

    fn revisions(&self, subject: SubjectId, record: &str) -> Result<Vec<(Kind, i64)>, KeeperError> {
        let rows = self.read.query(
            "SELECT kind, revision FROM vault WHERE subject = $1 AND record = $2",
            &params![subject.as_bytes(), record],
        )?;
        rows.iter().map(|row| Ok((sealed::kind(row.text(0)?)?, row.get(1)?))).collect()
    }
}

/// How often this kind of the record was written since it was last erased. The newest event comes first.
fn writes(events: &[Event], record: &str, kind: Kind) -> i64 {
    let concerned = events.iter().filter(|event| event.kinds.iter().any(|term| term == kind.term()));
    let since = concerned.take_while(|event| event.deed != Deed::Erased);
    let written = since.filter(|event| event.deed == Deed::Wrote && event.what == record).count();
    i64::try_from(written).unwrap_or(i64::MAX)
}
