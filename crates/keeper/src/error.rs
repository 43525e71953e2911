//! What can go wrong, while starting and while acting.

use std::path::PathBuf;

use kept_store::{OpenError, StoreError};
use kept_vault::{KeyRingError, Kind, Unopened};
use thiserror::Error;

/// Why an act or a look failed. None of these texts holds personal data.
#[derive(Debug, Error)]
pub enum KeeperError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sealed part did not open under its own place: it was moved, rolled back or damaged.
    #[error("a sealed part of record `{record}` did not open")]
    Sealed {
        /// The record's name.
        record: String,
        /// What the vault said.
        #[source]
        cause: Unopened,
    },
    /// The notice in force does not allow this view.
    #[error("the notice does not allow the view `{view}`: {reason}")]
    Refused {
        /// The view.
        view: &'static str,
        /// The sentence or word that is missing.
        reason: String,
    },
    /// The view is for somebody else than the actor.
    #[error("the view `{view}` is not for this actor")]
    NotYours {
        /// The view.
        view: &'static str,
    },
    /// Staff in this role must state a reason before they look.
    #[error("the view `{view}` needs a stated reason")]
    NoReason {
        /// The view.
        view: &'static str,
    },
    /// The person must allow it before staff in this role look (`acc-9`).
    #[error("the view `{view}` needs the person's recorded permission")]
    NoPermission {
        /// The view.
        view: &'static str,
    },
    /// A view or record that no area lists.
    #[error("`{name}` is not listed by any area")]
    Unlisted {
        /// The view or record.
        name: &'static str,
    },
    /// A record was written with a field that names no kind.
    #[error("field `{field}` of record `{record}` names no kind of data")]
    Unlabelled {
        /// The record.
        record: &'static str,
        /// The field.
        field: String,
    },
    /// A record or view does not fit its declaration.
    #[error("`{name}` does not fit its declaration: {cause}")]
    Shape {
        /// The record or view.
        name: &'static str,
        /// Where it does not fit; names fields, never values.
        cause: String,
    },
    /// Something was to be held of which the notice is silent.
    #[error("the notice names no data of the kind {0}, so none is held: name it in [data] first")]
    Undeclared(Kind),
    /// Something was to be taken from a source that the notice does not name, or does not name for it (`use-15`).
    #[error(
        "the notice does not say that the kind {kind} comes from [{from}]: name it there, under \"gives\""
    )]
    NotFrom {
        /// What.
        kind: Kind,
        /// The rule of the source.
        from: String,
    },
    /// An event, job or rule that nothing declares.
    #[error("nothing declares `{0}`")]
    Unknown(String),
    /// Something was to happen to a subject of whom nothing is held: it has been erased, or was never written.
    #[error("nothing is held about this subject, so `{0}` cannot happen to it: write its data first")]
    Nobody(String),
    /// An act went on after one of its events could not be written.
    #[error("an event of the act could not be written, so the act was undone")]
    Unrecorded,
    /// The notice in force is one that this server cannot run: it is of another version of Kept.
    #[error(
        "this server cannot run the notice in force (version {version}): {cause}; start a version of kept that can"
    )]
    Incapable {
        /// The notice's version, shortened.
        version: String,
        /// What does not fit.
        cause: String,
    },
    /// The notice has changed, and the clocks that run have not been carried over to it yet.
    #[error("the clocks that run are being carried over to the new notice: this is done afterwards")]
    NotCarried,
    /// A date left the range of the calendar.
    #[error("a date is out of the calendar's range")]
    Calendar,
    /// The tombstone log beside the database could not be written.
    #[error("the tombstone log could not be written")]
    Tombstones(#[source] std::io::Error),
    /// A row holds something that no version of this code writes.
    #[error("the database holds {0}")]
    Malformed(&'static str),
    /// The rows of the log do not fit one another: one was changed, removed or added behind our back.
    #[error("the ledger's rows do not give its root: compare the database with its last backup")]
    Ledger,
    /// The checkpoint beside the database could not be written.
    #[error("the ledger's checkpoint could not be written to its file")]
    Checkpoint(#[source] std::io::Error),
}

impl KeeperError {
    /// Whether it was the moment: nothing was kept, and the same may succeed soon. A point read may take a second on
    /// PostgreSQL, and longer where the database has too much to do.
    pub fn passes(&self) -> bool {
        matches!(self, KeeperError::Store(StoreError::Busy | StoreError::Unreachable | StoreError::Budget))
    }
}

/// Why a site did not start. Each says what, where, and what to do; nothing has been changed.
#[derive(Debug, Error)]
pub enum StartError {
    /// The notice has problems, each with its line and column.
    #[error("{}", list(.0))]
    Notice(Vec<kept_notice::Problem>),
    /// The notice forbids a view without which the site cannot work.
    #[error(
        "the site cannot work under this notice: {says} (view `{view}`) is not allowed, because {reason}"
    )]
    ViewForbidden {
        /// The view.
        view: &'static str,
        /// What it is, for people.
        says: &'static str,
        /// The missing sentence.
        reason: String,
    },
    /// A sentence that nothing can prove.
    #[error(
        "no code of this site can prove the sentence `{0}`; take the rule out or use a version of Kept that runs it"
    )]
    NoCheck(String),
    /// A table with a subject that no area has registered.
    #[error("table `{table}` has a subject, and no area says what it holds: list it in its area's tables")]
    UnregisteredTable {
        /// The table.
        table: String,
    },
    /// A column beside a subject that no area has registered.
    #[error(
        "column `{table}.{column}` stands beside a subject, and no area says what it holds: list it in its area's tables"
    )]
    UnregisteredColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A registered column that the database does not have.
    #[error("column `{table}.{column}` is registered, but the database has no such column")]
    AbsentColumn {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A column whose kind no statement erases.
    #[error("column `{table}.{column}` holds {kind}, and its table says no statement that erases it")]
    NoErasure {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The kind.
        kind: Kind,
    },
    /// The contact's domain cannot name a ledger.
    #[error("the notice's contact must be an e-mail address: its domain names the public ledger")]
    Contact,
    /// The folder runs under another notice.
    #[error("{} runs under another notice (version {running}): to change it, run `kept propose` with the new notice; to go on as it is, put the notice in force back", folder.display())]
    OtherNotice {
        /// The data folder.
        folder: PathBuf,
        /// The version it runs under, shortened.
        running: String,
    },
    /// The key file belongs to another site.
    #[error("the key file {} belongs to another site: put the key file of this folder back; nothing was touched", path.display())]
    OtherKeys {
        /// The key file.
        path: PathBuf,
    },
    /// The key file is missing, truncated or damaged.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The first act failed.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The data folder could not be used.
    #[error("the data folder {} cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
}

impl From<StoreError> for StartError {
    fn from(cause: StoreError) -> StartError {
        StartError::Keeper(cause.into())
    }
}

fn list(problems: &[kept_notice::Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
