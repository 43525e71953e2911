//! SQLite.

use rusqlite::{
    Error, ErrorCode,
    ffi::{
        SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_TRIGGER,
        SQLITE_CONSTRAINT_UNIQUE, SQLITE_IOERR_SHMSIZE,
    },
    types::{ToSql, ToSqlOutput, ValueRef},
};

use crate::{Row, StoreError, Value};

/// Takes the write lock at once: a deferred transaction that turns into a write later can be refused midway.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
/// Fixes its snapshot at the first statement.
pub(crate) const BEGIN_READ: &str = "BEGIN";
pub(crate) const COMMIT: &str = "COMMIT";
pub(crate) const ROLLBACK: &str = "ROLLBACK";

/// Around each job of a group, and around a part of a job: each ends the innermost of its name.
pub(crate) const SAVEPOINT: &str = "SAVEPOINT part";
pub(crate) const ROLLBACK_TO: &str = "ROLLBACK TO part";
pub(crate) const RELEASE: &str = "RELEASE part";

/// Where a group that was committed leaves its number.
pub(crate) const GROUPS: &str = "
    CREATE TABLE IF NOT EXISTS kept_group (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL);
    INSERT OR IGNORE INTO kept_group VALUES (1, 0);";
pub(crate) const NUMBER: &str = "UPDATE kept_group SET number = $1";
pub(crate) const LAST_NUMBER: &str = "SELECT number FROM kept_group";

/// Every column of every table but the database's and this crate's own. Hidden and generated columns count too.
pub(crate) const CATALOGUE: &str = "
    SELECT t.name, c.name FROM sqlite_schema t, pragma_table_xinfo(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
    AND t.name NOT IN ('kept_migration', 'kept_group')
    ORDER BY t.name, c.cid";

/// The neutral schema text as this database wants it.
pub(crate) fn schema(neutral: &str) -> String {
    neutral.replace("/* clustered */", "WITHOUT ROWID")
}

/// The parameter's number in `$1` notation. SQLite takes `$1` for a name and numbers parameters by their
/// first appearance, so `$2 … $1` has to be put right.
pub(crate) fn placeholder(name: &str) -> Option<usize> {
    name.strip_prefix('$')?.parse().ok()
}

/// A value as rusqlite binds it, without a copy.
pub(crate) struct Bound<'v>(pub(crate) &'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// One row of `width` columns, copied out of the statement.
pub(crate) fn row(found: &rusqlite::Row<'_>, width: usize) -> Result<Row, StoreError> {
    let column = |index| {
        let refused = |found| StoreError::Column { index, expected: "an integer, text or bytes", found };
        Ok(match found.get_ref(index).map_err(|_| refused("no such column"))? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Real(_) => return Err(refused("a floating-point number")),
            ValueRef::Text(text) => match str::from_utf8(text) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => return Err(refused("text that is not UTF-8")),
            },
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        })
    };
    Ok(Row::new((0..width).map(column).collect::<Result<_, _>>()?))
}

/// An error from preparing `sql`. No value is bound yet, so the database's message may be told.
pub(crate) fn prepare_error(error: Error, sql: &str) -> StoreError {
    match error {
        Error::SqliteFailure(cause, message) => {
            failure(cause, message.unwrap_or_else(|| cause.to_string()), sql)
        }
        Error::SqlInputError { error, msg, .. } => failure(error, msg, sql),
        other => refused("usage", other.to_string(), sql),
    }
}

/// An error from running `sql`. SQLite quotes values in some messages (a JSON path, a search expression), so
/// only the messages of constraints are told: they are made of schema names.
pub(crate) fn run_error(error: Error, sql: &str) -> StoreError {
    match error {
        Error::SqliteFailure(cause, Some(message))
            if cause.code == ErrorCode::ConstraintViolation
                && cause.extended_code != SQLITE_CONSTRAINT_TRIGGER =>
        {
            failure(cause, message, sql)
        }
        Error::SqliteFailure(cause, _) | Error::SqlInputError { error: cause, .. } => {
            failure(cause, cause.to_string(), sql)
        }
        Error::ExecuteReturnedResults => {
            refused("usage", "the statement returns rows: query it instead".to_owned(), sql)
        }
        _ => refused("usage", "the statement could not be run".to_owned(), sql),
    }
}

/// An error from committing. A failed sync leaves open whether the commit survives a power cut.
pub(crate) fn commit_error(error: Error) -> StoreError {
    if is_disk_failure(&error) { StoreError::CommitUnknown } else { run_error(error, COMMIT) }
}

/// Whether the disk failed to read, write or sync, other than for want of space.
pub(crate) fn is_disk_failure(error: &Error) -> bool {
    matches!(error, Error::SqliteFailure(cause, _)
        if cause.code == ErrorCode::SystemIoFailure && cause.extended_code != SQLITE_IOERR_SHMSIZE)
}

fn failure(cause: rusqlite::ffi::Error, message: String, sql: &str) -> StoreError {
    match (cause.code, cause.extended_code) {
        (
            ErrorCode::ConstraintViolation,
            SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_ROWID,
        ) => {
            let constraint = message.strip_prefix("UNIQUE constraint failed: ").unwrap_or(&message);
            StoreError::Unique { constraint: constraint.to_owned() }
        }
        (ErrorCode::DiskFull, _) | (_, SQLITE_IOERR_SHMSIZE) => StoreError::Full,
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => StoreError::Busy,
        (ErrorCode::OperationInterrupted, _) => StoreError::Budget,
        (_, code) => refused(&code.to_string(), message, sql),
    }
}

fn refused(code: &str, message: String, sql: &str) -> StoreError {
    let statement = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    StoreError::Database { code: code.to_owned(), message, statement }
}
