//! A machine that dies between any two steps of an erasure: the next start finishes it.

use std::{fs, os::unix::fs::symlink, path::Path};

use kept_store::params;
use kept_vault::SubjectId;

use crate::site::{On, Site};

on_every_database! {
    before_the_intent
    between_the_intent_and_the_tombstones
    between_the_tombstones_and_the_rows
    after_the_rows
    a_torn_tombstone_stands_alone
}

async fn leaving(site: &Site) -> SubjectId {
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2027-02-27T12:00:00Z").await;
    site.jump("2027-02-28T12:00:00Z");
    anna
}

async fn is_finished(site: &Site, anna: SubjectId) {
    assert_eq!(site.own(anna).await.name, None);
    assert_eq!(site.duty(anna, "retain.lapsed").await.unwrap().1, "done");
    let deeds = "SELECT COUNT(*) FROM deeds WHERE rule = 'retain.lapsed' AND action = 'erase'";
    assert_eq!(site.count(deeds, &params![]).await, 1);
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn before_the_intent(on: On) {
    let site = Site::new(on).await;
    let anna = leaving(&site).await;
    let site = site.killed().await;
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
    site.sweep().await;
    is_finished(&site, anna).await;
}

/// Step two fails: the disk under the tombstones is full.
async fn between_the_intent_and_the_tombstones(on: On) {
    let site = Site::new(on).await;
    let anna = leaving(&site).await;
    let path = site.folder.path().join("tombstones");
    let log = fs::read(&path).unwrap();
    let full = |_: &Path| {
        fs::remove_file(&path).unwrap();
        symlink("/dev/full", &path).unwrap();
    };
    let site = site.restarted_after(full).await;
    let swept = site.sweep().await;
    assert_eq!(swept.failed, 1);
    assert_eq!(site.duty(anna, "retain.lapsed").await.unwrap().1, "begun");
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"), "no key goes before its tombstone");

    fs::remove_file(&path).unwrap();
    fs::write(&path, log).unwrap();
    let site = site.killed().await;
    site.sweep().await;
    is_finished(&site, anna).await;
}

/// Step three fails: the rows do not go.
async fn between_the_tombstones_and_the_rows(on: On) {
    let site = Site::new(on).await;
    let anna = leaving(&site).await;
    site.refuse("DELETE", "keys").await;
    assert_eq!(site.sweep().await.failed, 1);
    assert_eq!(site.duty(anna, "retain.lapsed").await.unwrap().1, "begun");
    let log = fs::read_to_string(site.folder.path().join("tombstones")).unwrap();
    assert!(log.contains(&anna.to_string()));
    site.relent("keys").await;

    let site = site.killed().await;
    site.sweep().await;
    is_finished(&site, anna).await;
}

async fn after_the_rows(on: On) {
    let site = Site::new(on).await;
    let anna = leaving(&site).await;
    site.sweep().await;
    let site = site.killed().await;
    site.sweep().await;
    is_finished(&site, anna).await;
}

/// A line that a crash cut short does not spoil the next.
async fn a_torn_tombstone_stands_alone(on: On) {
    let site = Site::new(on).await;
    let anna = leaving(&site).await;
    let path = site.folder.path().join("tombstones");
    let site = site.restarted_after(|_| fs::write(&path, "2027-02-2").unwrap()).await;
    site.sweep().await;
    let log = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "2027-02-2");
    assert_eq!(lines.len(), 4);
    assert!(lines[1..].iter().all(|line| line.starts_with("2027-02-28T12:00:00Z ")));
    is_finished(&site, anna).await;
}
