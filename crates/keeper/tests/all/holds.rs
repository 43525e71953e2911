//! Holds: what the law or a dispute keeps past its day, only those kinds, only so long.

use kept_keeper::Status;
use kept_store::params;
use kept_vault::Kind;

use crate::site::{On, Site, is};

on_every_database! {
    a_dispute_keeps_its_kinds_until_it_is_settled
    an_inspection_keeps_its_kinds_for_its_time
    two_holds_end_each_for_itself
    a_dispute_can_be_opened_again
    a_hold_that_outlives_its_reason_is_found
}

const DEEDS: &str = "SELECT COUNT(*) FROM deeds WHERE rule = 'retain.lapsed' AND action = 'erase'";

async fn a_dispute_keeps_its_kinds_until_it_is_settled(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.emit(anna, "dispute.opened").await;
    site.until("2027-03-10T12:00:00Z").await;
    let own = site.own(anna).await;
    assert_eq!((own.name.as_deref(), own.phone), (Some("Anna"), None), "the dispute covers the name only");
    assert_eq!(site.duty(anna, "retain.lapsed").await.unwrap().1, "held");
    assert_eq!(site.broken().await, Vec::<String>::new());
    assert!(is(&site.finding("hold.dispute").await, Status::Kept, 1));
    assert!(site.finding("retain.lapsed").await.detail.contains("; a hold keeps 1 for now"));

    site.emit(anna, "dispute.settled").await;
    assert_eq!(site.broken().await, Vec::<String>::new(), "the next sweep has its time");
    site.days(1).await;
    assert_eq!(site.own(anna).await.name, None);
    assert!(!site.kinds(anna).await.contains(&Kind::EMAIL_ADDRESS));
    assert_eq!(site.count(DEEDS, &params![]).await, 2);
    assert_eq!(site.count("SELECT COUNT(*) FROM holds", &params![]).await, 0);
    assert_eq!(site.broken().await, Vec::<String>::new());
    assert!(is(&site.finding("hold.dispute").await, Status::NotDue, 0));
}

async fn an_inspection_keeps_its_kinds_for_its_time(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.emit(anna, "inspection.begun").await;
    site.until("2027-08-30T12:00:00Z").await;
    assert_eq!(site.own(anna).await.phone.as_deref(), Some("+1 555 010 0199"));
    assert_eq!(site.own(anna).await.name, None);
    assert_eq!(site.broken().await, Vec::<String>::new());
    site.days(1).await;
    assert_eq!(site.own(anna).await.phone, None);
    assert_eq!(site.broken().await, Vec::<String>::new());
}

/// Of two holds the one that ends first lets go of what it kept, and the other keeps what is its own.
async fn two_holds_end_each_for_itself(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.emit(anna, "dispute.opened").await;
    site.emit(anna, "inspection.begun").await;
    site.until("2027-08-30T12:00:00Z").await;
    let own = site.own(anna).await;
    assert!(own.name.is_some() && own.phone.is_some());
    assert_eq!(site.count(DEEDS, &params![]).await, 0, "nothing has gone, so nothing was erased");
    site.days(2).await;
    let own = site.own(anna).await;
    assert_eq!((own.name.as_deref(), own.phone), (Some("Anna"), None));
    assert_eq!(site.count(DEEDS, &params![]).await, 1);
    site.days(3).await;
    assert_eq!(site.broken().await, Vec::<String>::new());
    site.emit(anna, "dispute.settled").await;
    site.days(1).await;
    assert_eq!(site.own(anna).await.name, None);
}

async fn a_dispute_can_be_opened_again(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.emit(anna, "dispute.opened").await;
    site.days(10).await;
    site.emit(anna, "dispute.settled").await;
    site.emit(anna, "dispute.opened").await;
    site.until("2027-03-10T12:00:00Z").await;
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
    let since = site.finding("hold.dispute").await;
    assert_eq!(since.detail, "1 standing, the oldest since 10 September 2026");
}

/// A duty that is held although nothing holds it is found.
async fn a_hold_that_outlives_its_reason_is_found(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.emit(anna, "dispute.opened").await;
    site.until("2027-03-10T12:00:00Z").await;
    site.plant("DELETE FROM holds", &params![]).await;
    assert_eq!(site.broken().await, ["retain.lapsed", "hold.dispute", "hold.inspection"]);
}
