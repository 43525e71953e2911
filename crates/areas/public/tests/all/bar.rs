//! The notification bar and its one cookie.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use kept_public::announcement;

use crate::site::{Answer, NOTICE, Site};

#[tokio::test]
async fn a_new_reader_sees_the_bar_until_it_is_dismissed() {
    let site = Site::open().await;
    let first = site.get("/notice").await;
    assert!(first.body.contains("This site runs under a notice that is checked, sentence by sentence."));
    assert!(first.body.contains(r#"<a href="/notice/kept">See how it is kept</a>"#));
    assert!(first.headers.get(header::SET_COOKIE).is_none(), "reading leaves no cookie (acc-17)");

    let dismissed = dismiss(&site, "/notice").await;
    assert_eq!(dismissed.status, StatusCode::SEE_OTHER);
    assert_eq!(dismissed.headers[header::LOCATION], "/notice", "back to where one was");
    let version: String = site.keeper.policy().version().chars().take(16).collect();
    let set = dismissed.sets("notice-seen").unwrap();
    assert_eq!(
        set,
        format!("notice-seen={version}; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000"),
        "a year, as the notice says"
    );

    let seen = format!("notice-seen={version}");
    let next = site.send(Request::get("/").header(header::COOKIE, &seen).body(Body::empty()).unwrap()).await;
    assert!(!next.body.contains("/notice/seen"));
    assert!(next.sets("kept_session").is_none(), "reading leaves no cookie (acc-17)");
}

#[tokio::test]
async fn having_seen_another_notice_does_not_count() {
    let site = Site::open().await;
    let headers = |value: &str| HeaderMap::from_iter([(header::COOKIE, value.parse().unwrap())]);
    let policy = site.keeper.policy();
    assert!(announcement(&headers("notice-seen=0123456789abcdef"), &site.keeper).is_some());
    let seen = format!("a=b; notice-seen={}", &policy.version()[..16]);
    assert!(announcement(&headers(&seen), &site.keeper).is_none());
}

#[tokio::test]
async fn another_sites_dismissal_sets_nothing() {
    let site = Site::open().await;
    let request = Request::post("/notice/seen").header("sec-fetch-site", "cross-site");
    let refused = site.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.sets("notice-seen").is_none());
}

#[tokio::test]
async fn dismissing_never_leads_to_another_site() {
    let site = Site::open().await;
    for from in [
        "",
        "http://elsewhere.example.test/notice",
        "//elsewhere.example.test/",
        "/\\elsewhere.example.test/",
        "/\t/elsewhere.example.test/",
    ] {
        let dismissed = dismiss(&site, from).await;
        assert_eq!(dismissed.headers[header::LOCATION], "/", "{from}");
    }
}

#[tokio::test]
async fn a_notice_without_the_cookie_has_no_bar() {
    let (before, rest) = NOTICE.split_once("[cookie.notice-seen]").unwrap();
    let (_, after) = rest.split_once("[never]").unwrap();
    let site = Site::under(&format!("{before}[never]{after}"), "2026-12-15T09:00:00Z").await;
    let page = site.get("/").await;
    assert!(!page.body.contains("/notice/seen"));
    assert!(page.headers.get(header::SET_COOKIE).is_none(), "reading leaves no cookie (acc-17)");
}

async fn dismiss(site: &Site, from: &str) -> Answer {
    let form =
        Request::post("/notice/seen").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let back: String = form_urlencoded::Serializer::new(String::new()).append_pair("back", from).finish();
    site.send(form.body(Body::from(back)).unwrap()).await
}
