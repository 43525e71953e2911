//! What the education provider and the process service promise, each in its own figures, on a running site.

use kept_keeper::Status;
use kept_testkit::{CPE, PASSWORD, PROCESS, Site};

use crate::support::count;

/// acc-14, rgt-3: closing waits fourteen days, is done within sixty, and takes everything with it.
#[tokio::test]
async fn the_education_provider_erases_a_closed_account() {
    let site = Site::under(CPE).await;
    let subject = site.member("ada@example.test").await;
    site.act(move |act| kept_accounts::members::credit(act, subject, 10, "Payroll basics")).await;
    site.act(move |act| act.emit(subject, "account.closing")).await;
    site.days(13).await;
    site.signed_in("ada@example.test").await;
    site.days(2).await;
    assert_eq!(site.find("ada@example.test").await, None);
    let left = "SELECT (SELECT COUNT(*) FROM accounts) + (SELECT COUNT(*) FROM credits) + (SELECT COUNT(*) FROM vault)";
    assert_eq!(count(&site, left).await, 0);
    assert_eq!(site.promise("retain.closing").await.status, Status::Kept);
}

/// acc-15: a deactivated account rests for ninety days, and signing in opens it again.
#[tokio::test]
async fn the_process_service_keeps_data_only_while_an_account_is_active() {
    let site = Site::under(PROCESS).await;
    for email in ["ada@example.test", "bob@example.test"] {
        let subject = site.member(email).await;
        site.act(move |act| {
            act.emit(subject, "account.deactivated")?;
            kept_accounts::members::deactivate(act, subject)
        })
        .await;
    }
    site.days(89).await;
    site.signed_in("bob@example.test").await;
    site.days(2).await;
    assert_eq!(site.find("ada@example.test").await, None);
    assert!(site.find("bob@example.test").await.is_some());
    assert_eq!(site.promise("retain.deactivated").await.status, Status::Kept);
}

/// acc-10: giving up a password ends everything that was opened with it, and the check finds what is left.
#[tokio::test]
async fn a_password_that_somebody_may_know_opens_nothing() {
    let site = Site::under(PROCESS).await;
    let subject = site.member("ada@example.test").await;
    assert_eq!(site.promise("right.renew").await.status, Status::NotDue);
    let mut ada = site.browser();
    ada.send("/sign-in", &[("email", "ada@example.test"), ("password", PASSWORD), ("remember", "yes")]).await;
    let mut thief = ada.clone();
    ada.send("/account/compromised", &[("by", "letter")]).await;
    assert_eq!(thief.visit("/account").await.path, "/sign-in");
    thief.restart();
    assert_eq!(thief.visit("/account").await.path, "/sign-in", "the remembered device is forgotten, too");
    assert_eq!(site.promise("right.renew").await.status, Status::Kept);

    site.act(move |act| {
        Ok(act.tx().execute(
            "INSERT INTO sessions (digest, subject, began, seen, ends, factor) VALUES ($1, $2, 0, 0, 1, 'none')",
            &kept_store::params![[1; 32], subject.as_bytes()],
        )?)
    })
    .await;
    assert_eq!(site.promise("right.renew").await.status, Status::Broken);
}

/// sec-5: people are reminded to sign out, of shared computers and of good passwords; sec-1: over TLS alone.
#[tokio::test]
async fn the_education_provider_reminds_people_where_it_matters() {
    let site = Site::under(CPE).await;
    assert!(site.browser().get("/sign-in").await.says("On a computer that others use, too"));
    assert!(site.browser().get("/sign-in").await.says("sign out when you are done"));
    assert!(site.browser().get("/sign-up").await.says("Four random words"));
    assert_eq!(site.promise("session").await.status, Status::Kept);
    assert_eq!(site.promise("never.send-in-clear").await.status, Status::Kept);
    assert!(site.browser().get("/").await.headers.contains_key("strict-transport-security"));
}

/// Nothing is broken, and nothing is off that the site needs, under any of the notices.
#[tokio::test]
async fn every_promise_of_both_stands() {
    for notice in [CPE, PROCESS] {
        let site = Site::under(notice).await;
        site.member("ada@example.test").await;
        site.signed_in("ada@example.test").await;
        let report = site.keeper.prove().await.unwrap();
        let broken: Vec<_> = report.broken().map(|promise| (&promise.id, &promise.detail)).collect();
        assert!(broken.is_empty(), "{broken:?}");
    }
}

/// acc-17: the whole site, with all that stands around its pages, lets itself be read by somebody unknown.
#[tokio::test]
async fn the_process_service_is_read_without_giving_anything() {
    let site = Site::under(PROCESS).await;
    let found = site.promise("never.ask-readers").await;
    assert_eq!(found.status, Status::Kept, "{}", found.detail);
    assert!(site.browser().get("/").await.cookies().is_empty());
}
