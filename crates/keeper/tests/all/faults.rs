//! Planted faults: each is found by the check whose sentence it breaks, and by nothing that should stay quiet.

use kept_keeper::{Actor, KeeperError, Status};
use kept_store::params;
use kept_vault::SubjectId;
use tempfile::TempDir;

use crate::{
    club::{AREA, Profile},
    site::{Hands, On, START, Site, is, moment, notice_with, open},
};

on_every_database! {
    an_erasure_that_skips_a_kind
    an_erasure_that_skips_a_table
    a_letter_that_stays
    an_erasure_a_day_early
    a_clock_that_is_a_day_early
    a_duty_that_was_never_made
    a_warning_that_is_not_sent
    a_warning_that_was_never_made
    a_deed_without_its_event
    swapped_or_damaged_sealed_parts
    a_part_in_the_clear
    a_kind_that_my_data_does_not_show
    another_notice_behind_our_back
}

/// Somebody whose time has come and whose identity is gone.
async fn lapsed(on: On) -> (Site, SubjectId) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.plant("CREATE TABLE saved_keys AS SELECT * FROM keys", &params![]).await;
    site.plant("CREATE TABLE saved_vault AS SELECT * FROM vault", &params![]).await;
    site.emit(anna, "member.left").await;
    site.until("2027-03-10T12:00:00Z").await;
    assert_eq!(site.broken().await, Vec::<String>::new());
    (site, anna)
}

async fn an_erasure_that_skips_a_kind(on: On) {
    let (site, _) = lapsed(on).await;
    site.plant("INSERT INTO keys SELECT * FROM saved_keys WHERE kind = 'pd:TelephoneNumber'", &params![])
        .await;
    site.plant("INSERT INTO vault SELECT * FROM saved_vault WHERE kind = 'pd:TelephoneNumber'", &params![])
        .await;
    assert_eq!(site.broken().await, ["retain.lapsed"]);
    let found = site.finding("retain.lapsed").await;
    assert!(is(&found, Status::Broken, 1));
    assert_eq!(found.oldest, Some(moment(START)));
}

async fn an_erasure_that_skips_a_table(on: On) {
    let (site, _) = lapsed(on).await;
    site.skip("2028-09-02T12:00:00Z").await;
    assert_eq!(site.broken().await, Vec::<String>::new());
    let (site, _) = lapsed(on).await;
    site.plant("UPDATE duties SET state = 'done' WHERE rule = 'retain.credits'", &params![]).await;
    site.skip("2028-09-03T12:00:00Z").await;
    assert_eq!(site.broken().await, ["retain.credits"]);
    // Without the badge's key the areas' rows alone are enough.
    site.plant("DELETE FROM keys WHERE kind = 'pd:Identifier'", &params![]).await;
    assert_eq!(site.broken().await, ["retain.credits"]);
    site.plant("DELETE FROM members", &params![]).await;
    assert_eq!(site.broken().await, ["retain.credits"]);
    site.plant("UPDATE walks SET credits = NULL", &params![]).await;
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_letter_that_stays(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.mail(anna, "stays").await;
    site.plant("CREATE TABLE saved_keys AS SELECT * FROM keys WHERE kind = 'pd:EmailContent'", &params![])
        .await;
    site.plant("CREATE TABLE saved_vault AS SELECT * FROM vault WHERE kind = 'pd:EmailContent'", &params![])
        .await;
    site.days(9).await;
    assert_eq!(site.broken().await, Vec::<String>::new());
    site.plant("INSERT INTO keys SELECT * FROM saved_keys", &params![]).await;
    site.plant("INSERT INTO vault SELECT * FROM saved_vault", &params![]).await;
    assert_eq!(site.broken().await, ["retain.mail"]);
}

async fn an_erasure_a_day_early(on: On) {
    let (site, _) = lapsed(on).await;
    site.plant(
        "UPDATE deeds SET done = done - 86400000 WHERE rule = 'retain.lapsed' AND action = 'erase'",
        &params![],
    )
    .await;
    let found = site.finding("retain.lapsed").await;
    assert!(is(&found, Status::Broken, 1), "{found:?}");
    assert_eq!(found.detail, "done before its time: 1");
    assert_eq!(site.broken().await, ["retain.lapsed"]);
}

/// The due date itself was wrong: the check counts from the event.
async fn a_clock_that_is_a_day_early(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.plant("UPDATE duties SET due = due - 86400000 WHERE rule = 'retain.lapsed'", &params![]).await;
    site.until("2027-02-27T12:00:00Z").await;
    assert_eq!(site.own(anna).await.name, None);
    assert_eq!(site.broken().await, ["retain.lapsed"]);
}

async fn a_duty_that_was_never_made(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.plant("DELETE FROM duties", &params![]).await;
    site.until("2027-03-03T12:00:00Z").await;
    assert_eq!(site.broken().await, ["retain.closed", "retain.lapsed"]);
    let closed = site.finding("retain.closed").await;
    assert_eq!((closed.detail.as_str(), closed.oldest), ("overdue: 1", Some(moment(START))));
    // Whoever came back is not overdue.
    site.emit(anna, "member.back").await;
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_warning_that_is_not_sent(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2027-01-28T12:00:00Z").await;
    site.plant("UPDATE duties SET state = 'waiting' WHERE action = 'disable'", &params![]).await;
    site.jump("2027-01-30T12:00:01Z");
    let found = site.finding("retain.lapsed").await;
    assert_eq!(found.detail, "not told the date in time: 1");
    assert_eq!(found.oldest, Some(moment("2027-01-29T12:00:00Z")));
}

/// No list of duties says that it is missing.
async fn a_warning_that_was_never_made(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let bert = site.member("Bert").await;
    site.emit(anna, "member.left").await;
    site.emit(bert, "member.left").await;
    site.plant("DELETE FROM duties WHERE action LIKE 'warn%' AND subject = $1", &params![anna.as_bytes()])
        .await;
    site.until("2027-01-30T12:00:00Z").await;
    assert_eq!(site.broken().await, Vec::<String>::new());
    site.days(1).await;
    let found = site.finding("retain.lapsed").await;
    assert_eq!(found.detail, "not told the date in time: 1");
    assert_eq!(found.oldest, Some(moment("2027-01-29T12:00:00Z")));
    // Whoever came back is told nothing.
    site.emit(anna, "member.back").await;
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn a_deed_without_its_event(on: On) {
    let (site, _) = lapsed(on).await;
    site.plant(
        "DELETE FROM ledger WHERE position = (SELECT position FROM deeds WHERE rule = 'retain.lapsed' AND action = 'erase')",
        &params![],
    )
    .await;
    assert!(matches!(site.keeper.prove().await, Err(KeeperError::Ledger)));
    let (site, _) = lapsed(on).await;
    site.plant(
        "UPDATE deeds SET position = 99999 WHERE rule = 'retain.lapsed' AND action = 'erase'",
        &params![],
    )
    .await;
    assert_eq!(site.finding("retain.lapsed").await.detail, "done without an event in the ledger: 1");
}

async fn swapped_or_damaged_sealed_parts(on: On) {
    for damage in [
        // Bert's name in Anna's place, an old revision, a changed byte.
        "UPDATE vault SET sealed = (SELECT sealed FROM vault o WHERE o.subject <> vault.subject AND o.kind = vault.kind LIMIT 1)",
        "UPDATE vault SET revision = revision + 1",
        "UPDATE vault SET sealed = (SELECT wrapped FROM keys WHERE keys.key = vault.key) WHERE kind = 'pd:Name'",
        "UPDATE vault SET source = 'staff' WHERE kind = 'pd:Name'",
        "UPDATE keys SET wrapped = (SELECT wrapped FROM keys o WHERE o.subject = keys.subject AND o.kind = 'pd:Identifier') WHERE kind = 'pd:Name'",
    ] {
        let site = Site::new(on).await;
        let anna = site.member("Anna").await;
        let bert = site.member("Bert").await;
        assert!(site.plant(damage, &params![]).await > 0);
        assert_eq!(site.broken().await, ["right.access", "never.store-in-clear"], "{damage}");
        let mut closed = 0;
        for subject in [anna, bert] {
            let read = site.look(Actor::Person(subject), |look| look.holdings()).await;
            closed += i32::from(matches!(read, Err(KeeperError::Sealed { .. })));
        }
        assert!(closed > 0, "{damage}");
    }
}

/// A part that somebody stored without sealing it does not open, and so is found.
async fn a_part_in_the_clear(on: On) {
    let site = Site::new(on).await;
    site.member("Anna").await;
    site.plant(
        "UPDATE vault SET sealed = $1 WHERE kind = 'pd:Name'",
        &params![br#"{"name":"Nobody in particular"}"#],
    )
    .await;
    assert!(site.broken().await.contains(&"never.store-in-clear".to_owned()));
}

/// Held, and shown by no page.
async fn a_kind_that_my_data_does_not_show(on: On) {
    let site = Site::new(on).await;
    site.member("Anna").await;
    site.plant("DELETE FROM vault WHERE kind = 'pd:Name'", &params![]).await;
    assert_eq!(site.broken().await, ["right.access"]);
}

/// The code could ask for a telephone number; under this notice it must not.
#[tokio::test]
async fn something_given_that_no_form_asks_for() {
    let silent = notice_with("voluntary = { phone = \"we cannot call you\" }\n", "");
    let (folder, time) = (TempDir::new().unwrap(), Hands::at(START));
    let keeper = open(folder.path(), None, time, &silent, &[AREA], 1).await.unwrap();
    let broken = async || {
        let report = keeper.prove().await.unwrap();
        report.broken().map(|one| (one.id.clone(), one.detail.clone())).collect::<Vec<_>>()
    };
    let give = async |phone: Option<&'static str>| {
        let ctx = keeper.ctx(Actor::Visitor);
        let put = keeper.act(ctx, move |act| {
            let subject = act.new_subject();
            let (name, email) = ("Anna".into(), "anna@example.test".into());
            act.put(subject, &Profile { name, email, phone: phone.map(Into::into) })
        });
        put.await.unwrap();
    };
    give(None).await;
    assert_eq!(broken().await, []);
    give(Some("+1 555 010 0199")).await;
    let given = "given by people although no form asks for it: 1";
    assert_eq!(broken().await, [("form.join".to_owned(), given.to_owned())]);
}

async fn another_notice_behind_our_back(on: On) {
    let site = Site::new(on).await;
    site.plant("UPDATE policies SET version = 'another'", &params![]).await;
    assert_eq!(site.broken().await, ["notice"]);
}
