//! Opening a data folder: what is made, what is refused, and that refusing changes nothing.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path};

use kept_store::{Migration, OpenError, Store, StoreError};
use tempfile::tempdir;

use crate::{SCHEMA, add, things};

const SECOND: Migration = Migration {
    name: "test/0002_more",
    sql: "ALTER TABLE thing ADD COLUMN more TEXT; CREATE TABLE other (a TEXT)",
};

/// Every file of a folder but SQLite's index of its log, which holds nothing of its own.
fn files(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"))
        .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_missing_folder_is_made() {
    let folder = tempdir().unwrap();
    let folder = folder.path().join("a/b");
    let store = Store::open(&folder, SCHEMA).unwrap();
    add(&store, 1, "a").await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for path in [folder.clone(), folder.join("kept.db"), folder.join("kept.db-wal")] {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", path.display());
        }
    }
    store.close().await;
    assert_eq!(files(&folder).keys().collect::<Vec<_>>(), ["kept.db", "kept.lock"]);
}

#[tokio::test]
async fn a_clustered_table_has_no_order_but_its_key() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    for (sql, has_row_ids) in [("SELECT rowid FROM thing", true), ("SELECT rowid FROM seat", false)] {
        let answer = store.read(move |read| Ok::<_, StoreError>(read.query(sql, &[]).is_ok())).await;
        assert_eq!(answer, Ok(has_row_ids), "{sql}");
    }
}

#[tokio::test]
async fn an_unfinished_new_database_is_made_again() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("kept.db.new"), "half of one").unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    assert_eq!(things(&store).await, 0);
    assert!(!folder.path().join("kept.db.new").exists());
}

#[tokio::test]
async fn a_second_server_is_refused() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    let Err(OpenError::InUse { folder: named }) = Store::open(folder.path(), SCHEMA) else {
        panic!("two servers on one folder")
    };
    assert_eq!(named, folder.path());
    add(&store, 1, "still works").await.unwrap();
    store.close().await;
    assert_eq!(things(&Store::open(folder.path(), SCHEMA).unwrap()).await, 1);
}

#[tokio::test]
async fn migrations_run_once_and_forward() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    add(&store, 1, "kept").await.unwrap();
    store.close().await;
    for _ in 0..2 {
        // An area that comes later may be listed first: what has run is recognised by its name.
        let store = Store::open(folder.path(), &[SCHEMA[0], SECOND]).unwrap();
        assert_eq!(things(&store).await, 1);
        let columns = store.columns().await.unwrap();
        assert!(columns.iter().any(|column| column.table == "thing" && column.name == "more"));
        assert!(columns.iter().any(|column| column.table == "other"));
        store.close().await;
    }
}

#[tokio::test]
async fn a_failed_migration_leaves_those_before_it() {
    let folder = tempdir().unwrap();
    let broken =
        Migration { name: "test/0002_more", sql: "CREATE TABLE half (a TEXT); CREATE TABEL oops (a TEXT)" };
    let Err(OpenError::Migration { name, .. }) = Store::open(folder.path(), &[SCHEMA[0], broken]) else {
        panic!("a broken migration ran")
    };
    assert_eq!(name, broken.name);
    // Another text under its name is no other version, because it was never recorded.
    let store = Store::open(folder.path(), &[SCHEMA[0], SECOND]).unwrap();
    let columns = store.columns().await.unwrap();
    assert!(columns.iter().all(|column| column.table != "half"));
}

#[tokio::test]
async fn another_version_is_refused_untouched() {
    let folder = tempdir().unwrap();
    let other_text = Migration { name: SECOND.name, sql: "CREATE TABLE other (a TEXT)" };
    let store = Store::open(folder.path(), &[SCHEMA[0], SECOND]).unwrap();
    add(&store, 1, "a").await.unwrap();
    // What a crash leaves: the migrations are still in the write-ahead log.
    let crashed = tempdir().unwrap();
    for name in ["kept.db", "kept.db-wal"] {
        fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    fs::write(crashed.path().join("kept.lock"), "").unwrap();
    store.close().await;
    for known in [SCHEMA, &[SCHEMA[0], other_text], &[]] {
        let before = files(crashed.path());
        let Err(OpenError::OtherVersion { migration, .. }) = Store::open(crashed.path(), known) else {
            panic!("opened by another version")
        };
        assert_eq!(migration, if known.is_empty() { SCHEMA[0].name } else { SECOND.name });
        assert!(files(crashed.path()) == before, "a refused database was changed");

        let before = fs::read(folder.path().join("kept.db")).unwrap();
        assert!(matches!(Store::open(folder.path(), known), Err(OpenError::OtherVersion { .. })));
        assert!(fs::read(folder.path().join("kept.db")).unwrap() == before, "a refused database was changed");
    }
    assert_eq!(things(&Store::open(crashed.path(), &[SCHEMA[0], SECOND]).unwrap()).await, 1);
    assert_eq!(things(&Store::open(folder.path(), &[SCHEMA[0], SECOND]).unwrap()).await, 1);
}

#[test]
fn what_is_not_ours_is_refused_untouched() {
    let foreign = tempdir().unwrap();
    let foreign = foreign.path().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("PRAGMA application_id = 7; CREATE TABLE t (a TEXT)").unwrap();
    drop(connection);
    for bytes in [fs::read(&foreign).unwrap(), b"SQLite format 3\0".to_vec(), vec![b'x'; 5000], Vec::new()] {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("kept.db"), bytes).unwrap();
        let before = files(folder.path());
        assert!(matches!(Store::open(folder.path(), SCHEMA), Err(OpenError::NotOurs { .. })));
        assert!(files(folder.path()) == before, "a file that is not ours was changed");
    }
}
