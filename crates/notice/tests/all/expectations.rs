//! The notice's own tests: questions it answers, and what happens when the answer is another.

use kept_notice::parse;

use crate::fixtures::{SHORT, few_words, transcript};

/// What the short notice answers.
fn answer(ask: &str) -> String {
    let source = format!("{SHORT}\n[[expect]]\nask = \"{ask}\"\nanswer = \"?\"\n");
    let problems = parse(&source, &few_words()).expect_err("nothing is answered by a question mark");
    format!("{ask}\n{}", transcript(&problems))
}

#[test]
fn when_data_is_erased() {
    insta::assert_snapshot!(answer("when is identity erased, if membership.expired on 2027-08-31"), @r#"
    when is identity erased, if membership.expired on 2027-08-31
    73:10: the notice answers "2028-02-29", not "?"
      help: change the rules, or what is expected of them
    "#);
    insta::assert_snapshot!(answer("when is member-id erased, if membership.expired on 2024-02-29"), @r#"
    when is member-id erased, if membership.expired on 2024-02-29
    73:10: the notice answers "2034-02-28", not "?"
      help: change the rules, or what is expected of them
    "#);
    insta::assert_snapshot!(answer("when is identity erased"), @r#"
    when is identity erased
    73:10: the notice answers "never", not "?"
      help: change the rules, or what is expected of them
    "#);
}

#[test]
fn a_hold_puts_it_off() {
    let expired = "when is identity erased, if membership.expired on 2027-01-31 and dispute.opened on";
    insta::assert_snapshot!(answer(&format!("{expired} 2027-07-30")), @r#"
    when is identity erased, if membership.expired on 2027-01-31 and dispute.opened on 2027-07-30
    73:10: the notice answers "held by dispute", not "?"
      help: change the rules, or what is expected of them
    "#);
    insta::assert_snapshot!(answer(&format!("{expired} 2027-07-30 and dispute.settled on 2028-03-01")), @r#"
    when is identity erased, if membership.expired on 2027-01-31 and dispute.opened on 2027-07-30 and dispute.settled on 2028-03-01
    73:10: the notice answers "2028-03-01", not "?"
      help: change the rules, or what is expected of them
    "#);
    insta::assert_snapshot!(answer(&format!("{expired} 2027-03-01 and dispute.settled on 2027-04-01")), @r#"
    when is identity erased, if membership.expired on 2027-01-31 and dispute.opened on 2027-03-01 and dispute.settled on 2027-04-01
    73:10: the notice answers "2027-07-31", not "?"
      help: change the rules, or what is expected of them
    "#);
    insta::assert_snapshot!(answer(&format!("{expired} 2027-08-01")), @r#"
    when is identity erased, if membership.expired on 2027-01-31 and dispute.opened on 2027-08-01
    73:10: the notice answers "2027-07-31", not "?"
      help: change the rules, or what is expected of them
    "#);
    insta::assert_snapshot!(answer("when is phone erased, if membership.expired on 2027-01-31 and dispute.opened on 2027-07-30"), @r#"
    when is phone erased, if membership.expired on 2027-01-31 and dispute.opened on 2027-07-30
    73:10: the notice answers "2027-07-31", not "?"
      help: change the rules, or what is expected of them
    "#);
}

#[test]
fn whether_data_is_kept() {
    insta::assert_snapshot!(answer("is phone kept on 2027-07-30, if membership.expired on 2027-01-31"), @r#"
    is phone kept on 2027-07-30, if membership.expired on 2027-01-31
    73:10: the notice answers "yes", not "?"
      help: change the rules, or what is expected of them
    "#);
    insta::assert_snapshot!(answer("is phone kept on 2027-07-31, if membership.expired on 2027-01-31"), @r#"
    is phone kept on 2027-07-31, if membership.expired on 2027-01-31
    73:10: the notice answers "no", not "?"
      help: change the rules, or what is expected of them
    "#);
}

#[test]
fn who_sees_it() {
    insta::assert_snapshot!(answer("who sees identity for membership"), @r#"
    who sees identity for membership
    73:10: the notice answers "support", not "?"
      help: change the rules, or what is expected of them
    "#);
    insta::assert_snapshot!(answer("who sees identity for security"), @r#"
    who sees identity for security
    73:10: the notice answers "nobody", not "?"
      help: change the rules, or what is expected of them
    "#);
}

#[test]
fn questions_that_make_no_sense() {
    insta::assert_snapshot!(answer("why is phone kept"), @r#"
    why is phone kept
    72:7: this question cannot be answered
      help: ask "when is LABEL erased, if EVENT on DATE", "is LABEL kept on DATE, if EVENT on DATE" or "who sees LABEL for PURPOSE"
    "#);
    insta::assert_snapshot!(answer("who sees fone for membership"), @r#"
    who sees fone for membership
    72:7: unknown label "fone"
      help: choose one of: identity, password, phone, member-id
    "#);
    insta::assert_snapshot!(answer("who sees phone for news"), @r#"
    who sees phone for news
    72:7: unknown purpose "news"
      help: choose one of: membership, security
    "#);
    insta::assert_snapshot!(answer("when is phone erased, if membership.expires on 2027-01-31"), @r#"
    when is phone erased, if membership.expires on 2027-01-31
    72:7: unknown event "membership.expires"
      help: did you mean "membership.expired"?
    "#);
    insta::assert_snapshot!(answer("when is phone erased, if membership.expired on 31.1.2027"), @r#"
    when is phone erased, if membership.expired on 31.1.2027
    72:7: "31.1.2027" is not a date
      help: write it as 2027-01-31
    "#);
    insta::assert_snapshot!(answer("when is phone erased, if membership.expired"), @r#"
    when is phone erased, if membership.expired
    72:7: "membership.expired" is not an event on a date
      help: ask "when is LABEL erased, if EVENT on DATE", "is LABEL kept on DATE, if EVENT on DATE" or "who sees LABEL for PURPOSE"
    "#);
}
