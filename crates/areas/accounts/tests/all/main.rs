//! Accounts, as people and staff meet them: through the pages of a running site.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests"
)]

mod address;
mod authenticator;
mod closing;
mod concealment;
mod credentials;
mod crossing;
mod desk;
mod devices;
mod disputed;
mod documents;
mod downloads;
mod export;
mod forms;
mod import;
mod input;
mod leaks;
mod members;
mod notice_change;
mod notices;
mod owners;
mod passkeys;
mod passwords;
mod proposals;
mod returning;
mod rights;
mod second_factor;
mod sessions;
mod staff;
mod support;
mod switched_off;
mod throttles;
mod trail;
mod walk;
