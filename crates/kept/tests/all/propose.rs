//! `kept propose`: another notice for a site (`ntc-2`, `ntc-3`).

use std::{fs, path::Path};

use kept::demo::TRAINERS;

use crate::{
    cli::{FILTERS, transcript},
    server::Server,
    site::Copy,
};

/// The trainers' notice from a far day on, with messages kept for longer.
fn write_longer(folder: &Path) {
    let longer = TRAINERS.replace("effective = 2025-01-01", "effective = 2099-01-01").replace(
        "when  = \"mail.queued\"\nafter = \"7 days\"",
        "when  = \"mail.queued\"\nafter = \"30 days\"",
    );
    assert_ne!(longer, TRAINERS);
    fs::write(folder.join("longer.toml"), longer).unwrap();
}

#[test]
fn to_a_folder_that_no_server_has_open() {
    let copy = Copy::of_the_example();
    write_longer(copy.folder());
    fs::write(copy.folder().join("now.toml"), TRAINERS).unwrap();
    let wrong = TRAINERS.replace("idle    = \"1 hour\"", "idle    = \"2 hours\"");
    fs::write(copy.folder().join("too-soon.toml"), wrong).unwrap();
    let said: Vec<String> = ["too-soon", "now", "longer", "longer", "now", "now"]
        .map(|notice| transcript(copy.folder(), &format!("propose {notice}.toml")))
        .into();
    insta::with_settings!({ filters => FILTERS.into_iter().chain([(r"on \d{4}-\d\d-\d\d at", "on [day] at")]).collect::<Vec<_>>() }, {
        insta::assert_snapshot!(said.join("\n"), @"
    $ kept propose too-soon.toml
    kept: the notice says `effective = 2025-01-01`, and can take effect on [day] at the earliest: write that day or a later one
    [exit 1]
    $ kept propose now.toml
    This notice is in force.

    $ kept propose longer.toml
    2 sentences change, and people are told first:
      retain.mail: it happens later
    The server writes to everybody. It is in force from 2099-01-01 on, or later: not before the announced time has passed since the last of them was told.

    $ kept propose longer.toml
    This notice is proposed already.

    $ kept propose now.toml
    This notice is in force. What was proposed in its place is withdrawn.

    $ kept propose now.toml
    This notice is in force.
    ");
    });
}

#[test]
fn to_a_server_that_runs() {
    let copy = Copy::of_the_example();
    write_longer(copy.folder());
    let server = Server::start(copy.folder());
    let said = transcript(copy.folder(), "propose longer.toml");
    assert!(said.contains("retain.mail: it happens later"), "{said}");
    let page = server.get("/notice/versions");
    assert!(page.contains("From 1 January 2099"), "{page}");
    assert!(server.get("/").contains("Our privacy notice "), "the bar says so");
    let board = transcript(copy.folder(), "prove");
    assert!(!board.contains("[exit 1]"), "{board}");
    server.stop();
    // The notice in the folder is still the one in force, and the proposal is not forgotten.
    let again = transcript(copy.folder(), "propose longer.toml");
    assert!(again.contains("This notice is proposed already."), "{again}");
}
