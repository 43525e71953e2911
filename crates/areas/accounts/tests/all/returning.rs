//! acc-12: a member comes back after everything that names them is erased, and gets what was kept.

use kept_accounts::members::{self, BY_MEMBER_ID};
use kept_keeper::Status;
use kept_testkit::{Browser, CPE, Page, Site};
use kept_vault::SubjectId;

use crate::support::count;

const ADA: &str = "ada@example.test";

/// The member id that My account shows.
async fn number(browser: &mut Browser) -> String {
    let text = browser.visit("/account").await.text();
    text.split("Member id ").nth(1).unwrap().split(' ').next().unwrap().to_owned()
}

/// Ada was a member with two credits; her membership ended so many days ago. Gives her old number.
async fn lapsed(site: &Site, days: u32) -> String {
    let former = site.member(ADA).await;
    site.act(move |act| {
        members::credit(act, former, 15, "Programme design")?;
        members::credit(act, former, 5, "Facilitation")
    })
    .await;
    let number = number(&mut site.signed_in(ADA).await).await;
    site.act(move |act| members::expire_now(act, former)).await;
    site.days(days).await;
    number
}

async fn decide(desk: &mut Browser, what: &str) -> Page {
    let queue = desk.visit("/desk/returns").await;
    let subject = queue.value("subject").expect("nobody waits");
    let card =
        desk.send("/desk/returns", &[("subject", &subject), ("reason", "has called"), ("do", "open")]).await;
    let fields = [("subject", subject.as_str()), ("reason", "named the course of 2027"), ("do", what)];
    desk.submit("/desk/returns", "/desk/returns", &fields).await;
    card
}

async fn holder(site: &Site, number: &str) -> Option<SubjectId> {
    let number = number.to_owned();
    site.act(move |act| act.find(BY_MEMBER_ID, &number)).await
}

#[tokio::test]
async fn a_returning_member_gets_what_was_kept() {
    comes_back(Site::open().await, 200).await;
}

/// After a year the record of the earlier membership is gone, too, and with it the last of its bookkeeping.
#[tokio::test]
async fn a_returning_member_of_long_ago() {
    comes_back(Site::open().await, 500).await;
}

#[tokio::test]
async fn the_same_on_postgresql() {
    comes_back(Site::with_database(&kept_pgtest::empty_database()).await, 200).await;
}

async fn comes_back(site: Site, days: u32) {
    let secret = site.staff("sam@example.test", "support").await;
    assert_eq!(site.promise("right.return").await.status, Status::NotDue);
    let old = lapsed(&site, days).await;
    let former = holder(&site, &old).await.unwrap();
    assert_eq!(site.find(ADA).await, None, "who she was is erased");

    let subject = site.member(ADA).await;
    let mut ada = site.signed_in(ADA).await;
    let new = number(&mut ada).await;
    assert_ne!(new, old);
    let page = ada.send("/account/return", &[("number", &old.to_lowercase())]).await;
    assert!(page.says("You asked on") && !page.says("Fill in"), "{}", page.text());
    let again = ada.submit("/account", "/account/return", &[("number", &old)]).await;
    assert_eq!(again.status, 409, "once is enough");

    // A sweep in between takes nothing away, and the desk sees what is kept before it decides.
    site.sweep().await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    assert!(desk.visit("/desk").await.says("Who says that they were a member before"));
    let card = decide(&mut desk, "join").await;
    for said in ["Ada Testwell", &old, "Credits 2.0", "Membership ended 31 January 2027"] {
        assert!(card.says(said), "the card does not say “{said}”: {}", card.text());
    }
    assert!(desk.visit("/desk/returns").await.says("Nobody waits"));

    let mut ada = site.signed_in(ADA).await;
    assert_eq!(number(&mut ada).await, old, "the former number is hers again");
    let page = ada.visit("/account").await;
    assert!(page.says("Programme design") && page.says("2.0 credits in all"), "{}", page.text());
    assert!(ada.visit("/account/return").await.says("is joined to this account"));
    let trail = ada.visit("/account/trail").await.text();
    assert!(trail.contains("your earlier membership is joined to this account"), "{trail}");
    assert!(trail.contains("named the course of 2027"), "{trail}");
    assert_eq!((holder(&site, &old).await, holder(&site, &new).await), (Some(subject), None));
    let letters = site.letters(ADA).await;
    assert!(letters.last().unwrap().text.contains("your member id is the former one"));
    assert!(!letters.last().unwrap().text.contains(&old), "letters name no data");

    // Nothing of the former account is left but its record, if that has not ended yet; her keys have their tombstones.
    site.sweep().await;
    let left = move |table: &str| format!("SELECT COUNT(*) FROM {table} WHERE subject = $1");
    for table in ["accounts", "credits", "vault", "lookups", "keys", "duties", "happenings"] {
        let sql = left(table);
        let found: Result<i64, kept_store::StoreError> = site
            .keeper
            .store()
            .read(move |read| read.query_one(&sql, &kept_store::params![former.as_bytes()])?.get(0))
            .await;
        let found = found.unwrap();
        let stays = days < 365 && ["keys", "duties", "happenings"].contains(&table);
        assert!(stays || found == 0, "{table}: {found}");
        assert!(table != "keys" || found <= 1, "only the record's key");
    }
    assert_eq!(count(&site, "SELECT COUNT(*) FROM taken_back").await, 0);
    let tombstones = std::fs::read_to_string(site.folder().join("tombstones")).unwrap();
    assert!(tombstones.contains(&former.to_string()));

    assert_eq!(site.promise("right.return").await.status, Status::Kept);
    let report = site.keeper.prove().await.unwrap();
    let broken: Vec<_> = report.broken().map(|promise| (&promise.id, &promise.detail)).collect();
    assert!(broken.is_empty(), "{broken:?}");

    // It ends with her new membership, by its own clocks.
    site.days(366 + 184).await;
    assert_eq!((site.find(ADA).await, holder(&site, &old).await), (None, Some(subject)));
}

/// The number alone proves nothing; and the page tells nobody whether it is one.
#[tokio::test]
async fn a_number_that_is_not_theirs_gives_nobody_anything() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let old = lapsed(&site, 200).await;
    site.member("bert@example.test").await;
    let mut bert = site.signed_in("bert@example.test").await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    let mut pages = Vec::new();
    for tried in ["M-NOBODY", &old] {
        let page = bert.send("/account/return", &[("number", tried)]).await;
        pages.push(page.without_tokens());
        assert_eq!(count(&site, "SELECT COUNT(*) FROM credits").await, 2);
        let card = decide(&mut desk, "refuse").await;
        assert_eq!(
            card.says("No earlier membership has this number."),
            tried == "M-NOBODY",
            "{}",
            card.text()
        );
        assert_eq!(card.says("Once joined"), tried != "M-NOBODY", "{}", card.text());
        assert!(bert.visit("/account/return").await.says("We could not make sure"));
    }
    assert_eq!(pages[0], pages[1]);
    assert!(!bert.visit("/account").await.says("Programme design"));
    assert!(bert.visit("/account/trail").await.says("named the course of 2027"));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM vault WHERE record = 'former-number'").await, 0);

    // Taken back before anybody has decided.
    bert.send("/account/return", &[("number", &old)]).await;
    bert.submit("/account/return", "/account/return", &[("do", "back")]).await;
    assert!(desk.visit("/desk/returns").await.says("Nobody waits"));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM vault WHERE record = 'former-number'").await, 0);
    for _ in 0..2 {
        bert.send("/account/return", &[("number", "M-NOBODY")]).await;
        bert.submit("/account/return", "/account/return", &[("do", "back")]).await;
    }
    let page = bert.send("/account/return", &[("number", &old)]).await;
    assert_eq!(page.status, 429, "five times a day");
}

/// An account that still has its owner's name is renewed, not joined; one that a dispute holds waits for its end.
#[tokio::test]
async fn what_stands_in_the_way_is_said_and_joins_nothing() {
    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let old = lapsed(&site, 100).await;
    let former = holder(&site, &old).await.unwrap();
    site.member("bert@example.test").await;
    let mut bert = site.signed_in("bert@example.test").await;
    bert.send("/account/return", &[("number", &old)]).await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    let card = decide(&mut desk, "join").await;
    assert!(card.says("still has its name and address"), "{}", card.text());
    assert!(!card.html.contains("value=\"join\""));

    site.act(move |act| act.emit(former, "dispute.opened")).await;
    site.days(100).await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    let card = decide(&mut desk, "join").await;
    assert!(card.says("still has its name"), "the dispute keeps who she is: {}", card.text());
    assert_eq!(holder(&site, &old).await, Some(former));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM returns WHERE state = 'waiting'").await, 1);
}

#[tokio::test]
async fn without_member_ids_there_is_no_such_page() {
    let site = Site::under(CPE).await;
    site.member(ADA).await;
    let mut ada = site.signed_in(ADA).await;
    assert_eq!(ada.get("/account/return").await.status, 404);
    assert!(!ada.visit("/account").await.says("I was a member before"));
}

/// The check finds what was joined behind the desk's back.
#[tokio::test]
async fn a_join_without_a_decision_is_found() {
    let site = Site::open().await;
    let ada = site.member(ADA).await;
    site.act(move |act| {
        Ok(act.tx().execute(
            "INSERT INTO returns (subject, asked, state, decided) VALUES ($1, 1, 'accepted', 2)",
            &kept_store::params![ada.as_bytes()],
        )?)
    })
    .await;
    assert_eq!(site.promise("right.return").await.status, Status::Broken);
    site.act(|act| Ok(act.tx().execute("DELETE FROM returns WHERE asked = 1", &[])?)).await;
    assert_eq!(site.promise("right.return").await.status, Status::NotDue);
    site.act(move |act| act.emit(ada, "membership.returned")).await;
    assert_eq!(site.promise("right.return").await.status, Status::Broken);
}
