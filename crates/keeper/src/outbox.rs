//! Mail as a sealed outbox: a letter is written in the transaction that causes it, under a key of its own.

use kept_vault::Kind;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::record::{Field, Record};

/// A message to a person. It carries no data of theirs beyond what it must say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// What the letter is about, as the trail names it: `confirm`. Not stored with the letter.
    #[serde(skip)]
    pub about: &'static str,
    /// The address it goes to.
    pub to: String,
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
}

impl Record for Letter {
    const NAME: &'static str = "mail";
    const FIELDS: &'static [Field] = &[
        Field { name: "to", kind: Kind::EMAIL_CONTENT },
        Field { name: "subject", kind: Kind::EMAIL_CONTENT },
        Field { name: "text", kind: Kind::EMAIL_CONTENT },
    ];
    const OWN_KEY: bool = true;
}

/// A name for a letter's record.
pub(crate) fn record(rng: &mut ChaCha20Rng) -> String {
    let mut id = [0; 12];
    rng.fill_bytes(&mut id);
    format!("{}/{}", Letter::NAME, data_encoding::HEXLOWER.encode(&id))
}
