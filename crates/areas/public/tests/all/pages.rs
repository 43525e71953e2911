//! Every page as a reader meets it.

use kept_web::{Reader, assets};

use crate::site::{NOTICE, Site, save_for_looking};

const PAGES: [(&str, &str); 4] =
    [("home", "/"), ("notice", "/notice"), ("board", "/notice/kept"), ("uses", "/notice/uses")];

#[tokio::test]
async fn every_page_is_whole_light_and_from_nowhere_else() {
    let site = Site::open().await;
    site.keeper.prove().await.unwrap();
    let css = site.get(assets::stylesheet_path()).await.body.len();
    for (name, path) in PAGES {
        let page = site.get(path).await;
        save_for_looking(name, &page);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.len() + css < 60_000, "{path} weighs {} and {css} bytes", page.body.len());
        assert_eq!(page.body.matches("<h1").count(), 1, "{path}");
        for landmark in ["<header", "<nav", "<main", "<footer"] {
            assert!(page.body.contains(landmark), "{path} has no {landmark}");
        }
        for outside in ["<script", "<style", " style=", "src=", "https://"] {
            assert!(!page.body.contains(outside), "{path} has {outside}");
        }
        assert_ids_are_unique_and_found(path, &page.body);
    }
}

fn assert_ids_are_unique_and_found(path: &str, page: &str) {
    let mut ids: Vec<&str> = attribute(page, " id=\"").collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "{path} uses an id twice");
    for target in attribute(page, "href=\"#") {
        assert!(ids.contains(&target), "{path} links to #{target}, which is not there");
    }
}

fn attribute<'a>(page: &'a str, opening: &'a str) -> impl Iterator<Item = &'a str> {
    page.split(opening).skip(1).filter_map(|rest| rest.split('"').next())
}

#[tokio::test]
async fn the_notice_says_every_sentence_once_and_links_each_to_its_evidence() {
    let site = Site::open().await;
    site.keeper.prove().await.unwrap();
    let (notice, board) = (site.get("/notice").await, site.get("/notice/kept").await);
    let sentences = &site.keeper.policy().sentences;
    assert!(sentences.len() > 20);
    for sentence in sentences {
        let id = &sentence.id;
        let anchor = format!(r#"<section class="sentence" id="{id}">"#);
        assert_eq!(notice.body.matches(&anchor).count(), 1, "{id}");
        assert_eq!(board.body.matches(&anchor).count(), 1, "{id}");
        assert!(notice.body.contains(&format!("/notice/kept#{id}\"")), "{id} has no evidence");
        assert!(board.body.contains(&format!("/notice#{id}\"")), "{id} does not lead back");
        for hold in &sentence.limited_by {
            let after = notice.body.split(&anchor).nth(1).unwrap().split("</section>").next().unwrap();
            assert!(after.contains(&format!("href=\"#{hold}\"")), "{id} does not name {hold}");
        }
    }
}

#[tokio::test]
async fn the_notice_opens_with_one_screen() {
    let site = Site::open().await;
    let page = site.get("/notice").await.transcript();
    let screen = page.split("Sentence by sentence").next().unwrap();
    insta::assert_snapshot!("notice", screen);
}

#[tokio::test]
async fn home_says_what_one_can_do_and_how_the_promises_stand() {
    let site = Site::open().await;
    site.keeper.prove().await.unwrap();
    insta::assert_snapshot!("home", site.get("/").await.transcript());
}

#[tokio::test]
async fn home_offers_the_signed_in_their_own_pages() {
    let site = Site::open().await;
    site.read_as(Reader::Person);
    let page = site.get("/").await;
    assert!(page.body.contains(r#"<a class="button" href="/account">My account</a>"#));
    assert!(!page.body.contains("/sign-up"));
}

#[tokio::test]
async fn who_sees_what_is_a_table_for_each_reader_and_crosses_out_what_is_off() {
    let site = Site::open().await;
    insta::assert_snapshot!("uses", site.get("/notice/uses").await.transcript());
}

#[tokio::test]
async fn free_prose_is_marked_as_not_checked() {
    let prose = "[never]\nprose = \"We like our members.\\n\\nAnd <they> like us.\"";
    let site = Site::under(&NOTICE.replace("[never]", prose), "2026-12-15T09:00:00Z").await;
    let notice = site.get("/notice").await;
    let section = notice.body.split("What never happens</h3>").nth(1).unwrap();
    let opening = section.split("<section").next().unwrap();
    assert!(opening.contains(r#"<div class="unchecked">"#));
    assert!(opening.contains("no check stands behind this"));
    assert!(opening.contains("<p>We like our members.</p><p>And &#60;they&#62; like us.</p>"));
    assert!(
        !site.get("/notice/kept").await.body.contains("We like our members"),
        "the board shows checks only"
    );
}

#[tokio::test]
async fn one_page_is_marked_in_the_navigation() {
    let site = Site::open().await;
    let marked = |page: &str| page.matches("aria-current").count();
    assert_eq!(marked(&site.get("/notice").await.body), 1);
    assert_eq!(marked(&site.get("/notice/kept").await.body), 0, "the board is not the notice");
}
