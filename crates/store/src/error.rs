//! What can go wrong, without a single bound value in it.

use std::{io, path::PathBuf};

/// Why a statement or a transaction did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A row with the same unique value is already there.
    #[error("already taken: {constraint}")]
    Unique {
        /// The columns or the constraint, as the database names them: `seat.course, seat.number`.
        constraint: String,
    },
    /// The disk is full. Nothing of the transaction was kept.
    #[error("the disk that holds the database is full: free some space and try again")]
    Full,
    /// A point read took too many steps (SQLite) or too long (PostgreSQL). Use
    /// [`Store::scan`](crate::Store::scan), or add an index.
    #[error("the read took more than a point read may: use a scan or add an index")]
    Budget,
    /// Another reader, writer or process was in the way for longer than we wait. Nothing was kept: run it again.
    #[error("the database is busy: try again")]
    Busy,
    /// The transaction's function panicked. Nothing of the transaction was kept.
    #[error("the transaction panicked and was rolled back")]
    Panicked,
    /// The database ended the transaction before its function did, after an earlier error in it.
    #[error("the transaction was already rolled back after an earlier error in it")]
    RolledBack,
    /// The disk or the connection failed while committing: the transaction may be kept or not. Look before trying
    /// again.
    #[error("the commit broke off, so its outcome is unknown: check the database and what was kept")]
    CommitUnknown,
    /// The database could not be reached, or the connection to it broke before the commit. Nothing of the
    /// transaction was kept.
    #[error("the database could not be reached, so nothing was kept: see that it runs and try again")]
    Unreachable,
    /// The store was closed before the transaction began.
    #[error("the store is closed")]
    Closed,
    /// An answer had another number of rows than the caller expected.
    #[error("expected {expected} but found {found} rows: {statement}")]
    Rows {
        /// `one row` or `at most one row`.
        expected: &'static str,
        /// How many there were.
        found: usize,
        /// The SQL text.
        statement: String,
    },
    /// The placeholders are not `$1` to `$n` for the `n` values given.
    #[error("{given} values were bound, but the placeholders are not $1 to ${given}: {statement}")]
    Placeholders {
        /// How many values were bound.
        given: usize,
        /// The SQL text.
        statement: String,
    },
    /// A column is missing or holds another type than the caller asked for.
    #[error("column {index}: expected {expected} but found {found}")]
    Column {
        /// Counted from 0.
        index: usize,
        /// What the caller asked for.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Anything else the database refused.
    #[error("the database refused ({code}): {message}: {statement}")]
    Database {
        /// The database's own code: an extended result code on SQLite, an SQLSTATE on PostgreSQL.
        code: String,
        /// The database's explanation, as far as it cannot contain a bound value.
        message: String,
        /// The SQL text.
        statement: String,
    },
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server has the folder open.
    #[error("{} is in use by another kept server: stop it or choose another folder", folder.display())]
    InUse {
        /// The data folder.
        folder: PathBuf,
    },
    /// This is not a database, or belongs to another program. It was not touched.
    #[error("{place} is not a kept database: move it away or choose another")]
    NotOurs {
        /// The file, or the name of the PostgreSQL database.
        place: String,
    },
    /// The database was changed by a version of kept that this one cannot follow. It was not touched.
    #[error(
        "{place} was last used by another version of kept: its migration {migration} is not this version's; \
         start that version, or restore a backup made before it"
    )]
    OtherVersion {
        /// The file, or the name of the PostgreSQL database.
        place: String,
        /// The recorded migration that is unknown here or has another text here.
        migration: String,
    },
    /// The address of a PostgreSQL database cannot be read. It is not shown, because it may hold a password.
    #[error("the database's address cannot be read: write postgresql://user@host/name")]
    Address,
    /// The connection would cross a network unencrypted.
    #[error(
        "the connection to {host} would not be encrypted: use a socket or a tunnel, or, when the network itself \
         is trusted, add sslmode=disable to the address"
    )]
    Unencrypted {
        /// The host of the address.
        host: String,
    },
    /// The PostgreSQL server could not be reached or turned us away.
    #[error("the database cannot be reached: {reason}")]
    Unreachable {
        /// The server's or the operating system's words.
        reason: String,
    },
    /// A migration failed. It was rolled back; those before it stay.
    #[error("migration {name} failed and was rolled back: {source}")]
    Migration {
        /// The migration's name.
        name: &'static str,
        /// Why.
        source: StoreError,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database refused.
    #[error(transparent)]
    Database(#[from] StoreError),
}
