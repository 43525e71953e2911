//! The walks in a real browser, and the board's JSON beside the running server.

use std::{path::Path, process::Command};

use crate::{cli::kept, prove::has_the_shape, server::Server, site::Copy};

#[test]
fn the_first_walk() {
    let site = Copy::of_the_example();
    let server = Server::start(site.folder());
    walk("walk.mjs", &server);

    let prove = kept(&server.folder, "prove --json --data .").output().unwrap();
    let report = serde_json::from_slice(&prove.stdout).unwrap();
    assert!(prove.status.success(), "{report:#}");
    has_the_shape(&report);
    assert_eq!(server.log(), "");
    server.stop();
}

/// acc-5, acc-9, use-15: an account from its first page to its last in a browser that refuses every cookie, and the desk.
#[test]
fn walks_without_any_cookie() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::example("cpe", &folder.path().join("site"));
    walk("cpe.mjs", &server);
    walk("desk.mjs", &server);
    assert_eq!(server.log(), "");
    server.stop();
}

/// acc-6, acc-10, acc-15, acc-18: remembered devices, a password that is ended, an account that rests, downloads by links
/// that expire.
#[test]
fn a_walk_on_the_process_service() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::example("process", &folder.path().join("site"));
    walk("process.mjs", &server);
    assert_eq!(server.log(), "");
    server.stop();
}

/// acc-2, use-1: documents decided on until their last day, roles that end, two owners for what weighs.
#[test]
fn a_walk_of_the_staff() {
    let site = Copy::of_the_example();
    let server = Server::start(site.folder());
    walk("staff.mjs", &server);
    assert_eq!(server.log(), "");
    server.stop();
}

/// Browsers keep passkeys for a name, not for a number. With a session in a cookie, and in addresses.
#[test]
fn signing_in_with_a_passkey() {
    for example in ["trainers", "cpe"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::example_at(example, "localhost:0", &folder.path().join("site"));
        walk("passkeys.mjs", &server);
        assert_eq!(server.log(), "");
        server.stop();
    }
}

fn walk(journey: &str, server: &Server) {
    let journeys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../journeys");
    for needed in [&journeys.join("node_modules/playwright-core"), &journeys.join("node_modules/axe-core")] {
        assert!(needed.is_dir(), "{} is missing: run cargo xtask test", needed.display());
    }
    let walk = Command::new("node").arg(journeys.join(journey)).arg(&server.url).output();
    let walk = walk.unwrap_or_else(|cause| panic!("node cannot be run ({cause}): run cargo xtask test"));
    println!("{}", String::from_utf8_lossy(&walk.stdout));
    assert!(walk.status.success(), "{}", String::from_utf8_lossy(&walk.stderr));
}
