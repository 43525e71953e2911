//! The words of the code that runs the trainers' network, as its binary gives them.

use kept_notice::{EventWords, FormWords, Leaving, Notice, Problem, Vocabulary, parse};

/// The trainers' notice, as it is published.
pub(crate) const TRAINERS: &str = include_str!("../../../../examples/trainers/notice.toml");

pub(crate) fn words() -> Vocabulary {
    let event = |name, when| EventWords { name, when };
    Vocabulary {
        events: vec![
            event("membership.expired", "your membership expires"),
            event("membership.renewed", "you renew your membership"),
            event("sign-up.started", "you sign up"),
            event("sign-up.confirmed", "you confirm your address"),
            event("mail.queued", "we write you a message"),
            event("sign-in.succeeded", "you last signed in"),
            event("account.closing", "you ask us to close your account"),
            event("account.kept", "you take that back"),
            event("account.closed", "you close your account at once"),
            event("dispute.opened", "you dispute how we handle your data"),
            event("dispute.settled", "the dispute is settled"),
            event("document.sent", "you hand in a document"),
            event("document.decided", "we have decided on it"),
        ],
        record_events: vec![
            ("mail.queued", vec!["pd:EmailContent"]),
            ("document.sent", vec!["pd:PersonalDocuments"]),
            ("document.decided", vec!["pd:PersonalDocuments"]),
        ],
        roles: vec!["support", "owner", "verifier"],
        forms: vec![FormWords {
            name: "sign-up",
            title: "sign up",
            kinds: vec![
                ("pd:Name", true),
                ("pd:EmailAddress", true),
                ("pd:Password", true),
                ("pd:PhysicalAddress", false),
                ("pd:TelephoneNumber", false),
            ],
        }],
        holdings: vec![
            "pd:Name",
            "pd:EmailAddress",
            "pd:PhysicalAddress",
            "pd:TelephoneNumber",
            "pd:Password",
            "pd:Authenticating",
            "pd:AuthenticationHistory",
            "pd:Identifier",
            "pd:ProfessionalTraining",
            "pd:EmailContent",
            "kept:Membership",
            "kept:Trail",
        ],
        cookies: vec!["notice-seen"],
        leaving: Some(Leaving {
            asked: "account.closing",
            taken_back: "account.kept",
            at_once: "account.closed",
        }),
    }
}

pub(crate) fn trainers() -> Notice {
    parse(TRAINERS, &words()).unwrap_or_else(|problems| panic!("{}", transcript(&problems)))
}

/// Problems as a person reads them on a terminal.
pub(crate) fn transcript(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// A short notice, for what one slip does to it.
pub(crate) const SHORT: &str = r#"[notice]
of        = "Example Club"
contact   = "privacy@club.example.test"
effective = 2026-12-01
laws      = ["GDPR"]

[data]
identity  = ["pd:Name", "pd:EmailAddress"]
password  = ["pd:Password"]
phone     = ["pd:TelephoneNumber"]
member-id = ["pd:Identifier"]

[form.sign-up]
required  = ["identity", "password"]
voluntary = { phone = "we cannot call you" }

[purpose.membership]
says  = "run your membership"
is    = "dpv:ServiceProvision"
basis = "contract"
uses  = ["identity", "phone", "member-id"]

[purpose.security]
says  = "protect the site"
is    = "dpv:EnforceSecurity"
basis = "legitimate interest"
uses  = ["identity", "password"]

[role.support]
says = "answer questions"
sees = ["identity", { phone = "last 4" }]
for  = ["membership"]

[retain.lapsed]
when  = "membership.expired"
after = "6 months"
erase = ["identity", "password", "phone"]
keep  = { member-id = "membership" }
warn  = ["30 days"]

[retain.numbers]
when  = "membership.expired"
after = "10 years"
erase = ["member-id"]

[hold.dispute]
because = "GDPR, art. 17(3)(e)"
data    = ["identity"]
from    = "dispute.opened"
until   = "dispute.settled"

[right]
access = { on = "My data" }

[session]
carrier = "cookie"
ends    = "with the browser"
idle    = "1 hour"

[cookie.notice-seen]
says  = "remembers that you have seen the notification bar"
lasts = "1 year"

[never]
track = {}

[[expect]]
ask    = "who sees phone for membership"
answer = "support (last 4)"
"#;

/// The words for [`SHORT`]: as [`words`], with fewer holdings.
pub(crate) fn few_words() -> Vocabulary {
    let holdings = vec!["pd:Name", "pd:EmailAddress", "pd:Password", "pd:TelephoneNumber", "pd:Identifier"];
    Vocabulary { holdings, ..words() }
}

pub(crate) fn short() -> Notice {
    short_but("", "")
}

/// The short notice with one text replaced.
pub(crate) fn short_but(old: &str, new: &str) -> Notice {
    parse(&replaced(old, new), &few_words()).unwrap_or_else(|problems| panic!("{}", transcript(&problems)))
}

/// What is said of the short notice with one text replaced: the text, then the problems.
pub(crate) fn slip(old: &str, new: &str) -> String {
    let problems = parse(&replaced(old, new), &few_words()).expect_err("this notice should be refused");
    let written =
        if new.is_empty() { format!("(without {})", old.lines().next().unwrap()) } else { new.to_owned() };
    format!("{written}\n---\n{}", transcript(&problems))
}

pub(crate) fn replaced(old: &str, new: &str) -> String {
    assert!(
        old.is_empty() || SHORT.matches(old).count() == 1,
        "{old} is not in the short notice exactly once"
    );
    SHORT.replacen(old, new, 1)
}
