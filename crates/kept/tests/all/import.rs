//! `kept import`: people from another system (use-15), as whoever types it sees it.

use std::{fmt::Write as _, fs, path::Path, thread::sleep, time::Duration};

use kept::demo::CPE;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::{
    cli::{FILTERS, kept, transcript},
    serve::{begun, change},
    server::Server,
};

const IMPORT: &str = "import people.csv --config kept.toml";

/// A site of the education provider, which names a source, with its folder made.
fn site() -> TempDir {
    let folder = begun();
    fs::write(folder.path().join("notice.toml"), CPE).unwrap();
    Server::serve(folder.path()).unwrap().stop();
    folder
}

fn run(folder: &Path, csv: impl AsRef<[u8]>, line: &str) -> String {
    fs::write(folder.join("people.csv"), csv).unwrap();
    transcript(folder, line)
}

/// Ten people for a start, from a number on.
fn people(from: usize, to: usize) -> String {
    let mut csv = "given_name,family_name,email\n".to_owned();
    (from..to).for_each(|number| writeln!(csv, "Ada,Testwell,ada{number}@example.test").unwrap());
    csv
}

/// How many accounts there are in a site that no server has open.
fn accounts(folder: &Path) -> i64 {
    let database = Connection::open(folder.join("data/kept.db")).unwrap();
    database.query_row("SELECT COUNT(*) FROM accounts", [], |row| row.get(0)).unwrap()
}

/// A byte order mark, both ends of lines, quotes, a blank line, cells of more than one line: all of it is a table.
const GOOD: &str = "\u{feff}given_name,family_name,email,address,phone\r\n\
    Ada,\"Testwell, the elder\",ada@example.test,\"1 Quill Lane\nNowhere\",\r\n\
    \r\n\
    Bob,\"Test\"\"well\"\"\",bob@example.test,,0123 456\n";

/// Whom the site has erased, a file from before may bring back.
#[test]
fn a_file_from_before_an_erasure_is_refused() {
    let folder = site();
    let erased = "INSERT INTO deeds (position, rule, action, started, due, done) \
                  VALUES (0, 'retain.closing', 'erase', 0, 0, 1767225600000)";
    Connection::open(folder.path().join("data/kept.db")).unwrap().execute(erased, []).unwrap();
    let as_of = |when: &str| run(folder.path(), GOOD, &format!("{IMPORT} --as-of {when}"));
    insta::assert_snapshot!(run(folder.path(), GOOD, IMPORT), @r#"
    $ kept import people.csv --config kept.toml
    kept: people.csv: 1 person was erased here so far, and the file may name them: say with --as-of as of when it is right, such as 2027-01-31 or 2027-01-31T09:00Z
    [exit 2]
    "#);
    insta::assert_snapshot!(as_of("2025-12-31"), @r#"
    $ kept import people.csv --config kept.toml --as-of 2025-12-31
    kept: people.csv: 1 person was erased here since then, and the file may name them: tell the other system whom to leave out, have the file written anew, and say with --as-of when that was
    [exit 2]
    "#);
    assert!(
        as_of("yesterday")
            .contains("write a day, such as 2027-01-31, or a moment, such as 2027-01-31T09:00Z")
    );
    insta::assert_snapshot!(as_of("3026-01-01"), @r#"
    $ kept import people.csv --config kept.toml --as-of 3026-01-01
    kept: people.csv: --as-of names a moment that is still to come: say when the file was written, or when the data in it was right
    [exit 2]
    "#);
    assert_eq!(accounts(folder.path()), 0);
    insta::assert_snapshot!(as_of("2026-01-01T00:01Z"), @r#"
    $ kept import people.csv --config kept.toml --as-of 2026-01-01T00:01Z
    2 people taken in, 0 already here and left as they are, 0 rejected.
    Nobody was written to. A newcomer gets in by the page “Forgotten password”.
    "#);
}

#[test]
fn newcomers_are_invited_once() {
    let folder = site();
    let invite = format!("{IMPORT} --invite");
    insta::assert_snapshot!(run(folder.path(), GOOD, &invite), @r#"
    $ kept import people.csv --config kept.toml --invite
    2 people taken in, 0 already here and left as they are, 0 rejected.
    2 people invited.
    "#);
    insta::assert_snapshot!(run(folder.path(), GOOD, &format!("{invite} --dry-run")), @r#"
    $ kept import people.csv --config kept.toml --invite --dry-run
    0 people would be taken in, 2 already here and would be left as they are, 0 rejected.
    Nothing has been changed.
    "#);
}

/// What is wrong with each line is said by its column, and nothing that is in it.
fn bad() -> Vec<u8> {
    let mut csv = b"given_name,family_name,email,address\n".to_vec();
    for line in [
        ",Testwell,secret-one@example.test,",
        "Ada,Testwell,secret-two,",
        "Ada,Testwell,secret-three@example.test",
        "Ada,Testwell,four@example.test,",
        "Ada,Testwell,FOUR@example.test,",
        "Ada,Test\u{7}well,secret-five@example.test,",
        "Ada,Testwell,six@example.test,\"1 Quill \"\"Lane\"\"\"",
    ] {
        csv.extend(line.bytes().chain(*b"\n"));
    }
    csv.extend(b"Ada,T\xe9stwell,secret-seven@example.test,\n");
    csv.extend(format!("Ada,Testwell,secret-eight@example.test,{}\n", "x".repeat(501)).bytes());
    csv.extend(format!("Ada,Testwell,secret-nine@example.test,{}\n", "x".repeat(1024 * 1024)).bytes());
    csv.extend(b"Ada,Testwell,ten@example.test,\n");
    csv
}

#[test]
fn a_dry_run_then_a_run_and_once_more() {
    let folder = site();
    insta::assert_snapshot!(run(folder.path(), GOOD, &format!("{IMPORT} --dry-run")), @r#"
    $ kept import people.csv --config kept.toml --dry-run
    2 people would be taken in, 0 already here and would be left as they are, 0 rejected.
    Nothing has been changed.
    "#);
    assert_eq!(accounts(folder.path()), 0);
    let said = run(folder.path(), GOOD, &format!("{IMPORT} --dry-run --invite"));
    let a_year_on = (r"from \d+ \w+ \d{4}\.", "from [a year on].");
    insta::with_settings!({ filters => [FILTERS.as_slice(), &[a_year_on]].concat() }, {
        insta::assert_snapshot!(said, @r#"
        $ kept import people.csv --config kept.toml --dry-run --invite
        2 people would be taken in, 0 already here and would be left as they are, 0 rejected.
        Nothing has been changed.
        2 people would be invited, each with this letter:

          You have an account with us

          You have an account with us now. What is in it comes from the register of customers that we kept before this site. To use it, choose a password: on this page, write the address to which this message came, and you get a link:

          http://[address]/forgotten

          If you do not want an account, there is nothing to do: we erase it from [a year on]. To have it erased sooner, write to privacy@cpe.example.test.

          Our privacy notice says what we do with your data, and what you can ask of us:

          http://[address]/notice
        "#);
    });
    assert_eq!(accounts(folder.path()), 0);
    insta::assert_snapshot!(run(folder.path(), GOOD, IMPORT), @r#"
    $ kept import people.csv --config kept.toml
    2 people taken in, 0 already here and left as they are, 0 rejected.
    Nobody was written to. A newcomer gets in by the page “Forgotten password”.
    "#);
    insta::assert_snapshot!(run(folder.path(), GOOD, IMPORT), @r#"
    $ kept import people.csv --config kept.toml
    0 people taken in, 2 already here and left as they are, 0 rejected.
    "#);
    assert_eq!(accounts(folder.path()), 2);
    assert!(transcript(folder.path(), "prove --config kept.toml").ends_with(" 0 broken\n"));
}

#[test]
fn each_rejected_line_is_explained_and_the_good_ones_are_in() {
    let folder = site();
    let said = run(folder.path(), bad(), IMPORT);
    assert!(!said.contains("secret") && !said.contains("Testwell"), "{said}");
    insta::assert_snapshot!(said, @r#"
    $ kept import people.csv --config kept.toml
    3 people taken in, 0 already here and left as they are, 8 rejected.
    Nobody was written to. A newcomer gets in by the page “Forgotten password”.
    people.csv:2:given_name: Fill in “Given name”.
    people.csv:3:email: Write an e-mail address, such as name@example.test.
    people.csv:4: the line has 3 cells and the first line 4; write a comma after each empty cell, too, and look whether a quotation mark is not closed
    people.csv:6:email: It is the same as in line 5: leave one of them.
    people.csv:7:family_name: It has characters that are not text: take them out.
    people.csv:9:family_name: It is not UTF-8: save the file as CSV in UTF-8.
    people.csv:10:address: “Postal address” can have at most 500 characters; it has 501.
    people.csv:11: the line has more than 64 KiB; look whether a quotation mark is not closed
    [exit 1]
    "#);
    assert_eq!(accounts(folder.path()), 3);
}

#[test]
fn a_file_that_cannot_be_taken_in_is_refused_as_a_whole() {
    let folder = site();
    let mut all = String::new();
    for (csv, line) in [
        ("given_name,family_name,emial\nAda,Testwell,ada@example.test\n", IMPORT),
        ("Ada,Testwell,ada@example.test\n", IMPORT),
        ("given_name,family_name,email,\n", IMPORT),
        ("given_name,family_name,email,email\n", IMPORT),
        ("given_name;family_name;email\n", IMPORT),
        ("given_name,family_name\n", IMPORT),
        ("", IMPORT),
        ("email\n", "import people.csv --config kept.toml --source elsewhere"),
        ("email\n", "import nowhere.csv --config kept.toml"),
        ("email\n", "import people.csv --data data --invite"),
    ] {
        let said = run(folder.path(), csv, line);
        assert!(said.ends_with("[exit 2]") && !said.contains("Testwell"), "{said}");
        let why = said.lines().nth(1).unwrap();
        writeln!(all, "{why}").unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    kept: people.csv: column 3 of the first line: its name is not known; did you mean "email"?
    kept: people.csv: column 1 of the first line: its name is not known; choose one of: given_name, family_name, email, address, phone
    kept: people.csv: column 4 of the first line: it has no name; name it, or leave it out
    kept: people.csv: column 4 of the first line: email is there twice; leave one out
    kept: people.csv: its columns are not separated by commas; save the file as CSV with commas
    kept: people.csv: the first line has no column "email", and nobody can be taken in without
    kept: people.csv: it is empty; its first line names the columns: given_name,family_name,email
    kept: people.csv: the notice names no such source, so nothing was taken in: it names former-register; choose one with --source
    kept: nowhere.csv: it cannot be read: No such file or directory (os error 2)
    error: the argument '--data <DATA>' cannot be used with '--invite'
    "#);
    assert_eq!(accounts(folder.path()), 0);
}

/// Through the server that has the folder open; and what a server that was killed has taken in, is there once.
#[test]
fn a_run_that_was_interrupted_is_run_again() {
    let folder = site();
    let server = Server::serve(folder.path()).unwrap();
    insta::assert_snapshot!(run(folder.path(), people(0, 10), IMPORT), @r#"
    $ kept import people.csv --config kept.toml
    10 people taken in, 0 already here and left as they are, 0 rejected.
    Nobody was written to. A newcomer gets in by the page “Forgotten password”.
    "#);
    assert!(transcript(folder.path(), "prove --config kept.toml").ends_with(" 0 broken\n"));

    fs::write(folder.path().join("people.csv"), people(0, 3000)).unwrap();
    let mut import = kept(folder.path(), IMPORT).spawn().unwrap();
    // Some are in, and most are not.
    while accounts(folder.path()) == 10 {
        sleep(Duration::from_millis(5));
    }
    server.signal("KILL");
    assert!(!import.wait().unwrap().success(), "the server was killed in the midst of it");
    drop(server);
    let so_far = accounts(folder.path());
    assert!((10..3000).contains(&so_far), "{so_far}");

    let mut import = kept(folder.path(), IMPORT).spawn().unwrap();
    sleep(Duration::from_millis(500));
    import.kill().unwrap();
    import.wait().unwrap();
    let said = run(folder.path(), people(0, 3000), IMPORT);
    assert!(said.contains(" 0 rejected.") && !said.contains("[exit"), "{said}");
    assert_eq!(accounts(folder.path()), 3000);
    assert!(transcript(folder.path(), "prove --config kept.toml").ends_with(" 0 broken\n"));
}

#[test]
fn the_same_on_postgresql() {
    let folder = begun();
    fs::write(folder.path().join("notice.toml"), CPE).unwrap();
    let url = kept_pgtest::empty_database();
    let line = "# database = \"postgresql://kept@localhost/kept\"";
    change(folder.path(), line, &format!("database = \"{url}\""));
    let server = Server::serve(folder.path()).unwrap();
    let count = || kept_pgtest::sql(&url, "SELECT COUNT(*) FROM accounts");
    assert!(
        run(folder.path(), bad(), IMPORT)
            .contains("3 people taken in, 0 already here and left as they are, 8 rejected.")
    );
    server.stop();
    assert!(
        run(folder.path(), bad(), IMPORT)
            .contains("0 people taken in, 3 already here and left as they are, 8 rejected.")
    );
    assert_eq!(count(), "3");
    assert!(transcript(folder.path(), "prove --config kept.toml").ends_with(" 0 broken\n"));
}
