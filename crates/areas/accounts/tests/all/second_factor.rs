//! The second factor comes before any staff page.

use jiff::SignedDuration;
use kept_accounts::give_role;
use kept_testkit::{PASSWORD, Page, Site};

use crate::support::count;

/// The recovery codes that a page shows.
fn codes(page: &Page) -> Vec<String> {
    let items = page.html.split("<li><code>").skip(1);
    items.map(|item| item.split('<').next().unwrap().to_owned()).collect()
}

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
    let wrong = [("do", "begin"), ("password", "not the password at all")];
    let page = browser.send("/account/second-factor", &wrong).await;
    assert_eq!((page.status.as_u16(), page.html.contains("<svg")), (422, false), "the password comes first");
    let page = browser.send("/account/second-factor", &[("do", "begin"), ("password", PASSWORD)]).await;
    assert!(page.html.contains("<svg"), "the picture");
    let secret = secret(&page);
    let before = browser.session();

    let page = browser.send("/account/second-factor", &[("code", "000000")]).await;
    assert_eq!(page.status, 422);
    assert!(page.says("This code is not right."));
    assert_eq!(browser.session(), before, "a wrong code changes nothing");
    assert_eq!(browser.get("/desk").await.location(), Some("/account/second-factor"));

    let page = browser.send("/account/second-factor", &[("code", &site.code(&secret))]).await;
    assert_eq!((page.status.as_u16(), codes(&page).len()), (200, 10), "{}", page.text());
    assert!(page.html.contains("href=\"/desk\">I have written them down"));
    assert_eq!(browser.get("/desk").await.status, 200);
    assert_ne!(browser.session(), before);
    assert_eq!(elsewhere.get("/account").await.location(), Some("/sign-in"), "other sessions have ended");
    assert_eq!(count(&site, "SELECT COUNT(*) FROM sessions").await, 1);

    // It is not shown again, and cannot be made anew without it.
    let page = browser.visit("/account/second-factor").await;
    assert!(page.says("You have 10 recovery codes left") && !page.html.contains("<svg"), "{}", page.text());
    let begin = [("do", "begin"), ("password", PASSWORD)];
    assert!(!browser.send("/account/second-factor", &begin).await.html.contains("<svg"));
    let off = [("do", "off"), ("password", PASSWORD)];
    assert_eq!(browser.send("/account/second-factor", &off).await.status, 400, "not for who works here");
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
    assert_eq!(sam.get("/desk").await.location(), Some("/sign-in/code?to=%2Fdesk"), "still waiting");
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    assert_eq!(sam.send("/sign-in/code", &[("code", &spaced)]).await.path, "/account");

    let mut again = site.signed_in("sam@example.test").await;
    let page = again.send("/sign-in/code", &[("code", &code)]).await;
    assert_eq!(page.status, 422);
    assert!(page.says("or has been used"));
    site.clock.forward(SignedDuration::from_secs(30));
    assert_eq!(again.send("/sign-in/code", &[("code", &site.code(&secret))]).await.path, "/account");
}

/// A member sets it up, loses the phone, gets in with a recovery code, makes new codes and switches it off.
#[tokio::test]
async fn recovery_codes_work_once_each() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.send("/account/second-factor", &[("do", "begin"), ("password", PASSWORD)]).await;
    let page = ada.send("/account/second-factor", &[("code", &site.code(&secret(&page)))]).await;
    let first = codes(&page);
    assert!(page.html.contains("href=\"/account\">I have written them down"));

    let mut phoneless = site.signed_in("ada@example.test").await;
    let wrong = first[0].replace(&first[0][..4], "AAAA");
    assert_eq!(phoneless.send("/sign-in/code", &[("code", &wrong)]).await.status, 422);
    let typed = first[0].to_lowercase().replace('-', " ");
    assert_eq!(phoneless.send("/sign-in/code", &[("code", &typed)]).await.path, "/account");
    let letters = site.letters("ada@example.test").await;
    assert!(letters.iter().any(|letter| letter.text.contains("9 are left")), "{letters:?}");
    let mut again = site.signed_in("ada@example.test").await;
    assert_eq!(again.send("/sign-in/code", &[("code", &first[0])]).await.status, 422, "it has been used");

    // New ones replace the old ones; nothing of it happens without the password.
    let nothing = [("do", "codes"), ("password", "not the password at all")];
    assert_eq!(phoneless.send("/account/second-factor", &nothing).await.status, 422);
    let page = phoneless.send("/account/second-factor", &[("do", "codes"), ("password", PASSWORD)]).await;
    let second = codes(&page);
    assert_eq!(again.send("/sign-in/code", &[("code", &first[1])]).await.status, 422, "replaced");
    assert_eq!(again.send("/sign-in/code", &[("code", &second[0])]).await.path, "/account");

    let page = again.send("/account/second-factor", &[("do", "off"), ("password", PASSWORD)]).await;
    assert!(page.says("Set up a second factor"), "{}", page.text());
    let mut without = site.signed_in("ada@example.test").await;
    assert_eq!(without.get("/account").await.status, 200, "the password alone opens it again");
    let letters = site.letters("ada@example.test").await;
    assert!(letters.iter().any(|letter| letter.text.contains("was switched off")));
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
