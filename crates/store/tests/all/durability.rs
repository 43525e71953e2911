//! What was answered is kept, whatever happens to the server or its disk.

use std::{fs, sync::mpsc, time::Duration};

use kept_store::{Store, StoreError, params};
use tempfile::tempdir;

use crate::{SCHEMA, add, queue, things};

#[tokio::test]
async fn what_was_answered_survives_a_crash() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    for id in 1..=20 {
        add(&store, id, "answered").await.unwrap();
        // The files as they are at this moment, without a word to the server.
        let crashed = tempdir().unwrap();
        for name in ["kept.db", "kept.db-wal"] {
            fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
        }
        assert_eq!(things(&Store::open(crashed.path(), SCHEMA).unwrap()).await, id);
    }
}

#[tokio::test]
async fn a_dropped_store_opens_again() {
    let folder = tempdir().unwrap();
    for id in 1..=3 {
        let store = Store::open(folder.path(), SCHEMA).unwrap();
        add(&store, id, "kept").await.unwrap();
        assert_eq!(things(&store).await, id);
    }
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    queue(store.write(|_| {
        std::thread::sleep(Duration::from_millis(50));
        Ok::<_, StoreError>(())
    }))
    .await;
    let clone = store.clone();
    let closing = tokio::spawn(clone.close());
    tokio::task::yield_now().await;
    queue(add(&store, 1, "queued")).await;
    closing.await.unwrap();
    assert_eq!(things(&Store::open(folder.path(), SCHEMA).unwrap()).await, 1);
}

#[tokio::test]
async fn a_transaction_holds_the_write_lock_from_its_start() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("kept.db")).unwrap();
    other.busy_timeout(Duration::ZERO).unwrap();
    let written = store.write(move |_| Ok::<_, StoreError>(other.execute("DELETE FROM thing", []).is_err()));
    assert_eq!(written.await, Ok(true), "another process wrote in the middle of a transaction");
}

#[tokio::test]
async fn a_job_may_hold_the_last_store() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    let (own, own_for_job) = (store.clone(), store.clone());
    let job = own.write(move |tx| {
        let _held = &own_for_job;
        std::thread::sleep(Duration::from_millis(50));
        tx.execute("INSERT INTO thing (id) VALUES (1)", &[])
    });
    queue(job).await;
    drop((own, store));
    for _ in 0..100 {
        match Store::open(folder.path(), SCHEMA) {
            Ok(store) => {
                assert_eq!(things(&store).await, 1);
                return;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the folder was never let go");
}

#[tokio::test]
async fn a_full_disk_keeps_nothing_of_the_transaction() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    let limit = store.write(|tx| tx.query("PRAGMA max_page_count = 60", &[]).map(drop));
    limit.await.map_err(|error: StoreError| error).unwrap();
    let big = "INSERT INTO thing (id, body) VALUES ($1, $2)";
    let swallowed = store.write(move |tx| {
        tx.execute(big, &params![1, vec![1; 10]])?;
        let full = tx.execute(big, &params![2, vec![1; 1_000_000]]);
        assert_eq!(full, Err(StoreError::Full));
        // SQLite rolled everything back; on its own, this would be committed.
        let after = tx.execute(big, &params![3, vec![1; 10]]);
        assert_eq!(after, Err(StoreError::RolledBack));
        Ok(())
    });
    assert_eq!(swallowed.await, Err(StoreError::RolledBack));
    assert_eq!(things(&store).await, 0);
    assert_eq!(add(&store, 4, "fits").await, Ok(1));
}

#[tokio::test]
async fn commits_are_synced() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    for (setting, expected) in [
        ("synchronous", 2),
        ("secure_delete", 1),
        ("foreign_keys", 1),
        ("trusted_schema", 0),
        ("temp_store", 2),
    ] {
        let sql = format!("PRAGMA {setting}");
        let value = store.write(move |tx| tx.query_one(&sql, &[])?.get::<i64>(0)).await;
        assert_eq!(value.map_err(|error: StoreError| error), Ok(expected), "{setting}");
    }
    let journal = store.read(|read| read.query_one("PRAGMA journal_mode", &[])?.get::<String>(0)).await;
    assert_eq!(journal.map_err(|error: StoreError| error), Ok("wal".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_wait_share_a_commit() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    let (release, blocked) = mpsc::channel();
    queue(store.write(move |_| {
        blocked.recv_timeout(Duration::from_secs(10)).unwrap();
        Ok::<_, StoreError>(())
    }))
    .await;
    for id in 1..=100 {
        queue(add(&store, id, "waits")).await;
    }
    release.send(()).unwrap();
    assert_eq!(add(&store, 101, "last").await, Ok(1));
    assert_eq!(things(&store).await, 101);
    let commits =
        store.read(|read| read.query_one("SELECT number FROM kept_group", &[])?.get::<i64>(0)).await;
    let commits = commits.map_err(|error: StoreError| error).unwrap();
    // The last one may have come too late for the group of the others.
    assert!((1..=2).contains(&commits), "{commits} commits");
}
