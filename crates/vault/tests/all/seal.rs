//! Sealing and its places.

use data_encoding::HEXLOWER;
use kept_vault::{DataKey, Kind, Place, Source, SubjectId, Unopened, open, seal};
use proptest::prelude::*;

use crate::rng;

const PLACE: Place<'static> = Place {
    subject: SubjectId::from_bytes([1; 16]),
    record: "profile",
    kind: Kind::NAME,
    notice: "c0ffee",
    source: Source::Person,
    revision: 7,
};

#[test]
fn opens_where_it_was_sealed() {
    let mut rng = rng(1);
    let key = DataKey::random(&mut rng);
    for plain in ["", "Ada Example", "Žofie Příkladná"] {
        let sealed = seal(&key, &PLACE, plain.as_bytes(), &mut rng);
        assert_eq!(sealed.len(), 24 + plain.len() + 16);
        assert_eq!(open(&key, &PLACE, &sealed).unwrap().as_slice(), plain.as_bytes());
    }
}

#[test]
fn never_seals_the_same_twice() {
    let mut rng = rng(2);
    let key = DataKey::random(&mut rng);
    let (one, two) = (seal(&key, &PLACE, b"Ada", &mut rng), seal(&key, &PLACE, b"Ada", &mut rng));
    assert_ne!(one, two);
    assert_ne!(one[..24], two[..24], "a nonce was used twice");
}

/// What is sealed today must open in ten years: these bytes were sealed by version 1.
#[test]
fn opens_what_the_first_version_sealed() {
    let mut rng = rng(3);
    let key = DataKey::random(&mut rng);
    let sealed = HEXLOWER.decode(SEALED_BY_VERSION_1.as_bytes()).unwrap();
    assert_eq!(open(&key, &PLACE, &sealed).unwrap().as_slice(), b"Ada Example");
}
const SEALED_BY_VERSION_1: &str = concat!(
    "dc45a2165ed7eaf73d2956d23f12edc0f968aaf13304b1e55eaced49e265db53",
    "80b0166547c2d7c555eb77cfb2c68dbf5a73a8",
);

#[test]
fn opens_under_its_own_key_only() {
    let mut rng = rng(4);
    let (key, other) = (DataKey::random(&mut rng), DataKey::random(&mut rng));
    let sealed = seal(&key, &PLACE, b"Ada", &mut rng);
    assert_eq!(open(&other, &PLACE, &sealed).unwrap_err(), Unopened::Refused);
}

#[test]
fn swapped_rows_stay_closed() {
    let mut rng = rng(5);
    let key = DataKey::random(&mut rng);
    let order = |record| Place { record, ..PLACE };
    let first = seal(&key, &order("order-1"), b"1 Sample Street", &mut rng);
    let second = seal(&key, &order("order-2"), b"2 Sample Street", &mut rng);
    assert_eq!(open(&key, &order("order-1"), &second).unwrap_err(), Unopened::Refused);
    assert_eq!(open(&key, &order("order-2"), &first).unwrap_err(), Unopened::Refused);
}

#[test]
fn text_does_not_slide_from_one_field_of_the_place_into_the_next() {
    let mut rng = rng(6);
    let key = DataKey::random(&mut rng);
    let sealed = seal(&key, &Place { record: "ab", notice: "c", ..PLACE }, b"Ada", &mut rng);
    assert!(open(&key, &Place { record: "a", notice: "bc", ..PLACE }, &sealed).is_err());
}

#[test]
fn nothing_of_a_key_is_printed() {
    assert_eq!(format!("{:?}", DataKey::random(&mut rng(7))), "DataKey(..)");
}

#[derive(Clone, Debug, PartialEq)]
struct OwnedPlace {
    subject: [u8; 16],
    record: String,
    kind: Kind,
    notice: String,
    source: Source,
    revision: i64,
}

impl OwnedPlace {
    fn place(&self) -> Place<'_> {
        Place {
            subject: SubjectId::from_bytes(self.subject),
            record: &self.record,
            kind: self.kind,
            notice: &self.notice,
            source: self.source,
            revision: self.revision,
        }
    }
}

fn any_place() -> impl Strategy<Value = OwnedPlace> {
    let kind = prop::sample::select(Kind::ALL);
    let source = prop::sample::select(&["person", "staff", "system", "source.a", "source.ab"][..]);
    let source = source.prop_map(|word| Source::parse(word).unwrap());
    (any::<[u8; 16]>(), ".{0,12}", kind, "[0-9a-f]{0,8}", source, any::<i64>()).prop_map(
        |(subject, record, kind, notice, source, revision)| OwnedPlace {
            subject,
            record,
            kind,
            notice,
            source,
            revision,
        },
    )
}

proptest! {
    #[test]
    fn any_changed_field_keeps_it_closed(
        here in any_place(),
        there in any_place(),
        plain in prop::collection::vec(any::<u8>(), 0..64),
        seed: u64,
    ) {
        let mut rng = rng(seed);
        let key = DataKey::random(&mut rng);
        let sealed = seal(&key, &here.place(), &plain, &mut rng);
        prop_assert_eq!(open(&key, &here.place(), &sealed).unwrap().to_vec(), plain);

        let moved = [
            OwnedPlace { subject: there.subject, ..here.clone() },
            OwnedPlace { record: there.record, ..here.clone() },
            OwnedPlace { kind: there.kind, ..here.clone() },
            OwnedPlace { notice: there.notice, ..here.clone() },
            OwnedPlace { source: there.source, ..here.clone() },
            OwnedPlace { revision: there.revision, ..here.clone() },
            OwnedPlace { revision: here.revision.wrapping_sub(1), ..here.clone() },
        ];
        for moved in moved.iter().filter(|moved| **moved != here) {
            prop_assert_eq!(open(&key, &moved.place(), &sealed).unwrap_err(), Unopened::Refused);
        }
    }

    #[test]
    fn any_flipped_bit_or_missing_byte_keeps_it_closed(
        plain in prop::collection::vec(any::<u8>(), 0..32),
        at: prop::sample::Index,
        bit in 0..8_u8,
    ) {
        let mut rng = rng(8);
        let key = DataKey::random(&mut rng);
        let sealed = seal(&key, &PLACE, &plain, &mut rng);

        let mut flipped = sealed.clone();
        flipped[at.index(sealed.len())] ^= 1 << bit;
        prop_assert_eq!(open(&key, &PLACE, &flipped).unwrap_err(), Unopened::Refused);

        let cut = &sealed[..at.index(sealed.len())];
        prop_assert_eq!(open(&key, &PLACE, cut).unwrap_err(), Unopened::Refused);
        prop_assert!(open(&key, &PLACE, &[&sealed[..], &[0]].concat()).is_err());
    }

    #[test]
    fn any_bytes_at_all_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..96)) {
        let key = DataKey::random(&mut rng(9));
        prop_assert_eq!(open(&key, &PLACE, &bytes).unwrap_err(), Unopened::Refused);
    }
}
