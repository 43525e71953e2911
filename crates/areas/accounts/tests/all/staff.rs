//! `use-1`: roles that end on a day, and the check that they do.

use jiff::SignedDuration;
use kept_accounts::MemberCard;
use kept_keeper::{Actor, KeeperError, Status, time::to_millis};
use kept_store::params;
use kept_testkit::{Browser, Site};
use kept_vault::SubjectId;

use crate::support::look_up;

async fn owner(site: &Site) -> Browser {
    let secret = site.staff("olive@example.test", "owner").await;
    site.at_desk("olive@example.test", &secret).await
}

async fn until(olive: &mut Browser, day: &str) -> kept_testkit::Page {
    let form = [("email", "sam@example.test"), ("role", "support"), ("until", day)];
    olive.send("/desk/staff", &form).await
}

#[tokio::test]
async fn a_role_ends_with_its_last_day() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let mut olive = owner(&site).await;
    let page = until(&mut olive, "2027-02-02").await;
    assert!(page.says("support until 2 February 2027"), "{}", page.text());
    assert!(site.letters("sam@example.test").await.iter().any(|l| l.text.contains("until 2 February 2027")));
    assert_eq!(site.promise("role.support").await.status, Status::Kept);

    // The last minute of the last day, and the moment after it, before any sweep has come by.
    site.clock.forward(SignedDuration::from_hours(2 * 24 + 14) + SignedDuration::from_mins(59));
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    assert_eq!(sam.get("/desk").await.status, 200);
    site.clock.forward(SignedDuration::from_mins(1));
    assert_eq!(sam.get("/desk").await.status, 404, "checked at each request");

    site.sweep().await;
    let told = site.letters("sam@example.test").await;
    assert_eq!(told.iter().filter(|letter| letter.subject == "Your role support has ended").count(), 1);
    let page = sam.visit("/account/data").await;
    assert!(page.says("This site noted: role support ended"), "{}", page.text());
    assert_eq!(site.promise("role.support").await.status, Status::Kept);
    site.sweep().await;
    assert_eq!(site.letters("sam@example.test").await.len(), told.len(), "told once");
}

#[tokio::test]
async fn an_end_can_be_moved_and_taken_away() {
    let site = Site::open().await;
    site.member("sam@example.test").await;
    let mut olive = owner(&site).await;
    until(&mut olive, "2027-02-02").await;
    until(&mut olive, "2027-02-05").await;
    site.days(4).await;
    assert!(olive_again(&site).await.visit("/desk/staff").await.says("support until 5 February 2027"));
    let mut olive = olive_again(&site).await;
    let page = until(&mut olive, "").await;
    assert!(page.says("support End") && !page.says("until 5"), "{}", page.text());
    site.days(30).await;
    assert!(olive_again(&site).await.visit("/desk/staff").await.says("sam@example.test"));
}

/// The owner, at the desk of another day: no session lasts that long.
async fn olive_again(site: &Site) -> Browser {
    let subject = site.find("olive@example.test").await.unwrap();
    let secret = site.act(move |act| kept_accounts::enrol(act, subject)).await;
    site.at_desk("olive@example.test", &secret).await
}

#[tokio::test]
async fn a_last_day_is_a_day_to_come_and_no_owners() {
    let site = Site::open().await;
    site.member("sam@example.test").await;
    let mut olive = owner(&site).await;
    for day in ["2027-01-30", "soon", "2027-02-30", "9999-12-31"] {
        let page = until(&mut olive, day).await;
        assert_eq!(page.status, 422, "{day}");
        assert!(page.says("Write a day from 31 January 2027 on, such as 2027-01-31."), "{}", page.text());
    }
    let form = [("email", "sam@example.test"), ("role", "owner"), ("until", "2027-02-02")];
    assert_eq!(olive.send("/desk/staff", &form).await.status, 422);
    assert!(until(&mut olive, "2027-01-31").await.says("until 31 January 2027"), "today is a last day, too");
    let found = site.promise("role.support").await.detail;
    assert!(found.contains("1 person has the role, 1 of them until a last day"), "{found}");
    let found = site.promise("role.owner").await.detail;
    assert!(found.contains("1 person has the role;") && !found.contains("last day"), "{found}");
}

/// Breaks the promise on purpose: an end that no job keeps, and a role that stayed.
#[tokio::test]
async fn the_check_finds_a_role_that_does_not_end() {
    let site = Site::open().await;
    let sam = site.member("sam@example.test").await;
    let over = to_millis(site.now());
    site.act(move |act| {
        let row = params![sam.as_bytes(), over];
        let sql = "INSERT INTO roles (subject, role, since, until) VALUES ($1, 'support', 0, $2)";
        Ok(act.tx().execute(sql, &row)?)
    })
    .await;
    let promise = site.promise("role.support").await;
    assert_eq!((promise.status, promise.count), (Status::Broken, 1), "{}", promise.detail);
    assert_eq!(promise.detail, "with a last day that nothing will keep: 1");
    assert_eq!(site.promise("role.owner").await.status, Status::Kept);
    site.days(2).await;
    let promise = site.promise("role.support").await;
    assert_eq!(promise.detail, "past their last day and still in the role: 1");
}

#[tokio::test]
async fn looks_are_replayed_against_roles() {
    replayed(Site::open().await).await;
}

#[tokio::test]
async fn looks_are_replayed_against_roles_on_postgresql() {
    replayed(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

/// use-1: whoever looked had the role then, and a look by somebody who did not is found.
async fn replayed(site: Site) {
    let ada = site.member("ada@example.test").await;
    let secret = site.staff("sam@example.test", "support").await;
    let mut sam = site.at_desk("sam@example.test", &secret).await;
    look_up(&mut sam, "ada@example.test", "asked on the phone").await;
    site.clock.forward(SignedDuration::from_hours(1));
    let mut olive = owner(&site).await;
    let who = site.find("sam@example.test").await.unwrap();
    let end = [("end", &*who.to_string()), ("role", "support")];
    assert_eq!(olive.send("/desk/staff", &end).await.status, 200);
    let promise = site.promise("role.support").await;
    assert_eq!(promise.status, Status::Kept, "{}", promise.detail);
    assert!(promise.detail.contains("looks by somebody who had it then: 1"), "{}", promise.detail);

    // Somebody of whom nothing is held tells nothing: who was erased looks like this, too.
    look_as(&site, SubjectId::from_bytes([9; 16]), ada).await;
    let promise = site.promise("role.support").await;
    assert!(promise.detail.contains("of whom nothing is held any more: 1"), "{}", promise.detail);
    assert_eq!(promise.status, Status::Kept);

    // The page would not open to Sam any more; the code of another might forget to ask.
    site.clock.forward(SignedDuration::from_hours(1));
    look_as(&site, who, ada).await;
    let promise = site.promise("role.support").await;
    let detail = "looks by somebody who did not have the role then: 1";
    assert_eq!(promise.status, Status::Broken);
    assert!(promise.detail.contains(detail), "{}", promise.detail);
    assert_eq!(site.promise("role.owner").await.status, Status::Kept);

    // To have the role again, by the desk or by a row in the table, makes that look no better.
    site.clock.forward(SignedDuration::from_mins(1));
    site.act(move |act| kept_accounts::give_role(act, who, "support")).await;
    site.act(move |act| {
        let since = "UPDATE roles SET since = 0 WHERE subject = $1";
        Ok(act.tx().execute(since, &params![who.as_bytes()])?)
    })
    .await;
    assert!(site.promise("role.support").await.detail.contains(detail));
}

/// Looks at a member as support, past the page that asks who may.
async fn look_as(site: &Site, who: SubjectId, member: SubjectId) {
    let ctx = site.keeper.ctx(Actor::Staff { subject: who, role: "support" });
    let reason = Some("asked on the phone");
    let look = site.keeper.look(ctx, move |look| look.shown::<MemberCard>(member, reason));
    look.await.map_err(|cause: KeeperError| cause).unwrap();
}
