//! A small organisation, so that a keeper opens without any other area.

use kept_keeper::{
    Area, By, Check, Covers, EventSpec, Field, Finding, FormSpec, Proof, RecordSpec, ViewField, ViewSpec,
};
use kept_vault::{Kind, Mask};

/// Everything the notice of these tests speaks of, and views of which one goes beyond it.
pub(crate) const AREA: Area = Area {
    records: &[RecordSpec { name: "profile", fields: FIELDS, own_key: false }],
    views: &[MY_CARD, SIGN_IN, MEMBER_CARD, SIGN_IN_HISTORY],
    forms: &[FormSpec {
        name: "sign-up",
        title: "sign up",
        kinds: &[
            (Kind::NAME, true),
            (Kind::EMAIL_ADDRESS, true),
            (Kind::PASSWORD, true),
            (Kind::PHYSICAL_ADDRESS, false),
            (Kind::TELEPHONE_NUMBER, false),
        ],
    }],
    events: &[
        EventSpec { name: "sign-up.started", when: "you sign up" },
        EventSpec { name: "sign-up.confirmed", when: "you confirm your address" },
        EventSpec { name: "membership.expired", when: "your membership expires" },
        EventSpec { name: "membership.renewed", when: "you renew your membership" },
        EventSpec { name: "dispute.opened", when: "you dispute how we handle your data" },
        EventSpec { name: "dispute.settled", when: "the dispute is settled" },
    ],
    roles: &["support", "owner"],
    checks: &[
        Check {
            covers: Covers::Rule("right.rectify"),
            proof: Proof::Probe,
            run: |_| Ok(Finding::kept(1, "tried")),
        },
        Check {
            covers: Covers::Rule("session"),
            proof: Proof::Construction,
            run: |_| Ok(Finding::kept(1, "the cookie has no lifetime of its own")),
        },
    ],
    ..Area::named("house")
};

const FIELDS: &[Field] = &[
    Field { name: "name", kind: Kind::NAME },
    Field { name: "email", kind: Kind::EMAIL_ADDRESS },
    Field { name: "address", kind: Kind::PHYSICAL_ADDRESS },
    Field { name: "phone", kind: Kind::TELEPHONE_NUMBER },
    Field { name: "password", kind: Kind::PASSWORD },
    Field { name: "factor", kind: Kind::AUTHENTICATING },
    Field { name: "sign_ins", kind: Kind::AUTHENTICATION_HISTORY },
    Field { name: "member_id", kind: Kind::IDENTIFIER },
    Field { name: "membership", kind: Kind::MEMBERSHIP },
    Field { name: "credits", kind: Kind::PROFESSIONAL_TRAINING },
];

const MY_CARD: ViewSpec = ViewSpec {
    name: "my-card",
    says: "your member card",
    by: By::Person,
    purpose: "dpv:ServiceProvision",
    fields: &[field("name", Kind::NAME, Mask::Whole), field("member_id", Kind::IDENTIFIER, Mask::Whole)],
    rows: &[],
    needed: true,
};

const SIGN_IN: ViewSpec = ViewSpec {
    name: "sign-in",
    says: "the password you type against the one we keep hashed",
    by: By::System,
    purpose: "dpv:IdentityAuthentication",
    fields: &[field("password", Kind::PASSWORD, Mask::Whole)],
    rows: &[],
    needed: true,
};

const MEMBER_CARD: ViewSpec = ViewSpec {
    name: "member-card",
    says: "the member card at the support desk",
    by: By::Role("support"),
    purpose: "dpv:ServiceProvision",
    fields: &[
        field("name", Kind::NAME, Mask::Whole),
        field("phone", Kind::TELEPHONE_NUMBER, Mask::Last4),
        field("member_id", Kind::IDENTIFIER, Mask::Whole),
    ],
    rows: &[],
    needed: false,
};

/// Support does not see it, says the notice.
const SIGN_IN_HISTORY: ViewSpec = ViewSpec {
    name: "sign-in-history",
    says: "when a member signed in, at the support desk",
    by: By::Role("support"),
    purpose: "dpv:ServiceProvision",
    fields: &[field("sign_ins", Kind::AUTHENTICATION_HISTORY, Mask::Whole)],
    rows: &[],
    needed: false,
};

const fn field(name: &'static str, kind: Kind, mask: Mask) -> ViewField {
    ViewField { record: "profile", name, kind, mask }
}
