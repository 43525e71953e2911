//! The areas of a site taken together: every table, record, view, event, form, job and check, each findable by name.

use std::collections::BTreeSet;

use kept_notice::{EventWords, FormWords, Vocabulary};
use kept_store::{Column, Migration};
use kept_vault::Kind;

use crate::{
    area::{Area, EventSpec, FormSpec, Holds, Job, Table},
    error::StartError,
    prove::Check,
    record::RecordSpec,
    view::ViewSpec,
};

/// The composed areas, the kernel's own among them.
pub struct Registry {
    areas: Vec<Area>,
}

impl Registry {
    /// Composes the areas under the kernel.
    pub fn new(areas: &[Area]) -> Registry {
        let mut all = vec![crate::kernel::AREA];
        all.extend_from_slice(areas);
        Registry { areas: all }
    }

    /// The words that a notice of this site may use.
    pub fn vocabulary(&self) -> Vocabulary {
        let mut holdings: Vec<&'static str> = self
            .records()
            .flat_map(|record| record.fields.iter().map(|field| field.kind))
            .chain(self.tables().flat_map(kinds_of))
            .map(Kind::term)
            .collect();
        let optional = self.areas.iter().flat_map(|area| area.optional);
        let optional: Vec<&str> = optional.map(|kind| kind.term()).collect();
        holdings.retain(|term| !optional.contains(term));
        holdings.push(Kind::TRAIL.term());
        holdings.sort_unstable();
        holdings.dedup();
        Vocabulary {
            events: self.events().map(|event| EventWords { name: event.name, when: event.when }).collect(),
            record_events: self
                .areas
                .iter()
                .flat_map(|area| area.record_events)
                .map(|(event, record)| {
                    let kinds: BTreeSet<_> = record.fields.iter().map(|field| field.kind.term()).collect();
                    (*event, kinds.into_iter().collect())
                })
                .collect(),
            roles: self.areas.iter().flat_map(|area| area.roles).copied().collect(),
            forms: self
                .forms()
                .map(|form| FormWords {
                    name: form.name,
                    title: form.title,
                    kinds: form.kinds.iter().map(|(kind, needed)| (kind.term(), *needed)).collect(),
                })
                .collect(),
            holdings,
            cookies: self.areas.iter().flat_map(|area| area.cookies).copied().collect(),
            leaving: self.areas.iter().find_map(|area| area.leaving),
        }
    }

    /// Every area's migrations, the kernel's first.
    pub fn migrations(&self) -> Vec<Migration> {
        self.areas.iter().flat_map(|area| area.migrations).copied().collect()
    }

    /// Every view of the site.
    pub fn views(&self) -> impl Iterator<Item = &'static ViewSpec> + '_ {
        self.areas.iter().flat_map(|area| area.views)
    }

    /// Every record of the site.
    pub fn records(&self) -> impl Iterator<Item = &'static RecordSpec> + '_ {
        self.areas.iter().flat_map(|area| area.records)
    }

    /// Every table with a subject.
    pub fn tables(&self) -> impl Iterator<Item = &'static Table> + '_ {
        self.areas.iter().flat_map(|area| area.tables)
    }

    /// Every form of the site.
    pub fn forms(&self) -> impl Iterator<Item = &'static FormSpec> + '_ {
        self.areas.iter().flat_map(|area| area.forms)
    }

    /// Every way to prove a promise.
    pub fn checks(&self) -> impl Iterator<Item = &'static Check> + '_ {
        self.areas.iter().flat_map(|area| area.checks)
    }

    /// The hooks of every area.
    pub(crate) fn hooks(&self) -> impl Iterator<Item = crate::area::Hooks> + '_ {
        self.areas.iter().map(|area| area.hooks)
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &'static EventSpec> + '_ {
        self.areas.iter().flat_map(|area| area.events)
    }

    pub(crate) fn event(&self, name: &str) -> Option<&'static EventSpec> {
        self.events().find(|event| event.name == name)
    }

    pub(crate) fn job(&self, name: &str) -> Option<&'static Job> {
        self.areas.iter().flat_map(|area| area.jobs).find(|job| job.name == name)
    }

    /// Holds the registry against the database's own catalogue, both ways, so that no area and no table can be
    /// forgotten by erasing or export.
    ///
    /// # Errors
    /// The first table or column with a subject that no area has registered, or that is registered and absent.
    pub fn hold_against(&self, catalogue: &[Column]) -> Result<(), StartError> {
        for column in catalogue.iter().filter(|column| column.name == "subject") {
            let Some(table) = self.tables().find(|table| table.name == column.table) else {
                return Err(StartError::UnregisteredTable { table: column.table.clone() });
            };
            let unknown = catalogue
                .iter()
                .filter(|c| c.table == column.table && c.name != "subject")
                .find(|c| !table.columns.iter().any(|(name, _)| *name == c.name));
            if let Some(unknown) = unknown {
                return Err(StartError::UnregisteredColumn {
                    table: unknown.table.clone(),
                    column: unknown.name.clone(),
                });
            }
        }
        for table in self.tables() {
            let subject = ("subject", Holds::Bookkeeping);
            for (name, holds) in table.columns.iter().chain([&subject]) {
                if !catalogue.iter().any(|c| c.table == table.name && c.name == *name) {
                    return Err(StartError::AbsentColumn { table: table.name, column: name });
                }
                if let Holds::Kind(kind) = holds
                    && !table.erase.iter().any(|(erased, _)| erased == kind)
                {
                    return Err(StartError::NoErasure { table: table.name, column: name, kind: *kind });
                }
            }
        }
        Ok(())
    }

    /// Whether some area lists this view.
    pub(crate) fn lists_view(&self, spec: &ViewSpec) -> bool {
        self.views().any(|listed| listed == spec)
    }

    /// Whether some area lists this record.
    pub(crate) fn lists_record(&self, spec: &RecordSpec) -> bool {
        self.records().any(|listed| listed == spec)
    }
}

/// The kinds that a table's columns hold, each once.
pub(crate) fn kinds_of(table: &Table) -> Vec<Kind> {
    let kinds = table.columns.iter().filter_map(|(_, holds)| match holds {
        Holds::Kind(kind) => Some(*kind),
        Holds::Sealed | Holds::Bookkeeping => None,
    });
    let mut kinds: Vec<Kind> = kinds.collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// The condition that a row of this table still holds one of these kinds, if the table can hold one.
pub(crate) fn holds_any(table: &Table, kinds: &[Kind]) -> Option<String> {
    let columns: Vec<String> = table
        .columns
        .iter()
        .filter(|(_, holds)| matches!(holds, Holds::Kind(kind) if kinds.contains(kind)))
        .map(|(name, _)| format!("{}.{name} IS NOT NULL", table.name))
        .collect();
    (!columns.is_empty()).then(|| format!("({})", columns.join(" OR ")))
}
