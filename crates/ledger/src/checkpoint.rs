//! Checkpoints (<https://c2sp.org/tlog-checkpoint>, v1.0.0): a signed statement of a tree's size and root.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use ed25519_dalek::SigningKey;

use crate::Hash;
use crate::note::{self, NoteError, VerifierKey};

/// The unique name of a log and of the key that signs for it: a URL without its scheme, such as
/// `example.test/kept`. Neither empty nor with spaces, control characters or `+`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin(String);

/// Text that cannot name a log.
#[derive(Copy, Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a log's name: write a URL without its scheme, without spaces and without +")]
pub struct BadOrigin;

impl Origin {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Origin, BadOrigin> {
        if note::is_name(text) { Ok(Origin(text.to_owned())) } else { Err(BadOrigin) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a log states about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// How many leaves it has.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root))
    }

    /// Reads the text of a note by the key of this name.
    fn parse(text: &str, name: &str) -> Result<Checkpoint, NoteError> {
        let not_at = |line, expected| NoteError::NotACheckpoint { line, expected };
        let mut lines = text.split_terminator('\n');
        let mut line = || lines.next();

        let origin = line().filter(|origin| *origin == name).and_then(|origin| origin.parse().ok());
        let origin = origin.ok_or(not_at(1, "the name of the key that signed it"))?;
        let size = line().and_then(size).ok_or(not_at(2, "the number of leaves"))?;
        let root = line().and_then(hash).ok_or(not_at(3, "a hash of 32 bytes in base64"))?;
        // Further lines are other people's extensions. They are signed too, and say nothing to us.
        match lines.position(str::is_empty) {
            Some(index) => Err(not_at(index + 4, "no empty line")),
            None => Ok(Checkpoint { origin, size, root }),
        }
    }
}

/// Reads decimal digits without a sign and without leading zeroes.
fn size(text: &str) -> Option<u64> {
    text.parse().ok().filter(|size: &u64| size.to_string() == text)
}

fn hash(text: &str) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Signs a log's checkpoints. Its key is wiped from memory when it is dropped.
///
/// A log never signs two checkpoints that contradict each other: whoever calls sees to it that the tree only
/// grows.
pub struct Signer {
    origin: Origin,
    key: SigningKey,
}

impl Signer {
    /// The signer of a log, from the 32 secret bytes of its Ed25519 key (RFC 8032).
    pub fn from_seed(origin: &Origin, seed: &[u8; 32]) -> Signer {
        Signer { origin: origin.clone(), key: SigningKey::from_bytes(seed) }
    }

    /// Signs a checkpoint of this log. One of another log comes out as a note that [`verify`] refuses.
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        note::sign(&checkpoint.text(), self.origin.as_str(), &self.key)
    }

    /// What people need to [`verify`] the log's checkpoints: its name, key id and public key, to be published.
    pub fn verifier_key(&self) -> String {
        VerifierKey::write(self.origin.as_str(), &self.key.verifying_key())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier_key())
    }
}

/// The checkpoint in a signed note, if the log with this verifier key signed it and it is about that log.
///
/// # Errors
///
/// [`NoteError`] tells what does not hold. Nothing in the note may then be believed.
pub fn verify(note: &str, verifier_key: &str) -> Result<Checkpoint, NoteError> {
    let key = VerifierKey::parse(verifier_key)?;
    Checkpoint::parse(note::open(note, &key)?, key.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn parse(text: &str) -> Result<Checkpoint, NoteError> {
        Checkpoint::parse(text, "example.com/behind-the-sofa")
    }

    /// The specification's example.
    #[test]
    fn reads_and_writes_the_example() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let checkpoint = parse(&text).unwrap();
        assert_eq!(
            (checkpoint.origin.as_str(), checkpoint.size),
            ("example.com/behind-the-sofa", 20_852_163)
        );
        assert_eq!(checkpoint.text(), text);
        assert_eq!(parse(&format!("{text}an extension\n")), Ok(checkpoint));
    }

    #[test]
    fn says_at_which_line_it_is_no_checkpoint() {
        let wrong = |text: &str| match parse(text) {
            Err(NoteError::NotACheckpoint { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        let origin = "example.com/behind-the-sofa";
        assert_eq!(wrong(&format!("example.com/another\n5\n{ROOT}\n")), 1);
        assert_eq!(wrong("\n"), 1);
        assert_eq!(wrong(&format!("{origin}\n")), 2);
        for size in ["", "05", "+5", "-5", "5 ", "five", "18446744073709551616"] {
            assert_eq!(wrong(&format!("{origin}\n{size}\n{ROOT}\n")), 2, "{size}");
        }
        assert_eq!(wrong(&format!("{origin}\n5\n")), 3);
        for root in ["", "CsUY", &ROOT.replace("2I=", "2J="), &ROOT.replace('=', "")] {
            assert_eq!(wrong(&format!("{origin}\n5\n{root}\n")), 3, "{root}");
        }
        assert_eq!(wrong(&format!("{origin}\n5\n{ROOT}\nan extension\n\nanother\n")), 5);
    }
}
