//! Whom is measured with: invented people with a profile of ten fields in five kinds, and the area that holds them.

use kept_keeper::{
    Area, Check, Covers, EventSpec, Finding, Index, Inspect, KeeperError, Proof, Record, RecordSpec, Status,
    View,
};
use kept_vault::Kind;
use serde::{Deserialize, Serialize};

/// The notice under which they are held.
pub(crate) const NOTICE: &str = include_str!("notice.toml");

/// The bench's own area: no tables, so that what is measured is the kernel's.
pub(crate) const AREA: Area = Area {
    records: &[RecordSpec::of::<Profile>(), RecordSpec::of::<Callback>()],
    views: &[Own::SPEC, Card::SPEC],
    events: &[EventSpec { name: LEFT, when: "you leave" }],
    roles: &["support", "owner"],
    checks: &[Check { covers: Covers::Rule("session"), proof: Proof::Attested, run: stated }],
    ..Area::named("bench")
};

/// Starts the clock at whose end all of a person is erased.
pub(crate) const LEFT: &str = "member.left";

/// Finds a person by their address.
pub(crate) const BY_EMAIL: Index = Index { name: "email", kind: Kind::EMAIL_ADDRESS, unique: true };

/// Ten fields. The floor keeps them as they are, Kept seals them.
#[derive(Clone, Debug, Record, Serialize, Deserialize)]
#[record(name = "profile")]
pub(crate) struct Profile {
    #[kind(Name)]
    pub(crate) given_name: String,
    #[kind(Name)]
    pub(crate) family_name: String,
    #[kind(EmailAddress)]
    pub(crate) email: String,
    #[kind(TelephoneNumber)]
    pub(crate) telephone: String,
    #[kind(TelephoneNumber)]
    pub(crate) mobile: String,
    #[kind(PhysicalAddress)]
    pub(crate) street: String,
    #[kind(PhysicalAddress)]
    pub(crate) postcode: String,
    #[kind(PhysicalAddress)]
    pub(crate) city: String,
    #[kind(PhysicalAddress)]
    pub(crate) country: String,
    #[kind(Identifier)]
    pub(crate) member_id: String,
}

/// What a durable write writes: one sealed part.
#[derive(Clone, Debug, Record, Serialize, Deserialize)]
#[record(name = "callback")]
pub(crate) struct Callback {
    #[kind(TelephoneNumber)]
    pub(crate) number: String,
}

/// What people see of themselves.
#[derive(Debug, Default, View, Serialize, Deserialize)]
#[serde(default)]
#[view(name = "own", says = "your own profile", by = Person, purpose = "dpv:ServiceProvision", of = Profile)]
pub(crate) struct Own {
    #[kind(Name)]
    given_name: Option<String>,
    #[kind(Name)]
    family_name: Option<String>,
    #[kind(EmailAddress)]
    email: Option<String>,
    #[kind(TelephoneNumber)]
    telephone: Option<String>,
    #[kind(TelephoneNumber)]
    mobile: Option<String>,
    #[kind(PhysicalAddress)]
    street: Option<String>,
    #[kind(PhysicalAddress)]
    postcode: Option<String>,
    #[kind(PhysicalAddress)]
    city: Option<String>,
    #[kind(PhysicalAddress)]
    country: Option<String>,
    #[kind(Identifier)]
    member_id: Option<String>,
}

/// What the support desk sees of somebody: the same, after its event is on the disk.
#[derive(Debug, Default, View, Serialize, Deserialize)]
#[serde(default)]
#[view(name = "card", says = "the card at the desk", by = Role("support"))]
#[view(purpose = "dpv:ServiceProvision", of = Profile)]
pub(crate) struct Card {
    #[kind(Name)]
    given_name: Option<String>,
    #[kind(Name)]
    family_name: Option<String>,
    #[kind(EmailAddress)]
    email: Option<String>,
    #[kind(TelephoneNumber)]
    telephone: Option<String>,
    #[kind(TelephoneNumber)]
    mobile: Option<String>,
    #[kind(PhysicalAddress)]
    street: Option<String>,
    #[kind(PhysicalAddress)]
    postcode: Option<String>,
    #[kind(PhysicalAddress)]
    city: Option<String>,
    #[kind(PhysicalAddress)]
    country: Option<String>,
    #[kind(Identifier)]
    member_id: Option<String>,
}

/// The `n`th person.
pub(crate) fn person(n: usize) -> Profile {
    const GIVEN: [&str; 8] = ["Ada", "Bo", "Chidi", "Dagmar", "Eeva", "Farouk", "Gwendolyn", "Hiro"];
    const FAMILY: [&str; 7] = ["Anders", "Brandt", "Castellano", "Dubois", "Eriksen", "Featherstone", "Gray"];
    const CITIES: [&str; 5] = ["Exampleton", "Sampleville", "Port Invention", "Nowhere", "Musterstadt"];
    let pick = |words: &[&str], turn: usize| {
        words.get(n / turn % words.len()).copied().unwrap_or_default().to_owned()
    };
    let (given_name, family_name) = (pick(&GIVEN, 1), pick(&FAMILY, 8));
    Profile {
        email: format!("{}.{}.{n}@example.test", given_name.to_lowercase(), family_name.to_lowercase()),
        given_name,
        family_name,
        telephone: format!("+1 555 010 {:04}", n % 10_000),
        mobile: format!("+1 555 011 {:04}", n * 7 % 10_000),
        street: format!("{} Invented Street", n % 300 + 1),
        postcode: format!("X{:05}", n % 90_000),
        city: pick(&CITIES, 56),
        country: "Utopia".to_owned(),
        member_id: member_id(n),
    }
}

/// What tells one person's answer from another's: the load generator looks for it in every answer.
pub(crate) fn member_id(n: usize) -> String {
    format!("M-{n:08}")
}

fn stated(_: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    Ok(Finding { status: Status::Stated, count: 0, oldest: None, detail: "nobody signs in here".into() })
}
