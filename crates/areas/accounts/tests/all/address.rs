//! acc-5: sessions in addresses, with no cookie at all, on the education provider's site.

use axum::http::HeaderName;
use jiff::SignedDuration;
use kept_keeper::{Database, Status};
use kept_testkit::{Browser, CPE, PASSWORD, Page, Site};

use crate::support::{count, sign_in, sign_up};

const FROM: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a page was shown to somebody who is signed in.
async fn opens(browser: &mut Browser) -> bool {
    browser.get("/account").await.status == 200
}

async fn signed_in(site: &Site) -> Browser {
    site.member("ada@example.test").await;
    site.signed_in("ada@example.test").await
}

fn is_sign_in(page: &Page) -> bool {
    page.path.starts_with("/sign-in") && page.status == 200 && page.html.contains("name=\"password\"")
}

#[tokio::test]
async fn an_account_needs_no_cookie_from_its_first_page_to_its_last() {
    needs_no_cookie(Site::under(CPE).await).await;
}

/// What addresses carry is a session like any other: it begins, is found, renewed and ended on either database.
#[tokio::test]
async fn the_same_on_postgresql() {
    needs_no_cookie(on_postgresql().await).await;
    ends_in_another_browser(on_postgresql().await).await;
    is_good_for_the_idle_time(on_postgresql().await).await;
    is_renewed(on_postgresql().await).await;
}

async fn on_postgresql() -> Site {
    Site::on(Database::Url(&kept_pgtest::empty_database()), CPE).await
}

async fn needs_no_cookie(site: Site) {
    let mut ada = site.browser();
    ada.refuse_cookies();
    let mut pages = vec![sign_up(&mut ada, "ada@example.test").await];
    let link = site.link("ada@example.test").await;
    // The link of a letter comes from outside and brings no session, so the password is asked for.
    ada.type_in(&link).await;
    pages.push(ada.send(&link, &[("password", PASSWORD)]).await);
    assert!(pages[1].says("Your account is open"), "{}", pages[1].text());
    pages.push(sign_in(&mut ada, "ada@example.test", PASSWORD).await);
    for path in ["/account", "/account/data", "/account/trail", "/account/sessions", "/account/close"] {
        pages.push(ada.get(path).await);
        assert_eq!(pages.last().unwrap().status, 200, "{path}");
    }
    pages.push(ada.send("/account", &[("given_name", "Ada"), ("family_name", "Newname")]).await);
    assert_eq!(ada.get("/account").await.value("family_name").as_deref(), Some("Newname"));
    pages.push(ada.submit("/account", "/sign-out", &[]).await);
    assert_eq!(pages.last().unwrap().path, "/signed-out");
    for page in pages {
        assert!(page.cookies().is_empty(), "{}", page.path);
        assert_eq!(page.headers["referrer-policy"], "no-referrer", "{}", page.path);
        assert_eq!(page.headers["cache-control"], "no-store", "{}", page.path);
    }
    assert_eq!(site.promise("session").await.status, Status::Kept);
}

#[tokio::test]
async fn own_pages_carry_the_session_and_public_ones_do_not() {
    let site = Site::under(CPE).await;
    let mut ada = signed_in(&site).await;
    let page = ada.get("/account").await;
    let mut links = 0;
    for (at, _) in page.html.match_indices("=\"") {
        let name = page.html[..at].rsplit([' ', '\n']).next().unwrap();
        let to = page.html[at + 2..].split('"').next().unwrap();
        if !["href", "src", "action"].contains(&name) || !to.starts_with('/') {
            assert!(!to.contains("/s/"), "{name}={to}");
            continue;
        }
        links += 1;
        let public = ["/notice", "/assets"].iter().any(|start| to.starts_with(start)) || to == "/";
        assert_eq!(to.starts_with("/s/"), !public || name == "action", "{name}={to}");
    }
    assert!(links > 20, "{links}");

    // Of a visitor, forms carry one; the addresses that they read and pass on do not.
    let page = site.browser().get("/sign-in").await;
    assert!(page.html.contains("action=\"/s/"));
    assert!(!page.html.contains("href=\"/s/"));
    assert!(!site.browser().get("/notice").await.html.contains("/s/"));

    // Nobody reads a public page at an address that carries anything.
    let carried = ada.address("/account").replace("/account", "");
    let moved = ada.get(&format!("{carried}/notice/uses?x=1")).await;
    assert_eq!((moved.status.as_u16(), moved.location()), (303, Some("/notice/uses?x=1")));
}

#[tokio::test]
async fn an_address_typed_in_opens_nothing_and_ends_nothing() {
    let site = Site::under(CPE).await;
    let mut ada = signed_in(&site).await;
    let pasted = ada.address("/account/data");
    let mut tab = ada.clone();
    let page = tab.type_in(&pasted).await;
    assert!(is_sign_in(&page));
    assert!(page.says("Signed in already? Go back to that page"), "{}", page.text());
    assert!(!tab.history.last().unwrap().contains("/s/"), "the address bar keeps nothing");
    assert!(opens(&mut ada).await);
}

#[tokio::test]
async fn an_address_opened_in_another_browser_ends_its_session() {
    ends_in_another_browser(Site::under(CPE).await).await;
}

async fn ends_in_another_browser(site: Site) {
    for from in ["none", "same-origin", "cross-site"] {
        site.member(&format!("{from}@example.test")).await;
        let mut ada = site.signed_in(&format!("{from}@example.test")).await;
        let given = ada.address("/account/data");
        let mut friend = site.browser();
        friend.name = "Mozilla/5.0 (of a friend)".into();
        let page = friend.request("GET".parse().unwrap(), &given, &[(FROM, from)], "".into()).await;
        assert!(page.location().unwrap().starts_with("/sign-in"), "{from}");
        assert!(!opens(&mut ada).await, "{from}: the session has ended");
        sign_in(&mut ada, &format!("{from}@example.test"), PASSWORD).await;
        let trail = ada.get("/account/trail").await;
        assert!(
            trail.says("A session ended, because its address was opened in another browser."),
            "{}",
            trail.text()
        );
    }
}

#[tokio::test]
async fn only_a_page_of_this_site_leads_into_a_session() {
    let site = Site::under(CPE).await;
    let mut ada = signed_in(&site).await;
    for from in ["none", "cross-site", "same-site", ""] {
        let page = ada.request("GET".parse().unwrap(), "/account", &[(FROM, from)], "".into()).await;
        assert!(page.location().unwrap().starts_with("/sign-in"), "{from:?}");
        assert!(opens(&mut ada).await, "{from:?}");
    }
    let token = ada.token("/account").await;
    let form = format!("given_name=Eve&family_name=Eve&form_token={token}");
    for from in ["none", "cross-site", "same-site", ""] {
        let headers = [(FROM, from), ("content-type".parse().unwrap(), "application/x-www-form-urlencoded")];
        let page = ada.request("POST".parse().unwrap(), "/account", &headers, form.clone().into()).await;
        assert_ne!(page.location(), Some("/account?saved"), "{from:?}");
        assert_ne!(page.status, 200, "{from:?}");
    }
    assert_eq!(ada.get("/account").await.value("given_name").as_deref(), Some("Ada"));
    // Browsers send this with our own forms, because pages keep their addresses to themselves.
    let headers = [
        ("origin".parse().unwrap(), "null"),
        ("content-type".parse().unwrap(), "application/x-www-form-urlencoded"),
    ];
    let page = ada.request("POST".parse().unwrap(), "/account", &headers, form.into()).await;
    assert_eq!(page.status, 303);
}

#[tokio::test]
async fn a_browser_that_does_not_say_where_a_form_comes_from_is_told_so() {
    let site = Site::under(CPE).await;
    let mut old = site.browser();
    let token = old.token("/sign-in").await;
    let form = format!("email=ada%40example.test&password=x&form_token={token}");
    let address = old.address("/sign-in");
    let mut request = axum::http::Request::post(&address)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(form))
        .unwrap();
    request.headers_mut().insert("user-agent", old.name.parse().unwrap());
    let page = old.exactly(request).await;
    assert_eq!(page.status, 403);
    assert!(page.says("This needs a newer browser"), "{}", page.text());
}

#[tokio::test]
async fn two_tabs_go_on_beside_each_other() {
    let site = Site::under(CPE).await;
    let mut first = signed_in(&site).await;
    let mut second = first.clone();
    second.get("/account/data").await;
    for minute in 0..60 {
        site.clock.forward(SignedDuration::from_mins(1));
        if minute % 2 == 0 {
            first.send("/account", &[("given_name", "Ada"), ("family_name", &format!("Tab{minute}"))]).await;
        }
        if minute % 20 == 0 {
            assert!(opens(&mut second).await, "minute {minute}");
        }
    }
    assert!(opens(&mut first).await);
    first.submit("/account", "/sign-out", &[]).await;
    assert!(!opens(&mut second).await);
}

/// A page writes its addresses anew: one that was seen, copied or left in a history is worth nothing after the idle time,
/// however long the person goes on.
#[tokio::test]
async fn an_address_is_good_for_the_idle_time_and_a_session_for_longer() {
    is_good_for_the_idle_time(Site::under(CPE).await).await;
}

async fn is_good_for_the_idle_time(site: Site) {
    let mut ada = signed_in(&site).await;
    let mut seen = ada.clone();
    let first = ada.address("/account");
    for _ in 0..2 {
        site.clock.forward(SignedDuration::from_mins(15));
        assert!(opens(&mut ada).await);
    }
    assert_ne!(ada.address("/account"), first);
    assert_eq!(seen.get(&first).await.status, 200, "half an hour old");
    site.clock.forward(SignedDuration::from_mins(1));
    assert!(seen.get(&first).await.location().unwrap().starts_with("/sign-in"));
    assert!(opens(&mut ada).await, "which ends nothing");

    for _ in 0..70 {
        site.clock.forward(SignedDuration::from_mins(10));
        opens(&mut ada).await;
    }
    assert!(!opens(&mut ada).await, "twelve hours after signing in");
}

#[tokio::test]
async fn every_change_of_rights_renews_the_session() {
    is_renewed(Site::under(CPE).await).await;
}

async fn is_renewed(site: Site) {
    let secret = site.staff("sam@example.test", "support").await;
    let mut sam = site.browser();
    sam.get("/sign-in").await;
    let mut visitor = sam.clone();
    sign_in(&mut sam, "sam@example.test", PASSWORD).await;
    assert!(
        visitor.get("/account").await.location().unwrap().starts_with("/sign-in"),
        "of before the password"
    );
    let mut waiting = sam.clone();
    sam.send("/sign-in/code", &[("code", &site.code(&secret))]).await;
    assert!(opens(&mut sam).await);
    assert!(waiting.get("/account").await.location().unwrap().starts_with("/sign-in"), "of before the code");
    let mut before = sam.clone();
    let new = "a quieter lantern over the harbour";
    sam.send("/account/password", &[("password", PASSWORD), ("new_password", new)]).await;
    assert!(opens(&mut sam).await);
    assert!(!opens(&mut before).await, "of before the new password");
}

#[tokio::test]
async fn after_signing_out_no_address_opens_anything() {
    let site = Site::under(CPE).await;
    let mut ada = signed_in(&site).await;
    let mut back = ada.clone();
    let page = ada.post("/account", "/sign-out", &[]).await;
    assert_eq!(page.location(), Some("/signed-out"), "where one is then carries nothing");
    assert_eq!(page.headers["clear-site-data"], "\"cache\"", "what the browser keeps for the step back goes");
    assert!(back.get("/account/data").await.location().unwrap().starts_with("/sign-in"));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM sessions").await, 0);
}

#[tokio::test]
async fn an_address_is_of_no_use_with_another_persons_form() {
    let site = Site::under(CPE).await;
    let mut ada = signed_in(&site).await;
    site.member("bob@example.test").await;
    let mut bob = site.signed_in("bob@example.test").await;
    let bobs = bob.token("/account").await;
    let page = ada.post_with("/account", &bobs, &[("given_name", "Bob"), ("family_name", "Bob")]).await;
    assert_eq!(page.status, 403);
    assert!(page.html.contains("href=\"/s/"), "the page that says so leads on");
    assert!(opens(&mut ada).await);
}

#[tokio::test]
async fn a_token_that_is_changed_anywhere_opens_nothing() {
    let site = Site::under(CPE).await;
    let ada = signed_in(&site).await;
    let address = ada.address("/account");
    for at in 3..address.len() - "/account".len() {
        let mut changed = address.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        // The last character of the token has bits that mean nothing: such a token is none.
        let to = ada.clone().get(&changed).await;
        assert!(to.location().unwrap().starts_with("/sign-in"), "{at}");
    }
    for strange in [
        "/s",
        "/s/",
        "/s//account",
        "/s/AAAA/account",
        "/s/%00/account",
        "/s/AAAA",
        "/s/AAAA//elsewhere.test/",
    ] {
        let page = ada.clone().type_in(strange).await;
        assert!(page.status == 404 || is_sign_in(&page) || page.path == "/", "{strange}: {}", page.status);
    }
}

#[tokio::test]
async fn what_cannot_be_undone_asks_for_the_password_again() {
    let site = Site::under(CPE).await;
    let mut ada = signed_in(&site).await;
    for (path, fields) in [("/account/export", vec![]), ("/account/close", vec![("do", "close")])] {
        let page = ada.send(path, &fields).await;
        assert_eq!(page.status, 422, "{path}");
        assert!(page.html.contains("name=\"password\""), "{path}");
    }
    let archive = ada.send("/account/export", &[("password", PASSWORD)]).await;
    assert_eq!(archive.headers["content-type"], "application/zip");
    assert_eq!(&archive.body[..2], b"PK");
}

/// A letter's link comes from outside: it asks to sign in, and leads on to where it was to lead.
#[tokio::test]
async fn a_letters_link_leads_through_the_sign_in() {
    let site = Site::under(CPE).await;
    let mut ada = signed_in(&site).await;
    let new = [("do", "add"), ("email", "work@example.test"), ("password", PASSWORD)];
    ada.send("/account/addresses", &new).await;
    let link = site.link("work@example.test").await;
    let asked = ada.type_in(&link).await;
    assert!(is_sign_in(&asked));
    let to = asked.value("to").unwrap();
    assert_eq!(to, link);
    let wrong = ada.post_with("/sign-in", &asked.value("form_token").unwrap(), &[("to", &to)]).await;
    assert_eq!((wrong.status.as_u16(), wrong.value("to")), (422, Some(to.clone())), "also after a mistake");
    let fields = [("email", "ada@example.test"), ("password", PASSWORD), ("to", &to)];
    let page = ada.submit("/sign-in", "/sign-in", &fields).await;
    assert_eq!(page.path, link);
    let page = ada.submit(&link, &link, &[]).await;
    assert!(page.says("You can sign in with any of them."), "{}", page.text());
}

#[tokio::test]
async fn signing_in_leads_to_no_other_site() {
    let site = Site::under(CPE).await;
    site.member("ada@example.test").await;
    let secret = site.staff("sam@example.test", "support").await;
    for to in [
        "https://elsewhere.test/",
        "//elsewhere.test/",
        "/\\elsewhere.test/",
        "/\t/elsewhere.test/",
        "/é",
        "",
    ] {
        let fields = [("email", "ada@example.test"), ("password", PASSWORD), ("to", to)];
        let page = site.browser().submit("/sign-in", "/sign-in", &fields).await;
        assert_eq!((page.path.as_str(), page.status.as_u16()), ("/account", 200), "{to:?}");
    }
    // Nor does the step between.
    let mut sam = site.browser();
    let fields = [("email", "sam@example.test"), ("password", PASSWORD), ("to", "/desk")];
    let page = sam.submit("/sign-in", "/sign-in", &fields).await;
    assert_eq!(
        (page.path.as_str(), page.value("to").as_deref()),
        ("/sign-in/code?to=%2Fdesk", Some("/desk"))
    );
    let page = sam
        .submit(
            "/sign-in/code?to=%2Fdesk",
            "/sign-in/code",
            &[("code", &site.code(&secret)), ("to", "/desk")],
        )
        .await;
    assert_eq!((page.path.as_str(), page.status.as_u16()), ("/desk", 200));
}

#[tokio::test]
async fn elsewhere_there_is_no_such_address() {
    let site = Site::open().await;
    assert_eq!(site.browser().get("/s/AAAA/account").await.status, 404);
}
