//! Each way in which a group can come apart, on purpose.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use rusqlite::ffi::{self, ErrorCode};
use tempfile::{TempDir, tempdir};

use super::*;
use crate::job::{Reply, job};

type Answer = Reply<i64, StoreError>;

/// A new database with a table, and what commits to it.
fn groups() -> (TempDir, Groups) {
    let folder = tempdir().unwrap();
    let (_lock, path) = files::claim(folder.path()).unwrap();
    let connection = files::writer(&path).unwrap();
    connection.execute_batch("CREATE TABLE thing (id INTEGER PRIMARY KEY, body BLOB)").unwrap();
    (folder, Groups::new(path, connection).unwrap())
}

/// Inserts the row `id`, and answers with how often it was run.
fn add(id: i64) -> (Box<dyn Job>, Answer) {
    let mut runs = 0;
    job(move |tx| {
        runs += 1;
        tx.execute("INSERT INTO thing (id) VALUES ($1)", &params![id])?;
        Ok(runs)
    })
}

/// What each caller was answered.
fn run<const N: usize>(
    groups: &mut Groups,
    jobs: [(Box<dyn Job>, Answer); N],
) -> [Result<i64, StoreError>; N] {
    let (jobs, answers): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
    groups.run(jobs);
    let answers = answers.into_iter().map(|mut reply| match reply.try_recv() {
        Ok(answer) => answer.and_then(|own| own),
        Err(_) => Err(StoreError::Panicked),
    });
    answers.collect::<Vec<_>>().try_into().unwrap()
}

/// The committed rows, and how many groups were.
fn committed(folder: &TempDir) -> (Vec<i64>, i64) {
    let reader = files::reader(&folder.path().join("kept.db")).unwrap();
    let ids = reading(&reader, |read| {
        let rows = read.query("SELECT id FROM thing ORDER BY id", &[])?;
        rows.iter().map(|row| row.get(0)).collect::<Result<_, StoreError>>()
    });
    (ids.unwrap(), last_number(&reader).unwrap())
}

fn disk_failure() -> rusqlite::Error {
    let cause = ffi::Error { code: ErrorCode::SystemIoFailure, extended_code: ffi::SQLITE_IOERR_FSYNC };
    rusqlite::Error::SqliteFailure(cause, None)
}

#[test]
fn a_group_shares_one_commit() {
    let (folder, mut groups) = groups();
    assert_eq!(run(&mut groups, [add(1), add(2), add(3)]), [Ok(1), Ok(1), Ok(1)]);
    assert_eq!(committed(&folder), (vec![1, 2, 3], 1));
}

#[test]
fn a_group_that_changes_nothing_writes_nothing() {
    let (folder, mut groups) = groups();
    let look = job(|tx| tx.query_one("SELECT count(*) FROM thing", &[])?.get(0));
    assert_eq!(run(&mut groups, [look]), [Ok(0)]);
    assert_eq!(committed(&folder), (vec![], 0));
}

#[test]
fn an_error_and_a_panic_harm_no_other() {
    let (folder, mut groups) = groups();
    let refuse = job(|tx| {
        tx.execute("INSERT INTO thing (id) VALUES (7)", &[])?;
        Err(StoreError::Busy)
    });
    let panic = job(|tx| {
        tx.execute("INSERT INTO thing (id) VALUES (8)", &[])?;
        panic!("planted")
    });
    let answers = run(&mut groups, [add(1), refuse, add(2), panic, add(3)]);
    assert_eq!(answers, [Ok(1), Err(StoreError::Busy), Ok(1), Err(StoreError::Panicked), Ok(1)]);
    assert_eq!(committed(&folder), (vec![1, 2, 3], 1));
}

#[test]
fn a_result_that_panics_when_dropped_harms_no_other() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("planted")
        }
    }
    let (folder, mut groups) = groups();
    let (bomb, nobody) = job(|_| Ok::<_, StoreError>(Bomb));
    drop(nobody);
    let (last, mut answer) = add(2);
    groups.run(vec![add(1).0, bomb, last]);
    assert_eq!(answer.try_recv(), Ok(Ok(Ok(1))));
    assert_eq!(committed(&folder), (vec![1, 2], 1));
}

#[test]
fn after_a_full_disk_the_others_run_again() {
    let (folder, mut groups) = groups();
    groups.connection().unwrap().execute_batch("PRAGMA max_page_count = 30").unwrap();
    let big = "INSERT INTO thing (id, body) VALUES ($1, $2)";
    let full = job(move |tx| {
        tx.execute(big, &params![7, vec![1; 1_000_000]])?;
        Ok(0)
    });
    let swallows = job(move |tx| {
        tx.execute("INSERT INTO thing (id) VALUES (8)", &[])?;
        assert_eq!(tx.execute(big, &params![9, vec![1; 1_000_000]]), Err(StoreError::Full));
        assert_eq!(tx.execute("INSERT INTO thing (id) VALUES (10)", &[]), Err(StoreError::RolledBack));
        Ok(0)
    });
    let answers = run(&mut groups, [add(1), add(2), full, add(3), swallows, add(4)]);
    let (full, rolled_back) = (Err(StoreError::Full), Err(StoreError::RolledBack));
    // Those before the first that fell ran twice, and so did the one between the two.
    assert_eq!(answers, [Ok(2), Ok(2), full, Ok(2), rolled_back, Ok(1)]);
    assert_eq!(committed(&folder), (vec![1, 2, 3, 4], 3));
}

#[test]
fn after_an_interrupt_the_others_run_again() {
    let (folder, mut groups) = groups();
    let interrupt = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&interrupt);
    let connection = groups.connection.as_mut().unwrap();
    connection.progress_handler(100, Some(move || asked.swap(false, Ordering::Relaxed))).unwrap();
    let interrupted = job(move |tx| {
        interrupt.store(true, Ordering::Relaxed);
        let endless =
            "INSERT INTO thing (id) WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n)
                       SELECT i FROM n";
        tx.execute(endless, &[])?;
        Ok(0)
    });
    assert_eq!(run(&mut groups, [add(1), interrupted, add(2)]), [Ok(2), Err(StoreError::Budget), Ok(1)]);
    assert_eq!(committed(&folder), (vec![1, 2], 2));
}

#[test]
fn one_that_cannot_be_committed_harms_no_other() {
    let (folder, mut groups) = groups();
    let child = "CREATE TABLE child (thing INTEGER REFERENCES thing (id) DEFERRABLE INITIALLY DEFERRED)";
    groups.connection().unwrap().execute_batch(child).unwrap();
    let orphan = job(|tx| {
        tx.execute("INSERT INTO child VALUES (99)", &[])?;
        Ok(0)
    });
    let [first, orphan, last] = run(&mut groups, [add(1), orphan, add(2)]);
    assert_eq!((first, last), (Ok(2), Ok(2)));
    assert!(matches!(orphan, Err(StoreError::Database { .. })), "{orphan:?}");
    assert_eq!(committed(&folder), (vec![1, 2], 2));
}

#[test]
fn a_commit_that_was_refused_is_no_commit() {
    let (folder, mut groups) = groups();
    groups.connection.as_mut().unwrap().commit_hook(Some(|| true)).unwrap();
    // The hook goes with the connection, so the second run of each succeeds.
    assert_eq!(run(&mut groups, [add(1), add(2)]), [Ok(2), Ok(2)]);
    assert_eq!(committed(&folder), (vec![1, 2], 2));
}

#[test]
fn a_commit_that_failed_but_stands_is_answered_as_kept() {
    let (folder, mut groups) = groups();
    groups.commit = |connection| {
        control(connection, dialect::COMMIT)?;
        Err(disk_failure())
    };
    assert_eq!(run(&mut groups, [add(1), add(2)]), [Ok(1), Ok(1)]);
    assert_eq!(committed(&folder), (vec![1, 2], 1));
}

#[test]
fn a_commit_that_failed_and_is_gone_is_answered_as_refused() {
    let (folder, mut groups) = groups();
    groups.commit = |_| Err(disk_failure());
    for answer in run(&mut groups, [add(1), add(2)]) {
        assert!(matches!(answer, Err(StoreError::Database { .. })), "{answer:?}");
    }
    assert_eq!(committed(&folder), (vec![], 0));
    groups.commit = |connection| control(connection, dialect::COMMIT);
    assert_eq!(run(&mut groups, [add(3)]), [Ok(1)]);
}

/// A job's refusal may rest on what another job of its group did, so it is not told when the group is not kept.
#[test]
fn a_refusal_within_a_failed_group_is_not_told() {
    let (folder, mut groups) = groups();
    static FAILURES: AtomicI64 = AtomicI64::new(1);
    groups.commit = |connection| match FAILURES.fetch_sub(1, Ordering::Relaxed) {
        1 => Err(disk_failure()),
        _ => control(connection, dialect::COMMIT),
    };
    let twice = [add(1), add(1)];
    for answer in run(&mut groups, twice) {
        assert!(matches!(answer, Err(StoreError::Database { .. })), "{answer:?}");
    }
    assert_eq!(committed(&folder), (vec![], 0));
}

#[test]
fn while_nobody_can_look_the_outcome_is_unknown_and_nothing_is_written() {
    let (folder, mut groups) = groups();
    groups.commit = |_| Err(disk_failure());
    let reader = files::reader(&folder.path().join("kept.db")).unwrap();
    // An open snapshot keeps the log from being emptied.
    reader.execute_batch("BEGIN; SELECT count(*) FROM thing;").unwrap();
    assert_eq!(run(&mut groups, [add(1)]), [Err(StoreError::CommitUnknown)]);
    groups.commit = |connection| control(connection, dialect::COMMIT);
    assert_eq!(run(&mut groups, [add(2)]), [Err(StoreError::Busy)]);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(run(&mut groups, [add(3)]), [Ok(1)]);
    assert_eq!(committed(&folder), (vec![3], 1));
}

/// What a failed sync leaves: a commit that is in the log, but that nobody was told of.
#[test]
fn what_a_failed_sync_left_in_the_log_cannot_come_back() {
    let (folder, mut groups) = groups();
    assert_eq!(run(&mut groups, [add(1)]), [Ok(1)]);
    groups.commit = |_| Err(disk_failure());
    assert!(matches!(run(&mut groups, [add(2)]), [Err(StoreError::Database { .. })]));
    let log = std::fs::metadata(folder.path().join("kept.db-wal")).unwrap();
    assert_eq!(log.len(), 0, "the log was not emptied before anything else was answered");
}
