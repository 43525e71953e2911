//! Reading without giving anything (`acc-17`): the server opens each public page as somebody of whom it knows nothing, when
//! it starts and when another notice binds, and writes down what it found for the check that every program runs.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
    response::Response,
};
use kept_keeper::{Actor, Finding, Inspect, Keeper, KeeperError};
use tower::ServiceExt as _;

use crate::{ROUTES, words::short};

/// The rule that promises it.
pub(crate) const RULE: &str = "never.ask-readers";

/// Where it is written down how many pages could be read, or how the first of them asked.
const READ: &str = "read-as-nobody";

/// No page is nearly as long.
const LONGEST: usize = 8 << 20;

/// Opens every public page of a site as nobody, if its notice promises that they can be read so.
///
/// # Errors
/// The database failed.
pub async fn read_as_nobody(keeper: &Keeper, site: &Router) -> Result<(), KeeperError> {
    let policy = keeper.policy();
    if policy.sentence(RULE).is_none() {
        return Ok(());
    }
    let found = read_all(site, policy.version()).await;
    let found = found.map_or_else(|asks| asks, |pages| pages.to_string());
    keeper.act(keeper.ctx(Actor::System), move |act| act.write_fact(READ, &found)).await
}

/// `acc-17`: what the server found when it read the public pages as nobody.
pub(crate) fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let Some(found) = inspect.fact(READ)? else {
        return Ok(Finding::not_due("the site has not been served yet"));
    };
    Ok(match found.parse() {
        Ok(pages) => Finding::kept(
            pages,
            format!(
                "the server has opened all {pages} public pages as somebody of whom it knows nothing: each was shown, set no \
                 cookie and had no field to fill in"
            ),
        ),
        Err(_) => Finding::broken(1, found),
    })
}

/// How many pages there are to read; or how the first that asks for something does so.
async fn read_all(site: &Router, version: &str) -> Result<i64, String> {
    let mut pages = 0;
    for (route, _) in ROUTES {
        let path = route.replace("{version}", &short(version));
        let asks = |how: &str| format!("the page {route} {how}");
        let request = Request::get(path).body(Body::empty()).map_err(|_| asks("has no address"))?;
        let answer = match site.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        // An address for forms alone is no page.
        if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
            continue;
        }
        if let Some(how) = asking(answer).await {
            return Err(asks(how));
        }
        pages += 1;
    }
    Ok(pages)
}

/// How an answer asks its reader for something, if it does.
async fn asking(answer: Response) -> Option<&'static str> {
    if answer.status().is_redirection() {
        return Some("sends its readers elsewhere");
    }
    if !answer.status().is_success() {
        return Some("does not open for somebody unknown");
    }
    if answer.headers().contains_key(header::SET_COOKIE) {
        return Some("sets a cookie");
    }
    let Ok(body) = to_bytes(answer.into_body(), LONGEST).await else { return Some("does not end") };
    has_a_field(&String::from_utf8_lossy(&body)).then_some("has a field to fill in")
}

/// Whether a page has a field that people see.
fn has_a_field(html: &str) -> bool {
    let mut tags = html.split('<').skip(1).map(|piece| piece.split('>').next().unwrap_or_default());
    tags.any(|tag| {
        let name = tag.split_whitespace().next().unwrap_or_default();
        matches!(name, "textarea" | "select") || (name == "input" && !tag.contains(r#"type="hidden""#))
    })
}
