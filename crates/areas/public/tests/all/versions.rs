//! The notice over time: earlier versions, the coming one, and the bar that says so (`ntc-1`, `ntc-3`, `ntc-4`).

use axum::{
    body::Body,
    http::{Request, header},
};
use kept_keeper::Proposed;

use crate::site::{NOTICE, Site, save_for_looking};

/// The small notice from a day on, with one text replaced.
fn from_day(day: &str, old: &str, new: &str) -> String {
    assert!(NOTICE.contains(old), "the notice has no {old:?}");
    let effective = NOTICE.lines().find(|line| line.starts_with("effective")).unwrap();
    NOTICE.replacen(old, new, 1).replace(effective, &format!("effective = {day}"))
}

#[tokio::test]
async fn a_site_that_never_changed_its_notice_says_so() {
    let site = Site::open().await;
    let page = site.get("/notice/versions").await;
    insta::assert_snapshot!(page.transcript().replace(&site.keeper.policy().version()[..12], "VERSION"), @"
    Earlier and coming notices
    What our privacy notice said before, what it is to say, and every sentence that changed.
    15 December 2026 until now
    The first notice of this site.
    This notice in full, version VERSION
    ");
    assert!(
        site.get("/notice").await.body.contains("href=\"/notice/versions\""),
        "one press from the notice"
    );
}

#[tokio::test]
async fn a_coming_notice_is_announced_until_it_is_seen() {
    let site = Site::open().await;
    let longer = from_day("2027-02-01", "idle    = \"1 hour\"", "idle    = \"2 hours\"");
    let proposed = site.keeper.propose(&longer).await.unwrap();
    assert!(matches!(proposed, Proposed::Announced { .. }));
    let coming = site.keeper.coming().unwrap().policy.version().to_owned();
    let page = site.get("/notice/versions").await;
    save_for_looking("versions", &page);
    insta::assert_snapshot!(page.transcript().replace(&site.keeper.policy().version()[..12], "VERSION"), @"
    Earlier and coming notices
    What our privacy notice said before, what it is to say, and every sentence that changed.
    From 1 February 2027
    A changed notice takes effect on this day at the earliest. We are writing to everybody whom it concerns; the announced time begins when the last of them has been told. Until then, the one in force is kept as it is.
    If you do not agree, you can take your data with you from the page My data and leave before that day; write to privacy@trainers.example.test if you need help. If you do nothing, the new notice applies to you from then on. What was promised more strictly for data that you gave us before, we keep.
    You stay signed in for longer.
    Before: While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after one hour in which you do nothing. We set no cookie but those named here.
    After: While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after two hours in which you do nothing. We set no cookie but those named here.
    session
    Before: This is the privacy notice of Example Trainers' Network, in force from 1 December 2026 under PIPEDA and the GDPR. There is a link to it on every page, and you can write to privacy@trainers.example.test about your data.
    After: This is the privacy notice of Example Trainers' Network, in force from 1 February 2027 under PIPEDA and the GDPR. There is a link to it on every page, and you can write to privacy@trainers.example.test about your data.
    notice
    The coming notice in full
    15 December 2026 until now
    The first notice of this site.
    This notice in full, version VERSION
    ");

    let home = site.get("/").await;
    assert!(home.body.contains("Our privacy notice is to change, on 1 February 2027 at the earliest."));
    assert!(home.body.contains(r#"href="/notice/versions#coming""#));
    assert!(page.body.contains(r#"id="coming""#), "the link leads somewhere");
    let seen = Request::get("/").header(header::COOKIE, format!("notice-seen={}", &coming[..16]));
    assert!(!site.send(seen.body(Body::empty()).unwrap()).await.body.contains("/notice/seen"));
    site.keeper.sweep().await.unwrap();
    assert!(
        site.get("/").await.body.contains("Our privacy notice changes on 1 February 2027."),
        "all have been told"
    );

    let whole = site.get(&format!("/notice/versions/{}", &coming[..12])).await;
    assert!(whole.body.contains("To be in force from 1 February 2027"));
    assert!(whole.body.contains("two hours in which you do nothing"));
    assert_eq!(site.get("/notice/versions/nothing").await.status, 404);
}

#[tokio::test]
async fn a_notice_that_has_changed_shows_what_and_keeps_the_old_one() {
    let site = Site::open().await;
    let first = site.keeper.policy().version().to_owned();
    let shorter = from_day("2026-12-15", "idle    = \"1 hour\"", "idle    = \"30 minutes\"");
    site.keeper.propose(&shorter).await.unwrap();
    site.later(61);
    site.keeper.follow().await.unwrap();
    assert_ne!(site.keeper.policy().version(), first);
    let home = site.get("/").await;
    assert!(
        home.body.contains("Our privacy notice has changed. The new one is in force since 15 December 2026.")
    );
    let page = site.get("/notice/versions").await.transcript();
    assert!(page.contains("Before: While you are signed in"), "{page}");
    let old = site.get(&format!("/notice/versions/{}", &first[..12])).await;
    assert!(old.body.contains("In force from 15 December 2026 to 15 December 2026"), "{}", old.transcript());
    assert!(old.body.contains("one hour in which you do nothing"));
}
