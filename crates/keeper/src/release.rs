//! Releasing personal data: every read goes through here, and no read happens without a view that the notice allows.

use kept_notice::Verdict;
use kept_store::{Read, params};
use kept_vault::{Kind, Mask, SubjectId};
use serde_json::{Map, Value as Json};

use crate::{
    act::Index,
    blob::Blob,
    ctx::{Actor, Ctx},
    error::KeeperError,
    keeper::House,
    sealed::{self, Keys, Vault},
    view::{By, View},
};

/// Whether the actor may read this subject through this view, now, under the policy of the request.
pub(crate) fn may<V: View>(house: &House, ctx: &Ctx, subject: SubjectId) -> Result<(), KeeperError> {
    let view = V::SPEC.name;
    if !house.registry.lists_view(&V::SPEC) {
        return Err(KeeperError::Unlisted { name: view });
    }
    let theirs = match (V::SPEC.by, ctx.actor) {
        (By::Person, Actor::Person(actor)) => actor == subject,
        (By::Role(needed), Actor::Staff { role, .. }) => needed == role,
        (By::System, _) => true,
        _ => false,
    };
    if !theirs {
        return Err(KeeperError::NotYours { view });
    }
    match ctx.policy.verdict(&V::SPEC) {
        Verdict::Allowed { .. } => Ok(()),
        Verdict::Refused { reason } => Err(KeeperError::Refused { view, reason }),
    }
}

/// Whether the role has what the notice asks of it before it looks: a stated reason, the person's recorded permission.
pub(crate) fn asked<V: View>(ctx: &Ctx, because: Option<&str>, permitted: bool) -> Result<(), KeeperError> {
    let By::Role(role) = V::SPEC.by else { return Ok(()) };
    let Some(rule) = ctx.policy.notice.role(role) else { return Ok(()) };
    if rule.asks_permission && !permitted {
        return Err(KeeperError::NoPermission { view: V::SPEC.name });
    }
    if rule.asks_reason && because.is_none_or(|reason| reason.trim().is_empty()) {
        return Err(KeeperError::NoReason { view: V::SPEC.name });
    }
    Ok(())
}

/// Opens what the view names, masks it as declared, and nothing else. Of records of which a person has many
/// (`document/…`), it opens the one that is asked for. Gives the subject's keys too, if it names any.
pub(crate) fn view<V: View>(
    house: &House,
    read: &Read<'_>,
    subject: SubjectId,
    one: Option<&str>,
) -> Result<(V, Option<Keys>), KeeperError> {
    let vault = Vault { ring: &house.ring };
    let mut records: Vec<&str> = V::SPEC.fields.iter().map(|field| field.record).collect();
    records.sort_unstable();
    records.dedup();
    let (mut shown, mut known) = (Map::new(), None);
    for record in records {
        let fields = || V::SPEC.fields.iter().filter(|field| field.record == record);
        let kinds: Vec<Kind> = fields().map(|field| field.kind).collect();
        let name = one.filter(|one| type_of(one) == record).unwrap_or(record);
        let (parts, keys) = vault.record(read, subject, name, &kinds)?;
        known = Some(keys);
        for part in parts {
            for (name, value) in part.fields {
                if let Some(field) = fields().find(|f| f.name == name && f.kind == part.kind) {
                    shown.insert(name, masked(field.mask, value));
                }
            }
        }
    }
    let data = serde_json::from_value(Json::Object(shown))
        .map_err(|e| KeeperError::Shape { name: V::SPEC.name, cause: category(&e) })?;
    Ok((data, known))
}

/// Opens the bytes that lie with a record, as far as the view shows a kind of that record whole.
pub(crate) fn blob<V: View>(
    house: &House,
    read: &Read<'_>,
    subject: SubjectId,
    record: &str,
) -> Result<Option<Vec<u8>>, KeeperError> {
    let shown = V::SPEC.fields.iter().find(|f| f.record == type_of(record) && f.mask == Mask::Whole);
    let shown = shown.ok_or(KeeperError::NotYours { view: V::SPEC.name })?;
    Blob { subject, record, kind: shown.kind }.open(read, &Vault { ring: &house.ring })
}

/// The type of a record's name: `document` of `document/…`.
pub(crate) fn type_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(kind, _)| kind)
}

/// The subject to whom a value belongs in a unique index.
pub(crate) fn find(
    house: &House,
    read: &Read<'_>,
    index: Index,
    value: &str,
) -> Result<Option<SubjectId>, KeeperError> {
    let digest = house.ring.blind(index.name, value.as_bytes());
    let row = read.query_opt(
        "SELECT subject FROM lookups WHERE name = $1 AND digest = $2 AND slot = $3",
        &params![index.name, digest, &[][..] as &[u8]],
    )?;
    Ok(row.map(|row| sealed::subject(&row, 0)).transpose()?)
}

fn masked(mask: Mask, value: Json) -> Json {
    match (mask, value) {
        (Mask::Whole, value) => value,
        (_, Json::Null) => Json::Null,
        (mask, Json::String(text)) => Json::String(mask.apply(&text)),
        // What is no text has no part that could be shown.
        (_, _) => Json::String(Mask::Present.apply("x")),
    }
}

/// What serde says of a value must not travel: it may quote the value. Its category may.
fn category(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") { text } else { format!("{:?} error", error.classify()) }
}
