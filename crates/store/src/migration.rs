//! Migrations: each runs once, in its own transaction, and is never undone or changed afterwards.

use std::collections::HashMap;

use crate::{OpenError, Read, StoreError, Tx, params};

/// One step of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Migration {
    /// The crate and a number, unique for ever: `keeper/0001_vault`.
    pub name: &'static str,
    /// Any number of statements in the neutral SQL of this crate, without transaction control. Never changed
    /// once released: the text is recorded, and another text under the same name is another version.
    pub sql: &'static str,
}

/// The migrations still to run in the database at `place`, if what it says `fits`: of one in which none has run yet, it says
/// nothing. Reads only.
///
/// # Errors
/// As [`pending`], and what `fits` says.
pub(crate) fn fitting<E: From<OpenError>>(
    read: &Read<'_>,
    place: &str,
    known: &[Migration],
    fits: impl FnOnce(&Read<'_>) -> Result<(), E>,
) -> Result<Vec<Migration>, E> {
    let pending = pending(read, place, known)?;
    if pending.len() < known.len() {
        fits(read)?;
    }
    Ok(pending)
}

/// The migrations still to run.
///
/// # Errors
/// [`OpenError::OtherVersion`] when one was recorded that is not among `known`, or with another text.
fn pending(read: &Read<'_>, place: &str, known: &[Migration]) -> Result<Vec<Migration>, OpenError> {
    let rows = read.query("SELECT name, sql FROM kept_migration ORDER BY position", &params![])?;
    let mut pending = known.to_vec();
    let texts: HashMap<_, _> = known.iter().map(|migration| (migration.name, migration.sql)).collect();
    for row in rows {
        let (name, sql): (String, String) = (row.get(0)?, row.get(1)?);
        if texts.get(name.as_str()) != Some(&sql.as_str()) {
            return Err(OpenError::OtherVersion { place: place.to_owned(), migration: name });
        }
        pending.retain(|migration| migration.name != name);
    }
    Ok(pending)
}

/// Runs a migration, in a transaction with its record.
pub(crate) fn run(tx: &Tx<'_>, Migration { name, sql }: Migration) -> Result<(), StoreError> {
    tx.define(sql)?;
    tx.execute("INSERT INTO kept_migration (name, sql) VALUES ($1, $2)", &params![name, sql])?;
    Ok(())
}
