//! `kept prove`: alone, beside a running server, and when a promise is broken.

use serde_json::Value as Json;

use crate::{
    cli::{kept, told, transcript},
    server::Server,
    site::Copy,
};

#[test]
fn prove_says_how_every_sentence_stands() {
    let site = Copy::of_the_example();
    let told = transcript(site.folder(), "prove --data .");
    assert!(told.ends_with(" 0 broken\n"), "{told}");
    let lapsed = told.split("\nkept ").find(|promise| promise.contains("retain.lapsed")).unwrap();
    // How many there are depends on the day.
    insta::with_settings!({ filters => [(r"\d+ times", "[n] times"), (r"keeps \d+", "keeps [n]"), (r"\d+ \w+ 20\d\d", "[day]")] }, {
        insta::assert_snapshot!(lapsed.lines().nth(1).unwrap(), @r#"             retain.lapsed · event · erased [n] times, never early; a hold keeps [n] for now; next on [day]"#);
    });
}

#[test]
fn prove_as_json_has_the_shape_that_scripts_rely_on() {
    let site = Copy::of_the_example();
    let output = kept(site.folder(), "prove --json --data .").output().unwrap();
    assert!(output.status.success());
    has_the_shape(&serde_json::from_slice(&output.stdout).unwrap());
}

const SETTINGS: &str =
    "notice = \"notice.toml\"\ndata = \".\"\nlisten = \"127.0.0.1:8080\"\nbase = \"http://127.0.0.1:8080\"\n";

#[test]
fn a_running_server_answers_for_its_folder() {
    let site = Copy::of_the_example();
    let server = Server::start(site.folder());
    for line in ["prove --json --data .", "prove --json --config kept.toml"] {
        std::fs::write(site.folder().join("kept.toml"), SETTINGS).unwrap();
        let output = kept(site.folder(), line).output().unwrap();
        assert!(output.status.success(), "{line}: {}", told(line, &output));
        has_the_shape(&serde_json::from_slice(&output.stdout).unwrap());
    }
    let due = transcript(site.folder(), "duties --dry-run --data .");
    assert!(due.contains("(retain.lapsed)") && due.contains(" due until "), "{due}");
    server.stop();
}

/// The contract of `kept prove --json`.
pub(crate) fn has_the_shape(report: &Json) {
    assert_eq!(keys(report), ["at", "ledger", "notice", "promises"]);
    assert_eq!(keys(&report["notice"]), ["effective", "version"]);
    assert_eq!(keys(&report["ledger"]), ["read", "root", "size"]);
    assert_eq!(report["ledger"]["read"], report["ledger"]["size"], "asked for, everything is read");
    assert!(report["ledger"]["size"].as_u64().unwrap() > 0);
    let promises = report["promises"].as_array().unwrap();
    assert!(promises.len() > 20);
    for promise in promises {
        assert_eq!(
            keys(promise),
            ["checked", "count", "detail", "id", "oldest", "proof", "ref", "rule", "sentence", "status"]
        );
        let one_of = |field: &str, words: &[&str]| {
            assert!(words.contains(&promise[field].as_str().unwrap()), "{field} of {promise:#}");
        };
        one_of("status", &["kept", "not-due", "stated"]);
        one_of("proof", &["construction", "event", "probe", "attested"]);
        one_of("rule", &["obligation", "prohibition", "permission"]);
        assert!(promise["count"].is_i64() && promise["ref"].is_array());
    }
}

fn keys(object: &Json) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
