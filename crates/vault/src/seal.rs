//! Sealing: personal data under its own key, bound to its place.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::cipher::{self, Secret};
use crate::ring::Epoch;
use crate::{Kind, SubjectId};

/// Names the list of fields a part is bound to, and its version.
const PART: &[u8] = b"kept/vault/part/1";

/// The key that seals a subject's data of one kind. 256 bits, wiped from memory when it is dropped.
///
/// It is never stored as it is: see [`KeyRing::wrap`](crate::KeyRing::wrap).
pub struct DataKey(pub(crate) Secret);

impl DataKey {
    /// A new key.
    pub fn random<R: CryptoRng + ?Sized>(rng: &mut R) -> DataKey {
        DataKey(cipher::random_secret(rng))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// Who gave a piece of data (GDPR article 14(2)(f) makes it part of what a person may ask).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// The person it is about.
    Person,
    /// Someone who works for the organisation.
    Staff,
    /// The software itself.
    System,
    /// Somebody else, whom the notice names (`use-15`).
    Named(SourceName),
}

/// A source that the notice names, by its rule: `source.former-register`. So it is never taken for a word of [`Source`].
#[derive(Copy, Clone, PartialEq, Eq)]
pub struct SourceName {
    rule: [u8; SourceName::PREFIX.len() + SourceName::LONGEST],
    length: usize,
}

impl SourceName {
    /// How long a name may be, in letters.
    pub const LONGEST: usize = 32;
    const PREFIX: &str = "source.";

    /// The source with this name, `former-register`: a small letter first, then small letters, digits and hyphens.
    pub fn new(name: &str) -> Option<SourceName> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let named = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(plain);
        if !named || name.len() > SourceName::LONGEST {
            return None;
        }
        let mut rule = [0; SourceName::PREFIX.len() + SourceName::LONGEST];
        let letters = SourceName::PREFIX.bytes().chain(name.bytes());
        rule.iter_mut().zip(letters).for_each(|(place, letter)| *place = letter);
        Some(SourceName { rule, length: SourceName::PREFIX.len() + name.len() })
    }

    /// The id of its rule in the notice: `source.former-register`.
    pub fn rule(&self) -> &str {
        self.rule.get(..self.length).and_then(|rule| std::str::from_utf8(rule).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule())
    }
}

impl Source {
    /// The word that is stored and sealed in.
    pub fn as_str(&self) -> &str {
        match self {
            Source::Person => "person",
            Source::Staff => "staff",
            Source::System => "system",
            Source::Named(name) => name.rule(),
        }
    }

    /// The source with this word, if there is one.
    pub fn parse(word: &str) -> Option<Source> {
        match word.strip_prefix(SourceName::PREFIX) {
            Some(name) => SourceName::new(name).map(Source::Named),
            None => [Source::Person, Source::Staff, Source::System]
                .into_iter()
                .find(|source| source.as_str() == word),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a sealed part belongs. It opens in this very place only, so that rows cannot be swapped, moved,
/// relabelled or rolled back unnoticed.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// Whose data it is.
    pub subject: SubjectId,
    /// The record it is part of.
    pub record: &'a str,
    /// What kind of data it is.
    pub kind: Kind,
    /// The version of the notice it was collected under: the hash of its canonical form, in hexadecimal.
    pub notice: &'a str,
    /// Who gave it.
    pub source: Source,
    /// How often the record has been written; each write counts one up.
    pub revision: i64,
}

impl Place<'_> {
    fn context(&self) -> Vec<u8> {
        cipher::fields(&[
            PART,
            self.subject.as_bytes(),
            self.record.as_bytes(),
            self.kind.term().as_bytes(),
            self.notice.as_bytes(),
            self.source.as_str().as_bytes(),
            &self.revision.to_be_bytes(),
        ])
    }
}

/// Why sealed data stays closed. It says nothing about the data.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unopened {
    /// The bytes were not sealed with this key for this place, or were changed since.
    #[error(
        "sealed data did not open: its bytes, its key or its place are not those it was sealed with; \
         compare the database with its last backup"
    )]
    Refused,
    /// The key is wrapped in an epoch whose master key the ring does not hold, or no longer.
    #[error(
        "a data key is wrapped in epoch {epoch}, which this key ring does not hold; load the newest key ring"
    )]
    NoEpoch {
        /// The epoch that is missing.
        epoch: Epoch,
    },
}

/// Seals `plain` for `place`: a random nonce of 24 bytes, the XChaCha20-Poly1305 ciphertext, its tag of 16
/// bytes. Every field of `place` is authenticated with it and not stored in it.
pub fn seal<R: CryptoRng + ?Sized>(key: &DataKey, place: &Place<'_>, plain: &[u8], rng: &mut R) -> Vec<u8> {
    cipher::encrypt(&key.0, &place.context(), plain, rng)
}

/// Opens what [`seal`] made for this very place.
///
/// # Errors
///
/// [`Unopened::Refused`] if the key, any field of the place or any byte is another.
pub fn open(key: &DataKey, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    cipher::decrypt(&key.0, &place.context(), sealed).ok_or(Unopened::Refused)
}
