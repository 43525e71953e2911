//! acc-6, acc-8, acc-17: remembered devices, on the process service, whose notice remembers them for 30 days.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jiff::SignedDuration;
use kept_keeper::{Database, Status};
use kept_testkit::{Browser, PASSWORD, PROCESS, Page, Site};
use sha2::{Digest, Sha256};

use crate::support::{count, least, sign_in};

pub(crate) async fn remembered(site: &Site, email: &str) -> Browser {
    let mut browser = site.browser();
    let form = [("email", email), ("password", PASSWORD), ("remember", "yes")];
    let page = browser.send("/sign-in", &form).await;
    assert_eq!(page.path, "/account", "{}", page.text());
    browser
}

async fn account(browser: &mut Browser) -> Page {
    browser.visit("/account").await
}

/// What the database knows of a device.
fn digest((_, id): &(String, String)) -> [u8; 32] {
    Sha256::digest(BASE64URL_NOPAD.decode(id.as_bytes()).unwrap()).into()
}

#[tokio::test]
async fn who_asks_for_it_need_not_sign_in_again() {
    is_remembered(Site::under(PROCESS).await).await;
}

#[tokio::test]
async fn a_device_is_remembered_on_postgresql() {
    is_remembered(Site::on(Database::Url(&kept_pgtest::empty_database()), PROCESS).await).await;
}

async fn is_remembered(site: Site) {
    site.member("ada@example.test").await;
    let mut ada = remembered(&site, "ada@example.test").await;
    let (name, value) = ada.device().unwrap();
    assert_eq!((name.as_str(), value.len()), ("__Host-kept_device", 43), "32 random bytes");
    for days in [1, 9, 19] {
        ada.restart();
        site.clock.forward(SignedDuration::from_hours(24 * days));
        assert_eq!(account(&mut ada).await.path, "/account", "day {days}");
        assert!(ada.session().is_some());
        assert_eq!(ada.device().unwrap().1, value);
    }
    // The thirty days are over however much it was used, and the browser is told.
    ada.restart();
    site.clock.forward(SignedDuration::from_hours(24));
    assert_eq!(account(&mut ada).await.path, "/sign-in");
    assert!(ada.device().is_none());
    site.sweep().await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM devices").await, 0);
}

#[tokio::test]
async fn who_does_not_ask_is_not_remembered() {
    let site = Site::under(PROCESS).await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    assert!(ada.device().is_none());
    ada.restart();
    assert_eq!(account(&mut ada).await.path, "/sign-in");
    assert_eq!(count(&site, "SELECT COUNT(*) FROM devices").await, 0);
}

#[tokio::test]
async fn a_notice_that_remembers_none_has_neither_box_nor_page() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    assert!(!site.browser().get("/sign-in").await.says("Remember this device"));
    let mut ada = remembered(&site, "ada@example.test").await;
    assert!(ada.device().is_none());
    assert_eq!(ada.get("/account/devices").await.status, 404);

    // A device that is known all the same opens nothing, and the check finds it.
    let other = Site::under(PROCESS).await;
    other.member("ada@example.test").await;
    let device = remembered(&other, "ada@example.test").await.device().unwrap();
    let digest = digest(&device);
    let subject = site.find("ada@example.test").await.unwrap();
    site.act(move |act| {
        let far = i64::MAX;
        Ok(act.tx().execute(
            "INSERT INTO devices (digest, subject, began, seen, ends) VALUES ($1, $2, 0, 0, $3)",
            &kept_store::params![digest, subject.as_bytes(), far],
        )?)
    })
    .await;
    let mut thief = site.browser();
    thief.plant(device);
    assert_eq!(account(&mut thief).await.path, "/sign-in");
    let page = sign_in(&mut thief, "ada@example.test", PASSWORD).await;
    assert_eq!((page.status.as_u16(), page.path.as_str()), (200, "/account"));
    thief.submit("/account", "/sign-out", &[]).await;
    assert_eq!(site.promise("session").await.status, Status::Broken);
}

#[tokio::test]
async fn signing_out_forgets_the_device_and_a_new_sign_in_asks_anew() {
    let site = Site::under(PROCESS).await;
    site.member("ada@example.test").await;
    site.member("bob@example.test").await;
    let mut browser = remembered(&site, "ada@example.test").await;
    let copy = browser.device().unwrap();
    browser.post("/account", "/sign-out", &[]).await;
    assert!(browser.device().is_none());
    let mut thief = site.browser();
    thief.plant(copy);
    assert_eq!(account(&mut thief).await.path, "/sign-in");

    // Bob signs in on the machine that remembered Ada, and does not ask for it: nobody is remembered there.
    let mut browser = remembered(&site, "ada@example.test").await;
    browser.restart();
    let mut bob = browser.clone();
    bob.restart();
    // A page without a session brings Ada back first; Bob signs in over her.
    sign_in(&mut bob, "bob@example.test", PASSWORD).await;
    assert!(bob.device().is_none());
    bob.restart();
    assert_eq!(account(&mut bob).await.path, "/sign-in");
    assert_eq!(count(&site, "SELECT COUNT(*) FROM devices").await, 0);
}

#[tokio::test]
async fn devices_are_listed_and_each_can_be_forgotten_by_its_owner_alone() {
    let site = Site::under(PROCESS).await;
    site.member("ada@example.test").await;
    site.member("bob@example.test").await;
    let mut ada = remembered(&site, "ada@example.test").await;
    let mut phone = remembered(&site, "ada@example.test").await;
    let mut bob = remembered(&site, "bob@example.test").await;
    assert!(account(&mut ada).await.says("Remembered devices"));
    let page = ada.get("/account/devices").await;
    assert_eq!(
        (page.status.as_u16(), page.html.matches("name=\"forget\"").count()),
        (200, 2),
        "{}",
        page.text()
    );
    assert!(page.says("this is the one you are using"));

    let named = |browser: &Browser| HEXLOWER.encode(&digest(&browser.device().unwrap()));
    let (of_phone, of_bob) = (named(&phone), named(&bob));
    ada.send("/account/devices", &[("forget", &of_bob)]).await;
    bob.restart();
    assert_eq!(account(&mut bob).await.path, "/account", "another's device is not Ada's to forget");
    ada.send("/account/devices", &[("forget", &of_phone)]).await;
    phone.restart();
    assert_eq!(account(&mut phone).await.path, "/sign-in");
    ada.send("/account/devices", &[("all", "yes")]).await;
    ada.restart();
    assert_eq!(account(&mut ada).await.path, "/sign-in");
    let page = bob.send("/account/devices", &[("forget", "what")]).await;
    assert_eq!(page.status, 400);
}

/// A device opens what a password opens: a second factor is still asked for.
#[tokio::test]
async fn a_device_does_not_stand_for_a_second_factor() {
    let site = Site::under(PROCESS).await;
    let secret = site.staff("sam@example.test", "support").await;
    let mut sam = site.browser();
    let form = [("email", "sam@example.test"), ("password", PASSWORD), ("remember", "yes")];
    sam.send("/sign-in", &form).await;
    sam.send("/sign-in/code", &[("code", &site.code(&secret))]).await;
    assert_eq!(account(&mut sam).await.path, "/account");
    sam.restart();
    assert_eq!(account(&mut sam).await.path, "/sign-in/code");
    assert_eq!(sam.visit("/desk").await.path, "/sign-in/code?to=%2Fdesk");
}

#[tokio::test]
async fn an_account_that_is_switched_off_has_no_devices() {
    let site = Site::under(PROCESS).await;
    let subject = site.member("ada@example.test").await;
    let mut ada = remembered(&site, "ada@example.test").await;
    ada.restart();
    site.act(move |act| kept_accounts::members::disable(act, subject)).await;
    assert_eq!(account(&mut ada).await.path, "/sign-in");
    assert_eq!(count(&site, "SELECT COUNT(*) FROM devices").await, 0);
}

/// The check finds a device that is remembered for longer than the notice says.
#[tokio::test]
async fn a_device_that_lasts_too_long_is_found() {
    let site = Site::under(PROCESS).await;
    site.member("ada@example.test").await;
    remembered(&site, "ada@example.test").await;
    assert_eq!(site.promise("session").await.status, Status::Kept);
    site.act(|act| Ok(act.tx().execute("UPDATE devices SET ends = ends + 60000", &[])?)).await;
    assert_eq!(site.promise("session").await.status, Status::Broken);
}

/// With cookies refused one can read, and is told plainly what one cannot do.
#[tokio::test]
async fn without_cookies_one_can_read_but_not_open_an_account() {
    let site = Site::under(PROCESS).await;
    let mut reader = site.browser();
    reader.refuse_cookies();
    for path in ["/", "/notice", "/notice/kept", "/notice/uses", "/sign-up", "/sign-in"] {
        assert_eq!(reader.get(path).await.status, 200, "{path}");
    }
    for (path, form) in
        [("/sign-up", least("ada@example.test")), ("/sign-in", vec![("email", "ada@example.test")])]
    {
        let page = reader.send(path, &form).await;
        assert_eq!(page.status, 403, "{path}");
        assert!(
            page.says("You can read every public page without one, but not open an account"),
            "{}",
            page.text()
        );
    }
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts").await, 0);
}

/// Under this notice there are no memberships, member ids or credits, and no field for a postal address.
#[tokio::test]
async fn what_the_notice_does_not_name_is_not_there() {
    let site = Site::under(PROCESS).await;
    let subject = site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = account(&mut ada).await;
    for absent in ["Membership", "Member id", "credits", "Postal address"] {
        assert!(!page.says(absent), "{absent}: {}", page.text());
    }
    assert!(!site.browser().get("/sign-up").await.says("Postal address"));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE expires IS NULL").await, 1);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM duties WHERE rule = 'accounts.expire'").await, 0);
    let undeclared = site.keeper.act(site.keeper.ctx(kept_keeper::Actor::System), move |act| {
        kept_accounts::members::credit(act, subject, 10, "Ethics")
    });
    assert!(matches!(undeclared.await, Err(kept_keeper::KeeperError::Undeclared(_))));
    site.days(400).await;
    site.signed_in("ada@example.test").await;
}
