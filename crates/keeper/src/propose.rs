//! Proposing another notice: it is compiled for this site, compared with the one in force, and written down with the
//! moment from which it binds, or for people to be told first.

use jiff::civil::Date;
use kept_notice::{Difference, Notice, is_material};
use kept_store::params;
use kept_vault::Kind;
use thiserror::Error;

use crate::{
    act::Act,
    ctx::Actor,
    error::{KeeperError, StartError},
    follow::{LEASE, midnight},
    keeper::Keeper,
    policy::Policy,
    registry::holds_any,
    time::{day, from_millis, long_date, to_millis},
    trail::{Deed, SITE},
};

/// What came of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// Nobody is worse off by it: it takes effect at this moment.
    From {
        /// The moment.
        when: jiff::Timestamp,
        /// What changes.
        changes: Vec<Difference>,
    },
    /// People are told first. It takes effect on this day, or later if telling takes longer.
    Announced {
        /// The day.
        effective: Date,
        /// What changes.
        changes: Vec<Difference>,
    },
    /// It is proposed already.
    Already,
    /// It is the notice in force, and nothing else is proposed.
    InForce,
    /// It is the notice in force: what was proposed instead is withdrawn.
    Withdrawn,
}

/// Why a notice cannot take the place of the one in force. Nothing has been changed.
#[derive(Debug, Error)]
pub enum ProposeError {
    /// The site cannot run under it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The notice in force does not say how changes are announced.
    #[error(
        "the notice in force does not say how changes are announced, so it may not change in a way that matters to \
         people ({rule}: {reason}): propose one first that adds `change = {{ by = \"e-mail\", ahead = \"30 days\" }}` \
         to [notice] and nothing else"
    )]
    Unannounced {
        /// A rule that changes.
        rule: String,
        /// Why that matters.
        reason: String,
    },
    /// It says that it takes effect before it can.
    #[error(
        "the notice says `effective = {says}`, and can take effect on {earliest} at the earliest: write that day or a later one"
    )]
    TooSoon {
        /// What it says.
        says: Date,
        /// The first day on which it can.
        earliest: Date,
    },
    /// Another change is under way.
    #[error(
        "another change of the notice is under way (version {version}): wait until it is in force, or withdraw it by \
         proposing the notice in force"
    )]
    UnderWay {
        /// Its version, shortened.
        version: String,
    },
    /// It is too late to take the change back: some server may already count on it.
    #[error(
        "the proposed notice is in force within a minute, so it cannot be withdrawn any more: propose another after that"
    )]
    TooLate,
    /// A clock cannot be compared with the one of its name.
    #[error(
        "[{rule}] has another `when`, or does something else, than the rule of this name in force: give it another name"
    )]
    OtherClock {
        /// The rule.
        rule: String,
    },
    /// It is silent about data that is still held, which would then have no end.
    #[error(
        "the notice no longer names {kind}, and such data is still held: keep it in [data], with its end, until all of it is gone"
    )]
    StillHeld {
        /// The kind of data.
        kind: Kind,
    },
    /// It was in force before.
    #[error("this notice was in force before, since {since}: write another day as `effective`")]
    Before {
        /// Since when.
        since: String,
    },
}

impl From<KeeperError> for ProposeError {
    fn from(cause: KeeperError) -> ProposeError {
        ProposeError::Start(cause.into())
    }
}

impl From<kept_store::StoreError> for ProposeError {
    fn from(cause: kept_store::StoreError) -> ProposeError {
        KeeperError::from(cause).into()
    }
}

impl Keeper {
    /// Proposes another notice for this site, or withdraws what is proposed by naming the one in force.
    ///
    /// # Errors
    /// It cannot take the place of the one in force, and why.
    pub async fn propose(&self, source: &str) -> Result<Proposed, ProposeError> {
        let policy = Policy::compile(source, &self.house.registry)?;
        let (source, notice) = (source.to_owned(), policy.notice);
        let outcome = self.act(self.ctx(Actor::System), move |act| propose(act, &source, &notice)).await?;
        self.read_notices(self.now()).await?;
        Ok(outcome)
    }
}

fn propose(act: &mut Act<'_, '_>, source: &str, new: &Notice) -> Result<Proposed, ProposeError> {
    let (tx, now, policy) = (act.tx(), act.ctx.now, act.ctx.policy.clone());
    let old = &policy.notice;
    if new.version == old.version {
        return withdraw(act);
    }
    match act.proposed() {
        Some(version) if version == new.version => return Ok(Proposed::Already),
        Some(version) => {
            return Err(ProposeError::UnderWay { version: version.chars().take(12).collect() });
        }
        None => {}
    }
    if let Some(row) =
        tx.query_opt("SELECT activated FROM policies WHERE version = $1", &params![&new.version])?
    {
        return Err(ProposeError::Before { since: long_date(from_millis(row.get(0)?)?) });
    }
    same_clocks(old, new)?;
    nothing_left_behind(act, old, new)?;
    let changes = new.changes_from(old);
    let today = day(now);
    let Some(earliest) = old.earliest(&changes, today) else {
        let first = changes.iter().find(|one| one.is_material());
        let (rule, reason) = first.map(|one| (one.id.clone(), one.reasons.join("; "))).unwrap_or_default();
        return Err(ProposeError::Unannounced { rule, reason });
    };
    if new.effective < earliest {
        return Err(ProposeError::TooSoon { says: new.effective, earliest });
    }
    let material = is_material(&changes);
    // Every server must have read of it before the moment comes.
    let soonest = to_millis(now.checked_add(LEASE).map_err(|_| KeeperError::Calendar)?);
    let activates = (!material).then_some(midnight(new.effective)?.max(soonest));
    let told = activates.map(|_| to_millis(now));
    tx.execute(
        "INSERT INTO policies (version, source, effective, material, proposed, listed, told, activates) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
        &params![
            &new.version,
            source,
            new.effective.to_string(),
            i64::from(material),
            to_millis(now),
            told,
            activates
        ],
    )?;
    act.change_notices(
        "UPDATE ledger_edge SET proposed = $1, activates = $2 WHERE id = 1",
        &params![&new.version, activates],
    )?;
    act.note(SITE, Deed::Site, "notice proposed", &[], Some(&new.version))?;
    Ok(match activates {
        Some(when) => Proposed::From { when: from_millis(when)?, changes },
        None => Proposed::Announced { effective: new.effective, changes },
    })
}

/// The notice in force is proposed: whatever else was is withdrawn. Who was told of it has been told in vain.
fn withdraw(act: &mut Act<'_, '_>) -> Result<Proposed, ProposeError> {
    let Some(version) = act.proposed().map(str::to_owned) else { return Ok(Proposed::InForce) };
    let tx = act.tx();
    let lease = to_millis(act.ctx.now.checked_add(LEASE).map_err(|_| KeeperError::Calendar)?);
    let row = tx.query_one("SELECT activates FROM ledger_edge WHERE id = 1", &params![])?;
    if row.get::<Option<i64>>(0)?.is_some_and(|from| from <= lease) {
        return Err(ProposeError::TooLate);
    }
    tx.execute("DELETE FROM policies WHERE version = $1 AND activated IS NULL", &params![&version])?;
    act.change_notices("UPDATE ledger_edge SET proposed = NULL, activates = NULL WHERE id = 1", &params![])?;
    act.note(SITE, Deed::Site, "proposed notice withdrawn", &[], Some(&version))?;
    Ok(Proposed::Withdrawn)
}

/// Nothing is held that the notice no longer names.
fn nothing_left_behind(act: &Act<'_, '_>, old: &Notice, new: &Notice) -> Result<(), ProposeError> {
    let named = old.data.iter().flat_map(|data| &data.kinds);
    for kind in named.filter(|term| new.label_of(term.id).is_none()).filter_map(|term| Kind::parse(term.id)) {
        let tables = act.house().registry.tables();
        let mut places = vec![format!("keys WHERE kind = '{kind}'")];
        places.extend(
            tables.filter_map(|table| Some(format!("{} WHERE {}", table.name, holds_any(table, &[kind])?))),
        );
        for place in places {
            if !act.tx().query(&format!("SELECT 1 FROM {place} LIMIT 1"), &params![])?.is_empty() {
                return Err(ProposeError::StillHeld { kind });
            }
        }
    }
    Ok(())
}

/// A rule's clocks can be carried over only if the same event starts the same deed.
fn same_clocks(old: &Notice, new: &Notice) -> Result<(), ProposeError> {
    for is in &new.retains {
        let Some(was) = old.retain(&is.rule.id) else { continue };
        if was.when != is.when || was.erased().is_some() != is.erased().is_some() {
            return Err(ProposeError::OtherClock { rule: is.rule.id.clone() });
        }
    }
    Ok(())
}
