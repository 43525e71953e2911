//! Keys that are read ahead: those of everybody whom the acts of one turn are about, in one statement.

use std::collections::{BTreeSet, HashMap};

use kept_store::{Read, StoreError, Value};
use kept_vault::SubjectId;

use super::{Key, Keys, Known, stored_key, subject};
use crate::error::KeeperError;

/// The keys of kinds of some subjects, read at once for all acts of a turn, with what is sealed under each.
#[derive(Default)]
pub(crate) struct Ahead(HashMap<SubjectId, Vec<Used>>);

/// A key, and a record of which a part is sealed under it, with its revision.
type Used = (Key, Option<(String, i64)>);

/// The most subjects whose keys one statement reads.
const SUBJECTS: usize = 64;

impl Ahead {
    /// Reads the keys of these subjects.
    pub(crate) fn read(read: &Read<'_>, subjects: &BTreeSet<SubjectId>) -> Result<Ahead, KeeperError> {
        let subjects: Vec<&SubjectId> = subjects.iter().collect();
        let mut all: HashMap<SubjectId, Vec<_>> = subjects.iter().map(|one| (**one, Vec::new())).collect();
        for some in subjects.chunks(SUBJECTS) {
            // The last is named again up to a power of two, so that a handful of prepared statements serve all.
            let count = some.len().next_power_of_two();
            let named = some.iter().chain(std::iter::repeat(some.last()).flatten()).take(count);
            let named: Vec<Value> = named.map(|subject| Value::from(subject.as_bytes())).collect();
            let list: Vec<String> = (1..=count).map(|number| format!("${number}")).collect();
            let rows = read.query(
                &format!(
                    "SELECT keys.key, keys.epoch, keys.wrapped, keys.kind, keys.subject, vault.record, vault.revision \
                     FROM keys LEFT JOIN vault ON vault.subject = keys.subject AND vault.kind = keys.kind \
                     AND vault.key = keys.key WHERE keys.subject IN ({}) AND keys.record = ''",
                    list.join(", ")
                ),
                &named,
            )?;
            for row in &rows {
                let revision: Option<i64> = row.get(6)?;
                let written = revision.map(|last| Ok::<_, StoreError>((row.get(5)?, last))).transpose()?;
                let key = stored_key(row, String::new())?;
                all.entry(subject(row, 4)?).or_default().push((key, written));
            }
        }
        Ok(Ahead(all))
    }

    /// As [`Vault::known`], of a record without a key of its own, if the subject's keys were read and stand.
    pub(crate) fn known(&self, subject: SubjectId, record: &str) -> Option<Known> {
        let used = self.0.get(&subject)?;
        let (mut keys, mut revisions) = (Keys { subject, rows: Vec::new() }, Vec::new());
        for (key, written) in used {
            if !keys.rows.iter().any(|known| known.2 == key.2) {
                keys.rows.push(key.clone());
            }
            revisions.extend(written.iter().filter(|(of, _)| of == record).map(|(_, last)| (key.0, *last)));
        }
        Some(Known { keys, revisions })
    }

    /// The subject's keys, or what is sealed under them, are about to change.
    pub(crate) fn forget(&mut self, subject: SubjectId) {
        self.0.remove(&subject);
    }
}
