//! What this area writes about people, and through which views it is read again.

use jiff::Timestamp;
use kept_keeper::{Record, View};
use serde::{Deserialize, Serialize};

/// Who somebody is and how to reach them: what the sign-up form asks for (`acc-1`).
#[derive(Clone, Debug, PartialEq, Eq, Record, Serialize, Deserialize)]
#[record(name = "profile")]
pub struct Profile {
    /// Given name.
    #[kind(Name)]
    pub given_name: String,
    /// Family name.
    #[kind(Name)]
    pub family_name: String,
    /// The address, as it was typed.
    #[kind(EmailAddress)]
    pub email: String,
    /// Postal address, if given.
    #[kind(PhysicalAddress)]
    pub address: Option<String>,
    /// Telephone number, if given.
    #[kind(TelephoneNumber)]
    pub phone: Option<String>,
}

/// The hash of a password (a PHC string); without one, nobody can sign in until a new one is chosen.
#[derive(Clone, Record, Serialize, Deserialize)]
#[record(name = "credential")]
pub struct Credential {
    /// Argon2id, with its parameters and salt.
    #[kind(Password)]
    pub hash: Option<String>,
}

/// More addresses of a person, each confirmed by a letter: one can sign in with any of them.
#[derive(Clone, Debug, PartialEq, Eq, Record, Serialize, Deserialize)]
#[record(name = "addresses")]
pub struct Addresses {
    /// All but the main one, which is in the profile.
    #[kind(EmailAddress)]
    pub others: Option<Vec<String>>,
}

/// An address that a person has added and not confirmed yet; forgotten after a day.
#[derive(Clone, Debug, PartialEq, Eq, Record, Serialize, Deserialize)]
#[record(name = "new-address")]
pub struct NewAddress {
    /// As it was typed.
    #[kind(EmailAddress)]
    pub new: Option<String>,
}

/// The codes for when the phone with the second factor is lost: the SHA-256 of each that is left. They are random and
/// long, so a slow hash would add nothing.
#[derive(Clone, Record, Serialize, Deserialize)]
#[record(name = "recovery-codes")]
pub struct RecoveryCodes {
    /// In hex.
    #[kind(Authenticating)]
    pub digests: Option<Vec<String>>,
}

/// The secret of an authenticator app (RFC 6238).
#[derive(Clone, Record, Serialize, Deserialize)]
#[record(name = "second-factor")]
pub struct SecondFactor {
    /// 20 random bytes in hex; without it there is no second factor.
    #[kind(Authenticating)]
    pub secret: Option<String>,
    /// Whether the person has shown that their app knows it.
    #[kind(Authenticating)]
    pub confirmed: Option<bool>,
    /// The last time step whose code was used; a code works once.
    #[kind(Authenticating)]
    pub last_step: Option<u64>,
}

/// A person's passkeys (W3C Web Authentication, level 3).
#[derive(Clone, Record, Serialize, Deserialize)]
#[record(name = "passkeys")]
pub struct Passkeys {
    /// All of them, the oldest first.
    #[kind(Authenticating)]
    pub list: Option<Vec<Passkey>>,
}

/// A passkey. The secret is on the person's device; here is what its answers are judged by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    /// The credential id, in base64url.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub added: Timestamp,
    /// When somebody last signed in with it.
    pub used: Option<Timestamp>,
    /// Its public key and what does not change, as `webauthn_rp` writes it, in base64url.
    pub key: String,
    /// Its counter and what does change, likewise.
    pub state: String,
    /// How browsers reach it, likewise.
    pub transports: u8,
}

/// The number by which the network knows a member, kept for a return (`acc-12`).
#[derive(Clone, Debug, PartialEq, Eq, Record, Serialize, Deserialize)]
#[record(name = "member-id")]
pub struct MemberId {
    /// Like `M-7K3QX9`; nothing for who has gone on under another account.
    #[kind(Identifier)]
    pub member_id: Option<String>,
}

/// A person's own details, to read and to correct.
#[derive(Clone, Debug, Default, PartialEq, Eq, View, Deserialize)]
#[serde(default)]
#[view(name = "my-account", says = "your own details, on My account")]
#[view(by = Person, purpose = "dpv:ServiceProvision", of = Profile, needed)]
#[view(rows(Account, Membership, ProfessionalTraining))]
pub struct MyProfile {
    /// Given name.
    #[kind(Name)]
    pub given_name: Option<String>,
    /// Family name.
    #[kind(Name)]
    pub family_name: Option<String>,
    /// The sign-in address.
    #[kind(EmailAddress)]
    pub email: Option<String>,
    /// Postal address.
    #[kind(PhysicalAddress)]
    pub address: Option<String>,
    /// Telephone number.
    #[kind(TelephoneNumber)]
    pub phone: Option<String>,
    /// Member id.
    #[kind(Identifier, of = MemberId)]
    pub member_id: Option<String>,
    /// More confirmed addresses.
    #[kind(EmailAddress, of = Addresses)]
    pub others: Vec<String>,
    /// An address that waits for its confirmation.
    #[kind(EmailAddress, of = NewAddress)]
    pub new: Option<String>,
}

/// What signing in compares a password with.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "sign-in-check", says = "the check of a password at sign-in, which shows it to nobody")]
#[view(by = System, purpose = "dpv:IdentityAuthentication", of = Credential, needed)]
pub struct SignInCheck {
    /// The hash, if the person still has a password here.
    #[kind(Password)]
    pub hash: Option<String>,
}

/// What the second step of signing in compares a code with.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "second-factor-check")]
#[view(says = "the check of a one-time code at sign-in, which shows its secret to nobody")]
#[view(by = System, purpose = "dpv:IdentityAuthentication", of = SecondFactor, needed)]
pub struct SecondFactorCheck {
    /// The shared secret, in hex.
    #[kind(Authenticating)]
    pub secret: Option<String>,
    /// Whether it counts yet.
    #[kind(Authenticating)]
    pub confirmed: bool,
    /// The last used time step.
    #[kind(Authenticating)]
    pub last_step: u64,
    /// The recovery codes that are left, as SHA-256 in hex.
    #[kind(Authenticating, of = RecoveryCodes)]
    pub digests: Vec<String>,
}

/// What signing in by a passkey judges its answer by.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "passkey-check", says = "the check of a passkey at sign-in, which shows it to nobody")]
#[view(by = System, purpose = "dpv:IdentityAuthentication", of = Passkeys, needed)]
pub struct PasskeyCheck {
    /// All of them.
    #[kind(Authenticating)]
    pub list: Vec<Passkey>,
}

/// A person's own passkeys, to name and to remove.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "my-passkeys", says = "your own passkeys, on the page Passkeys")]
#[view(by = Person, purpose = "dpv:IdentityAuthentication", of = Passkeys, needed)]
pub struct MyPasskeys {
    /// All of them.
    #[kind(Authenticating)]
    pub list: Vec<Passkey>,
}

/// Whom a message goes to, and how it greets them.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "addressee", says = "the addressing of a message to you")]
#[view(by = System, purpose = "dpv:CommunicationManagement", of = Profile, needed)]
pub struct Addressee {
    /// Given name.
    #[kind(Name)]
    pub given_name: Option<String>,
    /// Where the message goes.
    #[kind(EmailAddress)]
    pub email: Option<String>,
}

/// What the support desk sees of a member, after stating why.
#[derive(Clone, Debug, Default, PartialEq, Eq, View, Deserialize)]
#[serde(default)]
#[view(name = "member-card", says = "the member card at the support desk, after stating a reason")]
#[view(by = Role("support"), purpose = "dpv:ServiceProvision", of = Profile)]
#[view(rows(Account, Membership, ProfessionalTraining))]
pub struct MemberCard {
    /// Given name.
    #[kind(Name)]
    pub given_name: Option<String>,
    /// Family name.
    #[kind(Name)]
    pub family_name: Option<String>,
    /// The sign-in address.
    #[kind(EmailAddress)]
    pub email: Option<String>,
    /// Postal address.
    #[kind(PhysicalAddress)]
    pub address: Option<String>,
    /// Telephone number.
    #[kind(TelephoneNumber)]
    pub phone: Option<String>,
    /// Member id.
    #[kind(Identifier, of = MemberId)]
    pub member_id: Option<String>,
}

/// What an owner sees of the people who work for the organisation.
#[derive(Clone, Debug, Default, PartialEq, Eq, View, Deserialize)]
#[serde(default)]
#[view(name = "staff-card", says = "the list of people with a role or proposed for one, for an owner")]
#[view(by = Role("owner"), purpose = "dpv:EnforceSecurity", of = Profile)]
pub struct StaffCard {
    /// Given name.
    #[kind(Name)]
    pub given_name: Option<String>,
    /// Family name.
    #[kind(Name)]
    pub family_name: Option<String>,
    /// The sign-in address.
    #[kind(EmailAddress)]
    pub email: Option<String>,
}
