//! The board, on good days and bad ones.

use crate::site::{NOTICE, Site, save_for_looking};

#[tokio::test]
async fn the_board_shows_what_the_checks_found() {
    let site = Site::open().await;
    site.keeper.prove().await.unwrap();
    let page = site.get("/notice/kept").await;
    let (root, key) = (site.keeper.board().await.unwrap().ledger.root, site.keeper.verifier_key());
    let page = page.transcript().replace(&root, "ROOT").replace(&key, "KEY");
    let page = page.replace(&site.keeper.policy().version()[..12], "VERSION");
    let top = page.split("What we use it for").next().unwrap();
    insta::assert_snapshot!("board", top);
    assert!(page.contains("The notice has not changed"), "what is not due says why");
    for words in ["built so", "shown by the log", "tested by the server"] {
        assert!(page.contains(&format!(", {words}")), "{words}");
    }
}

#[tokio::test]
async fn what_is_broken_is_on_top() {
    let site = Site::open().await;
    site.keeper.prove().await.unwrap();
    site.tamper(
        "UPDATE evidence SET status = 'broken', count = 3, oldest = 1764547200000, \
         detail = '3 people are still held 4 days past their end' WHERE promise = 'retain.lapsed'",
    )
    .await;
    let page = site.get("/notice/kept").await;
    save_for_looking("board-broken", &page);
    let text = page.transcript();
    assert!(text.contains(": 1 broken, "), "{text}");
    let top = text.split("Last checked").next().unwrap();
    assert!(top.contains("One promise is broken"));
    assert!(top.contains("3 people are still held 4 days past their end."));
    assert!(text.contains("Counted 3. The oldest open since 1 December 2025."));
    assert!(page.body.contains(r##"<a href="#retain.lapsed">acc-12</a>"##));
    assert!(site.get("/").await.transcript().contains("1 broken"), "home says so too");
    assert!(site.get("/notice").await.transcript().contains("Broken"), "and the notice");
}

#[tokio::test]
async fn a_pause_of_erasing_is_said_with_its_reason() {
    let site = Site::open().await;
    assert!(!site.get("/notice/kept").await.body.contains("paused"));
    site.tamper("UPDATE brakes SET paused = 0, reason = 'this sweep would erase data of 40 of 90 people'")
        .await;
    let page = site.get("/notice/kept").await.transcript();
    assert!(page.contains("Erasing is paused until an owner of this site confirms it."));
    assert!(page.contains("The reason: this sweep would erase data of 40 of 90 people."));
}

#[tokio::test]
async fn a_board_that_nothing_has_checked_claims_nothing() {
    let site = Site::open().await;
    let total = site.keeper.policy().sentences.len();
    let page = site.get("/notice/kept").await.transcript();
    assert!(page.contains(&format!("{total} promises, not checked yet")));
    assert!(page.contains("Last checked\nNot yet"));
    assert!(!page.contains("Checked 15"), "nothing was checked, so no time is given");
    assert!(site.get("/").await.transcript().contains("not checked yet"));
}

#[tokio::test]
async fn before_the_notice_takes_effect_no_promise_is_called_kept() {
    let site = Site::under(NOTICE, "2026-11-20T09:00:00Z").await;
    site.keeper.prove().await.unwrap();
    let total = site.keeper.policy().sentences.len();
    let page = site.get("/notice/kept").await.transcript();
    assert!(page.contains(&format!("{total} promises: {total} not in force")));
}

#[tokio::test]
async fn when_every_promise_is_kept_one_word_says_it() {
    let site = Site::open().await;
    site.keeper.prove().await.unwrap();
    site.tamper("UPDATE evidence SET status = 'kept'").await;
    let total = site.keeper.policy().sentences.len();
    assert!(site.get("/").await.transcript().contains(&format!("{total} promises, all kept. Checked on")));
}
