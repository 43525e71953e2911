//! Records: what code writes. One form's worth of a subject's data, each field labelled with its kind.

use kept_vault::Kind;
use serde::{Serialize, de::DeserializeOwned};

/// A field and the kind of personal data that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The field's name, as serde writes it.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// Data that is written as one and sealed in one part per kind.
///
/// Every field names its kind; a record with a field that does not is refused when it is written
/// ([`KeeperError::Unlabelled`](crate::KeeperError::Unlabelled)).
pub trait Record: Serialize + DeserializeOwned {
    /// The record's name in the vault.
    const NAME: &'static str;
    /// Each field with its kind.
    const FIELDS: &'static [Field];
    /// Whether each instance has keys of its own, because it lives and dies apart from the person's other data
    /// (an order, a chat, a mail).
    const OWN_KEY: bool = false;
}

/// A record's shape without its type: what the registry lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSpec {
    /// The record's name in the vault.
    pub name: &'static str,
    /// Each field with its kind.
    pub fields: &'static [Field],
    /// Whether instances have keys of their own.
    pub own_key: bool,
}

impl RecordSpec {
    /// The shape of `R`.
    pub const fn of<R: Record>() -> RecordSpec {
        RecordSpec { name: R::NAME, fields: R::FIELDS, own_key: R::OWN_KEY }
    }
}
