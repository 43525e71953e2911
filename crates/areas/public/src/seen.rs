//! The notification bar, and the one cookie that remembers that it was seen (`acc-7`).

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use cookie::{Cookie as SetCookie, SameSite};
use kept_keeper::{Coming, Keeper, time::long_date};
use kept_notice::{Cookie, Notice, shortest};
use kept_web::{
    Announcement, Problem,
    cookies::{DeclaredCookie, Lasts},
    form::Posted,
    paths,
};

use crate::{Public, words::starts};

/// The cookie's name, in browsers and in the notice.
pub(crate) const COOKIE: &str = "notice-seen";

/// The bar about the notice, until a browser has dismissed it: that it is to change, or has, with the day (`ntc-3`,
/// `ntc-4`), or under what notice the site runs. None where the notice lists no cookie that could remember that it was
/// seen.
#[must_use]
pub fn announcement(headers: &HeaderMap, keeper: &Keeper) -> Option<Announcement> {
    let policy = keeper.policy();
    policy.notice.cookie(COOKIE)?;
    let coming = keeper.coming();
    if has_seen(headers, &mark(&policy.notice, coming.as_deref())) {
        return None;
    }
    Some(match coming {
        Some(coming) => Announcement {
            text: match coming.from {
                Some(_) => format!("Our privacy notice changes on {}.", starts(&coming)),
                None => format!("Our privacy notice is to change, on {} at the earliest.", starts(&coming)),
            },
            href: format!("{}#coming", paths::VERSIONS),
            link: "See what changes".into(),
        },
        None if policy.before.is_some() => Announcement {
            text: format!(
                "Our privacy notice has changed. The new one is in force since {}.",
                long_date(policy.since)
            ),
            href: paths::VERSIONS.into(),
            link: "See what has changed".into(),
        },
        None => Announcement {
            text: "This site runs under a notice that is checked, sentence by sentence.".into(),
            href: paths::KEPT.into(),
            link: "See how it is kept".into(),
        },
    })
}

/// The cookies besides the session's that a response may set: what the cookie gate is told.
#[must_use]
pub fn declared(notice: &Notice) -> Vec<DeclaredCookie> {
    let declare = |cookie: &Cookie| DeclaredCookie {
        name: cookie.name.clone(),
        lasts: Lasts::AtMost(shortest(&cookie.lasts)),
    };
    notice.cookies.iter().map(declare).collect()
}

/// `POST /notice/seen`: sets the cookie and goes back to where one was. It takes no form token, which would leave a
/// session with every reader (`acc-17`): it changes nothing on the server, and the shell refuses other sites' posts.
pub(crate) async fn dismiss(
    State(public): State<Public>,
    Posted(fields): Posted,
) -> Result<Response, Problem> {
    let policy = public.keeper.policy();
    let rule = policy.notice.cookie(COOKIE).ok_or_else(Problem::not_found)?;
    let base = &public.face.base;
    let back = fields.get("back").filter(|path| paths::is_own(path)).unwrap_or(paths::HOME);
    let mark = mark(&policy.notice, public.keeper.coming().as_deref());
    let cookie = set_cookie(rule, &mark, base.is_https());
    let cookie = HeaderValue::try_from(cookie).map_err(Problem::internal)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(back)).into_response())
}

/// The `Set-Cookie` that remembers a version of the notice, for as long as the notice says.
pub(crate) fn set_cookie(rule: &Cookie, value: &str, secure: bool) -> String {
    let seconds = i64::try_from(shortest(&rule.lasts).as_secs()).unwrap_or(i64::MAX);
    SetCookie::build((COOKIE, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(secure)
        .max_age(cookie::time::Duration::seconds(seconds))
        .build()
        .to_string()
}

fn has_seen(headers: &HeaderMap, mark: &str) -> bool {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = sent.flat_map(SetCookie::split_parse).filter_map(Result::ok);
    cookies.into_iter().any(|cookie| cookie.name() == COOKIE && cookie.value() == mark)
}

/// What the cookie says: the beginning of the version that the bar speaks of, the same for everybody.
fn mark(notice: &Notice, coming: Option<&Coming>) -> String {
    let version = coming.map_or(&notice.version, |coming| &coming.policy.notice.version);
    version.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use jiff::{Span, ToSpan};
    use kept_notice::RuleHead;

    use super::*;

    #[test]
    fn over_tls_the_cookie_is_secure() {
        assert!(set_cookie(&rule(1.day()), "x", true).contains("; Secure"));
        assert!(!set_cookie(&rule(1.day()), "x", false).contains("Secure"));
    }

    fn rule(lasts: Span) -> Cookie {
        let rule = RuleHead { id: "cookie.notice-seen".into(), refs: Vec::new() };
        Cookie { rule, name: COOKIE.into(), says: "remembers".into(), lasts }
    }
}
