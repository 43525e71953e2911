//! What machines ask for.

use axum::http::header;

use crate::site::Site;

#[tokio::test]
async fn robots_may_read_all_that_is_public() {
    let answer = Site::open().await.get("/robots.txt").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    insta::assert_snapshot!(answer.body, @"");
}

#[tokio::test]
async fn the_security_contact_expires_within_a_year() {
    let answer = Site::open().await.get("/.well-known/security.txt").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    insta::assert_snapshot!(answer.body, @"");
}

#[tokio::test]
async fn the_privacy_signal_is_honoured_since_the_notice_took_effect() {
    let answer = Site::open().await.get("/.well-known/gpc.json").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(answer.body, r#"{"gpc": true, "lastUpdate": "2026-12-01"}"#);
}
