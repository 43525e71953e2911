//! The notice: one TOML file that is both what people read and what runs.
//!
//! [`parse`] turns the file into a [`Notice`] or into every [`Problem`] it has. A notice renders to
//! [sentences](Notice::sentences), decides whether a declared read may happen ([`Notice::judge`]) and says which clocks
//! an event starts ([`Notice::clocks`]). Nothing here knows a database, a clock or a network.
//!
//! The language is described for its readers in `docs/NOTICE.md`.

mod canonical;
mod choice;
mod clock;
mod diff;
mod expect;
mod judge;
mod notice;
mod parse;
mod problem;
mod sentence;
mod short;
pub mod spell;
pub mod terms;
mod time;
mod vocabulary;
pub mod words;

pub use choice::{Basis, Never, Reminder, Right, Shown};
pub use clock::{Action, Clock};
pub use diff::{Difference, is_material};
pub use judge::{Reader, Sight, Verdict, ViewClaim};
pub use notice::{
    Carrier, Change, Cookie, Data, DataSource, Expect, Form, Hold, HoldData, HoldEnd, NeverRule, Notice,
    Prose, Purpose, Retain, RetainAction, RightRule, Role, RuleHead, Session,
};
pub use parse::parse;
pub use problem::Problem;
pub use sentence::{Modality, Sentence};
pub use time::{TimeError, due, shortest};
pub use vocabulary::{EventWords, FormWords, Leaving, Vocabulary};
