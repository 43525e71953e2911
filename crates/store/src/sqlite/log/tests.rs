//! The log on its way, watched from outside: the number in its header that each new beginning raises
//! (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>, offset 12).

use std::{fs, thread, time::Duration};

use tempfile::{TempDir, tempdir};

use super::super::{files, group::Groups, statement::reading};
use crate::{
    StoreError,
    job::{Reply, job},
    params,
};

/// A database with a table of rows that take a page each, and what commits to it.
struct Site {
    folder: TempDir,
    groups: Groups,
    rows: i64,
}

impl Site {
    fn new() -> Site {
        let folder = tempdir().unwrap();
        let (_lock, path) = files::claim(folder.path()).unwrap();
        let connection = files::writer(&path).unwrap();
        connection.execute_batch("CREATE TABLE thing (id INTEGER PRIMARY KEY, body BLOB)").unwrap();
        Site { folder, groups: Groups::new(path, connection).unwrap(), rows: 0 }
    }

    /// Commits a group of one job that adds so many rows.
    fn add(&mut self, rows: i64) {
        let (first, body) = (self.rows, vec![7_u8; 3_500]);
        self.rows += rows;
        let (job, mut answer): (_, Reply<(), StoreError>) = job(move |tx| {
            (first..first + rows).try_for_each(|id| {
                tx.execute("INSERT INTO thing (id, body) VALUES ($1, $2)", &params![id, body.clone()])
                    .map(drop)
            })
        });
        self.groups.run(vec![job]);
        answer.try_recv().unwrap().unwrap().unwrap();
    }

    /// How often the log has begun anew.
    fn beginnings(&self) -> u32 {
        let header = fs::read(self.folder.path().join("kept.db-wal")).unwrap();
        u32::from_be_bytes(header[12..16].try_into().unwrap())
    }

    /// Goes on with small groups until the log has begun anew.
    fn go_on(&mut self) {
        let before = self.beginnings();
        for _group in 0..2_000 {
            if self.beginnings() > before {
                return;
            }
            self.add(1);
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the log does not begin anew");
    }

    fn all_is_there(&self) {
        let reader = files::reader(&self.folder.path().join("kept.db")).unwrap();
        let count = reading(&reader, |read| {
            read.query_one("SELECT count(*) FROM thing WHERE length(body) = 3500", &[])?.get(0)
        });
        assert_eq!(count, Ok::<i64, StoreError>(self.rows));
        let sound: String = reader.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }
}

#[test]
fn the_log_begins_anew_while_groups_go_on() {
    let mut site = Site::new();
    for _time in 0..2 {
        site.add(9_000);
        site.go_on();
    }
    site.all_is_there();
}

#[test]
fn whoever_reads_for_long_keeps_the_log_and_harms_nobody() {
    let mut site = Site::new();
    site.add(10);
    let reader = files::reader(&site.folder.path().join("kept.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let seen = || reader.query_row("SELECT count(*) FROM thing", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(seen(), 10);
    let before = site.beginnings();
    for _time in 0..2 {
        site.add(9_000);
        for _group in 0..40 {
            site.add(1);
            thread::sleep(Duration::from_millis(5));
        }
    }
    assert_eq!((site.beginnings(), seen()), (before, 10));
    reader.execute_batch("COMMIT").unwrap();
    site.add(9_000);
    site.go_on();
    site.all_is_there();
}

#[test]
fn what_is_done_alone_waits_for_the_log() {
    let mut site = Site::new();
    for _time in 0..3 {
        site.add(9_000);
        assert_eq!(site.groups.alone(files::forget), Ok(()));
        assert_eq!(fs::metadata(site.folder.path().join("kept.db-wal")).unwrap().len(), 0);
    }
    site.all_is_there();
}
