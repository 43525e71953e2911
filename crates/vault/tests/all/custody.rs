//! The key file: whole, cut, damaged, wrong or missing.

use std::fs;

use kept_vault::{DataKey, Epoch, KeyCustody, KeyFile, KeyId, KeyRing, KeyRingError, Kind, SubjectId};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::rng;

fn ring_of_three_epochs() -> KeyRing {
    let mut rng = rng(1);
    let mut ring = KeyRing::generate(&mut rng);
    ring.rotate(&mut rng);
    ring.rotate(&mut rng);
    ring
}

/// A folder with a saved ring: the folder, the file, its bytes.
fn saved(ring: &KeyRing) -> (TempDir, KeyFile, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let file = KeyFile::new(&path);
    file.save(ring).unwrap();
    let bytes = fs::read(path).unwrap();
    (folder, file, bytes)
}

/// What reading these bytes as a key file says.
fn load(bytes: &[u8]) -> Result<KeyRing, KeyRingError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, bytes).unwrap();
    KeyFile::new(path).load()
}

#[test]
fn comes_back_whole() {
    let mut rng = rng(2);
    let mut ring = KeyRing::generate(&mut rng);
    let (subject, key, kind) = (SubjectId::random(&mut rng), KeyId::random(&mut rng), Kind::NAME);
    let data = DataKey::random(&mut rng);
    let mut wrapped = vec![ring.wrap(subject, key, kind, &data, &mut rng)];
    for _ in 0..2 {
        ring.rotate(&mut rng);
        wrapped.push(ring.wrap(subject, key, kind, &data, &mut rng));
    }
    ring.destroy(Epoch(2)).unwrap();

    let (_folder, file, _) = saved(&ring);
    let back = file.load().unwrap();
    assert_eq!(back.epoch(), Epoch(3));
    assert_eq!(back.fingerprint(), ring.fingerprint());
    assert_eq!(back.blind("email", b"x"), ring.blind("email", b"x"));
    assert_eq!(back.derive("forms"), ring.derive("forms"));
    let unwraps: Vec<bool> = wrapped.iter().map(|w| back.unwrap(subject, key, kind, w).is_ok()).collect();
    assert_eq!(unwraps, [true, false, true]);
}

/// Key files of version 1 must read in every later one.
#[test]
fn reads_what_the_first_version_wrote() {
    let ring = KeyRing::generate(&mut rng(7));
    let (_folder, _, bytes) = saved(&ring);
    assert_eq!(String::from_utf8(bytes).unwrap(), WRITTEN_BY_VERSION_1);
    assert_eq!(load(WRITTEN_BY_VERSION_1.as_bytes()).unwrap().fingerprint(), ring.fingerprint());
}
const WRITTEN_BY_VERSION_1: &str = "\
kept key ring 1
epoch 1 19454a27b752f905909507d6160ddc888e2df8b773098ef3f7bcd321a7caa748
blind 3a9afa8c98415d2fde7ae061aed1ef6821fb9ab3e89e9c7d07e32aa9c034fcd2
site 7a0786b127a9d7b2cad8ed51528891fd641a359f29f44c6bd8cac846aaf615e2
checksum 3d4b5075686316c6ea7660099c7359981048612b1b7fade35df285bd7037f162
";

#[test]
fn a_missing_file_is_told_from_a_present_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::new(folder.path().join("keys"));
    assert!(!file.exists());
    assert!(matches!(file.load(), Err(KeyRingError::Missing { .. })));
    file.save(&ring_of_three_epochs()).unwrap();
    assert!(file.exists());
}

#[test]
fn cut_at_any_byte_it_is_truncated() {
    let (_folder, _, bytes) = saved(&ring_of_three_epochs());
    for end in 0..bytes.len() {
        let error = load(&bytes[..end]).unwrap_err();
        assert!(matches!(error, KeyRingError::Truncated { .. }), "cut at {end} of {}", bytes.len());
    }
}

#[test]
fn names_the_damaged_line() {
    let (_folder, _, bytes) = saved(&ring_of_three_epochs());
    let text = String::from_utf8(bytes).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 7);
    let damaged_at = |lines: &[String]| match load((lines.join("\n") + "\n").as_bytes()) {
        Err(KeyRingError::Damaged { line, .. }) => line,
        other => panic!("{:?}", other.map(|_| "read")),
    };

    // Not hexadecimal: the line itself.
    for number in 2..=6 {
        let mut lines = lines.clone();
        lines[number - 1].pop();
        lines[number - 1].push('g');
        assert_eq!(damaged_at(&lines), number);
    }
    // Out of order, missing, twice: where it stops making sense.
    for (change, number) in [(0, 3), (1, 5), (2, 6), (3, 6)] {
        let mut lines = lines.clone();
        match change {
            0 => lines.swap(1, 2),
            1 => drop(lines.remove(4)),
            2 => drop(lines.remove(5)),
            _ => lines.insert(5, lines[4].clone()),
        }
        assert_eq!(damaged_at(&lines), number, "change {change}");
    }
    assert_eq!(damaged_at(&[lines[0].clone(), lines[4].clone(), lines[5].clone(), lines[6].clone()]), 2);
    // Another digit: only the checksum tells.
    let digit = if lines[4].ends_with('0') { '1' } else { '0' };
    lines[4].pop();
    lines[4].push(digit);
    assert_eq!(damaged_at(&lines), 7);
}

#[test]
fn another_file_is_told_from_a_damaged_one() {
    for bytes in [&b"SQLite format 3\0"[..], b"-----BEGIN PRIVATE KEY-----\n", b"kept key ring 2\n", b"\xff"]
    {
        assert!(matches!(load(bytes), Err(KeyRingError::NotAKeyFile { .. })));
    }
}

#[test]
fn another_sites_ring_reads_and_has_another_fingerprint() {
    let (ours, theirs) = (KeyRing::generate(&mut rng(3)), KeyRing::generate(&mut rng(4)));
    let (_folder, file, _) = saved(&theirs);
    assert_ne!(file.load().unwrap().fingerprint(), ours.fingerprint());
}

#[test]
fn saving_again_replaces_it_and_leaves_nothing_else() {
    let (folder, file, _) = saved(&ring_of_three_epochs());
    fs::write(folder.path().join("keys.new"), "left by a crash").unwrap();
    let next = KeyRing::generate(&mut rng(5));
    file.save(&next).unwrap();
    assert_eq!(file.load().unwrap().fingerprint(), next.fingerprint());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_ring_that_cannot_be_saved_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::new(folder.path().join("no such folder").join("keys"));
    assert!(matches!(file.save(&ring_of_three_epochs()), Err(KeyRingError::Io { .. })));
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, file, _) = saved(&ring_of_three_epochs());
    let mode = || fs::metadata(folder.path().join("keys")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs::set_permissions(folder.path().join("keys"), fs::Permissions::from_mode(0o644)).unwrap();
    file.save(&ring_of_three_epochs()).unwrap();
    assert_eq!(mode(), 0o600);
}

#[cfg(unix)]
#[test]
fn a_link_to_it_stays_a_link() {
    let (elsewhere, _, _) = saved(&ring_of_three_epochs());
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("keys");
    std::os::unix::fs::symlink(elsewhere.path().join("keys"), &link).unwrap();
    let next = KeyRing::generate(&mut rng(6));
    KeyFile::new(&link).save(&next).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let there = KeyFile::new(elsewhere.path().join("keys")).load().unwrap();
    assert_eq!(there.fingerprint(), next.fingerprint());
}

#[test]
fn messages_hold_no_key_material() {
    let (_folder, _, bytes) = saved(&ring_of_three_epochs());
    let text = String::from_utf8(bytes).unwrap();
    let damaged = text.replace("site ", "sight ");
    let error = load(damaged.as_bytes()).unwrap_err();
    let said = format!("{error} {error:?}");
    for secret in text.lines().filter_map(|line| line.split(' ').next_back()).filter(|word| word.len() == 64)
    {
        assert!(!said.contains(secret.get(..8).unwrap()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_changed_byte_is_noticed(at: prop::sample::Index, by in 1..=255_u8) {
        let (_folder, _, mut bytes) = saved(&ring_of_three_epochs());
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        prop_assert!(load(&bytes).is_err());
    }

    #[test]
    fn any_bytes_at_all_are_an_error(tail in prop::collection::vec(any::<u8>(), 0..128), as_ring: bool) {
        let head: &[u8] = if as_ring { b"kept key ring 1\nepoch 1" } else { b"" };
        prop_assert!(load(&[head, &tail].concat()).is_err());
    }
}
