//! The binary run like a person runs it, as a transcript: the line typed, what it said, how it ended.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Output},
};

use tempfile::tempdir;

use crate::site::Copy;

/// The binary in a folder.
pub(crate) fn kept(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kept"));
    command.current_dir(folder).args(line.split_whitespace());
    command
}

/// Runs the binary in a folder; what came of it as a transcript.
pub(crate) fn transcript(folder: &Path, line: &str) -> String {
    told(line, &kept(folder, line).output().unwrap())
}

/// A run as a transcript. Standard error follows standard output.
pub(crate) fn told(line: &str, output: &Output) -> String {
    let mut text = format!("$ kept {line}").trim_end().to_owned() + "\n";
    text.push_str(&String::from_utf8_lossy(&output.stdout));
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        let _ = write!(text, "[exit {}]", output.status.code().unwrap());
    }
    text
}

/// What differs from run to run, and how a transcript shows it.
pub(crate) const FILTERS: [(&str, &str); 4] = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[moment]"),
    (r"\b[0-9a-f]{64}\b", "[version]"),
    (r"\b[0-9a-f]{32}\b", "[subject]"),
    (r"127\.0\.0\.1:\d+", "[address]"),
];

#[test]
fn without_a_command_it_says_what_there_is() {
    insta::assert_snapshot!(transcript(tempdir().unwrap().path(), ""), @r#"
    $ kept
    A privacy notice you can run

    Usage: kept <COMMAND>

    Commands:
      demo      Starts a filled example site and prints its address, sign-ins, and where mail goes
      init      Writes the files of a site of one's own, to begin from
      serve     Serves a site of one's own until a signal asks it to stop
      check     Checks a notice: exit 0, or 1 with each problem at file:line:column
      publish   Prints a notice for people to read, or as JSON-LD with the terms of the Data Privacy Vocabulary
      diff      Says what changes from one notice to another, in sentences, and whether people must be told first
      uses      Says who may see what, why, and in what form
      propose   Proposes another notice for a site; people are told first, if it matters to them
      prove     Runs the check of every sentence now; exit 1 if one is broken
      simulate  Lives through years under a notice, with invented people, and crashes; exit 1 at the first promise that breaks
      import    Takes in people from another system; exit 0 if every line was, 1 if some were rejected, 2 if the file cannot be
      duties    Lists what is due, what would happen, and under which sentence

    Options:
      -h, --help     Print help
      -V, --version  Print version
    [exit 2]
    "#);
}

#[test]
fn an_unknown_command_is_refused() {
    insta::assert_snapshot!(transcript(tempdir().unwrap().path(), "prov"), @r#"
    $ kept prov
    error: unrecognized subcommand 'prov'

      tip: some similar subcommands exist: 'propose', 'prove'

    Usage: kept <COMMAND>

    For more information, try '--help'.
    [exit 2]
    "#);
}

#[test]
fn uses_says_who_sees_what() {
    insta::assert_snapshot!(transcript(tempdir().unwrap().path(), "uses"), @r#"
    $ kept uses
    you: your own details, on My account
      why    providing a service (dpv:ServiceProvision)
      sees   name (whole)
      sees   e-mail address (whole)
      sees   postal address (whole)
      sees   telephone number (whole)
      sees   identifier (whole)
      sees   account status (whole)
      sees   membership dates (whole)
      sees   training record (whole)
      under  right.access

    the server: the check of a password at sign-in, which shows it to nobody
      why    recognising people when they sign in (dpv:IdentityAuthentication)
      sees   password (whole)
      under  purpose.sign-in

    the server: the check of a one-time code at sign-in, which shows its secret to nobody
      why    recognising people when they sign in (dpv:IdentityAuthentication)
      sees   sign-in details (whole)
      under  purpose.sign-in

    the server: the check of a passkey at sign-in, which shows it to nobody
      why    recognising people when they sign in (dpv:IdentityAuthentication)
      sees   sign-in details (whole)
      under  purpose.sign-in

    you: your own passkeys, on the page Passkeys
      why    recognising people when they sign in (dpv:IdentityAuthentication)
      sees   sign-in details (whole)
      under  right.access

    the server: the addressing of a message to you
      why    sending messages (dpv:CommunicationManagement)
      sees   name (whole)
      sees   e-mail address (whole)
      under  purpose.messages

    support: the member card at the support desk, after stating a reason
      why    providing a service (dpv:ServiceProvision)
      sees   name (whole)
      sees   e-mail address (whole)
      sees   postal address (whole)
      sees   telephone number (whole)
      sees   identifier (whole)
      sees   account status (whole)
      sees   membership dates (whole)
      sees   training record (whole)
      under  role.support, purpose.membership

    owner: the list of people with a role or proposed for one, for an owner
      why    security (dpv:EnforceSecurity)
      sees   name (whole)
      sees   e-mail address (whole)
      under  role.owner, purpose.security

    you: the documents that you handed in, on My account
      why    verification (dpv:Verification)
      sees   personal documents (whole)
      sees   professional certifications (whole)
      under  right.access

    verifier: a document at the verification desk, after stating a reason
      why    verification (dpv:Verification)
      sees   name (whole)
      sees   personal documents (whole)
      sees   professional certifications (whole)
      under  role.verifier, purpose.verification

    support: who says that they were a member before, at the support desk, after stating a reason
      why    providing a service (dpv:ServiceProvision)
      sees   name (whole)
      sees   e-mail address (whole)
      sees   identifier (whole)
      under  role.support, purpose.membership

    support: what is kept of an earlier membership, at the support desk, after stating a reason
      why    providing a service (dpv:ServiceProvision)
      sees   identifier (whole)
      sees   membership dates (whole)
      sees   training record (whole)
      under  role.support, purpose.membership
    "#);
}

#[test]
fn uses_as_json_has_the_same() {
    let output = kept(tempdir().unwrap().path(), "uses --json").output().unwrap();
    let uses: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let plain = transcript(tempdir().unwrap().path(), "uses");
    assert!(output.status.success());
    assert_eq!(uses.len(), plain.matches("  why  ").count());
    for one in &uses {
        assert!(plain.contains(&format!(
            "{}: {}",
            one["who"].as_str().unwrap(),
            one["says"].as_str().unwrap()
        )));
    }
    let card = uses.iter().find(|one| one["view"] == "member-card").unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(card).unwrap(), @r#"
    {
      "off": null,
      "purpose": "dpv:ServiceProvision",
      "rules": [
        "role.support",
        "purpose.membership"
      ],
      "says": "the member card at the support desk, after stating a reason",
      "sees": [
        {
          "form": "whole",
          "kind": "pd:Name",
          "label": "name"
        },
        {
          "form": "whole",
          "kind": "pd:EmailAddress",
          "label": "e-mail address"
        },
        {
          "form": "whole",
          "kind": "pd:PhysicalAddress",
          "label": "postal address"
        },
        {
          "form": "whole",
          "kind": "pd:TelephoneNumber",
          "label": "telephone number"
        },
        {
          "form": "whole",
          "kind": "pd:Identifier",
          "label": "identifier"
        },
        {
          "form": "whole",
          "kind": "kept:Account",
          "label": "account status"
        },
        {
          "form": "whole",
          "kind": "kept:Membership",
          "label": "membership dates"
        },
        {
          "form": "whole",
          "kind": "pd:ProfessionalTraining",
          "label": "training record"
        }
      ],
      "view": "member-card",
      "who": "support"
    }
    "#);
}

#[test]
fn a_view_that_a_notice_does_not_allow_is_off() {
    let folder = tempdir().unwrap();
    let notice = kept::demo::TRAINERS
        .replace(
            r#""address", "phone", "member-id", "membership", "credits"]
for "#,
            r#""address", "member-id", "membership", "credits"]
for "#,
        )
        .replace(r#"answer = "support""#, r#"answer = "nobody""#);
    assert_ne!(notice, kept::demo::TRAINERS);
    std::fs::write(folder.path().join("silent.toml"), notice).unwrap();
    let uses = transcript(folder.path(), "uses silent.toml");
    let desk = uses.split("\n\n").find(|one| one.contains("support: the member card")).unwrap();
    insta::assert_snapshot!(desk, @r#"
    OFF  support: the member card at the support desk, after stating a reason
      why    providing a service (dpv:ServiceProvision)
      sees   name (whole)
      sees   e-mail address (whole)
      sees   postal address (whole)
      sees   telephone number (whole)
      sees   identifier (whole)
      sees   account status (whole)
      sees   membership dates (whole)
      sees   training record (whole)
      off    role.support does not see phone.
    "#);
}

#[test]
fn duties_lists_what_is_due_and_does_nothing() {
    let site = Copy::of_the_example();
    let before = site.files();
    let first = transcript(site.folder(), "duties --dry-run --data .");
    assert!(first.contains("(retain.lapsed)"), "{first}");
    assert!(first.contains("kept back by hold.dispute"), "{first}");
    let lines = first.lines().filter(|line| line.starts_with("  ")).count();
    assert!(first.contains(&format!("\n{lines} due until ")), "{first}");

    let json = kept(site.folder(), "duties --json --data .").output().unwrap();
    let due: Vec<serde_json::Value> = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(due.len(), lines);
    insta::with_settings!({ filters => FILTERS }, {
        let held = due.iter().find(|duty| duty["rule"] == "retain.lapsed").unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(held).unwrap(), @r#"
        {
          "action": "erase",
          "due": "[moment]",
          "held_by": [
            "hold.dispute"
          ],
          "rule": "retain.lapsed",
          "sentence": "Six months after your membership expires, unless you renew your membership before then, we erase your name, e-mail address, postal address, telephone number, password, sign-in details, sign-in history and the text of our messages to you. We keep your member id, membership dates and training record to count the credits you earned. We write to you 30 days before and name the day.",
          "subject": "[subject]"
        }
        "#);
    });
    assert_eq!(site.files(), before);
}

#[test]
fn a_folder_without_a_site_is_named() {
    let folder = tempdir().unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "prove --data ."), @r#"
    $ kept prove --data .
    kept: . holds no site: give the data folder of one with --data, or its settings with --config; the first `kept serve` makes a new one
    [exit 1]
    "#);
    std::fs::write(folder.path().join("kept.toml"), "listen = 8080\n").unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "duties --config kept.toml"), @r#"
    $ kept duties --config kept.toml
    kept: kept.toml:1:1: the settings have no "base"
      help: write base = "https://members.example.test"
    kept.toml:1:1: the settings have no "data"
      help: write data = "data"
    kept.toml:1:1: the settings have no "notice"
      help: write notice = "notice.toml"
    kept.toml:1:10: listen must be a text
      help: write it in quotes
    [exit 1]
    "#);
}
