//! Looks that should not have happened, written on a trail as if the kernel had let them: the checks of roles and of
//! purposes go by what the trails say (`use-1`, `use-2`).

use kept_keeper::{Deed, KeeperError};
use kept_store::params;
use kept_vault::{Kind, SubjectId};

use crate::{
    club::Card,
    site::{On, STAFF, Site},
};

on_every_database! {
    looks_through_the_view_are_gone_over
    a_look_through_a_view_that_is_off
    a_look_at_more_than_the_view_shows
    a_look_for_no_purpose
    a_trail_that_does_not_open
}

const LOOK: &str = "looks that the notice does not allow, or without what it asks for: 1";

/// A look that the kernel did not make.
async fn looked(site: &Site, at: SubjectId, view: &'static str, kinds: &'static [Kind]) {
    site.act(STAFF, move |act| act.note(at, Deed::Read, view, kinds, Some("a question")).map(drop))
        .await
        .unwrap();
}

async fn looks_through_the_view_are_gone_over(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.act(STAFF, move |act| act.view::<Card>(anna, Some("a question")).map(drop)).await.unwrap();
    assert_eq!(site.broken().await, Vec::<String>::new());
    let role = site.finding("role.support").await.detail;
    assert_eq!(role, "1 kind of read; each look is in the log before it is shown; gone over as a test: 1");
    let purpose = site.finding("purpose.membership").await.detail;
    assert!(purpose.ends_with("; looks gone over as a test: 1"), "{purpose}");
}

async fn a_look_through_a_view_that_is_off(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    looked(&site, anna, "phonebook", &[Kind::TELEPHONE_NUMBER]).await;
    assert_eq!(site.broken().await, ["role.support"]);
    assert_eq!(site.finding("role.support").await.detail, LOOK);
}

async fn a_look_at_more_than_the_view_shows(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    looked(&site, anna, "card", &[Kind::NAME, Kind::EMAIL_CONTENT]).await;
    assert_eq!(site.broken().await, ["purpose.membership", "role.support"]);
    assert_eq!(site.finding("purpose.membership").await.detail, "looks at more than it uses: 1");
}

/// The view names a purpose; the event must too.
async fn a_look_for_no_purpose(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    looked(&site, anna, "card", &[Kind::NAME]).await;
    assert_eq!(site.broken().await, ["role.support"]);
}

async fn a_trail_that_does_not_open(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.plant("UPDATE trail SET sealed = $1 WHERE subject = $2", &params![b"nothing", anna.as_bytes()])
        .await;
    assert_eq!(site.broken().await, ["right.access"]);
    let unread = site.look(kept_keeper::Actor::Person(anna), |look| look.trail(10)).await;
    assert!(matches!(unread, Err(KeeperError::Sealed { .. })));
}
