//! An area: one part of the organisation, as a value. What no area lists cannot be used.

use kept_notice::Leaving;
use kept_store::Migration;
use kept_vault::{Kind, SubjectId};

use crate::{act::Act, duty::Duty, error::KeeperError, prove::Check, record::RecordSpec, view::ViewSpec};

/// Everything a part of the organisation brings: listed in one place, composed by the binary.
#[derive(Clone, Copy)]
pub struct Area {
    /// The area's name: `accounts`.
    pub name: &'static str,
    /// Its tables, forward only.
    pub migrations: &'static [Migration],
    /// Its tables with a `subject` column, and what each column holds.
    pub tables: &'static [Table],
    /// What it writes into the vault.
    pub records: &'static [RecordSpec],
    /// Kinds that it holds only under a notice that names them. All others a notice must name, or the site does not
    /// start.
    pub optional: &'static [Kind],
    /// What it reads from the vault, for whom and why.
    pub views: &'static [ViewSpec],
    /// What it asks people for.
    pub forms: &'static [FormSpec],
    /// What can happen in it: the words that a notice may use after `when`, `from` and `until`.
    pub events: &'static [EventSpec],
    /// Those of its events that happen to a single record with a key of its own: a clock that counts from one ends that
    /// record and nothing else.
    pub record_events: &'static [(&'static str, RecordSpec)],
    /// How people leave, if it is here that they do: whoever asks for it may think again, or is gone at once.
    pub leaving: Option<Leaving>,
    /// The roles that its staff pages know.
    pub roles: &'static [&'static str],
    /// The cookies that it sets, besides the session's.
    pub cookies: &'static [&'static str],
    /// What it does on a date of its own.
    pub jobs: &'static [Job],
    /// What it does when a clock of the notice says so.
    pub hooks: Hooks,
    /// How it proves the promises that are its own.
    pub checks: &'static [Check],
}

impl Area {
    /// An area that brings nothing yet: the base for struct update.
    pub const fn named(name: &'static str) -> Area {
        Area {
            name,
            migrations: &[],
            tables: &[],
            records: &[],
            optional: &[],
            views: &[],
            forms: &[],
            events: &[],
            record_events: &[],
            leaving: None,
            roles: &[],
            cookies: &[],
            jobs: &[],
            hooks: Hooks { disable: None, warn: None, tell: None },
            checks: &[],
        }
    }
}

/// A table with a `subject` column. Registered, so that export, erasure and checks can forget none.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The table.
    pub name: &'static str,
    /// Every column besides `subject`, and what it holds.
    pub columns: &'static [(&'static str, Holds)],
    /// For every kind that a column holds: the statement that takes it away, with the row or by setting the column to
    /// `NULL`. `$1` is the subject. It runs after the kind has gone from the vault.
    pub erase: &'static [(Kind, &'static str)],
}

/// What a column of a subject's row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Personal data of this kind.
    Kind(Kind),
    /// Sealed data or a random id: the vault's own tables, which erasing walks by itself.
    Sealed,
    /// A date or a state that Kept needs to keep the notice. It goes when nothing else of the subject is held.
    Bookkeeping,
}

/// A form: what people are asked for. Whether a field is required is the notice's to say.
#[derive(Clone, Copy, Debug)]
pub struct FormSpec {
    /// The form's name in the notice: `sign-up`.
    pub name: &'static str,
    /// What one does with it: "sign up".
    pub title: &'static str,
    /// Each kind it can ask for, and whether the code cannot do without it.
    pub kinds: &'static [(Kind, bool)],
}

/// Something that can happen to a subject.
#[derive(Clone, Copy, Debug)]
pub struct EventSpec {
    /// The name in the notice: `membership.expired`.
    pub name: &'static str,
    /// How a sentence says it, after "when": "your membership expires".
    pub when: &'static str,
}

/// Work that an area schedules for a subject on a date.
#[derive(Clone, Copy)]
pub struct Job {
    /// The name that [`Act::schedule`] takes.
    pub name: &'static str,
    /// What it does: a function of the transaction and the duty, safe to run again.
    pub run: fn(&mut Act<'_, '_>, &Duty) -> Result<(), KeeperError>,
}

/// What an area does when a clock of the notice asks for it.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// `disable = "account"`: the account opens no more than what is held about its owner.
    pub disable: Option<Disable>,
    /// `warn = [..]`: tell the person what will be erased, and on what day.
    pub warn: Option<Warn>,
    /// A change of the notice: tell the person what changes, and from what day.
    pub tell: Option<Tell>,
}

/// Switches a subject's account off. Says whether it did: a membership may have been renewed since the clock ran out.
pub type Disable = fn(&mut Act<'_, '_>, SubjectId) -> Result<bool, KeeperError>;

/// Tells a person what is to come.
pub type Warn = fn(&mut Act<'_, '_>, &Warning<'_>) -> Result<(), KeeperError>;

/// Tells a person of a change of the notice.
pub type Tell = fn(&mut Act<'_, '_>, &Announcement<'_>) -> Result<Told, KeeperError>;

/// Whether somebody has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A letter is on its way.
    Now,
    /// They cannot be told yet, because their address is not confirmed: it is tried again in a day.
    Later,
    /// There is nobody to tell: no account, or no address.
    Nobody,
}

/// A change of the notice that somebody is to be told.
#[derive(Clone, Copy, Debug)]
pub struct Announcement<'a> {
    /// Whom to tell.
    pub subject: SubjectId,
    /// The day on which it takes effect, or later.
    pub effective: jiff::civil::Date,
    /// The sentences that change, those that matter to people first.
    pub changes: &'a [kept_notice::Difference],
}

/// A warning that is due: what will be erased, and when.
#[derive(Clone, Copy, Debug)]
pub struct Warning<'a> {
    /// Whom to tell.
    pub subject: SubjectId,
    /// The rule that will erase.
    pub rule: &'a str,
    /// The sentence of the notice that says so.
    pub sentence: &'a str,
    /// The moment from which it will be erased.
    pub when: jiff::Timestamp,
}
