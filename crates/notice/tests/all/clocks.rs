//! The clocks and holds that events start and end.

use jiff::Timestamp;
use kept_notice::{Action, due};

use crate::fixtures::trainers;

#[test]
fn an_expired_membership_starts_five_clocks() {
    let notice = trainers();
    let clocks = notice.clocks("membership.expired");
    let rules: Vec<&str> = clocks.iter().map(|clock| clock.rule).collect();
    assert_eq!(
        rules,
        ["retain.expired", "retain.lapsed", "retain.credits", "retain.trail", "retain.standing"]
    );

    let expired: Timestamp = "2027-01-31T09:00:00Z".parse().unwrap();
    let due: Vec<String> =
        clocks.iter().map(|clock| due(expired, &clock.after).unwrap().to_string()).collect();
    assert_eq!(
        due,
        [
            "2027-01-31T09:00:00Z",
            "2027-07-31T09:00:00Z",
            "2037-01-31T09:00:00Z",
            "2028-01-31T09:00:00Z",
            "2027-07-31T09:00:00Z"
        ]
    );

    assert_eq!(clocks[0].action, Action::Disable);
    assert_eq!(
        clocks[2].action,
        Action::Erase(vec!["pd:Identifier", "kept:Membership", "kept:Account", "pd:ProfessionalTraining"])
    );
    assert_eq!(clocks[1].unless, Some("membership.renewed"));
    assert_eq!(clocks[1].warn.len(), 1);
    assert_eq!(clocks[1].warn[0].get_days(), 30);
    assert!(clocks[1].within.is_none());
}

#[test]
fn a_rule_that_disables_erases_nothing() {
    let notice = trainers();
    let erasing: Vec<&str> =
        notice.erased_from("membership.expired").map(|rule| rule.rule.id.as_str()).collect();
    assert_eq!(erasing, ["retain.lapsed", "retain.credits", "retain.trail", "retain.standing"]);

    let disables = notice.retain("retain.expired").unwrap();
    assert_eq!(disables.erased(), None);
    assert!(!disables.erases("identity"));
    assert_eq!(notice.erased_by(disables).count(), 0);

    let lapsed = notice.retain("retain.lapsed").unwrap();
    assert!(lapsed.erases("identity"));
    assert!(notice.erased_by(lapsed).any(|term| term == "pd:Name"));
}

#[test]
fn other_events_start_none() {
    assert!(trainers().clocks("membership.renewed").is_empty());
}

#[test]
fn a_dispute_holds_until_it_is_settled() {
    let notice = trainers();
    let ids = |holds: Vec<&kept_notice::Hold>| {
        holds.into_iter().map(|hold| hold.rule.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(notice.holds_from("dispute.opened")), ["hold.dispute"]);
    assert_eq!(ids(notice.holds_until("dispute.settled")), ["hold.dispute"]);
    assert!(notice.holds_from("dispute.settled").is_empty());
    let hold = notice.hold("dispute").unwrap();
    assert!(hold.covers("pd:Name"));
    assert!(!hold.covers("pd:Password"));
    assert!(notice.hold("tax").is_none());
}
