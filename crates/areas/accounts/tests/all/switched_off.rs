//! acc-12, rgt-1, rgt-3: who is switched off still sees, takes along and erases what is held about them, and does nothing
//! else.

use kept_accounts::members;
use kept_keeper::{Database, Status};
use kept_testkit::{Browser, PASSWORD, PROCESS, Page, Site};

use crate::support::{count, deal, sign_in};

const ADA: &str = "ada@example.test";
const OFF: &str = "/account/switched-off";

/// Ada, whose membership has ended, signs in.
async fn lapsed(site: &Site) -> Browser {
    let ada = site.member(ADA).await;
    site.act(move |act| members::expire_now(act, ada)).await;
    site.days(1).await;
    site.signed_in(ADA).await
}

async fn close(ada: &mut Browser, what: &str) -> Page {
    ada.send("/account/close", &[("do", what), ("password", PASSWORD), ("sure", "yes")]).await
}

#[tokio::test]
async fn rights_do_not_end_with_the_membership() {
    rights_go_on(Site::open().await).await;
}

#[tokio::test]
async fn the_same_on_postgresql() {
    rights_go_on(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn rights_go_on(site: Site) {
    let mut ada = lapsed(&site).await;
    let page = ada.visit("/account").await;
    assert_eq!(page.path, OFF);
    assert!(page.says("Your membership ended on 31 January 2027"), "{}", page.text());
    assert!(page.says("From 31 July 2027 we erase"), "{}", page.text());
    assert_eq!(site.promise("session").await.status, Status::Kept, "her session is one of those that may be");

    // She sees what is held and what was done with it, and takes it along.
    let page = ada.visit("/account/data").await;
    assert!(page.says("Ada Testwell") && !page.says("correct your details"), "{}", page.text());
    assert!(ada.visit("/account/trail").await.says("You signed in."));
    let archive = ada.send("/account/export", &[("password", PASSWORD)]).await;
    assert_eq!(archive.headers["content-type"], "application/zip");

    // Nothing is changed by it, and no desk opens.
    let changed =
        ada.submit("/account/close", "/account", &[("given_name", "Eve"), ("family_name", "Eve")]).await;
    assert_eq!(changed.path, OFF);
    assert!(ada.visit("/account/data").await.says("Ada Testwell"));
    for path in ["/account/password", "/account/addresses", "/account/documents", "/account/sessions"] {
        assert_eq!(ada.get(path).await.location(), Some(OFF), "{path}");
    }

    // She asks for an end of it, takes that back, and has it at once.
    assert!(close(&mut ada, "close").await.says("Your account closes on 15 February 2027."));
    let page = ada.send("/account/close", &[("do", "keep")]).await;
    assert!(page.says("You have until"), "{}", page.text());
    assert_eq!(close(&mut ada, "now").await.path, "/account-closed");
    let page = sign_in(&mut ada, ADA, PASSWORD).await;
    assert!(page.status == 403 && page.says("Your account is closed"), "{}", page.text());
    site.sweep().await;
    assert_eq!(site.find(ADA).await, None);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts").await, 0);
    assert_eq!(site.promise("retain.closed").await.status, Status::Kept);
}

/// What staff have switched off is not opened again by letting it rest and coming back.
#[tokio::test]
async fn an_account_does_not_rest_its_way_out() {
    let site = Site::on(Database::Folder, PROCESS).await;
    let ada = site.member(ADA).await;
    site.act(move |act| members::disable(act, ada)).await;
    let mut ada = site.signed_in(ADA).await;
    let page = ada.visit("/account/close").await;
    assert!(page.says("Close my account on") && !page.says("let it rest"), "{}", page.text());
    assert_eq!(close(&mut ada, "rest").await.status, 400);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE standing = 'disabled'").await, 1);
}

#[tokio::test]
async fn a_second_factor_stays_one() {
    let site = Site::open().await;
    let ada = site.member(ADA).await;
    let secret = site.act(move |act| kept_accounts::enrol(act, ada)).await;
    site.act(move |act| members::disable(act, ada)).await;
    let mut ada = site.browser();
    assert_eq!(sign_in(&mut ada, ADA, PASSWORD).await.path, "/sign-in/code");
    assert!(ada.get("/account/data").await.location().unwrap().starts_with("/sign-in/code"));
    let page = ada.send("/sign-in/code", &[("code", &site.code(&secret))]).await;
    assert_eq!(page.path, OFF);
    assert_eq!(ada.get("/account/data").await.status, 200);
}

/// Whoever closed their account has it stay closed, while a dispute keeps it from being erased.
#[tokio::test]
async fn what_its_owner_has_closed_the_desk_does_not_open() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member(ADA).await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    deal(&mut sam, ADA, "open-dispute").await;
    let mut ada = site.signed_in(ADA).await;
    close(&mut ada, "now").await;
    site.sweep().await;
    for what in ["renew", "enable", "recover"] {
        let page = deal(&mut sam, ADA, what).await;
        assert!(page.status == 409 || page.status == 422, "{what}: {}", page.text());
    }
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE standing = 'closed'").await, 1);
}
