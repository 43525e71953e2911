//! What a membership does at its date, without pages.

use kept_accounts::{give_role, members};
use kept_testkit::Site;

use crate::support::count;

/// Who works here stays a member for as long as the role lasts.
#[tokio::test]
async fn a_role_outlasts_the_year() {
    let site = Site::open().await;
    let sam = site.member("sam@example.test").await;
    site.member("ada@example.test").await;
    site.act(move |act| give_role(act, sam, "support")).await;
    site.days(366).await;
    let open = "SELECT COUNT(*) FROM accounts WHERE standing = 'open'";
    assert_eq!(count(&site, open).await, 1);
    site.signed_in("sam@example.test").await;
}

/// acc-3: a member sees what they have earned, the newest first.
#[tokio::test]
async fn credits_are_counted_in_order() {
    let site = Site::open().await;
    let ada = site.member("ada@example.test").await;
    site.act(move |act| members::credit(act, ada, 15, "Programme design")).await;
    site.act(move |act| members::credit(act, ada, 5, "First aid <refresher>")).await;
    let page = site.signed_in("ada@example.test").await.visit("/account").await;
    assert!(
        page.says("First aid <refresher> 31 January 2027 0.5 Programme design 31 January 2027 1.5"),
        "{}",
        page.text()
    );
    assert!(page.says("2.0 credits in all."));
}
