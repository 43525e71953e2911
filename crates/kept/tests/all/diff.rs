//! `kept diff`: what changes from one notice to another, in sentences (`ntc-2`).

use std::fs;

use kept::{commands::diff, demo::TRAINERS};
use tempfile::tempdir;

use crate::cli::{kept, transcript};

/// Compares the trainers' notice with one in which texts are replaced, on a fixed day.
fn compared(changes: &[(&str, &str)], json: bool) -> (bool, String) {
    let folder = tempdir().unwrap();
    let (old, new) = (folder.path().join("old.toml"), folder.path().join("new.toml"));
    let mut changed = TRAINERS.to_owned();
    for (from, to) in changes {
        assert!(changed.contains(from), "the notice has no {from:?}");
        changed = changed.replacen(from, to, 1);
    }
    fs::write(&old, TRAINERS).unwrap();
    fs::write(&new, changed).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let today = "2027-03-01".parse().unwrap();
    let good = diff::run(&old, &new, today, json, &mut out, &mut err).unwrap();
    (good, String::from_utf8(out).unwrap() + &String::from_utf8(err).unwrap())
}

const LONGER: &[(&str, &str)] = &[
    ("effective = 2025-01-01", "effective = 2027-06-01"),
    ("when  = \"mail.queued\"\nafter = \"7 days\"", "when  = \"mail.queued\"\nafter = \"30 days\""),
    ("idle    = \"1 hour\"", "idle    = \"30 minutes\""),
];

#[test]
fn what_changes_is_said_in_sentences() {
    insta::assert_snapshot!(compared(LONGER, false).1, @"
    notice (not material)
      - This is the privacy notice of Example Trainers' Network, in force from 1 January 2025 under PIPEDA and the GDPR. There is a link to it on every page, and you can write to privacy@trainers.example.test about your data.
      + This is the privacy notice of Example Trainers' Network, in force from 1 June 2027 under PIPEDA and the GDPR. There is a link to it on every page, and you can write to privacy@trainers.example.test about your data.

    retain.mail (material: it happens later)
      - Seven days after we write you a message, we erase the text of our messages to you.
      + Thirty days after we write you a message, we erase the text of our messages to you.

    session (not material)
      - While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after one hour in which you do nothing. We set no cookie but those named here. Signing in opens the page “My account”, which is your own and which nobody else can open. Forms are filled in with what we already hold about you when you are signed in, and never before.
      + While you are signed in or fill in a form, one cookie holds a random number and nothing about you. You are signed out when you say so, when you close your browser, or after 30 minutes in which you do nothing. We set no cookie but those named here. Signing in opens the page “My account”, which is your own and which nobody else can open. Forms are filled in with what we already hold about you when you are signed in, and never before.

    3 sentences change, and people are told first. Proposed today, it can take effect on 2027-04-01 at the earliest; it says `effective = 2027-06-01`.
    ");
}

#[test]
fn nothing_that_matters() {
    insta::assert_snapshot!(compared(&[("says = \"run this site\"", "says = \"look after this site\"")], false).1, @"
    role.owner (not material)
      - Our staff in the role owner, who run this site, may see your name, e-mail address, sign-in details, sign-in history and the record of who did what with your data, and only to protect the site and the people on it.
      + Our staff in the role owner, who look after this site, may see your name, e-mail address, sign-in details, sign-in history and the record of who did what with your data, and only to protect the site and the people on it.

    1 sentence changes; nobody is worse off. It can take effect today; it says `effective = 2025-01-01`.
    ");
}

#[test]
fn a_notice_that_is_silent_on_changes_may_not_change_in_what_matters() {
    let folder = tempdir().unwrap();
    let silent = TRAINERS.replace("change    = { by = \"e-mail\", ahead = \"30 days\" }\n", "");
    fs::write(
        folder.path().join("new.toml"),
        silent.replace("idle    = \"1 hour\"", "idle    = \"2 hours\""),
    )
    .unwrap();
    fs::write(folder.path().join("old.toml"), silent).unwrap();
    let said = transcript(folder.path(), "diff old.toml new.toml");
    assert!(
        said.contains("it lacks the sentence `change` of [notice], so this change would be refused"),
        "{said}"
    );
}

#[test]
fn a_notice_and_itself() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("notice.toml"), TRAINERS).unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "diff notice.toml notice.toml"), @r#"
    $ kept diff notice.toml notice.toml
    No sentence changes; nobody is worse off. It can take effect today; it says `effective = 2025-01-01`.
    "#);
}

#[test]
fn as_json() {
    let (good, text) = compared(LONGER, true);
    let changes: diff::Changes = serde_json::from_str(&text).unwrap();
    assert!(good && changes.material);
    assert_eq!(changes.earliest.unwrap().to_string(), "2027-04-01");
    assert_eq!(changes.effective.to_string(), "2027-06-01");
    let material: Vec<(&str, bool)> =
        changes.sentences.iter().map(|one| (one.id.as_str(), one.material)).collect();
    assert_eq!(material, [("notice", false), ("retain.mail", true), ("session", false)]);
}

#[test]
fn what_is_no_notice_is_named_with_its_place() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("old.toml"), TRAINERS).unwrap();
    fs::write(folder.path().join("new.toml"), TRAINERS.replace("\"1 hour\"", "\"1 moon\"")).unwrap();
    let output = kept(folder.path(), "diff old.toml new.toml").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("new.toml:") && said.contains("\"1 moon\" is not a duration"), "{said}");
}
