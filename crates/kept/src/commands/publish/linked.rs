//! The notice as JSON-LD with the terms of the Data Privacy Vocabulary 2.3. What DPV has no term for is under `kept:`.
//! `docs/NOTICE.md` describes every key.

use kept_keeper::Policy;
use kept_notice::{HoldData, HoldEnd, Modality, Notice, Sentence};
use serde_json::{Value as Json, json};

/// The whole document.
pub(super) fn document(policy: &Policy) -> Json {
    let notice = &policy.notice;
    json!({
        "@context": {
            "dct": "http://purl.org/dc/terms/",
            "dpv": "https://w3id.org/dpv#",
            "kept": "urn:kept:",
            "pd": "https://w3id.org/dpv/pd#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": format!("urn:kept:notice:{}", notice.version),
        "@type": "dpv:PrivacyNotice",
        "dct:title": format!("Privacy notice of {}", notice.of),
        "dct:hasVersion": notice.version,
        "dct:valid": { "@type": "xsd:date", "@value": notice.effective.to_string() },
        "dpv:hasApplicableLaw": notice.laws,
        "dpv:hasDataController": {
            "@type": "dpv:DataController",
            "dpv:hasContact": notice.contact,
            "dpv:hasName": notice.of,
        },
        "dpv:hasPersonalData": data(notice),
        "dpv:hasDataSource": sources(notice),
        "dpv:hasProcess": processes(notice),
        "dpv:hasStorageCondition": storage(notice),
        "kept:hasHold": holds(notice),
        "kept:hasRole": roles(notice),
        "dpv:hasRule": policy.sentences.iter().map(|said| rule(notice, said)).collect::<Vec<_>>(),
        "kept:unchecked": notice.prose.iter().map(|prose| &prose.text).collect::<Vec<_>>(),
    })
}

fn data(notice: &Notice) -> Vec<Json> {
    let kinds = notice.data.iter().flat_map(|data| data.kinds.iter().map(move |term| (data, term)));
    kinds
        .map(|(data, term)| json!({ "@id": term.id, "dct:title": term.label, "kept:label": data.label }))
        .collect()
}

/// Who else gives data.
fn sources(notice: &Notice) -> Vec<Json> {
    let source = |source: &kept_notice::DataSource| {
        json!({
            "@type": "dpv:DataSource",
            "dct:identifier": source.rule.id,
            "dct:title": source.says,
            "dpv:hasPersonalData": kinds(notice, &source.gives),
        })
    };
    notice.sources.iter().map(source).collect()
}

/// Why data is used, and on what ground.
fn processes(notice: &Notice) -> Vec<Json> {
    let process = |purpose: &kept_notice::Purpose| {
        json!({
            "@type": "dpv:Process",
            "dct:identifier": purpose.rule.id,
            "dct:title": purpose.says,
            "dpv:hasLegalBasis": { "@id": purpose.basis.term() },
            "dpv:hasPersonalData": kinds(notice, &purpose.uses),
            "dpv:hasPurpose": { "@id": purpose.is.id },
        })
    };
    notice.purposes.iter().map(process).collect()
}

/// When data ends. Durations are as ISO 8601 has them: `P6M`.
fn storage(notice: &Notice) -> Vec<Json> {
    let erasing = notice.retains.iter().filter_map(|rule| Some((rule, rule.erased()?)));
    erasing
        .map(|(rule, labels)| {
            without_nulls(json!({
                "@type": "dpv:StorageDeletion",
                "dct:identifier": rule.rule.id,
                "dpv:hasPersonalData": kinds(notice, labels),
                "kept:when": rule.when,
                "kept:unless": rule.unless,
                "kept:notBefore": rule.after.map(duration),
                "kept:notAfter": rule.within.map(duration),
                "kept:warns": rule.warn.iter().copied().map(duration).collect::<Vec<_>>(),
            }))
        })
        .collect()
}

fn holds(notice: &Notice) -> Vec<Json> {
    let hold = |hold: &kept_notice::Hold| {
        let (lasts, until) = match &hold.end {
            HoldEnd::Lasts(span) => (Some(duration(*span)), None),
            HoldEnd::Until(event) => (None, Some(event)),
        };
        let held = match &hold.data {
            HoldData::All => kinds(notice, notice.data.iter().map(|data| &data.label)),
            HoldData::Labels(labels) => kinds(notice, labels),
        };
        without_nulls(json!({
            "@type": "dpv:StorageCondition",
            "dct:identifier": hold.rule.id,
            "dpv:hasJustification": hold.because,
            "dpv:hasPersonalData": held,
            "kept:from": hold.from,
            "kept:lasts": lasts,
            "kept:until": until,
        }))
    };
    notice.holds.iter().map(hold).collect()
}

/// Which of the organisation's people see what, and in what form.
fn roles(notice: &Notice) -> Vec<Json> {
    let role = |role: &kept_notice::Role| {
        let sees = role.sees.iter().flat_map(|(label, shown)| {
            notice.kinds_of(label).map(move |term| json!({ "@id": term, "kept:form": shown.words() }))
        });
        json!({
            "dct:identifier": role.rule.id,
            "dct:title": role.says,
            "dpv:hasPersonalData": sees.collect::<Vec<_>>(),
            "dpv:hasPurpose": role.for_.iter().filter_map(|name| notice.purpose(name))
                .map(|purpose| json!({ "@id": purpose.is.id })).collect::<Vec<_>>(),
            "kept:asksPermission": role.asks_permission,
            "kept:asksReason": role.asks_reason,
        })
    };
    notice.roles.iter().map(role).collect()
}

/// A sentence: what the organisation must, must not or may do.
fn rule(notice: &Notice, said: &Sentence) -> Json {
    let kind = match said.modality {
        Modality::Obligation => "dpv:Obligation",
        Modality::Prohibition => "dpv:Prohibition",
        Modality::Permission => "dpv:Permission",
    };
    let id = |rule: &str| format!("urn:kept:notice:{}#{rule}", notice.version);
    json!({
        "@id": id(&said.id),
        "@type": kind,
        "dct:description": said.text,
        "dct:identifier": said.id,
        "kept:limitedBy": said.limited_by.iter().map(|hold| json!({ "@id": id(hold) })).collect::<Vec<_>>(),
        "kept:ref": said.refs,
    })
}

fn kinds<'l>(notice: &Notice, labels: impl IntoIterator<Item = &'l String>) -> Vec<Json> {
    labels.into_iter().flat_map(|label| notice.kinds_of(label)).map(|term| json!({ "@id": term })).collect()
}

fn duration(span: jiff::Span) -> Json {
    json!({ "@type": "xsd:duration", "@value": span.to_string() })
}

/// What a rule does not say has no key.
fn without_nulls(node: Json) -> Json {
    match node {
        Json::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}
