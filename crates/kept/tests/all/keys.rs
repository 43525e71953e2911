//! A site without its own keys is refused, and left as it was.

use std::{collections::BTreeMap, fs, path::PathBuf};

use kept_vault::{KeyCustody as _, KeyFile, KeyRing};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::{cli::transcript, site::Copy};

#[test]
fn without_the_key_file() {
    let refused = refused_after(|keys| fs::remove_file(keys).unwrap());
    insta::assert_snapshot!(refused, @r#"
    $ kept prove --data .
    kept: there is no key file at ./keys: put the newest copy of it there; without it the data cannot be read
    [exit 1]
    $ kept demo --listen 127.0.0.1:0 --data .
    kept: there is no key file at ./keys: put the newest copy of it there; without it the data cannot be read
    [exit 1]
    "#);
}

#[test]
fn with_a_key_file_that_is_cut_short() {
    let refused = refused_after(|keys| {
        let whole = fs::read(keys).unwrap();
        fs::write(keys, &whole[..whole.len() / 2]).unwrap();
    });
    insta::assert_snapshot!(refused, @r#"
    $ kept prove --data .
    kept: the key file ./keys is cut short: put the newest whole copy of it there
    [exit 1]
    $ kept demo --listen 127.0.0.1:0 --data .
    kept: the key file ./keys is cut short: put the newest whole copy of it there
    [exit 1]
    "#);
}

#[test]
fn with_another_sites_key_file() {
    let refused = refused_after(|keys| {
        KeyFile::new(keys).save(&KeyRing::generate(&mut ChaCha20Rng::from_seed([9; 32]))).unwrap();
    });
    insta::assert_snapshot!(refused, @r#"
    $ kept prove --data .
    kept: the key file ./keys belongs to another site: put the key file of this folder back; nothing was touched
    [exit 1]
    $ kept demo --listen 127.0.0.1:0 --data .
    kept: the key file ./keys belongs to another site: put the key file of this folder back; nothing was touched
    [exit 1]
    "#);
}

/// What `kept prove` and `kept demo` say to a folder whose key file was tampered with: the same, and nothing is changed.
fn refused_after(tamper: impl Fn(&PathBuf)) -> String {
    let site = Copy::of_the_example();
    tamper(&site.folder().join("keys"));
    let before: BTreeMap<PathBuf, Vec<u8>> = site.files();
    let proving = transcript(site.folder(), "prove --data .");
    let serving = transcript(site.folder(), "demo --listen 127.0.0.1:0 --data .");
    // The log's index is any reader's.
    for (path, bytes) in site.files().into_iter().filter(|(path, _)| !path.ends_with("kept.db-shm")) {
        assert!(before.get(&path) == Some(&bytes), "{} was changed", path.display());
    }
    assert_eq!(site.files().len(), before.len());
    format!("{proving}\n{serving}")
}
