//! Mail as a sealed outbox: a letter is written in the transaction that causes it, under a key of its own.

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use serde::{Deserialize, Serialize};

use crate::record::Record;
use kept_derive::Record;

/// A message to a person. It carries no data of theirs beyond what it must say.
#[derive(Clone, Debug, PartialEq, Eq, Record, Serialize, Deserialize)]
#[record(name = "mail", own_key)]
pub struct Letter {
    /// What the letter is about, as the trail names it: `confirm`. Not stored with the letter.
    #[serde(skip)]
    pub about: &'static str,
    /// The address it goes to.
    #[kind(EmailContent)]
    pub to: String,
    /// The subject line.
    #[kind(EmailContent)]
    pub subject: String,
    /// The text.
    #[kind(EmailContent)]
    pub text: String,
}

/// A name for a letter's record.
pub(crate) fn record(rng: &mut ChaCha20Rng) -> String {
    let mut id = [0; 12];
    rng.fill_bytes(&mut id);
    format!("{}/{}", Letter::NAME, data_encoding::HEXLOWER.encode(&id))
}
