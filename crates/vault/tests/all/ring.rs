//! Wrapping, epochs, blind indexes, derived secrets.

use data_encoding::HEXLOWER;
use kept_vault::{
    CurrentEpoch, DataKey, Epoch, KeyId, KeyRing, Kind, Place, Source, SubjectId, Unopened, Wrapped, open,
    seal,
};
use proptest::prelude::*;

use crate::rng;

const SUBJECT: SubjectId = SubjectId::from_bytes([1; 16]);
const KEY: KeyId = KeyId::from_bytes([2; 16]);

/// Data keys show nothing of themselves, so they are compared by what they open.
fn same(one: &DataKey, two: &DataKey) -> bool {
    let place = Place {
        subject: SUBJECT,
        record: "r",
        kind: Kind::NAME,
        notice: "",
        source: Source::System,
        revision: 0,
    };
    open(two, &place, &seal(one, &place, b"x", &mut rng(0))).is_ok()
}

#[test]
fn unwraps_what_it_wrapped() {
    let mut rng = rng(1);
    let ring = KeyRing::generate(&mut rng);
    let data = DataKey::random(&mut rng);
    let wrapped = ring.wrap(SUBJECT, KEY, Kind::NAME, &data, &mut rng);
    assert_eq!((wrapped.epoch, wrapped.bytes.len()), (Epoch(1), 72));
    assert!(same(&ring.unwrap(SUBJECT, KEY, Kind::NAME, &wrapped).unwrap(), &data));
}

/// Keys wrapped by version 1 must unwrap in every later one.
#[test]
fn unwraps_what_the_first_version_wrapped() {
    let mut rng = rng(7);
    let ring = KeyRing::generate(&mut rng);
    let data = DataKey::random(&mut rng);
    let bytes = HEXLOWER.decode(WRAPPED_BY_VERSION_1.as_bytes()).unwrap();
    let wrapped = Wrapped { epoch: Epoch(1), bytes };
    assert!(same(&ring.unwrap(SUBJECT, KEY, Kind::NAME, &wrapped).unwrap(), &data));
}
const WRAPPED_BY_VERSION_1: &str = concat!(
    "dfbc6898bb47daab2c76454484a266b7dbb48537acb29385f7c871fbd4977da3",
    "a757b8f30f4b977378c85a99a0ecb0c6c3b15f4f10b250871ca58a8cbcb843e4",
    "88fc3a56cc2a7acf",
);

#[test]
fn a_wrapped_key_is_that_key_of_that_subject_and_kind_only() {
    let mut rng = rng(2);
    let mut ring = KeyRing::generate(&mut rng);
    let data = DataKey::random(&mut rng);
    let wrapped = ring.wrap(SUBJECT, KEY, Kind::NAME, &data, &mut rng);
    let (other_subject, other_key) = (SubjectId::random(&mut rng), KeyId::random(&mut rng));
    let refused = |result: Result<DataKey, Unopened>| assert_eq!(result.unwrap_err(), Unopened::Refused);
    refused(ring.unwrap(other_subject, KEY, Kind::NAME, &wrapped));
    refused(ring.unwrap(SUBJECT, other_key, Kind::NAME, &wrapped));
    refused(ring.unwrap(SUBJECT, KEY, Kind::EMAIL_ADDRESS, &wrapped));
    refused(KeyRing::generate(&mut rng).unwrap(SUBJECT, KEY, Kind::NAME, &wrapped));
    let epoch = ring.rotate(&mut rng);
    refused(ring.unwrap(SUBJECT, KEY, Kind::NAME, &Wrapped { epoch, ..wrapped }));
}

#[test]
fn a_destroyed_epoch_takes_its_keys_with_it_and_no_others() {
    let mut rng = rng(3);
    let mut ring = KeyRing::generate(&mut rng);
    let data = DataKey::random(&mut rng);
    let old = ring.wrap(SUBJECT, KEY, Kind::NAME, &data, &mut rng);

    assert_eq!(ring.rotate(&mut rng), Epoch(2));
    assert_eq!(ring.epoch(), Epoch(2));
    let carried = ring.unwrap(SUBJECT, KEY, Kind::NAME, &old).unwrap();
    let new = ring.wrap(SUBJECT, KEY, Kind::NAME, &carried, &mut rng);
    assert_eq!(new.epoch, Epoch(2));

    ring.destroy(Epoch(1)).unwrap();
    ring.destroy(Epoch(1)).unwrap();
    let gone = ring.unwrap(SUBJECT, KEY, Kind::NAME, &old).unwrap_err();
    assert_eq!(gone, Unopened::NoEpoch { epoch: Epoch(1) });
    assert!(same(&ring.unwrap(SUBJECT, KEY, Kind::NAME, &new).unwrap(), &data));
    assert_eq!(ring.rotate(&mut rng), Epoch(3), "a number was given twice");
}

#[test]
fn the_current_epoch_is_not_destroyed() {
    let mut ring = KeyRing::generate(&mut rng(4));
    assert_eq!(ring.destroy(Epoch(1)), Err(CurrentEpoch { epoch: Epoch(1) }));
    let wrapped = ring.wrap(SUBJECT, KEY, Kind::NAME, &DataKey::random(&mut rng(5)), &mut rng(6));
    assert!(ring.unwrap(SUBJECT, KEY, Kind::NAME, &wrapped).is_ok());
}

/// What is stored of these must stay findable and verifiable: the values were computed with another
/// implementation of HMAC-SHA256 and HKDF-SHA256.
#[test]
fn digests_and_secrets_never_change() {
    let ring = KeyRing::generate(&mut rng(7));
    assert_eq!(
        HEXLOWER.encode(&ring.blind("email", b"ada@example.test")),
        "f8b7b5046d0b3f14752b5d49cc4ae04bcedc8b5fa1f09fc767bdb0a9d40ae3bf"
    );
    assert_eq!(
        HEXLOWER.encode(&*ring.derive("checkpoints")),
        "0e6550981337c084c1a7657f5fe3a2a40ed7a74f713b3a305ac96b07a059def8"
    );
    assert_eq!(ring.fingerprint(), "30b1e7aace0c1d7a");
}

#[test]
fn rotation_changes_neither_digests_nor_secrets_nor_the_fingerprint() {
    let mut rng = rng(8);
    let mut ring = KeyRing::generate(&mut rng);
    let all = |ring: &KeyRing| (ring.blind("email", b"x"), ring.derive("y"), ring.fingerprint());
    let before = all(&ring);
    ring.rotate(&mut rng);
    assert_eq!(all(&ring), before);
}

#[test]
fn digests_differ_by_index_value_and_ring() {
    let (ring, other) = (KeyRing::generate(&mut rng(9)), KeyRing::generate(&mut rng(10)));
    let digest = ring.blind("email", b"ada@example.test");
    assert_eq!(ring.blind("email", b"ada@example.test"), digest);
    assert_ne!(ring.blind("phone", b"ada@example.test"), digest);
    assert_ne!(ring.blind("email", b"eve@example.test"), digest);
    assert_ne!(ring.blind("emaila", b"da@example.test"), digest);
    assert_ne!(other.blind("email", b"ada@example.test"), digest);
    assert_ne!(ring.derive("forms"), ring.derive("checkpoints"));
    assert_ne!(ring.derive("forms"), other.derive("forms"));
    assert_ne!(ring.fingerprint(), other.fingerprint());
}

#[test]
fn nothing_secret_of_a_ring_is_printed() {
    let ring = KeyRing::generate(&mut rng(11));
    assert_eq!(format!("{ring:?}"), format!("KeyRing({} in epoch 1)", ring.fingerprint()));
}

proptest! {
    #[test]
    fn any_bytes_at_all_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..96), epoch in 0..3_u32) {
        let ring = KeyRing::generate(&mut rng(12));
        let wrapped = Wrapped { epoch: Epoch(epoch), bytes };
        prop_assert!(ring.unwrap(SUBJECT, KEY, Kind::NAME, &wrapped).is_err());
    }
}
