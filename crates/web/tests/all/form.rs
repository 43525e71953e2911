//! Posted forms: what is read, and what is refused.

use axum::{
    body::Body,
    extract::FromRequest,
    http::{Request, StatusCode},
    routing::post,
};
use kept_web::form::{Fields, LIMIT, Need, Posted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Answer, app_with, send};

#[tokio::test]
async fn fields_are_decoded() {
    let fields =
        fields("name=Ada+L%C3%B6we&note=one%0D%0Atwo%0Dthree%09.&empty=&bare&name=second&a%3Db=%26").await;
    assert_eq!(fields.get("name"), Some("Ada Löwe"), "the first of two");
    assert_eq!(fields.get("note"), Some("one\ntwo\nthree\t."));
    assert_eq!(fields.get("empty"), Some(""));
    assert_eq!(fields.get("bare"), Some(""));
    assert_eq!(fields.get("a=b"), Some("&"));
    assert_eq!(fields.get("absent"), None);
    assert!(fields.ticked("bare") && !fields.ticked("absent"));
}

#[tokio::test]
async fn text_is_trimmed_measured_and_refused_with_what_to_do() {
    let mut fields = fields("name=++Ada++&long=%C3%B6%C3%B6%C3%B6%C3%B6&blank=+%0A&lines=a%0Ab&opt=").await;
    assert_eq!(fields.text("name", "Name", 3, Need::Required).as_deref(), Some("Ada"));
    assert_eq!(
        fields.text("long", "Name", 4, Need::Required).as_deref(),
        Some("öööö"),
        "characters, not bytes"
    );
    assert_eq!(fields.text("opt", "Phone", 4, Need::Voluntary), None);
    assert_eq!(fields.prose("lines", "Note", 9, Need::Voluntary).as_deref(), Some("a\nb"));
    assert!(fields.errors().is_empty());

    assert_eq!(fields.text("long", "Name", 3, Need::Voluntary), None);
    assert_eq!(fields.text("blank", "City", 9, Need::Required), None);
    assert_eq!(fields.text("gone", "Street", 9, Need::Required), None);
    assert_eq!(fields.text("lines", "Note", 9, Need::Required), None);
    assert_eq!(fields.error("long"), Some("“Name” can have at most 3 characters; it has 4."));
    assert_eq!(fields.error("blank"), Some("Fill in “City”."));
    assert_eq!(fields.error("gone"), Some("Fill in “Street”."));
    assert_eq!(fields.error("lines"), Some("Write “Note” on one line."));
    assert_eq!(fields.errors().len(), 4);
    fields.refuse("gone", "a second error");
    assert_eq!(fields.errors().len(), 4, "the first error of a field stays");
    assert_eq!(fields.shown("long"), "öööö", "what was typed is shown again");
}

#[tokio::test]
async fn a_secret_is_read_as_typed_and_then_gone() {
    let mut fields = fields("password=+a%20b+&other=").await;
    let secret = fields.secret("password", "Password", 200).unwrap();
    assert_eq!(secret.as_str(), " a b ");
    assert_eq!(fields.shown("password"), "");
    assert_eq!(fields.get("password"), None);
    assert!(fields.secret("other", "Password", 200).is_none());
    assert_eq!(fields.error("other"), Some("Fill in “Password”."));
}

#[tokio::test]
async fn what_was_typed_is_not_in_debug_output() {
    let fields = fields("email=ada%40mail.example.test").await;
    let shown = format!("{fields:?}");
    assert_eq!(shown, "Fields { fields: 1, wrong: [] }");
}

#[test]
fn a_form_can_be_shown_filled_with_what_is_held() {
    let mut fields = Fields::default();
    fields.fill("city", "Ghent");
    fields.fill("city", "Bruges");
    assert_eq!(fields.shown("city"), "Bruges");
}

#[tokio::test]
async fn what_is_not_text_is_400() {
    for body in [
        &b"name=%FF"[..],
        b"name=%C3",
        b"%FF=a",
        b"name=\xff",
        b"name=a%00b",
        b"name=%1B%5B0m",
        b"name=%C2%85",
        b"na%07me=a",
    ] {
        let answer = post_to_echo("application/x-www-form-urlencoded", body.to_vec()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body:?}");
        assert!(answer.body.contains("<h1>This cannot be read</h1>"));
    }
}

#[tokio::test]
async fn what_is_not_a_form_is_415() {
    for media_type in [
        "application/json",
        "multipart/form-data; boundary=a",
        "text/plain",
        "application/x-www-form-urlencoded2",
    ] {
        let answer = post_to_echo(media_type, b"name=a".to_vec()).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media_type}");
    }
    let answer = post_to_echo("Application/X-WWW-Form-Urlencoded; charset=UTF-8", b"name=a".to_vec()).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "a"));
}

#[tokio::test]
async fn the_limit_is_exact() {
    let form = |size: usize| [b"name=", "a".repeat(size - 5).as_bytes()].concat();
    let media_type = "application/x-www-form-urlencoded";
    assert_eq!(post_to_echo(media_type, form(LIMIT)).await.status, StatusCode::OK);
    let answer = post_to_echo(media_type, form(LIMIT + 1)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.contains("<h1>This is too long</h1>"));
}

/// Over a real connection, because there the browser is still sending when the answer is ready.
#[tokio::test]
async fn a_field_of_a_megabyte_is_answered_over_the_wire() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, echo()).await });

    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let body = [b"name=", "a".repeat(1 << 20).as_bytes()].concat();
    let head = format!(
        "POST /echo HTTP/1.1\r\nhost: kept.example.test\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let conversation = async {
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::time::timeout(std::time::Duration::from_secs(5), conversation).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{}", answer.lines().next().unwrap());
    assert!(answer.contains("This is too long"));
    server.abort();
}

async fn fields(body: &str) -> Fields {
    let request = Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(body.to_owned()))
        .unwrap();
    Posted::from_request(request, &()).await.unwrap().0
}

fn echo() -> axum::Router {
    app_with("/echo", post(async |Posted(fields): Posted| fields.shown("name").to_owned()))
}

async fn post_to_echo(media_type: &str, body: Vec<u8>) -> Answer {
    let request = Request::post("/echo").header("content-type", media_type).body(Body::from(body)).unwrap();
    send(echo(), request).await
}
