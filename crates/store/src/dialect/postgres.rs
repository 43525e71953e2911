//! PostgreSQL.

use std::{
    collections::{BTreeSet, HashMap},
    error::Error as StdError,
};

use bytes::BytesMut;
use tokio_postgres::{
    Error,
    error::{DbError, Severity, SqlState},
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::{FromValue, Row, StoreError, Value};

/// What every connection is told first.
///
/// Of one that goes silent within a transaction, because its machine or its process stopped or the network broke,
/// PostgreSQL ends the session after 2 s, and what it held is free. The others wait longer than that for a lock, so that
/// they get it; and less long than our own patience for an answer. An answer that nobody takes is given up as fast.
///
/// `off` would answer before the commit is on the disk; the settings that wait for replicas are the operator's choice.
pub(crate) const SETUP: &str = "
    SET idle_in_transaction_session_timeout = '2s';
    SET tcp_user_timeout = '2s';
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;
    SET lock_timeout = '4s';
    SET statement_timeout = 0;
    SET client_min_messages = warning;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';";

pub(crate) const BEGIN_WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// The budget of a point read: no statement may take longer.
pub(crate) const BEGIN_READ: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = '1s'";
/// A scan keeps nobody waiting but those who tidy, and may compute between two statements.
pub(crate) const BEGIN_SCAN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL idle_in_transaction_session_timeout = '60s'";
pub(crate) const COMMIT: &str = "COMMIT";
pub(crate) const ROLLBACK: &str = "ROLLBACK";

/// Before a part of a transaction. The last one's savepoint stays until the next part makes its own, or to the end.
pub(crate) const SAVEPOINT: &str = "SAVEPOINT part";
pub(crate) const NEXT_SAVEPOINT: &str = "RELEASE part; SAVEPOINT part";
pub(crate) const ROLLBACK_TO: &str = "ROLLBACK TO part";

/// "Kept", as an advisory lock: one server migrates at a time. Held until the connection ends, and one that goes silent
/// is ended (since PostgreSQL 14).
pub(crate) const LOCK: &str = "
    SET lock_timeout = 0;
    SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = 'idle_session_timeout';
    SELECT pg_advisory_lock(1264938100);";
/// Whether our table of migrations is there, and whether any table is.
pub(crate) const FOUND: &str = "
    SELECT coalesce(bool_or(table_name = 'kept_migration'), false), count(*)
    FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";
pub(crate) const MIGRATIONS: &str = "
    CREATE TABLE kept_migration (
        position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL UNIQUE, sql TEXT NOT NULL
    )";

/// Every column of every table but this crate's own.
pub(crate) const CATALOGUE: &str = "
    SELECT table_name::text, column_name::text
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'kept_migration'
    ORDER BY table_name::text COLLATE \"C\", ordinal_position";

/// The name of each unique index and its columns, written as SQLite names them.
pub(crate) const UNIQUE_INDEXES: &str = "
    SELECT i.relname::text, string_agg(t.relname || '.' || a.attname, ', ' ORDER BY k.place)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    CROSS JOIN unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
    WHERE x.indisunique AND k.place <= x.indnkeyatts AND t.relnamespace = current_schema()::regnamespace
    GROUP BY i.relname";

/// A transaction later than every deletion that was committed.
pub(crate) const NOW: &str = "SELECT pg_current_xact_id()::text";
/// Whether somebody may still see what was deleted before the transaction `$1`: a transaction that began earlier, in
/// any database, or a connection to this one (or not yet to any) with an old snapshot.
pub(crate) const LOOKED_BACK: &str = "
    SELECT pg_snapshot_xmin(pg_current_snapshot()) <= $1::text::xid8 OR EXISTS (
        SELECT 1 FROM pg_stat_activity
        WHERE (datname = current_database() OR datname IS NULL) AND pid <> pg_backend_pid()
        AND backend_type <> 'autovacuum worker' AND age(backend_xmin) > age($1::text::xid8::xid))";
/// The tables of [`CATALOGUE`], for `VACUUM`.
pub(crate) const TABLES: &str = "
    SELECT coalesce(string_agg(quote_ident(table_name), ', '), '') FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'kept_migration'";

/// The neutral schema text as this database wants it. Text sorts and compares by its bytes, as on SQLite, whatever
/// the database's locale, so an update of the operating system's locales cannot break an index either.
/// Tables keep no order of rows, so `/* clustered */` stays the comment that it is.
pub(crate) fn schema(neutral: &str) -> String {
    let in_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut sql = String::with_capacity(neutral.len() * 2);
    let mut last = "";
    for piece in neutral.split_inclusive(|letter| !in_word(letter)) {
        let word = piece.trim_end_matches(|letter| !in_word(letter));
        match word {
            "BLOB" => sql.push_str("BYTEA"),
            // Not in `CAST(… AS TEXT)`.
            "TEXT" if last != "AS" => sql.push_str("TEXT COLLATE \"C\""),
            other => sql.push_str(other),
        }
        sql.push_str(piece.trim_start_matches(in_word));
        last = if word.is_empty() { last } else { word };
    }
    sql
}

/// Whether the placeholders are `$1` to `$n` for `n` values. Looked for outside `'…'`; PostgreSQL itself lets some
/// be missing.
pub(crate) fn has_placeholders(sql: &str, n: usize) -> bool {
    let digits =
        |after: &str| after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    let code = sql.split('\'').step_by(2);
    let found: Option<BTreeSet<usize>> = code.flat_map(|code| code.split('$').skip(1)).map(digits).collect();
    found.is_some_and(|found| found.into_iter().eq(1..=n))
}

/// An `INSERT INTO table (columns) …` as one statement for many rows, whose values are bound as arrays: one for each
/// placeholder whose type is known, and `NULL` in the place of the others. `None` of other statements.
pub(crate) fn for_each(sql: &str, types: &[Type]) -> Option<String> {
    let (into, rest) = sql.trim_start().strip_prefix("INSERT INTO ")?.split_once(')')?;
    let (body, conflict) = match rest.split_once("ON CONFLICT") {
        Some((body, conflict)) => (body, format!("ON CONFLICT{conflict}")),
        None => (rest, String::new()),
    };
    let mut body = body.to_owned();
    let (mut arrays, mut columns) = (Vec::new(), Vec::new());
    // From the last, so that `$1` is not found in `$12`.
    for (number, kind) in types.iter().enumerate().map(|(place, kind)| (place + 1, kind)).rev() {
        let known = *kind != Type::UNKNOWN;
        let stands_for = if known { format!("kept_each.v{number}") } else { "NULL".to_owned() };
        body = body.replace(&format!("${number}"), &stands_for);
        if known {
            columns.push(format!("v{number}"));
        }
    }
    columns.reverse();
    arrays.extend((1..=columns.len()).map(|number| format!("${number}")));
    let (arrays, columns) = (arrays.join(", "), columns.join(", "));
    Some(format!(
        "INSERT INTO {into}) SELECT kept_row.* FROM unnest({arrays}) AS kept_each ({columns}), \
         LATERAL ({body}) AS kept_row {conflict}"
    ))
}

/// The columns of some rows of the same types, as arrays with their types; those without a type are left out.
pub(crate) fn columns(rows: &[Vec<Value>]) -> (Vec<Type>, Vec<Box<dyn ToSql + Sync + Send>>) {
    let width = rows.first().map_or(0, Vec::len);
    let column = |place: usize| -> Option<(Type, Box<dyn ToSql + Sync + Send>)> {
        let values = || rows.iter().filter_map(move |row| row.get(place));
        match values().next()? {
            Value::Null => None,
            Value::Int(_) => Some((Type::INT8_ARRAY, Box::new(of::<i64>(values())))),
            Value::Text(_) => Some((Type::TEXT_ARRAY, Box::new(of::<String>(values())))),
            Value::Blob(_) => Some((Type::BYTEA_ARRAY, Box::new(of::<Vec<u8>>(values())))),
        }
    };
    (0..width).filter_map(column).unzip()
}

fn of<'v, T: FromValue>(values: impl Iterator<Item = &'v Value>) -> Vec<T> {
    values.filter_map(T::from_value).collect()
}

/// The type that a value is bound as. Left to itself, PostgreSQL would take some from the context, and an `INTEGER`
/// there is too short.
pub(crate) fn type_of(value: &Value) -> Type {
    match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
    }
}

/// A value as it is bound, in PostgreSQL's binary formats.
#[derive(Debug)]
pub(crate) struct Bound<'v>(pub(crate) &'v Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Int(number) => out.extend_from_slice(&number.to_be_bytes()),
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            Value::Blob(bytes) => out.extend_from_slice(bytes),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A column's value, or what it is instead.
struct Cell(Result<Value, &'static str>);

impl<'r> FromSql<'r> for Cell {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Cell, Box<dyn StdError + Sync + Send>> {
        Ok(Cell(Ok(match *kind {
            Type::INT8 => Value::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(kind, raw)?.into()),
            // As on SQLite, a condition is 0 or 1.
            Type::BOOL => Value::Int(bool::from_sql(kind, raw)?.into()),
            Type::TEXT | Type::VARCHAR | Type::UNKNOWN => Value::Text(str::from_utf8(raw)?.to_owned()),
            Type::BYTEA => Value::Blob(raw.to_vec()),
            Type::NUMERIC => return Ok(Cell(Err("a number of any length (cast it to BIGINT)"))),
            Type::FLOAT4 | Type::FLOAT8 => return Ok(Cell(Err("a floating-point number"))),
            _ => return Ok(Cell(Err("a type of PostgreSQL's own"))),
        })))
    }

    fn from_sql_null(_: &Type) -> Result<Cell, Box<dyn StdError + Sync + Send>> {
        Ok(Cell(Ok(Value::Null)))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// One row, copied out of the answer.
pub(crate) fn row(found: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let column = |index| {
        let cell = found.try_get(index).unwrap_or(Cell(Err("something unreadable")));
        cell.0.map_err(|found| StoreError::Column { index, expected: "an integer, text or bytes", found })
    };
    Ok(Row::new((0..found.len()).map(column).collect::<Result<_, _>>()?))
}

/// What the server said, if it only refused. `None` when the connection is over.
pub(crate) fn refusal(error: &Error) -> Option<&DbError> {
    error.as_db_error().filter(|refusal| refusal.parsed_severity() == Some(Severity::Error))
}

/// An error from running `sql`. PostgreSQL quotes values in details, in hints and in some messages, so only the
/// messages about syntax, names and constraints are told: they are made of the SQL text and of schema names.
pub(crate) fn error(error: &Error, sql: &str, unique_indexes: &HashMap<String, String>) -> StoreError {
    let Some(refusal) = refusal(error) else { return StoreError::Unreachable };
    let code = refusal.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        let index = refusal.constraint().unwrap_or("an index without a name");
        let constraint = unique_indexes.get(index).map_or(index, String::as_str);
        StoreError::Unique { constraint: constraint.to_owned() }
    } else if [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
    ]
    .contains(code)
    {
        StoreError::Busy
    } else if *code == SqlState::QUERY_CANCELED {
        StoreError::Budget
    } else if *code == SqlState::IN_FAILED_SQL_TRANSACTION {
        StoreError::RolledBack
    } else if *code == SqlState::DISK_FULL {
        StoreError::Full
    } else {
        let told = code.code().starts_with("23") || code.code().starts_with("42");
        let message = if told { refusal.message() } else { "the statement could not be run" };
        let statement = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        StoreError::Database { code: code.code().to_owned(), message: message.to_owned(), statement }
    }
}

/// Why a connection was not made: the server's or the operating system's words.
pub(crate) fn reason(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(refusal), _) => refusal.message().to_owned(),
        (None, Some(cause)) => cause.to_string(),
        (None, None) => error.to_string(),
    }
}
