//! Accounts: signing up, signing in, one's own data, membership and the support desk (`acc-1`, `acc-4`, `acc-7`,
//! `acc-12`, `use-1`).

mod account;
mod addressed;
mod addresses;
mod archive;
mod closing;
mod confirm;
mod data;
mod deal;
mod desk;
mod devices;
mod documents;
mod downloads;
mod email;
mod export;
pub mod import;
mod licence;
mod links;
pub mod members;
mod messages;
mod new_password;
mod onward;
mod own_pages;
mod owner;
mod passkeys;
pub mod password;
mod password_again;
mod proposals;
mod readers;
mod records;
mod recovery;
mod recovery_codes;
mod reminders;
mod returning;
mod rights;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_up;
mod signed_in;
mod staff;
mod switched_off;
mod tables;
mod tenure;
mod throttle;
mod trail;
mod typed_code;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    middleware,
    routing::{MethodRouter, any, get, post},
};
use kept_keeper::{
    Area, Check, Covers, EventSpec, FormSpec, Hooks, Job, Keeper, KeeperError, Proof, RecordSpec, View,
};
use kept_notice::Leaving;
use kept_store::{Migration, StoreError};
use kept_vault::Kind;
use kept_web::{Announcement, Problem, Site, token::TokenKey};

pub use documents::{DOCUMENTS, Document, DocumentCard, MyDocument, verified};
pub use downloads::{DOWNLOADS, Machine, Machines, MyMachines};
pub use email::{Email, NotAnAddress};
pub use licence::LICENCES;
pub use owner::first_owner_code;
pub use password::Passwords;
pub use readers::{Person, RightsHolder, Staff};
pub use records::{
    Addressee, Addresses, Credential, MemberCard, MemberId, MyPasskeys, MyProfile, NewAddress, Passkey,
    PasskeyCheck, Passkeys, Profile, RecoveryCodes, SecondFactor, SecondFactorCheck, SignInCheck, StaffCard,
};
pub use second_factor::enrol;
pub use sessions::{Factor, Signed, tidy};
pub use staff::give_role;

/// The roles that this area's pages know.
pub const ROLES: &[&str] = &["owner", "support", "verifier"];

/// The accounts area: what it writes, reads and asks for, what can happen in it, and how it proves its promises.
pub const AREA: Area = Area {
    migrations: &[
        Migration { name: "accounts/0001_accounts", sql: include_str!("../migrations/0001_accounts.sql") },
        Migration { name: "accounts/0002_throttles", sql: include_str!("../migrations/0002_throttles.sql") },
        Migration { name: "accounts/0003_devices", sql: include_str!("../migrations/0003_devices.sql") },
        Migration { name: "accounts/0004_links", sql: include_str!("../migrations/0004_links.sql") },
        Migration { name: "accounts/0005_staff", sql: include_str!("../migrations/0005_staff.sql") },
        Migration { name: "accounts/0008_passkeys", sql: include_str!("../migrations/0008_passkeys.sql") },
    ],
    tables: tables::TABLES,
    records: &[
        RecordSpec::of::<Profile>(),
        RecordSpec::of::<Credential>(),
        RecordSpec::of::<SecondFactor>(),
        RecordSpec::of::<MemberId>(),
        RecordSpec::of::<Addresses>(),
        RecordSpec::of::<NewAddress>(),
        RecordSpec::of::<RecoveryCodes>(),
        RecordSpec::of::<Passkeys>(),
    ],
    optional: &[
        Kind::PHYSICAL_ADDRESS,
        Kind::TELEPHONE_NUMBER,
        Kind::IDENTIFIER,
        Kind::MEMBERSHIP,
        Kind::PROFESSIONAL_TRAINING,
    ],
    views: &[
        MyProfile::SPEC,
        SignInCheck::SPEC,
        SecondFactorCheck::SPEC,
        PasskeyCheck::SPEC,
        MyPasskeys::SPEC,
        Addressee::SPEC,
        MemberCard::SPEC,
        StaffCard::SPEC,
    ],
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
        EventSpec { name: members::SIGN_UP, when: "you sign up" },
        EventSpec { name: "sign-up.confirmed", when: "you confirm your address" },
        EventSpec { name: sessions::SIGNED_IN, when: "you last signed in" },
        EventSpec {
            name: new_password::COMPROMISED,
            when: "you tell us that somebody may know your password",
        },
        EventSpec { name: new_password::CHOSEN, when: "you choose a new password" },
        EventSpec { name: import::IMPORTED, when: "we take over your account" },
        EventSpec { name: closing::CLOSING, when: "you ask us to close your account" },
        EventSpec { name: closing::KEPT, when: "you take that back" },
        EventSpec { name: closing::CLOSED, when: "you close your account at once" },
        EventSpec { name: closing::DEACTIVATED, when: "you deactivate your account" },
        EventSpec { name: members::REACTIVATED, when: "you activate it again" },
        EventSpec { name: members::EXPIRED, when: "your membership expires" },
        EventSpec { name: "membership.renewed", when: "you renew your membership" },
        EventSpec { name: "dispute.opened", when: "you dispute how we handle your data" },
        EventSpec { name: "dispute.settled", when: "the dispute is settled" },
    ],
    leaving: Some(Leaving { asked: closing::CLOSING, taken_back: closing::KEPT, at_once: closing::CLOSED }),
    roles: ROLES,
    jobs: &[
        Job { name: members::EXPIRE, run: members::expire },
        Job { name: addresses::FORGET, run: addresses::expire },
        Job { name: staff::END_ROLES, run: staff::end_due },
        Job { name: proposals::DUE, run: proposals::fall_due },
    ],
    hooks: Hooks { disable: Some(members::lapse), warn: Some(messages::warn), tell: Some(messages::tell) },
    checks: &[
        Check { covers: Covers::Section("session"), proof: Proof::Probe, run: sessions::check },
        Check { covers: Covers::Rule("right.erase"), proof: Proof::Event, run: rights::erase },
        Check { covers: Covers::Rule("right.recover"), proof: Proof::Event, run: recovery::check },
        Check { covers: Covers::Rule("right.renew"), proof: Proof::Event, run: new_password::check },
        Check { covers: Covers::Rule("right.rectify"), proof: Proof::Event, run: rights::rectify },
        Check { covers: Covers::Section("role"), proof: Proof::Construction, run: staff::check },
    ],
    ..Area::named("accounts")
};

/// Returning members as a part of the accounts area. A notice without the right has none.
pub const RETURNING: Area = returning::AREA;

/// An address and what answers there, by method.
pub type Route = (&'static str, fn() -> MethodRouter<Accounts>);

/// Every route of this area, all on one screen.
pub const ROUTES: &[Route] = &[
    ("/sign-up", || get(sign_up::show).post(sign_up::post)),
    ("/confirm/{token}", || get(confirm::show).post(confirm::post)),
    ("/sign-in", || get(sign_in::show).post(sign_in::post)),
    (second_factor::ASK, || get(second_factor::ask).post(second_factor::answer)),
    (passkeys::SIGN_IN, || get(passkeys::sign_in::back).post(passkeys::sign_in::ask)),
    (passkeys::ANSWER, || get(passkeys::sign_in::back).post(passkeys::sign_in::answer)),
    ("/sign-out", || post(sessions::sign_out)),
    (sessions::SIGNED_OUT, || get(sessions::signed_out)),
    ("/forgotten", || get(recovery::show).post(recovery::ask)),
    ("/recover/{token}", || get(recovery::choose).post(recovery::chosen)),
    ("/password-ended", || get(new_password::given_up)),
    ("/account", || get(account::show).post(account::save)),
    (switched_off::HERE, || get(switched_off::show)),
    ("/account/data", || get(data::show)),
    ("/account/trail", || get(trail::show)),
    ("/account/sessions", || get(signed_in::show).post(signed_in::end)),
    (licence::HERE, || get(licence::show).post(licence::save)),
    (devices::HERE, || get(devices::show).post(devices::end)),
    ("/account/password", || get(new_password::show).post(new_password::change)),
    ("/account/compromised", || get(new_password::show_compromised).post(new_password::compromised)),
    ("/account/addresses", || get(addresses::show).post(addresses::change)),
    ("/account/addresses/{token}", || get(addresses::ask).post(addresses::confirm)),
    ("/account/export", || get(export::show).post(export::take)),
    (closing::HERE, || get(closing::show).post(closing::decide)),
    ("/account-closed", || get(closing::closed)),
    ("/account-rests", || get(closing::rests)),
    (second_factor::HERE, || get(second_factor::show).post(second_factor::change)),
    (passkeys::HERE, || get(passkeys::show).post(passkeys::change)),
    ("/owner", || get(owner::ask).post(owner::claim)),
    ("/desk", || get(desk::show).post(desk::find)),
    ("/desk/act", || get(desk::back).post(desk::act)),
    ("/desk/staff", || get(staff::show).post(staff::change)),
    ("/desk/proposals", || get(proposals::show).post(proposals::answer)),
    ("/desk/brake", || get(desk::back).post(proposals::release_brake)),
    ("/account/documents", || get(documents::mine::show).post(documents::mine::send)),
    ("/account/documents/{number}", || get(documents::mine::open)),
    (returning::mine::HERE, || get(returning::mine::show).post(returning::mine::ask)),
    (returning::desk::HERE, || get(returning::desk::queue).post(returning::desk::act)),
    ("/desk/documents", || get(documents::desk::queue)),
    ("/desk/documents/{number}", || get(documents::desk::ask).post(documents::desk::open)),
    ("/desk/documents/{number}/decision", || get(documents::desk::back).post(documents::desk::answer)),
    ("/desk/documents/{number}/file/{pass}", || get(documents::desk::content)),
    ("/account/downloads", || get(downloads::files::show)),
    ("/account/downloads/{name}/{pass}", || get(downloads::files::download)),
    ("/account/machines", || get(downloads::machines::show).post(downloads::machines::change)),
];

/// What the pages of this area share. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Shared>);

/// What [`Accounts`] is made of.
pub struct Shared {
    /// The kernel.
    pub keeper: Keeper,
    /// What every page says about the site.
    pub face: Arc<Site>,
    /// How passwords are hashed.
    pub passwords: Passwords,
    /// The key of form tokens.
    pub tokens: TokenKey,
    /// How long signing up and signing in take at least, so that the time tells nobody who has an account.
    pub pace: Duration,
    /// The folder of the files that people with an account can download.
    pub downloads: Option<std::path::PathBuf>,
    /// The strip of an example site.
    pub demo: Option<String>,
    /// The bar about the notice, for a browser that has not dismissed it.
    pub announce: fn(&HeaderMap, &Keeper) -> Option<Announcement>,
}

impl Accounts {
    /// The area's pages over a site.
    pub fn new(shared: Shared) -> Accounts {
        Accounts(Arc::new(shared))
    }

    /// The area's routes.
    pub fn routes(&self) -> Router {
        let add = |router: Router<Accounts>, (path, methods): &Route| router.route(path, methods());
        ROUTES.iter().fold(Router::new(), add).with_state(self.clone())
    }

    /// Puts sessions around all routes of a site: every page below gets its [`kept_web::Visit`]. An address that is none
    /// of the site's is a page too, with the reader's own navigation.
    pub fn around(&self, routes: Router) -> Router {
        routes
            .route("/{*nowhere}", any(async || Problem::not_found()))
            .layer(middleware::from_fn_with_state(self.clone(), sessions::visit))
    }
}

impl std::ops::Deref for Accounts {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The public side of a kernel error. The cause goes to the log.
pub(crate) fn problem(cause: KeeperError) -> Problem {
    match cause {
        KeeperError::Refused { .. } => Problem::new(
            StatusCode::FORBIDDEN,
            "This page is switched off",
            "Our privacy notice does not allow it, so nobody can open it.",
            "What the notice allows is listed under “Who sees what”.",
        )
        .because(cause),
        KeeperError::NotYours { .. } => Problem::not_found().because(cause),
        cause if cause.passes() => Problem::busy().because(cause),
        KeeperError::Store(StoreError::CommitUnknown) => Problem::timed_out().because(cause),
        cause => Problem::internal(cause),
    }
}

/// Waits until an answer may be given: so long after the request came, whatever there was to do.
pub(crate) async fn at_pace(started: tokio::time::Instant, pace: Duration) {
    if pace.is_zero() {
        return;
    }
    let mut end = started + pace;
    while end < tokio::time::Instant::now() {
        end += pace;
    }
    tokio::time::sleep_until(end).await;
}
