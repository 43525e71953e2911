//! Promises that were broken behind the server's back: `kept prove` finds each and ends with 1.

use rusqlite::Connection;

use crate::{
    cli::{kept, transcript},
    site::Copy,
};

#[test]
fn a_key_that_comes_back_after_erasure_is_found() {
    let found = broken(
        "INSERT INTO keys (subject, key, kind, record, epoch, wrapped) \
         SELECT subject, randomblob(16), 'pd:Name', '', 1, zeroblob(72) FROM duties \
         WHERE rule = 'retain.lapsed' AND action = 'erase' AND state = 'done' \
         AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.subject = duties.subject) \
         AND NOT EXISTS (SELECT 1 FROM happenings e WHERE e.subject = duties.subject AND e.event = 'dispute.settled') \
         LIMIT 1",
    );
    // That of access looks at a sample of people, and may find this one too.
    insta::assert_snapshot!(found.lines().next().unwrap(), @r#"retain.lapsed: past the end and still held: 1"#);
}

#[test]
fn an_erasure_before_its_time_is_found() {
    let found = broken(
        "UPDATE deeds SET done = due - 24 * 60 * 60 * 1000 \
         WHERE position = (SELECT MIN(position) FROM deeds WHERE rule = 'retain.lapsed' AND action = 'erase')",
    );
    insta::assert_snapshot!(found, @r#"retain.lapsed: done before its time: 1"#);
}

#[test]
fn an_erasure_that_never_came_is_found() {
    let found = broken(
        "UPDATE happenings SET at = at - 400 * 24 * 60 * 60 * 1000 WHERE event = 'membership.expired' \
         AND subject = (SELECT d.subject FROM duties d WHERE d.rule = 'retain.lapsed' AND d.action = 'erase' \
         AND d.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.subject = d.subject) \
         AND NOT EXISTS (SELECT 1 FROM happenings r WHERE r.subject = d.subject AND r.event = 'membership.renewed') LIMIT 1)",
    );
    insta::assert_snapshot!(found, @r#"
    retain.expired: overdue: 1
    retain.lapsed: past the end and still held: 1
    retain.trail: past the end and still held: 1
    "#);
}

#[test]
fn a_log_that_was_changed_is_refused() {
    let site = Copy::of_the_example();
    change(&site, "UPDATE ledger SET leaf = zeroblob(32) WHERE position = 7");
    insta::assert_snapshot!(transcript(site.folder(), "prove --data ."), @r#"
    $ kept prove --data .
    kept: the ledger's rows do not give its root: compare the database with its last backup
    [exit 1]
    "#);
}

/// The broken promises that are found after a change of one row.
fn broken(sql: &str) -> String {
    let site = Copy::of_the_example();
    change(&site, sql);
    let output = kept(site.folder(), "prove --json --data .").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let promises = report["promises"].as_array().unwrap();
    let broken = promises.iter().filter(|promise| promise["status"] == "broken");
    broken
        .map(|promise| {
            format!("{}: {}\n", promise["id"].as_str().unwrap(), promise["detail"].as_str().unwrap())
        })
        .collect()
}

fn change(site: &Copy, sql: &str) {
    let database = Connection::open(site.folder().join("kept.db")).unwrap();
    assert_eq!(database.execute(sql, []).unwrap(), 1, "the example has such a row");
}
