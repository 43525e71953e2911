//! The people whom probes look at: from a subject on that nobody can foresee, and another at every check.

use std::cell::OnceCell;

use jiff::Timestamp;
use kept_store::{Read, params};
use kept_vault::SubjectId;

use crate::{
    error::KeeperError,
    keeper::House,
    sealed::{self, Vault},
    time::to_millis,
    trail::{self, Event, SITE},
};

/// How many people a probe looks at when everything is read.
const MANY: i64 = 50;
/// And when only what is new is read: it is done after every sweep.
const FEW: i64 = 10;
/// How many of a person's latest events are opened.
const LATEST: i64 = 200;

/// Some people, chosen once for all checks of a run.
pub(crate) struct Sample {
    people: Vec<SubjectId>,
    trails: OnceCell<Option<Vec<Lately>>>,
}

/// What was done lately with one person's data, from their own trail.
pub(crate) struct Lately {
    pub(crate) subject: SubjectId,
    /// The newest first.
    pub(crate) events: Vec<Event>,
    /// Whether there are no earlier ones.
    pub(crate) whole: bool,
}

impl Sample {
    /// Chooses people of whom something is held.
    pub(crate) fn choose(
        house: &House,
        read: &Read<'_>,
        now: Timestamp,
        whole: bool,
    ) -> Result<Sample, KeeperError> {
        let start = house.ring.blind("sample", &to_millis(now).to_be_bytes());
        let start = start.first_chunk::<16>().copied().unwrap_or_default();
        let most = if whole { MANY } else { FEW };
        let mut people = Vec::new();
        for side in [">=", "<"] {
            let left = most - i64::try_from(people.len()).unwrap_or(most);
            let sql = format!(
                "SELECT DISTINCT subject FROM keys WHERE subject {side} $1 AND subject <> $2 \
                 ORDER BY subject LIMIT $3"
            );
            for row in read.query(&sql, &params![start, SITE.as_bytes(), left])? {
                people.push(sealed::subject(&row, 0)?);
            }
        }
        Ok(Sample { people, trails: OnceCell::new() })
    }

    /// The people.
    pub(crate) fn people(&self) -> &[SubjectId] {
        &self.people
    }

    /// The latest events of these people, from their own trails; nothing if one does not open, or does not fit its leaf.
    pub(crate) fn lately(&self, house: &House, read: &Read<'_>) -> Result<Option<&[Lately]>, KeeperError> {
        if let Some(found) = self.trails.get() {
            return Ok(found.as_deref());
        }
        let (mut found, mut sound) = (Vec::new(), true);
        for subject in &self.people {
            match trail::of(read, &Vault { ring: &house.ring }, *subject, None, LATEST) {
                Err(KeeperError::Sealed { .. } | KeeperError::Ledger) => sound = false,
                entries => {
                    let events: Vec<Event> = entries?.into_iter().map(|entry| entry.event).collect();
                    let whole = i64::try_from(events.len()).is_ok_and(|length| length < LATEST);
                    found.push(Lately { subject: *subject, events, whole });
                }
            }
        }
        Ok(self.trails.get_or_init(|| sound.then_some(found)).as_deref())
    }
}
