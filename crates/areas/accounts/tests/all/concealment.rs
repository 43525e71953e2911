//! Nobody learns from this site who has an account: not from a page, not from how much is written.

use kept_testkit::{PASSWORD, Site};

use crate::support::{count, least, ledger_size, sign_in, sign_up};

#[tokio::test]
async fn signing_up_answers_the_same_with_and_without_an_account() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let (mut one, mut two) = (site.browser(), site.browser());
    let start = ledger_size(&site).await;
    let new = sign_up(&mut one, "mira@example.test").await;
    let middle = ledger_size(&site).await;
    let known = sign_up(&mut two, "Ada@Example.test").await;
    let end = ledger_size(&site).await;
    assert_eq!(new.without_tokens(), known.without_tokens());
    assert_eq!(new.headers.len(), known.headers.len());
    assert_eq!(middle - start, end - middle, "the ledger's public size tells them apart");

    // Only the owner of the address is told.
    let letters = site.letters("ada@example.test").await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "ada@example.test");
    assert!(letters[0].text.contains("You already have an account"), "{}", letters[0].text);
    assert!(!letters[0].text.contains("/confirm/"));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts").await, 2);
}

#[tokio::test]
async fn signing_in_answers_the_same_to_an_unknown_a_pending_and_a_known_address() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    sign_up(&mut site.browser(), "mira@example.test").await;
    let mut pages = Vec::new();
    for (email, password) in [
        ("nobody@example.test", PASSWORD),
        ("mira@example.test", PASSWORD),
        ("ada@example.test", "not the password at all"),
    ] {
        let before = ledger_size(&site).await;
        let page = sign_in(&mut site.browser(), email, password).await;
        let written = ledger_size(&site).await - before;
        pages.push((page.status, page.without_tokens().replace(email, "…"), page.headers.len(), written));
    }
    assert_eq!(pages[0].0, 422);
    assert_eq!(pages[0].3, 1);
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
}

#[tokio::test]
async fn two_sign_ups_with_one_address_become_one_account() {
    let site = Site::open().await;
    let (mut one, mut two) = (site.browser(), site.browser());
    tokio::join!(sign_up(&mut one, "mira@example.test"), sign_up(&mut two, "mira@example.test"));
    let texts: Vec<String> =
        site.letters("mira@example.test").await.into_iter().map(|letter| letter.text).collect();
    let links: Vec<&str> = texts
        .iter()
        .flat_map(|text| text.split_whitespace())
        .filter_map(|word| word.strip_prefix("https://trainers.example.test"))
        .collect();
    assert_eq!(links.len(), 2);
    let mut pages = Vec::new();
    for link in &links {
        // Each link asks the browser that is not its own for the password.
        let browser =
            if one.get(link).await.html.contains("type=\"password\"") { &mut two } else { &mut one };
        let token = browser.token(link).await;
        pages.push((browser.clone(), *link, token));
    }
    let [(mut a, link_a, token_a), (mut b, link_b, token_b)] = pages.try_into().ok().unwrap();
    let (first, second) =
        tokio::join!(a.post_with(link_a, &token_a, &[]), b.post_with(link_b, &token_b, &[]));
    let opened = [&first, &second].iter().filter(|page| page.says("Your account is open")).count();
    let taken =
        [&first, &second].iter().filter(|page| page.says("Another account uses this address")).count();
    assert_eq!((opened, taken), (1, 1), "{} / {}", first.text(), second.text());
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE standing = 'open'").await, 1);
}

#[tokio::test]
async fn a_link_that_is_used_twice_at_once_opens_one_account() {
    let site = Site::open().await;
    let mut browser = site.browser();
    sign_up(&mut browser, "mira@example.test").await;
    let link = site.link("mira@example.test").await;
    let token = browser.token(&link).await;
    let (mut a, mut b) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(a.post_with(&link, &token, &[]), b.post_with(&link, &token, &[]));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410]);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM lookups WHERE name = 'member-id'").await, 1);
    assert_eq!(browser.get(&link).await.status, 410, "a link works once");
}

/// Who types in another's address does not own the account that the other confirms.
#[tokio::test]
async fn another_browser_must_know_the_password() {
    let site = Site::open().await;
    sign_up(&mut site.browser(), "mira@example.test").await;
    let link = site.link("mira@example.test").await;
    let mut other = site.browser();
    assert!(other.get(&link).await.says("another browser than the one you signed up with"));
    let page = other.send(&link, &[]).await;
    assert_eq!(page.status, 422);
    let page = other.send(&link, &[("password", "not the password at all")]).await;
    assert_eq!(page.status, 422);
    assert!(page.says("not the password that was chosen"));
    assert_eq!(site.find("mira@example.test").await, None);
    let page = other.send(&link, &[("password", PASSWORD)]).await;
    assert!(page.says("Your account is open"), "{}", page.text());

    // Guessing is throttled.
    sign_up(&mut site.browser(), "zeno@example.test").await;
    let link = site.link("zeno@example.test").await;
    for _ in 0..10 {
        assert_eq!(other.send(&link, &[("password", "not the password at all")]).await.status, 422);
    }
    assert_eq!(other.send(&link, &[("password", PASSWORD)]).await.status, 429);
}

/// A failed sign-in leaves the browser the one that signed up.
#[tokio::test]
async fn trying_to_sign_in_before_confirming_costs_nothing() {
    let site = Site::open().await;
    let mut browser = site.browser();
    sign_up(&mut browser, "mira@example.test").await;
    sign_in(&mut browser, "mira@example.test", PASSWORD).await;
    let page = browser.send(&site.link("mira@example.test").await, &[]).await;
    assert!(page.says("Your account is open"), "{}", page.text());
}

#[tokio::test]
async fn signing_up_is_throttled_by_address_alike() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    for email in ["ada@example.test", "new@example.test"] {
        for _ in 0..5 {
            assert_eq!(site.browser().send("/sign-up", &least(email)).await.status, 200);
        }
        let page = site.browser().send("/sign-up", &least(email)).await;
        assert_eq!((page.status.as_u16(), page.headers.contains_key("retry-after")), (429, true));
    }
}
