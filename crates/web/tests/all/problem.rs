//! Problems as people and programs see them.

use std::io;

use axum::{
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use kept_web::{Problem, Reader};

use crate::support::{Log, app, app_with, failing, get_page, send, site};

#[tokio::test]
async fn every_problem_is_a_page_in_the_layout() {
    let all: [(u16, fn() -> Problem); 11] = [
        (400, || Problem::bad_request("The number is too large.")),
        (403, Problem::forbidden),
        (404, Problem::not_found),
        (405, Problem::method_not_allowed),
        (409, Problem::conflict),
        (410, Problem::gone),
        (413, Problem::too_large),
        (429, || Problem::too_many(90)),
        (500, || Problem::internal(io::Error::other("a secret cause"))),
        (503, Problem::timed_out),
        (418, || Problem::new(StatusCode::IM_A_TEAPOT, "A <teapot>", "It is.", "Pour.")),
    ];
    for (status, problem) in all {
        let answer = get_page(failing(problem), "/fails/7").await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.body.matches("<h1").count(), 1);
        for part in
            [r#"<a href="/">Go to the front page</a>"#, r#"<a href="/notice">Notice</a>, last revised"#]
        {
            assert!(answer.body.contains(part), "{status}: {part}");
        }
        assert!(!answer.body.contains("secret cause") && !answer.body.contains("<teapot>"));
    }
}

#[tokio::test]
async fn a_program_gets_rfc_9457_json() {
    let request = Request::get("/fails/7").header("accept", "application/json").body(Body::empty()).unwrap();
    let answer = send(failing(|| Problem::too_many(90)), request).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.headers.get_all("retry-after").iter().collect::<Vec<_>>(), ["90"]);
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "type": "about:blank",
            "title": "Too Many Requests",
            "status": 429,
            "detail": "This has been tried too often. Try again in 2 minutes.",
        })
    );
}

#[tokio::test]
async fn what_is_accepted_decides_between_page_and_json() {
    for (accept, json) in [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false),
        ("*/*", false),
        ("application/json, */*", true),
        ("application/problem+json", true),
        ("text/html;q=0.5, application/json;q=0.9", true),
        ("text/html, application/json;q=0.9", false),
        ("application/json;q=0", false),
        ("", false),
    ] {
        let request = Request::get("/nowhere").header("accept", accept).body(Body::empty()).unwrap();
        let answer = send(app(|| "page"), request).await;
        assert_eq!(answer.header("content-type").contains("json"), json, "{accept}");
    }
}

#[tokio::test]
async fn the_cause_is_logged_once_with_its_chain_and_without_the_address() {
    #[derive(Debug, thiserror::Error)]
    #[error("the store did not answer")]
    struct Outer(#[source] io::Error);

    let log = Log::listen();
    let problem = || Problem::internal(Outer(io::Error::other("the disk is full")));
    let answer = get_page(failing(problem), "/fails/ada-of-example?token=hush").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    let text = log.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in ["ERROR", "GET", "/fails/{id}", "500", "<10ms", "the store did not answer: the disk is full"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    for personal in ["ada-of-example", "hush"] {
        assert!(!text.contains(personal) && !answer.body.contains(personal));
    }
}

#[tokio::test]
async fn what_no_route_answers_is_a_page_and_no_address_is_logged() {
    let log = Log::listen();
    let answer = get_page(app(|| "page"), "/ada-of-example").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.contains("<h1>There is no such page</h1>"));
    assert!(log.text().contains("none") && !log.text().contains("ada-of-example"));

    let answer = send(app(|| "page"), Request::delete("/page").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.body.contains("<h1>This page does not do that</h1>"));
    assert!(answer.header("allow").contains("GET"), "{}", answer.header("allow"));
}

#[tokio::test]
async fn a_refusal_in_plain_text_becomes_a_page_and_an_html_error_stays() {
    let numbered = get(async |axum::extract::Path(id): axum::extract::Path<u8>| id.to_string());
    let answer = get_page(app_with("/n/{id}", numbered), "/n/ada").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("<h1>This cannot be read</h1>") && !answer.body.contains("ada"));

    let form = get(async || (StatusCode::UNPROCESSABLE_ENTITY, axum::response::Html("<p>the form again")));
    let answer = get_page(app_with("/form", form), "/form").await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (422, "<p>the form again"));
}

#[tokio::test]
async fn a_frame_left_with_the_answer_keeps_the_readers_navigation() {
    let mut frame = site("http://kept.example.test").frame("", "");
    frame.reader = Reader::Person;
    let page = get(async move || (axum::Extension(frame), Problem::gone()));
    let answer = get_page(app_with("/page", page), "/page").await;
    assert_eq!(answer.status, StatusCode::GONE);
    assert!(answer.body.contains("My data</a>") && !answer.body.contains("Sign in</a>"));
}
