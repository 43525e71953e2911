//! Words that nothing knows and values of the wrong kind: what was written, then what is said of it.

use kept_notice::parse;

use crate::fixtures::{few_words, slip, transcript};

#[test]
fn an_unknown_section() {
    insta::assert_snapshot!(slip("[cookie.notice-seen]", "[cokie.notice-seen]"), @r#"
    [cokie.notice-seen]
    ---
    60:2: a notice knows no key "cokie"
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
    1:1: a notice has no "data"
      help: it names the data: [data] identity = ["pd:Name"]
    1:1: a notice has no "notice"
      help: it says whose notice this is: [notice] of = "…"
    1:1: a notice has no "purpose"
      help: it says what data is used for: [purpose.membership]
    1:1: a notice has no "retain"
      help: it says when data ends: [retain.lapsed]
    1:1: a notice has no "session"
      help: it says how one stays signed in: [session]
    1:1: the code holds pd:EmailAddress (e-mail address), which no label of [data] names
      help: add a label, or add "pd:EmailAddress" to one
    1:1: the code holds pd:Identifier (identifier), which no label of [data] names
      help: add a label, or add "pd:Identifier" to one
    1:1: the code holds pd:Name (name), which no label of [data] names
      help: add a label, or add "pd:Name" to one
    1:1: the code holds pd:Password (password), which no label of [data] names
      help: add a label, or add "pd:Password" to one
    1:1: the code holds pd:TelephoneNumber (telephone number), which no label of [data] names
      help: add a label, or add "pd:TelephoneNumber" to one
    1:1: there is no [form.sign-up]
      help: say what people must give, and what they may
    "#);
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(slip("because =", "becuase ="), @r#"
    becuase =
    ---
    46:7: [hold.dispute] has no "because"
      help: name the law or contract: because = "PIPEDA, s. 8(8)"
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
    insta::assert_snapshot!(slip("access =", "erase = { within = \"30 days\" }\naccess ="), @r#"
    erase = { within = "30 days" }
    access =
    ---
    53:1: this version of Kept cannot run [right.erase] yet
      help: leave it out until it can: a sentence that nothing runs is no promise
    "#);
    insta::assert_snapshot!(slip("carrier = \"cookie\"", "carrier = \"address\""), @r#"
    carrier = "address"
    ---
    56:11: this version of Kept cannot run the carrier "address" yet
      help: write "cookie"
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
      help: write "notice-seen"
    "#);
}

#[test]
fn an_unknown_way_to_show() {
    insta::assert_snapshot!(slip("{ phone = \"last 4\" }", "{ phone = \"last four\" }"), @r#"
    { phone = "last four" }
    ---
    31:31: unknown form "last four"
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
    39:1: [retain.lapsed] warns before its clock has started
      help: warn later, or give the rule a longer "after"
    "#);
    insta::assert_snapshot!(slip("\"6 months\"", "\"soon\""), @r#"
    "soon"
    ---
    36:9: "soon" is not a duration
      help: write a whole number and minutes, hours, days, weeks, months or years: "6 months"
    39:1: [retain.lapsed] warns before its clock has started
      help: warn later, or give the rule a longer "after"
    "#);
    insta::assert_snapshot!(slip("\"6 months\"", "6"), @r#"
    6
    ---
    36:9: retain.lapsed.after must be a duration in quotes, such as "6 months", not a number
    39:1: [retain.lapsed] warns before its clock has started
      help: warn later, or give the rule a longer "after"
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
    15:23: form.sign-up.voluntary.phone ends in a punctuation mark, but goes inside a sentence
      help: write "we cannot {verb} you"
    15:23: form.sign-up.voluntary.phone still holds the placeholder "{"
      help: write the words that people are to read
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
    42:1: duplicate key
    43:1: duplicate key
    44:1: duplicate key
    "#);
    insta::assert_snapshot!(slip("laws      = [\"GDPR\"]", "laws = [\"GDPR\""), @r#"
    laws = ["GDPR"
    ---
    7:1: missing comma between array elements, expected `,`
    7:2: string values must be quoted, expected literal string
    8:1: invalid float, expected `inf`
    8:1: missing comma between array elements, expected `,`
    8:11: unexpected `=` in array, expected value, `]`
    8:13: missing comma between array elements, expected `,`
    9:1: missing comma between array elements, expected `,`
    9:1: string values must be quoted, expected literal string
    9:11: unexpected `=` in array, expected value, `]`
    9:13: missing comma between array elements, expected `,`
    10:1: missing comma between array elements, expected `,`
    10:1: string values must be quoted, expected literal string
    10:11: unexpected `=` in array, expected value, `]`
    10:13: missing comma between array elements, expected `,`
    11:1: missing comma between array elements, expected `,`
    11:1: string values must be quoted, expected literal string
    11:11: unexpected `=` in array, expected value, `]`
    11:13: missing comma between array elements, expected `,`
    13:1: missing comma between array elements, expected `,`
    13:2: invalid boolean, expected `false`
    14:1: missing comma between array elements, expected `,`
    14:1: string values must be quoted, expected literal string
    14:11: unexpected `=` in array, expected value, `]`
    14:13: missing comma between array elements, expected `,`
    15:1: missing comma between array elements, expected `,`
    15:1: string values must be quoted, expected literal string
    15:11: unexpected `=` in array, expected value, `]`
    15:13: missing comma between array elements, expected `,`
    17:1: missing comma between array elements, expected `,`
    17:2: string values must be quoted, expected literal string
    18:1: missing comma between array elements, expected `,`
    18:1: string values must be quoted, expected literal string
    18:7: unexpected `=` in array, expected value, `]`
    18:9: missing comma between array elements, expected `,`
    19:1: invalid float, expected `inf`
    19:1: missing comma between array elements, expected `,`
    19:7: unexpected `=` in array, expected value, `]`
    19:9: missing comma between array elements, expected `,`
    20:1: missing comma between array elements, expected `,`
    20:1: string values must be quoted, expected literal string
    20:7: unexpected `=` in array, expected value, `]`
    20:9: missing comma between array elements, expected `,`
    21:1: missing comma between array elements, expected `,`
    21:1: string values must be quoted, expected literal string
    21:7: unexpected `=` in array, expected value, `]`
    21:9: missing comma between array elements, expected `,`
    23:1: missing comma between array elements, expected `,`
    23:2: string values must be quoted, expected literal string
    24:1: missing comma between array elements, expected `,`
    24:1: string values must be quoted, expected literal string
    24:7: unexpected `=` in array, expected value, `]`
    24:9: missing comma between array elements, expected `,`
    25:1: invalid float, expected `inf`
    25:1: missing comma between array elements, expected `,`
    25:7: unexpected `=` in array, expected value, `]`
    25:9: missing comma between array elements, expected `,`
    26:1: missing comma between array elements, expected `,`
    26:1: string values must be quoted, expected literal string
    26:7: unexpected `=` in array, expected value, `]`
    26:9: missing comma between array elements, expected `,`
    27:1: missing comma between array elements, expected `,`
    27:1: string values must be quoted, expected literal string
    27:7: unexpected `=` in array, expected value, `]`
    27:9: missing comma between array elements, expected `,`
    29:1: missing comma between array elements, expected `,`
    29:2: string values must be quoted, expected literal string
    30:1: missing comma between array elements, expected `,`
    30:1: string values must be quoted, expected literal string
    30:6: unexpected `=` in array, expected value, `]`
    30:8: missing comma between array elements, expected `,`
    31:1: missing comma between array elements, expected `,`
    31:1: string values must be quoted, expected literal string
    31:6: unexpected `=` in array, expected value, `]`
    31:8: missing comma between array elements, expected `,`
    32:1: invalid boolean, expected `false`
    32:1: missing comma between array elements, expected `,`
    32:6: unexpected `=` in array, expected value, `]`
    32:8: missing comma between array elements, expected `,`
    34:1: missing comma between array elements, expected `,`
    34:2: string values must be quoted, expected literal string
    35:1: missing comma between array elements, expected `,`
    35:1: string values must be quoted, expected literal string
    35:7: unexpected `=` in array, expected value, `]`
    35:9: missing comma between array elements, expected `,`
    36:1: missing comma between array elements, expected `,`
    36:1: string values must be quoted, expected literal string
    36:7: unexpected `=` in array, expected value, `]`
    36:9: missing comma between array elements, expected `,`
    37:1: missing comma between array elements, expected `,`
    37:1: string values must be quoted, expected literal string
    37:7: unexpected `=` in array, expected value, `]`
    37:9: missing comma between array elements, expected `,`
    38:1: missing comma between array elements, expected `,`
    38:1: string values must be quoted, expected literal string
    38:7: unexpected `=` in array, expected value, `]`
    38:9: missing comma between array elements, expected `,`
    39:1: missing comma between array elements, expected `,`
    39:1: string values must be quoted, expected literal string
    39:7: unexpected `=` in array, expected value, `]`
    39:9: missing comma between array elements, expected `,`
    41:1: missing comma between array elements, expected `,`
    41:2: string values must be quoted, expected literal string
    42:1: missing comma between array elements, expected `,`
    42:1: string values must be quoted, expected literal string
    42:7: unexpected `=` in array, expected value, `]`
    42:9: missing comma between array elements, expected `,`
    43:1: missing comma between array elements, expected `,`
    43:1: string values must be quoted, expected literal string
    43:7: unexpected `=` in array, expected value, `]`
    43:9: missing comma between array elements, expected `,`
    44:1: missing comma between array elements, expected `,`
    44:1: string values must be quoted, expected literal string
    44:7: unexpected `=` in array, expected value, `]`
    44:9: missing comma between array elements, expected `,`
    46:1: missing comma between array elements, expected `,`
    46:2: string values must be quoted, expected literal string
    47:1: missing comma between array elements, expected `,`
    47:1: string values must be quoted, expected literal string
    47:9: unexpected `=` in array, expected value, `]`
    47:11: missing comma between array elements, expected `,`
    48:1: missing comma between array elements, expected `,`
    48:1: string values must be quoted, expected literal string
    48:9: unexpected `=` in array, expected value, `]`
    48:11: missing comma between array elements, expected `,`
    49:1: invalid boolean, expected `false`
    49:1: missing comma between array elements, expected `,`
    49:9: unexpected `=` in array, expected value, `]`
    49:11: missing comma between array elements, expected `,`
    50:1: missing comma between array elements, expected `,`
    50:1: string values must be quoted, expected literal string
    50:9: unexpected `=` in array, expected value, `]`
    50:11: missing comma between array elements, expected `,`
    52:1: missing comma between array elements, expected `,`
    52:2: string values must be quoted, expected literal string
    53:1: missing comma between array elements, expected `,`
    53:1: string values must be quoted, expected literal string
    53:8: unexpected `=` in array, expected value, `]`
    53:10: missing comma between array elements, expected `,`
    55:1: missing comma between array elements, expected `,`
    55:2: string values must be quoted, expected literal string
    56:1: missing comma between array elements, expected `,`
    56:1: string values must be quoted, expected literal string
    56:9: unexpected `=` in array, expected value, `]`
    56:11: missing comma between array elements, expected `,`
    57:1: missing comma between array elements, expected `,`
    57:1: string values must be quoted, expected literal string
    57:9: unexpected `=` in array, expected value, `]`
    57:11: missing comma between array elements, expected `,`
    58:1: invalid float, expected `inf`
    58:1: missing comma between array elements, expected `,`
    58:9: unexpected `=` in array, expected value, `]`
    58:11: missing comma between array elements, expected `,`
    60:1: missing comma between array elements, expected `,`
    60:2: string values must be quoted, expected literal string
    61:1: missing comma between array elements, expected `,`
    61:1: string values must be quoted, expected literal string
    61:7: unexpected `=` in array, expected value, `]`
    61:9: missing comma between array elements, expected `,`
    62:1: missing comma between array elements, expected `,`
    62:1: string values must be quoted, expected literal string
    62:7: unexpected `=` in array, expected value, `]`
    62:9: missing comma between array elements, expected `,`
    64:1: missing comma between array elements, expected `,`
    64:2: invalid float, expected `nan`
    65:1: invalid boolean, expected `true`
    65:1: missing comma between array elements, expected `,`
    65:7: unexpected `=` in array, expected value, `]`
    65:9: missing comma between array elements, expected `,`
    67:1: missing comma between array elements, expected `,`
    67:3: string values must be quoted, expected literal string
    68:1: missing comma between array elements, expected `,`
    68:1: string values must be quoted, expected literal string
    68:8: unexpected `=` in array, expected value, `]`
    68:10: missing comma between array elements, expected `,`
    69:1: missing comma between array elements, expected `,`
    69:1: string values must be quoted, expected literal string
    69:8: unexpected `=` in array, expected value, `]`
    69:10: missing comma between array elements, expected `,`
    69:28: unclosed array, expected `]`
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
    5:2: the code holds pd:Identifier (identifier), which no label of [data] names
      help: add a label, or add "pd:Identifier" to one
    5:2: the code holds pd:Password (password), which no label of [data] names
      help: add a label, or add "pd:Password" to one
    5:2: the code holds pd:TelephoneNumber (telephone number), which no label of [data] names
      help: add a label, or add "pd:TelephoneNumber" to one
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
      help: write "everything"
    "#);
}
