//! Words and identifiers that are stored: they read back, and nothing else does.

use kept_vault::{BadId, KeyId, Kind, Source, SubjectId};
use proptest::prelude::*;

use crate::rng;

#[test]
fn kinds_read_back_and_are_all_different() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.term()), Some(*kind));
        assert_eq!(kind.to_string(), kind.term());
        assert!(kind.term().starts_with("pd:") || kind.term().starts_with("kept:"));
    }
    let mut terms: Vec<_> = Kind::ALL.iter().map(|kind| kind.term()).collect();
    terms.sort_unstable();
    terms.dedup();
    assert_eq!(terms.len(), Kind::ALL.len());
    assert_eq!(Kind::parse("pd:name"), None);
    assert_eq!(Kind::parse("Name"), None);
}

#[test]
fn sources_read_back() {
    let longest = format!("source.a{}", "-".repeat(31));
    for word in ["person", "staff", "system", "source.former-register", "source.a", &longest] {
        assert_eq!(Source::parse(word).unwrap().as_str(), word);
    }
    let too_long = format!("{longest}-");
    for word in ["someone", "source", "source.", "source.A", "source.1", "source.a b", &too_long] {
        assert_eq!(Source::parse(word), None, "{word}");
    }
}

#[test]
fn identifiers_read_back() {
    let mut rng = rng(1);
    let (subject, key) = (SubjectId::random(&mut rng), KeyId::random(&mut rng));
    assert_eq!(subject.to_string().parse(), Ok(subject));
    assert_eq!(KeyId::from_bytes(*key.as_bytes()), key);
    assert_ne!(subject, SubjectId::random(&mut rng));
    assert_eq!(SubjectId::from_bytes([0xab; 16]).to_string(), "ab".repeat(16));
    assert_eq!(format!("{:?}", KeyId::from_bytes([0; 16])), "0".repeat(32));
}

proptest! {
    #[test]
    fn text_that_is_not_an_identifier_is_refused(text in "[0-9a-fA-F]{0,40}") {
        let well_formed = text.len() == 32 && !text.contains(|c: char| c.is_ascii_uppercase());
        prop_assert_eq!(text.parse::<SubjectId>().is_ok(), well_formed);
        prop_assert!(text.parse::<KeyId>().map_or_else(|error| error == BadId, |id| id.to_string() == text));
    }
}
