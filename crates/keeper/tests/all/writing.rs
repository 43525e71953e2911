//! Writing people's data, and finding people by it.

use std::fs;

use kept_keeper::{Actor, Claim, Field, KeeperError, Record};
use kept_store::params;
use kept_vault::{KeyId, Kind};
use serde::{Deserialize, Serialize};

use crate::{
    club::{BY_EMAIL, BY_NAME, Badge, Profile},
    site::{On, Site},
};

on_every_database! {
    what_is_written_is_read_back
    what_is_taken_back_is_gone_with_its_key
    what_is_taken_back_leaves_a_tombstone
    an_act_that_fails_writes_nothing
    a_record_that_is_not_declared_is_refused
    an_address_belongs_to_one_and_a_name_to_many
    of_two_claims_at_once_one_is_granted
    a_restart_with_the_same_seed_gives_new_ids
    the_same_seed_gives_the_same_site
}

async fn what_is_written_is_read_back(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let own = site.own(anna).await;
    assert_eq!(own.name.as_deref(), Some("Anna"));
    assert_eq!(own.phone.as_deref(), Some("+1 555 010 0199"));
}

async fn what_is_taken_back_is_gone_with_its_key(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.act(Actor::Person(anna), move |act| {
        act.put(anna, &Profile { name: "Anna".into(), email: "new@example.test".into(), phone: None })
    })
    .await
    .unwrap();
    let own = site.own(anna).await;
    assert_eq!((own.email.as_deref(), own.phone), (Some("new@example.test"), None));
    assert!(!site.kinds(anna).await.contains(&Kind::TELEPHONE_NUMBER));
}

/// Whatever brings an older state back must not bring the key back.
async fn what_is_taken_back_leaves_a_tombstone(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let row = site.rows("SELECT key FROM keys WHERE kind = 'pd:TelephoneNumber'", &params![]).await;
    let key = KeyId::from_bytes(row[0].get(0).unwrap());
    let without = || Profile { name: "Anna".into(), email: "anna@example.test".into(), phone: None };
    site.act(Actor::Person(anna), move |act| act.put(anna, &without())).await.unwrap();
    // The machine dies before the sweep.
    let site = site.killed().await;
    site.sweep().await;
    let log = fs::read_to_string(site.folder.path().join("tombstones")).unwrap();
    assert!(log.ends_with(&format!(" {anna} {key}\n")), "{log}");
    site.sweep().await;
    assert_eq!(fs::read_to_string(site.folder.path().join("tombstones")).unwrap(), log);
}

async fn an_act_that_fails_writes_nothing(on: On) {
    let site = Site::new(on).await;
    let before = site.count("SELECT COUNT(*) FROM ledger", &params![]).await;
    let failed = site
        .act(Actor::Visitor, |act| {
            let subject = act.new_subject();
            act.put(subject, &Badge { member_id: "W-0".into() })?;
            act.emit(subject, "nothing.such")
        })
        .await;
    assert!(matches!(failed, Err(KeeperError::Unknown(event)) if event == "nothing.such"));
    assert_eq!(site.count("SELECT COUNT(*) FROM vault", &params![]).await, 0);
    assert_eq!(site.count("SELECT COUNT(*) FROM ledger", &params![]).await, before);
}

/// Fields without a kind, a record that no area lists, a name that is another record's.
async fn a_record_that_is_not_declared_is_refused(on: On) {
    #[derive(Serialize, Deserialize)]
    struct Diary {
        text: String,
    }
    impl Record for Diary {
        const NAME: &'static str = "diary";
        const FIELDS: &'static [Field] = &[Field { name: "text", kind: Kind::COMMUNICATION }];
    }
    #[derive(Serialize, Deserialize)]
    struct LongBadge {
        member_id: String,
        colour: String,
    }
    impl Record for LongBadge {
        const NAME: &'static str = Badge::NAME;
        const FIELDS: &'static [Field] = Badge::FIELDS;
    }

    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let unlisted =
        site.act(Actor::Person(anna), move |act| act.put(anna, &Diary { text: "a secret".into() })).await;
    assert!(matches!(unlisted, Err(KeeperError::Unlisted { name: "diary" })));
    let unlabelled = site
        .act(Actor::Person(anna), move |act| {
            act.put(anna, &LongBadge { member_id: "W-1".into(), colour: "green".into() })
        })
        .await;
    assert!(
        matches!(unlabelled, Err(KeeperError::Unlabelled { record: "badge", field }) if field == "colour")
    );
    let misnamed = site
        .act(Actor::Person(anna), move |act| act.put_as(anna, "profile", &Badge { member_id: "W-1".into() }))
        .await;
    assert!(matches!(misnamed, Err(KeeperError::Shape { name: "badge", .. })));
}

async fn an_address_belongs_to_one_and_a_name_to_many(on: On) {
    let site = Site::new(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    let taken =
        site.act(Actor::System, move |act| act.claim(BY_EMAIL, "anna@example.test", bert)).await.unwrap();
    assert_eq!(taken, Claim::Taken(anna));
    let again =
        site.act(Actor::System, move |act| act.claim(BY_EMAIL, "anna@example.test", anna)).await.unwrap();
    assert_eq!(again, Claim::Granted);
    site.act(Actor::System, move |act| act.claim(BY_NAME, "Anna", bert)).await.unwrap();
    let (found, mut named, nobody) = site
        .look(Actor::System, |look| {
            Ok((
                look.find(BY_EMAIL, "anna@example.test")?,
                look.find_all(BY_NAME, "Anna")?,
                look.find(BY_EMAIL, "ANNA@example.test")?,
            ))
        })
        .await
        .unwrap();
    named.sort();
    let mut both = [anna, bert];
    both.sort();
    assert_eq!((found, named.as_slice(), nobody), (Some(anna), both.as_slice(), None));

    site.act(Actor::System, move |act| act.release(BY_EMAIL, anna)).await.unwrap();
    let now =
        site.act(Actor::System, move |act| act.claim(BY_EMAIL, "anna@example.test", bert)).await.unwrap();
    assert_eq!(now, Claim::Granted);
}

async fn of_two_claims_at_once_one_is_granted(on: On) {
    let site = Site::new(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    for round in 0..20 {
        let value = format!("both-{round}@example.test");
        let claim = |subject| {
            let (keeper, value) = (site.keeper.clone(), value.clone());
            tokio::spawn(async move {
                keeper
                    .act::<_, KeeperError, _>(keeper.ctx(Actor::System), move |act| {
                        act.claim(BY_EMAIL, &value, subject)
                    })
                    .await
                    .unwrap()
            })
        };
        let (one, other) = tokio::join!(claim(anna), claim(bert));
        let granted = [one.unwrap(), other.unwrap()].iter().filter(|claim| **claim == Claim::Granted).count();
        assert_eq!(granted, 1);
    }
}

/// Whoever restarts with the seed of the last runs does not give the same ids again.
async fn a_restart_with_the_same_seed_gives_new_ids(on: On) {
    let mut site = Site::new(on).await;
    let mut people = Vec::new();
    for name in ["Anna", "Bert", "Cleo"] {
        people.push(site.member(name).await);
        site = site.restarted().await;
    }
    for (subject, name) in people.into_iter().zip(["Anna", "Bert", "Cleo"]) {
        assert_eq!(site.own(subject).await.name.as_deref(), Some(name));
    }
}

/// The same seed and the same acts give the same ledger.
async fn the_same_seed_gives_the_same_site(on: On) {
    async fn root(on: On) -> (kept_vault::SubjectId, String) {
        let site = Site::new(on).await;
        let anna = site.member("Anna").await;
        site.emit(anna, "member.left").await;
        site.days(200).await;
        (anna, site.keeper.prove().await.unwrap().ledger.root)
    }
    assert_eq!(root(on).await, root(on).await);
}
