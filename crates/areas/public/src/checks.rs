//! How this area proves the promises that are its own: what the pages may load, and which cookies they set.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use kept_keeper::{Actor, Check, Covers, Finding, Inspect, Keeper, KeeperError, Proof};
use kept_notice::shortest;
use kept_web::{
    BaseUrl,
    cookies::{self, DeclaredCookie},
    headers,
};

use crate::{reading, seen};

/// Where it is written down at which address the site is served.
const SERVED_AT: &str = "served-at";

pub(crate) const CHECKS: &[Check] = &[
    Check { covers: Covers::Rule("never.track"), proof: Proof::Construction, run: track },
    Check { covers: Covers::Rule("never.send-in-clear"), proof: Proof::Probe, run: transport },
    Check { covers: Covers::Rule(reading::RULE), proof: Proof::Probe, run: reading::check },
    Check { covers: Covers::Section("cookie"), proof: Proof::Construction, run: cookie },
];

/// `ana-3`: the header that every response carries lets a page load nothing from elsewhere and run nothing at all; that of
/// a page with a script, nothing but what the site itself serves.
fn track(_: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    Ok(judge_csp(headers::csp(), headers::csp_with_script()))
}

/// `sec-1`: the address at which the site was last served is reached over TLS, and its answers tell browsers to insist.
fn transport(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let Some(origin) = inspect.fact(SERVED_AT)? else {
        return Ok(Finding::not_due("the site has not been served yet"));
    };
    let base: BaseUrl = origin.parse().map_err(|_| KeeperError::Malformed("an address that is none"))?;
    Ok(judge_transport(&base))
}

/// Writes down where the site is served, for the check of `sec-1`, which other programs run as well.
///
/// # Errors
/// The database failed.
pub async fn served_at(keeper: &Keeper, base: &BaseUrl) -> Result<(), KeeperError> {
    let origin = base.origin().to_owned();
    keeper.act(keeper.ctx(Actor::System), move |act| act.write_fact(SERVED_AT, &origin)).await
}

/// `acc-7`: the gate lets a cookie of the notice last as long as the notice says and no longer, and the one that this
/// area sets lasts just so long.
fn cookie(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let notice = &inspect.policy.notice;
    let Some(rule) = notice.cookie(inspect.name()) else {
        return Ok(Finding::broken(1, "the notice has no such cookie"));
    };
    let set = (rule.name == seen::COOKIE).then(|| seen::set_cookie(rule, "probe", false));
    Ok(judge_cookie(&rule.name, shortest(&rule.lasts), &seen::declared(notice), set.as_deref()))
}

fn judge_csp(policy: &str, with_script: &str) -> Finding {
    let directives = |policy| -> Vec<Vec<&str>> {
        str::split(policy, ';').map(|directive| directive.split_whitespace().collect()).collect()
    };
    let (most, scripted) = (directives(policy), directives(with_script));
    if scripted.iter().filter(|directive| !most.contains(directive)).any(|more| *more != OWN_SCRIPTS) {
        return Finding::broken(1, "the header of a page with a script lets in more than the site's own");
    }
    let sources = most.iter().filter_map(|directive| directive.split_first());
    let outside = sources.clone().flat_map(|(_, sources)| sources);
    let outside = outside.filter(|source| !matches!(**source, "'self'" | "'none'")).count();
    if outside > 0 {
        return broken(
            outside,
            "the header lets pages load from elsewhere, or run what is written into them",
        );
    }
    let says_none =
        |name: &str| sources.clone().any(|(found, sources)| *found == name && sources == ["'none'"]);
    if !says_none("default-src") {
        return Finding::broken(1, "the header does not forbid what it does not name");
    }
    let scripts =
        sources.clone().filter(|(name, _)| name.starts_with("script-src") && !says_none(name)).count();
    if scripts > 0 {
        return broken(scripts, "the header lets pages run scripts");
    }
    let said = sources.count();
    let count = i64::try_from(said).unwrap_or(i64::MAX);
    Finding::kept(
        count,
        format!(
            "{said} rules in the header of every page; none names another site or lets a script run, but the site's own \
             on the pages that ask for a passkey"
        ),
    )
}

/// The one rule that a page with a script has more than any other.
const OWN_SCRIPTS: [&str; 2] = ["script-src", "'self'"];

fn judge_transport(base: &BaseUrl) -> Finding {
    match headers::strict_transport(base) {
        Some(insist) => {
            let detail = format!("reached at {}; every answer says “{insist}”", base.origin());
            Finding::kept(1, detail)
        }
        None if base.is_loopback() => {
            Finding::not_due("reached from this machine only, so nothing travels over a network")
        }
        None => Finding::broken(1, format!("reached at {}, which is not TLS", base.origin())),
    }
}

fn judge_cookie(name: &str, lasts: Duration, gate: &[DeclaredCookie], set: Option<&str>) -> Finding {
    let seconds = lasts.as_secs();
    let passes = |cookie: &str| {
        let Ok(value) = HeaderValue::try_from(cookie) else { return false };
        cookies::gate(&HeaderMap::from_iter([(header::SET_COOKIE, value)]), gate).is_ok()
    };
    if !passes(&format!("{name}=probe; Max-Age={seconds}")) {
        return Finding::broken(1, "the gate refuses the cookie that the notice lists");
    }
    if passes(&format!("{name}=probe; Max-Age={}", seconds.saturating_add(1))) {
        return Finding::broken(1, "the gate lets the cookie last longer than the notice says");
    }
    if let Some(set) = set
        && !(passes(set) && set.contains(&format!("Max-Age={seconds}")))
    {
        return Finding::broken(1, "the cookie that is set is not the one that the notice describes");
    }
    Finding::kept(1, "lasts as long as this says; an answer that set it for longer would be refused")
}

fn broken(count: usize, detail: &str) -> Finding {
    Finding::broken(i64::try_from(count).unwrap_or(i64::MAX), detail)
}

#[cfg(test)]
mod tests {
    use kept_keeper::Status;
    use kept_web::cookies::Lasts;

    use super::*;

    #[test]
    fn the_header_of_today_tracks_nobody() {
        assert_eq!(judge_csp(headers::csp(), headers::csp_with_script()).status, Status::Kept);
    }

    #[test]
    fn a_header_that_lets_others_in_breaks_the_promise() {
        for planted in [
            "default-src 'none'; img-src 'self' https://counter.example.test",
            "default-src 'none'; style-src 'unsafe-inline'",
            "default-src 'none'; img-src *",
            "default-src 'none'; img-src data:",
            "default-src 'none'; script-src 'self'",
            "default-src 'none'; script-src-elem 'self'",
            "default-src 'self'",
            "img-src 'self'",
            "",
        ] {
            assert_eq!(judge_csp(planted, planted).status, Status::Broken, "{planted}");
        }
    }

    #[test]
    fn a_page_with_a_script_runs_the_sites_own_and_no_other() {
        for more in [
            "script-src 'self' https://counter.example.test",
            "script-src 'self' 'unsafe-inline'",
            "connect-src 'self'",
            "img-src 'self' data:",
        ] {
            let planted = format!("{}; {more}", headers::csp());
            assert_eq!(judge_csp(headers::csp(), &planted).status, Status::Broken, "{more}");
        }
    }

    #[test]
    fn only_tls_keeps_what_is_sent_out_of_sight() {
        let judge = |base: &str| judge_transport(&base.parse().unwrap()).status;
        assert_eq!(judge("https://trainers.example.test"), Status::Kept);
        assert_eq!(judge("http://trainers.example.test"), Status::Broken);
        assert_eq!(judge("http://192.0.2.7:8080"), Status::Broken);
        for here in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080"] {
            assert_eq!(judge(here), Status::NotDue, "{here}");
        }
    }

    #[test]
    fn a_cookie_is_kept_only_as_the_notice_says() {
        let day = Duration::from_secs(86_400);
        let gate = |lasts| [DeclaredCookie { name: "notice-seen".into(), lasts }];
        let judge = |gate: &[DeclaredCookie], set| judge_cookie("notice-seen", day, gate, set).status;
        let good = gate(Lasts::AtMost(day));
        assert_eq!(judge(&good, Some("notice-seen=x; Max-Age=86400")), Status::Kept);
        assert_eq!(judge(&good, None), Status::Kept);

        assert_eq!(judge(&[], None), Status::Broken, "not in the gate's list");
        assert_eq!(judge(&gate(Lasts::Browser), None), Status::Broken, "the gate is too narrow");
        assert_eq!(judge(&gate(Lasts::AtMost(day * 2)), None), Status::Broken, "the gate is too wide");
        for set in [
            "notice-seen=x; Max-Age=86401",
            "notice-seen=x; Max-Age=60",
            "notice-seen=x",
            "seen=x; Max-Age=86400",
        ] {
            assert_eq!(judge(&good, Some(set)), Status::Broken, "{set}");
        }
    }
}
