//! acc-17: the public pages are read without giving anything, and the server finds the page that asks.

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Redirect, Response},
};
use kept_keeper::{Promise, Status};
use kept_public::ROUTES;

use crate::site::Site;

/// What becomes of a page before its reader gets it.
type Plant = fn(Response) -> Response;

#[tokio::test]
async fn every_public_page_is_read_as_nobody() {
    let site = Site::open().await;
    assert_eq!(promise(&site).await.status, Status::NotDue, "nobody has read them yet");
    site.read_as_nobody(|app| app).await;
    let found = promise(&site).await;
    assert_eq!(found.status, Status::Kept, "{}", found.detail);
    assert_eq!(
        found.count,
        i64::try_from(ROUTES.len()).unwrap() - 1,
        "all but the address of the bar's button"
    );
}

#[tokio::test]
async fn a_page_that_only_shows_and_yet_asks_breaks_the_promise() {
    let cookie = |mut page: Response| {
        page.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static("reader=1"));
        page
    };
    let field = |_| {
        Html(r#"<form><input type="hidden" name="back"><input type="email" name="who"></form>"#)
            .into_response()
    };
    let area = |_| Html("<main><textarea name=who></textarea></main>").into_response();
    let sign_in = |_| Redirect::to("/sign-in").into_response();
    let closed = |_| axum::http::StatusCode::FORBIDDEN.into_response();
    let plants: [(Plant, &str); 5] = [
        (cookie, "the page /notice/uses sets a cookie"),
        (field, "the page /notice/uses has a field to fill in"),
        (area, "the page /notice/uses has a field to fill in"),
        (sign_in, "the page /notice/uses sends its readers elsewhere"),
        (closed, "the page /notice/uses does not open for somebody unknown"),
    ];
    let site = Site::open().await;
    for (plant, detail) in plants {
        let planted = move |request: Request, next: Next| async move {
            let uses = request.uri().path() == "/notice/uses";
            let page = next.run(request).await;
            if uses { plant(page) } else { page }
        };
        site.read_as_nobody(|app| app.layer(from_fn(planted))).await;
        let found = promise(&site).await;
        assert_eq!((found.status, found.detail.as_str()), (Status::Broken, detail));
    }
    site.read_as_nobody(|app| app).await;
    assert_eq!(promise(&site).await.status, Status::Kept, "and stands again once it asks no more");
}

async fn promise(site: &Site) -> Promise {
    let report = site.keeper.prove().await.unwrap();
    report.promises.into_iter().find(|promise| promise.id == "never.ask-readers").unwrap()
}
