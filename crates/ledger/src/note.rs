//! Signed notes (<https://c2sp.org/signed-note>, v1.0.0): a text, a blank line, and signature lines.

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::hash::sha256;

/// The note signature type of Ed25519.
const ED25519: u8 = 0x01;

/// The longest note that is read, in bytes. The format asks for room for 16 signatures, which may be of
/// post-quantum kinds with 5 kB each.
const LONGEST: usize = 1 << 20;

/// Why a note was not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// The verifier key does not read.
    #[error("not a verifier key: expected the log's name, eight hexadecimal digits and base64, joined by +")]
    BadKey,
    /// The text is not a signed note.
    #[error("not a signed note: {0}")]
    NotANote(&'static str),
    /// None of the signatures is by the key.
    #[error("the note carries no signature by {name}: take it from the log that the verifier key is of")]
    NotSigned {
        /// The name in the verifier key.
        name: String,
    },
    /// A signature claims to be by the key and is not. Text or signature was changed, or another key used.
    #[error("the note's signature by {name} is wrong: the note was changed or forged; do not trust it")]
    Forged {
        /// The name in the verifier key.
        name: String,
    },
    /// The signed text is not a checkpoint.
    #[error("the note is signed, but line {line} is not a checkpoint's: expected {expected}")]
    NotACheckpoint {
        /// The line, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
}

/// The four bytes that, with the name, tell a key.
type KeyId = [u8; 4];

/// Whose signature it is. Names have no space and no `+`.
fn key_id(name: &str, public: &VerifyingKey) -> KeyId {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[ED25519], public.as_bytes()]);
    [a, b, c, d]
}

/// The name and public key that a note must be signed with.
pub(crate) struct VerifierKey<'a> {
    pub(crate) name: &'a str,
    public: VerifyingKey,
}

impl<'a> VerifierKey<'a> {
    /// Reads `name+keyid+base64(type || public key)`.
    pub(crate) fn parse(text: &'a str) -> Result<VerifierKey<'a>, NoteError> {
        Self::read(text).ok_or(NoteError::BadKey)
    }

    fn read(text: &'a str) -> Option<VerifierKey<'a>> {
        let (name, rest) = text.split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let key = BASE64.decode(key.as_bytes()).ok()?;
        let (&ED25519, public) = key.split_first()? else { return None };
        let public = VerifyingKey::from_bytes(public.try_into().ok()?).ok()?;
        let this_keys_id = HEXLOWER.encode(&key_id(name, &public)) == id;
        (is_name(name) && this_keys_id).then_some(VerifierKey { name, public })
    }

    /// Writes it.
    pub(crate) fn write(name: &str, public: &VerifyingKey) -> String {
        let id = HEXLOWER.encode(&key_id(name, public));
        let key = BASE64.encode(&[&[ED25519][..], public.as_bytes()].concat());
        format!("{name}+{id}+{key}")
    }
}

/// Whether a log or key may be so called.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

/// Signs a text, which ends in a newline, under a name.
pub(crate) fn sign(text: &str, name: &str, key: &SigningKey) -> String {
    let signature = key.sign(text.as_bytes()).to_bytes();
    let line = BASE64.encode(&[&key_id(name, &key.verifying_key())[..], &signature].concat());
    format!("{text}\n— {name} {line}\n")
}

/// The text of a note that is signed by this key. Signatures by other keys are passed over, as those of
/// witnesses are.
pub(crate) fn open<'a>(note: &'a str, key: &VerifierKey<'_>) -> Result<&'a str, NoteError> {
    if note.len() > LONGEST {
        return Err(NoteError::NotANote("it is longer than a mebibyte"));
    }
    if note.contains(|c: char| c < ' ' && c != '\n') {
        return Err(NoteError::NotANote("it holds control characters"));
    }
    let (text, signatures) =
        split(note).ok_or(NoteError::NotANote("it has no blank line before signatures"))?;
    let id = key_id(key.name, &key.public);
    let mut signed = false;
    for line in signatures.split_inclusive('\n') {
        let (name, bytes) = signature_line(line)
            .ok_or(NoteError::NotANote("a line after the last blank one is not a signature"))?;
        let Some(signature) = bytes.strip_prefix(&id).filter(|_| name == key.name) else { continue };
        let holds = Signature::from_slice(signature)
            .and_then(|signature| key.public.verify_strict(text.as_bytes(), &signature))
            .is_ok();
        if !holds {
            return Err(NoteError::Forged { name: name.to_owned() });
        }
        signed = true;
    }
    if signed { Ok(text) } else { Err(NoteError::NotSigned { name: key.name.to_owned() }) }
}

/// The text with its last newline, and the signature lines: what is around the last blank line.
fn split(note: &str) -> Option<(&str, &str)> {
    let (text, signatures) = note.split_at_checked(note.rfind("\n\n")? + 1)?;
    Some((text, signatures.strip_prefix('\n').filter(|lines| !lines.is_empty())?))
}

/// The name, and the key id with the signature.
fn signature_line(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, signature) = line.strip_prefix("— ")?.strip_suffix('\n')?.split_once(' ')?;
    let bytes = BASE64.decode(signature.as_bytes()).ok()?;
    (is_name(name) && bytes.len() > size_of::<KeyId>()).then_some((name, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of golang.org/x/mod/sumdb/note, where the format comes from.
    const NAME: &str = "PeterNeumann";
    const VERIFIER_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SEED: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\
        \n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn signing_key() -> SigningKey {
        let seed = BASE64.decode(SEED.as_bytes()).unwrap();
        SigningKey::from_bytes(seed[1..].try_into().unwrap())
    }

    fn open_with(note: &str, key: &str) -> Result<String, NoteError> {
        open(note, &VerifierKey::parse(key)?).map(str::to_owned)
    }

    #[test]
    fn signs_and_opens_as_the_original_does() {
        let key = signing_key();
        assert_eq!(VerifierKey::write(NAME, &key.verifying_key()), VERIFIER_KEY);
        assert_eq!(sign(TEXT, NAME, &key), NOTE);
        assert_eq!(open_with(NOTE, VERIFIER_KEY).unwrap(), TEXT);
    }

    #[test]
    fn the_text_ends_at_the_last_blank_line() {
        let key = signing_key();
        let text = "one\n\ntwo\n\n— PeterNeumann x08go/ZJ\n\nthree\n";
        assert_eq!(open_with(&sign(text, NAME, &key), VERIFIER_KEY).unwrap(), text);
    }

    #[test]
    fn other_keys_signatures_are_passed_over() {
        let same_name = format!("— {NAME} {}\n", BASE64.encode(&[9; 68]));
        let [head, line] = [TEXT, NOTE.strip_prefix(TEXT).unwrap().strip_prefix('\n').unwrap()];
        let same_id = line.replace(NAME, "EnochRoot");
        for others in [&same_name, &same_id, "— witness.example.test AAAAAAE=\n"] {
            assert_eq!(open_with(&format!("{head}\n{others}{line}"), VERIFIER_KEY).unwrap(), TEXT);
            assert_eq!(open_with(&format!("{head}\n{line}{others}"), VERIFIER_KEY).unwrap(), TEXT);
            let alone = open_with(&format!("{head}\n{others}"), VERIFIER_KEY);
            assert_eq!(alone, Err(NoteError::NotSigned { name: NAME.into() }));
        }
    }

    #[test]
    fn one_wrong_signature_by_the_key_spoils_the_note() {
        let line = NOTE.strip_prefix(TEXT).unwrap().strip_prefix('\n').unwrap();
        let wrong = line.replace("wJnAM=", "wJnAA=");
        let forged = Err(NoteError::Forged { name: NAME.into() });
        assert_eq!(open_with(&format!("{TEXT}\n{line}{wrong}"), VERIFIER_KEY), forged);
        assert_eq!(open_with(&format!("{TEXT}\n{wrong}"), VERIFIER_KEY), forged);
        assert_eq!(open_with(&NOTE.replace("answer", "Answer"), VERIFIER_KEY), forged);
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let long = format!("{}\n{NOTE}", "x".repeat(LONGEST));
        for text in [
            "",
            "\n",
            "\n\n",
            TEXT,
            &format!("{TEXT}\n"),
            &NOTE.replace("— ", "- "),
            &NOTE.replace("— PeterNeumann ", "— Peter+Neumann "),
            &NOTE.replace("— PeterNeumann ", "—  "),
            &NOTE.replace("AM=\n", "AM\n"),
            &NOTE.replace("AM=\n", "AM="),
            &NOTE.replace("AM=\n", "AM=\nmore\n"),
            &NOTE.replace("AM=\n", "AM=\n\n"),
            &NOTE.replace("answer", "ans\twer"),
            &NOTE.replace('\n', "\r\n"),
            &long,
        ] {
            let refused = matches!(open_with(text, VERIFIER_KEY), Err(NoteError::NotANote(_)));
            assert!(refused, "{:?}", text.get(..80.min(text.len())));
        }
    }

    #[test]
    fn what_is_no_verifier_key_is_refused() {
        for key in [
            "",
            "PeterNeumann",
            "PeterNeumann+c74f20a3",
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10Q=",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n",
        ] {
            assert!(VerifierKey::parse(key).is_err(), "{key}");
        }
    }
}
