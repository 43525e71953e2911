//! Erasing: keys, sealed parts, look-ups, the areas' own rows, the trail, and at last the dates themselves.

use std::{collections::BTreeSet, fs};

use jiff::ToSpan;
use kept_keeper::{Actor, Letter};
use kept_store::params;
use kept_vault::Kind;

use crate::{
    club::{BY_EMAIL, BY_NAME},
    site::{On, Site},
};

on_every_database! {
    what_the_rule_names_goes_everywhere_and_the_rest_stays
    bookkeeping_stays_while_an_area_holds_anything
    a_letter_dies_alone
    a_second_sweep_changes_nothing
    two_sweeps_at_once_do_each_duty_once
    every_destroyed_key_has_its_tombstone
    an_event_during_an_erasure_starts_its_clock_afterwards
    a_sweep_takes_as_many_batches_as_it_needs
}

async fn what_the_rule_names_goes_everywhere_and_the_rest_stays(on: On) {
    let site = Site::new(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    site.emit(anna, "member.left").await;
    site.until("2027-03-10T12:00:00Z").await;

    let own = site.own(anna).await;
    assert_eq!((own.name, own.email, own.phone), (None, None, None));
    assert_eq!(site.kinds(anna).await, [Kind::TRAIL, Kind::IDENTIFIER]);
    assert_eq!(
        site.count("SELECT COUNT(*) FROM vault WHERE subject = $1", &params![anna.as_bytes()]).await,
        1
    );
    let (address, named) = site
        .look(Actor::System, |look| {
            Ok((look.find(BY_EMAIL, "anna@example.test")?, look.find_all(BY_NAME, "Anna")?))
        })
        .await
        .unwrap();
    assert_eq!((address, named), (None, Vec::new()));
    assert_eq!(site.count("SELECT COUNT(*) FROM walks WHERE credits = 15", &params![]).await, 2);
    assert_eq!(
        site.trail(anna).await[..2],
        ["retain.lapsed", "retain.mail"],
        "the warning had its own clock"
    );
    assert_eq!(site.own(bert).await.name.as_deref(), Some("Bert"));
    assert_eq!(site.broken().await, Vec::<String>::new());

    site.until("2027-09-01T12:00:00Z").await;
    assert_eq!(site.trail(anna).await, Vec::<String>::new());
    assert_eq!(
        site.count("SELECT COUNT(*) FROM trail WHERE subject = $1", &params![anna.as_bytes()]).await,
        0
    );
    assert_eq!(site.kinds(anna).await, [Kind::IDENTIFIER]);
    assert_eq!(site.broken().await, Vec::<String>::new());

    site.skip("2028-09-01T12:00:00Z").await;
    assert_eq!(site.kinds(anna).await, []);
    assert_eq!(site.count("SELECT COUNT(*) FROM members", &params![]).await, 1);
    assert_eq!(site.broken().await, Vec::<String>::new());
    // Bookkeeping goes with the last of it, in the areas' tables too.
    for table in ["happenings", "duties", "holds", "walks"] {
        let sql: &'static str = format!("SELECT COUNT(*) FROM {table} WHERE subject = $1").leak();
        assert_eq!(site.count(sql, &params![anna.as_bytes()]).await, 0, "{table}");
    }
    assert_eq!(site.count("SELECT COUNT(*) FROM walks", &params![]).await, 1, "Bert's");
}

/// Rows of an area without any key still count as held: the dates by which they end are not forgotten before.
async fn bookkeeping_stays_while_an_area_holds_anything(on: On) {
    let site = Site::new(on).await;
    let anna = site
        .act(Actor::Visitor, |act| {
            let subject = act.new_subject();
            act.tx().execute(
                "INSERT INTO walks (subject, number, credits) VALUES ($1, 1, 15)",
                &params![subject.as_bytes()],
            )?;
            act.emit(subject, "member.left")?;
            Ok(subject)
        })
        .await
        .unwrap();
    site.skip("2027-09-01T12:00:00Z").await;
    assert_eq!(site.kinds(anna).await, [], "the trail was the only key");
    assert!(site.duty(anna, "retain.credits").await.is_some());
    site.skip("2028-09-01T12:00:00Z").await;
    assert_eq!(site.count("SELECT COUNT(*) FROM walks", &params![]).await, 0);
    assert_eq!(site.duty(anna, "retain.credits").await, None);
}

async fn a_letter_dies_alone(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.mail(anna, "the first").await;
    site.days(4).await;
    site.mail(anna, "the second").await;
    site.days(3).await;
    let texts: Vec<String> = site.letters(anna).await.into_iter().map(|letter| letter.text).collect();
    assert_eq!(texts, ["the second"]);
    assert_eq!(site.count("SELECT COUNT(*) FROM outbox", &params![]).await, 1);
    assert_eq!(site.count("SELECT COUNT(*) FROM duties WHERE rule = 'retain.mail'", &params![]).await, 1);
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
    site.days(4).await;
    assert_eq!(site.letters(anna).await, []);
    assert_eq!(site.broken().await, Vec::<String>::new());
    let mail = site.finding("retain.mail").await;
    assert_eq!(mail.detail, "erased 2 times, never early");
}

async fn a_second_sweep_changes_nothing(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2027-02-28T12:00:00Z").await;
    let before = site.count("SELECT COUNT(*) FROM ledger", &params![]).await;
    let swept = site.sweep().await;
    assert_eq!((swept.done, swept.failed), (0, 0));
    assert_eq!(site.count("SELECT COUNT(*) FROM ledger", &params![]).await, before);
}

/// Step by step beside each other, on one thread.
async fn two_sweeps_at_once_do_each_duty_once(on: On) {
    let site = Site::new(on).await;
    for name in ["Anna", "Bert", "Cleo"] {
        let subject = site.member(name).await;
        site.emit(subject, "member.left").await;
        site.days(1).await;
    }
    site.until("2027-02-27T12:00:00Z").await;
    for _ in 0..4 {
        site.time.set(site.keeper.now() + 24.hours());
        let (one, other) = tokio::join!(site.keeper.sweep(), site.keeper.sweep());
        assert_eq!((one.unwrap().failed, other.unwrap().failed), (0, 0));
    }
    let deeds = "SELECT COUNT(*) FROM deeds WHERE rule = 'retain.lapsed' AND action = 'erase'";
    assert_eq!(site.count(deeds, &params![]).await, 3);
    let warned = "SELECT COUNT(*) FROM deeds WHERE rule = 'retain.lapsed' AND action <> 'erase'";
    assert_eq!(site.count(warned, &params![]).await, 3);
}

async fn every_destroyed_key_has_its_tombstone(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let keys = || async {
        let rows = site.rows("SELECT key FROM keys WHERE subject = $1", &params![anna.as_bytes()]).await;
        rows.iter()
            .map(|row| kept_vault::KeyId::from_bytes(row.get(0).unwrap()).to_string())
            .collect::<BTreeSet<_>>()
    };
    let before = keys().await;
    site.emit(anna, "member.left").await;
    site.until("2027-02-28T12:00:00Z").await;
    let gone: BTreeSet<String> = before.difference(&keys().await).cloned().collect();
    assert_eq!(gone.len(), 3);

    let log = fs::read_to_string(site.folder.path().join("tombstones")).unwrap();
    let lines: Vec<Vec<&str>> = log.lines().map(|line| line.split(' ').collect()).collect();
    let of_that_day: Vec<_> = lines.iter().filter(|line| line[0] == "2027-02-28T12:00:00Z").collect();
    assert!(of_that_day.iter().all(|line| line.len() == 3 && line[1] == anna.to_string()));
    let listed: BTreeSet<String> = of_that_day.iter().map(|line| line[2].to_owned()).collect();
    assert_eq!(listed, gone);
}

/// The person left anew while an erasure was under way: it is finished, and the new clock runs.
async fn an_event_during_an_erasure_starts_its_clock_afterwards(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2027-02-27T12:00:00Z").await;
    site.plant(
        "UPDATE duties SET state = 'begun', due = due - 86400000 WHERE rule = 'retain.lapsed' AND action = 'erase'",
        &params![],
    )
    .await;
    site.emit(anna, "member.left").await;
    assert_eq!(site.duty(anna, "retain.lapsed").await.unwrap().1, "begun");
    site.sweep().await;
    assert_eq!(site.own(anna).await.name, None);
    assert_eq!(site.duty(anna, "retain.lapsed").await, Some(("2027-08-27".into(), "waiting".into())));
    assert_eq!(site.keeper.now() + 0.seconds(), crate::site::moment("2027-02-27T12:00:00Z"));
}

/// More than one batch, within the brake's bounds.
async fn a_sweep_takes_as_many_batches_as_it_needs(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let letter = Letter {
        about: "test",
        to: "somebody@example.test".into(),
        subject: "A letter".into(),
        text: "one of many".into(),
    };
    site.act(Actor::System, move |act| (0..450).try_for_each(|_| act.mail(anna, &letter))).await.unwrap();
    site.days(7).await;
    assert_eq!(site.count("SELECT COUNT(*) FROM outbox", &params![]).await, 0);
    assert_eq!(site.count("SELECT COUNT(*) FROM vault WHERE record LIKE 'mail/%'", &params![]).await, 0);
}
