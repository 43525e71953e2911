//! rgt-2, rgt-3: what people did by themselves is what is held, and the checks find where it is not.

use kept_keeper::{Promise, Status};
use kept_store::params;
use kept_testkit::{CPE, PASSWORD, PROCESS, Site, TRAINERS};
use kept_vault::SubjectId;

/// What a row of the vault says, where it came from, and how often it was written.
type Row = (Vec<u8>, String, i64);

#[tokio::test]
async fn a_correction_is_held_and_recorded() {
    corrections(Site::open().await).await;
}

#[tokio::test]
async fn a_correction_on_postgresql() {
    corrections(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn corrections(site: Site) {
    let ada = site.member("ada@example.test").await;
    let before = name_of(&site, ada).await;
    let first = rectify(&site).await;
    assert_eq!(first.status, Status::Kept, "{}", first.detail);
    assert!(first.detail.contains("with 0 corrections"), "{}", first.detail);

    let mut browser = site.signed_in("ada@example.test").await;
    let details = [("given_name", "Ada"), ("family_name", "Quillfeather"), ("phone", "+44 20 7946 0018")];
    assert!(browser.send("/account", &details).await.says("Saved."));
    // Who takes a voluntary detail back, and gives another later, has nothing broken.
    for phone in ["", "+44 20 7946 0099"] {
        let details = [("given_name", "Ada"), ("family_name", "Quillfeather"), ("phone", phone)];
        assert!(browser.send("/account", &details).await.says("Saved."));
    }
    let found = rectify(&site).await;
    assert_eq!(found.status, Status::Kept, "{}", found.detail);
    assert!(
        found.detail.contains("with 6 corrections"),
        "name and address, three times each: {}",
        found.detail
    );

    // The row as it was before: sealed for this very place, so that it opens.
    let after = name_of(&site, ada).await;
    set_name(&site, ada, before).await;
    let page = browser.visit("/account").await;
    assert_eq!(page.value("family_name").as_deref(), Some("Testwell"), "{}", page.text());
    let found = rectify(&site).await;
    assert_eq!(
        (found.status, found.detail.as_str()),
        (Status::Broken, "corrected, and older details are held: 1")
    );
    set_name(&site, ada, after).await;
    assert_eq!(rectify(&site).await.status, Status::Kept);

    let taken = "DELETE FROM trail WHERE subject = $1 AND position = (SELECT MIN(position) FROM trail WHERE subject = $1)";
    change(&site, taken, ada).await;
    let found = rectify(&site).await;
    let detail = "changed without an entry in the record of who did what: 2";
    assert_eq!((found.status, found.detail.as_str()), (Status::Broken, detail));
}

/// What is corrected on other pages than My account is held against the trail as well: a licence number, a machine, a password,
/// another address.
#[tokio::test]
async fn corrections_on_every_page_are_recorded() {
    let password = [("password", PASSWORD), ("new_password", "a quieter lantern over the harbour")];
    for (notice, path, form) in [
        (CPE, "/account/licence", &[("licence", "CPA-2041 77")][..]),
        (PROCESS, "/account/machines", &[("id", "A-77")]),
        (TRAINERS, "/account/password", &password),
        (
            TRAINERS,
            "/account/addresses",
            &[("do", "add"), ("email", "ada.too@example.test"), ("password", PASSWORD)],
        ),
    ] {
        let site = Site::under(notice).await;
        let ada = site.member("ada@example.test").await;
        let mut browser = site.signed_in("ada@example.test").await;
        let latest = latest(&site, ada).await;
        let page = browser.send(path, form).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        let found = rectify(&site).await;
        assert_eq!(found.status, Status::Kept, "{path}: {}", found.detail);

        let taken = "DELETE FROM trail WHERE subject = $1 AND position > $2";
        site.act(move |act| Ok(act.tx().execute(taken, &params![ada.as_bytes(), latest])?)).await;
        let found = rectify(&site).await;
        let detail = "changed without an entry in the record of who did what: 1";
        assert_eq!((found.status, found.detail.as_str()), (Status::Broken, detail), "{path}");
    }
}

#[tokio::test]
async fn whoever_asked_to_be_erased_has_its_date() {
    erasures(Site::open().await).await;
}

#[tokio::test]
async fn erasures_on_postgresql() {
    erasures(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn erasures(site: Site) {
    let [ada, bob] = [site.member("ada@example.test").await, site.member("bob@example.test").await];
    for (email, wanted) in
        [("ada@example.test", "close"), ("bob@example.test", "close"), ("bob@example.test", "keep")]
    {
        let mut browser = site.signed_in(email).await;
        browser.send("/account/close", &[("do", wanted), ("password", PASSWORD)]).await;
        site.clock.forward(jiff::SignedDuration::from_mins(5));
    }
    assert_eq!(erase(&site).await.status, Status::Kept);
    change(&site, "DELETE FROM duties WHERE subject = $1 AND action = 'erase'", bob).await;
    assert_eq!(erase(&site).await.status, Status::Kept, "who has taken it back needs no date");
    change(&site, "DELETE FROM duties WHERE subject = $1 AND rule = 'retain.closing'", ada).await;
    let found = erase(&site).await;
    assert_eq!((found.status, found.detail.as_str()), (Status::Broken, "asked for, and no date runs: 1"));
}

/// The pages close the account in the same act; here somebody forgets to.
#[tokio::test]
async fn whoever_closed_at_once_is_out() {
    let site = Site::open().await;
    let ada = site.member("ada@example.test").await;
    site.act(move |act| act.emit(ada, "account.closed")).await;
    let found = erase(&site).await;
    assert_eq!((found.status, found.detail.as_str()), (Status::Broken, "closed at once, and still open: 1"));
    site.act(move |act| kept_accounts::members::disable(act, ada)).await;
    assert_eq!(erase(&site).await.status, Status::Broken, "who is switched off can sign in");
    site.act(move |act| kept_accounts::members::close(act, ada)).await;
    assert_eq!(erase(&site).await.status, Status::Kept);
}

async fn rectify(site: &Site) -> Promise {
    site.promise("right.rectify").await
}

async fn erase(site: &Site) -> Promise {
    site.promise("right.erase").await
}

/// The position of the last entry in somebody's trail.
async fn latest(site: &Site, subject: SubjectId) -> i64 {
    let sql = "SELECT MAX(position) FROM trail WHERE subject = $1";
    site.act(move |act| Ok(act.tx().query_one(sql, &params![subject.as_bytes()])?.get(0)?)).await
}

async fn name_of(site: &Site, subject: SubjectId) -> Row {
    let sql = "SELECT sealed, source, revision FROM vault WHERE subject = $1 AND record = 'profile' AND kind = 'pd:Name'";
    site.act(move |act| {
        let row = act.tx().query_one(sql, &params![subject.as_bytes()])?;
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
    .await
}

async fn set_name(site: &Site, subject: SubjectId, (sealed, source, revision): Row) {
    let sql = "UPDATE vault SET sealed = $2, source = $3, revision = $4 WHERE subject = $1 AND record = 'profile' AND kind = 'pd:Name'";
    let changed = site.act(move |act| {
        Ok(act.tx().execute(sql, &params![subject.as_bytes(), sealed.clone(), &source, revision])?)
    });
    assert_eq!(changed.await, 1);
}

/// Changes rows of a person behind the keeper's back.
async fn change(site: &Site, sql: &'static str, subject: SubjectId) {
    let changed = site.act(move |act| Ok(act.tx().execute(sql, &params![subject.as_bytes()])?)).await;
    assert!(changed > 0, "nothing was changed");
}
