//! Words that nothing knows and values of the wrong kind: what was written, then what is said of it.

use kept_notice::parse;

use crate::fixtures::{few_words, slip, transcript};

#[test]
fn an_unknown_section() {
    insta::assert_snapshot!(slip("[cookie.notice-seen]", "[cokie.notice-seen]"), @r#"
    [cokie.notice-seen]
    ---
    60:2: unknown section [cokie]
      help: did you mean "cookie"?
    "#);
}

#[test]
fn a_section_of_a_later_version() {
    insta::assert_snapshot!(slip("[never]", "[chat]\nlasts = \"1 day\"\n\n[recipient.carrier]\n\n[never]"), @r#"
    [chat]
    lasts = "1 day"

    [recipient.carrier]

    [never]
    ---
    64:2: this version of Kept cannot run [chat] yet
      help: leave it out until it can: a sentence that nothing runs is no promise
    67:2: this version of Kept cannot run [recipient] yet
      help: leave it out until it can: a sentence that nothing runs is no promise
    "#);
}

#[test]
fn a_missing_section() {
    insta::assert_snapshot!(transcript(&parse("", &few_words()).unwrap_err()), @r#"
    1:1: a notice has no "notice"
      help: it says whose notice this is: [notice] of = "…"
    1:1: a notice has no "data"
      help: it names the data: [data] identity = ["pd:Name"]
    1:1: a notice has no "purpose"
      help: it says what data is used for: [purpose.membership]
    1:1: a notice has no "retain"
      help: it says when data ends: [retain.lapsed]
    1:1: a notice has no "session"
      help: it says how one stays signed in: [session]
    1:1: there is no [form.sign-up]
      help: say what people must give, and what they may
    "#);
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(slip("because =", "becuase ="), @r#"
    becuase =
    ---
    47:1: [hold.dispute] knows no key "becuase"
      help: did you mean "because"?
    "#);
}

#[test]
fn a_key_of_a_later_version() {
    insta::assert_snapshot!(slip("access = { on = \"My data\" }", "access = { on = \"My data\", within = \"30 days\" }"), @r#"
    access = { on = "My data", within = "30 days" }
    ---
    53:28: this version of Kept cannot run [right.access.within] yet
      help: leave it out until it can: a sentence that nothing runs is no promise
    "#);
    insta::assert_snapshot!(slip("access =", "object = { within = \"30 days\" }\naccess ="), @r#"
    object = { within = "30 days" }
    access =
    ---
    53:1: this version of Kept cannot run [right.object] yet
      help: leave it out until it can: a sentence that nothing runs is no promise
    "#);
    insta::assert_snapshot!(slip("track = {}", "show-card = { more-than = \"last 4\" }"), @r#"
    show-card = { more-than = "last 4" }
    ---
    65:1: this version of Kept cannot run [never.show-card] yet
      help: leave it out until it can: a sentence that nothing runs is no promise
    "#);
}

#[test]
fn an_unknown_term() {
    insta::assert_snapshot!(slip("[\"pd:TelephoneNumber\"]", "[\"pd:Phone\"]"), @r#"
    ["pd:Phone"]
    ---
    10:14: unknown term "pd:Phone" for a kind of data
      help: did you mean "pd:TelephoneNumber"?
    "#);
    insta::assert_snapshot!(slip("dpv:EnforceSecurity", "dpv:Enforcesecurity"), @r#"
    dpv:Enforcesecurity
    ---
    25:9: unknown term "dpv:Enforcesecurity" for a purpose
      help: did you mean "dpv:EnforceSecurity"?
    "#);
}

#[test]
fn a_term_of_another_family() {
    insta::assert_snapshot!(slip("dpv:EnforceSecurity", "pd:Name"), @r#"
    pd:Name
    ---
    25:9: pd:Name is not a purpose
    "#);
}

#[test]
fn an_unknown_label() {
    insta::assert_snapshot!(slip("erase = [\"identity\", \"password\", \"phone\"]", "erase = [\"identiy\", \"password\", \"phone\"]"), @r#"
    erase = ["identiy", "password", "phone"]
    ---
    37:10: unknown label "identiy"
      help: did you mean "identity"?
    "#);
}

#[test]
fn an_unknown_label_as_a_key() {
    insta::assert_snapshot!(slip("keep  = { member-id", "keep  = { memberid"), @r#"
    keep  = { memberid
    ---
    38:11: unknown label "memberid"
      help: did you mean "member-id"?
    "#);
}

#[test]
fn an_unknown_event() {
    insta::assert_snapshot!(slip("from    = \"dispute.opened\"", "from    = \"dispute.open\""), @r#"
    from    = "dispute.open"
    ---
    49:11: unknown event "dispute.open"
      help: did you mean "dispute.opened"?
    "#);
}

#[test]
fn an_unknown_role() {
    insta::assert_snapshot!(slip("[role.support]", "[role.suport]"), @r#"
    [role.suport]
    ---
    29:7: unknown role "suport"
      help: did you mean "support"?
    "#);
}

#[test]
fn an_unknown_purpose() {
    insta::assert_snapshot!(slip("for  = [\"membership\"]", "for  = [\"membershp\"]"), @r#"
    for  = ["membershp"]
    ---
    32:9: unknown purpose "membershp"
      help: did you mean "membership"?
    "#);
}

#[test]
fn an_unknown_form_or_cookie() {
    insta::assert_snapshot!(slip("[form.sign-up]", "[form.signup]"), @r#"
    [form.signup]
    ---
    13:7: unknown form "signup"
      help: did you mean "sign-up"?
    "#);
    insta::assert_snapshot!(slip("[cookie.notice-seen]", "[cookie.advert]"), @r#"
    [cookie.advert]
    ---
    60:9: unknown cookie "advert"
      help: the only one is "notice-seen"
    "#);
}

#[test]
fn an_unknown_way_to_show() {
    insta::assert_snapshot!(slip("{ phone = \"last 4\" }", "{ phone = \"last four\" }"), @r#"
    { phone = "last four" }
    ---
    31:31: unknown way to show data "last four"
      help: choose one of: whole, last 4, initial, domain, only whether it is there
    "#);
}

#[test]
fn an_unknown_law() {
    insta::assert_snapshot!(slip("[\"GDPR\"]", "[\"GPDR\"]"), @r#"
    ["GPDR"]
    ---
    5:14: unknown law "GPDR"
      help: did you mean "GDPR"?
    "#);
}

#[test]
fn an_unknown_basis() {
    insta::assert_snapshot!(slip("basis = \"contract\"", "basis = \"contracts\""), @r#"
    basis = "contracts"
    ---
    20:9: unknown basis "contracts"
      help: did you mean "contract"?
    "#);
    insta::assert_snapshot!(slip("basis = \"contract\"", "basis = \"consent\""), @r#"
    basis = "consent"
    ---
    20:9: this version of Kept cannot run the basis "consent" yet
      help: it would have to ask for consent and to let people withdraw it (GDPR, art. 7)
    "#);
}

#[test]
fn an_unknown_thing_that_never_happens() {
    insta::assert_snapshot!(slip("track = {}", "tracks = {}"), @r#"
    tracks = {}
    ---
    65:1: unknown thing that never happens "tracks"
      help: did you mean "track"?
    "#);
}

#[test]
fn not_a_duration() {
    insta::assert_snapshot!(slip("\"6 months\"", "\"6 month\""), @r#"
    "6 month"
    ---
    36:9: "6 month" is not a duration
      help: did you mean "6 months"?
    "#);
    insta::assert_snapshot!(slip("\"6 months\"", "\"soon\""), @r#"
    "soon"
    ---
    36:9: "soon" is not a duration
      help: write a whole number and minutes, hours, days, weeks, months or years: "6 months"
    "#);
    // One slip is one problem, whatever else the rule says of the time.
    insta::assert_snapshot!(slip("after = \"6 months\"", "unless = \"membership.renewed\"\nafter = \"soon\"\nwithin = \"7 months\""), @r#"
    unless = "membership.renewed"
    after = "soon"
    within = "7 months"
    ---
    37:9: "soon" is not a duration
      help: write a whole number and minutes, hours, days, weeks, months or years: "6 months"
    "#);
    insta::assert_snapshot!(slip("\"6 months\"", "6"), @r#"
    6
    ---
    36:9: retain.lapsed.after must be a duration in quotes, such as "6 months", not a number
    "#);
}

#[test]
fn not_a_date() {
    insta::assert_snapshot!(slip("effective = 2026-12-01", "effective = \"2026-12-01\""), @r#"
    effective = "2026-12-01"
    ---
    4:13: notice.effective is not a date
      help: write the day without quotes: effective = 2026-12-01
    "#);
    insta::assert_snapshot!(slip("effective = 2026-12-01", "effective = 2026-12-01T00:00:00Z"), @r#"
    effective = 2026-12-01T00:00:00Z
    ---
    4:13: notice.effective is not a date
      help: write the day without quotes: effective = 2026-12-01
    "#);
}

#[test]
fn not_an_address() {
    insta::assert_snapshot!(slip("\"privacy@club.example.test\"", "\"the office\""), @r#"
    "the office"
    ---
    3:13: contact is not an e-mail address
      help: write one address, such as "privacy@trainers.example.test"
    "#);
}

#[test]
fn not_a_name() {
    insta::assert_snapshot!(slip("[retain.numbers]", "[retain.\"All Numbers\"]"), @r#"
    [retain."All Numbers"]
    ---
    41:9: "All Numbers" cannot be a name
      help: use small letters, digits and hyphens, a letter first: "member-id"
    "#);
}

#[test]
fn not_finished() {
    insta::assert_snapshot!(slip("\"we cannot call you\"", "\"we cannot {verb} you.\""), @r#"
    "we cannot {verb} you."
    ---
    15:23: form.sign-up.voluntary.phone still holds the placeholder "{"
      help: write the words that people are to read
    15:23: form.sign-up.voluntary.phone ends in a punctuation mark, but goes inside a sentence
      help: write "we cannot {verb} you"
    "#);
    insta::assert_snapshot!(slip("\"Example Club\"", "\"  \""), @r#"
    "  "
    ---
    2:13: notice.of is not one line of text
      help: write the words on one line, without spaces around them
    "#);
}

#[test]
fn named_twice() {
    insta::assert_snapshot!(slip("[\"identity\", \"phone\", \"member-id\"]", "[\"identity\", \"phone\", \"member-id\", \"phone\"]"), @r#"
    ["identity", "phone", "member-id", "phone"]
    ---
    21:44: purpose.membership.uses names phone twice
      help: name it once
    "#);
    insta::assert_snapshot!(slip("{ phone = \"last 4\" }", "{ identity = \"initial\" }"), @r#"
    { identity = "initial" }
    ---
    31:23: role.support.sees names identity twice
      help: name it once
    "#);
}

#[test]
fn not_toml() {
    insta::assert_snapshot!(slip("[retain.numbers]", "[retain.lapsed]"), @r#"
    [retain.lapsed]
    ---
    41:9: duplicate key
    "#);
    insta::assert_snapshot!(slip("laws      = [\"GDPR\"]", "laws = [\"GDPR\""), @r#"
    laws = ["GDPR"
    ---
    7:1: missing comma between array elements, expected `,`
    "#);
}

#[test]
fn columns_count_characters() {
    insta::assert_snapshot!(slip("voluntary = { phone = \"we cannot call you\" }", "voluntary = { \"ü\" = \"wé\", phne = \"we cannot call you\" }"), @r#"
    voluntary = { "ü" = "wé", phne = "we cannot call you" }
    ---
    15:15: unknown label "ü"
      help: choose one of: identity, password, phone, member-id
    15:27: unknown label "phne"
      help: did you mean "phone"?
    "#);
}

#[test]
fn all_problems_at_once() {
    let source =
        "[notice]\nof = 7\nlaws = []\n\n[data]\nidentity = [\"pd:Nam\"]\n\n[hold.tax]\ndata = \"all\"\n";
    insta::assert_snapshot!(transcript(&parse(source, &few_words()).unwrap_err()), @r#"
    1:1: a notice has no "purpose"
      help: it says what data is used for: [purpose.membership]
    1:1: a notice has no "retain"
      help: it says when data ends: [retain.lapsed]
    1:1: a notice has no "session"
      help: it says how one stays signed in: [session]
    1:1: there is no [form.sign-up]
      help: say what people must give, and what they may
    1:2: [notice] has no "contact"
      help: give the address people write to: contact = "…"
    1:2: [notice] has no "effective"
      help: say from when: effective = 2026-12-01
    2:6: notice.of must be a text in quotes, not a number
    3:8: notice.laws is empty
      help: name at least one, or leave the key out
    5:2: the code holds pd:EmailAddress (e-mail address), which no label of [data] names
      help: add a label, or add "pd:EmailAddress" to one
    5:2: the code holds pd:Password (password), which no label of [data] names
      help: add a label, or add "pd:Password" to one
    5:2: the code holds pd:TelephoneNumber (telephone number), which no label of [data] names
      help: add a label, or add "pd:TelephoneNumber" to one
    5:2: the code holds pd:Identifier (identifier), which no label of [data] names
      help: add a label, or add "pd:Identifier" to one
    6:1: no rule uses the label identity
      help: leave it out, or say what it is for
    6:13: unknown term "pd:Nam" for a kind of data
      help: did you mean "pd:Name"?
    8:7: [hold.tax] has no "because"
      help: name the law or contract: because = "PIPEDA, s. 8(8)"
    8:7: [hold.tax] has no "from"
      help: name the event that starts it: from = "…"
    8:7: [hold.tax] must have one end
      help: write lasts = "6 years", or until = "…" with the event that ends it
    9:8: unknown data "all"
      help: the only one is "everything"
    "#);
}

#[test]
fn a_remembered_device_has_an_end_of_its_own() {
    insta::assert_snapshot!(slip("carrier = \"cookie\"", "carrier = \"remember\""), @r#"
    carrier = "remember"
    ---
    55:2: [session] has no "lasts"
      help: say for how long a device is remembered: lasts = "30 days"
    57:1: a remembered device outlasts the browser
      help: leave it out: "lasts" says for how long a device is remembered
    "#);
    insta::assert_snapshot!(slip("ends    = \"with the browser\"\n", ""), @r#"
    (without ends    = "with the browser")
    ---
    55:2: [session] has no "ends"
      help: say when it ends: ends = "with the browser"
    "#);
}

/// acc-5
#[test]
fn an_address_does_not_end_with_the_browser() {
    insta::assert_snapshot!(slip("carrier = \"cookie\"", "carrier = \"address\""), @r#"
    carrier = "address"
    ---
    57:1: an address does not end with the browser
      help: leave it out: "idle" and "lasts" say when it ends
    "#);
    insta::assert_snapshot!(slip("carrier = \"cookie\"", "carrier = \"adress\""), @r#"
    carrier = "adress"
    ---
    56:11: unknown carrier "adress"
      help: did you mean "address"?
    57:1: an address does not end with the browser
      help: leave it out: "idle" and "lasts" say when it ends
    "#);
}

#[test]
fn a_reminder_is_one_that_the_pages_know() {
    insta::assert_snapshot!(slip("idle    =", "reminds = [\"to log out\"]\nidle    ="), @r#"
    reminds = ["to log out"]
    idle    =
    ---
    58:12: unknown reminder "to log out"
      help: did you mean "to sign out"?
    "#);
}
