//! Random codes that people type in: made, shown in groups, and known again however they are typed.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

/// A code of this many random bytes, in capital letters and digits.
pub(crate) fn random<const BYTES: usize>(rng: &mut impl CryptoRng) -> String {
    let mut bytes = [0; BYTES];
    rng.fill_bytes(&mut bytes);
    BASE32_NOPAD.encode(&bytes)
}

/// The code as it is shown: `K3QX-…`.
pub(crate) fn grouped(code: &str, size: usize) -> String {
    code.as_bytes().chunks(size).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

/// What was typed, without the hyphens and spaces between groups, and in capitals.
pub(crate) fn plain(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// What the database knows of a code. One round of a fast hash is enough, because codes are random.
pub(crate) fn digest(typed: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(plain(typed)))
}
