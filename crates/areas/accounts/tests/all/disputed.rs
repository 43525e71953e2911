//! hold-1, acc-14: an account whose day has come, and of which only a dispute keeps something. It opens to nobody, and nothing is
//! added to it.

use jiff::{SignedDuration, Timestamp};
use kept_accounts::members;
use kept_keeper::Status;
use kept_testkit::{Browser, PASSWORD, PROCESS, Site, TRAINERS};

use crate::{
    devices::remembered,
    passkeys::{enter, with_passkey},
    support::count,
};

const ADA: &str = "ada@example.test";
const BERT: &str = "bert@example.test";

/// Ada disputes how we handle her data, and then has her account closed in fourteen days. Gives that moment.
async fn closes_in_dispute(site: &Site, ada: &mut Browser) -> Timestamp {
    let subject = site.find(ADA).await.unwrap();
    site.act(move |act| act.emit(subject, "dispute.opened")).await;
    let page = ada.send("/account/close", &[("do", "close"), ("password", PASSWORD)]).await;
    assert!(page.says("Your account closes on"), "{}", page.text());
    site.now() + SignedDuration::from_hours(24 * 14)
}

/// It is a quarter of an hour before that moment.
async fn just_before(site: &Site, day: Timestamp) {
    site.days(13).await;
    site.clock.forward(day.duration_since(site.now()) - SignedDuration::from_mins(15));
    site.sweep().await;
}

/// It is a quarter of an hour after, and the sweep has come: who she is is kept, and her password is not.
async fn just_after(site: &Site) {
    site.clock.forward(SignedDuration::from_mins(30));
    site.sweep().await;
    assert!(site.find(ADA).await.is_some(), "identity is held");
    assert_eq!(count(site, "SELECT COUNT(*) FROM keys WHERE kind = 'pd:Password'").await, 0);
    assert_eq!(site.promise("retain.closing").await.status, Status::Kept);
}

#[tokio::test]
async fn a_passkey_a_session_and_a_link_open_nothing() {
    opens_to_nobody(Site::open().await).await;
}

#[tokio::test]
async fn a_passkey_a_session_and_a_link_open_nothing_on_postgresql() {
    opens_to_nobody(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn opens_to_nobody(site: Site) {
    let (mut ada, mut device) = with_passkey(&site, ADA, 1).await;
    let day = closes_in_dispute(&site, &mut ada).await;
    just_before(&site, day).await;
    let mut ada = site.browser();
    assert_eq!(enter(&mut ada, &mut device).await.path, "/account");
    site.browser().send("/forgotten", &[("name", ADA)]).await;
    let link = site.link(ADA).await;
    just_after(&site).await;

    assert_eq!(ada.get("/account").await.location(), Some("/sign-in"), "the session ended with the password");
    assert_eq!(site.browser().get(&link).await.status, 410);
    let page = enter(&mut site.browser(), &mut device).await;
    assert_eq!(page.status, 403);
    assert!(
        page.says("Your account is closed") && page.says("unless a law or a dispute keeps it"),
        "{}",
        page.text()
    );
    assert_eq!(count(&site, "SELECT COUNT(*) FROM sessions").await, 0);

    // When the dispute is settled, the rest goes, and the passkey with it.
    let subject = site.find(ADA).await.unwrap();
    site.act(move |act| act.emit(subject, "dispute.settled")).await;
    site.sweep().await;
    assert_eq!(site.find(ADA).await, None);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM lookups WHERE name = 'passkey'").await, 0);
}

/// acc-6: a remembered device opens what a password opens, and no more.
#[tokio::test]
async fn a_remembered_device_opens_nothing() {
    let site = Site::under(PROCESS).await;
    site.member(ADA).await;
    let mut ada = site.signed_in(ADA).await;
    let day = closes_in_dispute(&site, &mut ada).await;
    just_before(&site, day).await;
    let mut ada = remembered(&site, ADA).await;
    just_after(&site).await;
    ada.restart();
    assert_eq!(ada.get("/account").await.location(), Some("/sign-in"));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM devices").await, 0);
}

/// acc-13, ntc-2: our messages to her were erased on that day, and none is written after it: no link, no warning before an end, no
/// word of another notice. Whoever is here as before gets them.
#[tokio::test]
async fn nobody_writes_to_her() {
    let site = Site::open().await;
    let ada = site.member(ADA).await;
    let bert = site.member(BERT).await;
    let mut here = site.signed_in(ADA).await;
    closes_in_dispute(&site, &mut here).await;
    site.days(15).await;
    assert!(site.find(ADA).await.is_some() && site.letters(ADA).await.is_empty());

    for who in [ADA, BERT] {
        site.browser().send("/forgotten", &[("name", who)]).await;
    }
    only_bert_has(&site, "Choose a new password").await;

    for subject in [ada, bert] {
        site.act(move |act| members::expire_now(act, subject)).await;
    }
    site.days(152).await;
    only_bert_has(&site, "Your data will be erased from 15 August 2027").await;

    let longer = TRAINERS.replace("effective = 2025-01-01", "effective = 2027-09-10").replace(
        "when  = \"mail.queued\"\nafter = \"7 days\"",
        "when  = \"mail.queued\"\nafter = \"30 days\"",
    );
    site.keeper.propose(&longer).await.unwrap();
    site.sweep().await;
    only_bert_has(&site, "Our privacy notice changes on 10 September 2027").await;
}

async fn only_bert_has(site: &Site, subject: &str) {
    assert!(site.letters(BERT).await.iter().any(|letter| letter.subject == subject), "{subject}");
    let hers: Vec<_> = site.letters(ADA).await.into_iter().map(|letter| letter.subject).collect();
    assert_eq!(hers, Vec::<String>::new());
}
