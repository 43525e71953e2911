//! Erased rows are in no file of the folder.

use std::{collections::HashSet, fs, path::Path, sync::mpsc, time::Duration};

use kept_store::{Store, StoreError, params};
use tempfile::tempdir;

use crate::{SCHEMA, add};

const CANARY: &str = "canary-";

fn canary(id: i64) -> String {
    format!("{CANARY}{id:06}-")
}

/// How many different canaries with an `id` that is `wanted` are in some file of the folder.
fn found(folder: &Path, wanted: impl Fn(i64) -> bool) -> usize {
    let mut ids = HashSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        ids.extend(text.split(CANARY).skip(1).filter_map(|after| after.get(..6)?.parse::<i64>().ok()));
    }
    ids.into_iter().filter(|id| wanted(*id)).count()
}

#[tokio::test]
async fn a_deleted_row_is_forgotten() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    let insert = "INSERT INTO thing (id, label) VALUES (1, $1)";
    let inserted = store.write(move |tx| tx.execute(insert, &params![canary(1)])).await;
    assert_eq!(inserted.map_err(|error: StoreError| error), Ok(1));
    assert_eq!(found(folder.path(), |id| id == 1), 1);
    let deleted = store.write(|tx| tx.execute("DELETE FROM thing", &[])).await;
    assert_eq!(deleted.map_err(|error: StoreError| error), Ok(1));
    assert_eq!(found(folder.path(), |id| id == 1), 1, "the log still has it");
    store.forget().await.unwrap();
    assert_eq!(found(folder.path(), |id| id == 1), 0);
}

#[tokio::test]
async fn forgetting_waits_for_no_long_scan() {
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    add(&store, 1, "a").await.unwrap();
    let (started, wait_for_start) = mpsc::channel();
    let (finish, wait_for_finish) = mpsc::channel();
    let scanning = store.clone();
    let scan = tokio::spawn(async move {
        let scanned = scanning.scan(move |read| {
            read.query("SELECT id FROM thing", &[])?;
            started.send(()).unwrap();
            wait_for_finish.recv_timeout(Duration::from_secs(10)).unwrap();
            Ok(())
        });
        scanned.await.map_err(|error: StoreError| error).unwrap();
    });
    // The scan runs on a thread of its own, so waiting here holds up nobody.
    tokio::task::yield_now().await;
    wait_for_start.recv_timeout(Duration::from_secs(10)).unwrap();
    add(&store, 2, "b").await.unwrap();
    assert_eq!(store.forget().await, Err(StoreError::Busy));
    finish.send(()).unwrap();
    scan.await.unwrap();
    assert_eq!(store.forget().await, Ok(()));
}

/// Many rows in random order make SQLite move rows between pages, and that leaves copies.
#[tokio::test]
async fn scrubbing_finds_what_forgetting_misses() {
    const PEOPLE: i64 = 3000;
    let folder = tempdir().unwrap();
    let store = Store::open(folder.path(), SCHEMA).unwrap();
    let filled = store.write(move |tx| {
        for step in 0..PEOPLE {
            let id = step * 1327 % PEOPLE;
            let length = usize::try_from(step * 7919 % 200).unwrap();
            let label = canary(id) + &"x".repeat(length);
            tx.execute("INSERT INTO seat (course, number) VALUES ($1, $2)", &params![label, id])?;
        }
        Ok(())
    });
    filled.await.map_err(|error: StoreError| error).unwrap();
    let deleted = store.write(|tx| tx.execute("DELETE FROM seat WHERE number % 4 = 0", &[])).await;
    assert_eq!(deleted.map_err(|error: StoreError| error), Ok(750));
    let erased = |id| id % 4 == 0;
    let others = |id| id % 4 != 0;

    store.forget().await.unwrap();
    assert_ne!(found(folder.path(), erased), 0, "nothing is left to scrub: this test proves nothing");
    store.scrub().await.unwrap();
    assert_eq!(found(folder.path(), erased), 0);
    assert_eq!(found(folder.path(), others), 2250);
    let left = store.read(|read| read.query_one("SELECT count(*) FROM seat", &[])?.get::<i64>(0)).await;
    assert_eq!(left.map_err(|error: StoreError| error), Ok(2250));
}
