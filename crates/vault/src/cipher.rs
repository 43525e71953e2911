//! The primitives everything here is built on: XChaCha20-Poly1305, HMAC-SHA256 and HKDF-SHA256.

use chacha20::{R20, hchacha};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use ring::aead::{self, Aad, CHACHA20_POLY1305, LessSafeKey, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A key of 256 bits, wiped from memory when it is dropped.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// Length of the nonce in front of every ciphertext, in bytes.
const NONCE: usize = 24;

/// A new key.
pub(crate) fn random_secret<R: CryptoRng + ?Sized>(rng: &mut R) -> Secret {
    let mut secret = Secret::default();
    rng.fill_bytes(secret.as_mut_slice());
    secret
}

/// Encrypts `plain` and binds it to `context`: nonce, ciphertext, tag.
///
/// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03). With 192 bits, a random nonce never needs a counter.
pub(crate) fn encrypt<R: CryptoRng + ?Sized>(
    key: &Secret,
    context: &[u8],
    plain: &[u8],
    rng: &mut R,
) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let (key, short) = message_key(key, &nonce);
    let mut text = Vec::with_capacity(plain.len() + CHACHA20_POLY1305.tag_len());
    text.extend_from_slice(plain);
    #[expect(clippy::expect_used, reason = "fails only beyond 256 GiB, which no memory here holds")]
    key.seal_in_place_append_tag(short, Aad::from(context), &mut text)
        .expect("the text is shorter than the cipher's limit");
    [&nonce[..], &text].concat()
}

/// Decrypts what [`encrypt`] made, or nothing if key, context or any byte is another.
pub(crate) fn decrypt(key: &Secret, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>()?;
    let (key, short) = message_key(key, nonce);
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let length = key.open_in_place(short, Aad::from(context), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

/// The key of this nonce's one message, and the nonce that is left for it (draft-irtf-cfrg-xchacha-03, 2.3): HChaCha20 takes
/// in the first 16 bytes of the nonce, ChaCha20-Poly1305 (RFC 8439) the other 8.
fn message_key(key: &Secret, nonce: &[u8; NONCE]) -> (LessSafeKey, aead::Nonce) {
    let (first, last) = (nonce.first_chunk::<16>(), nonce.last_chunk::<8>());
    let (first, last) = (first.copied().unwrap_or_default(), last.copied().unwrap_or_default());
    let own = Zeroizing::new(<[u8; 32]>::from(hchacha::<R20>((&**key).into(), &first.into())));
    #[expect(clippy::expect_used, reason = "the key has the algorithm's length")]
    let own = UnboundKey::new(&CHACHA20_POLY1305, &*own).expect("256 bits");
    let mut short = [0; aead::NONCE_LEN];
    if let Some(end) = short.last_chunk_mut() {
        *end = last;
    }
    (LessSafeKey::new(own), aead::Nonce::assume_unique_for_key(short))
}

/// HMAC-SHA256 (RFC 2104).
pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// HKDF-SHA256 without salt, 256 bits (RFC 5869).
pub(crate) fn derive(secret: &[u8], info: &[u8]) -> Secret {
    let mut out = Secret::default();
    #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8160 bytes")]
    Hkdf::<Sha256>::new(None, secret).expand(info, out.as_mut_slice()).expect("32 bytes will do");
    out
}

/// Writes a list of fields so that no two lists give the same bytes: each after its length, 64 bits
/// big-endian. The first field names what the list is for, and its version.
pub(crate) fn fields(fields: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(fields.iter().map(|field| 8 + field.len()).sum());
    for field in fields {
        out.extend_from_slice(&(field.len() as u64).to_be_bytes());
        out.extend_from_slice(field);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use data_encoding::HEXLOWER;
    use proptest::prelude::*;
    use rand_core::{TryCryptoRng, TryRng};

    use super::*;

    /// Gives stated bytes, once.
    struct Stated(Vec<u8>);

    impl TryRng for Stated {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            unreachable!("only bytes are asked for")
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            unreachable!("only bytes are asked for")
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
            out.copy_from_slice(&std::mem::take(&mut self.0));
            Ok(())
        }
    }
    impl TryCryptoRng for Stated {}

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    /// draft-irtf-cfrg-xchacha-03, A.3.1.
    #[test]
    fn encrypts_as_the_draft_does() {
        let key = Secret::new(std::array::from_fn(|i| 0x80 + u8::try_from(i).unwrap()));
        let nonce: Vec<u8> = (0x40..0x58).collect();
        let context = hex("50515253c0c1c2c3c4c5c6c7");
        let plain =
            b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
            sunscreen would be it.";
        let expected = [
            nonce.clone(),
            hex(concat!(
                "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
                "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
                "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
                "21f9664c97637da9768812f615c68b13b52e",
                "c0875924c1c7987947deafd8780acf49"
            )),
        ]
        .concat();
        let sealed = encrypt(&key, &context, plain, &mut Stated(nonce));
        assert_eq!(sealed, expected);
        assert_eq!(decrypt(&key, &context, &expected).unwrap().as_slice(), plain);
    }

    /// RFC 4231, test case 2.
    #[test]
    fn authenticates_as_the_rfc_does() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(HEXLOWER.encode(&mac(b"Jefe", b"what do ya want for nothing?")), expected);
    }

    /// RFC 5869, A.3: no salt and no info; the first 32 of its 42 bytes.
    #[test]
    fn derives_as_the_rfc_does() {
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(HEXLOWER.encode(&*derive(&[0x0b; 22], b"")), expected);
    }

    proptest! {
        #[test]
        fn different_lists_of_fields_never_read_the_same(
            one in prop::collection::vec(prop::collection::vec(0..2_u8, 0..4), 0..4),
            two in prop::collection::vec(prop::collection::vec(0..2_u8, 0..4), 0..4),
        ) {
            let bytes = |list: &Vec<Vec<u8>>| fields(&list.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(one == two, bytes(&one) == bytes(&two));
        }
    }
}
