//! Passwords: judged in plain words, hashed well, shown to nobody.

use jiff::SignedDuration;
use kept_accounts::SignInCheck;
use kept_keeper::Actor;
use kept_testkit::{PASSWORD, Site};

use crate::support::{least, sign_in};

#[tokio::test]
async fn weak_passwords_are_refused_in_plain_words_and_not_shown_again() {
    let site = Site::open().await;
    for (weak, said) in [
        ("short one", "Choose a password of at least 12 characters."),
        ("password1234", "among the first that are guessed"),
        ("quillfeather", "among the first that are guessed"),
    ] {
        let mut form = least("mira@example.test");
        form[3].1 = weak;
        let page = site.browser().send("/sign-up", &form).await;
        assert_eq!(page.status, 422, "{weak}");
        assert!(page.says(said), "{weak}: {}", page.text());
        assert!(!page.html.contains(&format!("value=\"{weak}")), "the field is shown empty");
    }
    assert_eq!(site.letters("mira@example.test").await.len(), 0);
    // Long ones, of any characters, are taken.
    let long: String = (0..64).map(|n| format!("{:04x}", n * 7919 % 65_521)).collect();
    for strong in [long, "ключ от тихого зимнего сада".into(), "🦔 kettle 🛶 orbit march".into()]
    {
        let email = format!("mira{}@example.test", strong.len());
        let mut form = least(&email);
        form[3].1 = &strong;
        let mut browser = site.browser();
        let page = browser.send("/sign-up", &form).await;
        assert_eq!(page.status, 200, "{}", page.text());
        browser.send(&site.link(&email).await, &[]).await;
        assert_eq!(sign_in(&mut browser, &email, &strong).await.path, "/account");
    }
}

/// Ten tries in a quarter of an hour, for an address with and without an account.
#[tokio::test]
async fn guessing_is_throttled_alike() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    for email in ["ada@example.test", "nobody@example.test"] {
        for _ in 0..10 {
            assert_eq!(sign_in(&mut site.browser(), email, "not the password at all").await.status, 422);
        }
        let page = sign_in(&mut site.browser(), email, PASSWORD).await;
        assert_eq!(page.status, 429, "{email}: even the right password waits");
        assert!(page.says("Try again in 15 minutes."), "{}", page.text());
        assert!(page.headers.contains_key("retry-after"));
    }
    site.clock.forward(SignedDuration::from_mins(15));
    site.signed_in("ada@example.test").await;
    // Who got in starts anew.
    for _ in 0..2 {
        for _ in 0..9 {
            sign_in(&mut site.browser(), "ada@example.test", "not the password at all").await;
        }
        site.signed_in("ada@example.test").await;
    }
}

#[tokio::test]
async fn the_vault_has_an_argon2id_hash_and_nothing_else() {
    let site = Site::open().await;
    let ada = site.member("ada@example.test").await;
    let ctx = site.keeper.ctx(Actor::System);
    let check = site.keeper.look(ctx, move |look| look.view::<SignInCheck>(ada));
    let hash = check.await.unwrap().hash.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$"), "not Argon2id");
    assert!(!hash.contains(PASSWORD));
    let mut browser = site.signed_in("ada@example.test").await;
    for path in ["/account", "/account/data"] {
        let page = browser.visit(path).await;
        assert!(!page.html.contains("argon2") && !page.html.contains(PASSWORD), "{path}");
    }
}
