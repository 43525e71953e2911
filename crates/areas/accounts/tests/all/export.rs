//! rgt-1: everything that is held, as one file that people and machines can read, and that shows a change.

use std::io::{Cursor, Read};

use axum::http::header;
use data_encoding::HEXLOWER;
use kept_testkit::{Browser, PASSWORD, Page, Site};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use crate::{
    authenticator::Authenticator,
    passkeys,
    support::{deal, least, look_up},
};

/// Asks for the archive. How long it will be is said before it comes, so that browsers can show how far it is.
async fn take(browser: &mut Browser) -> Page {
    let page = browser.send("/account/export", &[("password", PASSWORD)]).await;
    let length = page.headers.get(header::CONTENT_LENGTH).map(|length| length.to_str().unwrap().to_owned());
    assert_eq!(length, Some(page.body.len().to_string()));
    page
}

/// The files of an archive, by name.
fn files(page: &Page) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(&page.body)).unwrap();
    let mut files = Vec::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.push((file.name().unwrap().into_owned(), bytes));
    }
    files
}

fn text(files: &[(String, Vec<u8>)], name: &str) -> String {
    let (_, bytes) = files.iter().find(|(file, _)| file == name).unwrap();
    String::from_utf8(bytes.clone()).unwrap()
}

#[tokio::test]
async fn everything_comes_as_one_file() {
    exports(Site::open().await).await;
}

#[tokio::test]
async fn the_same_file_from_postgresql() {
    exports(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn exports(site: Site) {
    let secret = site.staff("sam@example.test", "support").await;
    let mut ada = site.browser();
    let mut form = least("ada@example.test");
    form.push(("address", "5 Example Lane\r\nSampletown"));
    ada.send("/sign-up", &form).await;
    ada.send(&site.link("ada@example.test").await, &[]).await;
    let subject = site.find("ada@example.test").await.unwrap();
    site.act(move |act| kept_accounts::members::credit(act, subject, 15, "Programme design")).await;
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    look_up(&mut desk, "ada@example.test", "asks about a course").await;
    deal(&mut desk, "ada@example.test", "open-dispute").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let mut device = Authenticator::new(1);
    passkeys::add(&mut ada, "Key ring", &mut device).await;

    // Not without the password, and not without a form of this site.
    assert!(ada.visit("/account/export").await.says("data.json"));
    let page = ada.send("/account/export", &[("password", "not the password at all")]).await;
    assert!(page.status == 422 && page.says("This is not your password."));
    assert_eq!(ada.post_with("/account/export", "", &[("password", PASSWORD)]).await.status, 403);

    let page = take(&mut ada).await;
    let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
    assert_eq!((page.status.as_u16(), header("content-type").as_str()), (200, "application/zip"));
    assert_eq!(header("content-disposition"), "attachment; filename=\"my-data-2027-01-31.zip\"");
    assert_eq!(header("cache-control"), "no-store");
    let files = files(&page);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["data.json", "index.html", "trail.json", "manifest.json"]);

    // For people.
    let html = text(&files, "index.html");
    for said in [
        "Mira Quillfeather",
        "Sampletown",
        "asks about a course",
        "1 credit entry",
        "A hold keeps it for now.",
        "A passkey named “Key ring”, added on 31 January 2027, not used yet.",
    ] {
        assert!(html.contains(said), "index.html does not say “{said}”");
    }
    assert!(!html.contains("://"), "it loads nothing and leads nowhere");

    // For machines: field by field, the rows of the tables, and what is withheld by name.
    let data: Json = serde_json::from_str(&text(&files, "data.json")).unwrap();
    assert_eq!((data["format"].as_str(), data["version"].as_u64()), (Some("kept-export"), Some(1)));
    assert_eq!(data["notice"], site.keeper.policy().version());
    let parts = data["parts"].as_array().unwrap();
    let part = |record: &str, kind: &str| {
        let found = parts.iter().find(|part| part["record"] == record && part["kind"] == kind);
        found.unwrap_or_else(|| panic!("no {record} {kind}"))
    };
    assert_eq!(part("profile", "pd:Name")["fields"]["family_name"], "Quillfeather");
    assert_eq!(part("profile", "pd:PhysicalAddress")["fields"]["address"], "5 Example Lane\nSampletown");
    assert_eq!(part("profile", "pd:EmailAddress")["source"], "person");
    assert!(part("member-id", "pd:Identifier")["fields"]["member_id"].as_str().unwrap().starts_with("M-"));
    assert_eq!(data["rows"]["credits"][0]["course"], "Programme design");
    assert_eq!(data["rows"]["holds"][0]["hold"], "hold.dispute");
    assert_eq!(data["rows"]["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(data["withheld"], serde_json::json!(["pd:Password", "pd:Authenticating"]));
    let passkey = serde_json::json!([{ "name": "Key ring", "added": site.now().to_string(), "used": null }]);
    assert_eq!(data["passkeys"], passkey);
    assert!(!text(&files, "data.json").contains(&passkeys::id_of(&device)));
    assert!(!String::from_utf8_lossy(&page.body).contains("argon2"));
    let name = data["kinds"].as_array().unwrap().iter().find(|kind| kind["kind"] == "pd:Name").unwrap();
    assert!(
        name["why"][0].as_str().unwrap().contains("membership") && name["held"][0] == "hold.dispute",
        "{name}"
    );

    // The trail, with this very export, and without the name or id of who looked.
    let told: Json = serde_json::from_str(&text(&files, "trail.json")).unwrap();
    let told = told.as_array().unwrap();
    assert_eq!(told[0]["says"], "You took a copy of your data");
    let looked = told.iter().find(|event| event["because"] == "asks about a course").unwrap();
    assert_eq!((looked["who"].as_str(), looked["deed"].as_str()), (Some("support"), Some("read")));

    // The manifest knows every other file.
    let manifest: Json = serde_json::from_str(&text(&files, "manifest.json")).unwrap();
    let listed = manifest["files"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    for file in listed {
        let (_, bytes) = files.iter().find(|(name, _)| file["name"] == name.as_str()).unwrap();
        assert_eq!(file["bytes"].as_u64(), Some(bytes.len() as u64));
        assert_eq!(file["sha256"], HEXLOWER.encode(&Sha256::digest(bytes)));
    }
    assert!(ada.visit("/account/trail").await.says("You took a copy of your data."));
}

/// A trail longer than what is read at once is whole, in order, and nothing is in it twice.
#[tokio::test]
async fn a_long_trail_is_whole() {
    let site = Site::open().await;
    let subject = site.member("ada@example.test").await;
    site.act(move |act| {
        for number in 0..1_700 {
            act.note(subject, kept_keeper::Deed::Wrote, &format!("note {number}"), &[], None)?;
        }
        Ok(())
    })
    .await;
    let mut ada = site.signed_in("ada@example.test").await;
    let files = files(&take(&mut ada).await);
    let told: Json = serde_json::from_str(&text(&files, "trail.json")).unwrap();
    let positions: Vec<u64> =
        told.as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert!(positions.is_sorted_by(|newer, older| newer > older));
    let notes =
        told.as_array().unwrap().iter().filter(|event| event["what"].as_str().unwrap().starts_with("note "));
    assert_eq!(notes.count(), 1_700);
}

/// acc-2, rgt-1: what somebody handed in is in the file, byte by byte, and the manifest knows it.
#[tokio::test]
async fn documents_are_in_the_file() {
    exports_documents(Site::open().await).await;
}

#[tokio::test]
async fn documents_are_in_the_file_from_postgresql() {
    exports_documents(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn exports_documents(site: Site) {
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    let licence: Vec<u8> =
        b"%PDF-1.7 ".iter().copied().chain((0..400_000_u32).flat_map(u32::to_le_bytes)).collect();
    ada.upload("/account/documents", &[("about", "A licence")], ("file", &licence)).await;
    ada.upload("/account/documents", &[("about", "A diploma")], ("file", b"\x89PNG\r\n\x1a\n and more"))
        .await;
    let files = files(&take(&mut ada).await);
    let named: Vec<&str> = files
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("files/document-"))
        .collect();
    assert_eq!(named.len(), 2, "{named:?}");
    let pdf = named.iter().find(|name| name.ends_with(".pdf")).unwrap();
    assert!(named.iter().any(|name| name.ends_with(".png")));
    let (_, bytes) = files.iter().find(|(name, _)| name == pdf).unwrap();
    assert!(*bytes == licence, "whole and unchanged");
    let manifest: Json = serde_json::from_str(&text(&files, "manifest.json")).unwrap();
    let listed = manifest["files"].as_array().unwrap().iter().find(|file| file["name"] == **pdf).unwrap();
    assert_eq!(listed["sha256"], HEXLOWER.encode(&Sha256::digest(&licence)));
    assert_eq!(listed["bytes"].as_u64(), Some(licence.len() as u64));
}
