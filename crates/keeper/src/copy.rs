//! A copy of what is held about a person, for machines (`rgt-1`): records with the names of their fields, and the rows of
//! every registered table. What the copy is made of comes from the registry, so that no area and no table is forgotten.

use std::collections::BTreeMap;

use kept_store::{FromValue, Read, Value, params};
use kept_vault::{Kind, SubjectId};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::{
    area::{Holds, Table},
    error::KeeperError,
    holdings::SECRET,
    keeper::House,
    sealed::{self, Vault},
};

/// What is held about a person, as it is held.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// The sealed parts, in the order of their records.
    pub parts: Vec<CopiedPart>,
    /// The rows of each table, by its name; a table without a row of theirs is left out. Times are milliseconds since
    /// 1970 UTC.
    pub rows: BTreeMap<&'static str, Vec<Map<String, Json>>>,
    /// Records with which bytes lie, such as a document, and of which kind they are; not the bytes.
    #[serde(skip)]
    pub bytes: Vec<(String, Kind)>,
    /// The kinds that are held and not copied: hashes and secrets, of which only a thief has a use.
    pub withheld: Vec<&'static str>,
}

/// One kind of data of one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CopiedPart {
    /// The record: `profile`, or one of many such as `mail/…`.
    pub record: String,
    /// The kind, a term such as `pd:Name`.
    pub kind: &'static str,
    /// What it says, field by field.
    pub fields: Map<String, Json>,
    /// Who gave it: `person`, `staff`, `system`, or the rule of the notice that names who, `source.…`.
    pub source: String,
    /// The version of the notice under which it was collected.
    pub notice: String,
}

/// Copies everything that is held about a subject.
pub(crate) fn of(house: &House, read: &Read<'_>, subject: SubjectId) -> Result<Copied, KeeperError> {
    let mut copied = Copied::default();
    let versions = read.query("SELECT version FROM policies", &params![])?;
    let versions: Vec<String> = versions.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    for part in (Vault { ring: &house.ring }).parts(read, subject)? {
        if SECRET.contains(&part.kind) {
            copied.withhold(part.kind);
            continue;
        }
        copied.parts.push(CopiedPart {
            record: part.record,
            kind: part.kind.term(),
            fields: part.fields,
            source: part.source.as_str().to_owned(),
            notice: versions.iter().find(|v| v.starts_with(&part.notice)).cloned().unwrap_or(part.notice),
        });
    }
    let blobs = "SELECT record, kind FROM blobs WHERE subject = $1 ORDER BY record, kind";
    for row in read.query(blobs, &params![subject.as_bytes()])? {
        copied.bytes.push((row.get(0)?, sealed::kind(&row.get::<String>(1)?)?));
    }
    for table in house.registry.tables() {
        copied.table(read, table, subject)?;
    }
    Ok(copied)
}

impl Copied {
    fn table(
        &mut self,
        read: &Read<'_>,
        table: &'static Table,
        subject: SubjectId,
    ) -> Result<(), KeeperError> {
        // What is sealed is among the parts.
        let columns: Vec<_> = table.columns.iter().filter(|(_, holds)| *holds != Holds::Sealed).collect();
        if columns.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let sql = format!("SELECT {} FROM {} WHERE subject = $1", names.join(", "), table.name);
        let mut rows = Vec::new();
        for row in read.query(&sql, &params![subject.as_bytes()])? {
            let mut cells = Map::new();
            for (at, (name, holds)) in columns.iter().enumerate() {
                match holds {
                    Holds::Kind(kind) if SECRET.contains(kind) => self.withhold(*kind),
                    _ => drop(cells.insert((*name).to_owned(), row.get::<Cell>(at)?.0)),
                }
            }
            rows.push(cells);
        }
        if !rows.is_empty() {
            self.rows.insert(table.name, rows);
        }
        Ok(())
    }

    fn withhold(&mut self, kind: Kind) {
        if !self.withheld.contains(&kind.term()) {
            self.withheld.push(kind.term());
        }
    }
}

/// A column's value as JSON; bytes in lower-case hex.
struct Cell(Json);

impl FromValue for Cell {
    const EXPECTED: &'static str = "a value";

    fn from_value(value: &Value) -> Option<Cell> {
        Some(Cell(match value {
            Value::Null => Json::Null,
            Value::Int(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::Blob(bytes) => data_encoding::HEXLOWER.encode(bytes).into(),
        }))
    }
}
