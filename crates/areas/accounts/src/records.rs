//! What this area writes about people, and through which views it is read again.

use kept_keeper::{By, Field, Record, View, ViewField, ViewSpec};
use kept_vault::{Kind, Mask};
use serde::{Deserialize, Serialize};

/// Who somebody is and how to reach them: what the sign-up form asks for (`acc-1`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// The address, as it was typed.
    pub email: String,
    /// Postal address, if given.
    pub address: Option<String>,
    /// Telephone number, if given.
    pub phone: Option<String>,
}

impl Record for Profile {
    const NAME: &'static str = "profile";
    const FIELDS: &'static [Field] = &[
        Field { name: "given_name", kind: Kind::NAME },
        Field { name: "family_name", kind: Kind::NAME },
        Field { name: "email", kind: Kind::EMAIL_ADDRESS },
        Field { name: "address", kind: Kind::PHYSICAL_ADDRESS },
        Field { name: "phone", kind: Kind::TELEPHONE_NUMBER },
    ];
}

/// The hash of a password (a PHC string).
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    /// Argon2id, with its parameters and salt.
    pub hash: String,
}

impl Record for Credential {
    const NAME: &'static str = "credential";
    const FIELDS: &'static [Field] = &[Field { name: "hash", kind: Kind::PASSWORD }];
}

/// The secret of an authenticator app (RFC 6238).
#[derive(Clone, Serialize, Deserialize)]
pub struct SecondFactor {
    /// 20 random bytes in hex.
    pub secret: String,
    /// Whether the person has shown that their app knows it.
    pub confirmed: bool,
    /// The last time step whose code was used; a code works once.
    pub last_step: u64,
}

impl Record for SecondFactor {
    const NAME: &'static str = "second-factor";
    const FIELDS: &'static [Field] = &[
        Field { name: "secret", kind: Kind::AUTHENTICATING },
        Field { name: "confirmed", kind: Kind::AUTHENTICATING },
        Field { name: "last_step", kind: Kind::AUTHENTICATING },
    ];
}

/// The number by which the network knows a member, kept for a return (`acc-12`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberId {
    /// Like `M-7K3QX9`.
    pub member_id: String,
}

impl Record for MemberId {
    const NAME: &'static str = "member-id";
    const FIELDS: &'static [Field] = &[Field { name: "member_id", kind: Kind::IDENTIFIER }];
}

const fn profile(name: &'static str, kind: Kind, mask: Mask) -> ViewField {
    ViewField { record: Profile::NAME, name, kind, mask }
}

/// A person's own details, to read and to correct.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MyProfile {
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// The sign-in address.
    pub email: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Member id.
    pub member_id: Option<String>,
}

impl View for MyProfile {
    const SPEC: ViewSpec = ViewSpec {
        name: "my-account",
        says: "your own details, on My account",
        by: By::Person,
        purpose: "dpv:ServiceProvision",
        fields: &[
            profile("given_name", Kind::NAME, Mask::Whole),
            profile("family_name", Kind::NAME, Mask::Whole),
            profile("email", Kind::EMAIL_ADDRESS, Mask::Whole),
            profile("address", Kind::PHYSICAL_ADDRESS, Mask::Whole),
            profile("phone", Kind::TELEPHONE_NUMBER, Mask::Whole),
            ViewField {
                record: MemberId::NAME,
                name: "member_id",
                kind: Kind::IDENTIFIER,
                mask: Mask::Whole,
            },
        ],
        needed: true,
    };
}

/// What signing in compares a password with.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SignInCheck {
    /// The hash, if the person still has a password here.
    pub hash: Option<String>,
}

impl View for SignInCheck {
    const SPEC: ViewSpec = ViewSpec {
        name: "sign-in-check",
        says: "the check of a password at sign-in, which shows it to nobody",
        by: By::System,
        purpose: "dpv:IdentityAuthentication",
        fields: &[ViewField {
            record: Credential::NAME,
            name: "hash",
            kind: Kind::PASSWORD,
            mask: Mask::Whole,
        }],
        needed: true,
    };
}

/// What the second step of signing in compares a code with.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct SecondFactorCheck {
    /// The shared secret, in hex.
    pub secret: Option<String>,
    /// Whether it counts yet.
    pub confirmed: bool,
    /// The last used time step.
    pub last_step: u64,
}

impl View for SecondFactorCheck {
    const SPEC: ViewSpec = ViewSpec {
        name: "second-factor-check",
        says: "the check of a one-time code at sign-in, which shows its secret to nobody",
        by: By::System,
        purpose: "dpv:IdentityAuthentication",
        fields: &[second_factor("secret"), second_factor("confirmed"), second_factor("last_step")],
        needed: true,
    };
}

const fn second_factor(name: &'static str) -> ViewField {
    ViewField { record: SecondFactor::NAME, name, kind: Kind::AUTHENTICATING, mask: Mask::Whole }
}

/// Whom a message goes to, and how it greets them.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Addressee {
    /// Given name.
    pub given_name: Option<String>,
    /// Where the message goes.
    pub email: Option<String>,
}

impl View for Addressee {
    const SPEC: ViewSpec = ViewSpec {
        name: "addressee",
        says: "the addressing of a message to you",
        by: By::System,
        purpose: "dpv:CommunicationManagement",
        fields: &[
            profile("given_name", Kind::NAME, Mask::Whole),
            profile("email", Kind::EMAIL_ADDRESS, Mask::Whole),
        ],
        needed: true,
    };
}

/// What the support desk sees of a member, after stating why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct MemberCard {
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// The sign-in address.
    pub email: Option<String>,
    /// Postal address.
    pub address: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Member id.
    pub member_id: Option<String>,
}

impl View for MemberCard {
    const SPEC: ViewSpec = ViewSpec {
        name: "member-card",
        says: "the member card at the support desk, after stating a reason",
        by: By::Role("support"),
        purpose: "dpv:ServiceProvision",
        fields: MyProfile::SPEC.fields,
        needed: false,
    };
}

/// What an owner sees of the people who work for the organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StaffCard {
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// The sign-in address.
    pub email: Option<String>,
}

impl View for StaffCard {
    const SPEC: ViewSpec = ViewSpec {
        name: "staff-card",
        says: "the list of people with a role, for an owner",
        by: By::Role("owner"),
        purpose: "dpv:EnforceSecurity",
        fields: &[
            profile("given_name", Kind::NAME, Mask::Whole),
            profile("family_name", Kind::NAME, Mask::Whole),
            profile("email", Kind::EMAIL_ADDRESS, Mask::Whole),
        ],
        needed: false,
    };
}
