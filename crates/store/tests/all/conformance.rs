//! The suite that every database passes. Each case takes a function that opens an empty store of its own.

use std::{any::Any, sync::mpsc, time::Duration};

use kept_store::{Migration, Store, StoreError, Value, params};

use crate::{SCHEMA, add, queue, things};

/// An open store, and whatever has to live as long as it does.
struct Fixture {
    store: Store,
    _keep: Box<dyn Any>,
}

type Open = fn(&[Migration]) -> Fixture;

macro_rules! on_every_database {
    ($($case:ident)+) => {
        mod sqlite {
            fn open(migrations: &[kept_store::Migration]) -> super::Fixture {
                let folder = tempfile::tempdir().unwrap();
                let store = kept_store::Store::open(folder.path(), migrations).unwrap();
                super::Fixture { store, _keep: Box::new(folder) }
            }
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                super::$case(open).await;
            })+
        }
        mod postgres {
            fn open(migrations: &[kept_store::Migration]) -> super::Fixture {
                let url = kept_pgtest::database(migrations);
                let store = kept_store::Store::connect(&url, migrations).unwrap();
                super::Fixture { store, _keep: Box::new(()) }
            }
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                super::$case(open).await;
            })+
        }
    };
}

on_every_database! {
    values_round_trip
    wrong_types_are_errors
    placeholders_are_numbered
    answers_have_the_expected_rows
    unique_violations_are_recognisable
    foreign_keys_are_enforced
    errors_tell_no_values
    an_error_rolls_back
    a_panic_harms_nobody_else
    no_update_is_lost
    reads_see_only_what_is_committed
    a_read_is_one_snapshot
    a_read_cannot_write
    a_runaway_read_is_stopped
    a_scan_has_no_budget
    the_catalogue_lists_every_column
    a_closed_store_refuses
    a_queued_write_outlives_its_caller
    text_sorts_by_its_bytes
    answers_are_what_sqlite_calls_numbers
    many_rows_are_one_call
    an_insert_of_many_rows_may_choose_them
    many_statements_are_one_call
    a_part_fails_alone
    what_a_part_has_sent_may_end_the_whole
}

/// Gives the closure of a test its types.
fn typed<T>(result: Result<T, StoreError>) -> Result<T, StoreError> {
    result
}

async fn values_round_trip(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let body = [0_u8, 1, 255];
    for (id, flag, label) in [(i64::MIN, false, "quote ', ünï"), (i64::MAX, true, "")] {
        let insert = "INSERT INTO thing (id, flag, label, body) VALUES ($1, $2, $3, $4)";
        let inserted = store.write(move |tx| tx.execute(insert, &params![id, flag, label, body])).await;
        assert_eq!(typed(inserted), Ok(1));
        let row =
            store.read(move |read| read.query_one("SELECT * FROM thing WHERE id = $1", &params![id])).await;
        let row = typed(row).unwrap();
        assert_eq!(row.get(0), Ok(id));
        assert_eq!(row.get(1), Ok(flag));
        assert_eq!(row.get(2), Ok(label.to_owned()));
        assert_eq!(row.get(3), Ok(body.to_vec()));
        assert_eq!(row.get(3), Ok(body));
        assert_eq!(row.get(3), Ok(Some(body)));
    }
    let nothing: Option<&str> = None;
    let insert = "INSERT INTO thing (id, flag, label, body) VALUES ($1, $2, $3, $4)";
    let values = params![7_u32, Value::Null, nothing, Some(&body)];
    let inserted = store.write(move |tx| tx.execute(insert, &values)).await;
    assert_eq!(typed(inserted), Ok(1));
    let row =
        store.read(|read| read.query_one("SELECT flag, label, body FROM thing WHERE id = 7", &[])).await;
    let row = typed(row).unwrap();
    assert_eq!(row.get(0), Ok(None::<bool>));
    assert_eq!(row.get(1), Ok(None::<String>));
    assert_eq!(row.get(2), Ok(body));
    let changed = store.write(|tx| tx.execute("UPDATE thing SET flag = 0", &params![])).await;
    assert_eq!(typed(changed), Ok(3));
}

async fn wrong_types_are_errors(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let insert = "INSERT INTO thing (id, flag, label, body) VALUES (1, 2, 'text', $1)";
    typed(store.write(move |tx| tx.execute(insert, &params![[9_u8; 4]])).await).unwrap();
    let row = store.read(|read| read.query_one("SELECT flag, label, body, NULL FROM thing", &[])).await;
    let row = typed(row).unwrap();
    assert!(matches!(row.get::<bool>(0), Err(StoreError::Column { index: 0, .. })));
    assert!(row.get::<String>(0).is_err());
    assert!(row.get::<i64>(1).is_err());
    assert!(row.get::<Vec<u8>>(1).is_err());
    assert!(row.get::<[u8; 5]>(2).is_err());
    assert!(row.get::<Option<[u8; 5]>>(2).is_err());
    assert_eq!(
        row.get::<i64>(3),
        Err(StoreError::Column { index: 3, expected: "an integer", found: "null" })
    );
    assert!(row.get::<Option<i64>>(4).is_err());
}

async fn placeholders_are_numbered(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let insert = "INSERT INTO thing (label, id, flag) VALUES ($2, $1, $1)";
    typed(store.write(move |tx| tx.execute(insert, &params![1, "second"])).await).unwrap();
    let row = store.read(|read| read.query_one("SELECT id, flag, label FROM thing", &[])).await;
    let row = typed(row).unwrap();
    assert_eq!((row.get(0), row.get(1)), (Ok(1), Ok(true)));
    assert_eq!(row.get(2), Ok("second".to_owned()));
    for (sql, values) in [
        ("SELECT $1, $2", params![1].to_vec()),
        ("SELECT $1", params![1, 2].to_vec()),
        ("SELECT $2", params![1].to_vec()),
        ("SELECT $0", params![1].to_vec()),
    ] {
        let refused = typed(store.read(move |read| read.query(sql, &values).map(drop)).await);
        assert!(matches!(refused, Err(StoreError::Placeholders { .. })), "{sql}");
    }
}

async fn text_sorts_by_its_bytes(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    for (id, label) in [(1, "a"), (2, "B"), (3, "ä"), (4, "")] {
        add(&store, id, label).await.unwrap();
    }
    let sorted = store.read(|read| {
        let rows = read.query("SELECT label FROM thing ORDER BY label", &[])?;
        rows.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(typed(sorted.await).unwrap(), ["", "B", "a", "ä"]);
}

async fn answers_are_what_sqlite_calls_numbers(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    add(&store, 1, "a").await.unwrap();
    let asked = "SELECT count(*), max(id), id = 1, 7, EXISTS (SELECT 1 FROM seat), CAST(sum(id) AS BIGINT) FROM thing GROUP BY id";
    let row = typed(store.read(move |read| read.query_one(asked, &[])).await).unwrap();
    assert_eq!((row.get(0), row.get(1)), (Ok(1), Ok(1)));
    assert_eq!((row.get(2), row.get(3)), (Ok(true), Ok(7)));
    assert_eq!((row.get(4), row.get(5)), (Ok(false), Ok(1)));
    let float = typed(store.read(|read| read.query("SELECT 1.5e0 * id FROM thing", &[]).map(drop)).await);
    assert!(matches!(float, Err(StoreError::Column { index: 0, .. })), "{float:?}");
}

async fn answers_have_the_expected_rows(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let one = store.read(|read| read.query_one("SELECT id FROM thing", &[]).map(drop)).await;
    assert!(matches!(typed(one), Err(StoreError::Rows { found: 0, .. })));
    let none = store.read(|read| Ok(read.query_opt("SELECT id FROM thing", &[])?.is_none())).await;
    assert_eq!(typed(none), Ok(true));
    add(&store, 1, "a").await.unwrap();
    add(&store, 2, "b").await.unwrap();
    let two = store.read(|read| read.query_opt("SELECT id FROM thing", &[]).map(drop)).await;
    assert!(matches!(typed(two), Err(StoreError::Rows { found: 2, .. })));
    let deleted = store
        .write(|tx| {
            let deleted = tx.query("DELETE FROM thing RETURNING id", &[])?;
            deleted.iter().map(|row| row.get(0)).collect::<Result<Vec<i64>, _>>()
        })
        .await;
    assert_eq!(typed(deleted), Ok(vec![1, 2]));
    assert_eq!(things(&store).await, 0);
}

async fn unique_violations_are_recognisable(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    add(&store, 1, "a").await.unwrap();
    let taken = |constraint: &str| Err(StoreError::Unique { constraint: constraint.to_owned() });
    assert_eq!(add(&store, 1, "b").await, taken("thing.id"));
    for (course, number, thing, expected) in [
        ("x", 1, Some(1), Ok(1)),
        ("x", 1, None, taken("seat.course, seat.number")),
        ("x", 2, Some(1), taken("seat.thing")),
    ] {
        let insert = "INSERT INTO seat VALUES ($1, $2, $3)";
        let tried = store.write(move |tx| tx.execute(insert, &params![course, number, thing])).await;
        assert_eq!(tried, expected);
    }
    let insert = "INSERT INTO thing (id) VALUES (1) ON CONFLICT DO NOTHING";
    assert_eq!(typed(store.write(move |tx| tx.execute(insert, &[])).await), Ok(0));
}

async fn foreign_keys_are_enforced(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let refused = store.write(|tx| tx.execute("INSERT INTO seat VALUES ('x', 1, 99)", &[])).await;
    assert!(matches!(typed(refused), Err(StoreError::Database { .. })));
}

async fn errors_tell_no_values(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let canary = "canary@example.test";
    let mut errors = Vec::new();
    for sql in [
        "INSERT INTO thing (id, label) VALUES (1, $1), (1, $1)",
        "INSERT INTO seat VALUES ($1, 1, 99)",
        "INSERT INTO seat VALUES ($1, NULL, NULL)",
        "INSERT INTO thing (id, label) VALUES (2, $1) RETURNING missing",
        "SELECT json_extract('{}', $1)",
        "SELECT $1 ->> 'a'",
        "SELECT $1, $2",
    ] {
        let failed = store.write(move |tx| tx.query(sql, &params![canary]).map(drop)).await;
        errors.push(typed(failed).expect_err(sql));
    }
    let row = store.read(move |read| read.query_one("SELECT $1", &params![canary])).await;
    let row = typed(row).unwrap();
    errors.push(row.get::<i64>(0).unwrap_err());
    for error in &errors {
        assert!(!format!("{error} {error:?}").contains("canary"), "a bound value in an error");
    }
    assert!(!format!("{row:?} {:?}", params![canary]).contains("canary"), "a value in a debug text");
}

async fn an_error_rolls_back(open: Open) {
    #[derive(Debug, PartialEq)]
    enum Refused {
        ByUs,
        ByStore(StoreError),
    }
    impl From<StoreError> for Refused {
        fn from(error: StoreError) -> Refused {
            Refused::ByStore(error)
        }
    }
    let Fixture { store, _keep } = open(SCHEMA);
    let refused = store.write(|tx| {
        tx.execute("INSERT INTO thing (id) VALUES (1)", &[])?;
        assert_eq!(tx.query("SELECT id FROM thing", &[])?.len(), 1, "a transaction sees its own changes");
        Err::<(), _>(Refused::ByUs)
    });
    assert_eq!(refused.await, Err(Refused::ByUs));
    assert_eq!(things(&store).await, 0);
    let failed = store.write(|tx| {
        tx.execute("INSERT INTO thing (id) VALUES (1)", &[])?;
        Ok::<_, Refused>(tx.execute("INSERT INTO nowhere (id) VALUES (1)", &[])?)
    });
    assert!(matches!(failed.await, Err(Refused::ByStore(StoreError::Database { .. }))));
    assert_eq!(things(&store).await, 0);
}

async fn a_panic_harms_nobody_else(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let bad = store.write(|tx| -> Result<(), StoreError> {
        tx.execute("INSERT INTO thing (id) VALUES (1)", &[])?;
        panic!("planted in a write");
    });
    let (bad, good) = tokio::join!(bad, add(&store, 2, "b"));
    assert_eq!(bad, Err(StoreError::Panicked));
    assert_eq!(good, Ok(1));
    let bad = store.read(|read| -> Result<(), StoreError> {
        read.query("SELECT id FROM thing", &[])?;
        panic!("planted in a read");
    });
    assert_eq!(bad.await, Err(StoreError::Panicked));
    assert_eq!(things(&store).await, 1);
}

async fn no_update_is_lost(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    add(&store, 1, "counter").await.unwrap();
    typed(store.write(|tx| tx.execute("UPDATE thing SET flag = 0", &[])).await).unwrap();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let counted = store.write(|tx| {
                    // Takes the row's lock before it looks.
                    let lock = "UPDATE thing SET flag = flag WHERE id = 1 RETURNING flag";
                    let count: i64 = tx.query_one(lock, &[])?.get(0)?;
                    tx.execute("UPDATE thing SET flag = $1", &params![count + 1])
                });
                typed(counted.await).unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let count = store.read(|read| read.query_one("SELECT flag FROM thing", &[])?.get::<i64>(0)).await;
    assert_eq!(typed(count), Ok(100));
}

async fn reads_see_only_what_is_committed(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let (inserted, wait_for_insert) = mpsc::channel();
    let (finish, wait_for_finish) = mpsc::channel();
    let writing = store.clone();
    let write = tokio::spawn(async move {
        let written = writing.write(move |tx| {
            tx.execute("INSERT INTO thing (id) VALUES (1)", &[])?;
            inserted.send(()).unwrap();
            wait_for_finish.recv_timeout(Duration::from_secs(10)).unwrap();
            Ok(())
        });
        typed(written.await).unwrap();
    });
    wait_for_insert.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(things(&store).await, 0);
    finish.send(()).unwrap();
    write.await.unwrap();
    assert_eq!(things(&store).await, 1);
}

async fn a_read_is_one_snapshot(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let (started, wait_for_start) = mpsc::channel();
    let (written, wait_for_write) = mpsc::channel();
    let scanning = store.clone();
    let scan = tokio::spawn(async move {
        let counts = scanning.scan(move |read| {
            let before: i64 = read.query_one("SELECT count(*) FROM thing", &[])?.get(0)?;
            started.send(()).unwrap();
            wait_for_write.recv_timeout(Duration::from_secs(10)).unwrap();
            let after: i64 = read.query_one("SELECT count(*) FROM thing", &[])?.get(0)?;
            Ok((before, after))
        });
        typed(counts.await).unwrap()
    });
    wait_for_start.recv_timeout(Duration::from_secs(10)).unwrap();
    add(&store, 1, "meanwhile").await.unwrap();
    written.send(()).unwrap();
    assert_eq!(scan.await.unwrap(), (0, 0));
    assert_eq!(things(&store).await, 1);
}

async fn a_read_cannot_write(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let insert = "INSERT INTO thing (id) VALUES (1) RETURNING id";
    let refused = store.read(move |read| read.query(insert, &[]).map(drop)).await;
    assert!(matches!(typed(refused), Err(StoreError::Database { .. })));
    assert_eq!(things(&store).await, 0);
}

const COUNT_TO: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
                        SELECT count(*) FROM n";

async fn a_runaway_read_is_stopped(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let runaway = store.read(|read| read.query(COUNT_TO, &params![i64::MAX]).map(drop)).await;
    assert_eq!(typed(runaway), Err(StoreError::Budget));
    let next = store.read(|read| read.query_one(COUNT_TO, &params![1_000])?.get::<i64>(0)).await;
    assert_eq!(typed(next), Ok(1_000));
}

async fn a_scan_has_no_budget(open: Open) {
    const LONG: i64 = 8_000_000;
    let Fixture { store, _keep } = open(SCHEMA);
    let long = store.scan(|read| read.query_one(COUNT_TO, &params![LONG])?.get::<i64>(0)).await;
    assert_eq!(typed(long), Ok(LONG));
    let same = store.read(|read| read.query(COUNT_TO, &params![LONG]).map(drop)).await;
    assert_eq!(typed(same), Err(StoreError::Budget));
}

async fn the_catalogue_lists_every_column(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let columns = store.columns().await.unwrap();
    let columns: Vec<_> = columns.iter().map(|column| format!("{}.{}", column.table, column.name)).collect();
    let expected = "seat.course seat.number seat.thing thing.id thing.flag thing.label thing.body";
    assert_eq!(columns.join(" "), expected);
}

async fn a_closed_store_refuses(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let clone = store.clone();
    store.close().await;
    assert_eq!(add(&clone, 1, "late").await, Err(StoreError::Closed));
    assert_eq!(typed(clone.read(|_| Ok(())).await), Err(StoreError::Closed));
    assert_eq!(typed(clone.scan(|_| Ok(())).await), Err(StoreError::Closed));
    assert_eq!(clone.forget().await, Err(StoreError::Closed));
    clone.close().await;
}

async fn a_queued_write_outlives_its_caller(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let (release, blocked) = mpsc::channel();
    let blocking = store.clone();
    let first = tokio::spawn(async move {
        let waited = blocking.write(move |_| {
            blocked.recv_timeout(Duration::from_secs(10)).unwrap();
            Ok(())
        });
        typed(waited.await).unwrap();
    });
    queue(add(&store, 1, "queued")).await;
    release.send(()).unwrap();
    first.await.unwrap();
    for _ in 0..100 {
        if things(&store).await == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never ran");
}

const INSERT: &str = "INSERT INTO thing (id, label) VALUES ($1, $2)";

async fn many_rows_are_one_call(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    // With values of several types, and a text that looks like a placeholder.
    let rows: Vec<Vec<Value>> = (0..300_i64)
        .map(|id| params![id, if id % 7 == 0 { Value::Null } else { Value::from("$1 each") }].into())
        .collect();
    let some = rows.clone();
    let added = store.write(move |tx| {
        tx.send_each(INSERT, &some)?;
        tx.send_each(INSERT, &[])?;
        tx.send_each(&format!("{INSERT} ON CONFLICT (id) DO UPDATE SET label = excluded.label"), &some)
    });
    assert_eq!(typed(added.await), Ok(()));
    assert_eq!(things(&store).await, 300);
    let found = "SELECT count(*) FROM thing WHERE label = '$1 each' OR (label IS NULL AND id % 7 = 0)";
    let found = store.read(move |read| read.query_one(found, &params![])?.get::<i64>(0)).await;
    assert_eq!(typed(found), Ok(300));

    let clash = store.write(move |tx| {
        tx.send("DELETE FROM thing WHERE id = $1", &params![1])?;
        tx.send_each(INSERT, &rows)
    });
    assert_eq!(typed(clash.await), Err(StoreError::Unique { constraint: "thing.id".to_owned() }));
    assert_eq!(things(&store).await, 300, "all of it or nothing");
}

async fn many_statements_are_one_call(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let changed = store.write(|tx| {
        let two = params![1, "first", 2].to_vec();
        tx.execute_all(&[
            (INSERT.to_owned(), params![1, "one"].into()),
            ("INSERT INTO thing (id, label) VALUES ($1, $2), ($3, $2)".to_owned(), params![2, "x", 3].into()),
            ("DELETE FROM thing WHERE id > $1".to_owned(), params![2].into()),
            ("UPDATE thing SET label = $2 WHERE id IN ($1, $3)".to_owned(), two),
        ])
    });
    assert_eq!(typed(changed.await), Ok(6));
    assert_eq!(things(&store).await, 2);
    let clash = store.write(|tx| {
        tx.execute_all(&[
            ("DELETE FROM thing".to_owned(), Vec::new()),
            (INSERT.to_owned(), params![4, "four"].into()),
            (INSERT.to_owned(), params![4, "again"].into()),
        ])
    });
    assert_eq!(typed(clash.await), Err(StoreError::Unique { constraint: "thing.id".to_owned() }));
    assert_eq!(things(&store).await, 2, "all of it or nothing");
}

async fn an_insert_of_many_rows_may_choose_them(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    typed(add(&store, 1, "there").await).unwrap();
    let added = store.write(|tx| {
        let rows: Vec<Vec<Value>> = (10..14_i64).map(|id| params![id, id % 2].into()).collect();
        tx.send_each("INSERT INTO thing (id, label) SELECT $1, label FROM thing WHERE id = $2", &rows)
    });
    typed(added.await).unwrap();
    let ids = store.read(|read| read.query("SELECT id FROM thing ORDER BY id", &params![])).await;
    let ids: Vec<i64> = typed(ids).unwrap().iter().map(|row| row.get(0).unwrap()).collect();
    assert_eq!(ids, [1, 11, 13]);
}

async fn a_part_fails_alone(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    let written = store.write(|tx| {
        let add = |id: i64| tx.execute(INSERT, &params![id, "part"]);
        let part = |work: &dyn Fn() -> Result<u64, StoreError>| {
            let (done, stands) = tx.part(work);
            stands.map(|()| done)
        };
        add(1)?;
        let kept = part(&|| add(2))?;
        let refused = part(&|| add(3).and_then(|_| add(1)))?;
        let panicked = part(&|| {
            tx.send(INSERT, &params![4, "part"])?;
            panic!("on purpose")
        })?;
        let gave_up = part(&|| Err(StoreError::Closed))?;
        let seen: i64 = tx.query_one("SELECT count(*) FROM thing", &params![])?.get(0)?;
        // An error that a part does not pass on: afterwards PostgreSQL runs nothing more of it, and keeps nothing.
        let went_on = part(&|| {
            let _ = add(1);
            add(5).or(Ok(0))
        })?;
        add(6)?;
        Ok((kept, refused, panicked, gave_up, seen, went_on))
    });
    let (kept, refused, panicked, gave_up, seen, went_on) = typed(written.await).unwrap();
    assert_eq!((kept, seen), (Ok(1), 2));
    assert_eq!(refused, Err(StoreError::Unique { constraint: "thing.id".to_owned() }));
    assert_eq!((panicked, gave_up), (Err(StoreError::Panicked), Err(StoreError::Closed)));
    let left = store.read(|read| read.query("SELECT id FROM thing ORDER BY id", &params![])).await;
    let left: Vec<i64> = typed(left).unwrap().iter().map(|row| row.get(0).unwrap()).collect();
    match went_on {
        Ok(_) => assert_eq!(left, [1, 2, 5, 6]),
        Err(error) => assert_eq!((error, left), (StoreError::RolledBack, vec![1, 2, 6])),
    }
}

async fn what_a_part_has_sent_may_end_the_whole(open: Open) {
    let Fixture { store, _keep } = open(SCHEMA);
    typed(add(&store, 1, "there").await).unwrap();
    let clash = Err(StoreError::Unique { constraint: "thing.id".to_owned() });
    // Each way in which the next part may end, and what it does before.
    for (asks, ends_well) in [(true, true), (true, false), (false, true), (false, false)] {
        let written = store.write(move |tx| {
            tx.execute(INSERT, &params![2, "kept by neither"])?;
            let (first, stands) = tx.part(|| typed(tx.send(INSERT, &params![1, "clash"])));
            // SQLite knows at once, and the part fails alone.
            if first.is_err() {
                return stands.and(first);
            }
            stands?;
            let (second, stands) = tx.part(|| {
                tx.send(INSERT, &params![3, "kept by neither"])?;
                if asks {
                    assert_eq!(tx.query("SELECT 1", &params![]).unwrap_err(), StoreError::RolledBack);
                }
                if ends_well { Ok(()) } else { Err(StoreError::Closed) }
            });
            drop(second);
            stands
        });
        assert_eq!(typed(written.await), clash, "{asks} {ends_well}");
        assert_eq!(things(&store).await, 1, "all of it or nothing: {asks} {ends_well}");
    }
    let alone = store.write(|tx| {
        let (done, stands) = tx.part(|| typed(tx.send(INSERT, &params![1, "clash"])));
        stands.and(done)
    });
    assert_eq!(typed(alone.await), clash);
    typed(add(&store, 2, "goes on").await).unwrap();
}
