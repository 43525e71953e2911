//! What machines ask for.

use axum::http::header;

use crate::site::Site;

#[tokio::test]
async fn robots_may_read_all_that_is_public() {
    let answer = Site::open().await.get("/robots.txt").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(
        answer.body,
        "User-agent: *\nDisallow: /account\nDisallow: /desk\nDisallow: /demo\nAllow: /\n"
    );
}

#[tokio::test]
async fn the_security_contact_expires_within_a_year() {
    let answer = Site::open().await.get("/.well-known/security.txt").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    let lines: Vec<&str> = answer.body.lines().collect();
    assert_eq!(
        lines,
        [
            "Contact: mailto:privacy@trainers.example.test",
            "Expires: 2027-06-13T09:00:00Z",
            "Preferred-Languages: en",
            "Canonical: http://trainers.example.test/.well-known/security.txt",
        ]
    );
}

#[tokio::test]
async fn the_privacy_signal_is_honoured_since_the_notice_took_effect() {
    let answer = Site::open().await.get("/.well-known/gpc.json").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(answer.body, r#"{"gpc": true, "lastUpdate": "2026-12-01"}"#);
}
