//! Checkpoints: signed, verified, forged.

use kept_ledger::{BadOrigin, Checkpoint, NoteError, Origin, Signer, root, verify};
use proptest::prelude::*;

use crate::leaves;

fn origin() -> Origin {
    "example.test/kept".parse().unwrap()
}

fn signer() -> Signer {
    Signer::from_seed(&origin(), &[1; 32])
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: origin(), size: 5, root: root(leaves(5)) }
}

/// Verified once with the Rust crates signed_note 0.2.0 and tlog_tiles 0.2.0: others read our notes, and
/// those who kept one can always verify it.
#[test]
fn notes_never_change() {
    assert_eq!(
        signer().verifier_key(),
        "example.test/kept+85339a0a+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
    );
    assert_eq!(
        signer().sign(&checkpoint()),
        "example.test/kept\n\
         5\n\
         OdqjeWgJk60mD/TaYmM61TCjPj2ssYlCWFwvC4YfF2s=\n\
         \n\
         — example.test/kept hTOaCii0ZhLHfj6z248zS1wM9CvNzJzqKdtq1o4x1uyrKcPrLVcLewLDwUsdy5v7xPgv7Mw46JE+H9BzP8LeJA49PwY=\n"
    );
}

#[test]
fn what_the_log_signed_is_verified() {
    assert_eq!(verify(&signer().sign(&checkpoint()), &signer().verifier_key()), Ok(checkpoint()));
}

#[test]
fn another_key_of_the_same_name_is_refused() {
    let forger = Signer::from_seed(&origin(), &[2; 32]);
    let name = || "example.test/kept".to_owned();
    let note = forger.sign(&checkpoint());
    assert_eq!(verify(&note, &signer().verifier_key()), Err(NoteError::NotSigned { name: name() }));

    // With the key id of the log in front of its own signature.
    let ours = signer().sign(&checkpoint());
    let at = ours.find("— example.test/kept ").unwrap() + "— example.test/kept ".len();
    let decode = |note: &str| data_encoding::BASE64.decode(note[at..].trim().as_bytes()).unwrap();
    let line = [&decode(&ours)[..4], &decode(&note)[4..]].concat();
    let forged = format!("{}{}\n", &ours[..at], data_encoding::BASE64.encode(&line));
    assert_eq!(verify(&forged, &signer().verifier_key()), Err(NoteError::Forged { name: name() }));
}

#[test]
fn a_checkpoint_of_another_log_is_refused() {
    let other = Checkpoint { origin: "example.test/another".parse().unwrap(), ..checkpoint() };
    let refused = verify(&signer().sign(&other), &signer().verifier_key());
    assert!(matches!(refused, Err(NoteError::NotACheckpoint { line: 1, .. })));
}

#[test]
fn a_log_has_a_name_that_notes_can_carry() {
    for name in ["", " ", "example test", "a+b", "a\nb", "a\u{a0}b", "a\u{2003}b", "a\0b", "a\u{85}b"] {
        assert_eq!(name.parse::<Origin>(), Err(BadOrigin), "{name:?}");
    }
    for name in ["example.test/kept", "bücher.test/kept", "x"] {
        assert_eq!(name.parse::<Origin>().unwrap().as_str(), name);
    }
}

#[test]
fn nothing_secret_of_a_signer_is_printed() {
    assert_eq!(format!("{:?}", signer()), format!("Signer({})", signer().verifier_key()));
}

proptest! {
    #[test]
    fn any_checkpoint_comes_back(
        origin in "[^\\s\\pC+]{1,20}", size: u64, root: [u8; 32], seed: [u8; 32],
    ) {
        let origin: Origin = origin.parse().unwrap();
        let signer = Signer::from_seed(&origin, &seed);
        let checkpoint = Checkpoint { origin, size, root };
        prop_assert_eq!(verify(&signer.sign(&checkpoint), &signer.verifier_key()), Ok(checkpoint));
    }

    #[test]
    fn any_changed_character_is_noticed(at: prop::sample::Index, to: char) {
        let note = signer().sign(&checkpoint());
        let mut characters: Vec<char> = note.chars().collect();
        let at = at.index(characters.len());
        prop_assume!(characters[at] != to);
        characters[at] = to;
        let changed: String = characters.into_iter().collect();
        prop_assert!(verify(&changed, &signer().verifier_key()).is_err());
    }

    #[test]
    fn any_text_at_all_is_refused(note in "(?s).{0,200}", like_a_note in "[— a\n=Z]{0,60}", key in ".{0,80}") {
        prop_assert!(verify(&note, &signer().verifier_key()).is_err());
        prop_assert!(verify(&like_a_note, &signer().verifier_key()).is_err());
        let signed = signer().sign(&checkpoint());
        prop_assert!(verify(&signed, &key).is_err());
    }
}
