//! Years in seconds: a whole simulation, and planted faults that it must find (`acc-4` to `acc-7`, `acc-12`, `hold-1`).

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use jiff::Span;
use kept::{
    demo::{CPE, PROCESS, TRAINERS},
    simulate::{Broken, Outcome, Plan, simulate},
    site::AREAS,
};
use kept_keeper::{Act, Area, Hooks, Keeper, KeeperError};
use kept_store::params;
use kept_vault::SubjectId;
use tempfile::tempdir;

use crate::cli::{kept, told, transcript};

const LINE: &str = "simulate notice.toml --years 1 --people 12";

#[test]
fn a_year_is_lived_through_and_drawn() {
    let folder = folder();
    let first = told(LINE, &kept(folder.path(), &format!("{LINE} --plot year.svg")).output().unwrap());
    insta::with_settings!({ filters => [("[A-Za-z0-9+/]{43}=", "[root]"), ("(acts|duties done|erasures|crashes|resumed|events) +\\d+", "$1 [count]")] }, {
        insta::assert_snapshot!(first, @r#"
        $ kept simulate notice.toml --years 1 --people 12
        Example Trainers' Network: 1 year from 1 January 2025, 12 people, seed 1

          days         365
          people       12
          acts [count]
          duties done [count]
          erasures [count]
          crashes [count]
          resumed [count]
          brakes       0
          proofs       13505
          events [count]
          ledger root  [root]

        Every promise was kept on every day.
        "#);
    });
    let svg = fs::read_to_string(folder.path().join("year.svg")).unwrap();
    assert!(svg.contains("every promise kept") && svg.ends_with("</svg>\n"));
}

#[test]
fn a_picture_that_cannot_be_drawn_is_refused_before_the_years_are_lived_through() {
    insta::assert_snapshot!(transcript(folder().path(), &format!("{LINE} --plot nowhere/year.svg")), @r#"
    $ kept simulate notice.toml --years 1 --people 12 --plot nowhere/year.svg
    kept: cannot write nowhere/year.svg: No such file or directory (os error 2)
    [exit 1]
    "#);
}

#[test]
fn a_notice_that_is_none_is_refused() {
    let folder = tempdir().unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "simulate notice.toml"), @r#"
    $ kept simulate notice.toml
    kept: cannot read notice.toml: No such file or directory (os error 2)
    [exit 1]
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_ledger() {
    let lived = async |seed| {
        let plan = Plan { span: Span::new().days(120), people: 60, seed, ..plan(TRAINERS, AREAS) };
        let outcome = simulate(&plan, &mut |_, _| Box::pin(async { Ok(()) })).await.unwrap();
        assert_eq!(outcome.broken, None);
        assert!(outcome.tally.crashes > 0 && outcome.tally.erasures > 0, "{:?}", outcome.tally);
        outcome.tally
    };
    let first = lived(3).await;
    assert_eq!(lived(3).await, first);
    assert_ne!(lived(4).await.root, first.root);
}

/// Without memberships people close their accounts or let them rest; without cookies addresses carry sessions.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_notices_are_lived_under() {
    for notice in [CPE, PROCESS] {
        let plan = Plan { span: Span::new().days(150), people: 60, ..plan(notice, AREAS) };
        let outcome = simulate(&plan, &mut |_, _| Box::pin(async { Ok(()) })).await.unwrap();
        assert_eq!(outcome.broken, None);
        assert!(outcome.tally.crashes > 0 && outcome.tally.erasures > 0, "{:?}", outcome.tally);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_does_not_end_is_found() {
    let endless = "CREATE TRIGGER IF NOT EXISTS endless AFTER INSERT ON sessions \
                   BEGIN UPDATE sessions SET ends = new.ends + 3600000 WHERE digest = new.digest; END";
    let broken =
        lived(Plan { span: Span::new().days(200), ..plan(TRAINERS, AREAS) }, endless).await.broken.unwrap();
    assert_eq!(broken.rule.as_deref(), Some("session"));
    assert_eq!(broken.finding, "a session goes on after its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_outlives_a_password_is_found() {
    let stays = "CREATE TRIGGER IF NOT EXISTS stays BEFORE DELETE ON sessions WHEN EXISTS \
                 (SELECT 1 FROM happenings WHERE subject = old.subject AND event = 'credential.compromised') \
                 BEGIN SELECT RAISE(IGNORE); END";
    let broken =
        lived(Plan { span: Span::new().days(300), ..plan(PROCESS, AREAS) }, stays).await.broken.unwrap();
    assert_eq!(broken.finding, "sessions there: 1, and should be 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_stays_is_found() {
    let stays =
        "CREATE TRIGGER IF NOT EXISTS stays BEFORE DELETE ON documents BEGIN SELECT RAISE(IGNORE); END";
    let broken =
        lived(Plan { span: Span::new().days(300), ..plan(TRAINERS, AREAS) }, stays).await.broken.unwrap();
    assert_eq!(broken.finding, "documents there: 1, and should be 0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_a_day_early_is_found() {
    // The sweep to come is a day after the last.
    let early = "UPDATE duties SET due = due - 86400000 WHERE rule = 'retain.pending' AND state = 'waiting' \
                 AND due - 2 * 86400000 <= (SELECT latest FROM brakes) \
                 AND due - 86400000 > (SELECT latest FROM brakes)";
    let broken = planted(TRAINERS, early).await;
    assert_eq!(broken.rule.as_deref(), Some("retain.pending"));
    assert_eq!(broken.finding, "done before its time: 1");
    assert!(broken.sentence.unwrap().starts_with("Seven days after you sign up"));
}

/// Under a notice that holds who somebody is until they confirm.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_ignored_is_found() {
    let (notice, _) = TRAINERS.split_once("[[expect]]").unwrap();
    let notice = notice.replace("\"dispute.opened\"", "\"sign-up.started\"");
    let notice = notice.replace("\"dispute.settled\"", "\"sign-up.confirmed\"");
    let broken = planted(&notice, "DELETE FROM holds").await;
    assert_eq!(broken.rule.as_deref(), Some("hold.dispute"));
    assert!(broken.finding.ends_with("is gone, although a hold keeps it"), "{}", broken.finding);
    let story = broken.person.unwrap();
    assert!(story.lines.iter().any(|(_, line)| line == "simulated: sign-up.started"), "{story:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_skips_a_kind_is_found() {
    let skips = "CREATE TRIGGER IF NOT EXISTS skips BEFORE DELETE ON keys WHEN old.kind = 'pd:EmailAddress' \
                 BEGIN SELECT RAISE(IGNORE); END";
    let broken = planted(TRAINERS, skips).await;
    // By who looks for it, or by a page of My data that happens to be opened as a test.
    assert!(broken.finding.contains("pd:EmailAddress"), "{}", broken.finding);
}

/// What happened is on the trail, and no clock knows of it.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_written_is_found() {
    let silent = "CREATE TRIGGER IF NOT EXISTS silent BEFORE INSERT ON happenings \
                  WHEN new.event = 'sign-up.confirmed' BEGIN SELECT RAISE(IGNORE); END";
    let broken = planted(TRAINERS, silent).await;
    assert_eq!(broken.finding, "sign-up.confirmed happened and was not written down");
}

/// The leaf is in the ledger, and its event on nobody's trail.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_on_the_trail_is_found() {
    let broken = planted(
        TRAINERS,
        "CREATE TRIGGER IF NOT EXISTS forgets BEFORE INSERT ON trail WHEN new.position = 40 \
         BEGIN SELECT RAISE(IGNORE); END",
    )
    .await;
    assert!(broken.finding.starts_with("no event of "), "{}", broken.finding);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_switched_off_is_found() {
    fn idle(_: &mut Act<'_, '_>, _: SubjectId) -> Result<bool, KeeperError> {
        Ok(false)
    }
    const AREAS: &[Area] = &[
        Area { hooks: Hooks { disable: Some(idle), ..kept_accounts::AREA.hooks }, ..kept_accounts::AREA },
        kept_accounts::DOCUMENTS,
        kept_accounts::DOWNLOADS,
        kept_accounts::RETURNING,
        kept_public::AREA,
    ];
    let nothing = "DELETE FROM facts WHERE name = 'nothing'";
    let plan = Plan { span: Span::new().days(150), ..plan(TRAINERS, AREAS) };
    let broken = lived(plan, nothing).await.broken.unwrap();
    assert_eq!(broken.rule.as_deref(), Some("retain.expired"));
    assert_eq!(broken.finding, "the account is open and should be disabled");
}

/// A file system in memory where there is one: nothing here is about what a disk keeps.
fn memory() -> &'static Path {
    static TEMPORARY: OnceLock<PathBuf> = OnceLock::new();
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { shm } else { TEMPORARY.get_or_init(std::env::temp_dir) }
}

/// A folder with the trainers' notice.
fn folder() -> tempfile::TempDir {
    let folder = tempdir().unwrap();
    fs::write(Path::new(folder.path()).join("notice.toml"), TRAINERS).unwrap();
    folder
}

/// The promise that breaks when this is done to the database every day.
async fn planted(notice: &str, sql: &'static str) -> Broken {
    lived(plan(notice, AREAS), sql).await.broken.expect("the fault is found")
}

async fn lived(plan: Plan<'_>, sql: &'static str) -> Outcome {
    simulate(&plan, &mut |_, keeper| Box::pin(plant(keeper, sql))).await.unwrap()
}

fn plan<'a>(notice: &'a str, areas: &'a [Area]) -> Plan<'a> {
    Plan { notice, areas, span: Span::new().days(60), people: 90, seed: 3, place: memory() }
}

async fn plant(keeper: Keeper, sql: &'static str) -> Result<(), KeeperError> {
    keeper.store().write(move |tx| tx.execute(sql, &params![])).await.map(drop).map_err(KeeperError::Store)
}
