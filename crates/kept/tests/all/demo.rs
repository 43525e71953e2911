//! `kept demo`: what it says, where it refuses to begin, and how it ends.

use std::{
    fs,
    io::Write as _,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};

use tempfile::tempdir;

use crate::{
    cli::{FILTERS, transcript},
    server::Server,
    site::Copy,
};

#[test]
fn it_says_where_it_is_and_who_can_sign_in() {
    let site = Copy::of_the_example();
    let server = Server::start(site.folder());
    let said = server.said.replace(&site.folder().display().to_string(), "FOLDER");
    insta::with_settings!({ filters => FILTERS }, { insta::assert_snapshot!(said, @r#"

    Example Trainers' Network is at http://[address]

      owner     olive@example.test  (one-time codes are on the page /demo)
      support   sam@example.test  (one-time codes are on the page /demo)
      member    mia@example.test
      password  violet kettle march orbit  (the same for all)

      mail      http://[address]/demo/mail?to=ADDRESS
      board     http://[address]/notice/kept
      clock     http://[address]/demo
      data      FOLDER
    "#); });
    assert!(server.get("/healthz").ends_with("\r\n\r\nok"));
    assert!(server.get("/").starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(server.log(), "");
    server.stop();
}

#[test]
fn its_folder_is_nobody_elses() {
    let parent = tempdir().unwrap();
    let server = Server::start(&parent.path().join("site"));
    assert!(server.said.contains("(once, at /owner: makes who is signed in an owner)"), "first start only");
    assert_eq!(fs::metadata(&server.folder).unwrap().permissions().mode() & 0o777, 0o700);
    server.stop();
}

#[test]
fn on_a_busy_port_nothing_is_written() {
    let folder = tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let line = format!("demo --listen {} --data site", taken.local_addr().unwrap());
    insta::with_settings!({ filters => FILTERS }, {
        insta::assert_snapshot!(transcript(folder.path(), &line), @r#"
        $ kept demo --listen [address] --data site
        kept: cannot listen on [address]: Address already in use (os error 98); choose another address: --listen of an example, `listen` in the settings of a site
        [exit 1]
        "#);
    });
    assert!(!folder.path().join("site").exists());
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let site = Copy::of_the_example();
    let server = Server::start(site.folder());
    insta::assert_snapshot!(transcript(site.folder(), "demo --listen 127.0.0.1:0 --data ."), @r#"
    $ kept demo --listen 127.0.0.1:0 --data .
    kept: . is in use by another kept server: stop it or choose another folder
    [exit 1]
    "#);
    assert!(server.get("/healthz").ends_with("ok"));
    server.stop();
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "chapter one").unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "demo --listen 127.0.0.1:0 --data ."), @r#"
    $ kept demo --listen 127.0.0.1:0 --data .
    kept: . is no empty folder and holds no example site: choose another with --data
    [exit 1]
    "#);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let said = transcript(folder.path(), "demo --listen 127.0.0.1:0 --data thesis.txt");
    assert!(said.contains("kept: thesis.txt is no empty folder"), "{said}");
}

#[test]
fn an_example_that_was_killed_while_it_was_filled_says_so() {
    let folder = tempdir().unwrap();
    let site = Copy::of_the_example();
    for file in ["kept.db", "keys", "notice.toml"] {
        fs::copy(site.folder().join(file), folder.path().join(file)).unwrap();
    }
    insta::assert_snapshot!(transcript(folder.path(), "demo --listen 127.0.0.1:0 --data ."), @r#"
    $ kept demo --listen 127.0.0.1:0 --data .
    kept: the example in . was broken off while it was being filled: remove the folder, or choose another with --data
    [exit 1]
    "#);
}

#[test]
fn killed_twice_it_starts_again() {
    let site = Copy::of_the_example();
    for _ in 0..2 {
        let mut server = Server::start(site.folder());
        server.signal("KILL");
        server.wait();
        assert!(site.folder().join("control").exists(), "a killed server leaves its socket");
    }
    let server = Server::start(site.folder());
    assert!(transcript(site.folder(), "prove --data .").ends_with(" 0 broken\n"));
    server.stop();
}

#[test]
fn killed_while_the_clock_moves_it_goes_on_from_there() {
    let site = Copy::of_the_example();
    let mut server = Server::start(site.folder());
    let clock = site.folder().join("demo-clock");
    let before = seconds_ahead(&clock);
    let answer = server.press_six_months();
    let end = Instant::now() + Duration::from_secs(30);
    while seconds_ahead(&clock) == before {
        assert!(Instant::now() < end, "the clock does not move");
    }
    server.signal("KILL");
    server.wait();
    drop(answer);
    Server::start(site.folder()).stop();
    assert_eq!(seconds_ahead(&clock), before + 184 * 24 * 60 * 60);
    let told = transcript(site.folder(), "prove --data .");
    assert!(told.ends_with(" 0 broken\n"), "{told}");
}

/// How far the example's clock is ahead of the machine's.
fn seconds_ahead(clock: &Path) -> i64 {
    fs::read_to_string(clock).unwrap().split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn asked_to_stop_it_stops_within_a_second() {
    let site = Copy::of_the_example();
    let mut server = Server::start(site.folder());
    server.signal("TERM");
    let asked = Instant::now();
    assert!(server.wait().success());
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(!site.folder().join("control").exists());
}

#[test]
fn asked_to_stop_it_does_not_wait_for_the_rest_of_a_request() {
    let site = Copy::of_the_example();
    let mut server = Server::start(site.folder());
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    write!(stream, "GET / HTTP/1.1\r\n").unwrap();
    server.get("/");
    server.signal("TERM");
    let asked = Instant::now();
    assert!(server.wait().success());
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
}
