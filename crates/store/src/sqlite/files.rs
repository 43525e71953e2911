//! The data folder: `kept.db`, the lock beside it, and how connections are opened.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{OpenError, StoreError, dialect::sqlite as dialect};

/// "Kept" in ASCII, in the header of every `kept.db` (<https://www.sqlite.org/fileformat2.html>, offset 68).
const APPLICATION_ID: [u8; 4] = *b"Kept";
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How long a statement waits for another process (a backup tool, an operator's shell).
const PATIENCE: Duration = Duration::from_secs(5);
/// How long [`forget`] waits for readers. Every write waits with it.
const PATIENCE_TO_FORGET: Duration = Duration::from_millis(250);
/// Prepared statements kept per connection; an area has some dozens.
const STATEMENTS: usize = 256;
/// Pages that the writer keeps in memory, in KiB: the inner pages of large tables, and every page that a group of
/// transactions changes, which are written twice when there is no room for them. Not more, because after some commits SQLite
/// looks at every page it keeps: with 64 MiB that took a twelfth of all the time of reads by staff.
const WRITER_CACHE: i64 = 16 * 1024;
/// The same of each reader. What it kept is void after each commit, so more would not help.
const READER_CACHE: i64 = 4 * 1024;

/// Takes the folder and finds or makes its database. No byte of a file that is not ours is touched.
pub(crate) fn claim(folder: &Path) -> Result<(File, PathBuf), OpenError> {
    let path = folder.join("kept.db");
    let exists = is_ours(&path)?;
    create_folder(folder).map_err(|source| io_error(folder, source))?;
    let lock = lock(folder)?;
    if !exists {
        create(folder, &path)?;
    }
    Ok((lock, path))
}

/// The one connection that writes.
pub(crate) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_CACHE)?;
    // FULL: an answered commit survives a power cut. secure_delete: erased rows are overwritten with zeros
    // instead of lingering in free pages (`Store::scrub` says what it misses). No auto_vacuum: zeroed pages
    // hold nothing and are used again, so there is nothing to gain from moving others about. No checkpoint by itself: `Log`
    // sees to that.
    connection
        .execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 0;")
        .map_err(|error| dialect::run_error(error, "PRAGMA"))?;
    connection.execute_batch(dialect::GROUPS).map_err(|error| dialect::run_error(error, dialect::GROUPS))?;
    Ok(connection)
}

/// A connection that only reads. It does not checkpoint when it closes either.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_CACHE)
}

/// Moves what is in the write-ahead log into the database, as far as nobody reads it, while others write.
pub(crate) fn carry_log(path: &Path) -> Result<(), StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE)?;
    // As the writer does: what was moved is on the disk before the log may begin anew.
    const CARRY: &str = "PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(PASSIVE);";
    connection.execute_batch(CARRY).map_err(|error| dialect::run_error(error, CARRY))
}

/// Moves the rest of the write-ahead log into the database, so that the next commit begins it anew.
pub(crate) fn restart(connection: &Connection, patience: Duration) -> Result<(), StoreError> {
    checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)", patience)
}

/// Moves the write-ahead log into the database and empties it, so that no old version of a page is left.
pub(crate) fn forget(connection: &Connection) -> Result<(), StoreError> {
    checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)", PATIENCE_TO_FORGET)
}

fn checkpoint(connection: &Connection, sql: &str, patience: Duration) -> Result<(), StoreError> {
    let refused = |error| dialect::run_error(error, sql);
    connection.busy_timeout(patience).map_err(refused)?;
    let blocked = connection.query_row(sql, [], |row| row.get::<_, bool>(0));
    connection.busy_timeout(PATIENCE).map_err(refused)?;
    if blocked.map_err(refused)? { Err(StoreError::Busy) } else { Ok(()) }
}

/// Writes the database anew from its rows, then [`forget`]s.
pub(crate) fn scrub(connection: &Connection) -> Result<(), StoreError> {
    // On disk while it lasts, because the copy is as large as the database.
    const REWRITE: &str = "PRAGMA temp_store = FILE; VACUUM;";
    let rewritten = connection.execute_batch(REWRITE);
    connection
        .execute_batch("PRAGMA temp_store = MEMORY")
        .and(rewritten)
        .map_err(|error| dialect::run_error(error, REWRITE))?;
    forget(connection)
}

/// Whether there is a database of ours. Read from the file's header, because opening it with SQLite may write.
fn is_ours(path: &Path) -> Result<bool, OpenError> {
    let mut header = Vec::new();
    match File::open(path).and_then(|file| file.take(100).read_to_end(&mut header)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        read => read.map_err(|source| io_error(path, source))?,
    };
    if header.starts_with(MAGIC) && header.get(68..72) == Some(&APPLICATION_ID) {
        Ok(true)
    } else {
        Err(OpenError::NotOurs { place: path.display().to_string() })
    }
}

/// Only the server's own user may enter a folder that we make.
fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The operating system lets go of the lock when the file is closed, however the server ends.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("kept.lock");
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(|source| io_error(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io_error(&path, source)),
    }
}

/// Makes the database under another name and moves it into place, so that there is a whole one or none.
fn create(folder: &Path, path: &Path) -> Result<(), OpenError> {
    let draft = folder.join("kept.db.new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(&draft, error)),
        _ => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let schema = format!(
        "PRAGMA journal_mode = MEMORY; PRAGMA application_id = {};
         CREATE TABLE kept_migration (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sql TEXT NOT NULL);
         PRAGMA journal_mode = WAL;",
        i32::from_be_bytes(APPLICATION_ID)
    );
    // SQLite gives the files beside it the same mode.
    private(&draft).map_err(|source| io_error(&draft, source))?;
    connect(&draft, flags, READER_CACHE)?
        .execute_batch(&schema)
        .map_err(|error| dialect::run_error(error, &schema))?;
    fs::rename(&draft, path).map_err(|source| io_error(path, source))?;
    sync(folder).map_err(|source| io_error(folder, source))
}

/// Makes an empty file that only the server's own user may read, whoever may enter the folder.
fn private(path: &Path) -> io::Result<()> {
    let mut file = File::options();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map(drop)
}

/// Makes a new name in the folder survive a power cut.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be synced, and need not be.
#[cfg(not(unix))]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags, cache: i64) -> Result<Connection, StoreError> {
    let refused = |error| dialect::run_error(error, "opening the database");
    let connection =
        Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(refused)?;
    connection.busy_timeout(PATIENCE).map_err(refused)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // DEFENSIVE: no SQL can corrupt the file. DQS: `"…"` is never a string, as in the SQL standard. QPSG: a plan does not
    // depend on the values bound, else SQLite compiles some statements anew for each.
    for (option, on) in [
        (DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(option, on).map_err(refused)?;
    }
    // Sorting must not spill rows to files outside the folder.
    connection.execute_batch("PRAGMA temp_store = MEMORY").map_err(refused)?;
    connection.pragma_update(None, "cache_size", -cache).map_err(refused)?;
    Ok(connection)
}

fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), source }
}
