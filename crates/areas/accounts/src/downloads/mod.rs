//! Downloads for people with an account, and the machines on which they have installed them (`acc-18`).
//!
//! The files are the operator's: every file of one folder. A link to one works for ten minutes and in the session that it
//! was made for. What a person says of their machines is sealed, and used for security only.

pub(crate) mod files;
pub(crate) mod machines;

use jiff::Timestamp;
use kept_keeper::{Area, Check, Covers, Finding, Inspect, KeeperError, Proof, Record, RecordSpec, View};
use kept_vault::Kind;
use serde::{Deserialize, Serialize};

/// The one purpose for which machine ids may be used.
const SECURITY: &str = "dpv:EnforceSecurity";

/// Downloads as a part of the accounts area. Machine ids are there under a notice that names them.
pub const DOWNLOADS: Area = Area {
    records: &[RecordSpec::of::<Machines>()],
    optional: &[Kind::DEVICE_BASED],
    views: &[MyMachines::SPEC],
    checks: &[Check { covers: Covers::Section("purpose"), proof: Proof::Construction, run: check }],
    ..Area::named("downloads")
};

/// The machines on which a person has installed software.
#[derive(Clone, Record, Serialize, Deserialize)]
#[record(name = "machines")]
pub struct Machines {
    /// All of them; nothing where there are none.
    #[kind(DeviceBased)]
    pub machines: Option<Vec<Machine>>,
}

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The id that the software shows.
    pub id: String,
    /// When the person registered it.
    pub since: Timestamp,
}

/// One's own machines.
#[derive(Clone, Default, View, Deserialize)]
#[serde(default)]
#[view(name = "my-machines", says = "the machines that you registered, on My account")]
#[view(by = Person, purpose = "dpv:EnforceSecurity", of = Machines)]
pub struct MyMachines {
    /// All of them.
    #[kind(DeviceBased)]
    pub machines: Vec<Machine>,
}

/// `acc-18`: machine ids are used for security, and no purpose beside it says that it uses them.
fn check(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let (notice, silent) = (&inspect.policy.notice, Finding::kept(0, ""));
    let label = notice.label_of(Kind::DEVICE_BASED.term());
    let Some((label, purpose)) = label.zip(notice.purpose(inspect.name())) else { return Ok(silent) };
    if !purpose.uses(&label.label) {
        return Ok(silent);
    }
    if purpose.is.id != SECURITY {
        return Ok(Finding::broken(1, format!("{} is used for something other than security", label.label)));
    }
    let reads = inspect.policy.views.iter().map(|view| view.spec);
    let reads = reads.filter(|view| view.kinds().iter().any(|(kind, _)| *kind == Kind::DEVICE_BASED));
    let other = reads.clone().filter(|view| view.purpose != SECURITY).count();
    if other > 0 {
        let other = i64::try_from(other).unwrap_or(i64::MAX);
        return Ok(Finding::broken(
            other,
            format!("kinds of read for something other than security: {other}"),
        ));
    }
    Ok(Finding::kept(0, format!("machine ids: kinds of read, all for security: {}", reads.count())))
}
