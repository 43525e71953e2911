//! The shell: headers, cross-site requests, panics, time.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode},
    response::IntoResponse,
    routing::get,
};
use kept_web::{
    REQUEST_TIMEOUT,
    headers::{csp, csp_with_script},
    shell,
};

use crate::support::{Log, app, app_with, config, get_page, send};

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    for path in ["/page", "/nowhere", "/healthz"] {
        let answer = get_page(app(|| "page"), path).await;
        for (name, value) in [
            ("content-security-policy", csp()),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-embedder-policy", "require-corp"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        assert!(answer.header("permissions-policy").contains("geolocation=()"));
        assert_eq!(answer.header("strict-transport-security"), "", "plain http");
    }
    let routes = Router::new().route("/page", get(async || "page"));
    let answer = get_page(shell(routes, config("https://kept.example.test")), "/page").await;
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn a_handler_cannot_loosen_the_policy() {
    let loose = || ([("content-security-policy", "default-src *")], "page").into_response();
    let answer = get_page(app(loose), "/page").await;
    assert_eq!(answer.headers.get_all("content-security-policy").iter().collect::<Vec<_>>(), [csp()]);
}

/// The site's own script runs on the pages that have one, and on no other, not on an error in the place of such a page.
#[tokio::test]
async fn a_page_with_a_script_says_so_and_no_other_may_run_any() {
    let with_script = || kept_web::page_with_script(&Specimen { content: "page" });
    let answer = get_page(app(with_script), "/page").await;
    assert_eq!(
        answer.headers.get_all("content-security-policy").iter().collect::<Vec<_>>(),
        [csp_with_script()]
    );
    assert_eq!(csp_with_script().replace("script-src 'self'; ", ""), csp());
    assert!(!csp().contains("script"));
    let failed = || {
        let mut answer = kept_web::page_with_script(&Specimen { content: "page" }).unwrap();
        *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        *answer.body_mut() = Body::empty();
        answer.headers_mut().remove("content-type");
        answer
    };
    let answer = get_page(app(failed), "/page").await;
    assert!(answer.body.contains("<h1>This did not work</h1>"), "{}", answer.body);
    assert_eq!(answer.header("content-security-policy"), csp());
}

#[derive(askama::Template)]
#[template(source = "{{ content }}", ext = "html")]
struct Specimen {
    content: &'static str,
}

#[test]
fn the_policy_lets_nothing_in_from_outside() {
    for policy in [csp(), csp_with_script()] {
        assert!(policy.starts_with("default-src 'none'; "));
        for directive in policy.split("; ") {
            let (_, sources) = directive.split_once(' ').unwrap();
            assert!(matches!(sources, "'none'" | "'self'"), "{directive}");
        }
        for directive in ["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.split("; ").any(|given| given == directive), "{directive}");
        }
    }
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_before_any_handler() {
    for (headers, allowed) in [
        (&[][..], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "cross-site"), ("origin", "http://kept.example.test")], false),
        (&[("origin", "http://kept.example.test")], true),
        (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], true),
        (&[("origin", "https://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], false),
        (&[("origin", "http://127.0.0.1:8081"), ("host", "127.0.0.1:8080")], false),
        (&[("origin", "http://evil.example.test"), ("host", "kept.example.test")], false),
        (&[("origin", "http://kept.example.test.evil.example.test"), ("host", "kept.example.test")], false),
        (&[("origin", "null")], false),
        (&[("origin", "http://evil.example.test"), ("sec-fetch-site", "same-origin")], false),
    ] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::GET] {
            let mut request = Request::builder().method(&method).uri("/page").body(Body::empty()).unwrap();
            for (name, value) in headers {
                request.headers_mut().insert(*name, value.parse().unwrap());
            }
            let page = axum::routing::any(async || "page");
            let answer = send(app_with("/page", page), request).await;
            let allowed = allowed || method == Method::GET;
            assert_eq!(answer.status == StatusCode::OK, allowed, "{method} {headers:?}");
            assert_eq!(answer.status == StatusCode::FORBIDDEN, !allowed, "{method} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_panic_is_a_page_without_its_text() {
    let log = Log::listen();
    let answer = get_page(app(|| -> &str { panic!("ada@mail.example.test was here") }), "/page").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.body.contains("<h1>This did not work</h1>"));
    assert!(!answer.body.contains("ada@") && !log.text().contains("ada@"));
    assert!(log.text().contains("the handler panicked"));
    assert_eq!(answer.header("content-security-policy"), csp());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_answered_for() {
    let slow = |wait: Duration| {
        get(async move || {
            tokio::time::sleep(wait).await;
            "page"
        })
    };
    let log = Log::listen();
    let answer = get_page(app_with("/slow", slow(REQUEST_TIMEOUT + Duration::from_secs(1))), "/slow").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), "60");
    assert!(answer.body.contains("may or may not have been carried out"));
    assert!(log.text().contains(">=10s"), "{}", log.text());

    let answer = get_page(app_with("/slow", slow(REQUEST_TIMEOUT - Duration::from_secs(1))), "/slow").await;
    assert_eq!(answer.status, StatusCode::OK);
}
