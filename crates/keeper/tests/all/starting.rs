//! Starting: what does not fit together does not start, says why, and leaves the folder as it was.
//!
//! On SQLite only, where the database is among the folder's bytes; `servers` has the starts on PostgreSQL.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use kept_keeper::{Area, By, Keeper, StartError, Table, View as _, ViewSpec};
use kept_store::Migration;
use kept_vault::Kind;
use tempfile::TempDir;

use crate::{
    club::{AREA, Addressee, MIGRATION, NOTICE, Phonebook, TABLES},
    site::{Hands, On, START, Site, notice_with, open},
};

/// What a start says when it is refused, on one line.
async fn refused(folder: &Path, notice: &str, areas: &[Area]) -> String {
    match open(folder, None, Hands::at(START), notice, areas, 2).await {
        Ok(_) => panic!("it started"),
        Err(cause) => cause.to_string().replace(&folder.display().to_string(), "FOLDER"),
    }
}

/// Every file of a folder with anything in it, but the log's index, which any reader makes.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.metadata().unwrap().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .filter(|(name, bytes)| !bytes.is_empty() && !name.ends_with("-shm"))
        .collect()
}

/// The folder of a site that has been used and stopped.
async fn used() -> TempDir {
    let site = Site::new(On::Sqlite).await;
    site.member("Anna").await;
    site.keeper.close().await.unwrap();
    site.folder
}

/// Refused with these words, and not a byte of the folder has changed.
async fn leaves_all_as_it_was(folder: &Path, notice: &str, areas: &[Area], says: &str) {
    let before = contents(folder);
    assert_eq!(refused(folder, notice, areas).await, says);
    assert!(contents(folder) == before, "the folder has changed");
}

#[tokio::test]
async fn without_its_keys() {
    let folder = used().await;
    let keys = folder.path().join("keys");
    let whole = fs::read(&keys).unwrap();

    fs::remove_file(&keys).unwrap();
    let says = "there is no key file at FOLDER/keys: put the newest copy of it there; without it the data cannot be read";
    leaves_all_as_it_was(folder.path(), NOTICE, &[AREA], says).await;

    fs::write(&keys, &whole[..whole.len() / 2]).unwrap();
    let says = "the key file FOLDER/keys is cut short: put the newest whole copy of it there";
    leaves_all_as_it_was(folder.path(), NOTICE, &[AREA], says).await;

    let other = used_by_another_seed().await;
    fs::copy(other.path().join("keys"), &keys).unwrap();
    let says = "the key file FOLDER/keys belongs to another site: put the key file of this folder back; nothing was touched";
    leaves_all_as_it_was(folder.path(), NOTICE, &[AREA], says).await;

    fs::write(&keys, &whole).unwrap();
    open(folder.path(), None, Hands::at(START), NOTICE, &[AREA], 2).await.unwrap();
}

/// The club in a version of the code that would change the schema: it does not do so before it has refused.
pub(crate) const NEWER: Area = Area {
    migrations: &[
        MIGRATION,
        Migration { name: "club/0002_cap", sql: "CREATE TABLE caps (size BIGINT NOT NULL)" },
    ],
    ..AREA
};

#[tokio::test]
async fn without_its_keys_nothing_is_migrated() {
    let folder = used().await;
    let (keys, other) = (folder.path().join("keys"), used_by_another_seed().await);
    let own = fs::read(&keys).unwrap();
    fs::copy(other.path().join("keys"), &keys).unwrap();
    let says = "the key file FOLDER/keys belongs to another site: put the key file of this folder back; nothing was touched";
    leaves_all_as_it_was(folder.path(), NOTICE, &[NEWER], says).await;
    // The older version still runs, and the newer one once its keys are back.
    fs::write(&keys, own).unwrap();
    for area in [AREA, NEWER] {
        let keeper = open(folder.path(), None, Hands::at(START), NOTICE, &[area], 2).await.unwrap();
        keeper.close().await.unwrap();
    }
}

async fn used_by_another_seed() -> TempDir {
    let folder = TempDir::new().unwrap();
    let keeper = open(folder.path(), None, Hands::at(START), NOTICE, &[AREA], 7).await.unwrap();
    keeper.close().await.unwrap();
    folder
}

#[tokio::test]
async fn under_another_notice() {
    let folder = used().await;
    let other = notice_with("6 months", "7 months");
    let keeper = open(folder.path(), None, Hands::at(START), NOTICE, &[AREA], 2).await.unwrap();
    let running: String = keeper.policy().version().chars().take(12).collect();
    keeper.close().await.unwrap();
    let says = format!(
        "FOLDER runs under another notice (version {running}): to change it, run `kept propose` with the new notice; to go on as it is, put the notice in force back"
    );
    for area in [AREA, NEWER] {
        leaves_all_as_it_was(folder.path(), &other, &[area], &says).await;
    }
    // Comments and spacing are no other notice.
    let same = format!("# A comment.\n\n{NOTICE}");
    open(folder.path(), None, Hands::at(START), &same, &[AREA], 2).await.unwrap();
}

#[tokio::test]
async fn with_another_version_of_the_code() {
    let folder = used().await;
    const EARLIER: &[Migration] = &[Migration { name: "club/0000_club", sql: MIGRATION.sql }];
    let earlier = Area { migrations: EARLIER, ..AREA };
    let says = "FOLDER/kept.db was last used by another version of kept: its migration club/0001_club is not this version's; \
                start that version, or restore a backup made before it";
    leaves_all_as_it_was(folder.path(), NOTICE, &[earlier], says).await;
}

#[tokio::test]
async fn while_another_server_runs() {
    let site = Site::new(On::Sqlite).await;
    let says = "FOLDER is in use by another kept server: stop it or choose another folder";
    assert_eq!(refused(site.folder.path(), NOTICE, &[AREA]).await, says);
    site.member("Anna").await;
}

/// A notice with mistakes is refused before a folder is made.
#[tokio::test]
async fn a_notice_with_mistakes() {
    let folder = TempDir::new().unwrap();
    let site = folder.path().join("site");
    let says = refused(&site, &notice_with("uses  = [\"trail\"]", "uses  = [\"trial\"]"), &[AREA]).await;
    assert!(says.contains("unknown label \"trial\""), "{says}");
    assert!(!site.exists());
}

#[tokio::test]
async fn a_needed_view_that_the_notice_does_not_allow() {
    let folder = TempDir::new().unwrap();
    const VIEWS: &[ViewSpec] = &[Addressee::SPEC, ViewSpec { needed: true, ..Phonebook::SPEC }];
    let area = Area { views: VIEWS, ..AREA };
    let says = refused(folder.path(), NOTICE, &[area]).await;
    assert_eq!(
        says,
        "the site cannot work under this notice: what a test looks at (view `phonebook`) is not allowed, because \
         role.support sees phone as \"last 4\", not as \"whole\"."
    );
    const SPY: &[ViewSpec] =
        &[ViewSpec { by: By::System, purpose: "dpv:RightsFulfilment", ..Addressee::SPEC }];
    let says = refused(folder.path(), NOTICE, &[Area { views: SPY, ..AREA }]).await;
    assert!(
        says.ends_with("purpose.answering does not use identity, which holds pd:EmailAddress."),
        "{says}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_sentence_that_nothing_can_prove() {
    let folder = TempDir::new().unwrap();
    let says = refused(folder.path(), NOTICE, &[Area { checks: &[], ..AREA }]).await;
    assert_eq!(
        says,
        "no code of this site can prove the sentence `session`; take the rule out or use a version of Kept that runs it"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The registry is held against the database both ways: whatever stands beside a subject is known, and the reverse.
#[tokio::test]
async fn a_table_or_column_that_no_area_registers() {
    const EXTRA: &[Migration] = &[
        MIGRATION,
        Migration {
            name: "club/0002_notes",
            sql: "CREATE TABLE notes (subject BLOB NOT NULL, text TEXT NOT NULL)",
        },
    ];
    const WIDER: &[Migration] =
        &[MIGRATION, Migration { name: "club/0002_shoe", sql: "ALTER TABLE members ADD COLUMN shoe TEXT" }];
    let folder = TempDir::new().unwrap();
    let says = refused(&folder.path().join("table"), NOTICE, &[Area { migrations: EXTRA, ..AREA }]).await;
    assert_eq!(
        says,
        "table `notes` has a subject, and no area says what it holds: list it in its area's tables"
    );
    let says = refused(&folder.path().join("column"), NOTICE, &[Area { migrations: WIDER, ..AREA }]).await;
    assert_eq!(
        says,
        "column `members.shoe` stands beside a subject, and no area says what it holds: list it in its area's tables"
    );

    use kept_keeper::Holds;
    const ABSENT: &[Table] = &[TABLES[0], TABLES[1], Table { name: "ghosts", columns: &[], erase: &[] }];
    let says = refused(&folder.path().join("absent"), NOTICE, &[Area { tables: ABSENT, ..AREA }]).await;
    assert_eq!(says, "column `ghosts.subject` is registered, but the database has no such column");
    const KEPT: &[Table] = &[TABLES[0], Table { erase: &[], ..TABLES[1] }];
    let says = refused(&folder.path().join("erase"), NOTICE, &[Area { tables: KEPT, ..AREA }]).await;
    assert_eq!(
        says,
        "column `walks.credits` holds pd:ProfessionalTraining, and its table says no statement that erases it"
    );
    assert_eq!(TABLES[1].columns[1].1, Holds::Kind(Kind::PROFESSIONAL_TRAINING));
}

#[tokio::test]
async fn a_first_start_makes_a_private_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("a/site");
    let time = Hands::at(START);
    let keeper: Keeper = open(&folder, None, Arc::clone(&time), NOTICE, &[AREA], 1).await.unwrap();
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    for file in ["keys", "tombstones"] {
        assert_eq!(fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    assert!(matches!(
        open(&folder, None, time, NOTICE, &[AREA], 1).await,
        Err(StartError::Open(kept_store::OpenError::InUse { .. }))
    ));
    drop(keeper);
}
