//! A change of notice: proposed, told to everyone, and in force at its moment (`ntc-2`, `ntc-3`).

use jiff::ToSpan;
use kept_keeper::{Actor, Area, Database, Keeper, KeeperError, LEASE, ProposeError, Proposed, Setup, Status};
use kept_store::params;
use kept_vault::Kind;
use tempfile::TempDir;

use crate::{
    club::{AREA, Profile},
    site::{Hands, OWNER, On, START, Site, is, moment, notice_with, open},
};

on_every_database! {
    a_change_that_hurts_nobody_takes_effect_at_once
    a_change_that_matters_waits_until_everyone_is_told_and_the_time_has_passed
    who_comes_meanwhile_is_told_as_well
    nobody_is_told_twice_after_a_crash
    what_cannot_be_proposed_says_why
    what_is_proposed_can_be_withdrawn
    an_unannounced_change_is_found
    a_change_before_its_time_is_found
    a_server_that_ignores_the_row_is_found
}

/// The club's notice with the sentence on changes, from the beginning.
fn announcing() -> String {
    notice_with(
        "laws      = [\"GDPR\"]",
        "laws      = [\"GDPR\"]\nchange    = { by = \"e-mail\", ahead = \"30 days\" }",
    )
}

/// The announcing notice from another day on, with one text replaced.
pub(crate) fn from_day(day: &str, old: &str, new: &str) -> String {
    let notice = announcing();
    assert!(notice.contains(old), "the notice has no {old:?}");
    notice.replace(old, new).replace("2026-08-01", day)
}

pub(crate) async fn club(on: On) -> Site {
    Site::under(on, &announcing()).await
}

/// Six months become a year.
pub(crate) fn longer(day: &str) -> String {
    from_day(day, "after  = \"6 months\"", "after  = \"1 year\"")
}

async fn version(site: &Site) -> String {
    site.keeper.follow().await.unwrap().version().to_owned()
}

/// Proposes, and lets the days pass until it is in force.
pub(crate) async fn change_to(site: &Site, notice: &str) {
    site.keeper.propose(notice).await.unwrap();
    let before = version(site).await;
    for _ in 0..60 {
        site.days(1).await;
        if version(site).await != before {
            site.sweep().await;
            return;
        }
    }
    panic!("it never came into force");
}

async fn a_change_that_hurts_nobody_takes_effect_at_once(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    let new = from_day("2026-08-31", "idle    = \"1 hour\"", "idle    = \"30 minutes\"");
    let before = version(&site).await;
    let Proposed::From { when, changes } = site.keeper.propose(&new).await.unwrap() else { panic!() };
    assert_eq!(changes.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["notice", "session"]);
    assert_eq!(when, moment(START) + LEASE, "once every server has had the time to read of it");
    assert_eq!(version(&site).await, before);
    site.time.set(when);
    assert_ne!(version(&site).await, before);
    site.emit(anna, "member.left").await;
    let events = site.look(Actor::Person(anna), |look| look.trail(1)).await.unwrap();
    assert_eq!(events[0].event.notice, version(&site).await);
    assert_eq!(site.letters(anna).await.len(), 0);
    assert!(is(&site.finding("notice.change").await, Status::Kept, 1));
    assert_eq!(site.broken().await, Vec::<String>::new());
    let versions = site.keeper.versions().await.unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!((versions[0].since, versions[0].until), (when, None));
    assert_eq!((versions[1].since, versions[1].until), (moment(START), Some(when)));
}

async fn a_change_that_matters_waits_until_everyone_is_told_and_the_time_has_passed(on: On) {
    let site = club(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    let before = version(&site).await;
    let proposed = site.keeper.propose(&longer("2026-10-01")).await.unwrap();
    assert!(
        matches!(proposed, Proposed::Announced { effective, .. } if effective.to_string() == "2026-10-01")
    );
    assert!(site.keeper.coming().unwrap().from.is_none(), "nobody has been told");
    site.time.set(moment(START) + 48.hours());
    site.sweep().await;
    let letters = site.letters(anna).await;
    assert_eq!(letters.len(), 0, "the clock jumped: letters wait for an owner");
    site.keeper.release_brake(OWNER).await.unwrap();
    site.sweep().await;
    for subject in [anna, bert] {
        let letters = site.letters(subject).await;
        assert_eq!(
            letters.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(),
            ["On 2026-10-01 our notice changes: 1 sentences."]
        );
    }
    let from = site.keeper.coming().unwrap().from.unwrap();
    assert_eq!(
        from,
        moment(START) + 48.hours() + (30 * 24).hours(),
        "later than it says, as it was told late"
    );
    site.until("2026-10-01T12:00:00Z").await;
    assert_eq!(version(&site).await, before);
    site.time.set(from - 1.millisecond());
    assert_eq!(version(&site).await, before);
    site.time.set(from);
    assert_ne!(version(&site).await, before);
    assert!(is(&site.finding("notice.change").await, Status::Kept, 1));
    assert_eq!(site.broken().await, Vec::<String>::new());
    site.sweep().await;
    assert_eq!(site.count("SELECT COUNT(*) FROM duties WHERE rule = 'notice.change'", &params![]).await, 0);
    let told = "SELECT COUNT(*) FROM deeds WHERE rule = 'notice.change'";
    assert_eq!(site.count(told, &params![]).await, 2, "the evidence stays");
    // The site starts again with either file, under what is in force.
    let site = site.restarted_under(&announcing()).await;
    assert_ne!(version(&site).await, before);
    let site = site.restarted_under(&longer("2026-10-01")).await;
    assert_ne!(version(&site).await, before);
}

async fn who_comes_meanwhile_is_told_as_well(on: On) {
    let site = club(on).await;
    site.member("Anna").await;
    site.keeper.propose(&longer("2026-10-15")).await.unwrap();
    site.sweep().await;
    let from = site.keeper.coming().unwrap().from.unwrap();
    let bert = site.member("Bert").await;
    let unsure = site.member("unconfirmed").await;
    site.days(1).await;
    assert_eq!(site.letters(bert).await.len(), 1);
    assert_eq!(site.letters(unsure).await.len(), 0);
    assert_eq!(site.keeper.coming().unwrap().from, Some(from), "who comes does not put it off");
    site.days(2).await;
    assert_eq!(site.letters(bert).await.len(), 1, "once");
    site.act(Actor::Person(unsure), move |act| {
        let profile = Profile { name: "Uma".into(), email: "uma@example.test".into(), phone: None };
        act.put(unsure, &profile)
    })
    .await
    .unwrap();
    site.days(1).await;
    assert_eq!(site.letters(unsure).await.len(), 1, "as soon as it can be");
}

async fn nobody_is_told_twice_after_a_crash(on: On) {
    let site = club(on).await;
    let mut people = Vec::new();
    for name in ["Anna", "Bert", "Cleo", "Dora", "Emil"] {
        people.push(site.member(name).await);
    }
    site.keeper.propose(&longer("2026-10-15")).await.unwrap();
    site.refuse("INSERT", "outbox").await;
    assert_eq!(site.sweep().await.failed, 5);
    let site = site.killed().await;
    assert!(site.keeper.coming().unwrap().from.is_none());
    site.relent("outbox").await;
    site.sweep().await;
    let site = site.killed().await;
    assert!(site.keeper.coming().unwrap().from.is_some());
    site.sweep().await;
    for subject in people {
        assert_eq!(site.letters(subject).await.len(), 1);
    }
}

async fn what_cannot_be_proposed_says_why(on: On) {
    let silent = Site::new(on).await;
    let says = |outcome: Result<Proposed, ProposeError>| outcome.unwrap_err().to_string();
    let without = notice_with("after  = \"6 months\"", "after  = \"1 year\"");
    let refused = says(silent.keeper.propose(&without).await);
    assert!(refused.contains("does not say how changes are announced"), "{refused}");
    assert!(refused.contains("(retain.lapsed: it happens later)"), "{refused}");
    silent.keeper.propose(&announcing().replace("2026-08-01", "2026-08-31")).await.unwrap();

    let site = club(on).await;
    let refused = says(site.keeper.propose(&longer("2026-09-30")).await);
    assert_eq!(
        refused,
        "the notice says `effective = 2026-09-30`, and can take effect on 2026-10-01 at the earliest: write that day or a later one"
    );
    let refused = says(site.keeper.propose(&from_day("2026-08-30", "\"1 hour\"", "\"30 minutes\"")).await);
    assert!(refused.contains("2026-08-31 at the earliest"), "{refused}");
    let other = from_day(
        "2026-10-01",
        "when   = \"member.left\"\nunless = \"member.back\"\nafter  = \"1 year\"",
        "when = \"dispute.opened\"",
    );
    assert!(says(site.keeper.propose(&other).await).contains("[retain.trail] has another `when`"));
    let wrong = announcing().replace("\"1 hour\"", "\"1 moon\"");
    assert!(matches!(site.keeper.propose(&wrong).await, Err(ProposeError::Start(_))));
    assert_eq!(site.count("SELECT COUNT(*) FROM policies", &params![]).await, 1, "nothing was written");

    site.keeper.propose(&longer("2026-10-01")).await.unwrap();
    assert_eq!(site.keeper.propose(&longer("2026-10-01")).await.unwrap(), Proposed::Already);
    assert!(matches!(site.keeper.propose(&longer("2026-10-02")).await, Err(ProposeError::UnderWay { .. })));
}

async fn what_is_proposed_can_be_withdrawn(on: On) {
    let site = club(on).await;
    site.member("Anna").await;
    assert_eq!(site.keeper.propose(&announcing()).await.unwrap(), Proposed::InForce);
    site.keeper.propose(&longer("2026-10-01")).await.unwrap();
    site.sweep().await;
    assert_eq!(site.keeper.propose(&announcing()).await.unwrap(), Proposed::Withdrawn);
    assert!(site.keeper.coming().is_none());
    let before = version(&site).await;
    site.days(40).await;
    assert_eq!(version(&site).await, before);
    assert!(is(&site.finding("notice.change").await, Status::NotDue, 0));

    let soon = from_day("2026-10-10", "idle    = \"1 hour\"", "idle    = \"30 minutes\"");
    site.keeper.propose(&soon).await.unwrap();
    let late = site.keeper.propose(&announcing()).await;
    assert!(matches!(late, Err(ProposeError::TooLate)), "some server may count on it by now");
}

// ── planted faults ───────────────────────────────────────────────────────────────────────────────────────────────

async fn an_unannounced_change_is_found(on: On) {
    let site = club(on).await;
    site.member("Anna").await;
    change_to(&site, &longer("2026-10-05")).await;
    assert!(is(&site.finding("notice.change").await, Status::Kept, 1));
    site.plant("UPDATE policies SET told = NULL, material = 0 WHERE told IS NOT NULL", &params![]).await;
    assert!(is(&site.finding("notice.change").await, Status::Broken, 1));
}

async fn a_change_before_its_time_is_found(on: On) {
    let site = club(on).await;
    site.member("Anna").await;
    change_to(&site, &longer("2026-10-05")).await;
    site.plant("UPDATE deeds SET done = done + 864000000 WHERE rule = 'notice.change'", &params![]).await;
    assert!(is(&site.finding("notice.change").await, Status::Broken, 1));
}

async fn a_server_that_ignores_the_row_is_found(on: On) {
    let site = club(on).await;
    let anna = site.member("Anna").await;
    change_to(&site, &longer("2026-10-05")).await;
    assert_eq!(site.broken().await, Vec::<String>::new());
    let hour = site.keeper.now() + 1.hour();
    site.plant(
        "UPDATE policies SET activated = NULL, activates = activates - 86400000 * 20 WHERE carried IS NOT NULL AND material = 1",
        &params![],
    )
    .await;
    site.plant(
        "UPDATE ledger_edge SET policy = (SELECT version FROM policies WHERE material = 0)",
        &params![],
    )
    .await;
    site.time.set(hour);
    site.emit(anna, "dispute.opened").await;
    let finding = site.finding("notice").await;
    assert!(is(&finding, Status::Broken, 1), "{finding:?}");
    assert_eq!(finding.detail, "the notice that runs is not the one in force");
    // It wakes up: what it did meanwhile shows.
    site.plant("UPDATE policies SET activated = activates WHERE activated IS NULL", &params![]).await;
    site.plant(
        "UPDATE ledger_edge SET policy = (SELECT version FROM policies WHERE material = 1)",
        &params![],
    )
    .await;
    site.time.set(hour + 1.hour());
    let finding = site.finding("notice").await;
    assert_eq!(finding.status, Status::Broken, "{finding:?}");
    assert!(finding.detail.starts_with("done under a notice that was no longer in force"), "{finding:?}");
}

/// A folder that ran under an earlier notice than the one it is opened with is not lost: it is opened as it was, and
/// the other is proposed.
#[tokio::test]
async fn a_folder_of_an_earlier_notice_is_opened_under_it() {
    let site = club(On::Sqlite).await;
    site.member("Anna").await;
    let before = version(&site).await;
    let (folder, time) = (site.folder, site.time);
    site.keeper.close().await.unwrap();
    assert!(
        open(folder.path(), None, time.clone(), &longer("2026-10-01"), &[crate::club::AREA], 2)
            .await
            .is_err()
    );
    let notice = longer("2026-10-01");
    let (folder, database) = (folder.path(), Database::Folder);
    let setup = Setup { folder, database, notice: &notice, areas: &[AREA], time, seed: [3; 32] };
    let (keeper, proposed) = Keeper::open_and_propose(setup).await.unwrap();
    assert!(matches!(proposed, Proposed::Announced { .. }));
    assert_eq!(keeper.policy().version(), before);
}

/// A kind that the code can do without may be left out of a notice, but not while some of it is held: it would have no
/// end.
#[tokio::test]
async fn what_is_still_held_must_be_named() {
    let folder = TempDir::new().unwrap();
    let area = Area { optional: &[Kind::TELEPHONE_NUMBER], ..AREA };
    let keeper = open(folder.path(), None, Hands::at(START), &announcing(), &[area], 1).await.unwrap();
    let dropped = from_day("2026-10-01", "phone      = [\"pd:TelephoneNumber\"]\n", "")
        .replace("voluntary = { phone = \"we cannot call you\" }\n", "")
        .replace("\"phone\", ", "")
        .replace(", { phone = \"last 4\" }", "")
        .replace("erase  = [\"identity\", \"phone\"]", "erase  = [\"identity\"]")
        .replace("data    = [\"phone\"]", "data    = [\"identity\"]");
    let phone = Some("+1 555 010 0199".to_owned());
    let anna = Profile { name: "Anna".into(), email: "anna@example.test".into(), phone };
    let written = keeper.act::<_, KeeperError, _>(keeper.ctx(Actor::Visitor), move |act| {
        let subject = act.new_subject();
        act.put(subject, &anna)
    });
    written.await.unwrap();
    let refused = keeper.propose(&dropped).await;
    assert!(matches!(refused, Err(ProposeError::StillHeld { kind: Kind::TELEPHONE_NUMBER })), "{refused:?}");
    keeper
        .store()
        .write(|tx| tx.execute("DELETE FROM keys WHERE kind = 'pd:TelephoneNumber'", &params![]))
        .await
        .unwrap();
    assert!(keeper.propose(&dropped).await.is_ok());
}
