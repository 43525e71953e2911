//! The cookie gate (`acc-7`): planted faults are refused by the shell, and named in the log.

use axum::{
    http::{StatusCode, header},
    routing::get,
};
use kept_web::session::{self, SessionId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::support::{Answer, Log, app_with, config, get_page};

#[tokio::test]
async fn what_the_notice_lists_passes() {
    let base = config("https://kept.example.test").site.base.clone();
    let session = SessionId::random(&mut ChaCha20Rng::seed_from_u64(1)).set_cookie(&base);
    let removal = session::removal(&base);
    for listed in [
        "kept_session=v; HttpOnly; Path=/",
        session.to_str().unwrap(),
        removal.to_str().unwrap(),
        "notice_seen=1",
        "notice_seen=1; Max-Age=86400; Path=/",
    ] {
        let answer = answer_setting(listed).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (StatusCode::OK, listed));
    }
}

#[tokio::test]
async fn what_the_notice_does_not_list_is_refused() {
    for (planted, named) in [
        ("_tracker=1; Path=/", "`_tracker`, which the notice does not list"),
        ("kept_session2=v", "`kept_session2`, which the notice does not list"),
        ("KEPT_SESSION=v", "`KEPT_SESSION`, which the notice does not list"),
        ("kept_session=v; Max-Age=3600", "`kept_session` last longer"),
        ("kept_session=v; max-age = 3600", "`kept_session` last longer"),
        ("kept_session=v; Max-Age=0", "`kept_session` last longer"),
        ("kept_session=v; Expires=Fri, 31 Dec 2027 23:59:59 GMT", "`kept_session` last longer"),
        ("kept_session=v; EXPIRES=whenever", "`kept_session` last longer"),
        ("kept_session=v; Domain=example.test", "`kept_session` a domain"),
        ("notice_seen=1; Max-Age=86401", "`notice_seen` last longer"),
        ("notice_seen=1; Max-Age=99999999999999999999", "`notice_seen` last longer"),
        ("notice_seen=1; Max-Age=60; Max-Age=86401", "`notice_seen` last longer"),
        ("no equals sign", "cannot be read"),
    ] {
        let log = Log::listen();
        let answer = answer_setting(planted).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{planted}");
        assert!(!answer.headers.contains_key(header::SET_COOKIE), "{planted}");
        assert!(!answer.body.contains("the handler's page"), "{planted}");
        assert!(log.text().contains(named), "{planted}: {}", log.text());
    }
}

#[tokio::test]
async fn one_undeclared_cookie_among_declared_ones_is_enough() {
    let cookies = [(header::SET_COOKIE, "kept_session=v"), (header::SET_COOKIE, "stray=1")];
    let page = get(async move || (axum::response::AppendHeaders(cookies), "the handler's page"));
    let answer = get_page(app_with("/page", page), "/page").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
}

async fn answer_setting(cookie: &str) -> Answer {
    let headers = [(header::SET_COOKIE, cookie.to_owned())];
    let page = get(async move || (headers, "the handler's page"));
    get_page(app_with("/page", page), "/page").await
}
