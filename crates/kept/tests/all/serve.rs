//! `kept init` and `kept serve`: a site of one's own.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    time::{Duration, Instant},
};

use tempfile::{TempDir, tempdir};

use crate::{
    cli::{FILTERS, kept, told, transcript},
    server::Server,
};

/// What differs from run to run, beside the rest.
const CODE: (&str, &str) = (r"\b([A-Z2-7]{6}-){3}[A-Z2-7]{6}\b", "[code]");

/// A site to begin from, on a port that is free.
pub(crate) fn begun() -> TempDir {
    let folder = tempdir().unwrap();
    assert!(kept(folder.path(), "init .").output().unwrap().status.success());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    change(folder.path(), "127.0.0.1:8080", &free.to_string());
    folder
}

/// Changes the settings.
pub(crate) fn change(folder: &Path, from: &str, to: &str) {
    let file = folder.join("kept.toml");
    let settings = fs::read_to_string(&file).unwrap();
    assert!(settings.contains(from), "{settings}");
    fs::write(file, settings.replace(from, to)).unwrap();
}

#[test]
fn init_says_what_comes_next_and_overwrites_nothing() {
    let folder = tempdir().unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "init site"), @r#"
    $ kept init site
    A site to begin from:

      site/kept.toml    its settings
      site/notice.toml  an example of a notice, from a trainers' network

    What comes next:

      1. Make the notice your own: who you are, what you hold, why, and until when.
         See what it promises:  kept check site/notice.toml
         and who may see what:  kept uses site/notice.toml
      2. Say in the settings where people reach the site.
      3. Start it:              kept serve --config site/kept.toml

    The first start makes the data folder with its keys. Keep a copy of the keys apart from the data.
    "#);
    assert!(transcript(folder.path(), "check site/notice.toml").contains("notice.toml: good. "));
    let before = fs::read_to_string(folder.path().join("site/kept.toml")).unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "init site"), @r#"
    $ kept init site
    kept: site/kept.toml is there already, and nothing was written: choose another folder
    [exit 1]
    "#);
    fs::remove_file(folder.path().join("site/kept.toml")).unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "init site"), @r#"
    $ kept init site
    kept: site/notice.toml is there already, and nothing was written: choose another folder
    [exit 1]
    "#);
    assert!(!folder.path().join("site/kept.toml").exists(), "both or none");
    assert!(kept::config::Config::parse(&before).is_ok());
}

/// From the first start to a second one; asked about meanwhile, and when it is off.
#[test]
fn a_site_of_ones_own_is_served_and_asked() {
    let folder = begun();
    let uses = transcript(folder.path(), "uses --config kept.toml");
    assert_eq!(
        uses.lines().skip(1).collect::<Vec<_>>(),
        transcript(folder.path(), "uses").lines().skip(1).collect::<Vec<_>>()
    );
    insta::assert_snapshot!(transcript(folder.path(), "prove --config kept.toml"), @r#"
        $ kept prove --config kept.toml
        kept: data holds no site: give the data folder of one with --data, or its settings with --config; the first `kept serve` makes a new one
        [exit 1]
        "#);
    assert!(!folder.path().join("data").exists(), "whoever only asks makes no site");

    let server = Server::serve(folder.path()).unwrap();
    insta::with_settings!({ filters => FILTERS.into_iter().chain([CODE]) }, {
        insta::assert_snapshot!(server.said, @r#"
        Example Trainers' Network is at http://[address]

          code      [code]
                    There is no owner yet. Sign up, then use this code once, at http://[address]/owner; it replaces
                    any that was printed before.
          listens   [address] in plain http, for this machine and its proxies
          mail      not sent: this version has no way to send it. Letters wait, sealed, in the database,
                    and nobody can confirm an address yet.
          board     http://[address]/notice/kept
          data      data
        "#);
    });
    assert!(server.get("/").contains("Example Trainers"));
    assert!(server.get("/demo").starts_with("HTTP/1.1 404 "), "nothing of the example");
    let proven = transcript(folder.path(), "prove --config kept.toml");
    assert!(proven.ends_with(" 0 broken\n"), "{proven}");
    assert!(transcript(folder.path(), "duties --config kept.toml").contains("0 due until "));
    let first = code(&server);
    let asked = Instant::now();
    server.stop();
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());

    let proven = transcript(folder.path(), "prove --config kept.toml");
    assert!(proven.ends_with(" 0 broken\n"), "{proven}");
    let server = Server::serve(folder.path()).unwrap();
    assert_ne!(code(&server), first, "as long as there is no owner a start gives another code");
    server.stop();
}

fn code(server: &Server) -> String {
    let line = server.said.lines().find_map(|line| line.trim().strip_prefix("code "));
    line.expect("no code was printed").trim().to_owned()
}

#[test]
fn what_does_not_fit_is_said_before_anything_is_made() {
    let folder = begun();
    let refused = |change_to: &[(&str, &str)], line: &str| {
        let before =
            ["kept.toml", "notice.toml"].map(|name| fs::read_to_string(folder.path().join(name)).unwrap());
        for (from, to) in change_to {
            let file = folder.path().join(if before[0].contains(from) { "kept.toml" } else { "notice.toml" });
            fs::write(&file, fs::read_to_string(&file).unwrap().replacen(from, to, 1)).unwrap();
        }
        let said = told(line, &kept(folder.path(), line).output().unwrap());
        for (name, text) in ["kept.toml", "notice.toml"].into_iter().zip(before) {
            fs::write(folder.path().join(name), text).unwrap();
        }
        assert!(!folder.path().join("data/keys").exists(), "{said}");
        said
    };
    let serve = "serve --config kept.toml";
    insta::assert_snapshot!(refused(&[("listen ", "lisen "), ("base ", "bases ")], serve), @r#"
    $ kept serve --config kept.toml
    kept: kept.toml:5:1: unknown key "lisen"
      help: did you mean "listen"?
    kept.toml:6:1: unknown key "bases"
      help: did you mean "base"?
    [exit 1]
    "#);
    insta::assert_snapshot!(refused(&[("[\"127.0.0.1\"]", "[]"), ("\"127.0.0.1:", "\"0.0.0.0:")], serve), @r#"
    $ kept serve --config kept.toml
    kept: kept.toml:5:11: this would serve plain http to the network
      help: listen on 127.0.0.1, or name the proxies in front that speak https: proxies = ["10.0.0.2"]
    [exit 1]
    "#);
    insta::assert_snapshot!(refused(&[("is    = \"dpv:ServiceProvision\"", "is    = \"dpv:ServiceProvison\"")], serve), @r#"
    $ kept serve --config kept.toml
    kept: notice.toml:35:9: unknown term "dpv:ServiceProvison" for a purpose
      help: did you mean "dpv:ServiceProvision"?
    [exit 1]
    "#);
    insta::assert_snapshot!(refused(&[("notice.toml", "notices.toml")], serve), @r#"
    $ kept serve --config kept.toml
    kept: cannot read notices.toml: No such file or directory (os error 2)
    [exit 1]
    "#);
    insta::assert_snapshot!(refused(&[("# downloads = \"downloads\"", "downloads = \"nowhere\"")], serve), @r#"
    $ kept serve --config kept.toml
    kept: cannot read nowhere: No such file or directory (os error 2)
    [exit 1]
    "#);
    insta::assert_snapshot!(refused(&[("# database = \"postgresql://kept@localhost/kept\"", "database = \"postgresql://kept:hush-hush@db.example.test/kept\"")], serve), @r#"
    $ kept serve --config kept.toml
    kept: the connection to db.example.test would not be encrypted: use a socket or a tunnel, or, when the network itself is trusted, add sslmode=disable to the address
    [exit 1]
    "#);
    insta::assert_snapshot!(refused(&[("# database = \"postgresql://kept@localhost/kept\"", "database = \"mysql hush-hush\"")], serve), @r#"
    $ kept serve --config kept.toml
    kept: the database's address cannot be read: write postgresql://user@host/name
    [exit 1]
    "#);
    insta::assert_snapshot!(refused(&[], "serve --config missing.toml"), @r#"
    $ kept serve --config missing.toml
    kept: cannot read missing.toml: No such file or directory (os error 2)
    [exit 1]
    "#);
}

/// acc-17: whoever asks as soon as the site can be reached learns that its public pages were read as nobody.
#[test]
fn a_site_that_has_just_started_has_read_its_public_pages() {
    let folder = begun();
    let file = folder.path().join("notice.toml");
    let notice = fs::read_to_string(&file).unwrap();
    let more = notice.replacen("[never]\n", "[never]\nask-readers = { ref = [\"acc-17\"] }\n", 1);
    assert_ne!(notice, more);
    fs::write(&file, more).unwrap();

    let server = Server::serve(folder.path()).unwrap();
    let proven = transcript(folder.path(), "prove --config kept.toml");
    let found = proven.split("\nkept ").find(|promise| promise.contains("never.ask-readers")).unwrap();
    assert!(found.contains("public pages as somebody of whom it knows nothing"), "{found}");
    server.stop();
}
