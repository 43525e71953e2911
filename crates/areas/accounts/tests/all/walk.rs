//! The whole walk of a membership, from signing up to what remains after it.

use kept_keeper::Status;
use kept_testkit::{PASSWORD, Site};

use crate::support::{count, deal, least, look_up, sign_in, sign_up};

#[tokio::test]
async fn a_membership_from_signing_up_to_what_remains() {
    live_through(Site::open().await).await;
}

#[tokio::test]
async fn the_same_membership_on_postgresql() {
    live_through(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

/// acc-1, acc-3, acc-11, acc-12, rgt-1, rgt-2, use-1: a life under the notice.
async fn live_through(site: Site) {
    let secret = site.staff("sam@example.test", "support").await;
    let (email, mut mira) = ("mira@example.test", site.browser());

    // Signing up says only that mail is on its way; the link does nothing by itself.
    sign_up(&mut mira, email).await;
    assert!(sign_in(&mut mira.clone(), email, PASSWORD).await.says("do not match"), "not yet confirmed");
    let link = site.link(email).await;
    let page = mira.get(&link).await;
    assert!(page.says("Confirm my address"));
    assert!(page.value("password").is_none() && !page.html.contains("type=\"password\""));
    assert_eq!(site.find(email).await, None, "opening the link must change nothing");
    let page = mira.send(&link, &[]).await;
    assert!(page.says("Your account is open"), "{}", page.text());
    assert!(page.says("your membership runs until 31 January 2028"), "{}", page.text());
    let subject = site.find(email).await.unwrap();

    // Signing in, and correcting one's details.
    let page = sign_in(&mut mira, email, PASSWORD).await;
    assert_eq!(page.path, "/account", "{}", page.text());
    assert!(page.says("Membership until 31 January 2028"), "{}", page.text());
    let details = [
        ("given_name", "Mira"),
        ("family_name", "Oakenhurst"),
        ("address", "5 Example Lane\r\nSampletown"),
        ("phone", "+1 555 0100"),
    ];
    let page = mira.send("/account", &details).await;
    assert_eq!(page.path, "/account?saved");
    assert!(page.says("Saved."));
    assert_eq!(page.value("family_name").as_deref(), Some("Oakenhurst"));
    assert_eq!(page.value("address").as_deref(), Some("5 Example Lane\nSampletown"));
    assert!(!mira.visit("/account").await.says("Saved."), "only after saving");
    site.act(move |act| kept_accounts::members::credit(act, subject, 15, "Programme design")).await;

    // My data: each kind with what it says, why, until when and from whom.
    let page = mira.visit("/account/data").await;
    for said in [
        "Name, e-mail address Mira Oakenhurst mira@example.test to run your membership",
        "5 Example Lane Sampletown",
        "+1 555 0100",
        "Stored so that nobody can read it, not even we.",
        "to run your membership",
        "to let you, and nobody else, sign in as you",
        "to count the credits you earned",
        "Erased from 31 July 2028, unless you renew your membership",
        "Erased from 31 January 2038, unless you renew your membership",
        "Erased from 7 February 2027",
        "Until 31 January 2028. Open since 31 January 2027.",
        "Member id",
        "Text of our messages to you “Please confirm your address” to write to you about your membership",
        "This site wrote down your member id",
        "1 credit entry",
        "1 open session",
        "You signed in",
    ] {
        assert!(page.says(said), "My data does not say “{said}”: {}", page.text());
    }
    assert!(!page.says("You work here"), "{}", page.text());
    assert!(!page.says("after you sign up"), "the clock of a sign-up that is over: {}", page.text());

    // The desk looks, with a reason, and the member sees both.
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    let page = look_up(&mut desk, email, "asks when the membership ends").await;
    assert!(page.says("Mira Oakenhurst") && page.says("31 January 2028"), "{}", page.text());
    let page = mira.visit("/account/data").await;
    assert!(page.says("Our support desk looked at your name, e-mail address"), "{}", page.text());
    assert!(page.says("You opened the page “My account”, 4 times in a row."), "{}", page.text());
    assert!(page.says("The reason given: “asks when the membership ends”"), "{}", page.text());

    // The membership ends on its date.
    site.days(364).await;
    assert_eq!(sign_in(&mut mira, email, PASSWORD).await.path, "/account", "a day before the end");
    site.days(1).await;
    assert_eq!(mira.get("/account").await.location(), Some("/sign-in"), "the session has ended too");
    let page = sign_in(&mut mira, email, "not the password at all").await;
    assert!(page.says("do not match") && !page.says("switched off"), "{}", page.text());
    let page = sign_in(&mut mira, email, PASSWORD).await;
    assert_eq!(page.path, "/account/switched-off");
    assert!(page.says("Your membership ended on 31 January 2028"), "{}", page.text());
    assert!(page.says("From 31 July 2028 we erase"), "{}", page.text());

    // Thirty days before the end of the six months comes a warning with the date itself.
    site.days(152).await;
    let letters = site.letters(email).await;
    assert_eq!(letters.len(), 1, "the warning, and nothing older");
    assert!(letters[0].text.contains("on or after 31 July 2028"), "{}", letters[0].text);
    assert_eq!(letters[0].subject, "Your data will be erased from 31 July 2028");

    // One day before it is all there; then identity is gone, and what the notice keeps is kept.
    let identity = "SELECT COUNT(*) FROM keys WHERE kind IN ('pd:Name', 'pd:EmailAddress', 'pd:PhysicalAddress', \
                    'pd:TelephoneNumber', 'pd:Password')";
    let sams = count(&site, identity).await;
    site.days(29).await;
    assert_eq!(count(&site, identity).await, sams);
    assert_eq!(site.promise("retain.lapsed").await.status, Status::NotDue);
    site.days(2).await;
    assert_eq!(site.find(email).await, None);
    assert_eq!(count(&site, identity).await, sams - 5);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM credits").await, 1);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM keys WHERE kind = 'pd:Identifier'").await, 2);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM accounts WHERE standing = 'disabled'").await, 1);
    assert!(sign_in(&mut mira, email, PASSWORD).await.says("do not match"), "the address is unknown now");

    // The board says so, with a count, and every sentence is kept.
    let promise = site.promise("retain.lapsed").await;
    assert_eq!((promise.status, promise.count), (Status::Kept, 1), "{}", promise.detail);
    let broken: Vec<_> = site.keeper.board().await.unwrap().promises;
    let broken: Vec<_> = broken.iter().filter(|p| p.status == Status::Broken).map(|p| &p.detail).collect();
    assert!(broken.is_empty(), "{broken:?}");
    let board = site.browser().visit("/notice/kept").await;
    assert!(board.says("Erased 1 time, never early. Counted 1."), "{}", board.text());

    // The address is free for a new beginning.
    let mut again = site.browser();
    sign_up(&mut again, email).await;
    again.send(&site.link(email).await, &[]).await;
    assert_ne!(site.find(email).await.unwrap(), subject);
}

/// acc-12: a renewal in time stops the clocks; so does one between the end and the sweep.
#[tokio::test]
async fn a_renewal_stops_the_clocks() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;

    // Ended by mistake and renewed at once: the sweep that comes after must not switch it off.
    assert!(deal(&mut desk, "ada@example.test", "expire").await.says("has ended today"));
    assert!(deal(&mut desk, "ada@example.test", "renew").await.says("renewed for a year"));
    site.sweep().await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.visit("/account/data").await;
    assert!(!page.says("Your account was switched off"), "{}", page.text());
    assert_eq!(site.promise("retain.expired").await.count, 0);

    // Ended, switched off, and renewed after the warning.
    deal(&mut desk, "ada@example.test", "expire").await;
    site.days(160).await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    deal(&mut desk, "ada@example.test", "renew").await;
    let letters = site.letters("ada@example.test").await;
    assert!(letters.last().unwrap().text.contains("until 10 July 2028"), "{:?}", letters.last());
    site.days(60).await;
    let mut ada = site.signed_in("ada@example.test").await;
    assert!(ada.visit("/account").await.says("Membership until 10 July 2028"));
    let page = ada.visit("/account/data").await;
    assert!(page.says("Erased from 10 January 2029, unless you renew your membership"), "{}", page.text());
    assert_eq!(site.promise("retain.lapsed").await.count, 0);
}

/// acc-12: what is renewed early is counted from the end that was paid for.
#[tokio::test]
async fn renewing_early_loses_no_day() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    site.member("ada@example.test").await;
    site.days(20).await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    deal(&mut desk, "ada@example.test", "renew").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = ada.visit("/account").await;
    assert!(page.says("Membership until 31 January 2029"), "{}", page.text());
}

/// hold-1: a dispute keeps what it covers past the end, says so to the desk, and lets go when it is settled.
#[tokio::test]
async fn a_dispute_holds_and_settles() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let mut ada = site.browser();
    let mut form = least("ada@example.test");
    form.push(("phone", "+1 555 0100"));
    ada.send("/sign-up", &form).await;
    ada.send(&site.link("ada@example.test").await, &[]).await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    assert!(deal(&mut desk, "ada@example.test", "open-dispute").await.says("is kept until it is settled"));
    let page = site.signed_in("ada@example.test").await.visit("/account/data").await;
    assert!(page.says("A hold keeps it for now."), "{}", page.text());
    deal(&mut desk, "ada@example.test", "expire").await;

    site.days(185).await;
    assert!(site.find("ada@example.test").await.is_some(), "identity is held");
    let phones = "SELECT COUNT(*) FROM keys WHERE kind = 'pd:TelephoneNumber'";
    assert_eq!(count(&site, phones).await, 0, "the hold does not cover the telephone number");
    let promise = site.promise("retain.lapsed").await;
    assert!(promise.detail.contains("a hold keeps 1"), "{}", promise.detail);
    assert_ne!(promise.status, Status::Broken);

    let mut desk = site.at_desk("sam@example.test", &secret).await;
    assert!(deal(&mut desk, "ada@example.test", "settle-dispute").await.says("run again"));
    let card = look_up(&mut desk, "ada@example.test", "is it settled").await;
    assert!(card.says("Note a dispute") && !card.says("Settle the dispute"), "{}", card.text());
    site.days(1).await;
    assert_eq!(site.find("ada@example.test").await, None);
    assert_eq!(site.promise("retain.lapsed").await.status, Status::Kept);
}

/// acc-1: who never confirms is forgotten after a week, and the link works for a day.
#[tokio::test]
async fn a_sign_up_that_is_never_confirmed_is_forgotten() {
    let site = Site::open().await;
    let mut browser = site.browser();
    sign_up(&mut browser, "mira@example.test").await;
    let link = site.link("mira@example.test").await;
    site.days(1).await;
    assert_eq!(browser.get(&link).await.status, 410);
    site.days(7).await;
    assert_eq!(site.letters("mira@example.test").await.len(), 0);
    for table in [
        "SELECT COUNT(*) FROM accounts",
        "SELECT COUNT(*) FROM lookups",
        "SELECT COUNT(*) FROM confirmations",
    ] {
        assert_eq!(count(&site, table).await, 0, "{table}");
    }
    assert_eq!(site.promise("retain.pending").await.status, Status::Kept);
}
