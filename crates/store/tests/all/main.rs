//! What a store promises, on every database, and what the SQLite files promise besides.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod conformance;
mod durability;
mod erasure;
mod opening;
mod schema;
mod server;

use std::task::Poll;

use kept_store::{Migration, Store, StoreError};

/// The schema of the tests, in the neutral SQL.
const SCHEMA: &[Migration] = &[Migration {
    name: "test/0001_tables",
    sql: "
        CREATE TABLE thing (id BIGINT NOT NULL PRIMARY KEY, flag BIGINT, label TEXT, body BLOB);
        CREATE TABLE seat (
            course TEXT NOT NULL, number BIGINT NOT NULL, thing BIGINT REFERENCES thing (id),
            PRIMARY KEY (course, number)
        ) /* clustered */;
        CREATE UNIQUE INDEX seat_thing ON seat (thing);",
}];

/// How many things are committed.
async fn things(store: &Store) -> i64 {
    store
        .read(|read| read.query_one("SELECT count(*) FROM thing", &kept_store::params![])?.get(0))
        .await
        .map_err(|error: StoreError| error)
        .unwrap()
}

/// Commits a thing.
async fn add(store: &Store, id: i64, label: &'static str) -> Result<u64, StoreError> {
    let insert = "INSERT INTO thing (id, label) VALUES ($1, $2)";
    store.write(move |tx| tx.execute(insert, &kept_store::params![id, label])).await
}

/// Lets `future` queue its work, then stops waiting for it.
async fn queue(future: impl Future) {
    let mut future = std::pin::pin!(future);
    let waiting = std::future::poll_fn(|task| Poll::Ready(future.as_mut().poll(task).is_pending())).await;
    assert!(waiting, "answered before it could be dropped");
}
