//! Owners: the first comes with a code, the others by an owner's hand.

use kept_accounts::first_owner_code;
use kept_testkit::{Browser, PASSWORD, Site};

use crate::support::{deal, look_up};

async fn owner(site: &Site) -> Browser {
    let secret = site.staff("olive@example.test", "owner").await;
    site.at_desk("olive@example.test", &secret).await
}

#[tokio::test]
async fn the_first_owner_code_works_once() {
    let site = Site::open().await;
    let lost = first_owner_code(&site.keeper).await.unwrap().unwrap();
    let code = first_owner_code(&site.keeper).await.unwrap().unwrap();
    for email in ["ada@example.test", "mira@example.test"] {
        site.member(email).await;
    }
    assert_eq!(site.browser().get("/owner").await.location(), Some("/sign-in?to=%2Fowner"));
    let mut ada = site.signed_in("ada@example.test").await;
    for wrong in ["AAAAAA-AAAAAA-AAAAAA-AAAAAA", &lost] {
        let page = ada.send("/owner", &[("code", wrong)]).await;
        assert_eq!(page.status, 422);
        assert!(page.says("This is not the code, or it has been used."));
    }
    assert_eq!(ada.get("/desk").await.status, 404);
    let page = ada.send("/owner", &[("code", &code.to_lowercase())]).await;
    assert_eq!(page.path, "/account/second-factor", "{}", page.text());
    let mut mira = site.signed_in("mira@example.test").await;
    assert_eq!(mira.send("/owner", &[("code", &code)]).await.status, 422);
    assert_eq!(mira.get("/desk").await.status, 404);
    assert_eq!(first_owner_code(&site.keeper).await.unwrap(), None, "there is an owner");
}

#[tokio::test]
async fn guessing_the_code_is_throttled() {
    let site = Site::open().await;
    let code = first_owner_code(&site.keeper).await.unwrap().unwrap();
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    for _ in 0..10 {
        assert_eq!(ada.send("/owner", &[("code", "AAAAAA")]).await.status, 422);
    }
    assert_eq!(ada.send("/owner", &[("code", &code)]).await.status, 429);
}

#[tokio::test]
async fn roles_are_given_and_end_at_once() {
    let site = Site::open().await;
    let mut olive = owner(&site).await;
    site.member("ada@example.test").await;
    let page = olive.send("/desk/staff", &[("email", "nobody@example.test"), ("role", "support")]).await;
    assert_eq!(page.status, 404);
    assert!(page.says("They sign up or renew first, like everybody."));
    let page = olive.send("/desk/staff", &[("email", "ada@example.test"), ("role", "support")]).await;
    assert!(page.says("Ada Testwell ada@example.test support"), "{}", page.text());

    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.send("/account/second-factor", &[("do", "begin"), ("password", PASSWORD)]).await;
    let secret = page.html.split("<code>").nth(1).unwrap().split('<').next().unwrap();
    let page = ada.send("/account/second-factor", &[("code", &site.code(secret))]).await;
    assert!(page.says("Your recovery codes"), "{}", page.text());
    assert_eq!(ada.get("/desk").await.status, 200);

    // rgt-1: a role is among what is held about whoever has it.
    let page = ada.visit("/account/data").await;
    assert!(page.says("You work here as support."), "{}", page.text());

    let id = olive.visit("/desk/staff").await.value("end").unwrap();
    let page = olive.send("/desk/staff", &[("end", &id), ("role", "support")]).await;
    assert!(!page.says("ada@example.test"), "{}", page.text());
    assert_eq!(ada.get("/desk").await.status, 404, "at once, in the session that there is");
    // use-1: the person sees who changed what, too.
    let page = ada.visit("/account/data").await;
    assert!(page.says("An owner of this site noted: role support ended"), "{}", page.text());
}

#[tokio::test]
async fn an_owner_cannot_end_their_own_ownership() {
    let site = Site::open().await;
    let mut olive = owner(&site).await;
    let id = site.find("olive@example.test").await.unwrap().to_string();
    let page = olive.send("/desk/staff", &[("end", &id), ("role", "owner")]).await;
    assert_eq!(page.status, 400);
    assert!(page.says("another owner can"));
    assert_eq!(olive.send("/desk/staff", &[("end", &id), ("role", "emperor")]).await.status, 400);
    assert_eq!(olive.get("/desk").await.status, 200);
}

/// The desk cannot switch off those who run the site.
#[tokio::test]
async fn the_desk_leaves_staff_to_the_owners() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    owner(&site).await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    let card = look_up(&mut sam, "olive@example.test", "asked on the phone").await;
    assert!(card.says("This person works here.") && !card.says("Switch the account off"), "{}", card.text());
    for word in ["disable", "expire", "renew"] {
        assert_eq!(deal(&mut sam, "olive@example.test", word).await.status, 409, "{word}");
    }
    site.signed_in("olive@example.test").await;
}
