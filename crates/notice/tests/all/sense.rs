//! Notices whose every word is known and which still make no sense: what was written, then what is said of it.

use kept_notice::parse;

use crate::fixtures::{few_words, replaced, short_but, slip};

#[test]
fn data_without_a_label() {
    insta::assert_snapshot!(slip("[\"pd:Name\", \"pd:EmailAddress\"]", "[\"pd:EmailAddress\"]"), @r#"
    ["pd:EmailAddress"]
    ---
    7:2: the code holds pd:Name (name), which no label of [data] names
      help: add a label, or add "pd:Name" to one
    "#);
}

#[test]
fn a_label_that_nothing_uses() {
    insta::assert_snapshot!(slip("member-id = [\"pd:Identifier\"]", "member-id = [\"pd:Identifier\"]\npicture = [\"pd:Picture\"]"), @r#"
    member-id = ["pd:Identifier"]
    picture = ["pd:Picture"]
    ---
    12:1: no rule uses the label picture
      help: leave it out, or say what it is for
    "#);
}

#[test]
fn data_without_a_purpose() {
    insta::assert_snapshot!(slip("uses  = [\"identity\", \"phone\", \"member-id\"]", "uses  = [\"identity\", \"phone\"]"), @r#"
    uses  = ["identity", "phone"]
    ---
    11:1: member-id is held without a purpose
      help: add "member-id" to the uses of a [purpose]
    "#);
}

#[test]
fn data_without_an_end() {
    insta::assert_snapshot!(slip("erase = [\"identity\", \"password\", \"phone\"]", "erase = [\"identity\", \"phone\"]"), @r#"
    erase = ["identity", "phone"]
    ---
    9:1: password is kept without an end
      help: add "password" to the erase of a [retain] rule
    "#);
}

#[test]
fn data_kept_without_an_end() {
    let numbers =
        "[retain.numbers]\nwhen  = \"membership.expired\"\nafter = \"10 years\"\nerase = [\"member-id\"]\n";
    insta::assert_snapshot!(slip(numbers, ""), @r#"
    (without [retain.numbers])
    ---
    11:1: member-id is kept without an end
      help: add "member-id" to the erase of a [retain] rule
    "#);
}

#[test]
fn a_kind_in_two_labels() {
    insta::assert_snapshot!(slip("phone     = [\"pd:TelephoneNumber\"]", "phone     = [\"pd:TelephoneNumber\", \"pd:Name\"]"), @r#"
    phone     = ["pd:TelephoneNumber", "pd:Name"]
    ---
    10:36: pd:Name is already in identity
      help: name each kind once
    "#);
}

#[test]
fn erased_and_kept() {
    insta::assert_snapshot!(slip("keep  = { member-id = \"membership\" }", "keep  = { phone = \"membership\" }"), @r#"
    keep  = { phone = "membership" }
    ---
    38:11: [retain.lapsed] both erases and keeps phone
      help: keep it in one of the two
    "#);
}

#[test]
fn kept_for_a_purpose_that_does_not_use_it() {
    insta::assert_snapshot!(slip("keep  = { member-id = \"membership\" }", "keep  = { member-id = \"security\" }"), @r#"
    keep  = { member-id = "security" }
    ---
    38:11: [retain.lapsed] keeps member-id for security, which does not use it
      help: add "member-id" to the uses of [purpose.security], or name a purpose that uses it
    "#);
}

#[test]
fn a_rule_without_an_action() {
    insta::assert_snapshot!(slip("after = \"10 years\"\nerase = [\"member-id\"]", "after = \"10 years\""), @r#"
    after = "10 years"
    ---
    11:1: member-id is kept without an end
      help: add "member-id" to the erase of a [retain] rule
    41:9: [retain.numbers] must either erase or disable
      help: write erase = ["identity"], or disable = "account", in a rule of its own
    "#);
}

#[test]
fn a_rule_with_two_actions() {
    insta::assert_snapshot!(slip("erase = [\"member-id\"]", "erase = [\"member-id\"]\ndisable = \"account\""), @r#"
    erase = ["member-id"]
    disable = "account"
    ---
    41:9: [retain.numbers] must either erase or disable
      help: write erase = ["identity"], or disable = "account", in a rule of its own
    "#);
}

#[test]
fn a_rule_without_an_event() {
    insta::assert_snapshot!(slip("[retain.numbers]\nwhen  = \"membership.expired\"", "[retain.numbers]"), @r#"
    [retain.numbers]
    ---
    41:9: [retain.numbers] has no "when"
      help: name the event that starts the clock: when = "…"
    "#);
}

#[test]
fn disabling_keeps_nothing() {
    insta::assert_snapshot!(slip("[hold.dispute]", "[retain.off]\nwhen = \"membership.expired\"\ndisable = \"account\"\nkeep = { phone = \"membership\" }\n\n[hold.dispute]"), @r#"
    [retain.off]
    when = "membership.expired"
    disable = "account"
    keep = { phone = "membership" }

    [hold.dispute]
    ---
    49:1: [retain.off] has nothing to keep
      help: leave it out: disabling erases nothing
    "#);
}

#[test]
fn times_that_cannot_be() {
    insta::assert_snapshot!(slip("after = \"10 years\"", "after = \"10 years\"\nwithin = \"9 years\""), @r#"
    after = "10 years"
    within = "9 years"
    ---
    44:1: [retain.numbers] must be over before it may start
      help: "after" means not before, "within" means not later
    "#);
    insta::assert_snapshot!(slip("warn  = [\"30 days\"]", "warn  = [\"1 year\"]"), @r#"
    warn  = ["1 year"]
    ---
    39:1: [retain.lapsed] warns before its clock has started
      help: warn later, or give the rule a longer "after"
    "#);
    insta::assert_snapshot!(slip("after = \"10 years\"", "unless = \"membership.renewed\""), @r#"
    unless = "membership.renewed"
    ---
    43:1: [retain.numbers] ends at once, so nothing can stop it
      help: leave "unless" out, or say after how long the rule ends
    "#);
    insta::assert_snapshot!(slip("after = \"10 years\"", "after = \"10 years\"\nunless = \"membership.expired\""), @r#"
    after = "10 years"
    unless = "membership.expired"
    ---
    44:1: [retain.numbers] is stopped by what starts it
      help: name the event that stops the clock
    "#);
}

#[test]
fn a_hold_without_a_law() {
    insta::assert_snapshot!(slip("because = \"GDPR, art. 17(3)(e)\"\n", ""), @r#"
    (without because = "GDPR, art. 17(3)(e)")
    ---
    46:7: [hold.dispute] has no "because"
      help: name the law or contract: because = "PIPEDA, s. 8(8)"
    "#);
}

#[test]
fn a_hold_without_an_end() {
    insta::assert_snapshot!(slip("until   = \"dispute.settled\"\n", ""), @r#"
    (without until   = "dispute.settled")
    ---
    46:7: [hold.dispute] must have one end
      help: write lasts = "6 years", or until = "…" with the event that ends it
    "#);
    insta::assert_snapshot!(slip("until   = \"dispute.settled\"", "until   = \"dispute.opened\""), @r#"
    until   = "dispute.opened"
    ---
    50:1: [hold.dispute] ends where it starts
      help: name another event
    "#);
}

#[test]
fn marketing_without_an_opt_out() {
    insta::assert_snapshot!(slip("dpv:EnforceSecurity", "dpv:DirectMarketing"), @r#"
    dpv:DirectMarketing
    ---
    25:1: [purpose.security] is direct marketing, and has no opt-out
      help: marketing needs an opt-out (GDPR, art. 21(2)), which this version of Kept cannot run yet: leave it out
    "#);
}

#[test]
fn an_opt_out_that_nothing_runs() {
    insta::assert_snapshot!(slip("says  = \"protect the site\"", "says  = \"protect the site\"\nopt-out = { by = [\"one click\"] }"), @r#"
    says  = "protect the site"
    opt-out = { by = ["one click"] }
    ---
    25:1: this version of Kept cannot run [purpose.security.opt-out] yet
      help: leave it out until it can: a sentence that nothing runs is no promise
    "#);
}

#[test]
fn required_and_voluntary() {
    insta::assert_snapshot!(slip("{ phone = \"we cannot call you\" }", "{ identity = \"we cannot greet you\" }"), @r#"
    { identity = "we cannot greet you" }
    ---
    15:15: identity is both required and voluntary
      help: keep it in one of the two
    "#);
}

#[test]
fn a_form_without_what_the_code_needs() {
    insta::assert_snapshot!(slip("required  = [\"identity\", \"password\"]", "required  = [\"identity\"]"), @r#"
    required  = ["identity"]
    ---
    13:7: the form sign-up cannot do without pd:Password
      help: add "password" to required
    "#);
}

#[test]
fn a_form_without_a_rule() {
    let form = "[form.sign-up]\nrequired  = [\"identity\", \"password\"]\nvoluntary = { phone = \"we cannot call you\" }\n";
    insta::assert_snapshot!(slip(form, ""), @r#"
    (without [form.sign-up])
    ---
    1:1: there is no [form.sign-up]
      help: say what people must give, and what they may
    "#);
}

#[test]
fn a_form_that_asks_without_a_purpose() {
    insta::assert_snapshot!(slip("uses  = [\"identity\", \"phone\", \"member-id\"]", "uses  = [\"identity\", \"member-id\"]"), @r#"
    uses  = ["identity", "member-id"]
    ---
    15:15: [form.sign-up] asks for phone, which no purpose uses
      help: leave it out, or add "phone" to the uses of a [purpose]
    "#);
}

#[test]
fn a_form_that_asks_for_what_it_cannot_take() {
    insta::assert_snapshot!(slip("{ phone = \"we cannot call you\" }", "{ member-id = \"we make one\" }"), @r#"
    { member-id = "we make one" }
    ---
    15:15: the form sign-up cannot ask for member-id
      help: it can ask for pd:Name, pd:EmailAddress, pd:Password, pd:PhysicalAddress, pd:TelephoneNumber
    "#);
}

#[test]
fn a_role_that_sees_too_much() {
    insta::assert_snapshot!(slip("sees = [\"identity\",", "sees = [\"identity\", \"password\","), @r#"
    sees = ["identity", "password",
    ---
    31:21: [role.support] sees password, which none of its purposes uses
      help: leave it out, or let one of these purposes use it: membership
    "#);
}

#[test]
fn a_domain_of_what_has_none() {
    insta::assert_snapshot!(slip("sees = [\"identity\",", "sees = [{ identity = \"domain\" },"), @r#"
    sees = [{ identity = "domain" },
    ---
    31:11: [role.support] sees the domain of identity, but pd:Name has none
      help: only e-mail addresses have a domain: give them a label of their own
    "#);
}

#[test]
fn a_letters_clock_that_ends_more_than_the_letter() {
    insta::assert_snapshot!(slip("when  = \"membership.expired\"\nafter = \"10 years\"", "when  = \"mail.queued\"\nafter = \"10 years\""), @r#"
    when  = "mail.queued"
    after = "10 years"
    ---
    44:10: [retain.numbers] would erase member-id of a person for a single record
      help: a record of mail.queued holds pd:EmailContent; for more, name an event of the person
    "#);
}

#[test]
fn a_source_with_too_long_a_name() {
    let long = "a".repeat(33);
    let source = format!("[source.{long}]\nsays = \"an old list\"\ngives = [\"identity\"]\n\n[session]");
    assert!(slip("[session]", &source).contains("is too long for a source"));
    let at_most = source.replace(&long, &"a".repeat(32));
    assert!(parse(&replaced("[session]", &at_most), &few_words()).is_ok());
}

/// rgt-3: whoever asks to leave has time to take it back.
#[test]
fn leaving_without_time_to_think_again() {
    insta::assert_snapshot!(slip("[right]", "[retain.closing]\nwhen   = \"account.closing\"\nwithin = \"30 days\"\nerase  = [\"identity\"]\n\n[right]"), @r#"
    [retain.closing]
    when   = "account.closing"
    within = "30 days"
    erase  = ["identity"]

    [right]
    ---
    52:9: [retain.closing] erases as soon as somebody asks, so they cannot think again
      help: say how long they may, and what stops it: after = "14 days", unless = "account.kept"; "within" only says by when all must be done
    "#);
    insta::assert_snapshot!(slip("[right]", "[retain.closing]\nwhen  = \"account.closing\"\nafter = \"14 days\"\nerase = [\"identity\"]\n\n[right]"), @r#"
    [retain.closing]
    when  = "account.closing"
    after = "14 days"
    erase = ["identity"]

    [right]
    ---
    52:9: [retain.closing] goes on although somebody takes back what they asked
      help: add unless = "account.kept"
    "#);
}

/// rgt-3: who is gone at once leaves no more behind than who waits, and no less.
#[test]
fn leaving_at_once_leaves_no_more_behind() {
    let closing =
        "[retain.closing]\nwhen = \"account.closing\"\nunless = \"account.kept\"\nafter = \"14 days\"\n";
    let closed = "[retain.closed]\nwhen = \"account.closed\"\n";
    let both =
        |waits: &str, now: &str| format!("{closing}erase = [{waits}]\n\n{closed}erase = [{now}]\n\n[right]");
    insta::assert_snapshot!(slip("[right]", &both("\"identity\", \"phone\"", "\"identity\"")), @r#"
    [retain.closing]
    when = "account.closing"
    unless = "account.kept"
    after = "14 days"
    erase = ["identity", "phone"]

    [retain.closed]
    when = "account.closed"
    erase = ["identity"]

    [right]
    ---
    58:9: nothing erases phone after account.closed, as after account.closing
      help: add "phone" to the erase of [retain.closed]
    "#);
    insta::assert_snapshot!(slip("[right]", &both("\"identity\"", "\"identity\", \"password\"")), @r#"
    [retain.closing]
    when = "account.closing"
    unless = "account.kept"
    after = "14 days"
    erase = ["identity"]

    [retain.closed]
    when = "account.closed"
    erase = ["identity", "password"]

    [right]
    ---
    52:9: nothing erases password after account.closing, as after account.closed
      help: add "password" to the erase of [retain.closing]
    "#);
    // In whatever order, and in two rules as well as in one.
    short_but("[right]", &both("\"phone\", \"identity\"", "\"identity\", \"phone\""));
    let more = closing.replace("closing]", "phones]");
    short_but(
        "[right]",
        &format!("{more}erase = [\"phone\"]\n\n{}", both("\"identity\"", "\"identity\", \"phone\"")),
    );
}

#[test]
fn a_right_to_be_erased_that_nothing_keeps() {
    insta::assert_snapshot!(slip("[right]", "[right]\nerase = { on = \"My account\" }"), @r#"
    [right]
    erase = { on = "My account" }
    ---
    53:1: people may ask to be erased, and no rule erases when they do
      help: add a [retain] rule with when = "account.closing", unless = "account.kept" and what it erases
    "#);
}
