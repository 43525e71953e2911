//! The table of terms.

use std::collections::BTreeSet;

use kept_notice::Basis;
use kept_notice::terms::{Family, all, find, suggest};

#[test]
fn each_term_once_with_an_iri_and_a_label_of_its_own() {
    let ids: BTreeSet<&str> = all().iter().map(|term| term.id).collect();
    assert_eq!(ids.len(), all().len());
    for family in [Family::Data, Family::Purpose, Family::Marketing, Family::Basis] {
        let terms = all().iter().filter(|term| term.family == family);
        let labels: BTreeSet<&str> = terms.clone().map(|term| term.label).collect();
        assert_eq!(labels.len(), terms.count(), "{family:?}");
    }
    for term in all() {
        let (prefix, name) = term.id.split_once(':').unwrap();
        let base = match prefix {
            "pd" => "https://w3id.org/dpv/pd#",
            "dpv" => "https://w3id.org/dpv#",
            "kept" => "urn:kept:",
            other => panic!("{other}"),
        };
        assert_eq!(term.iri, format!("{base}{name}"));
    }
}

#[test]
fn terms_are_found_by_their_id_only() {
    assert_eq!(find("pd:EmailAddress").unwrap().label, "e-mail address");
    assert_eq!(find("kept:Trail").unwrap().label, "record of who did what with your data");
    assert!(find("EmailAddress").is_none());
    assert!(find("pd:emailaddress").is_none());
}

#[test]
fn suggestions_follow_spelling_and_plain_words() {
    assert_eq!(suggest("pd:EmailAdress"), Some("pd:EmailAddress"));
    assert_eq!(suggest("EmailAddress"), Some("pd:EmailAddress"));
    assert_eq!(suggest("pd:Phone"), Some("pd:TelephoneNumber"));
    assert_eq!(suggest("pd:PostalAddress"), Some("pd:PhysicalAddress"));
    assert_eq!(suggest("dpv:RightsFulfillment"), Some("dpv:RightsFulfilment"));
    assert_eq!(suggest("pd:Zzzzzzzz"), None);
}

#[test]
fn every_basis_is_a_term() {
    for basis in Basis::ALL {
        assert_eq!(find(basis.term()).unwrap().family, Family::Basis);
    }
}
