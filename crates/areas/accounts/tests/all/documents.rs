//! `acc-2`: a document is handed in, opened with a reason, decided on and erased on its own day; the standing stays.

use axum::{body::Body, http::header};
use jiff::SignedDuration;
use kept_accounts::{Document, verified};
use kept_keeper::{Actor, KeeperError, Status, time::to_millis};
use kept_store::params;
use kept_testkit::{Browser, Page, Site, TRAINERS};
use kept_vault::Kind;

use crate::{leaks::files_with, support::count};

const MINE: &str = "/account/documents";
const DESK: &str = "/desk/documents";
const PDF: &[u8] = b"%PDF-1.7 licence of Ada Testwell, number 4711";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\xff\xfe\x00 a picture";

async fn hand_in(ada: &mut Browser, about: &str, bytes: &[u8]) -> Page {
    ada.upload(MINE, &[("about", about)], ("file", bytes)).await
}

/// Ada with one document in the queue, and Vera at the verification desk.
async fn begin(site: &Site, bytes: &[u8]) -> (Browser, Browser) {
    site.member("ada@example.test").await;
    let secret = site.staff("vera@example.test", "verifier").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let page = hand_in(&mut ada, "Licence as a physiotherapist", bytes).await;
    assert!(page.says("Waits for our decision") && page.says("1 May 2027"), "{}", page.text());
    let vera = site.at_desk("vera@example.test", &secret).await;
    (ada, vera)
}

/// The address of the oldest document in the queue.
async fn first(vera: &mut Browser) -> String {
    let page = vera.visit(DESK).await;
    let link = page.html.split("href=\"").find(|rest| rest.starts_with("/desk/documents/"));
    link.expect("the queue is empty").split('"').next().unwrap().to_owned()
}

async fn open(vera: &mut Browser) -> (String, Page) {
    let path = first(vera).await;
    let page = vera.send(&path, &[("reason", "licence for the workshop in May")]).await;
    (path, page)
}

fn link_in(page: &Page) -> String {
    let rest = page.html.split("/file/").nth(1).expect("no link to the document");
    format!("{}/file/{}", page.path, rest.split('"').next().unwrap())
}

async fn decide(vera: &mut Browser, path: &str, form: &[(&str, &str)]) -> Page {
    vera.submit(path, &format!("{path}/decision"), form).await
}

async fn is_verified(site: &Site) -> bool {
    let ada = site.find("ada@example.test").await.unwrap();
    site.act(move |act| verified(act.tx(), ada, act.ctx.now)).await
}

async fn nothing_is_broken(site: &Site) {
    let report = site.keeper.prove().await.unwrap();
    let broken: Vec<_> = report.broken().map(|promise| (&promise.id, &promise.detail)).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

async fn walk(site: &Site) {
    let (mut ada, mut vera) = begin(site, PDF).await;
    assert!(!is_verified(site).await);
    let (path, card) = open(&mut vera).await;
    assert!(card.says("Ada Testwell") && card.says("Licence as a physiotherapist"), "{}", card.text());
    let file = vera.get(&link_in(&card)).await;
    assert_eq!((file.status.as_u16(), file.body.as_slice()), (200, PDF));
    for (name, value) in [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CONTENT_DISPOSITION, "inline; filename*=UTF-8''document%2Epdf"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        assert_eq!(file.headers[&name], value);
    }

    for wrong in [
        &[("do", "accept"), ("answer", "good"), ("until", "")][..],
        &[("do", "accept"), ("answer", "good"), ("until", "2026-12-31")],
        &[("do", "refuse"), ("answer", " ")],
    ] {
        assert_eq!(decide(&mut vera, &path, wrong).await.status, 422, "{wrong:?}");
    }
    let form = [("do", "accept"), ("answer", "Found in the register."), ("until", "2027-06-30")];
    let page = decide(&mut vera, &path, &form).await;
    assert!(page.says("Nothing waits for a decision."), "{}", page.text());
    assert_eq!(decide(&mut vera, &path, &form).await.status, 409, "once");
    assert!(is_verified(site).await);
    nothing_is_broken(site).await;
    let told = site.letters("ada@example.test").await;
    assert!(told.iter().any(|letter| letter.text.contains("counts until 30 June 2027")));
    assert!(told.iter().all(|letter| !letter.text.contains("register")), "no letter carries data");

    let page = ada.visit(MINE).await;
    for said in [
        "verified until 30 June 2027",
        "Accepted on 31 January 2027",
        "“Found in the register.”",
        "2 March 2027",
    ] {
        assert!(page.says(said), "{said}: {}", page.text());
    }
    let page = ada.visit("/account/data").await;
    for said in [
        "Our verification desk looked at your",
        "licence for the workshop in May",
        "accepted until 30 June 2027",
        "Verified professional standing Accepted until 30 June 2027.",
    ] {
        assert!(page.says(said), "{said}: {}", page.text());
    }
}

#[tokio::test]
async fn from_handing_in_to_a_verified_standing() {
    let site = Site::open().await;
    walk(&site).await;

    // The document goes on its day, the standing stays until its own.
    site.days(29).await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM blobs").await, 1);
    site.days(1).await;
    for sql in [
        "SELECT COUNT(*) FROM blobs",
        "SELECT COUNT(*) FROM documents",
        "SELECT COUNT(*) FROM keys WHERE kind = 'pd:PersonalDocuments'",
        "SELECT COUNT(*) FROM vault WHERE kind = 'pd:PersonalDocuments'",
    ] {
        assert_eq!(count(&site, sql).await, 0, "{sql}");
    }
    assert!(is_verified(&site).await);
    nothing_is_broken(&site).await;

    site.days(90).await;
    assert!(
        site.letters("ada@example.test").await.iter().all(|l| l.subject != "Your accepted document runs out")
    );
    site.days(2).await;
    let told = site.letters("ada@example.test").await;
    assert!(
        told.iter()
            .any(|l| l.subject == "Your accepted document runs out" && l.text.contains("30 June 2027"))
    );
    // Until the last moment of 30 June, and not a moment longer, whether the job has come by or not.
    site.days(28).await;
    site.clock.forward(SignedDuration::from_hours(15) - SignedDuration::from_secs(1));
    assert!(is_verified(&site).await);
    site.clock.forward(SignedDuration::from_secs(1));
    assert!(!is_verified(&site).await);
    site.sweep().await;
    let told = site.letters("ada@example.test").await;
    assert_eq!(told.iter().filter(|l| l.subject == "Your accepted document has run out").count(), 1);
    let page = site.signed_in("ada@example.test").await.visit(MINE).await;
    assert!(page.says("was verified until 30 June 2027 , and is not any more."), "{}", page.text());
    nothing_is_broken(&site).await;

    // The notice's clock ends that, too.
    let ada = site.find("ada@example.test").await.unwrap();
    site.act(move |act| kept_accounts::members::expire_now(act, ada)).await;
    site.days(185).await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM standings").await, 0);
    nothing_is_broken(&site).await;
}

#[tokio::test]
async fn the_same_on_postgresql() {
    let url = kept_pgtest::empty_database();
    let site = Site::with_database(&url).await;
    walk(&site).await;
    site.days(30).await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM blobs").await, 0);
    nothing_is_broken(&site).await;
}

#[tokio::test]
async fn a_refusal_says_why_and_verifies_nobody() {
    let site = Site::open().await;
    let (mut ada, mut vera) = begin(&site, PNG).await;
    let (path, card) = open(&mut vera).await;
    let file = vera.get(&link_in(&card)).await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "image/png");
    let policies: Vec<_> = file.headers.get_all(header::CONTENT_SECURITY_POLICY).iter().collect();
    assert_eq!(policies.len(), 2, "the site's own, and a sandbox");
    assert_eq!(policies[1], "sandbox");
    decide(&mut vera, &path, &[("do", "refuse"), ("answer", "The date cannot be read.")]).await;
    assert!(!is_verified(&site).await);
    let page = ada.visit(MINE).await;
    assert!(page.says("Not accepted on") && page.says("“The date cannot be read.”"), "{}", page.text());
    nothing_is_broken(&site).await;
}

/// Only by content, only so large, only so many.
#[tokio::test]
async fn only_what_can_be_a_document_is_taken() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let mut large = PDF.to_vec();
    large.resize(5 * 1024 * 1024 + 1, b' ');
    for (bytes, says) in [
        (&b"<html><script>alert(1)</script>"[..], "This is no PDF, PNG or JPEG file"),
        (b"", "Choose a file."),
        (&large, "This file is larger than 5 MB."),
    ] {
        let page = hand_in(&mut ada, "Licence", bytes).await;
        assert_eq!((page.status.as_u16(), page.says(says)), (422, true), "{}", page.text());
    }
    assert_eq!(hand_in(&mut ada, "", PDF).await.status, 422, "it is to be said what it is");
    assert_eq!(count(&site, "SELECT COUNT(*) FROM blobs").await, 0);
    large.pop();
    assert_eq!(hand_in(&mut ada, "A large licence", &large).await.status, 200);
    let number = ada.visit(MINE).await.html.split("/account/documents/").nth(1).unwrap()[..24].to_owned();
    assert_eq!(ada.get(&format!("{MINE}/{number}")).await.body, large, "5 MB come back whole");
    large.resize(26 * 1024 * 1024, b' ');
    assert_eq!(hand_in(&mut ada, "Licence", &large).await.status, 413);
    for _ in 0..4 {
        assert_eq!(hand_in(&mut ada, "Licence", PDF).await.status, 200);
    }
    let page = hand_in(&mut ada, "One too many", PDF).await;
    assert!(page.status == 422 && page.says("Five of your documents wait"), "{}", page.text());

    let form = [(header::CONTENT_TYPE, "multipart/form-data; boundary=x")];
    let bare =
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n%PDF-\r\n--x--\r\n";
    for (body, status) in [(bare, 403), ("--x\r\nnonsense", 400), ("", 400)] {
        let page = ada.request(axum::http::Method::POST, MINE, &form, Body::from(body)).await;
        assert_eq!(page.status.as_u16(), status, "{body}");
    }
    assert_eq!(ada.post(MINE, MINE, &[("about", "Licence")]).await.status, 415);
}

/// Nobody sees another's document; who may, may only after a reason, in that session, for ten minutes.
#[tokio::test]
async fn a_document_is_opened_by_its_owner_and_the_desk_alone() {
    let site = Site::open().await;
    let (mut ada, mut vera) = begin(&site, PDF).await;
    let support = site.staff("sam@example.test", "support").await;
    let path = first(&mut vera).await;
    let number = path.rsplit('/').next().unwrap().to_owned();
    assert_eq!(ada.get(&format!("{MINE}/{number}")).await.body, PDF);
    site.member("mira@example.test").await;
    let mut mira = site.signed_in("mira@example.test").await;
    assert_eq!(mira.get(&format!("{MINE}/{number}")).await.status, 404);
    let mut sam = site.at_desk("sam@example.test", &support).await;
    for other in [&mut ada, &mut mira, &mut sam] {
        for there in [DESK, &path, &format!("{path}/file/AAAA")] {
            assert_eq!(other.get(there).await.status, 404);
        }
    }
    assert!(!vera.visit(DESK).await.says("Ada"), "the queue names nobody");
    assert!(!vera.visit(&path).await.says("Ada"), "nor does the question for the reason");
    assert_eq!(vera.send(&path, &[("reason", " ")]).await.status, 422);
    assert_eq!(vera.get(&format!("{path}/file/AAAA")).await.status, 410);
    let (_, card) = open(&mut vera).await;
    let link = link_in(&card);
    let mut thief = site.signed_in("mira@example.test").await;
    assert_eq!(thief.get(&link).await.status, 404);
    let other = link.replace(&number, "000000000000000000000000");
    assert_eq!(vera.get(&other).await.status, 404);
    site.clock.forward(SignedDuration::from_mins(10));
    assert_eq!(vera.get(&link).await.status, 200);
    site.clock.forward(SignedDuration::from_secs(1));
    assert_eq!(vera.get(&link).await.status, 410);
    let trail = ada.visit("/account/data").await;
    assert!(trail.says("the document itself, after the reason given when it was opened"), "{}", trail.text());
}

/// Each document has a clock of its own: deciding on one stops nothing for another.
#[tokio::test]
async fn one_decision_leaves_the_other_document_its_own_end() {
    let site = Site::open().await;
    let (mut ada, mut vera) = begin(&site, PDF).await;
    hand_in(&mut ada, "A second one", PNG).await;
    let (path, _) = open(&mut vera).await;
    decide(&mut vera, &path, &[("do", "refuse"), ("answer", "Not readable.")]).await;
    site.days(31).await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM blobs").await, 1, "the decided one is gone");
    nothing_is_broken(&site).await;
    site.days(60).await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM blobs").await, 0, "and the undecided one after 90 days");
    assert_eq!(count(&site, "SELECT COUNT(*) FROM documents").await, 0);
    nothing_is_broken(&site).await;
}

/// The bytes open in their own place only, and lie nowhere in the clear.
#[tokio::test]
async fn the_bytes_are_sealed_in_their_place() {
    let site = Site::open().await;
    let (mut ada, _) = begin(&site, PDF).await;
    hand_in(&mut ada, "A second one", PNG).await;
    assert_eq!(files_with(site.folder(), "number 4711"), [""; 0]);
    site.act(|act| {
        let rows = act.tx().query("SELECT record, sealed FROM blobs ORDER BY record", &params![])?;
        let bytes: Vec<u8> = rows[1].get(1)?;
        let other: String = rows[0].get(0)?;
        Ok(act.tx().execute("UPDATE blobs SET sealed = $1 WHERE record = $2", &params![bytes, other])?)
    })
    .await;
    let number: String = site
        .keeper
        .store()
        .read(|read| read.query_one("SELECT MIN(record) FROM blobs", &params![])?.get(0))
        .await
        .map_err(|cause: kept_store::StoreError| cause)
        .unwrap();
    let number = number.strip_prefix("document/").unwrap();
    assert_eq!(ada.get(&format!("{MINE}/{number}")).await.status, 500, "what was moved does not open");
}

/// Breaks the promise on purpose: a standing that nobody decided on, and one that does not end.
#[tokio::test]
async fn the_check_finds_a_standing_without_decision_or_end() {
    let site = Site::open().await;
    let (_, mut vera) = begin(&site, PDF).await;
    let (path, _) = open(&mut vera).await;
    let form = [("do", "accept"), ("answer", "Found in the register."), ("until", "2027-06-30")];
    decide(&mut vera, &path, &form).await;
    assert_eq!(site.promise("role.verifier").await.status, Status::Kept);
    let (vera, until) = (
        site.find("vera@example.test").await.unwrap(),
        to_millis(site.now() + SignedDuration::from_hours(48)),
    );
    site.act(move |act| {
        let sql = "INSERT INTO standings (subject, accepted, until) VALUES ($1, 0, $2)";
        Ok(act.tx().execute(sql, &params![vera.as_bytes(), until])?)
    })
    .await;
    let promise = site.promise("role.verifier").await;
    assert_eq!((promise.status, promise.detail.as_str()), (Status::Broken, "verified without a decision: 1"));
    site.act(|act| Ok(act.tx().execute("DELETE FROM standings WHERE accepted = 0", &params![])?)).await;
    assert_eq!(site.promise("role.verifier").await.status, Status::Kept);
    site.act(|act| Ok(act.tx().execute("UPDATE standings SET until = 1", &params![])?)).await;
    let promise = site.promise("role.verifier").await;
    assert_eq!(promise.detail, "over, and its owner has not been told: 1");
    let until = to_millis(site.now() + SignedDuration::from_hours(24 * 365));
    site.act(move |act| Ok(act.tx().execute("UPDATE standings SET until = $1", &params![until])?)).await;
    site.act(|act| Ok(act.tx().execute("DELETE FROM duties WHERE rule = 'documents.expire'", &params![])?))
        .await;
    let promise = site.promise("role.verifier").await;
    assert_eq!(promise.detail, "verified, and nothing tells when it ends: 1");
}

/// Under a notice that says nothing of documents there are none, and the code cannot hold one.
#[tokio::test]
async fn without_a_word_in_the_notice_there_are_no_documents() {
    let (before, rest) = TRAINERS.split_once("# ── documents that show").unwrap();
    let (_, after) = rest.split_once("# ── what people can do").unwrap();
    let site = Site::under(&format!("{before}# ── what people can do{after}")).await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    assert_eq!(ada.get(MINE).await.status, 404);
    assert!(!ada.visit("/account").await.says("Documents"));
    let secret = site.staff("vera@example.test", "verifier").await;
    let mut vera = site.at_desk("vera@example.test", &secret).await;
    assert_eq!(vera.get(DESK).await.status, 404);
    let ada = site.find("ada@example.test").await.unwrap();
    let written = site
        .keeper
        .act(site.keeper.ctx(Actor::System), move |act| {
            let about = "Licence".to_owned();
            act.put_as(ada, "document/1", &Document { about, format: "pdf".into(), size: 1, answer: None })
        })
        .await;
    assert!(matches!(written, Err(KeeperError::Undeclared(kind)) if kind == Kind::PERSONAL_DOCUMENTS));
}

#[tokio::test]
async fn a_document_in_the_clear_is_found() {
    in_the_clear(Site::open().await).await;
}

#[tokio::test]
async fn a_document_in_the_clear_is_found_on_postgresql() {
    in_the_clear(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

/// sec-6: documents are sealed as everything else is, and the check opens them to see.
async fn in_the_clear(site: Site) {
    begin(&site, PDF).await;
    let found = site.promise("never.store-in-clear").await;
    assert!(found.status == Status::Kept && found.detail.ends_with("documents: 1"), "{}", found.detail);
    site.act(|act| Ok(act.tx().execute("UPDATE blobs SET sealed = $1", &params![PDF])?)).await;
    let found = site.promise("never.store-in-clear").await;
    let detail = "a stored document does not open under its own place and key";
    assert_eq!((found.status, found.detail.as_str()), (Status::Broken, detail));
    site.act(|act| {
        Ok(act.tx().execute("DELETE FROM keys WHERE kind = $1", &params![Kind::PERSONAL_DOCUMENTS.term()])?)
    })
    .await;
    let found = site.promise("never.store-in-clear").await;
    assert_eq!((found.status, found.detail.as_str()), (Status::Broken, "a stored part has no key"));
}

/// rgt-3: whoever leaves takes documents and standing along.
#[tokio::test]
async fn whoever_leaves_leaves_no_standing_behind() {
    let site = left(TRAINERS).await;
    site.sweep().await;
    nothing_of_it_is_left(&site).await;
}

/// Under a notice that keeps them: when the last key has gone, the rows still meet their end.
#[tokio::test]
async fn a_standing_that_outlives_its_account_has_an_end() {
    let (before, from) = TRAINERS.split_once("[retain.standing-closing]").unwrap();
    let (_, after) = from.split_once("# ──").unwrap();
    let keeping = format!("{before}# ──{after}");
    let site = left(&keeping).await;
    site.days(100).await;
    assert_eq!(count(&site, "SELECT COUNT(*) FROM standings").await, 1);
    site.days(500).await;
    nothing_of_it_is_left(&site).await;
}

/// Ada has closed her account at once, with one document accepted and another in the queue.
async fn left(notice: &str) -> Site {
    let site = Site::under(notice).await;
    let (mut ada, mut vera) = begin(&site, PDF).await;
    let (path, _) = open(&mut vera).await;
    let form = [("do", "accept"), ("answer", "Found in the register."), ("until", "2029-06-30")];
    decide(&mut vera, &path, &form).await;
    hand_in(&mut ada, "Another licence", PNG).await;
    let sure = [("do", "now"), ("password", kept_testkit::PASSWORD), ("sure", "yes")];
    assert_eq!(ada.send("/account/close", &sure).await.path, "/account-closed");
    site
}

async fn nothing_of_it_is_left(site: &Site) {
    for table in
        ["SELECT COUNT(*) FROM standings", "SELECT COUNT(*) FROM documents", "SELECT COUNT(*) FROM blobs"]
    {
        assert_eq!(count(site, table).await, 0, "{table}");
    }
    nothing_is_broken(site).await;
}
