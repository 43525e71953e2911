//! May a declared read happen?

use kept_notice::{Reader, Verdict, ViewClaim};

use crate::fixtures::{short, trainers};

fn verdict(by: Reader<'_>, purpose: &str, kinds: &[(&str, &str)]) -> String {
    match short().judge(&ViewClaim { by, purpose, kinds }) {
        Verdict::Allowed { rules } => format!("allowed by {}", rules.join(", ")),
        Verdict::Refused { reason } => reason,
    }
}

#[test]
fn people_see_their_own_data() {
    assert_eq!(
        verdict(Reader::Person, "dpv:ServiceProvision", &[("pd:Password", "whole")]),
        "allowed by right.access"
    );
}

#[test]
fn the_code_needs_a_purpose_that_uses_it() {
    let system = |purpose, term| verdict(Reader::System, purpose, &[("pd:Name", "whole"), (term, "whole")]);
    assert_eq!(system("dpv:EnforceSecurity", "pd:Password"), "allowed by purpose.security");
    let reason = "purpose.membership does not use password, which holds pd:Password.";
    assert_eq!(system("dpv:ServiceProvision", "pd:Password"), reason);
    assert_eq!(system("dpv:Marketing", "pd:Password"), "No [purpose] is dpv:Marketing.");
    // What no label names is not held, and does not switch off what is shown beside it.
    assert_eq!(system("dpv:EnforceSecurity", "pd:IPAddress"), "allowed by purpose.security");
    let nothing = verdict(Reader::System, "dpv:EnforceSecurity", &[("pd:IPAddress", "whole")]);
    assert_eq!(nothing, "No label of [data] names anything that it shows.");
}

#[test]
fn a_role_needs_to_be_for_the_purpose_and_to_see_it() {
    let support = |purpose, term, form| verdict(Reader::Role("support"), purpose, &[(term, form)]);
    let allowed = "allowed by role.support, purpose.membership";
    assert_eq!(support("dpv:ServiceProvision", "pd:Name", "whole"), allowed);
    let reason = "role.support is not for purpose.security, which is dpv:EnforceSecurity.";
    assert_eq!(support("dpv:EnforceSecurity", "pd:Name", "whole"), reason);
    let reason = "role.support does not see member-id.";
    assert_eq!(support("dpv:ServiceProvision", "pd:Identifier", "whole"), reason);
    assert_eq!(verdict(Reader::Role("owner"), "dpv:ServiceProvision", &[]), "There is no [role.owner].");
}

#[test]
fn the_whole_covers_every_form_and_a_form_covers_no_more_than_itself() {
    let sees = |term, form| verdict(Reader::Role("support"), "dpv:ServiceProvision", &[(term, form)]);
    let allowed = "allowed by role.support, purpose.membership";
    for form in ["whole", "last 4", "initial", "domain", "only whether it is there"] {
        assert_eq!(sees("pd:EmailAddress", form), allowed, "{form}");
    }
    assert_eq!(sees("pd:TelephoneNumber", "last 4"), allowed);
    assert_eq!(sees("pd:TelephoneNumber", "only whether it is there"), allowed);
    let whole = "role.support sees phone as \"last 4\", not as \"whole\".";
    assert_eq!(sees("pd:TelephoneNumber", "whole"), whole);
    let initial = "role.support sees phone as \"last 4\", not as \"initial\".";
    assert_eq!(sees("pd:TelephoneNumber", "initial"), initial);
    let unknown = "There is no form \"first 2\" to show phone in.";
    assert_eq!(sees("pd:TelephoneNumber", "first 2"), unknown);
}

#[test]
fn two_purposes_of_one_term_add_up() {
    let notice = trainers();
    let kinds = [("pd:Name", "whole"), ("pd:ProfessionalTraining", "whole")];
    let view = ViewClaim { by: Reader::System, purpose: "dpv:RecordManagement", kinds: &kinds };
    assert!(matches!(notice.judge(&view), Verdict::Refused { .. }));
    let source = crate::fixtures::TRAINERS.replace("dpv:ServiceProvision", "dpv:RecordManagement");
    let notice = kept_notice::parse(&source, &crate::fixtures::words()).unwrap();
    assert_eq!(notice.judge(&view), Verdict::Allowed { rules: vec!["purpose.membership".to_owned()] });
}

#[test]
fn who_sees_what() {
    let notice = trainers();
    let sights = |term| {
        let sight = |sight: kept_notice::Sight<'_>| {
            format!("{} {} for {}", sight.role, sight.shown, sight.purposes.join(", "))
        };
        notice.who_sees(term).into_iter().map(sight).collect::<Vec<_>>()
    };
    assert_eq!(
        sights("pd:Name"),
        ["support whole for membership", "owner whole for security", "verifier whole for verification"]
    );
    assert_eq!(sights("kept:Trail"), ["owner whole for security"]);
    assert!(sights("pd:Password").is_empty());
    assert!(sights("pd:IPAddress").is_empty());
}
