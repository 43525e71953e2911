//! Clocks that run when another notice comes into force: each keeps the stronger promise (`ntc-8`).

use kept_keeper::{Actor, KeeperError, Status};
use kept_store::params;

use crate::{
    changing::{change_to, club, from_day, longer},
    site::{On, START, is, moment},
};

on_every_database! {
    a_longer_retention_draws_no_running_clock_out
    a_shorter_retention_binds_running_clocks_and_still_warns
    a_rule_left_out_is_kept_for_those_it_was_promised_to
    a_label_that_a_rule_loses_goes_as_promised
    a_promise_of_then_is_stopped_by_what_stopped_it_then
    what_happened_before_and_is_noted_after_is_under_both
    carrying_over_goes_on_after_a_crash
    switching_off_later_leaves_those_switched_off_who_were_promised_it
    a_hold_that_is_new_holds_what_happened_before
    a_promise_of_then_that_is_overdue_is_found
}

async fn switching_off_later_leaves_those_switched_off_who_were_promised_it(on: On) {
    let site = club(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    site.until("2026-10-04T12:00:00Z").await;
    let later = from_day("2026-11-10", "after   = \"1 day\"", "after   = \"10 days\"");
    site.keeper.propose(&later).await.unwrap();
    site.until("2026-11-09T12:00:00Z").await;
    site.emit(anna, "member.left").await;
    site.time.set(moment("2026-11-10T00:00:00Z"));
    site.sweep().await;
    site.emit(bert, "member.left").await;
    site.until("2026-11-11T12:00:00Z").await;
    let closed = "SELECT COUNT(*) FROM members WHERE standing = 'closed'";
    assert_eq!(site.count(closed, &params![]).await, 1);
    site.until("2026-11-23T12:00:00Z").await;
    assert_eq!(site.count(closed, &params![]).await, 2);
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_hold_that_is_new_holds_what_happened_before(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "inspection.begun").await;
    site.emit(anna, "member.left").await;
    let everything = from_day("2026-10-05", "data    = [\"phone\"]", "data    = [\"phone\", \"identity\"]");
    change_to(&site, &everything).await;
    site.until("2027-03-02T12:00:00Z").await;
    assert!(site.own(anna).await.name.is_some(), "held");
    assert_eq!(site.broken().await, Vec::<String>::new());
    let without = from_day(
        "2027-03-03",
        "[hold.inspection]\nbecause = \"the Walking Act, s. 3\"\ndata    = [\"phone\"]\nfrom    = \"inspection.begun\"\nlasts   = \"1 year\"\n",
        "",
    );
    change_to(&site, &without).await;
    site.days(1).await;
    assert!(site.own(anna).await.name.is_none(), "nothing holds it any more");
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_longer_retention_draws_no_running_clock_out(on: On) {
    let site = club(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    site.emit(anna, "member.left").await;
    assert_eq!(site.duty(anna, "retain.lapsed").await.unwrap().0, "2027-02-28");
    change_to(&site, &longer("2026-10-05")).await;
    site.emit(bert, "member.left").await;
    assert!(site.duty(anna, "retain.lapsed").await.is_none(), "it stays under the notice it began with");
    assert_eq!(site.duty(bert, "retain.lapsed").await.unwrap().0, "2027-10-05");
    site.until("2027-01-30T12:00:00Z").await;
    assert_eq!(site.letters(anna).await.len(), 1, "she is told the date that she was promised");
    site.until("2027-02-27T12:00:00Z").await;
    assert!(site.own(anna).await.name.is_some());
    site.until("2027-03-01T12:00:00Z").await;
    assert!(site.own(anna).await.name.is_none());
    assert!(site.own(bert).await.name.is_some());
    assert_eq!(site.broken().await, Vec::<String>::new());
    site.until("2027-10-06T12:00:00Z").await;
    assert!(site.own(bert).await.name.is_none());
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_shorter_retention_binds_running_clocks_and_still_warns(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2026-12-31T12:00:00Z").await;
    let shorter = from_day("2027-01-01", "after  = \"6 months\"", "after  = \"2 months\"");
    site.keeper.propose(&shorter).await.unwrap();
    site.days(2).await;
    assert_eq!(
        site.duty(anna, "retain.lapsed").await.unwrap().0,
        "2027-01-31",
        "a month's warning from then"
    );
    assert_eq!(site.letters(anna).await.len(), 1);
    assert_eq!(site.broken().await, Vec::<String>::new());
    site.until("2027-02-01T12:00:00Z").await;
    assert!(site.own(anna).await.name.is_none());
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_rule_left_out_is_kept_for_those_it_was_promised_to(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    let without = from_day(
        "2026-10-05",
        "[retain.closed]\nwhen    = \"member.left\"\nunless  = \"member.back\"\nafter   = \"1 day\"\ndisable = \"account\"\n",
        "",
    )
    .replace("[retain.trail]\nwhen   = \"member.left\"\nunless = \"member.back\"\nafter  = \"1 year\"\nerase  = [\"trail\"]\n", "")
    .replace("erase  = [\"member-id\", \"membership\", \"credits\"]", "erase  = [\"member-id\", \"membership\", \"credits\", \"trail\"]");
    change_to(&site, &without).await;
    assert!(!site.trail(anna).await.is_empty());
    site.until("2027-09-02T12:00:00Z").await;
    assert!(site.trail(anna).await.is_empty(), "a year, as it was promised, and not two");
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_label_that_a_rule_loses_goes_as_promised(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    // The number stays longer, and the name goes sooner: neither rule is the stronger one in all.
    let split = from_day(
        "2026-10-05",
        "after  = \"6 months\"\nerase  = [\"identity\", \"phone\"]",
        "after  = \"4 months\"\nerase  = [\"identity\"]",
    )
    .replace(
        "erase  = [\"member-id\", \"membership\", \"credits\"]",
        "erase  = [\"member-id\", \"membership\", \"credits\", \"phone\"]",
    );
    change_to(&site, &split).await;
    site.until("2027-01-02T12:00:00Z").await;
    let own = site.own(anna).await;
    assert!(own.name.is_none() && own.phone.is_some(), "{own:?}");
    site.until("2027-03-01T12:00:00Z").await;
    assert!(site.own(anna).await.phone.is_none(), "six months, and not two years");
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_promise_of_then_is_stopped_by_what_stopped_it_then(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    change_to(&site, &longer("2026-10-05")).await;
    site.emit(anna, "member.back").await;
    let left = "SELECT COUNT(*) FROM duties WHERE rule LIKE 'retain.lapsed%' AND state = 'waiting'";
    assert_eq!(site.count(left, &params![]).await, 0);
    site.emit(anna, "member.left").await;
    assert_eq!(site.duty(anna, "retain.lapsed").await.unwrap().0, "2027-10-05");
    site.until("2027-03-02T12:00:00Z").await;
    assert!(site.own(anna).await.name.is_some());
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn what_happened_before_and_is_noted_after_is_under_both(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    change_to(&site, &longer("2026-10-05")).await;
    site.act(Actor::System, move |act| act.emit_at(anna, "member.left", moment(START))).await.unwrap();
    site.until("2027-03-01T12:00:00Z").await;
    assert!(site.own(anna).await.name.is_none());
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn carrying_over_goes_on_after_a_crash(on: On) {
    let site = club(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    for subject in [anna, bert] {
        site.emit(subject, "member.left").await;
    }
    site.keeper
        .propose(&from_day("2026-09-01", "after  = \"6 months\"", "after  = \"2 months\""))
        .await
        .unwrap();
    site.refuse("DELETE", "duties").await;
    site.time.set(moment("2026-09-01T00:00:00Z"));
    assert!(matches!(site.keeper.sweep().await, Err(KeeperError::Store(_))), "nothing is done before");
    let site = site.killed().await;
    site.relent("duties").await;
    site.time.set(moment("2026-09-01T12:00:00Z"));
    site.sweep().await;
    for subject in [anna, bert] {
        assert_eq!(site.duty(subject, "retain.lapsed").await.unwrap().0, "2026-10-31");
    }
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_promise_of_then_that_is_overdue_is_found(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    change_to(&site, &longer("2026-10-05")).await;
    site.plant(
        "UPDATE duties SET due = due - 31536000000 WHERE rule LIKE 'retain.lapsed@%' AND action = 'erase'",
        &params![],
    )
    .await;
    let finding = site.finding("notice.change").await;
    assert!(is(&finding, Status::Broken, 1), "{finding:?}");
}
