//! `acc-18`: files for people with an account, by links that expire; machine ids for security only.

use std::fs;

use axum::http::header;
use jiff::SignedDuration;
use kept_keeper::Status;
use kept_testkit::{Browser, Page, Site, TRAINERS};

use crate::{leaks::files_with, support::count};

const FILES: &str = "/account/downloads";
const MACHINES: &str = "/account/machines";
const ID: &str = "K7-PARAKEET-4711";

/// The trainers' notice with a block about machine ids.
fn notice(purpose: &str) -> String {
    format!(
        "{TRAINERS}\n[data.machines]\nis = [\"pd:DeviceBased\"]\nsays = \"machine ids\"\n\n[purpose.machines]\n\
         ref = [\"acc-18\"]\nsays = \"keep our software safe\"\nis = \"{purpose}\"\nbasis = \"legitimate interest\"\n\
         uses = [\"machines\"]\n\n[retain.machines]\nwhen = \"membership.expired\"\nunless = \"membership.renewed\"\n\
         after = \"6 months\"\nerase = [\"machines\"]\n"
    )
}

async fn ada(site: &Site) -> Browser {
    site.member("ada@example.test").await;
    site.signed_in("ada@example.test").await
}

fn link_in(page: &Page, name: &str) -> String {
    let start = format!("{FILES}/{name}/");
    let rest = page.html.split(&start).nth(1).expect("no such link");
    format!("{start}{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn a_file_is_downloaded_by_a_link_of_ones_own() {
    let site = Site::open().await;
    let folder = site.folder().join("downloads");
    let program: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("tool 2.1 ß.exe"), &program).unwrap();
    fs::write(folder.join(".hidden"), "no").unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    std::os::unix::fs::symlink(site.folder().join("keys"), folder.join("link")).unwrap();
    let mut ada = ada(&site).await;
    assert!(ada.visit("/account").await.says("Downloads"));
    let page = ada.visit(FILES).await;
    assert!(page.says("tool 2.1 ß.exe 2 MB"), "{}", page.text());
    for hidden in ["hidden", "folder", "link"] {
        assert!(!page.html.contains(&format!("{FILES}/{hidden}")), "{hidden}");
    }
    let link = link_in(&page, "tool%202%2E1%20%C3%9F%2Eexe");
    let file = ada.get(&link).await;
    assert!(file.body == program, "whole and unchanged");
    assert!(ada.visit("/account/trail").await.says("You downloaded the file “tool 2.1 ß.exe”."));
    assert_eq!(file.headers[header::CONTENT_LENGTH], "1200000");
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(
        file.headers[header::CONTENT_DISPOSITION],
        "attachment; filename*=UTF-8''tool%202%2E1%20%C3%9F%2Eexe"
    );

    // Not without an account, not for another, not for another file, not for ever.
    for path in [FILES, &link] {
        assert!(site.browser().get(path).await.location().unwrap().starts_with("/sign-in?to="), "{path}");
    }
    site.member("mira@example.test").await;
    let mut mira = site.signed_in("mira@example.test").await;
    assert_eq!(mira.get(&link).await.status, 410);
    fs::write(folder.join("other"), "another").unwrap();
    let pass = link.rsplit('/').next().unwrap();
    assert_eq!(ada.get(&format!("{FILES}/other/{pass}")).await.status, 410);
    for name in ["..%2Fkeys", "link", "folder", ".hidden", "%2Fetc%2Fpasswd", "nothing"] {
        assert_eq!(ada.get(&format!("{FILES}/{name}/{pass}")).await.status, 404, "{name}");
    }
    site.clock.forward(SignedDuration::from_mins(10));
    assert_eq!(ada.get(&link).await.status, 200);
    site.clock.forward(SignedDuration::from_secs(1));
    let page = ada.get(&link).await;
    assert_eq!((page.status.as_u16(), page.says("This link has expired")), (410, true));
}

#[tokio::test]
async fn machines_are_registered_and_removed() {
    let site = Site::under(&notice("dpv:EnforceSecurity")).await;
    let mut ada = ada(&site).await;
    assert!(ada.visit(FILES).await.says("Your machines"));
    for wrong in ["", "no spaces here", "<b>", &"A".repeat(65)] {
        assert_eq!(ada.send(MACHINES, &[("id", wrong)]).await.status, 422, "{wrong}");
    }
    ada.send(MACHINES, &[("id", ID)]).await;
    let page = ada.send(MACHINES, &[("id", ID)]).await;
    assert_eq!(page.text().matches(ID).count(), 2, "once, with its button: {}", page.text());
    let page = ada.visit("/account/data").await;
    assert!(page.says(&format!("{ID}, since 31 January 2027")), "rgt-1: {}", page.text());
    assert_eq!(files_with(site.folder(), ID), [""; 0], "sealed");
    site.member("mira@example.test").await;
    assert!(!site.signed_in("mira@example.test").await.visit(MACHINES).await.says(ID));
    let promise = site.promise("purpose.machines").await;
    assert_eq!(promise.status, Status::Kept);
    assert!(
        promise.detail.ends_with("machine ids: kinds of read, all for security: 1"),
        "{}",
        promise.detail
    );
    for more in 1..20 {
        assert_eq!(ada.send(MACHINES, &[("id", &format!("M-{more}"))]).await.status, 200);
    }
    assert!(ada.send(MACHINES, &[("id", "M-20")]).await.says("Twenty machines are registered"));
    let page = ada.send(MACHINES, &[("remove", ID)]).await;
    assert!(!page.says(ID), "{}", page.text());
    for more in 1..20 {
        ada.send(MACHINES, &[("remove", &format!("M-{more}"))]).await;
    }
    assert!(ada.visit(MACHINES).await.says("You have registered none."));
    assert_eq!(count(&site, "SELECT COUNT(*) FROM keys WHERE kind = 'pd:DeviceBased'").await, 0);
}

/// Breaks the promise on purpose: a notice that uses machine ids to count how the service is used.
#[tokio::test]
async fn the_check_finds_another_purpose() {
    let site = Site::under(&notice("dpv:ServiceUsageAnalytics")).await;
    let promise = site.promise("purpose.machines").await;
    assert_eq!(promise.status, Status::Broken);
    assert_eq!(promise.detail, "machines is used for something other than security");
    assert_eq!(site.promise("purpose.security").await.status, Status::Kept);
}

#[tokio::test]
async fn without_a_word_in_the_notice_there_are_no_machines() {
    let site = Site::open().await;
    let mut ada = ada(&site).await;
    assert_eq!(ada.get(MACHINES).await.status, 404);
    assert_eq!(ada.post("/account", MACHINES, &[("id", ID)]).await.status, 404);
}
