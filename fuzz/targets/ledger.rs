//! Whatever somebody hands in as a checkpoint, a key, a proof or an edge of the log: it is read or refused, and what nobody
//! signed is refused.
#![no_main]

use kept_ledger::{Frontier, Hash, Origin, Signer, proof, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &[u8], Vec<Hash>, u64, u64)| {
    let (note, key, bytes, hashes, position, size) = input;
    let origin: Origin = "example.test/kept".parse().expect("a good name");
    let known = Signer::from_seed(&origin, &[7; 32]).verifier_key();
    assert!(verify(note, &known).is_err(), "nobody signed it");
    let _ = verify(note, key);
    if let Ok(origin) = key.parse::<Origin>() {
        assert_eq!(origin.as_str(), key);
    }
    if let Ok(edge) = Frontier::from_bytes(bytes) {
        assert_eq!(edge.to_bytes(), bytes);
        let _ = edge.root();
    }
    if let [leaf, root, rest @ ..] = hashes.as_slice() {
        assert!(!proof::verify_inclusion(leaf, position, size, rest, root) || size > position);
        let _ = proof::verify_consistency(position, leaf, size, root, rest);
    }
});
