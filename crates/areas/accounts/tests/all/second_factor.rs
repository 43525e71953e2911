//! The second factor comes before any staff page.

use jiff::SignedDuration;
use kept_accounts::give_role;
use kept_testkit::{Page, Site};

use crate::support::count;

/// The secret that the page shows beside the picture.
fn secret(page: &Page) -> String {
    page.html.split("<code>").nth(1).unwrap().split('<').next().unwrap().replace(' ', "")
}

#[tokio::test]
async fn staff_set_it_up_before_the_desk_opens() {
    let site = Site::open().await;
    let sam = site.member("sam@example.test").await;
    site.act(move |act| give_role(act, sam, "support")).await;
    let mut browser = site.signed_in("sam@example.test").await;
    let mut elsewhere = site.signed_in("sam@example.test").await;
    for path in ["/desk", "/desk/staff", "/desk/act"] {
        assert_eq!(browser.get(path).await.location(), Some("/account/second-factor"), "{path}");
    }
    let page = browser.send("/account/second-factor", &[("begin", "yes")]).await;
    assert!(page.html.contains("<svg"), "the picture");
    let secret = secret(&page);
    let before = browser.session();

    let page = browser.send("/account/second-factor", &[("code", "000000")]).await;
    assert_eq!(page.status, 422);
    assert!(page.says("This code is not right."));
    assert_eq!(browser.session(), before, "a wrong code changes nothing");
    assert_eq!(browser.get("/desk").await.location(), Some("/account/second-factor"));

    let page = browser.send("/account/second-factor", &[("code", &site.code(&secret))]).await;
    assert_eq!((page.status.as_u16(), page.path.as_str()), (200, "/desk"), "{}", page.text());
    assert_ne!(browser.session(), before);
    assert_eq!(elsewhere.get("/account").await.location(), Some("/sign-in"), "other sessions have ended");
    assert_eq!(count(&site, "SELECT COUNT(*) FROM sessions").await, 1);

    // It is not shown again, and cannot be made anew without it.
    let page = browser.visit("/account/second-factor").await;
    assert_eq!(page.path, "/account");
    browser.post("/account", "/account/second-factor", &[("begin", "yes")]).await;
    site.clock.forward(SignedDuration::from_mins(1));
    site.at_desk("sam@example.test", &secret).await;
}

#[tokio::test]
async fn a_code_works_once() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let code = site.code(&secret);
    let mut sam = site.signed_in("sam@example.test").await;
    for wrong in ["000000", "", "123", "not a code"] {
        assert_eq!(sam.send("/sign-in/code", &[("code", wrong)]).await.status, 422, "{wrong}");
    }
    assert_eq!(sam.get("/desk").await.location(), Some("/sign-in/code"), "still waiting");
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    assert_eq!(sam.send("/sign-in/code", &[("code", &spaced)]).await.path, "/account");

    let mut again = site.signed_in("sam@example.test").await;
    let page = again.send("/sign-in/code", &[("code", &code)]).await;
    assert_eq!(page.status, 422);
    assert!(page.says("or has been used"));
    site.clock.forward(SignedDuration::from_secs(30));
    assert_eq!(again.send("/sign-in/code", &[("code", &site.code(&secret))]).await.path, "/account");
}

#[tokio::test]
async fn guessing_codes_is_throttled_and_a_right_one_starts_anew() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    for round in 0..2 {
        site.clock.forward(SignedDuration::from_secs(60));
        let mut sam = site.signed_in("sam@example.test").await;
        for _ in 0..9 {
            assert_eq!(sam.send("/sign-in/code", &[("code", "000000")]).await.status, 422, "round {round}");
        }
        assert_eq!(sam.send("/sign-in/code", &[("code", &site.code(&secret))]).await.path, "/account");
    }
    let mut sam = site.signed_in("sam@example.test").await;
    for _ in 0..10 {
        sam.send("/sign-in/code", &[("code", "000000")]).await;
    }
    site.clock.forward(SignedDuration::from_secs(60));
    assert_eq!(sam.send("/sign-in/code", &[("code", &site.code(&secret))]).await.status, 429);
}
