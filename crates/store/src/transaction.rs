//! What a transaction's function can do, and what happens around it.

use std::{
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rusqlite::{CachedStatement, Connection};

use crate::{
    Row, StoreError, Value,
    dialect::sqlite::{self as dialect, Bound},
};

/// A consistent view of what was committed before the transaction's first statement.
pub struct Read<'c> {
    connection: &'c Connection,
}

/// A transaction that may change rows, and sees its own changes.
pub struct Tx<'c> {
    read: Read<'c>,
}

/// Runs `work` in a transaction that is committed when this returns `Ok`, and rolled back in every other case.
pub(crate) fn writing<T, E: From<StoreError>>(
    connection: &Connection,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    around(connection, dialect::BEGIN_WRITE, || work(&mut Tx::sqlite(connection)))
}

/// Runs `work` on one snapshot.
pub(crate) fn reading<T, E: From<StoreError>>(
    connection: &Connection,
    work: impl FnOnce(&Read<'_>) -> Result<T, E>,
) -> Result<T, E> {
    around(connection, dialect::BEGIN_READ, || work(&Read::sqlite(connection)))
}

fn around<T, E: From<StoreError>>(
    connection: &Connection,
    begin: &str,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let done = control(connection, begin)
        .map_err(|error| E::from(dialect::run_error(error, begin)))
        // What a panic leaves half done in memory is dropped with `work`; in the database it is rolled back.
        .and_then(|()| {
            catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreError::Panicked.into()))
        })
        .and_then(|value| commit(connection).map(|()| value).map_err(E::from));
    if !connection.is_autocommit()
        && let Err(error) = control(connection, dialect::ROLLBACK)
    {
        // The next transaction cannot begin and ends up here again: nothing is answered that is not kept.
        tracing::error!(code = ?error.sqlite_error_code(), "a transaction could not be rolled back");
    }
    done
}

fn commit(connection: &Connection) -> Result<(), StoreError> {
    if connection.is_autocommit() {
        return Err(StoreError::RolledBack);
    }
    control(connection, dialect::COMMIT).map_err(dialect::commit_error)
}

pub(crate) fn control(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(drop)
}

impl<'c> Read<'c> {
    pub(crate) fn sqlite(connection: &'c Connection) -> Read<'c> {
        Read { connection }
    }

    /// Every row that `sql` answers with `params` bound to `$1`, `$2`, …
    ///
    /// In a [`Tx`] this also runs `INSERT`, `UPDATE` and `DELETE` with a `RETURNING` clause.
    ///
    /// # Errors
    /// [`StoreError`], most often `Budget` in a point read.
    pub fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepare(sql, params)?;
        let width = statement.column_count();
        let mut answer = statement.raw_query();
        let mut rows = Vec::new();
        while let Some(row) = answer.next().map_err(|error| dialect::run_error(error, sql))? {
            rows.push(dialect::row(row, width)?);
        }
        Ok(rows)
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// As [`Read::query`], and [`StoreError::Rows`] when there is more than one.
    pub fn query_opt(&self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        let mut rows = self.query(sql, params)?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            found => Err(StoreError::Rows { expected: "at most one row", found, statement: sql.to_owned() }),
        }
    }

    /// The only row.
    ///
    /// # Errors
    /// As [`Read::query_opt`], and [`StoreError::Rows`] when there is none.
    pub fn query_one(&self, sql: &str, params: &[Value]) -> Result<Row, StoreError> {
        let none = || StoreError::Rows { expected: "one row", found: 0, statement: sql.to_owned() };
        self.query_opt(sql, params)?.ok_or_else(none)
    }

    fn prepare(&self, sql: &str, params: &[Value]) -> Result<CachedStatement<'c>, StoreError> {
        // After some errors SQLite rolls the whole transaction back. Without this check the statements that
        // follow would each commit on their own.
        if self.connection.is_autocommit() {
            return Err(StoreError::RolledBack);
        }
        let mut statement =
            self.connection.prepare_cached(sql).map_err(|error| dialect::prepare_error(error, sql))?;
        let wrong = || StoreError::Placeholders { given: params.len(), statement: sql.to_owned() };
        if statement.parameter_count() != params.len() {
            return Err(wrong());
        }
        for position in 1..=params.len() {
            let number = statement.parameter_name(position).and_then(dialect::placeholder);
            let value = number.and_then(|number| params.get(number.checked_sub(1)?)).ok_or_else(wrong)?;
            statement
                .raw_bind_parameter(position, Bound(value))
                .map_err(|error| dialect::run_error(error, sql))?;
        }
        Ok(statement)
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn sqlite(connection: &'c Connection) -> Tx<'c> {
        Tx { read: Read::sqlite(connection) }
    }

    /// Runs a statement that answers no rows; gives how many rows it inserted, updated or deleted itself
    /// (not through a foreign key's cascade).
    ///
    /// # Errors
    /// [`StoreError`], most often `Unique`. After any error return it: not every database lets a transaction
    /// go on. Where a clash is expected, write `ON CONFLICT DO NOTHING` and look at the count.
    pub fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.read.prepare(sql, params)?;
        let changed = statement.raw_execute().map_err(|error| dialect::run_error(error, sql))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Runs any number of statements of the schema. They bind nothing, so the message of an error is told.
    pub(crate) fn define(&self, neutral: &str) -> Result<(), StoreError> {
        let sql = dialect::schema(neutral);
        self.read.connection.execute_batch(&sql).map_err(|error| dialect::prepare_error(error, &sql))
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Read<'c>;

    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}
