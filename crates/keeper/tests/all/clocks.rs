//! Clocks: what an event starts, on which day, and what stops it.

use jiff::ToSpan;
use kept_keeper::{Actor, KeeperError};
use kept_store::params;
use kept_vault::Kind;

use crate::site::{On, Site, moment};

on_every_database! {
    an_event_starts_its_clocks_by_the_calendar
    a_clock_counts_from_when_it_happened
    nothing_goes_before_its_day_and_everything_on_it
    unless_stops_a_clock_and_the_event_starts_it_anew
    a_job_runs_once_on_its_day
    a_duty_that_fails_stops_no_other_and_is_tried_again
    a_warning_comes_in_time_and_names_the_day
    an_account_is_switched_off_once
    who_comes_back_during_the_sweep_keeps_everything
    what_is_to_come_can_be_listed
}

fn waiting(day: &str) -> Option<(String, String)> {
    Some((day.into(), "waiting".into()))
}

async fn an_event_starts_its_clocks_by_the_calendar(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    assert_eq!(site.duty(anna, "retain.lapsed").await, None);
    site.emit(anna, "member.left").await;
    assert_eq!(site.duty(anna, "retain.closed").await, waiting("2026-09-01"));
    assert_eq!(site.duty(anna, "retain.lapsed").await, waiting("2027-02-28"));
    assert_eq!(site.duty(anna, "retain.trail").await, waiting("2027-08-31"));
    assert_eq!(site.duty(anna, "retain.credits").await, waiting("2028-08-31"));
}

async fn a_clock_counts_from_when_it_happened(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let at = moment("2026-08-15T00:00:00Z");
    site.act(Actor::System, move |act| act.emit_at(anna, "member.left", at)).await.unwrap();
    assert_eq!(site.duty(anna, "retain.lapsed").await, waiting("2027-02-15"));
}

async fn nothing_goes_before_its_day_and_everything_on_it(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2027-02-27T12:00:00Z").await;
    site.jump("2027-02-28T11:59:59Z");
    site.sweep().await;
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
    site.jump("2027-02-28T12:00:00Z");
    site.sweep().await;
    assert_eq!(site.own(anna).await.name, None);
}

async fn unless_stops_a_clock_and_the_event_starts_it_anew(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.days(100).await;
    site.emit(anna, "member.back").await;
    assert_eq!(site.duty(anna, "retain.lapsed").await, None);
    // This rule has no `unless`.
    assert_eq!(site.duty(anna, "retain.credits").await, waiting("2028-08-31"));
    site.days(150).await;
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
    site.emit(anna, "member.left").await;
    assert_eq!(site.duty(anna, "retain.lapsed").await, waiting("2027-11-08"));
    assert_eq!(site.duty(anna, "retain.credits").await, waiting("2029-05-08"));
    site.days(5).await;
    site.emit(anna, "member.left").await;
    assert_eq!(site.duty(anna, "retain.lapsed").await, waiting("2027-11-13"));
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_job_runs_once_on_its_day(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let rung = "SELECT rung FROM members WHERE subject = $1";
    let due = site.keeper.now() + 72.hours();
    site.act(Actor::System, move |act| act.schedule(anna, "ring", due - 24.hours())).await.unwrap();
    site.act(Actor::System, move |act| act.schedule(anna, "ring", due)).await.unwrap();
    site.days(2).await;
    assert_eq!(site.count(rung, &params![anna.as_bytes()]).await, 0);
    site.days(3).await;
    assert_eq!(site.count(rung, &params![anna.as_bytes()]).await, 1);
    let now = site.keeper.now();
    site.act(Actor::System, move |act| {
        act.schedule(anna, "ring", now)?;
        act.unschedule(anna, "ring")
    })
    .await
    .unwrap();
    site.days(1).await;
    assert_eq!(site.count(rung, &params![anna.as_bytes()]).await, 1);
    let unknown = site.act(Actor::System, move |act| act.schedule(anna, "sing", now)).await;
    assert!(matches!(unknown, Err(KeeperError::Unknown(job)) if job == "sing"));
}

async fn a_duty_that_fails_stops_no_other_and_is_tried_again(on: On) {
    let site = Site::new(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    let now = site.keeper.now();
    site.act(Actor::System, move |act| {
        act.schedule(anna, "trip", now)?;
        act.schedule(bert, "ring", now)
    })
    .await
    .unwrap();
    for _ in 0..2 {
        let swept = site.sweep().await;
        assert_eq!(swept.failed, 1);
    }
    assert_eq!(site.count("SELECT rung FROM members WHERE subject = $1", &params![bert.as_bytes()]).await, 1);
    site.emit(bert, "member.left").await;
    for _ in 0..181 {
        site.time.set(site.keeper.now() + 24.hours());
        site.sweep().await;
    }
    assert_eq!(site.own(bert).await.name, None);
}

async fn a_warning_comes_in_time_and_names_the_day(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2027-01-28T12:00:00Z").await;
    assert_eq!(site.letters(anna).await, []);
    site.days(1).await;
    let letters = site.letters(anna).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "anna@example.test");
    assert_eq!(letters[0].text, "We will erase your data on 28 February 2027.");
    site.days(1).await;
    assert_eq!(site.letters(anna).await.len(), 1);
    let told = site.count("SELECT told FROM members WHERE subject = $1", &params![anna.as_bytes()]).await;
    assert_eq!(told, moment("2027-02-28T12:00:00Z").as_millisecond());
}

async fn an_account_is_switched_off_once(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.sweep().await;
    let closed = "SELECT COUNT(*) FROM members WHERE standing = 'closed'";
    assert_eq!(site.count(closed, &params![]).await, 0);
    site.days(3).await;
    assert_eq!(site.count(closed, &params![]).await, 1);
    assert_eq!(site.trail(anna).await.iter().filter(|what| *what == "retain.closed").count(), 1);
    assert_eq!(
        site.kinds(anna).await.len(),
        5 + usize::from(site.kinds(anna).await.contains(&Kind::EMAIL_CONTENT))
    );
}

/// Between finding a duty and doing it, the person may come back: then it is not done.
async fn who_comes_back_during_the_sweep_keeps_everything(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    // The job is found together with the duty, and done before it.
    let off = site.keeper.now() + 24.hours();
    site.act(Actor::System, move |act| act.schedule(anna, "home", off)).await.unwrap();
    site.days(1).await;
    assert_eq!(site.count("SELECT COUNT(*) FROM members WHERE standing = 'open'", &params![]).await, 1);

    site.emit(anna, "member.left").await;
    site.until("2027-02-28T12:00:00Z").await;
    let end = moment("2027-03-01T12:00:00Z");
    site.act(Actor::System, move |act| act.schedule(anna, "home", end)).await.unwrap();
    assert_eq!(site.duty(anna, "retain.lapsed").await, waiting("2027-03-01"));
    let tombstones = || std::fs::read(site.folder.path().join("tombstones")).unwrap();
    let before = tombstones();
    site.days(2).await;
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
    assert_eq!(site.duty(anna, "retain.lapsed").await, None);
    assert!(tombstones() == before, "what lives has no tombstone");
    assert_eq!(site.broken().await, Vec::<String>::new());
}

/// What will be done, in the order of its days, and what keeps it.
async fn what_is_to_come_can_be_listed(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.emit(anna, "dispute.opened").await;
    let coming = site.keeper.duties_until(moment("2027-03-01T00:00:00Z")).await.unwrap();
    let listed: Vec<_> = coming.iter().map(|(duty, _)| (duty.rule.as_str(), duty.action.as_str())).collect();
    assert_eq!(
        listed,
        [("retain.closed", "disable"), ("retain.lapsed", "warn P30D"), ("retain.lapsed", "erase")]
    );
    assert!(coming.iter().all(|(_, holds)| holds == &["hold.dispute"]));
}
