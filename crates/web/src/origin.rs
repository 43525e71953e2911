//! Whether a request that changes something was sent by a page of this site.

use axum::http::{HeaderMap, Method, header};

use crate::BaseUrl;

/// Refuses what another site's page sends (OWASP ASVS 5.0 §3.5): by `Sec-Fetch-Site`, which a page cannot
/// forge, and by `Origin`, which browsers without it send as well.
///
/// A request with neither is let through: it comes from a program, and the form token decides. A "none"
/// comes from the person's own hand (an address typed, a bookmark). An `Origin: null` is what our own forms have where
/// pages keep their addresses to themselves (`no-referrer`): there `Sec-Fetch-Site` decides alone.
pub(crate) fn is_own(method: &Method, headers: &HeaderMap, base: &BaseUrl) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let site = headers.get("sec-fetch-site");
    let fetched_here = site.is_none_or(|site| site == "same-origin" || site == "none");
    let origin_is_ours = headers.get(header::ORIGIN).is_none_or(|origin| {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        origin == base.origin()
            || (origin == "null" && site.is_some_and(|site| site == "same-origin"))
            || host.is_some_and(|host| origin == format!("{}://{host}", base.scheme()).as_str())
    });
    fetched_here && origin_is_ours
}
