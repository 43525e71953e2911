//! sec-6: nothing that identifies a person is in a log line, an address, or a file of the data folder.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex},
};

use axum::http::{Method, header};
use kept_testkit::{Browser, CPE, Site};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{deal, look_up, sign_in};

/// Found nowhere else: what was typed in.
const CANARIES: [&str; 7] = [
    "Canarina",
    "Yellowfeather",
    "canarina@example.test",
    "17 Birdcage Walk",
    "+1 555 0177",
    "seventeen yellow birds humming",
    "asks about a lost feather",
];

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

#[tokio::test]
async fn a_walk_leaves_no_trace_of_a_person_outside_the_vault() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).with_max_level(tracing::Level::TRACE).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let site = Site::open().await;
    let secret = site.staff("sam@example.test", "support").await;
    let [given, family, email, address, phone, password, reason] = CANARIES;
    let mut walker = site.browser();
    let mut desk = site.at_desk("sam@example.test", &secret).await;
    walk(&site, &mut walker, &mut desk).await;

    // What the search would find, it must find when it is there: a page, a log line of another thread, a file.
    let page = walker.visit("/account").await;
    for (field, canary) in
        [("given_name", given), ("family_name", family), ("address", address), ("phone", phone)]
    {
        assert_eq!(page.value(field).as_deref(), Some(canary), "the walk did not leave {field}");
    }
    std::thread::spawn(|| tracing::trace!("a planted parakeet")).join().unwrap();
    fs::write(site.folder().join("planted"), "a planted parakeet").unwrap();
    assert!(log_has(&log, "a planted parakeet"), "the log is not captured");
    assert_eq!(files_with(site.folder(), "a planted parakeet"), ["planted"]);
    fs::remove_file(site.folder().join("planted")).unwrap();
    assert!(log_has(&log, "answered"), "requests are logged");

    for canary in [given, family, email, address, phone, password, reason] {
        assert!(!log_has(&log, canary), "in the log: {canary}");
        let encoded: String = form_urlencoded::byte_serialize(canary.as_bytes()).collect();
        for place in walker.history.iter().chain(&desk.history) {
            assert!(!place.contains(canary) && !place.contains(&encoded), "in an address: {canary}");
        }
        assert_eq!(files_with(site.folder(), canary), [""; 0], "in the clear: {canary}");
    }
    assert_eq!(files_with(site.folder(), "$argon2id$"), [""; 0]);
    let link = walker.history.iter().find(|place| place.starts_with("/confirm/")).unwrap();
    assert!(!log_has(&log, link.trim_start_matches("/confirm/")), "the link's token is in the log");
    no_address_is_written_down(&log).await;
}

/// acc-5: where addresses carry sessions, they are in no log line, no file and no answer to a program.
async fn no_address_is_written_down(log: &Log) {
    let site = Site::under(CPE).await;
    site.member("ada@example.test").await;
    let mut ada = site.signed_in("ada@example.test").await;
    ada.visit("/account/data").await;
    ada.visit("/account/no/such/page").await;
    ada.post_with("/account", "forged", &[]).await;
    let refused =
        ada.request(Method::POST, "/account", &[(header::ACCEPT, "application/json")], "".into()).await;
    assert_eq!(refused.headers[header::CONTENT_TYPE], "application/problem+json");
    assert!(!refused.html.contains("/s/"), "{}", refused.html);
    let mut stranger = site.browser();
    stranger.name = "another".into();
    stranger.type_in(&ada.address("/account")).await;
    site.sweep().await;

    let tokens: Vec<_> =
        ada.history.iter().filter_map(|to| to.strip_prefix("/s/")?.split('/').next()).collect();
    assert!(tokens.len() > 5, "{tokens:?}");
    for token in tokens {
        // The first 43 characters are the session's own, the rest says when and for whom the address was written.
        assert!(!log_has(log, &token[..42]), "in the log");
        assert_eq!(files_with(site.folder(), &token[..42]), [""; 0]);
        let bytes = data_encoding::BASE64URL_NOPAD.decode(token.as_bytes()).unwrap();
        assert_eq!(
            files_with_bytes(site.folder(), &bytes[..32]),
            [""; 0],
            "the database knows its digest alone"
        );
    }
}

async fn walk(site: &Site, walker: &mut Browser, desk: &mut Browser) {
    let [given, family, email, address, phone, password, reason] = CANARIES;
    let form = [
        ("given_name", given),
        ("family_name", family),
        ("email", email),
        ("password", password),
        ("address", address),
        ("phone", phone),
    ];
    walker.send("/sign-up", &[&form[..4], &[("phone", &phone.repeat(9))]].concat()).await;
    walker.send("/sign-up", &form).await;
    walker.send(&site.link(email).await, &[]).await;
    site.browser().send("/sign-up", &form).await;
    sign_in(walker, email, &format!("{password}!")).await;
    let page = sign_in(walker, email, password).await;
    assert_eq!(page.path, "/account", "{}", page.status);
    walker.send("/account", &[&form[..2], &form[4..]].concat()).await;
    walker.visit("/account/data").await;
    look_up(desk, email, reason).await;
    look_up(desk, &format!("x{email}"), reason).await;
    deal(desk, email, "expire").await;
    site.sweep().await;
    sign_in(walker, email, password).await;
    deal(desk, email, "renew").await;
    sign_in(walker, email, password).await;
    // What does not fit: bad tokens, too much, the wrong method.
    walker.post_with("/account", "forged", &form).await;
    walker.post_raw("/account", format!("given_name={}", given.repeat(20_000))).await;
    site.keeper.prove().await.unwrap();
}

fn log_has(log: &Log, text: &str) -> bool {
    String::from_utf8_lossy(&log.0.lock().unwrap()).contains(text)
}

/// The files under a folder that have this text in them.
pub(crate) fn files_with(folder: &Path, text: &str) -> Vec<String> {
    files_with_bytes(folder, text.as_bytes())
}

fn files_with_bytes(folder: &Path, sought: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_with_bytes(&entry.path(), sought));
        } else if fs::read(entry.path()).unwrap().windows(sought.len()).any(|bytes| bytes == sought) {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found
}
