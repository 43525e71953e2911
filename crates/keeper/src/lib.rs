//! The kernel of Kept: ties the notice, the vault, the ledger and the store together.
//!
//! A [`Keeper`] is opened on a folder under a notice. People's data is written as [`Record`]s and read through declared
//! [`View`]s, in [acts](Act) and [looks](Look) that carry who acts, when, and under which [`Policy`]. What happens to a
//! person starts clocks; a [sweep](Keeper::sweep) does what is due; [checks](Check) show that every sentence is kept.

// The derived code names this crate from wherever it is compiled, which includes this crate.
extern crate self as kept_keeper;

mod act;
mod area;
mod attempt;
mod blob;
mod brakes;
mod carry;
mod checkpoint;
mod copy;
mod ctx;
mod duty;
mod erase;
mod error;
mod facts;
mod follow;
mod holdings;
mod journal;
mod keeper;
mod kernel;
mod look;
mod outbox;
mod policy;
mod propose;
mod prove;
mod record;
mod registry;
mod release;
mod sealed;
mod sweep;
mod tell;
mod tidy;
mod tiles;
pub mod time;
mod tombstones;
mod trail;
mod turns;
mod uses;
mod view;

pub use act::{Act, Claim, Index};
pub use area::{
    Announcement, Area, Disable, EventSpec, FormSpec, Holds, Hooks, Job, Table, Tell, Told, Warn, Warning,
};
pub use copy::{Copied, CopiedPart};
pub use ctx::{Actor, Ctx, TimeSource};
pub use duty::Duty;
pub use error::{KeeperError, StartError};
pub use follow::{Coming, LEASE, Version};
pub use holdings::{Holding, Until};
pub use keeper::{Database, Keeper, Setup};
pub use kept_derive::{Record, View};
pub use look::Look;
pub use outbox::Letter;
pub use policy::{Judged, Policy};
pub use propose::{ProposeError, Proposed};
pub use prove::{
    Check, Covers, Finding, Inspect, LedgerRef, NoticeRef, Promise, Proof, Report, StaffLook, Status, Written,
};
pub use record::{Field, Record, RecordSpec};
pub use registry::Registry;
pub use sweep::{GRACE, Swept, chain};
pub use trail::{Deed, Entry, Event};
pub use uses::{Use, uses};
pub use view::{By, View, ViewField, ViewSpec};
