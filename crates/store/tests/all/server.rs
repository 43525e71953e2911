//! What PostgreSQL does that SQLite does not: connections break, others are at work, rows are left behind.

use std::{
    fs,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use kept_pgtest::{Bridge, Cut};
use kept_store::{Migration, OpenError, Store, StoreError, params};
use tempfile::tempdir;

use crate::{SCHEMA, add, things};

const SECOND: Migration = Migration {
    name: "test/0002_more",
    sql: "ALTER TABLE thing ADD COLUMN more TEXT; CREATE TABLE other (a TEXT)",
};

fn connect(migrations: &[Migration]) -> (String, Store) {
    let url = kept_pgtest::database(migrations);
    let store = Store::connect(&url, migrations).unwrap();
    (url, store)
}

#[tokio::test]
async fn an_address_is_checked_before_anything_is_sent() {
    let secret = "postgresql://kept:hunter2@db.example.test:x/kept";
    let Err(error) = Store::connect(secret, SCHEMA) else { panic!("connected") };
    assert!(matches!(error, OpenError::Address));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let remote = Store::connect("postgresql://kept@db.example.test/kept", SCHEMA);
    assert!(matches!(remote, Err(OpenError::Unencrypted { host }) if host == "db.example.test"));
    let nobody_there = tempdir().unwrap();
    let socket = format!("host={} user=kept", nobody_there.path().display());
    assert!(matches!(Store::connect(&socket, SCHEMA), Err(OpenError::Unreachable { .. })));
    let missing = kept_pgtest::empty_database() + "missing";
    let Err(OpenError::Unreachable { reason }) = Store::connect(&missing, SCHEMA) else {
        panic!("connected")
    };
    assert!(reason.contains("does not exist"), "{reason}");
}

#[tokio::test]
async fn migrations_run_once_and_forward() {
    let (url, store) = connect(SCHEMA);
    add(&store, 1, "kept").await.unwrap();
    store.close().await;
    for _ in 0..2 {
        let store =
            Store::connect(&url, &[SECOND, SCHEMA[0]]).unwrap_or_else(|_| panic!("a later one first"));
        assert_eq!(things(&store).await, 1);
        let columns = store.columns().await.unwrap();
        assert!(columns.iter().any(|column| column.table == "thing" && column.name == "more"));
    }
    let other_text = Migration { name: SECOND.name, sql: "CREATE TABLE other (a TEXT)" };
    for known in [SCHEMA, &[SCHEMA[0], other_text], &[]] {
        assert!(matches!(Store::connect(&url, known), Err(OpenError::OtherVersion { .. })));
    }
}

#[tokio::test]
async fn a_failed_migration_leaves_those_before_it_and_tells_no_value() {
    let (url, store) = connect(SCHEMA);
    add(&store, 1, "canary@example.test").await.unwrap();
    for sql in [
        "CREATE TABLE half (a TEXT); CREATE TABEL oops (a TEXT)",
        "CREATE TABLE half (a BIGINT); INSERT INTO half SELECT CAST(label AS BIGINT) FROM thing",
        "CREATE TABLE half (a TEXT NOT NULL UNIQUE); INSERT INTO half SELECT label FROM thing UNION ALL SELECT label FROM thing",
    ] {
        let broken = Migration { name: "test/0002_broken", sql };
        let Err(error) = Store::connect(&url, &[SCHEMA[0], broken]) else { panic!("a broken migration ran") };
        assert!(matches!(error, OpenError::Migration { name: "test/0002_broken", .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "a value in an error");
    }
    let store = Store::connect(&url, &[SCHEMA[0], SECOND]).unwrap();
    assert!(store.columns().await.unwrap().iter().all(|column| column.table != "half"));
}

#[tokio::test]
async fn servers_that_start_together_migrate_once() {
    let url = kept_pgtest::empty_database();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = url.clone();
            thread::spawn(move || drop(Store::connect(&url, SCHEMA).unwrap()))
        })
        .collect();
    for start in starts {
        start.join().unwrap();
    }
    assert_eq!(kept_pgtest::sql(&url, "SELECT count(*) FROM kept_migration"), "1");
}

#[tokio::test]
async fn a_database_is_new_until_it_has_been_connected_to() {
    let url = kept_pgtest::empty_database();
    assert!(Store::is_new(&url).unwrap() && Store::is_new(&url).unwrap());
    drop(Store::connect(&url, SCHEMA).unwrap());
    assert!(!Store::is_new(&url).unwrap());
}

#[tokio::test]
async fn what_is_not_ours_is_refused_untouched() {
    let url = kept_pgtest::empty_database();
    kept_pgtest::sql(&url, "CREATE TABLE foreign_table (a TEXT)");
    assert!(matches!(Store::is_new(&url), Err(OpenError::NotOurs { .. })));
    assert!(matches!(Store::connect(&url, SCHEMA), Err(OpenError::NotOurs { .. })));
    let tables =
        "SELECT string_agg(table_name, ' ') FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(kept_pgtest::sql(&url, tables), "foreign_table");
}

#[tokio::test]
async fn what_was_swallowed_is_not_committed() {
    let (_url, store) = connect(SCHEMA);
    add(&store, 1, "a").await.unwrap();
    let swallowed = store.write(|tx| {
        tx.execute("INSERT INTO thing (id) VALUES (2)", &[])?;
        assert!(tx.execute("INSERT INTO thing (id) VALUES (1)", &[]).is_err());
        assert_eq!(tx.execute("INSERT INTO thing (id) VALUES (3)", &[]), Err(StoreError::RolledBack));
        Ok(())
    });
    assert_eq!(swallowed.await, Err(StoreError::RolledBack));
    assert_eq!(things(&store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_and_a_long_lock_are_busy() {
    let (_url, store) = connect(SCHEMA);
    add(&store, 1, "a").await.unwrap();
    add(&store, 2, "b").await.unwrap();
    let lock = "UPDATE thing SET flag = 1 WHERE id = $1";
    let (first, second) = (mpsc::channel(), mpsc::channel());
    let one = store.write(move |tx| {
        tx.execute(lock, &params![1])?;
        first.0.send(()).unwrap();
        second.1.recv_timeout(Duration::from_secs(10)).unwrap();
        tx.execute(lock, &params![2])
    });
    let other = store.write(move |tx| {
        tx.execute(lock, &params![2])?;
        second.0.send(()).unwrap();
        first.1.recv_timeout(Duration::from_secs(10)).unwrap();
        tx.execute(lock, &params![1])
    });
    let both = tokio::join!(one, other);
    assert!(matches!(both, (Ok(1), Err(StoreError::Busy)) | (Err(StoreError::Busy), Ok(1))), "{both:?}");

    let (locked, wait) = mpsc::channel();
    let (release, held) = mpsc::channel();
    let holding = store.clone();
    let holder = tokio::spawn(async move {
        let held = holding.write(move |tx| {
            tx.execute(lock, &params![1])?;
            locked.send(()).unwrap();
            // At work, and not silent.
            while held.try_recv().is_err() {
                tx.query("SELECT 1", &[])?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok::<_, StoreError>(())
        });
        held.await.unwrap();
    });
    wait.recv_timeout(Duration::from_secs(10)).unwrap();
    let waited: Result<u64, StoreError> = store.write(move |tx| tx.execute(lock, &params![1])).await;
    assert_eq!(waited, Err(StoreError::Busy));
    release.send(()).unwrap();
    holder.await.unwrap();
}

/// As a server does whose process was stopped, or whose network broke, while it had a row: the row is given back, the
/// others get it in a few seconds without an error, and what the silent one had begun is not kept when it wakes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_goes_silent_in_a_transaction_loses_what_it_holds() {
    let (url, store) = connect(SCHEMA);
    add(&store, 1, "a").await.unwrap();
    let other = Store::connect(&url, SCHEMA).unwrap();
    let (locked, wait) = mpsc::channel();
    let silent = tokio::spawn(async move {
        let silent = store.write(move |tx| {
            tx.execute("UPDATE thing SET flag = 7 WHERE id = 1", &[])?;
            locked.send(()).unwrap();
            thread::sleep(Duration::from_secs(6));
            Ok::<_, StoreError>(())
        });
        (silent.await, store)
    });
    wait.recv_timeout(Duration::from_secs(10)).unwrap();
    let all = (2..20).map(|id| add(&other, id, "b"));
    let turn = other.write(|tx| tx.execute("UPDATE thing SET flag = 1 WHERE id = 1", &[]));
    let got: Result<u64, StoreError> =
        tokio::time::timeout(Duration::from_secs(4), turn).await.expect("still waiting");
    assert_eq!(got, Ok(1));
    for add in all {
        assert_eq!(add.await, Ok(1));
    }
    let (woken, store) = silent.await.unwrap();
    assert!(matches!(woken, Err(StoreError::CommitUnknown)), "{woken:?}");
    assert_eq!(kept_pgtest::sql(&url, "SELECT flag FROM thing WHERE id = 1"), "1");
    assert_eq!(add(&store, 20, "c").await, Ok(1), "and it goes on with another connection");
}

/// A server whose connection stays in a transaction keeps the rows that others delete.
#[tokio::test]
async fn a_read_that_was_answered_is_over_on_the_server_too() {
    let (url, store) = connect(SCHEMA);
    let open = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND application_name = 'kept' \
                AND state LIKE 'idle in transaction%' AND now() - state_change > interval '300 ms'";
    for _ in 0..20 {
        assert_eq!(things(&store).await, 0);
        let nothing = store.read(|_| Ok::<_, StoreError>(())).await;
        assert_eq!(nothing, Ok(()));
        let wrong = store.read(|read| read.query("SELECT missing FROM thing", &params![])).await;
        assert!(wrong.is_err());
    }
    // Less than after what time the server ends them by itself.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(kept_pgtest::sql(&url, open), "0");
}

#[tokio::test]
async fn a_connection_that_broke_keeps_nothing_and_is_made_again() {
    let (url, store) = connect(SCHEMA);
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'kept' AND pid <> pg_backend_pid()";
    let own = url.clone();
    let broken = store.write(move |tx| {
        tx.execute("INSERT INTO thing (id) VALUES (1)", &[])?;
        kept_pgtest::sql(&own, kill);
        tx.execute("INSERT INTO thing (id) VALUES (2)", &[])
    });
    assert_eq!(broken.await, Err(StoreError::Unreachable));
    for id in 3..10 {
        // A connection that broke while nobody used it is nobody's trouble.
        kept_pgtest::sql(&url, kill);
        assert_eq!(add(&store, id, "next").await, Ok(1));
    }
    assert_eq!(things(&store).await, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_at_the_commit_leaves_it_unknown() {
    let (url, store) = connect(SCHEMA);
    for (id, how, kept) in [(1, Cut::Before, 0), (2, Cut::After, 1)] {
        let bridge = Bridge::to(&url);
        let far = Store::connect(&bridge.url, SCHEMA).unwrap();
        assert_eq!(things(&far).await, 0);
        bridge.cut(how, 1);
        assert_eq!(add(&far, id, "unknown").await, Err(StoreError::CommitUnknown));
        // The commit may still be on its way to the server.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(things(&far).await, kept);
        assert_eq!(things(&store).await, kept);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_answering_is_not_waited_for() {
    let bridge = Arc::new(Bridge::to(&connect(SCHEMA).0));
    let store = Store::connect(&bridge.url, SCHEMA).unwrap();
    let stop = Arc::clone(&bridge);
    let stopped = store.write(move |tx| {
        tx.execute("INSERT INTO thing (id) VALUES (1)", &[])?;
        stop.stall();
        tx.execute("INSERT INTO thing (id) VALUES (2)", &[])
    });
    let answer = tokio::time::timeout(Duration::from_secs(9), stopped).await;
    assert_eq!(answer.expect("still waiting"), Err(StoreError::Unreachable));
    bridge.pass();
    assert_eq!(things(&store).await, 0);
}

/// Tries again while it is busy: other tests have transactions open in other databases.
async fn patiently<F: Future<Output = Result<(), StoreError>>>(tidy: impl Fn() -> F) {
    for _ in 0..40 {
        match tidy().await {
            Err(StoreError::Busy) => tokio::time::sleep(Duration::from_millis(250)).await,
            done => return done.unwrap(),
        }
    }
    panic!("busy for ever")
}

const CANARY: &str = "canary-in-a-row";

/// How many of the database's files still hold the canary.
fn files_with_the_canary(url: &str) -> usize {
    kept_pgtest::sql(url, "CHECKPOINT");
    let database = kept_pgtest::sql(url, "SELECT oid FROM pg_database WHERE datname = current_database()");
    let files = fs::read_dir(kept_pgtest::folder().join("data/base").join(database)).unwrap();
    // One may go while we look.
    let held =
        |path| fs::read(path).unwrap_or_default().windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
    files.filter(|file| held(file.as_ref().unwrap().path())).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scrubbing_leaves_no_deleted_row_in_a_table() {
    let (url, store) = connect(SCHEMA);
    add(&store, 1, "stays").await.unwrap();
    add(&store, 2, CANARY).await.unwrap();
    let deleted: Result<u64, StoreError> =
        store.write(|tx| tx.execute("DELETE FROM thing WHERE id = 2", &[])).await;
    assert_eq!(deleted, Ok(1));
    patiently(|| store.forget()).await;
    assert_eq!(files_with_the_canary(&url), 1, "a plain VACUUM leaves the bytes in their page");
    patiently(|| store.scrub()).await;
    assert_eq!(files_with_the_canary(&url), 0);
    assert_eq!(things(&store).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgetting_frees_the_space_and_waits_for_no_long_scan() {
    let (url, store) = connect(SCHEMA);
    add(&store, 1, "a").await.unwrap();
    let (started, wait_for_start) = mpsc::channel();
    let (finish, wait_for_finish) = mpsc::channel();
    let scanning = store.clone();
    let scan = tokio::spawn(async move {
        let scanned = scanning.scan(move |read| {
            read.query("SELECT id FROM thing", &[])?;
            started.send(()).unwrap();
            wait_for_finish.recv_timeout(Duration::from_secs(10)).unwrap();
            Ok::<_, StoreError>(())
        });
        scanned.await.unwrap();
    });
    wait_for_start.recv_timeout(Duration::from_secs(10)).unwrap();
    let deleted: Result<u64, StoreError> = store.write(|tx| tx.execute("DELETE FROM thing", &[])).await;
    assert_eq!(deleted, Ok(1));
    assert_eq!(store.forget().await, Err(StoreError::Busy));
    finish.send(()).unwrap();
    scan.await.unwrap();
    patiently(|| store.forget()).await;
    assert_eq!(
        kept_pgtest::sql(&url, "SELECT pg_relation_size('thing')"),
        "0",
        "an empty table's pages are given back"
    );
}
