//! What several stories begin with.

use kept_testkit::{Browser, PASSWORD, Page, Site, TRAINERS};

/// The least that signing up needs, with this address.
pub(crate) fn least(email: &str) -> Vec<(&str, &str)> {
    vec![("given_name", "Mira"), ("family_name", "Quillfeather"), ("email", email), ("password", PASSWORD)]
}

/// Signs up, and stops before the address is confirmed.
pub(crate) async fn sign_up(browser: &mut Browser, email: &str) -> Page {
    let page = browser.send("/sign-up", &least(email)).await;
    assert_eq!((page.status.as_u16(), page.says("Check your mail")), (200, true), "{}", page.text());
    page
}

/// Tries to sign in.
pub(crate) async fn sign_in(browser: &mut Browser, email: &str, password: &str) -> Page {
    browser.send("/sign-in", &[("email", email), ("password", password)]).await
}

/// Opens a member's card at the desk.
pub(crate) async fn look_up(desk: &mut Browser, email: &str, reason: &str) -> Page {
    desk.send("/desk", &[("email", email), ("reason", reason)]).await
}

/// Opens a member's card and does something with it.
pub(crate) async fn deal(desk: &mut Browser, email: &str, deal: &str) -> Page {
    let card = look_up(desk, email, "asked on the phone").await;
    let fields = ["subject", "reason"].map(|name| card.value(name).expect("the card offers nothing"));
    let form = [("subject", fields[0].as_str()), ("reason", fields[1].as_str()), ("do", deal)];
    desk.submit("/desk", "/desk/act", &form).await
}

/// The trainers' notice with one passage changed.
pub(crate) fn notice_with(passage: &str, instead: &str) -> String {
    assert_eq!(TRAINERS.matches(passage).count(), 1, "the notice reads otherwise: {passage}");
    TRAINERS.replace(passage, instead)
}

/// How many events the ledger has: what a stranger can watch grow.
pub(crate) async fn ledger_size(site: &Site) -> u64 {
    site.keeper.board().await.unwrap().ledger.size
}

/// How many rows a query counts.
pub(crate) async fn count(site: &Site, sql: &'static str) -> i64 {
    let counted = site.keeper.store().read(move |read| read.query_one(sql, &[])?.get(0));
    counted.await.map_err(|cause: kept_store::StoreError| cause).unwrap()
}
