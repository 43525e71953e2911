//! What the support desk can do for a member, and when it makes sense.

use kept_keeper::{Act, Deed, KeeperError};
use kept_vault::{Kind, SubjectId};
use kept_web::BaseUrl;

use crate::{
    members::{self, Account, Standing},
    records::Addressee,
    recovery, staff,
};

/// What the desk can do for a member.
#[derive(Clone, Copy)]
pub(crate) enum Deal {
    Renew,
    Expire,
    Disable,
    Enable,
    OpenDispute,
    SettleDispute,
    Recover,
}

impl Deal {
    pub(crate) const ALL: [Deal; 7] = [
        Deal::Renew,
        Deal::Expire,
        Deal::Disable,
        Deal::Enable,
        Deal::OpenDispute,
        Deal::SettleDispute,
        Deal::Recover,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Deal::Renew => "renew",
            Deal::Expire => "expire",
            Deal::Disable => "disable",
            Deal::Enable => "enable",
            Deal::OpenDispute => "open-dispute",
            Deal::SettleDispute => "settle-dispute",
            Deal::Recover => "recover",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Deal::Renew => "Renew for a year",
            Deal::Expire => "End the membership today",
            Deal::Disable => "Switch the account off",
            Deal::Enable => "Open the account again",
            Deal::OpenDispute => "Note a dispute",
            Deal::SettleDispute => "Settle the dispute",
            Deal::Recover => "Send a link to a new password",
        }
    }

    /// What it leads to, before one presses it.
    pub(crate) fn leads_to(self) -> &'static str {
        match self {
            Deal::Renew => "The account is open, and no date of erasing runs.",
            Deal::Expire => "The account is switched off, and the dates of the notice begin to run.",
            Deal::Disable => {
                "It opens what we hold about the person, to see, take along and erase it, and nothing else. Dates that run, \
                 run on."
            }
            Deal::Enable => "The person can use it again.",
            Deal::OpenDispute => {
                "The person disputes how we handle their data: what it covers is not erased."
            }
            Deal::SettleDispute => "What it kept is erased when the notice says so.",
            Deal::Recover => {
                "It goes to the person’s main address. First make sure that it is them: have them say the address, or a number \
                 that you see or compare above."
            }
        }
    }

    pub(crate) fn done(self) -> &'static str {
        match self {
            Deal::Renew => "The membership is renewed for a year, and the person has a message.",
            Deal::Expire => "The membership has ended today. The account is switched off within a minute.",
            Deal::Disable => "The account is switched off.",
            Deal::Enable => "The account is open again.",
            Deal::OpenDispute => "The dispute is noted. What it covers is kept until it is settled.",
            Deal::SettleDispute => "The dispute is settled. The dates of the notice run again.",
            Deal::Recover => "A message with the link is on its way to the person’s main address.",
        }
    }

    /// Whether it makes sense as things stand. An end is not ended again, which would move the dates of erasing; an
    /// account whose membership is over is opened by renewing it; one that its owner has closed stays closed; who works
    /// here is the owners' to decide on.
    pub(crate) fn fits(self, case: &Case) -> bool {
        let open = case.account.standing == Standing::Open;
        let closed = case.account.standing == Standing::Closed;
        let member = case.account.expires.is_some();
        match self {
            Deal::Renew => member && !case.works_here && !closed,
            Deal::Expire => member && !case.works_here && !case.expired && !closed,
            Deal::Disable => !case.works_here && open,
            Deal::Enable => !case.works_here && case.account.standing == Standing::Disabled && !case.expired,
            Deal::OpenDispute => case.disputes == Some(false),
            Deal::SettleDispute => case.disputes == Some(true),
            Deal::Recover => !case.works_here && !closed && !case.over,
        }
    }

    /// Whether the person must have allowed that somebody looks into the account (`acc-9`).
    pub(crate) fn needs_permission(self) -> bool {
        matches!(self, Deal::Recover)
    }
}

/// How things stand with a member, as far as it decides what the desk may do.
pub(crate) struct Case {
    pub(crate) account: Account,
    pub(crate) expired: bool,
    pub(crate) works_here: bool,
    /// Whether a dispute holds their data; nothing under a notice that knows no disputes.
    pub(crate) disputes: Option<bool>,
    /// Whether the password has been erased for good, and a dispute keeps the rest.
    pub(crate) over: bool,
}

/// The case of a member; of nobody who has not confirmed, or whose identity has been erased.
pub(crate) fn case(act: &mut Act<'_, '_>, subject: SubjectId) -> Result<Option<Case>, KeeperError> {
    let confirmed = members::account(act.tx(), subject)?.filter(|a| a.standing != Standing::Pending);
    let Some(account) = confirmed else { return Ok(None) };
    if act.view::<Addressee>(subject, None)?.email.is_none() {
        return Ok(None);
    }
    Ok(Some(Case {
        account,
        expired: account.expires.is_some_and(|at| at <= act.ctx.now),
        works_here: !staff::roles(act.tx(), subject, act.ctx.now)?.is_empty(),
        disputes: disputes(act, subject)?,
        over: act.is_over(subject, Kind::PASSWORD)?,
    }))
}

fn disputes(act: &Act<'_, '_>, subject: SubjectId) -> Result<Option<bool>, KeeperError> {
    let standing = act.holds(subject)?;
    let mut running = None;
    for hold in act.ctx.policy.notice.holds_from("dispute.opened") {
        running = Some(running.unwrap_or(false) || standing.contains(&hold.rule.id));
    }
    Ok(running)
}

/// Does it, with the reason on the member's trail.
pub(crate) fn perform(
    act: &mut Act<'_, '_>,
    subject: SubjectId,
    deal: Deal,
    reason: &str,
    base: &BaseUrl,
) -> Result<(), KeeperError> {
    let (what, deed) = match deal {
        Deal::Renew => ("membership renewed", Deed::Wrote),
        Deal::Expire => ("membership ended", Deed::Wrote),
        Deal::Disable => ("account", Deed::Disabled),
        Deal::Enable => ("account opened again", Deed::Wrote),
        Deal::OpenDispute => ("dispute opened", Deed::Wrote),
        Deal::SettleDispute => ("dispute settled", Deed::Wrote),
        Deal::Recover => ("help with signing in, with your permission", Deed::Wrote),
    };
    act.note(subject, deed, what, &[], Some(reason))?;
    match deal {
        Deal::Renew => members::renew(act, subject),
        Deal::Expire => members::expire_now(act, subject),
        Deal::Disable => members::disable(act, subject),
        Deal::Enable => members::enable(act, subject),
        Deal::OpenDispute => act.emit(subject, "dispute.opened"),
        Deal::SettleDispute => act.emit(subject, "dispute.settled"),
        Deal::Recover => recovery::send(act, subject, None, |path| base.join(path)),
    }
}
