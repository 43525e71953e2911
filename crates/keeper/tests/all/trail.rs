//! The trail: what was done with a person's data, written with the deed and gone when its time comes.

use std::collections::BTreeSet;

use kept_keeper::{Actor, Area, Deed, Entry, KeeperError, uses};
use kept_store::{StoreError, params};
use kept_vault::{Kind, SubjectId};
use tempfile::TempDir;

use crate::{
    club::{AREA, Badge, Card, NOTICE, Own, Profile},
    site::{Hands, On, STAFF, START, Site, open},
};

on_every_database! {
    no_deed_without_its_event
    a_journal_that_cannot_be_written_waits
    a_read_by_staff_is_written_with_its_reason_before_it_is_shown
    a_look_by_staff_gives_nothing_before_its_event_is_written
    those_who_look_at_once_are_all_recorded
    a_look_at_somebody_without_a_trail_is_the_sites
    own_reads_are_in_the_trail_after_the_journal_is_written
    an_erased_trail_does_not_begin_again
    nothing_of_an_erased_person_comes_back
}

const SITE_TRAIL: &str = "SELECT COUNT(*) FROM trail WHERE subject = $1";

async fn a_read_by_staff_is_written_with_its_reason_before_it_is_shown(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.act(STAFF, move |act| act.view::<Card>(anna, Some("she rang"))).await.unwrap();
    let entries = site.look(Actor::Person(anna), |look| look.trail(1)).await.unwrap();
    let event = &entries[0].event;
    assert_eq!((event.deed, event.what.as_str()), (Deed::Read, "card"));
    assert_eq!(event.because.as_deref(), Some("she rang"));
    assert_eq!(event.purpose.as_deref(), Some("dpv:ServiceProvision"));
    assert_eq!(event.who, "support:09090909090909090909090909090909");
    assert_eq!(event.kinds, ["pd:EmailAddress", "pd:Name", "pd:TelephoneNumber"]);
    assert_eq!(event.notice, site.keeper.policy().version());

    // One transaction: what comes after in the same act takes the read with it.
    let undone = site
        .act(STAFF, move |act| {
            act.view::<Card>(anna, Some("never mind"))?;
            act.emit(anna, "nothing.such")
        })
        .await;
    assert!(undone.is_err());
    assert_eq!(site.trail(anna).await[0], "card");
    assert_eq!(site.trail(anna).await.iter().filter(|what| *what == "card").count(), 1);
}

/// `use-1`: a look takes no turn, and is recorded all the same before anything is given.
async fn a_look_by_staff_gives_nothing_before_its_event_is_written(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let card = site.look(STAFF, move |look| look.shown::<Card>(anna, Some("she rang"))).await.unwrap();
    assert_eq!(card.name.as_deref(), Some("Anna"));
    let entries = site.look(Actor::Person(anna), |look| look.trail(1)).await.unwrap();
    let event = &entries[0].event;
    assert_eq!((event.deed, event.what.as_str()), (Deed::Read, "card"));
    assert_eq!(event.because.as_deref(), Some("she rang"));
    assert_eq!(event.who, "support:09090909090909090909090909090909");
    assert_eq!(event.kinds, ["pd:EmailAddress", "pd:Name", "pd:TelephoneNumber"]);

    site.refuse("INSERT", "ledger").await;
    let refused = site.look(STAFF, move |look| look.shown::<Card>(anna, Some("again"))).await;
    assert!(refused.is_err());
    site.relent("ledger").await;
    let silent = site.look(STAFF, move |look| look.shown::<Card>(anna, None)).await;
    assert!(matches!(silent, Err(KeeperError::NoReason { .. })));
    let herself = site.look(Actor::Person(anna), move |look| look.shown::<Card>(anna, Some("me"))).await;
    assert!(matches!(herself, Err(KeeperError::NotYours { .. })));
    // What a look did not give in the end was not read.
    let undone = site.look(STAFF, move |look| {
        look.shown::<Card>(anna, Some("never mind"))?;
        Err::<(), _>(KeeperError::Unrecorded)
    });
    assert!(undone.await.is_err());
    assert_eq!(site.trail(anna).await.iter().filter(|what| *what == "card").count(), 1);
}

/// What a notice does not name is not held: no look shows it, and the trail of none says so.
#[tokio::test]
async fn a_kind_that_the_notice_does_not_name_is_not_on_the_trail() {
    let notice = NOTICE
        .replace("phone      = [\"pd:TelephoneNumber\"]\n", "")
        .replace("voluntary = { phone = \"we cannot call you\" }\n", "")
        .replace(", { phone = \"last 4\" }", "")
        .replace(", \"phone\"", "")
        .replace("data    = [\"phone\"]", "data    = [\"membership\"]");
    let areas = [Area { optional: &[Kind::TELEPHONE_NUMBER], ..AREA }];
    let folder = TempDir::new().unwrap();
    let keeper = open(folder.path(), None, Hands::at(START), &notice, &areas, 1).await.unwrap();
    let anna = keeper
        .act(keeper.ctx(Actor::Visitor), |act| {
            let anna = act.new_subject();
            let profile = Profile { name: "Anna".into(), email: "anna@example.test".into(), phone: None };
            act.put(anna, &profile).map(|()| anna)
        })
        .await
        .unwrap();
    keeper.act(keeper.ctx(STAFF), move |act| act.view::<Card>(anna, Some("she rang"))).await.unwrap();
    keeper.look(keeper.ctx(STAFF), move |look| look.shown::<Card>(anna, Some("again"))).await.unwrap();
    keeper.look(keeper.ctx(Actor::Person(anna)), move |look| look.view::<Own>(anna)).await.unwrap();
    keeper.write_journal().await.unwrap();

    let trail = keeper.look(keeper.ctx(Actor::Person(anna)), |look| look.trail(3)).await.unwrap();
    let read = |entry: Entry| (entry.event.what, entry.event.kinds);
    let identity = || ["pd:EmailAddress", "pd:Name"].map(String::from).to_vec();
    assert_eq!(
        trail.into_iter().map(read).collect::<Vec<_>>(),
        ["own", "card", "card"].map(|what| (what.to_owned(), identity()))
    );
    let card = uses(&keeper.policy()).into_iter().find(|used| used.view == "card").unwrap();
    assert_eq!(card.sees.iter().map(|seen| seen.kind).collect::<Vec<_>>(), ["pd:Name", "pd:EmailAddress"]);
    let report = keeper.prove().await.unwrap();
    assert_eq!(report.broken().count(), 0);
}

async fn those_who_look_at_once_are_all_recorded(on: On) {
    let site = Site::new(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    let looks: Vec<_> = (0..40)
        .map(|n| {
            let (keeper, who) = (site.keeper.clone(), if n % 2 == 0 { anna } else { bert });
            tokio::spawn(async move {
                let reason = format!("call {n}");
                let look = keeper.look(keeper.ctx(STAFF), move |look| look.shown::<Card>(who, Some(&reason)));
                look.await.map(|card| card.name)
            })
        })
        .collect();
    // One of them goes away before it is told.
    looks[7].abort();
    for (n, look) in looks.into_iter().enumerate().filter(|(n, _)| *n != 7) {
        let name = if n % 2 == 0 { "Anna" } else { "Bert" };
        assert_eq!(look.await.unwrap().unwrap().as_deref(), Some(name), "call {n}");
    }
    for (who, least) in [(anna, 20), (bert, 19)] {
        let trail = site.look(Actor::Person(who), |look| look.trail(100)).await.unwrap();
        let reasons: BTreeSet<_> = trail.into_iter().filter_map(|entry| entry.event.because).collect();
        assert!((least..=20).contains(&reasons.len()), "{reasons:?}");
    }
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_look_at_somebody_without_a_trail_is_the_sites(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.skip("2027-09-01T12:00:00Z").await;
    assert!(!site.kinds(anna).await.contains(&Kind::TRAIL));
    let nobody = SubjectId::from_bytes([0; 16]);
    let sites = site.count(SITE_TRAIL, &params![nobody.as_bytes()]).await;
    site.look(STAFF, move |look| look.shown::<Card>(anna, Some("Anna rang"))).await.unwrap();
    assert_eq!(site.count(SITE_TRAIL, &params![nobody.as_bytes()]).await, sites + 1);
    let entries = site.look(Actor::Person(nobody), |look| look.trail(1)).await.unwrap();
    assert_eq!((entries[0].event.what.as_str(), entries[0].event.because.as_deref()), ("card", None));
}

async fn own_reads_are_in_the_trail_after_the_journal_is_written(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let before = site.trail(anna).await;
    site.look(Actor::Person(anna), move |look| look.view::<Own>(anna)).await.unwrap();
    assert_eq!(site.trail(anna).await, before);
    site.keeper.write_journal().await.unwrap();
    assert_eq!(site.trail(anna).await[0], "own");
    // Closing writes what waits.
    site.look(Actor::Person(anna), |look| look.holdings()).await.unwrap();
    let site = site.restarted().await;
    assert_eq!(site.trail(anna).await[..2], ["my-data", "own"]);
}

/// When the disk fails under the journal, nothing is lost.
async fn a_journal_that_cannot_be_written_waits(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.own(anna).await;
    site.refuse("INSERT", "ledger").await;
    assert!(site.keeper.write_journal().await.is_err());
    site.relent("ledger").await;
    site.keeper.write_journal().await.unwrap();
    assert_eq!(site.trail(anna).await[0], "own");
}

async fn an_erased_trail_does_not_begin_again(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.own(anna).await;
    site.skip("2027-09-01T12:00:00Z").await;
    assert!(!site.kinds(anna).await.contains(&Kind::TRAIL));
    // Her badge is still held, so staff may look; the event is in the ledger, on the site's trail, without the reason.
    let nobody = params![[0; 16]];
    let (leaves, sites) =
        (site.count("SELECT COUNT(*) FROM ledger", &params![]).await, site.count(SITE_TRAIL, &nobody).await);
    site.act(STAFF, move |act| act.view::<Card>(anna, Some("Anna rang"))).await.unwrap();
    site.act(Actor::System, move |act| act.put(anna, &Badge { member_id: "W-2".into() })).await.unwrap();
    site.emit(anna, "dispute.opened").await;
    site.emit(anna, "dispute.settled").await;
    site.own(anna).await;
    site.keeper.write_journal().await.unwrap();
    // What she read while she had a trail has its leaf, which nobody can open; what she read since has none.
    assert_eq!(site.count("SELECT COUNT(*) FROM ledger", &params![]).await, leaves + 5);
    assert_eq!(site.count(SITE_TRAIL, &nobody).await, sites + 4);
    assert_eq!(site.kinds(anna).await, [Kind::IDENTIFIER]);
    assert_eq!(site.trail(anna).await, Vec::<String>::new());
    let sites =
        site.look(Actor::Person(SubjectId::from_bytes([0; 16])), |look| look.trail(1000)).await.unwrap();
    assert!(sites.iter().all(|entry| entry.event.because.as_deref() != Some("Anna rang")));
}

async fn nothing_of_an_erased_person_comes_back(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.skip("2028-09-01T12:00:00Z").await;
    assert_eq!(site.kinds(anna).await, []);
    let emitted = site.act(Actor::System, move |act| act.emit(anna, "member.left")).await;
    assert!(matches!(emitted, Err(KeeperError::Nobody(event)) if event == "member.left"));
    let now = site.keeper.now();
    let scheduled = site.act(Actor::System, move |act| act.schedule(anna, "ring", now)).await;
    assert!(matches!(scheduled, Err(KeeperError::Nobody(job)) if job == "ring"));
    site.act(Actor::System, move |act| act.note(anna, Deed::SignInFailed, "password", &[], None))
        .await
        .unwrap();
    assert_eq!(site.kinds(anna).await, []);
    for table in ["happenings", "duties", "holds", "trail", "vault", "lookups", "outbox"] {
        let sql: &'static str = format!("SELECT COUNT(*) FROM {table} WHERE subject = $1").leak();
        assert_eq!(site.count(sql, &params![anna.as_bytes()]).await, 0, "{table}");
    }
}

/// An act whose event could not be written is undone, even when its code goes on as if nothing had happened.
async fn no_deed_without_its_event(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let careless = async || {
        site.act(Actor::System, move |act| {
            let _ = act.put(anna, &Badge { member_id: "W-9".into() });
            Ok(())
        })
        .await
    };
    site.refuse("INSERT", "trail").await;
    assert!(matches!(careless().await, Err(KeeperError::Store(StoreError::Database { .. }))));
    site.relent("trail").await;
    site.plant("CREATE TABLE saved_keys AS SELECT * FROM keys WHERE kind = 'kept:Trail'", &params![]).await;
    site.plant("UPDATE keys SET wrapped = key WHERE kind = 'kept:Trail'", &params![]).await;
    assert!(matches!(careless().await, Err(KeeperError::Unrecorded)));
    site.plant("DELETE FROM keys WHERE kind = 'kept:Trail'", &params![]).await;
    site.plant("INSERT INTO keys SELECT * FROM saved_keys", &params![]).await;
    let held = site.look(Actor::Person(anna), |look| look.holdings()).await.unwrap();
    assert!(held.iter().any(|holding| holding.values == ["W-Anna"]));
    site.keeper.prove().await.unwrap();
}
