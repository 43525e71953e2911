//! acc-9, acc-10, rgt-2: passwords are changed, replaced and recovered; addresses come in plural.

use jiff::SignedDuration;
use kept_testkit::{Browser, PASSWORD, Site};

use crate::support::{count, ledger_size, sign_in, sign_up};

const NEW: &str = "copper lantern drifts eastward";

async fn opens(browser: &mut Browser) -> bool {
    browser.get("/account").await.status == 200
}

/// Signs in with a password, and says whether it did.
async fn can_sign_in(site: &Site, email: &str, password: &str) -> bool {
    sign_in(&mut site.browser(), email, password).await.path == "/account"
}

#[tokio::test]
async fn a_password_is_changed_with_the_old_one_and_ends_other_sessions() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let mut elsewhere = site.signed_in("ada@example.test").await;
    for (old, new, says) in [
        ("not the password at all", NEW, "This is not your password."),
        ("", NEW, "Fill in “Your password”."),
        (PASSWORD, "short", "at least 12 characters"),
        (PASSWORD, "ada@example.test", "among the first that are guessed"),
    ] {
        let page = ada.send("/account/password", &[("password", old), ("new_password", new)]).await;
        assert!(page.status == 422 && page.says(says), "{says}: {}", page.text());
        assert!(!page.html.contains(NEW), "what was typed is not shown again");
    }
    assert!(opens(&mut elsewhere).await);
    let before = ada.session();
    let page = ada.send("/account/password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    assert!(page.says("Every other session has ended"), "{}", page.text());
    assert!(opens(&mut ada).await && ada.session() != before);
    assert!(!opens(&mut elsewhere).await);
    assert!(!can_sign_in(&site, "ada@example.test", PASSWORD).await);
    assert!(can_sign_in(&site, "ada@example.test", NEW).await);
    let letters = site.letters("ada@example.test").await;
    assert!(letters.iter().any(|letter| letter.subject == "Your password was replaced"));
    let trail = ada.visit("/account/trail").await;
    assert!(trail.says("You set your password."), "{}", trail.text());
    assert!(trail.says("A wrong password was given on a page of your account"), "{}", trail.text());
}

/// Guessing the password at a keyboard that was left open is throttled as signing in is.
#[tokio::test]
async fn asking_again_is_throttled() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let wrong = [("password", "not the password at all"), ("new_password", NEW)];
    for _ in 0..10 {
        assert_eq!(ada.send("/account/password", &wrong).await.status, 422);
    }
    let right = [("password", PASSWORD), ("new_password", NEW)];
    assert_eq!(ada.send("/account/password", &right).await.status, 429);
}

/// acc-10: at once, and whichever way, nothing that was opened with the old password works any more.
#[tokio::test]
async fn a_compromised_password_ends_at_once() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let (mut ada, mut thief) =
        (site.signed_in("ada@example.test").await, site.signed_in("ada@example.test").await);
    let fields = [("password", PASSWORD), ("new_password", NEW)];
    let page = ada.send("/account/compromised", &fields).await;
    assert!(page.says("Every other session has ended"), "{}", page.text());
    assert!(opens(&mut ada).await && !opens(&mut thief).await);
    assert!(!can_sign_in(&site, "ada@example.test", PASSWORD).await);
    assert_eq!(
        count(&site, "SELECT COUNT(*) FROM happenings WHERE event = 'credential.compromised'").await,
        1
    );

    // Without knowing the password: it ends, and only a letter leads to another.
    let mut thief = site.browser();
    sign_in(&mut thief, "ada@example.test", NEW).await;
    site.clock.forward(SignedDuration::from_secs(1));
    let page = ada.send("/account/compromised", &[("by", "letter")]).await;
    assert!(page.says("Nobody can sign in with it any more"), "{}", page.text());
    assert_eq!(count(&site, "SELECT COUNT(*) FROM sessions").await, 0);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM keys WHERE kind = 'pd:Password'").await, 0);
    assert!(!opens(&mut thief).await && !can_sign_in(&site, "ada@example.test", NEW).await);
    let link = site.link("ada@example.test").await;
    assert!(link.starts_with("/recover/"));
    let mut anywhere = site.browser();
    let page = anywhere.send(&link, &[("new_password", PASSWORD)]).await;
    assert!(page.says("Your password is new"), "{}", page.text());
    assert!(can_sign_in(&site, "ada@example.test", PASSWORD).await);
    let mut ada = site.signed_in("ada@example.test").await;
    let trail = ada.visit("/account/trail").await;
    assert!(trail.says("You told us that somebody may know your password"), "{}", trail.text());
}

/// acc-9: single-use, expiring, and it tells nobody who has an account.
#[tokio::test]
async fn a_forgotten_password_comes_back_by_a_link_that_works_once() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut elsewhere = site.signed_in("ada@example.test").await;
    let mut ada = site.browser();
    assert!(ada.visit("/sign-in").await.html.contains("href=\"/forgotten\""));
    ada.send("/forgotten", &[("name", "Ada@Example.test")]).await;
    let first = site.link("ada@example.test").await;
    site.clock.forward(SignedDuration::from_secs(1));
    ada.send("/forgotten", &[("name", "ada@example.test")]).await;
    let link = site.link("ada@example.test").await;
    assert_eq!(ada.get(&first).await.status, 410, "a newer link replaces the older");
    assert!(opens(&mut elsewhere).await, "asking alone changes nothing");
    assert!(can_sign_in(&site, "ada@example.test", PASSWORD).await);

    assert_eq!(ada.get(&link).await.status, 200);
    assert_eq!(ada.send(&link, &[("new_password", "short")]).await.status, 422);
    let token = ada.token(&link).await;
    let (mut a, mut b) = (ada.clone(), ada.clone());
    let fields = [("new_password", NEW)];
    let (one, two) = tokio::join!(a.post_with(&link, &token, &fields), b.post_with(&link, &token, &fields));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410], "pressed twice at once");
    assert!(!opens(&mut elsewhere).await, "every session has ended");
    assert!(can_sign_in(&site, "ada@example.test", NEW).await);

    // An hour later it is worth nothing.
    site.clock.forward(SignedDuration::from_secs(1));
    ada.send("/forgotten", &[("name", "ada@example.test")]).await;
    let link = site.link("ada@example.test").await;
    site.clock.forward(SignedDuration::from_mins(61));
    assert_eq!(ada.get(&link).await.status, 410);
    site.sweep().await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM links").await, 0);
    assert_eq!(ada.get("/recover/AAAA").await.status, 410);
}

#[tokio::test]
async fn asking_for_a_new_password_answers_everybody_alike() {
    let site = Site::open().await;
    let subject = site.member("ada@example.test").await;
    sign_up(&mut site.browser(), "mira@example.test").await;
    let read = site.keeper.look(site.keeper.ctx(kept_keeper::Actor::Person(subject)), move |look| {
        look.view::<kept_accounts::MyProfile>(subject)
    });
    let member_id = read.await.unwrap().member_id.unwrap();
    site.keeper.write_journal().await.unwrap();
    let mut answers = Vec::new();
    for name in [
        "ada@example.test",
        &member_id.to_lowercase(),
        "nobody@example.test",
        "mira@example.test",
        "M-AAAAAA",
    ] {
        let before = ledger_size(&site).await;
        let page = site.browser().send("/forgotten", &[("name", name)]).await;
        answers.push((
            page.status,
            page.without_tokens(),
            page.headers.len(),
            ledger_size(&site).await - before,
        ));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "somebody is told apart");
    let letters = site.letters("ada@example.test").await;
    assert_eq!(letters.iter().filter(|letter| letter.subject == "Choose a new password").count(), 2);
    assert!(site.letters("mira@example.test").await.iter().all(|letter| !letter.text.contains("/recover/")));

    for name in ["ada@example.test", "nobody@example.test"] {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(site.browser().send("/forgotten", &[("name", name)]).await.status.as_u16());
        }
        assert_eq!(statuses, [200, 200, 429, 429], "one was asked for above: {name}");
    }
    assert_eq!(site.browser().send("/forgotten", &[("name", " ")]).await.status, 422);
}

/// rgt-2: an address is added by its owner, signs in, becomes the main one, and the old one is told each time.
#[tokio::test]
async fn addresses_come_in_plural() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let send =
        |what: &'static str, email: &'static str| [("do", what), ("email", email), ("password", PASSWORD)];
    let page = ada
        .send("/account/addresses", &[("do", "add"), ("email", "ada@work.test"), ("password", "no")])
        .await;
    assert_eq!(page.status, 422, "the password is asked for");
    for (what, email, says) in [
        ("add", "ADA@example.test", "You have this address here already."),
        ("add", "no address", "Write an e-mail address"),
        ("main", "ada@work.test", "not one of your confirmed addresses"),
        ("remove", "ada@work.test", "not one of your confirmed addresses"),
        ("remove", "ada@example.test", "This is your main address"),
    ] {
        let page = ada.send("/account/addresses", &send(what, email)).await;
        assert!(page.status == 422 && page.says(says), "{what} {email}: {}", page.text());
    }

    let page = ada.send("/account/addresses", &send("add", "ada@work.test")).await;
    assert!(page.says("ada@work.test: waits for its confirmation"), "{}", page.text());
    assert!(!can_sign_in(&site, "ada@work.test", PASSWORD).await, "not before it is confirmed");
    let letters = site.letters("ada@example.test").await;
    assert_eq!(letters.iter().filter(|letter| letter.to == "ada@work.test").count(), 1);
    assert!(letters.iter().any(|l| l.to == "ada@example.test" && l.subject.contains("is being added")));
    let link = site.link("ada@work.test").await;

    // The link belongs to whoever is signed in to this account.
    site.member("bert@example.test").await;
    assert!(site.browser().get(&link).await.location().unwrap().starts_with("/sign-in?to="));
    let mut bert = site.signed_in("bert@example.test").await;
    assert_eq!(bert.get(&link).await.status, 410);
    assert_eq!(bert.submit("/account", &link, &[]).await.status, 410);
    assert!(ada.get(&link).await.says("Confirm this address"));
    assert!(!can_sign_in(&site, "ada@work.test", PASSWORD).await, "opening the link changes nothing");
    assert_eq!(ada.send(&link, &[]).await.path, "/account/addresses");
    assert!(can_sign_in(&site, "ada@work.test", PASSWORD).await);
    assert!(can_sign_in(&site, "ada@example.test", PASSWORD).await);
    assert_eq!(ada.get(&link).await.status, 410, "it works once");

    // The main one changes; the old one is told, and the new one is written to from then on.
    let page = ada.send("/account/addresses", &send("main", "ada@work.test")).await;
    assert!(page.says("ada@work.test : the main one"), "{}", page.text());
    let told = site.letters("ada@work.test").await;
    assert!(
        told.iter().any(|l| l.to == "ada@example.test" && l.subject.contains("main address has changed"))
    );
    ada.send("/account", &[("given_name", "Ada"), ("family_name", "Oakenhurst")]).await;
    assert!(
        ada.visit("/account").await.says("Signed in as ada@work.test"),
        "saving details keeps the main address"
    );

    // A removed one is free for anybody.
    ada.send("/account/addresses", &send("remove", "ada@example.test")).await;
    assert!(!can_sign_in(&site, "ada@example.test", PASSWORD).await);
    assert_eq!(site.find("ada@example.test").await, None);
    let page = bert.send("/account/addresses", &send("add", "ada@example.test")).await;
    assert!(page.says("waits for its confirmation"), "{}", page.text());

    // One that somebody else has confirmed in the meantime is not given twice.
    let link = site.link("bert@example.test").await;
    site.member("ada@example.test").await;
    let page = bert.send(&link, &[]).await;
    assert!(page.status == 409 && page.says("Another account uses this address"), "{}", page.text());
}

/// What is not confirmed within a day is forgotten, with its index entry and its link.
#[tokio::test]
async fn an_address_that_is_not_confirmed_is_forgotten() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    ada.send("/account/addresses", &[("do", "add"), ("email", "ada@work.test"), ("password", PASSWORD)])
        .await;
    site.days(1).await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM lookups WHERE name = 'pending-email'").await, 0);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM vault WHERE record = 'new-address'").await, 0);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM links").await, 0);
    let mut ada = site.signed_in("ada@example.test").await;
    assert!(!ada.visit("/account/addresses").await.says("ada@work.test"));
}
