//! The walks in a real browser, and the board's JSON beside the running server.

use std::{path::Path, process::Command};

use crate::{cli::kept, prove::has_the_shape, server::Server};

#[test]
fn the_first_walk() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("site"));
    walk("walk.mjs", &server);

    let prove = kept(&server.folder, "prove --json --data .").output().unwrap();
    let report = serde_json::from_slice(&prove.stdout).unwrap();
    assert!(prove.status.success(), "{report:#}");
    has_the_shape(&report);
    assert_eq!(server.log(), "");
    server.stop();
}

/// acc-5: an account from its first page to its last in a browser that refuses every cookie.
#[test]
fn a_walk_without_any_cookie() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::example("cpe", &folder.path().join("site"));
    walk("cpe.mjs", &server);
    assert_eq!(server.log(), "");
    server.stop();
}

/// Browsers keep passkeys for a name, not for a number.
#[test]
fn signing_in_with_a_passkey() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::example_at("trainers", "localhost:0", &folder.path().join("site"));
    walk("passkeys.mjs", &server);
    assert_eq!(server.log(), "");
    server.stop();
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
