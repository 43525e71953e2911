//! Proving: every sentence with what its check found, the same for the board, the JSON and the exit code.

use kept_keeper::{Status, uses};
use kept_store::params;
use tempfile::TempDir;

use crate::{
    club::{AREA, NOTICE},
    site::{Hands, On, Site, open},
};

on_every_database! {
    the_report_is_stable
    who_sees_what_is_generated_from_the_views
    before_the_first_run_the_board_says_so
    every_status_is_reached
    a_duty_has_a_day_of_grace
    evidence_points_into_the_ledger
}

/// The report as people get it, without what another version of the code may change: hashes.
fn readable(report: &kept_keeper::Report) -> String {
    let json = serde_json::to_string_pretty(report).unwrap();
    json.replace(&report.notice.version, "(version)").replace(&report.ledger.root, "(root)")
}

async fn the_report_is_stable(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.member("Bert").await;
    site.emit(anna, "member.left").await;
    site.until("2027-03-10T12:00:00Z").await;
    let report = site.keeper.prove().await.unwrap();
    insta::allow_duplicates! {
        insta::assert_snapshot!(readable(&report), @r#"
{
  "notice": {
    "version": "(version)",
    "effective": "2026-08-01"
  },
  "at": "2027-03-10T12:00:00Z",
  "ledger": {
    "size": 12,
    "read": 12,
    "root": "(root)"
  },
  "promises": [
    {
      "id": "notice",
      "ref": [],
      "sentence": "This is the privacy notice of Example Walking Club, in force from 1 August 2026 under the GDPR. There is a link to it on every page, and you can write to privacy@walkers.example.test about your data.",
      "rule": "obligation",
      "proof": "probe",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 16,
      "oldest": null,
      "detail": "in force since 31 August 2026, 16 sentences"
    },
    {
      "id": "form.join",
      "ref": [],
      "sentence": "When you join the club, you give us your name and e-mail address. You may add your telephone number; without it, we cannot call you. We ask for nothing else.",
      "rule": "obligation",
      "proof": "construction",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 3,
      "oldest": null,
      "detail": "required: 2; voluntary, and marked as such: 1; the form asks for nothing else"
    },
    {
      "id": "purpose.membership",
      "ref": [],
      "sentence": "To run your membership, we use your name, e-mail address, telephone number, member id, membership dates and training record. The ground for this is our contract with you.",
      "rule": "permission",
      "proof": "construction",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 2,
      "oldest": null,
      "detail": "2 kinds of read, all within it; switched off because they went beyond it: 1"
    },
    {
      "id": "purpose.messages",
      "ref": [],
      "sentence": "To write to you, we use your name, e-mail address and the text of our messages to you. The ground for this is our contract with you.",
      "rule": "permission",
      "proof": "construction",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 1,
      "oldest": null,
      "detail": "1 kind of read, all within it"
    },
    {
      "id": "purpose.answering",
      "ref": [],
      "sentence": "To answer for how we handle your data, we use the record of who did what with your data. The ground for this is our obligation under the law.",
      "rule": "permission",
      "proof": "construction",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 0,
      "oldest": null,
      "detail": "nobody reads anything for it"
    },
    {
      "id": "role.support",
      "ref": [],
      "sentence": "Our staff in the role support, who answer members' questions, may see your name, e-mail address, member id and the last four characters of your telephone number, and only to run your membership. They first state a reason, which you can read.",
      "rule": "permission",
      "proof": "construction",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 1,
      "oldest": null,
      "detail": "1 kind of read; each look is in the log before it is shown"
    },
    {
      "id": "retain.closed",
      "ref": [],
      "sentence": "One day after you leave the club, unless you come back before then, we disable your account: you can sign in only to see your data, take it with you or have it erased.",
      "rule": "obligation",
      "proof": "event",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 1,
      "oldest": null,
      "detail": "switched off 1 time, never early"
    },
    {
      "id": "retain.lapsed",
      "ref": [],
      "sentence": "Six months after you leave the club, unless you come back before then, we erase your name, e-mail address and telephone number. We keep your training record to run your membership. We write to you 30 days before and name the day.",
      "rule": "obligation",
      "proof": "event",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 1,
      "oldest": null,
      "detail": "erased 1 time, never early"
    },
    {
      "id": "retain.trail",
      "ref": [],
      "sentence": "One year after you leave the club, unless you come back before then, we erase the record of who did what with your data.",
      "rule": "obligation",
      "proof": "event",
      "status": "not-due",
      "checked": "2027-03-10T12:00:00Z",
      "count": 0,
      "oldest": "2026-08-31T12:00:00Z",
      "detail": "no date has come yet; next on 31 August 2027"
    },
    {
      "id": "retain.credits",
      "ref": [],
      "sentence": "Two years after you leave the club, we erase your member id, membership dates and training record.",
      "rule": "obligation",
      "proof": "event",
      "status": "not-due",
      "checked": "2027-03-10T12:00:00Z",
      "count": 0,
      "oldest": "2026-08-31T12:00:00Z",
      "detail": "no date has come yet; next on 31 August 2028"
    },
    {
      "id": "retain.mail",
      "ref": [],
      "sentence": "Seven days after we write you a message, we erase the text of our messages to you.",
      "rule": "obligation",
      "proof": "event",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 1,
      "oldest": null,
      "detail": "erased 1 time, never early"
    },
    {
      "id": "hold.dispute",
      "ref": [],
      "sentence": "When you dispute how we handle your data, we keep your name and e-mail address until the dispute is settled, even if the day to erase them comes first. The ground for this is GDPR, art. 17(3)(e).",
      "rule": "permission",
      "proof": "event",
      "status": "not-due",
      "checked": "2027-03-10T12:00:00Z",
      "count": 0,
      "oldest": null,
      "detail": "none stands"
    },
    {
      "id": "hold.inspection",
      "ref": [],
      "sentence": "When an inspection begins, we keep your telephone number for one year, even if the day to erase it comes first. The ground for this is the Walking Act, s. 3.",
      "rule": "permission",
      "proof": "event",
      "status": "not-due",
      "checked": "2027-03-10T12:00:00Z",
      "count": 0,
      "oldest": null,
      "detail": "none stands"
    },
    {
      "id": "right.access",
      "ref": [],
      "sentence": "On the page “My data”, you can at any time see what we hold about you.",
      "rule": "obligation",
      "proof": "probe",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 2,
      "oldest": null,
      "detail": "opened 2 such pages: every kind that is held is shown"
    },
    {
      "id": "session",
      "ref": [],
      "sentence": "While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after one hour in which you do nothing. We set no other cookie.",
      "rule": "obligation",
      "proof": "attested",
      "status": "stated",
      "checked": "2027-03-10T12:00:00Z",
      "count": 0,
      "oldest": null,
      "detail": "the chair says so"
    },
    {
      "id": "never.store-in-clear",
      "ref": [],
      "sentence": "We never store in the clear what identifies you: without our keys, neither a stolen disk nor a stolen backup shows who you are.",
      "rule": "prohibition",
      "proof": "probe",
      "status": "kept",
      "checked": "2027-03-10T12:00:00Z",
      "count": 8,
      "oldest": null,
      "detail": "everything is sealed, under 8 keys; parts opened as a test: 5"
    }
  ]
}
"#);
    }
    assert_eq!(report.broken().count(), 0);
    // The board shows the evidence of the last run, also after a restart.
    let site = site.restarted().await;
    site.days(1).await;
    let board = site.keeper.board().await.unwrap();
    assert_eq!(board.promises, report.promises);
    assert_eq!((board.at, board.notice), (report.at, report.notice));
}

async fn who_sees_what_is_generated_from_the_views(on: On) {
    let site = Site::new(on).await;
    let table: Vec<String> = uses(&site.keeper.policy())
        .iter()
        .map(|one| {
            let sees: Vec<String> =
                one.sees.iter().map(|seen| format!("{} ({})", seen.label, seen.form)).collect();
            let allowed = match &one.off {
                Some(reason) => format!("off: {reason}"),
                None => one.rules.join(", "),
            };
            format!("{} | {} | {} | {} | {allowed}", one.view, one.who, one.purpose, sees.join(", "))
        })
        .collect();
    insta::allow_duplicates! {
        insta::assert_snapshot!(table.join("\n"), @r#"
own | you | dpv:ServiceProvision | name (whole), e-mail address (whole), telephone number (whole) | right.access
card | support | dpv:ServiceProvision | name (whole), e-mail address (domain), telephone number (last 4) | role.support, purpose.membership
phonebook | support | dpv:ServiceProvision | telephone number (whole) | off: role.support sees phone as "last 4", not as "whole".
addressee | the server | dpv:CommunicationManagement | e-mail address (whole) | purpose.messages
"#);
    }
}

async fn before_the_first_run_the_board_says_so(on: On) {
    let site = Site::new(on).await;
    let board = site.keeper.board().await.unwrap();
    assert!(!board.promises.is_empty());
    assert!(board.promises.iter().all(|p| p.status == Status::NotDue && p.detail == "not yet checked"));
}

#[tokio::test]
async fn a_notice_that_does_not_yet_apply_is_not_in_force() {
    let (folder, time) = (TempDir::new().unwrap(), Hands::at("2026-07-31T23:59:59Z"));
    let keeper = open(folder.path(), None, time.clone(), NOTICE, &[AREA], 1).await.unwrap();
    let report = keeper.prove().await.unwrap();
    assert!(report.promises.iter().all(|promise| promise.status == Status::NotInForce));
    time.set(crate::site::moment("2026-08-01T00:00:00Z"));
    let report = keeper.prove().await.unwrap();
    assert!(report.promises.iter().all(|promise| promise.status != Status::NotInForce));
}

async fn every_status_is_reached(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.days(1).await;
    // Ten years without a sweep.
    site.jump("2036-09-01T12:00:00Z");
    let report = site.keeper.prove().await.unwrap();
    let status = |id: &str| report.promises.iter().find(|promise| promise.id == id).unwrap().status;
    assert_eq!(status("retain.closed"), Status::Kept);
    assert_eq!(status("retain.mail"), Status::NotDue);
    assert_eq!(status("retain.lapsed"), Status::Broken);
    assert_eq!(status("session"), Status::Stated);
    assert_eq!(
        report.broken().map(|p| p.id.as_str()).collect::<Vec<_>>(),
        ["retain.lapsed", "retain.trail", "retain.credits"]
    );
}

/// The day of grace: late is what is later than that.
async fn a_duty_has_a_day_of_grace(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    site.emit(anna, "member.left").await;
    site.until("2027-02-27T12:00:00Z").await;
    site.jump("2027-03-01T12:00:00Z");
    assert_eq!(site.broken().await, Vec::<String>::new());
    site.jump("2027-03-01T12:00:01Z");
    assert_eq!(site.broken().await, ["retain.lapsed"]);
    let found = site.finding("retain.lapsed").await;
    assert_eq!(found.detail, "past the end and still held: 1");
    assert_eq!((found.count, found.oldest), (1, Some(crate::site::moment(crate::site::START))));
}

async fn evidence_points_into_the_ledger(on: On) {
    let site = Site::new(on).await;
    site.member("Anna").await;
    let size = site.keeper.prove().await.unwrap().ledger.size;
    let positions = site.rows("SELECT DISTINCT position FROM evidence", &params![]).await;
    assert_eq!(positions.len(), 1);
    assert_eq!(positions[0].get::<i64>(0).unwrap(), i64::try_from(size).unwrap());
}
