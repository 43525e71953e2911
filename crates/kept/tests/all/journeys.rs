//! The journeys in a real browser, and the board's JSON beside the running server.

use std::{path::Path, process::Command};

use crate::{cli::kept, prove::has_the_shape, server::Server};

#[test]
fn the_first_walk() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("site"));
    journey("walk.mjs", &server);

    let prove = kept(&server.folder, "prove --json --data .").output().unwrap();
    let report = serde_json::from_slice(&prove.stdout).unwrap();
    assert!(prove.status.success(), "{report:#}");
    has_the_shape(&report);
    assert_eq!(server.log(), "");
    server.stop();
}

/// Browsers keep passkeys for a name, not for a number.
#[test]
fn signing_in_with_a_passkey() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_at(&folder.path().join("site"), "localhost:0");
    journey("passkeys.mjs", &server);
    assert_eq!(server.log(), "");
    server.stop();
}

fn journey(name: &str, server: &Server) {
    let journeys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../journeys");
    for needed in [&journeys.join("node_modules/playwright-core"), &journeys.join("node_modules/axe-core")] {
        assert!(needed.is_dir(), "{} is missing: run cargo xtask test", needed.display());
    }
    let walk = Command::new("node").arg(journeys.join(name)).arg(&server.url).output();
    let walk = walk.unwrap_or_else(|cause| panic!("node cannot be run ({cause}): run cargo xtask test"));
    println!("{}", String::from_utf8_lossy(&walk.stdout));
    assert!(walk.status.success(), "{}", String::from_utf8_lossy(&walk.stderr));
}
