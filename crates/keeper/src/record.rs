//! Records: what code writes. One form's worth of a subject's data, each field labelled with its kind.

use kept_vault::Kind;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

use crate::error::KeeperError;

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
/// ([`KeeperError::Unlabelled`](crate::KeeperError::Unlabelled)), and with `#[derive(Record)]` does not compile:
///
/// ```compile_fail
/// #[derive(kept_keeper::Record, serde::Serialize, serde::Deserialize)]
/// #[record(name = "profile")]
/// struct Profile {
///     #[kind(Name)]
///     given_name: String,
///     telephone: String,
/// }
/// ```
///
/// ```
/// #[derive(kept_keeper::Record, serde::Serialize, serde::Deserialize)]
/// #[record(name = "profile")]
/// struct Profile {
///     #[kind(Name)]
///     given_name: String,
///     #[kind(TelephoneNumber)]
///     telephone: String,
/// }
/// assert_eq!(kept_keeper::RecordSpec::of::<Profile>().fields.len(), 2);
/// ```
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

/// Fields with their values, by kind.
type ByKind = Vec<(Kind, Map<String, Json>)>;

/// A record's fields by kind: every kind that the record declares, those without a value empty.
pub(crate) fn by_kind<R: Record>(record: &R) -> Result<ByKind, KeeperError> {
    let shape = |cause: &str| KeeperError::Shape { name: R::NAME, cause: cause.into() };
    let Ok(Json::Object(fields)) = serde_json::to_value(record) else {
        return Err(shape("a record is a struct with named fields"));
    };
    let mut parts: ByKind = Vec::new();
    for field in R::FIELDS {
        if !parts.iter().any(|(kind, _)| *kind == field.kind) {
            parts.push((field.kind, Map::new()));
        }
    }
    for (field, value) in fields {
        let kind = R::FIELDS.iter().find(|listed| listed.name == field).map(|listed| listed.kind);
        let part = parts.iter_mut().find(|(known, _)| Some(*known) == kind);
        let (_, part) =
            part.ok_or_else(|| KeeperError::Unlabelled { record: R::NAME, field: field.clone() })?;
        if !value.is_null() {
            part.insert(field, value);
        }
    }
    Ok(parts)
}
