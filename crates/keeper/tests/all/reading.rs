//! Reading people's data: only through views, only by those whom the notice lets.

use kept_keeper::{Actor, By, KeeperError, View, ViewSpec};
use kept_store::params;
use kept_vault::{Kind, Mask};
use serde::Deserialize;

use crate::{
    club::{Addressee, Card, Own, Phonebook},
    site::{OWNER, On, STAFF, Site},
};

on_every_database! {
    the_desk_sees_what_the_notice_shows_it
    whom_the_view_is_not_for_sees_nothing
    the_server_reads_what_it_needs
    my_data_shows_everything_that_is_held
    errors_hold_no_personal_data
}

#[derive(Debug, Deserialize)]
struct Unlisted {}

impl View for Unlisted {
    const SPEC: ViewSpec = ViewSpec { name: "unlisted", ..Own::SPEC };
}

async fn the_desk_sees_what_the_notice_shows_it(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let card = site.act(STAFF, move |act| act.view::<Card>(anna, Some("she rang"))).await.unwrap();
    let shown = Card {
        name: Some("Anna".into()),
        email: Some("••••@example.test".into()),
        phone: Some("•••• 0199".into()),
    };
    assert_eq!(card, shown);
}

/// Each refusal is an error, leaves no event, and releases nothing.
async fn whom_the_view_is_not_for_sees_nothing(on: On) {
    let site = Site::new(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    let before = site.count("SELECT COUNT(*) FROM ledger", &params![]).await;

    let another = site.look(Actor::Person(bert), move |look| look.view::<Own>(anna)).await;
    assert!(matches!(another, Err(KeeperError::NotYours { view: "own" })));
    for actor in [OWNER, Actor::Visitor, Actor::System, Actor::Person(anna)] {
        let other_role = site.act(actor, move |act| act.view::<Card>(anna, Some("a reason"))).await;
        assert!(matches!(other_role, Err(KeeperError::NotYours { view: "card" })));
    }
    let unseen = site.look(STAFF, move |look| look.view::<Card>(anna)).await;
    assert!(matches!(unseen, Err(KeeperError::NotYours { view: "card" })), "a look cannot commit its event");
    let unlisted = site.look(Actor::Person(anna), move |look| look.view::<Unlisted>(anna)).await;
    assert!(matches!(unlisted, Err(KeeperError::Unlisted { name: "unlisted" })));
    let refused = site.act(STAFF, move |act| act.view::<Phonebook>(anna, Some("a reason"))).await;
    let Err(KeeperError::Refused { view: "phonebook", reason }) = refused else { panic!("not refused") };
    assert_eq!(reason, "role.support sees phone as \"last 4\", not as \"whole\".");
    for reason in [None, Some(""), Some("  ")] {
        let silent = site.act(STAFF, move |act| act.view::<Card>(anna, reason)).await;
        assert!(matches!(silent, Err(KeeperError::NoReason { view: "card" })));
    }
    for actor in [STAFF, Actor::System, Actor::Visitor] {
        assert!(matches!(site.look(actor, |look| look.holdings()).await, Err(KeeperError::NotYours { .. })));
        assert!(matches!(site.look(actor, |look| look.trail(1)).await, Err(KeeperError::NotYours { .. })));
    }
    let outbox = site.look(Actor::Person(anna), move |look| look.letters(anna)).await;
    assert!(matches!(outbox, Err(KeeperError::NotYours { view: "outbox" })));

    site.keeper.write_journal().await.unwrap();
    assert_eq!(site.count("SELECT COUNT(*) FROM ledger", &params![]).await, before);
}

/// A view that shows a kind in two forms needs leave for both, whichever comes first.
#[test]
fn every_form_of_a_kind_is_asked_for() {
    let kinds = Phonebook::SPEC.kinds();
    assert_eq!(kinds, [(Kind::TELEPHONE_NUMBER, Mask::Whole)]);
    let fields =
        [Card::SPEC.fields[1], kept_keeper::ViewField { mask: Mask::Initial, ..Card::SPEC.fields[1] }];
    let spec = ViewSpec { fields: Box::leak(Box::new(fields)), ..Card::SPEC };
    assert_eq!(spec.kinds(), [(Kind::EMAIL_ADDRESS, Mask::Domain), (Kind::EMAIL_ADDRESS, Mask::Initial)]);
}

async fn the_server_reads_what_it_needs(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    assert_eq!(Addressee::SPEC.by, By::System);
    let to = site.look(Actor::System, move |look| look.view::<Addressee>(anna)).await.unwrap();
    assert_eq!(to.email.as_deref(), Some("anna@example.test"));
}

async fn my_data_shows_everything_that_is_held(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.emit(anna, "dispute.opened").await;
    let held = site.look(Actor::Person(anna), |look| look.holdings()).await.unwrap();
    let kinds: Vec<Kind> = held.iter().map(|holding| holding.kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::MEMBERSHIP,
            Kind::TRAIL,
            Kind::EMAIL_ADDRESS,
            Kind::IDENTIFIER,
            Kind::NAME,
            Kind::PROFESSIONAL_TRAINING,
            Kind::TELEPHONE_NUMBER
        ]
    );
    let name = &held[4];
    assert_eq!((name.values.as_slice(), name.count), (["Anna".to_owned()].as_slice(), 1));
    assert_eq!(name.held_by, ["hold.dispute"]);
    assert_eq!(name.why, ["run your membership", "write to you"]);
    insta::allow_duplicates! {
        insta::assert_debug_snapshot!(name.until, @r#"
[
    Date {
        when: 2027-02-28T12:00:00Z,
        rule: "retain.lapsed",
    },
]
"#);
    }
}

/// An error names fields and records, never what they say.
async fn errors_hold_no_personal_data(on: On) {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is never released")]
    struct Wrong {
        name: u32,
    }
    impl View for Wrong {
        const SPEC: ViewSpec = Own::SPEC;
    }
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let wrong = site.look(Actor::Person(anna), move |look| look.view::<Wrong>(anna)).await.unwrap_err();
    let text = format!("{wrong} {wrong:?} {}", kept_keeper::chain(&wrong));
    assert!(matches!(wrong, KeeperError::Shape { name: "own", .. }));
    assert!(!text.contains("Anna"), "{text}");
}
