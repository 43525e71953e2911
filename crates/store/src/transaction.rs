//! What a transaction's function can do.

use std::{
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::{
    Row, StoreError, Value,
    postgres::Session,
    sqlite::{self, Connection},
};

/// A consistent view of what was committed before the transaction's first statement.
///
/// On PostgreSQL this holds for reads. In a [`Tx`] there each statement sees what was committed before it.
pub struct Read<'c> {
    on: On<'c>,
}

/// A transaction that may change rows, and sees its own changes.
pub struct Tx<'c> {
    read: Read<'c>,
}

#[derive(Clone, Copy)]
enum On<'c> {
    Sqlite(&'c Connection),
    Postgres(&'c Session),
}

impl<'c> Read<'c> {
    pub(crate) fn sqlite(connection: &'c Connection) -> Read<'c> {
        Read { on: On::Sqlite(connection) }
    }

    pub(crate) fn postgres(session: &'c Session) -> Read<'c> {
        Read { on: On::Postgres(session) }
    }

    /// Every row that `sql` answers with `params` bound to `$1`, `$2`, …
    ///
    /// In a [`Tx`] this also runs `INSERT`, `UPDATE` and `DELETE` with a `RETURNING` clause.
    ///
    /// # Errors
    /// [`StoreError`], most often `Budget` in a point read.
    pub fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        match self.on {
            On::Sqlite(connection) => sqlite::query(connection, sql, params),
            On::Postgres(session) => session.query(sql, params),
        }
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
}

impl<'c> Tx<'c> {
    pub(crate) fn sqlite(connection: &'c Connection) -> Tx<'c> {
        Tx { read: Read::sqlite(connection) }
    }

    pub(crate) fn postgres(session: &'c Session) -> Tx<'c> {
        Tx { read: Read::postgres(session) }
    }

    /// Runs a statement that answers no rows; gives how many rows it inserted, updated or deleted itself
    /// (not through a foreign key's cascade).
    ///
    /// # Errors
    /// [`StoreError`], most often `Unique`. After any error return it: not every database lets a transaction
    /// go on. Where a clash is expected, write `ON CONFLICT DO NOTHING` and look at the count.
    pub fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        match self.read.on {
            On::Sqlite(connection) => sqlite::execute(connection, sql, params),
            On::Postgres(session) => session.execute(sql, params),
        }
    }

    /// Runs several statements that answer no rows, in this order; gives how many rows they changed together. On PostgreSQL
    /// they are waited for once.
    ///
    /// # Errors
    /// As [`Tx::execute`], for the first that fails.
    pub fn execute_all(&self, statements: &[(String, Vec<Value>)]) -> Result<u64, StoreError> {
        match self.read.on {
            On::Sqlite(connection) => statements
                .iter()
                .try_fold(0, |sum, (sql, params)| Ok(sum + sqlite::execute(connection, sql, params)?)),
            On::Postgres(session) => session.execute_all(statements),
        }
    }

    /// As [`Tx::execute`], for a statement of which nobody needs to know how many rows it changed. On PostgreSQL it is
    /// not waited for by itself: it travels with the next one.
    ///
    /// # Errors
    /// As [`Tx::execute`]. On PostgreSQL what it meets may be the error of a later statement or of the commit, so send
    /// nothing that is expected to clash.
    pub fn send(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        match self.read.on {
            On::Sqlite(connection) => sqlite::execute(connection, sql, params).map(drop),
            On::Postgres(session) => session.send(sql, params),
        }
    }

    /// As [`Tx::send`], an `INSERT INTO table (columns) …` once for each of `rows`, bound to its placeholders. On
    /// PostgreSQL those that follow each other with values of the same types are one statement.
    ///
    /// # Errors
    /// As [`Tx::send`].
    pub fn send_each(&self, sql: &str, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        match self.read.on {
            On::Sqlite(connection) => {
                rows.iter().try_for_each(|row| sqlite::execute(connection, sql, row).map(drop))
            }
            On::Postgres(session) => session.send_each(sql, rows),
        }
    }

    /// Runs `work` as a part of this transaction. When it fails or panics, all that it did is undone, and the transaction
    /// goes on. Gives what it gave, and whether the transaction still stands.
    ///
    /// # Errors
    /// The second half: the transaction is over, whether this part is to blame or not. Return it.
    pub fn part<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> (Result<T, E>, Result<(), StoreError>) {
        // What a panic leaves half done in memory is dropped with `work`.
        let work =
            || catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreError::Panicked.into()));
        match self.read.on {
            On::Sqlite(connection) => sqlite::part(connection, work),
            On::Postgres(session) => session.part(work),
        }
    }

    /// Whether each statement waits for another process, so that one for many is worth more than many.
    pub fn is_far(&self) -> bool {
        matches!(self.read.on, On::Postgres(_))
    }

    /// Why the transaction, or the part that runs, broke off, when none of its statements is to blame: [`StoreError::Busy`] or
    /// [`StoreError::Unreachable`]. Then nothing of it is kept, and it may be run again. On SQLite it is always `None`: a
    /// transaction has its turn from the start.
    pub fn interruption(&self) -> Option<StoreError> {
        match self.read.on {
            On::Sqlite(_) => None,
            On::Postgres(session) => session.interruption(),
        }
    }

    /// Runs any number of statements of the schema, in the neutral SQL.
    pub(crate) fn define(&self, neutral: &str) -> Result<(), StoreError> {
        match self.read.on {
            On::Sqlite(connection) => sqlite::define(connection, neutral),
            On::Postgres(session) => session.define(neutral),
        }
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Read<'c>;

    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}
