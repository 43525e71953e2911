//! acc-11: every sign-in, failure, page and look is on a trail that the person can see, page by page.

use kept_testkit::{PASSWORD, Site};

use crate::support::{look_up, sign_in};

#[tokio::test]
async fn the_trail_tells_what_happened_in_plain_words() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    sign_in(&mut site.browser(), "ada@example.test", "not the password at all").await;
    let mut ada = site.browser();
    sign_in(&mut ada, "ada@example.test", PASSWORD).await;
    ada.visit("/notice").await;
    ada.visit("/account/password").await;
    look_up(&mut desk, "ada@example.test", "asks about a course").await;
    let page = ada.visit("/account/trail").await;
    for said in [
        "Somebody tried to sign in as you and failed.",
        "You signed in.",
        "You opened the page “My account”.",
        "You opened the page “Privacy notice”.",
        "You opened the page “Change your password”.",
        "Our support desk looked at your name",
        "The reason given: “asks about a course”",
    ] {
        assert!(page.says(said), "the trail does not say “{said}”: {}", page.text());
    }
    let text = page.text();
    let at = |said: &str| text.find(said).unwrap();
    assert!(at("asks about a course") < at("You signed in."), "the newest first");
    assert!(at("You signed in.") < at("Somebody tried to sign in"), "the newest first");

    // What somebody does who is not signed in is on nobody's trail; a page that refuses is no page access.
    ada.get("/no/such/page").await;
    assert!(!ada.visit("/account/trail").await.says("There is no such page"));
    assert!(
        !desk.visit("/account/trail").await.says("asks about a course"),
        "it is on her trail, not on his"
    );
}

#[tokio::test]
async fn a_long_trail_comes_in_pages_that_miss_nothing() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    // Two pages in turn, so that no two lines are told as one.
    for _ in 0..70 {
        ada.get("/account/password").await;
        ada.get("/account/sessions").await;
    }
    let (mut path, mut told, mut pages) = ("/account/trail".to_owned(), 0, 0);
    loop {
        let page = ada.get(&path).await;
        told += page.text().matches("You opened the page “Change your password”").count();
        pages += 1;
        let Some((_, rest)) = page.html.split_once("href=\"/account/trail?before=") else { break };
        path = format!("/account/trail?before={}", rest.split('"').next().unwrap());
    }
    assert_eq!((told, pages), (70, 2));
    assert_eq!(ada.get("/account/trail?before=nonsense").await.status, 400);
    assert!(ada.get("/account/trail?before=0").await.says("Nothing older is here."));
}
