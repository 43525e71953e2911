//! Brakes: what cannot be undone waits when the clock or the crowd is unusual.

use kept_keeper::{Actor, KeeperError};
use kept_store::params;

use crate::site::{OWNER, On, STAFF, Site, moment};

on_every_database! {
    a_clock_that_jumps_pauses_only_what_cannot_be_undone
    a_day_is_no_jump_and_more_is_one
    a_clock_that_goes_back_erases_nothing_early
    a_crowd_pauses_until_an_owner_has_looked
}

async fn a_clock_that_jumps_pauses_only_what_cannot_be_undone(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.sweep().await;
    site.jump("2036-08-31T12:00:00Z");
    let swept = site.sweep().await;
    let reason =
        "the clock went from 31 August 2026 to 31 August 2036: the server was off, or its clock is wrong";
    assert_eq!(swept.paused.as_deref(), Some(reason));
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
    assert_eq!(site.count("SELECT COUNT(*) FROM members WHERE standing = 'closed'", &params![]).await, 1);
    assert_eq!(site.letters(anna).await, [], "no warning names a day by a wrong clock");

    // The pause outlives a restart and the clock's return.
    let site = site.restarted().await;
    assert_eq!(site.keeper.paused().await.unwrap().as_deref(), Some(reason));
    site.jump("2027-03-01T00:00:00Z");
    assert_eq!(site.sweep().await.paused.as_deref(), Some(reason));
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));

    for actor in [STAFF, Actor::System, Actor::Visitor, Actor::Person(anna)] {
        let refused = site.keeper.release_brake(actor).await;
        assert!(matches!(refused, Err(KeeperError::NotYours { view: "brakes" })));
    }
    site.keeper.release_brake(OWNER).await.unwrap();
    assert_eq!(site.keeper.paused().await.unwrap(), None);
    assert_eq!(site.sweep().await.paused, None);

    // The warning is late, so the erasure waits for as long as the notice promises between the two.
    let letters = site.letters(anna).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].text, "We will erase your data on 31 March 2027.");
    site.until("2027-03-30T00:00:00Z").await;
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
    site.days(1).await;
    assert_eq!(site.own(anna).await.name, None);
}

async fn a_day_is_no_jump_and_more_is_one(on: On) {
    let site = Site::new(on).await;
    site.jump("2026-09-01T12:00:00Z");
    assert_eq!(site.sweep().await.paused, None);
    site.jump("2026-09-02T12:00:00.001Z");
    assert!(site.sweep().await.paused.is_some());
}

/// Backwards: nothing is early, and the way forward again is no jump.
async fn a_clock_that_goes_back_erases_nothing_early(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2027-02-20T12:00:00Z").await;
    site.jump("2020-01-01T00:00:00Z");
    assert_eq!(site.sweep().await.paused, None);
    site.jump("2027-02-21T00:00:00Z");
    assert_eq!(site.sweep().await.paused, None);
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
}

async fn a_crowd_pauses_until_an_owner_has_looked(on: On) {
    let site = Site::new(on).await;
    let mut people = Vec::new();
    for _ in 0..26 {
        people.push(
            site.act(Actor::Visitor, |act| {
                let subject = act.new_subject();
                act.put(subject, &crate::club::Badge { member_id: "W-0".into() })?;
                Ok(subject)
            })
            .await
            .unwrap(),
        );
    }
    let last = people.pop().unwrap();
    for subject in &people {
        site.emit(*subject, "member.left").await;
    }
    site.skip("2028-08-29T12:00:00Z").await;
    // The day for which the owner's word counts is over.
    site.days(1).await;
    site.jump("2028-08-31T12:00:00Z");
    site.act(Actor::System, move |act| act.emit_at(last, "member.left", moment("2026-08-31T12:00:00Z")))
        .await
        .unwrap();
    let swept = site.sweep().await;
    assert_eq!(swept.paused.as_deref(), Some("this sweep would erase data of 26 of 26 people"));
    assert_eq!(site.count("SELECT COUNT(*) FROM vault WHERE record = 'badge'", &params![]).await, 26);
    site.keeper.release_brake(OWNER).await.unwrap();
    assert_eq!(site.sweep().await.paused, None, "and it does not come on again by itself that day");
    assert_eq!(site.count("SELECT COUNT(*) FROM vault WHERE record = 'badge'", &params![]).await, 0);
}
