//! `kept publish`: one notice in three forms.

use std::path::Path;

use kept::{
    demo::{CPE, PROCESS, TRAINERS},
    site::AREAS,
};
use kept_keeper::{Policy, Registry};
use serde_json::Value as Json;
use tempfile::tempdir;

use crate::cli::{FILTERS, kept, transcript};

/// What is printed of a notice in a form.
fn published(notice: &str, format: &str) -> String {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("notice.toml"), notice).unwrap();
    let output = kept(folder.path(), &format!("publish notice.toml --format {format}")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn linked(notice: &str) -> Json {
    serde_json::from_str(&published(notice, "json")).unwrap()
}

#[test]
fn every_form_says_every_sentence() {
    for notice in [CPE, TRAINERS, PROCESS] {
        let policy = Policy::compile(notice, &Registry::new(AREAS)).unwrap();
        let (html, markdown) = (published(notice, "html"), published(notice, "markdown"));
        let json = linked(notice);
        let rules = json["dpv:hasRule"].as_array().unwrap();
        assert_eq!(rules.len(), policy.sentences.len());
        for (sentence, rule) in policy.sentences.iter().zip(rules) {
            assert_eq!(rule["dct:description"], sentence.text);
            assert!(markdown.contains(&sentence.text.replace('&', "\\&")), "{}", sentence.text);
            assert!(
                html.contains(&sentence.text.replace('&', "&#38;").replace('\'', "&#39;")),
                "{}",
                sentence.text
            );
            assert!(html.contains(&format!("id=\"{}\"", sentence.id)), "{}", sentence.id);
        }
    }
}

#[test]
fn the_page_needs_no_other_file() {
    let html = published(PROCESS, "html");
    for outside in ["<script", "<link", "<img", "url(", "@import", "http://", "src="] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.len() < 60_000, "{}", html.len());
}

#[test]
fn words_of_the_operator_are_text_and_marked_as_unchecked() {
    let says = "provide the service you signed up for";
    let notice = PROCESS.replace(says, "serve <b>you</b> *well*").replacen(
        "change    =",
        "prose     = \"We & you\"\nchange    =",
        1,
    );
    let html = published(&notice, "html");
    assert!(html.contains("serve &#60;b&#62;you&#60;/b&#62; *well*") && !html.contains("<b>"));
    assert!(html.contains("no check stands behind this.</p><p>We &#38; you</p>"));
    let markdown = published(&notice, "markdown");
    assert!(markdown.contains(r"To serve \<b\>you\</b\> \*well\*, we use"), "{markdown}");
    assert!(
        markdown.contains("> *In our own words; no check stands behind this.*\n>\n> We \\& you"),
        "{markdown}"
    );
    assert_eq!(linked(&notice)["kept:unchecked"][0], "We & you");
}

#[test]
fn as_linked_data_it_has_the_terms_of_dpv() {
    insta::with_settings!({ filters => FILTERS }, {
        let mut head = linked(PROCESS);
        for long in ["dpv:hasPersonalData", "dpv:hasProcess", "dpv:hasStorageCondition", "kept:hasRole", "dpv:hasRule"] {
            head[long] = head[long][0].take();
        }
        insta::assert_snapshot!(serde_json::to_string_pretty(&head).unwrap(), @r#"
        {
          "@context": {
            "dct": "http://purl.org/dc/terms/",
            "dpv": "https://w3id.org/dpv#",
            "kept": "urn:kept:",
            "pd": "https://w3id.org/dpv/pd#",
            "xsd": "http://www.w3.org/2001/XMLSchema#"
          },
          "@id": "urn:kept:notice:[version]",
          "@type": "dpv:PrivacyNotice",
          "dct:hasVersion": "[version]",
          "dct:title": "Privacy notice of Example Process Service",
          "dct:valid": {
            "@type": "xsd:date",
            "@value": "2025-01-01"
          },
          "dpv:hasApplicableLaw": [
            "GDPR"
          ],
          "dpv:hasDataController": {
            "@type": "dpv:DataController",
            "dpv:hasContact": "privacy@process.example.test",
            "dpv:hasName": "Example Process Service"
          },
          "dpv:hasDataSource": [],
          "dpv:hasPersonalData": {
            "@id": "pd:Name",
            "dct:title": "name",
            "kept:label": "identity"
          },
          "dpv:hasProcess": {
            "@type": "dpv:Process",
            "dct:identifier": "purpose.service",
            "dct:title": "provide the service you signed up for",
            "dpv:hasLegalBasis": {
              "@id": "dpv:Contract"
            },
            "dpv:hasPersonalData": [
              {
                "@id": "pd:Name"
              },
              {
                "@id": "pd:EmailAddress"
              },
              {
                "@id": "pd:TelephoneNumber"
              },
              {
                "@id": "kept:Account"
              }
            ],
            "dpv:hasPurpose": {
              "@id": "dpv:ServiceProvision"
            }
          },
          "dpv:hasRule": {
            "@id": "urn:kept:notice:[version]#notice",
            "@type": "dpv:Obligation",
            "dct:description": "This is the privacy notice of Example Process Service, in force from 1 January 2025 under the GDPR. There is a link to it on every page, and you can write to privacy@process.example.test about your data.",
            "dct:identifier": "notice",
            "kept:limitedBy": [],
            "kept:ref": [
              "ntc-1"
            ]
          },
          "dpv:hasStorageCondition": {
            "@type": "dpv:StorageDeletion",
            "dct:identifier": "retain.pending",
            "dpv:hasPersonalData": [
              {
                "@id": "pd:Name"
              },
              {
                "@id": "pd:EmailAddress"
              },
              {
                "@id": "pd:TelephoneNumber"
              },
              {
                "@id": "pd:Password"
              },
              {
                "@id": "pd:Authenticating"
              },
              {
                "@id": "pd:AuthenticationHistory"
              },
              {
                "@id": "kept:Account"
              },
              {
                "@id": "pd:EmailContent"
              },
              {
                "@id": "kept:Trail"
              }
            ],
            "kept:notBefore": {
              "@type": "xsd:duration",
              "@value": "P3D"
            },
            "kept:unless": "sign-up.confirmed",
            "kept:warns": [],
            "kept:when": "sign-up.started"
          },
          "kept:hasHold": [
            {
              "@type": "dpv:StorageCondition",
              "dct:identifier": "hold.dispute",
              "dpv:hasJustification": "GDPR, art. 17(3)(e)",
              "dpv:hasPersonalData": [
                {
                  "@id": "pd:Name"
                },
                {
                  "@id": "pd:EmailAddress"
                },
                {
                  "@id": "kept:Account"
                },
                {
                  "@id": "pd:Authenticating"
                },
                {
                  "@id": "pd:AuthenticationHistory"
                },
                {
                  "@id": "kept:Trail"
                }
              ],
              "kept:from": "dispute.opened",
              "kept:until": "dispute.settled"
            }
          ],
          "kept:hasRole": {
            "dct:identifier": "role.support",
            "dct:title": "answer questions about the service",
            "dpv:hasPersonalData": [
              {
                "@id": "pd:Name",
                "kept:form": "whole"
              },
              {
                "@id": "pd:EmailAddress",
                "kept:form": "whole"
              },
              {
                "@id": "pd:TelephoneNumber",
                "kept:form": "whole"
              },
              {
                "@id": "kept:Account",
                "kept:form": "whole"
              }
            ],
            "dpv:hasPurpose": [
              {
                "@id": "dpv:ServiceProvision"
              }
            ],
            "kept:asksPermission": false,
            "kept:asksReason": true
          },
          "kept:unchecked": []
        }
        "#);
        let closed = linked(PROCESS)["dpv:hasStorageCondition"][2].take();
        insta::assert_snapshot!(serde_json::to_string_pretty(&closed).unwrap(), @r#"
        {
          "@type": "dpv:StorageDeletion",
          "dct:identifier": "retain.closing",
          "dpv:hasPersonalData": [
            {
              "@id": "pd:Name"
            },
            {
              "@id": "pd:EmailAddress"
            },
            {
              "@id": "pd:TelephoneNumber"
            },
            {
              "@id": "pd:Password"
            },
            {
              "@id": "pd:Authenticating"
            },
            {
              "@id": "pd:AuthenticationHistory"
            },
            {
              "@id": "kept:Account"
            },
            {
              "@id": "pd:EmailContent"
            },
            {
              "@id": "kept:Trail"
            }
          ],
          "kept:notAfter": {
            "@type": "xsd:duration",
            "@value": "P30D"
          },
          "kept:notBefore": {
            "@type": "xsd:duration",
            "@value": "P14D"
          },
          "kept:unless": "account.kept",
          "kept:warns": [],
          "kept:when": "account.closing"
        }
        "#);
    });
}

/// Whatever stands under a prefix in the JSON is declared in its context, and every term of DPV is one that we know.
#[test]
fn no_term_is_undeclared() {
    for notice in [CPE, TRAINERS, PROCESS] {
        let json = linked(notice);
        let prefixes: Vec<&String> = json["@context"].as_object().unwrap().keys().collect();
        let mut ids = Vec::new();
        walk(&json, &mut |key, value| {
            if !key.starts_with('@') {
                let (prefix, _) = key.split_once(':').unwrap();
                assert!(prefixes.iter().any(|known| *known == prefix), "{key}");
            }
            if let (true, Some(id)) = (key == "@id", value.as_str()) {
                ids.push(id.to_owned());
            }
        });
        for id in ids.iter().filter(|id| !id.starts_with("urn:")) {
            assert!(kept_notice::terms::find(id).is_some(), "{id}");
        }
    }
}

fn walk(json: &Json, see: &mut impl FnMut(&str, &Json)) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields.iter().filter(|(key, _)| *key != "@context") {
                see(key, value);
                walk(value, see);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| walk(item, see)),
        _ => {}
    }
}

#[test]
fn a_notice_with_problems_is_not_published() {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("notice.toml"), PROCESS.replacen("pd:Name", "pd:Nmae", 1)).unwrap();
    insta::assert_snapshot!(transcript(folder.path(), "publish notice.toml"), @r#"
    $ kept publish notice.toml
    kept: notice.toml:16:13: unknown term "pd:Nmae" for a kind of data
      help: did you mean "pd:Name"?
    [exit 1]
    "#);
    insta::assert_snapshot!(transcript(Path::new("/"), "publish nowhere.toml"), @r#"
    $ kept publish nowhere.toml
    kept: cannot read nowhere.toml: No such file or directory (os error 2)
    [exit 1]
    "#);
}
