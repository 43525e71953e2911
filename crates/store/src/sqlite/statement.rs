//! Statements and the transactions around them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{CachedStatement, Connection};

use crate::{
    Read, Row, StoreError, Tx, Value,
    dialect::sqlite::{self as dialect, Bound},
};

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
    roll_back(connection);
    done
}

fn commit(connection: &Connection) -> Result<(), StoreError> {
    if connection.is_autocommit() {
        return Err(StoreError::RolledBack);
    }
    control(connection, dialect::COMMIT).map_err(dialect::commit_error)
}

/// Ends the transaction if one is open.
pub(crate) fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = control(connection, dialect::ROLLBACK)
    {
        // Whoever uses the connection next sees that it is still in a transaction.
        tracing::error!(code = ?error.sqlite_error_code(), "a transaction could not be rolled back");
    }
}

/// Runs `work` in a savepoint of the open transaction. Gives what it gave, and whether the transaction still stands.
pub(crate) fn part<T, E: From<StoreError>>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, E>,
) -> (Result<T, E>, Result<(), StoreError>) {
    let step = |sql| control(connection, sql).map_err(|error| dialect::run_error(error, sql));
    if let Err(error) = step(dialect::SAVEPOINT) {
        return (Err(error.clone().into()), Err(error));
    }
    let done = work();
    if connection.is_autocommit() {
        return (done, Err(StoreError::RolledBack));
    }
    let undone = if done.is_ok() { Ok(()) } else { step(dialect::ROLLBACK_TO) };
    (done, undone.and_then(|()| step(dialect::RELEASE)))
}

/// Runs a statement without placeholders.
pub(crate) fn control(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(drop)
}

pub(crate) fn query(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut statement = prepare(connection, sql, params)?;
    let width = statement.column_count();
    let mut answer = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = answer.next().map_err(|error| dialect::run_error(error, sql))? {
        rows.push(dialect::row(row, width)?);
    }
    Ok(rows)
}

pub(crate) fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
    let mut statement = prepare(connection, sql, params)?;
    let changed = statement.raw_execute().map_err(|error| dialect::run_error(error, sql))?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

/// Runs statements of the schema. They bind nothing, so the message of an error is told.
pub(crate) fn define(connection: &Connection, neutral: &str) -> Result<(), StoreError> {
    let sql = dialect::schema(neutral);
    connection.execute_batch(&sql).map_err(|error| dialect::prepare_error(error, &sql))
}

fn prepare<'c>(
    connection: &'c Connection,
    sql: &str,
    params: &[Value],
) -> Result<CachedStatement<'c>, StoreError> {
    // After some errors SQLite rolls the whole transaction back. Without this check the statements that
    // follow would each commit on their own.
    if connection.is_autocommit() {
        return Err(StoreError::RolledBack);
    }
    let mut statement = connection.prepare_cached(sql).map_err(|error| dialect::prepare_error(error, sql))?;
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
