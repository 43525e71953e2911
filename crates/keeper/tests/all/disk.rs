//! What lies on the disk: no word that anyone gave us, and after erasing not even the sealed bytes.
//!
//! On SQLite only: it looks into the database's files, and those of a PostgreSQL server are the store's to test.

use std::{fs, path::Path};

use jiff::ToSpan;
use kept_keeper::{Actor, Letter};
use kept_store::params;

use crate::{
    club::{BY_EMAIL, BY_NAME, Badge, Card, Profile},
    site::{On, STAFF, Site},
};

const CANARIES: [&str; 8] = [
    "Canaria-Quokka-Name",
    "canaria-quokka@example.test",
    "+1-555-0142-canaria",
    "canaria-quokka-badge",
    "canaria-quokka-letter",
    "canaria-quokka-subject",
    "canaria-quokka-reason",
    "canaria-quokka-index",
];

/// Every file of a folder, as its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.metadata().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()));
        }
    }
    found
}

fn traces(folder: &Path, needles: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, bytes) in files(folder) {
        let here =
            needles.iter().filter(|needle| bytes.windows(needle.len()).any(|w| w == needle.as_slice()));
        found.extend(here.map(|_| name.clone()));
    }
    found
}

#[tokio::test]
async fn no_word_is_stored_in_the_clear_and_no_sealed_byte_outlives_its_erasure() {
    let site = Site::new(On::Sqlite).await;
    let canaries: Vec<Vec<u8>> = CANARIES.iter().map(|text| text.as_bytes().to_vec()).collect();
    let [name, email, phone, badge, letter, title, reason, value] = CANARIES;
    let mut people = Vec::new();
    for _ in 0..20 {
        let anna = site
            .act(Actor::Visitor, move |act| {
                let anna = act.new_subject();
                act.put(
                    anna,
                    &Profile { name: name.into(), email: email.into(), phone: Some(phone.into()) },
                )?;
                act.put(anna, &Badge { member_id: badge.into() })?;
                act.claim(BY_EMAIL, email, anna)?;
                act.claim(BY_NAME, value, anna)?;
                let mail =
                    Letter { about: "test", to: email.into(), subject: title.into(), text: letter.into() };
                act.mail(anna, &mail)?;
                Ok(anna)
            })
            .await
            .unwrap();
        site.act(STAFF, move |act| act.view::<Card>(anna, Some(reason))).await.unwrap();
        site.own(anna).await;
        people.push(anna);
    }
    site.keeper.write_journal().await.unwrap();
    site.keeper.prove().await.unwrap();
    assert_eq!(traces(site.folder.path(), &canaries), Vec::<String>::new());
    let open = files(site.folder.path());
    assert!(open.iter().any(|(name, _)| name.ends_with("-wal")), "the log is looked at too");

    // The sealed bytes are there, and the wrapped keys that open them.
    let mut sealed: Vec<Vec<u8>> = Vec::new();
    for row in site.rows("SELECT sealed FROM vault", &params![]).await {
        sealed.push(row.get(0).unwrap());
    }
    for row in site.rows("SELECT wrapped FROM keys WHERE subject <> zeroblob(16)", &params![]).await {
        sealed.push(row.get(0).unwrap());
    }
    assert_eq!(sealed.len(), 20 * (4 + 1) + 20 * (4 + 1 + 1));
    assert!(!traces(site.folder.path(), &sealed).is_empty(), "the search finds what is there");

    for anna in &people {
        site.emit(*anna, "member.left").await;
    }
    site.skip("2028-09-02T12:00:00Z").await;
    assert_eq!(site.count("SELECT COUNT(*) FROM vault", &params![]).await, 0);
    assert!(site.keeper.tidy().await.unwrap());
    assert_eq!(traces(site.folder.path(), &sealed), Vec::<String>::new());
    assert_eq!(traces(site.folder.path(), &canaries), Vec::<String>::new());
    let folder = site.folder;
    site.keeper.close().await.unwrap();
    assert_eq!(traces(folder.path(), &sealed), Vec::<String>::new());
    assert_eq!(traces(folder.path(), &canaries), Vec::<String>::new());
}

#[tokio::test]
async fn tidying_waits_for_something_to_tidy_and_survives_a_restart() {
    let site = Site::new(On::Sqlite).await;
    let anna = site.member("Anna").await;
    assert!(!site.keeper.tidy().await.unwrap());
    site.mail(anna, "soon gone").await;
    site.days(8).await;
    let site = site.restarted().await;
    assert!(site.keeper.tidy().await.unwrap());
    assert!(!site.keeper.tidy().await.unwrap());
    // What a person takes back is tidied too.
    site.act(Actor::Person(anna), move |act| {
        act.put(anna, &Profile { name: "Anna".into(), email: "anna@example.test".into(), phone: None })
    })
    .await
    .unwrap();
    assert!(!site.keeper.tidy().await.unwrap(), "once a day");
    site.days(1).await;
    assert!(site.keeper.tidy().await.unwrap());
    assert_eq!(site.own(anna).await.name.as_deref(), Some("Anna"));
}

/// A long read keeps the log from being emptied: the sweep erases all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_does_not_fail_because_somebody_reads() {
    let site = Site::new(On::Sqlite).await;
    let anna = site.member("Anna").await;
    site.mail(anna, "soon gone").await;
    site.days(6).await;
    let (begun, started) = tokio::sync::oneshot::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let store = site.keeper.store().clone();
    let (mut begun, ended) = (Some(begun), ended);
    let reading = tokio::spawn(async move {
        store
            .scan(move |read| {
                let rows = read.query("SELECT COUNT(*) FROM vault", &params![])?;
                begun.take().unwrap().send(()).unwrap();
                ended.recv().unwrap();
                Ok::<_, kept_store::StoreError>(rows.len())
            })
            .await
            .unwrap()
    });
    started.await.unwrap();
    site.time.set(site.keeper.now() + 24.hours());
    let swept = site.sweep().await;
    assert_eq!((swept.done, swept.failed), (1, 0));
    let busy = site.keeper.tidy().await;
    assert!(matches!(busy, Err(kept_keeper::KeeperError::Store(kept_store::StoreError::Busy))));
    end.send(()).unwrap();
    reading.await.unwrap();
    assert!(site.keeper.tidy().await.unwrap(), "it is still to be done");
}
