//! `kept check`: a good notice, and what it says of bad ones.

use std::fs;

use kept::demo::TRAINERS;
use tempfile::tempdir;

use crate::cli::{FILTERS, transcript};

#[test]
fn a_good_notice_is_good() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("notice.toml"), TRAINERS).unwrap();
    insta::with_settings!({ filters => FILTERS }, {
        insta::assert_snapshot!(transcript(folder.path(), "check notice.toml"), @r#"
        $ kept check notice.toml
        notice.toml: good. 37 sentences, each with its check; version [version]
        "#);
    });
}

#[test]
fn every_problem_is_named_at_once() {
    let changes = [
        ("contact ", "contect "),
        ("\"pd:PhysicalAddress\"", "\"pd:PhysicalAdress\""),
        ("\"30 days\" }", "\"30 moons\" }"),
    ];
    insta::assert_snapshot!(checked(&changes), @r#"
    $ kept check notice.toml
    notice.toml:9:1: [notice] knows no key "contect"
      help: did you mean "contact"?
    notice.toml:12:38: "30 moons" is not a duration
      help: write a whole number and minutes, hours, days, weeks, months or years: "6 months"
    notice.toml:17:15: unknown term "pd:PhysicalAdress" for a kind of data
      help: did you mean "pd:PhysicalAddress"?
    [exit 1]
    "#);
}

#[test]
fn data_without_an_end_is_refused() {
    let trail = "[retain.trail]\nref    = [\"acc-11\"]\nwhen   = \"membership.expired\"\nunless = \"membership.renewed\"\nafter  = \"1 year\"\nerase  = [\"trail\"]\n";
    // Three other rules erase it together with the rest.
    let rest = ("\"mail\", \"trail\"]", "\"mail\"]");
    insta::assert_snapshot!(checked(&[(trail, ""), rest, rest, rest]), @r#"
    $ kept check notice.toml
    notice.toml:25:1: trail is kept without an end
      help: add "trail" to the erase of a [retain] rule
    [exit 1]
    "#);
}

#[test]
fn what_is_erased_cannot_be_kept() {
    let keep = "keep   = { member-id = \"credit-record\"";
    insta::assert_snapshot!(checked(&[(keep, "keep   = { phone = \"membership\", member-id = \"credit-record\"")]), @r#"
    $ kept check notice.toml
    notice.toml:100:12: [retain.lapsed] both erases and keeps phone
      help: keep it in one of the two
    [exit 1]
    "#);
}

#[test]
fn a_hold_names_its_law_and_its_end() {
    insta::assert_snapshot!(checked(&[("because = \"PIPEDA, s. 8(8)\"\n", "")]), @r#"
    $ kept check notice.toml
    notice.toml:143:7: [hold.dispute] has no "because"
      help: name the law or contract: because = "PIPEDA, s. 8(8)"
    [exit 1]
    "#);
    insta::assert_snapshot!(checked(&[("until   = \"dispute.settled\"", "#")]), @r#"
    $ kept check notice.toml
    notice.toml:143:7: [hold.dispute] must have one end
      help: write lasts = "6 years", or until = "…" with the event that ends it
    [exit 1]
    "#);
}

#[test]
fn a_notice_that_gives_another_answer_than_it_expects_is_refused() {
    insta::assert_snapshot!(checked(&[("after  = \"6 months\"", "after  = \"7 months\"")]), @r#"
    $ kept check notice.toml
    notice.toml:234:10: the notice answers "2027-08-31", not "2027-07-31"
      help: change the rules, or what is expected of them
    notice.toml:238:10: the notice answers "2028-03-31", not "2028-02-29"
      help: change the rules, or what is expected of them
    [exit 1]
    "#);
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_named() {
    let folder = tempdir().unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "check nowhere.toml"), @r#"
    $ kept check nowhere.toml
    kept: cannot read nowhere.toml: No such file or directory (os error 2)
    [exit 1]
    "#);
    fs::write(folder.path().join("notice.toml"), b"of = \"\xff\xfe\"").unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "check notice.toml"), @r#"
    $ kept check notice.toml
    kept: cannot read notice.toml: stream did not contain valid UTF-8
    [exit 1]
    "#);
    insta::assert_snapshot!(transcript(folder.path(), "check ."), @r#"
    $ kept check .
    kept: cannot read .: Is a directory (os error 21)
    [exit 1]
    "#);
}

/// Whatever is to be done with it.
#[test]
fn a_problem_is_named_with_its_file() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("notice.toml"), TRAINERS.replacen("contact ", "contect ", 1)).unwrap();
    for command in ["publish", "uses", "simulate"] {
        let said = transcript(folder.path(), &format!("{command} notice.toml"));
        assert!(said.contains("kept: notice.toml:9:1: [notice] knows no key \"contect\"\n"), "{said}");
    }
}

/// What the command says of the trainers' notice with changes in it.
fn checked(changes: &[(&str, &str)]) -> String {
    let folder = tempdir().unwrap();
    let mut notice = TRAINERS.to_owned();
    for (old, new) in changes {
        assert!(notice.contains(old), "the notice no longer says {old}");
        notice = notice.replacen(old, new, 1);
    }
    fs::write(folder.path().join("notice.toml"), notice).unwrap();
    transcript(folder.path(), "check notice.toml")
}
