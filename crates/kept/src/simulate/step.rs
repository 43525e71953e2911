//! What somebody may do, and whether it makes sense as things stand.

use jiff::Timestamp;
use kept_notice::Notice;
use kept_vault::Kind;

use super::{SimulateError, person::Person};

/// Something that somebody may do on a day.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Signs up: this invented person.
    Join(u32),
    /// Is taken over from elsewhere.
    Import(u32),
    Confirm(usize),
    Learn(usize),
    Correct(usize),
    /// Is looked up by support, who states a reason.
    LookUp(usize),
    /// Ends the membership before its date.
    Leave(usize),
    /// Decides about the membership that ends at this moment.
    Decide(usize, Timestamp),
    Renew(usize),
    /// Goes on for another year where there are no memberships.
    Year(usize),
    Dispute(usize),
    Settle(usize),
    /// Signs up anew, if the site no longer knows them.
    ComeBack(usize),
    /// Does something on the site's own pages.
    Online(usize, Errand),
}

/// Something that somebody does on the site's own pages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Errand {
    SignIn,
    /// Somebody tries a wrong password.
    Guess,
    /// Opens My account where they sat down at this moment, and so many times more, as late as they still can or just too late.
    Visit {
        opened: Timestamp,
        more: u8,
        pace: Pace,
    },
    SignOut {
        opened: Timestamp,
    },
    /// Asks to close the account.
    Close,
    /// Takes that back.
    Keep,
    CloseNow,
    /// Lets the account rest.
    Rest,
    /// Says that somebody may know the password.
    GiveUp,
    /// Chooses a new password by a letter.
    Recover,
    HandIn,
    /// Registers the machine on which they have installed something.
    Register,
    /// Has a document decided on, at the desk.
    Verify,
    /// Says that they were a member before.
    AskReturn,
    /// Has that decided, at the desk.
    DecideReturn,
}

/// How long somebody waits before the next page.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// However it comes.
    Any,
    /// Just not too long, until the session ends by itself.
    Steady,
}

impl Step {
    pub(super) fn whose(self) -> Option<usize> {
        match self {
            Step::Join(_) | Step::Import(_) => None,
            Step::Confirm(index)
            | Step::Learn(index)
            | Step::Correct(index)
            | Step::LookUp(index)
            | Step::Leave(index)
            | Step::Decide(index, _)
            | Step::Renew(index)
            | Step::Year(index)
            | Step::Dispute(index)
            | Step::Settle(index)
            | Step::ComeBack(index)
            | Step::Online(index, _) => Some(index),
        }
    }

    /// Whether it makes sense: nobody confirms twice, nobody learns after the end.
    pub(super) fn fits(
        self,
        person: &Person,
        notice: &Notice,
        now: Timestamp,
    ) -> Result<bool, SimulateError> {
        Ok(match self {
            Step::Join(_) | Step::Import(_) | Step::Decide(..) | Step::Year(_) => true,
            Step::Confirm(_) => !person.is_confirmed() && person.has(Kind::EMAIL_ADDRESS),
            Step::Learn(_) | Step::Correct(_) => person.can_use(notice, now)?,
            Step::Leave(_) => person.is_member(now) && !person.is_closed(),
            Step::Renew(_) => person.is_known() && person.expires.is_some() && !person.is_closed(),
            Step::LookUp(_) => person.is_known(),
            Step::Dispute(_) => person.is_known() && !person.disputes(),
            Step::Settle(_) => person.disputes() && !person.is_gone(),
            Step::ComeBack(_) => person.gone.contains(&Kind::NAME) && !person.came_back,
            Step::Online(_, errand) => match errand {
                Errand::SignIn | Errand::Guess => person.is_confirmed() && !person.came_back,
                Errand::Visit { .. } | Errand::SignOut { .. } => true,
                Errand::Close | Errand::CloseNow | Errand::Rest => {
                    person.can_use(notice, now)? && !person.is_closing()
                }
                Errand::Keep => person.can_use(notice, now)? && person.is_closing(),
                Errand::GiveUp | Errand::HandIn | Errand::Register => person.can_use(notice, now)?,
                Errand::AskReturn => person.can_use(notice, now)? && person.former.is_some(),
                Errand::Recover => person.is_known(),
                Errand::Verify => person.is_known() && person.papers.waiting().is_some(),
                Errand::DecideReturn => person.is_known() && person.former.is_some(),
            },
        })
    }
}
