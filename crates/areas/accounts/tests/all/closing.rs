//! acc-13, acc-14, acc-15, rgt-3: closing an account, keeping it, letting it rest, and what happens to one that nobody uses.

use kept_keeper::Status;
use kept_testkit::{Browser, PASSWORD, Site, TRAINERS};

use crate::support::{count, deal, notice_with, sign_in};

/// What the page's form sends, with the password.
fn form(what: &'static str) -> [(&'static str, &'static str); 2] {
    [("do", what), ("password", PASSWORD)]
}

/// What it sends to close at once.
const NOW: [(&str, &str); 3] = [("do", "now"), ("password", PASSWORD), ("sure", "yes")];

/// The desk, and Ada, who disputes how we handle her data: of her something is kept.
async fn in_dispute(site: &Site) -> (Browser, Browser) {
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    deal(&mut desk, "ada@example.test", "open-dispute").await;
    (desk, site.signed_in("ada@example.test").await)
}

async fn opens(browser: &mut Browser) -> bool {
    browser.get("/account").await.status == 200
}

/// Nothing of anybody but the staff is held any more.
async fn nothing_is_left(site: &Site) {
    for table in ["accounts", "keys", "vault", "lookups", "happenings", "duties", "sessions", "trail"] {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let left = site.keeper.store().read(move |read| read.query_one(&sql, &[])?.get::<i64>(0)).await;
        let left = left.map_err(|cause: kept_store::StoreError| cause).unwrap();
        // The site's own trail is nobody's.
        let of_the_site = match table {
            "keys" => 1,
            "trail" => left,
            _ => 0,
        };
        assert_eq!(left, of_the_site, "{table}");
    }
}

#[tokio::test]
async fn closing_names_the_day_and_what_goes_and_does_it_then() {
    closes_on_its_day(Site::open().await).await;
}

#[tokio::test]
async fn closing_on_postgresql() {
    closes_on_its_day(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn closes_on_its_day(site: Site) {
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let mut elsewhere = site.signed_in("ada@example.test").await;
    let page = ada.visit("/account/close").await;
    for said in [
        "You have until 14 February 2027 to change your mind",
        "erased from 14 February 2027",
        "What goes Name, e-mail address, password",
        "member id",
        "Want a copy first?",
        "Close my account on 14 February 2027",
        "Close it now",
    ] {
        assert!(page.says(said), "the page does not say “{said}”: {}", page.text());
    }
    assert!(!page.says("What stays"), "this notice keeps nothing: {}", page.text());
    let page = ada.send("/account/close", &[("do", "close"), ("password", "not the password at all")]).await;
    assert!(page.status == 422 && page.says("This is not your password."));
    assert!(opens(&mut elsewhere).await);

    let page = ada.send("/account/close", &form("close")).await;
    assert!(page.says("Your account closes on 14 February 2027."), "{}", page.text());
    assert!(page.says("You asked us to close your account."), "{}", page.text());
    assert!(opens(&mut ada).await && !opens(&mut elsewhere).await);
    assert!(ada.visit("/account").await.says("Your account closes on 14 February 2027, as you asked."));
    let found = site.promise("right.erase").await.detail;
    assert!(found.ends_with("1 person has asked for it, and the date runs or it was taken back"), "{found}");
    let letters = site.letters("ada@example.test").await;
    assert!(letters.iter().any(|letter| letter.subject == "Your account closes on 14 February 2027"));

    site.days(13).await;
    let mut ada = site.signed_in("ada@example.test").await;
    assert!(ada.visit("/account/data").await.says("Erased from 14 February 2027"), "a day before");
    assert_eq!(site.promise("retain.closing").await.status, Status::NotDue);
    site.days(1).await;
    assert!(!opens(&mut ada).await);
    let page = sign_in(&mut ada, "ada@example.test", PASSWORD).await;
    assert!(page.says("do not match"), "nobody is there any more: {}", page.text());
    nothing_is_left(&site).await;
    let promise = site.promise("retain.closing").await;
    assert_eq!((promise.status, promise.count), (Status::Kept, 1), "{}", promise.detail);
}

#[tokio::test]
async fn whoever_thinks_again_keeps_everything() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    ada.send("/account/close", &form("close")).await;
    site.days(10).await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.send("/account/close", &[("do", "keep")]).await;
    assert!(page.says("You have until 24 February 2027 to change your mind"), "{}", page.text());
    assert!(!ada.visit("/account").await.says("closes on"));
    site.days(20).await;
    assert!(site.find("ada@example.test").await.is_some());
    let mut ada = site.signed_in("ada@example.test").await;
    let trail = ada.visit("/account/trail").await;
    assert!(trail.says("You asked us to close your account"), "{}", trail.text());

    // And asks anew, from a new day.
    let page = ada.send("/account/close", &form("close")).await;
    assert!(page.says("Your account closes on 16 March 2027."), "{}", page.text());
}

#[tokio::test]
async fn now_is_now_and_needs_a_tick() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.send("/account/close", &form("now")).await;
    assert!(page.status == 422 && page.says("Tick this box if you want it now"), "{}", page.text());
    let page = ada.send("/account/close", &NOW).await;
    assert!(page.path == "/account-closed" && page.says("Your account is closed"), "{}", page.text());
    assert!(ada.session().is_none());
    let page = sign_in(&mut ada, "ada@example.test", PASSWORD).await;
    assert_eq!(page.status, 403, "not even before the sweep has come: {}", page.text());
    site.sweep().await;
    nothing_is_left(&site).await;
    assert_eq!(site.promise("retain.closed").await.status, Status::Kept);
    assert_eq!(site.promise("right.erase").await.status, Status::Kept);
}

/// hold-1: what a hold keeps is named with its law before the button, and stays past the day.
#[tokio::test]
async fn a_hold_is_named_before_the_button() {
    let site = Site::open().await;
    let (mut desk, mut ada) = in_dispute(&site).await;
    let page = ada.visit("/account/close").await;
    assert!(page.says("What stays, and why") && page.says("PIPEDA, s. 8(8)"), "{}", page.text());
    assert!(page.says("until the dispute is settled"), "{}", page.text());
    let goes = page.text().split("What goes").nth(1).unwrap().to_owned();
    assert!(goes.contains("assword") && !goes.contains("e-mail address, "), "{goes}");
    ada.send("/account/close", &form("close")).await;
    site.days(20).await;
    assert!(site.find("ada@example.test").await.is_some(), "identity is held");
    assert_eq!(site.promise("retain.closing").await.status, Status::Kept);

    // The password is gone for good: none is chosen anew for what the dispute keeps.
    let letters = site.letters("ada@example.test").await.len();
    site.browser().send("/forgotten", &[("name", "ada@example.test")]).await;
    assert_eq!(site.letters("ada@example.test").await.len(), letters);
    assert_eq!(site.promise("retain.closing").await.status, Status::Kept);

    // Who works here is not closed by a press.
    let page = desk.visit("/account/close").await;
    assert!(
        page.says("an owner ends your role first") || page.path.starts_with("/sign-in"),
        "{}",
        page.text()
    );
}

/// What a dispute keeps of a closed account is not opened again by the date on which the membership would have ended.
#[tokio::test]
async fn what_was_closed_stays_closed() {
    let site = Site::open().await;
    let (_, mut ada) = in_dispute(&site).await;
    ada.send("/account/close", &NOW).await;
    site.days(400).await;
    assert!(site.find("ada@example.test").await.is_some(), "identity is held");
    for promise in ["right.erase", "retain.expired"] {
        assert_eq!(site.promise(promise).await.status, Status::Kept, "{promise}");
    }
}

#[tokio::test]
async fn whoever_works_here_cannot_close() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    assert!(sam.visit("/account/close").await.says("an owner ends your role first"));
    assert_eq!(sam.submit("/account", "/account/close", &NOW).await.status, 409);
    site.sweep().await;
    assert!(site.find("sam@example.test").await.is_some());
}

/// What a notice does not erase on closing is shown as staying, with its purpose and its date.
#[tokio::test]
async fn what_the_notice_keeps_is_shown_as_staying() {
    let all = "\"sign-in\", \"member-id\", \"membership\", \"credits\", \"mail\"";
    assert_eq!(TRAINERS.matches(all).count(), 2, "closing, and closing at once");
    let notice = TRAINERS
        .replace(all, "\"sign-in\", \"mail\"")
        .replace("when is credits erased, if account.closing", "when is identity erased, if account.closing");
    let site = Site::under(&notice).await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.visit("/account/close").await;
    assert!(page.says("What stays, and why Member id"), "{}", page.text());
    assert!(page.says("stays, to run your membership"), "{}", page.text());
    assert!(page.says("Erased from 31 January 2038, unless you renew your membership"), "{}", page.text());
}

/// acc-13: every sign-in starts the clock anew; before its end comes a letter with the day.
#[tokio::test]
async fn an_account_that_nobody_uses_is_erased_after_a_warning() {
    // A membership that never ends in this time, so that only the clock of unused accounts runs.
    let notice = notice_with("after  = \"2 years\"", "after  = \"100 days\"")
        .replace("answer = \"2029-01-31\"", "answer = \"2027-05-11\"");
    let site = Site::under(&notice).await;
    site.member("ada@example.test").await;
    site.signed_in("ada@example.test").await;
    site.days(60).await;
    site.signed_in("ada@example.test").await;
    site.days(69).await;
    assert!(site.letters("ada@example.test").await.is_empty(), "the second sign-in started it anew");
    site.days(2).await;
    let letters = site.letters("ada@example.test").await;
    assert_eq!(letters.len(), 1);
    assert!(letters[0].text.contains("on or after 10 July 2027"), "{}", letters[0].text);
    assert!(letters[0].text.contains("If you want to stay, sign in before that day."), "{}", letters[0].text);
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.visit("/account/data").await;
    assert!(page.says("unless you sign in again before"), "{}", page.text());
    site.days(99).await;
    assert!(site.find("ada@example.test").await.is_some());
    site.days(2).await;
    assert_eq!(site.find("ada@example.test").await, None);
    assert_eq!(site.promise("retain.inactive").await.status, Status::Kept);
    assert_eq!(
        count(&site, "SELECT COUNT(*) FROM lookups WHERE name = 'member-id'").await,
        1,
        "kept for a return"
    );
}

/// acc-15: deactivated on request, back by signing in, and erased where nobody comes back.
#[tokio::test]
async fn an_account_rests_and_returns() {
    let rests = "[retain.rests]\nref = [\"acc-15\"]\nwhen = \"account.deactivated\"\nunless = \"account.reactivated\"\n\
                 after = \"90 days\"\nerase = [\"identity\", \"address\", \"phone\", \"password\", \"sign-in\", \"member-id\", \
                 \"membership\", \"credits\", \"mail\", \"trail\"]\n\n[retain.mail]";
    let site = Site::under(&notice_with("[retain.mail]", rests)).await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.send("/account/close", &form("rest")).await;
    assert!(page.path == "/account-rests" && page.says("To return, sign in as before."), "{}", page.text());
    assert_eq!(count(&site, "SELECT COUNT(*) FROM sessions").await, 0);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE standing = 'deactivated'").await, 1);
    let letters = site.letters("ada@example.test").await;
    assert!(letters.iter().any(|letter| letter.text.contains("we erase it on 1 May 2027")), "{letters:?}");

    // A wrong password brings nothing back; the right one does, and stops the clock.
    site.days(40).await;
    sign_in(&mut site.browser(), "ada@example.test", "not the password at all").await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE standing = 'deactivated'").await, 1);
    let mut ada = site.signed_in("ada@example.test").await;
    assert!(opens(&mut ada).await);
    assert!(ada.visit("/account/trail").await.says("You activated your account again"));
    site.days(60).await;
    assert!(site.find("ada@example.test").await.is_some());

    let mut ada = site.signed_in("ada@example.test").await;
    ada.send("/account/close", &form("rest")).await;
    site.days(90).await;
    assert_eq!(site.find("ada@example.test").await, None);
    nothing_is_left(&site).await;

    // With a second factor, the code comes before the return.
    let subject = site.member("bert@example.test").await;
    let secret = site.act(move |act| kept_accounts::enrol(act, subject)).await;
    let mut bert = site.at_desk("bert@example.test", &secret).await;
    bert.send("/account/close", &form("rest")).await;
    site.clock.forward(jiff::SignedDuration::from_mins(1));
    let mut bert = site.signed_in("bert@example.test").await;
    assert_eq!(bert.get("/account").await.location(), Some("/sign-in/code"));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE standing = 'deactivated'").await, 1);
    assert_eq!(bert.send("/sign-in/code", &[("code", &site.code(&secret))]).await.path, "/account");
}

/// Under a notice that knows no rest, the page offers none, and a form that asks for it all the same is refused.
#[tokio::test]
async fn what_the_notice_does_not_know_is_not_offered() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    assert!(!ada.visit("/account/close").await.says("Or let it rest"));
    assert_eq!(ada.send("/account/close", &form("rest")).await.status, 400);
    assert_eq!(ada.send("/account/close", &form("everything")).await.status, 400);
    assert!(opens(&mut ada).await);
}
