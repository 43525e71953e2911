//! Going on from the ground that was covered: what a short run reads, what it leaves to the whole one, and that it never
//! calls kept what a whole one has found broken.

use kept_keeper::{KeeperError, Report};
use kept_store::params;

use crate::site::{On, Site};

on_every_database! {
    only_new_leaves_are_read
    an_old_leaf_is_for_the_whole_run
    whoever_has_come_due_since_is_looked_at
    a_deed_since_is_counted_anew
    what_is_broken_stays_broken
    a_start_reads_everything
}

async fn short(site: &Site) -> Report {
    site.keeper.prove_new().await.unwrap()
}

fn broken(report: &Report) -> Vec<&str> {
    report.broken().map(|promise| promise.id.as_str()).collect()
}

async fn only_new_leaves_are_read(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let first = short(&site).await.ledger;
    assert_eq!((first.size, first.read), (3, 3));
    site.emit(anna, "member.left").await;
    let second = short(&site).await.ledger;
    assert_eq!((second.size, second.read), (4, 1));
    assert_eq!(site.keeper.board().await.unwrap().ledger, second);
    let whole = site.keeper.prove().await.unwrap().ledger;
    assert_eq!((whole.size, whole.read, &whole.root), (4, 4, &second.root));
}

async fn an_old_leaf_is_for_the_whole_run(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    short(&site).await;
    site.plant("UPDATE ledger SET leaf = $1 WHERE position = 0", &params![[0; 32]]).await;
    site.emit(anna, "member.left").await;
    assert_eq!(broken(&short(&site).await), [""; 0]);
    assert!(matches!(site.keeper.prove().await, Err(KeeperError::Ledger)));
    // A leaf that has come since is read at once.
    let site = Site::new(on).await;
    short(&site).await;
    site.member("Bert").await;
    site.plant("UPDATE ledger SET leaf = $1 WHERE position = 1", &params![[0; 32]]).await;
    assert!(matches!(site.keeper.prove_new().await, Err(KeeperError::Ledger)));
}

async fn whoever_has_come_due_since_is_looked_at(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.plant("DELETE FROM duties WHERE rule = 'retain.lapsed'", &params![]).await;
    // Every day a short run, as a server does, and the day of grace.
    for day in 1..=151 {
        site.days(1).await;
        assert_eq!(broken(&short(&site).await), [""; 0], "after {day} days");
    }
    site.days(2).await;
    // The warning, thirty days before the end.
    assert_eq!(broken(&short(&site).await), ["retain.lapsed"]);
}

async fn a_deed_since_is_counted_anew(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.mail(anna, "a letter").await;
    site.days(7).await;
    let done = async |report: Report| {
        let mail = report.promises.into_iter().find(|promise| promise.id == "retain.mail").unwrap();
        (mail.count, mail.detail)
    };
    assert_eq!(done(short(&site).await).await.0, 1);
    site.mail(anna, "another").await;
    site.plant("UPDATE duties SET due = due - 86400000 WHERE rule = 'retain.mail'", &params![]).await;
    site.days(6).await;
    assert_eq!(done(short(&site).await).await, (1, "done before its time: 1".to_owned()));
}

async fn what_is_broken_stays_broken(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.days(10).await;
    short(&site).await;
    // Long past for a short run.
    site.plant("UPDATE duties SET state = 'waiting', due = due * 2 WHERE action = 'disable'", &params![])
        .await;
    assert_eq!(broken(&short(&site).await), [""; 0]);
    assert_eq!(site.broken().await, ["retain.closed"]);
    assert_eq!(broken(&short(&site).await), ["retain.closed"]);
    site.plant("UPDATE duties SET due = due / 2 WHERE action = 'disable'", &params![]).await;
    site.sweep().await;
    assert_eq!(broken(&short(&site).await), [""; 0]);
}

async fn a_start_reads_everything(on: On) {
    let site = Site::new(on).await;
    site.member("Anna").await;
    short(&site).await;
    let site = site.restarted().await;
    assert_eq!(short(&site).await.ledger.read, 3);
    assert_eq!(short(&site).await.ledger.read, 0);
}
