//! The stylesheet, the icon, and the health page.

use axum::http::StatusCode;
use kept_web::assets::{icon_path, passkey_script_path, stylesheet_path};

use crate::support::{app, get_page};

#[tokio::test]
async fn assets_are_kept_by_browsers_for_ever_under_a_name_that_changes() {
    for (path, content_type) in [
        (stylesheet_path(), "text/css; charset=utf-8"),
        (icon_path(), "image/svg+xml"),
        (passkey_script_path(), "text/javascript; charset=utf-8"),
    ] {
        let answer = get_page(app(|| "page"), path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), content_type);
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
        let hash = path.split('.').nth(1).unwrap();
        assert!(hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{path}");
    }
}

#[tokio::test]
async fn an_asset_that_is_not_there_is_a_404_that_is_not_cached() {
    for path in ["/assets/kept.css", "/assets/kept.0000000000000000.css", "/assets/..%2f..%2fCargo.toml"] {
        let answer = get_page(app(|| "page"), path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn the_health_page_says_ok() {
    let answer = get_page(app(|| "page"), "/healthz").await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "ok"));
    assert!(answer.header("content-type").starts_with("text/plain"));
}

#[tokio::test]
async fn the_stylesheet_is_small_and_asks_for_nothing() {
    let css = get_page(app(|| "page"), stylesheet_path()).await.body;
    assert!(css.len() < 20_000, "{} bytes", css.len());
    for outside in ["url(", "@import", "@font-face", "http:", "https:", "animation", "transition"] {
        let css = css.replace("href^=\"http\"", "");
        assert!(!css.contains(outside), "{outside}");
    }
}
