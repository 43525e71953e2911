//! Migrations: each runs once, in its own transaction, and is never undone or changed afterwards.

use std::{collections::HashMap, path::Path};

use rusqlite::Connection;

use crate::{
    OpenError, Read, StoreError, Tx, params,
    transaction::{reading, writing},
};

/// One step of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The crate and a number, unique for ever: `keeper/0001_vault`.
    pub name: &'static str,
    /// Any number of statements in the neutral SQL of this crate, without transaction control. Never changed
    /// once released: the text is recorded, and another text under the same name is another version.
    pub sql: &'static str,
}

/// The migrations still to run. Reads only.
///
/// # Errors
/// [`OpenError::OtherVersion`] when one was recorded that is not among `known`, or with another text.
pub(crate) fn pending(
    connection: &Connection,
    path: &Path,
    known: &[Migration],
) -> Result<Vec<Migration>, OpenError> {
    let recorded = reading(connection, |read: &Read<'_>| {
        read.query("SELECT name, sql FROM kept_migration ORDER BY position", &params![])?
            .iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?)))
            .collect::<Result<Vec<(String, String)>, StoreError>>()
    })?;
    let mut pending = known.to_vec();
    let texts: HashMap<_, _> = known.iter().map(|migration| (migration.name, migration.sql)).collect();
    for (name, sql) in recorded {
        if texts.get(name.as_str()) != Some(&sql.as_str()) {
            return Err(OpenError::OtherVersion { path: path.to_owned(), migration: name });
        }
        pending.retain(|migration| migration.name != name);
    }
    Ok(pending)
}

/// Runs `pending` in order, each in a transaction with its record.
pub(crate) fn run(connection: &Connection, pending: &[Migration]) -> Result<(), OpenError> {
    for Migration { name, sql } in pending {
        writing(connection, |tx: &mut Tx<'_>| {
            tx.define(sql)?;
            tx.execute("INSERT INTO kept_migration (name, sql) VALUES ($1, $2)", &params![*name, *sql])?;
            Ok(())
        })
        .map_err(|source| OpenError::Migration { name, source })?;
    }
    Ok(())
}
