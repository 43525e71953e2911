//! The ground that has been covered: what a run of the checks has read of the ledger and of the deeds, so that the next
//! one can go on from there. It is in memory only, so nobody can change it behind the server's back; a server that starts
//! has none, and reads everything.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kept_ledger::Frontier;
use kept_store::{Read, params};

use crate::{
    error::KeeperError,
    policy::Policy,
    time::{from_millis, to_millis},
    trail,
};

/// How many deeds are read at once.
const PAGE: i64 = 10_000;

/// Everything up to a moment that was read and found in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ground {
    /// The notice under which it was.
    pub(crate) version: String,
    /// The moment of the last run, if there was one: whoever's time had come by then has been looked at.
    pub(crate) at: Option<Timestamp>,
    /// The ledger's edge, computed from its leaves.
    pub(crate) edge: Frontier,
    /// What was done, by rule.
    deeds: BTreeMap<String, Deeds>,
}

/// What was done under a rule.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deeds {
    /// Erased or switched off.
    pub(crate) done: i64,
    /// Of these, before the moment that the notice's own arithmetic gives.
    pub(crate) early: i64,
    /// Anything, warnings too, without an event in the ledger.
    pub(crate) unrecorded: i64,
}

impl Ground {
    /// Reads on from here to the present end of the ledger.
    ///
    /// # Errors
    /// [`KeeperError::Ledger`]: the leaves do not give the ledger's root.
    pub(crate) fn go_on(
        &self,
        read: &Read<'_>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Ground, KeeperError> {
        let edge = trail::verified_edge(read, &self.edge)?;
        let version = policy.version().into();
        let mut ground = Ground { version, at: Some(now), edge, deeds: self.deeds.clone() };
        ground.read_deeds(read, policy, self.edge.size())?;
        Ok(ground)
    }

    /// What was done under a rule.
    pub(crate) fn deeds(&self, rule: &str) -> Deeds {
        self.deeds.get(rule).copied().unwrap_or_default()
    }

    fn read_deeds(&mut self, read: &Read<'_>, policy: &Policy, from: u64) -> Result<(), KeeperError> {
        let position = |size: u64| i64::try_from(size).map_err(|_| KeeperError::Ledger);
        let (mut next, end) = (position(from)?, position(self.edge.size())?);
        loop {
            let rows = read.query(
                "SELECT position, rule, action, started, done FROM deeds WHERE position >= $1 \
                 ORDER BY position LIMIT $2",
                &params![next, PAGE],
            )?;
            for row in &rows {
                let (at, rule): (i64, String) = (row.get(0)?, row.get(1)?);
                next = at + 1;
                let early = policy.notice.retain(&rule).is_some()
                    && row.get::<i64>(4)? < to_millis(policy.floor(&rule, from_millis(row.get(3)?)?)?);
                let ends = matches!(row.get::<String>(2)?.as_str(), "erase" | "disable");
                let deeds = self.deeds.entry(rule).or_default();
                deeds.done += i64::from(ends);
                deeds.early += i64::from(ends && early);
                // The leaves have no gap, so every position below the end has one.
                deeds.unrecorded += i64::from(at >= end);
            }
            if rows.is_empty() {
                return Ok(());
            }
        }
    }
}
