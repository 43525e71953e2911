//! Four eyes: what weighs is one owner's proposal and another's confirmation.

use jiff::SignedDuration;
use kept_keeper::Status;
use kept_testkit::{Browser, Page, Site};

use crate::support::count;

const HERE: &str = "/desk/proposals";

async fn owner(site: &Site, email: &str) -> Browser {
    let secret = site.staff(email, "owner").await;
    site.at_desk(email, &secret).await
}

async fn propose_ada(site: &Site, olive: &mut Browser) -> String {
    let ada = site.member("ada@example.test").await.to_string();
    let page = olive.send("/desk/staff", &[("email", "ada@example.test"), ("role", "owner")]).await;
    assert_eq!((page.status.as_u16(), page.path.as_str()), (200, HERE), "{}", page.text());
    ada
}

async fn answer(browser: &mut Browser, ada: &str, word: &str) -> Page {
    browser.submit(HERE, HERE, &[("act", "owner"), ("target", ada), ("do", word)]).await
}

async fn is_owner(site: &Site) -> bool {
    count(site, "SELECT COUNT(*) FROM roles WHERE role = 'owner'").await > 2
}

#[tokio::test]
async fn a_second_owner_confirms_a_new_one() {
    let site = Site::open().await;
    let mut olive = owner(&site, "olive@example.test").await;
    let mut oscar = owner(&site, "oscar@example.test").await;
    let ada = propose_ada(&site, &mut olive).await;
    assert!(!is_owner(&site).await, "one owner is not enough");
    let page = olive.visit(HERE).await;
    assert!(page.says("You propose to make somebody an owner"), "{}", page.text());
    assert!(page.says("by 7 February 2027") && !page.says("Confirm it"), "{}", page.text());
    assert_eq!(answer(&mut olive, &ada, "confirm").await.status, 409, "not by the same owner");
    assert!(!is_owner(&site).await);
    assert!(olive.visit("/desk").await.says("Waiting for a second owner: 1"));

    let told = site.letters("oscar@example.test").await;
    assert!(told.iter().any(|letter| letter.text.contains("confirms it by 7 February 2027")));
    assert!(told.iter().all(|letter| !letter.text.contains("ada@example.test")), "no letter carries data");
    let page = oscar.visit(HERE).await;
    assert!(page.says("(olive@example.test) proposes") && page.says("(ada@example.test)"), "{}", page.text());
    let page = answer(&mut oscar, &ada, "confirm").await;
    assert!(page.says("Nothing waits."), "{}", page.text());
    assert!(is_owner(&site).await);
    assert_eq!(answer(&mut oscar, &ada, "confirm").await.status, 409, "once");
    let told = site.letters("ada@example.test").await;
    assert!(told.iter().any(|letter| letter.subject == "You now have the role owner"));
    let page = site.signed_in("ada@example.test").await.visit("/account/data").await;
    for step in ["role owner proposed", "role owner confirmed", "role owner given"] {
        assert!(page.says(step), "{}", page.text());
    }
}

/// Who asks for what another owner has asked for confirms it.
#[tokio::test]
async fn two_owners_who_propose_the_same_agree() {
    let site = Site::open().await;
    let mut olive = owner(&site, "olive@example.test").await;
    let mut oscar = owner(&site, "oscar@example.test").await;
    propose_ada(&site, &mut olive).await;
    olive.send("/desk/staff", &[("email", "ada@example.test"), ("role", "owner")]).await;
    assert!(!is_owner(&site).await, "asking twice is no second owner");
    oscar.send("/desk/staff", &[("email", "ada@example.test"), ("role", "owner")]).await;
    assert!(is_owner(&site).await);
}

#[tokio::test]
async fn a_proposal_is_taken_back_or_lapses_after_a_week() {
    let site = Site::open().await;
    let support = site.staff("sam@example.test", "support").await;
    let mut olive = owner(&site, "olive@example.test").await;
    let mut oscar = owner(&site, "oscar@example.test").await;
    let ada = propose_ada(&site, &mut olive).await;
    let mut sam = site.at_desk("sam@example.test", &support).await;
    let page = sam.visit(HERE).await;
    assert!(page.says("An owner proposes to make somebody an owner"), "{}", page.text());
    assert!(
        !page.says("(olive@") && !page.says("(ada@") && !page.says("Confirm it"),
        "no names for support: {}",
        page.text()
    );
    assert_eq!(answer(&mut sam, &ada, "confirm").await.status, 404, "support confirms nothing");
    assert!(answer(&mut sam, &ada, "take-back").await.says("Nothing waits."));
    assert_eq!(answer(&mut oscar, &ada, "confirm").await.status, 409);

    olive.send("/desk/staff", &[("email", "ada@example.test"), ("role", "owner")]).await;
    site.days(7).await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM proposals").await, 0, "it lapsed");
    assert!(!is_owner(&site).await);
}

/// From its moment on a proposal counts no more, before any job has come by.
#[tokio::test]
async fn nobody_confirms_what_has_lapsed() {
    let site = Site::open().await;
    let mut olive = owner(&site, "olive@example.test").await;
    let oscar = site.staff("oscar@example.test", "owner").await;
    let ada = propose_ada(&site, &mut olive).await;
    site.clock.forward(SignedDuration::from_hours(24 * 7));
    let mut oscar = site.at_desk("oscar@example.test", &oscar).await;
    assert!(oscar.visit(HERE).await.says("Nothing waits."));
    assert_eq!(answer(&mut oscar, &ada, "confirm").await.status, 409);
    assert!(!is_owner(&site).await);
}

/// What an owner proposed is void once they are none.
#[tokio::test]
async fn a_proposal_goes_with_its_owner() {
    let site = Site::open().await;
    let mut olive = owner(&site, "olive@example.test").await;
    let mut oscar = owner(&site, "oscar@example.test").await;
    propose_ada(&site, &mut olive).await;
    let olive = site.find("olive@example.test").await.unwrap().to_string();
    oscar.send("/desk/staff", &[("end", &olive), ("role", "owner")]).await;
    assert!(oscar.visit(HERE).await.says("Nothing waits."));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM proposals").await, 0);
}

/// An owner who is alone waits a day, and everybody who works here is told.
#[tokio::test]
async fn an_owner_alone_waits_a_day() {
    let site = Site::open().await;
    site.staff("sam@example.test", "support").await;
    let mut olive = owner(&site, "olive@example.test").await;
    propose_ada(&site, &mut olive).await;
    for email in ["sam@example.test", "olive@example.test"] {
        let told = site.letters(email).await;
        assert!(told.iter().any(|letter| letter.text.contains("takes effect on 1 February 2027")), "{email}");
    }
    site.clock.forward(SignedDuration::from_hours(23));
    site.sweep().await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM roles WHERE role = 'owner'").await, 1);
    site.clock.forward(SignedDuration::from_hours(1));
    site.sweep().await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM roles WHERE role = 'owner'").await, 2);
    assert_eq!(count(&site, "SELECT COUNT(*) FROM proposals").await, 0);
}

/// Erasing that a brake has paused goes on when two owners say so, and not before.
#[tokio::test]
async fn two_owners_release_the_brake() {
    let site = Site::open().await;
    let sam = site.staff("sam@example.test", "support").await;
    let (olive, oscar) =
        (site.staff("olive@example.test", "owner").await, site.staff("oscar@example.test", "owner").await);
    site.clock.forward(SignedDuration::from_hours(24 * 90));
    assert!(site.sweep().await.paused.is_some(), "the clock has jumped");
    let mut sam = site.at_desk("sam@example.test", &sam).await;
    let page = sam.visit("/desk").await;
    assert!(page.says("Erasing is paused") && page.says("An owner must look at it"), "{}", page.text());
    assert_eq!(sam.post("/account", "/desk/brake", &[]).await.status, 404);
    let mut olive = site.at_desk("olive@example.test", &olive).await;
    assert!(olive.visit("/desk").await.says("Let erasing go on"));
    assert_eq!(olive.submit("/desk", "/desk/brake", &[]).await.path, HERE);
    assert!(site.sweep().await.paused.is_some(), "one owner is not enough");
    let mut oscar = site.at_desk("oscar@example.test", &oscar).await;
    let page = oscar.submit(HERE, HERE, &[("act", "brake"), ("target", ""), ("do", "confirm")]).await;
    assert!(page.says("Nothing waits."), "{}", page.text());
    assert_eq!(site.sweep().await.paused, None);
    assert_eq!(oscar.post("/account", "/desk/brake", &[]).await.status, 409, "no brake is on");
}

#[tokio::test]
async fn an_owner_alone_releases_the_brake_after_a_day() {
    let site = Site::open().await;
    let olive = site.staff("olive@example.test", "owner").await;
    site.clock.forward(SignedDuration::from_hours(24 * 90));
    assert!(site.sweep().await.paused.is_some());
    let mut olive = site.at_desk("olive@example.test", &olive).await;
    olive.submit("/desk", "/desk/brake", &[]).await;
    site.clock.forward(SignedDuration::from_hours(23));
    site.sweep().await;
    assert!(site.sweep().await.paused.is_some(), "not yet");
    site.clock.forward(SignedDuration::from_hours(1));
    site.sweep().await;
    assert_eq!(site.sweep().await.paused, None);
    assert_eq!(site.promise("role.owner").await.status, Status::Kept);
}
