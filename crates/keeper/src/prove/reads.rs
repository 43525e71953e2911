//! Proving who looks at what, and why (`use-1`, `use-2`): not what the views declare, which was decided when the site
//! started, but what the trails of some people say was done.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kept_notice::{Notice, Verdict, words::counted};
use kept_vault::SubjectId;

use super::{Finding, Inspect};
use crate::{
    error::KeeperError,
    policy::{Judged, Policy},
    trail::{self, Deed, Event},
    view::By,
};

/// `use-2`: every read for this purpose stays within what the notice says it uses.
pub(crate) fn purpose(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let Some(purpose) = inspect.policy.notice.purpose(inspect.name()) else {
        return Ok(Finding::broken(1, "the notice has no such purpose"));
    };
    let views = || inspect.policy.views.iter().filter(|view| view.spec.purpose == purpose.is.id);
    let off = views().filter(|view| matches!(view.verdict, Verdict::Refused { .. })).count();
    let kinds_of_read = count(views().count() - off);
    let reads: Vec<&Event> =
        looks(inspect)?.filter(|event| is_for(inspect.policy, event, purpose.is.id)).collect();
    let beyond = reads.iter().filter(|event| goes_beyond(inspect.policy, event, purpose.is.id)).count();
    if beyond > 0 {
        return Ok(Finding::broken(count(beyond), format!("looks at more than it uses: {beyond}")));
    }
    let mut detail = match kinds_of_read {
        0 => "nobody reads anything for it".to_owned(),
        n => format!("{}, all within it", counted(n, "kind of read", "kinds of read")),
    };
    if off > 0 {
        detail.push_str(&format!("; switched off because they went beyond it: {off}"));
    }
    if !reads.is_empty() {
        detail.push_str(&format!("; looks gone over as a test: {}", reads.len()));
    }
    Ok(Finding::kept(kinds_of_read, detail))
}

/// `use-1`: staff in this role read through declared views only, with a reason where one is asked for.
pub(crate) fn role(inspect: &Inspect<'_, '_>) -> Result<Finding, KeeperError> {
    let name = inspect.name();
    let views = inspect.policy.views.iter().filter(
        |view| matches!((view.spec.by, &view.verdict), (By::Role(role), Verdict::Allowed { .. }) if role == name),
    );
    let views = count(views.count());
    let reads: Vec<&Event> =
        looks(inspect)?.filter(|event| role_of(event).is_some_and(|role| role == name)).collect();
    let wrong = reads.iter().filter(|event| !is_granted(inspect.policy, event, name)).count();
    let unasked = if inspect.policy.notice.role(name).is_some_and(|rule| rule.asks_permission) {
        let events = inspect.events()?;
        reads.iter().filter(|look| !is_permitted(events.clone(), look)).count()
    } else {
        0
    };
    if unasked > 0 {
        return Ok(Finding::broken(
            count(unasked),
            format!("looks without a recorded permission: {unasked}"),
        ));
    }
    if wrong > 0 {
        let detail = format!("looks that the notice does not allow, or without what it asks for: {wrong}");
        return Ok(Finding::broken(count(wrong), detail));
    }
    let mut detail = format!(
        "{}; each look is in the log before it is shown",
        counted(views, "kind of read", "kinds of read")
    );
    if !reads.is_empty() {
        detail.push_str(&format!("; gone over as a test: {}", reads.len()));
    }
    Ok(Finding::kept(views, detail))
}

/// A look at somebody's data by a person who works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffLook {
    /// Who looked.
    pub by: SubjectId,
    /// When.
    pub at: Timestamp,
}

impl Inspect<'_, '_> {
    /// The looks in a role at some people's data, from their own trails, under whichever notice.
    ///
    /// # Errors
    /// The database failed.
    pub fn looks_in(&self, role: &str) -> Result<Vec<StaffLook>, KeeperError> {
        let by = |event: &Event| event.who.strip_prefix(role)?.strip_prefix(':')?.parse().ok();
        let looks = self.events()?.filter(|event| event.deed == Deed::Read);
        Ok(looks.filter_map(|event| Some(StaffLook { by: by(event)?, at: event.at })).collect())
    }

    /// The events of a person's own trail that are `wanted`, the newest first; none when the trail has been erased. What
    /// does not open says nothing.
    ///
    /// # Errors
    /// The database failed.
    pub fn trail_of(
        &self,
        subject: SubjectId,
        wanted: impl Fn(&Event) -> bool,
    ) -> Result<Option<Vec<Event>>, KeeperError> {
        let (mut before, mut found) = (None, None);
        loop {
            let page = match trail::of(self.read, &self.vault(), subject, before, PAGE) {
                Err(KeeperError::Sealed { .. } | KeeperError::Ledger) => return Ok(Some(Vec::new())),
                page => page?,
            };
            let Some(last) = page.last() else { return Ok(found) };
            before = Some(last.position);
            let events = page.into_iter().map(|entry| entry.event);
            found.get_or_insert_with(Vec::new).extend(events.filter(&wanted));
        }
    }
}

/// How many events of a trail are read at once.
const PAGE: i64 = 1_000;

/// The looks at some people's data under the notice in force. Trails that do not open are for the check of access.
fn looks<'a>(inspect: &'a Inspect<'_, '_>) -> Result<impl Iterator<Item = &'a Event>, KeeperError> {
    Ok(inspect.events()?.filter(|event| event.deed == Deed::Read && event.notice == inspect.policy.version()))
}

/// The role in which staff read; nothing for the person and the server.
fn role_of(event: &Event) -> Option<&str> {
    event.who.split_once(':').map(|(role, _)| role)
}

fn view_of<'p>(policy: &'p Policy, event: &Event) -> Option<&'p Judged> {
    policy.views.iter().find(|view| view.spec.name == event.what)
}

/// Whether a read was for this purpose, by its own word or by that of its view.
fn is_for(policy: &Policy, event: &Event, purpose: &str) -> bool {
    event.purpose.as_deref() == Some(purpose)
        || view_of(policy, event).is_some_and(|view| view.spec.purpose == purpose)
}

fn goes_beyond(policy: &Policy, event: &Event, purpose: &str) -> bool {
    let uses = used_for(&policy.notice, purpose);
    event.kinds.iter().any(|kind| !uses.contains(kind.as_str()))
}

fn used_for<'n>(notice: &'n Notice, purpose: &str) -> BTreeSet<&'n str> {
    let purposes = notice.purposes.iter().filter(|one| one.is.id == purpose);
    purposes.flat_map(|one| &one.uses).flat_map(|label| notice.kinds_of(label)).collect()
}

/// Whether a look by staff was through a view of that role which the notice allows, for its purpose, at its kinds and no
/// others, and with a reason if one is asked for.
fn is_granted(policy: &Policy, event: &Event, role: &str) -> bool {
    let Some(Judged { spec, verdict: Verdict::Allowed { .. }, kinds }) = view_of(policy, event) else {
        return false;
    };
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.term()).collect();
    let asks = policy.notice.role(role).is_none_or(|rule| rule.asks_reason);
    matches!(spec.by, By::Role(by) if by == role)
        && event.purpose.as_deref() == Some(spec.purpose)
        && event.kinds.iter().all(|kind| kinds.contains(&kind.as_str()))
        && (!asks || event.because.is_some())
}

/// `acc-9`: whether the permission to a look is on record: it was noted in the same act, by who looked.
fn is_permitted<'a>(mut events: impl Iterator<Item = &'a Event>, look: &Event) -> bool {
    events.any(|event| event.deed == Deed::Permitted && event.who == look.who && event.at == look.at)
}

fn count(found: usize) -> i64 {
    i64::try_from(found).unwrap_or(i64::MAX)
}
