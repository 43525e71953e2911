//! Which notice is in force: a row with a moment, which every server follows.
//!
//! An act learns with its turn which version is in force, and reads one that it does not know from the database. A look
//! takes no turn, and relies on what its server read at most half a [`LEASE`] ago; since a notice binds a lease after its
//! moment was written down, or later, no server serves a page under the old one after that moment. So all servers switch
//! at one moment without being restarted, also one that was stopped meanwhile.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kept_notice::Notice;
use kept_store::{Read, params};

use crate::{
    act::Act,
    ctx::Ctx,
    error::KeeperError,
    keeper::{House, Keeper},
    policy::Policy,
    sweep::chain,
    time::{from_millis, to_millis},
    trail::{Deed, SITE},
};

/// How long before it binds the moment of a notice is written down, at the least.
pub const LEASE: Duration = Duration::from_secs(60);

/// What a server knows of the site's notices.
pub(crate) struct Known {
    in_force: Arc<Policy>,
    coming: Option<Arc<Coming>>,
    /// Until when a look may rely on it.
    good_until: Timestamp,
}

/// A notice that is proposed and not yet in force.
pub struct Coming {
    /// The notice, compiled.
    pub policy: Arc<Policy>,
    /// As it was written.
    pub source: String,
    /// What it changes, what matters to people first.
    pub changes: Vec<kept_notice::Difference>,
    /// From when it binds; none while people are being told.
    pub from: Option<Timestamp>,
}

/// A notice that was in force, or is.
pub struct Version {
    /// Its hash.
    pub version: String,
    /// Since when it has been in force.
    pub since: Timestamp,
    /// Until when it was, if it no longer is.
    pub until: Option<Timestamp>,
    /// As it was written.
    pub source: String,
    /// As it reads; none if this version of the code no longer knows its words.
    pub notice: Option<Notice>,
}

impl Known {
    /// What is known when a server starts, before it has asked.
    pub(crate) fn only(policy: Policy) -> Known {
        Known { in_force: Arc::new(policy), coming: None, good_until: Timestamp::MIN }
    }

    fn at(&self, now: Timestamp) -> Arc<Policy> {
        let bound = self.coming.as_ref().filter(|coming| coming.from.is_some_and(|from| from <= now));
        bound.map_or(&self.in_force, |coming| &coming.policy).clone()
    }

    fn find(&self, version: &str) -> Option<Arc<Policy>> {
        let coming = self.coming.as_ref().filter(|coming| coming.from.is_some()).map(|c| &c.policy);
        let in_force = std::iter::successors(Some(&self.in_force), |policy| policy.before.as_ref());
        coming.into_iter().chain(in_force).find(|policy| policy.version() == version).cloned()
    }
}

impl House {
    /// The policy of a version that an act found in force.
    pub(crate) fn policy_of(&self, read: &Read<'_>, version: &str) -> Result<Arc<Policy>, KeeperError> {
        let known = |house: &House| house.known.read().unwrap_or_else(PoisonError::into_inner).find(version);
        if let Some(policy) = known(self) {
            return Ok(policy);
        }
        self.learn(read, Timestamp::MIN)?;
        known(self).ok_or(KeeperError::Malformed("no notice of the version in force"))
    }

    /// The notice that an act found proposed.
    pub(crate) fn coming(&self, read: &Read<'_>, version: &str) -> Result<Option<Arc<Coming>>, KeeperError> {
        let known = |house: &House| {
            let known = house.known.read().unwrap_or_else(PoisonError::into_inner);
            known.coming.clone().filter(|coming| coming.policy.version() == version)
        };
        if let Some(coming) = known(self) {
            return Ok(Some(coming));
        }
        self.learn(read, Timestamp::MIN)?;
        Ok(known(self))
    }

    /// Reads the site's notices, compiling those that are new.
    pub(crate) fn learn(&self, read: &Read<'_>, good_until: Timestamp) -> Result<(), KeeperError> {
        let mut in_force: Option<Arc<Policy>> = None;
        let (bound, waiting): (Vec<Row>, Vec<Row>) =
            rows(read)?.into_iter().partition(|row| row.activated.is_some());
        for row in bound {
            let Some(since) = row.activated else { continue };
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner).find(&row.version);
            in_force = match known.filter(|known| known.since == since) {
                Some(known) => Some(known),
                None => self.compile(&row, in_force, since)?,
            };
        }
        let in_force = in_force.ok_or(KeeperError::Malformed("no notice in force"))?;
        let coming = match waiting.first() {
            None => None,
            Some(row) => self.announced(row, &in_force, good_until)?,
        };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known { in_force, coming, good_until };
        Ok(())
    }

    /// The proposed notice. A server that cannot run it goes on until shortly before it binds.
    fn announced(
        &self,
        row: &Row,
        in_force: &Arc<Policy>,
        good_until: Timestamp,
    ) -> Result<Option<Arc<Coming>>, KeeperError> {
        let since = row.activates.unwrap_or(Timestamp::MAX);
        match self.compile(row, Some(in_force.clone()), since) {
            Ok(None) => Ok(None),
            Ok(Some(policy)) => {
                let mut changes = policy.notice.changes_from(&in_force.notice);
                changes.sort_by_key(|one| !one.is_material());
                Ok(Some(Arc::new(Coming {
                    policy,
                    source: row.source.clone(),
                    changes,
                    from: row.activates,
                })))
            }
            Err(cause) if since > good_until => {
                tracing::error!(cause = %chain(&cause), "this server cannot run the proposed notice");
                Ok(None)
            }
            Err(cause) => Err(cause),
        }
    }

    /// A row's policy in the place of another. Of an earlier version whose words the code no longer knows, only the
    /// dates of its clocks are kept, which are in their rows.
    fn compile(
        &self,
        row: &Row,
        before: Option<Arc<Policy>>,
        since: Timestamp,
    ) -> Result<Option<Arc<Policy>>, KeeperError> {
        match Policy::compile(&row.source, &self.registry) {
            Ok(policy) => Ok(Some(Arc::new(policy.after(before, since)))),
            Err(cause) if row.replaced => {
                tracing::warn!(version = %row.version, cause = %chain(&cause), "an earlier notice no longer reads");
                Ok(before)
            }
            Err(cause) => Err(KeeperError::Incapable {
                version: row.version.chars().take(12).collect(),
                cause: chain(&cause),
            }),
        }
    }
}

/// A row of `policies`, the earlier ones first and the proposed one last.
struct Row {
    version: String,
    source: String,
    activates: Option<Timestamp>,
    activated: Option<Timestamp>,
    /// Whether another has taken its place.
    replaced: bool,
}

fn rows(read: &Read<'_>) -> Result<Vec<Row>, KeeperError> {
    let moment = |at: Option<i64>| at.map(from_millis).transpose();
    let rows = read.query(
        "SELECT version, source, activates, activated FROM policies \
         ORDER BY CASE WHEN activated IS NULL THEN 1 ELSE 0 END, activated",
        &params![],
    )?;
    let last = rows.iter().filter(|row| matches!(row.get::<Option<i64>>(3), Ok(Some(_)))).count();
    rows.iter()
        .enumerate()
        .map(|(place, row)| {
            Ok(Row {
                version: row.get(0)?,
                source: row.get(1)?,
                activates: moment(row.get(2)?)?,
                activated: moment(row.get(3)?)?,
                replaced: place + 1 < last,
            })
        })
        .collect()
}

/// The first act at or after the moment from which a proposed notice binds puts it into force.
pub(crate) fn put_into_force(act: &mut Act<'_, '_>) -> Result<(), KeeperError> {
    let version = act.ctx.policy.version().to_owned();
    act.tx().execute(
        "UPDATE policies SET activated = activates, reached = NULL WHERE version = $1",
        &params![&version],
    )?;
    act.change_notices(
        "UPDATE ledger_edge SET policy = $1, proposed = NULL, activates = NULL WHERE id = 1",
        &params![&version],
    )?;
    // What was found under the old sentences says nothing of the new ones.
    act.tx().execute("DELETE FROM evidence", &params![])?;
    act.note(SITE, Deed::Site, "notice taken into force", &[], None).map(drop)
}

impl Keeper {
    /// The policy in force now, as far as this server has read. [`follow`](Keeper::follow) reads on.
    pub fn policy(&self) -> Arc<Policy> {
        self.house.known.read().unwrap_or_else(PoisonError::into_inner).at(self.now())
    }

    /// The notice that is proposed, as far as this server has read.
    pub fn coming(&self) -> Option<Arc<Coming>> {
        let known = self.house.known.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        known.coming.clone().filter(|coming| coming.from.is_none_or(|from| from > now))
    }

    /// Makes sure that this server knows the notice in force, and gives it. A page that neither acts nor looks begins
    /// with this.
    ///
    /// # Errors
    /// The database failed, or the notice in force is one that this version of the code cannot run.
    pub async fn follow(&self) -> Result<Arc<Policy>, KeeperError> {
        let now = self.now();
        if now >= self.house.known.read().unwrap_or_else(PoisonError::into_inner).good_until {
            self.read_notices(now).await?;
        }
        Ok(self.policy())
    }

    /// Reads the site's notices anew.
    pub(crate) async fn read_notices(&self, now: Timestamp) -> Result<(), KeeperError> {
        let house = self.house.clone();
        let good_until = now.checked_add(LEASE / 2).map_err(|_| KeeperError::Calendar)?;
        self.store.read(move |read| house.learn(read, good_until)).await
    }

    /// The circumstances of a look, under the policy in force at its moment.
    pub(crate) async fn followed(&self, ctx: Ctx) -> Result<Ctx, KeeperError> {
        let known = |now| {
            let known = self.house.known.read().unwrap_or_else(PoisonError::into_inner);
            (now < known.good_until).then(|| known.at(now))
        };
        if known(ctx.now).is_none() {
            self.read_notices(ctx.now).await?;
        }
        let policy = known(ctx.now).unwrap_or_else(|| ctx.policy.clone());
        Ok(Ctx { policy, ..ctx })
    }

    /// Every notice that was ever in force here, the newest first (`ntc-1`).
    ///
    /// # Errors
    /// The database failed.
    pub async fn versions(&self) -> Result<Vec<Version>, KeeperError> {
        let rows = self.store.read(rows).await?;
        let words = self.house.registry.vocabulary();
        let mut versions: Vec<Version> = Vec::new();
        let mut until = None;
        for row in rows.into_iter().rev() {
            // From its moment on it is in force, also before the first act has put it there.
            let bound = row.activates.filter(|from| *from <= self.now());
            let Some(since) = row.activated.or(bound) else { continue };
            let notice = kept_notice::parse(&row.source, &words).ok();
            versions.push(Version { version: row.version, since, until, source: row.source, notice });
            until = Some(since);
        }
        Ok(versions)
    }
}

/// The beginning of a day, in UTC, the calendar that the clocks use.
pub(crate) fn midnight(day: jiff::civil::Date) -> Result<i64, KeeperError> {
    let zoned = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| KeeperError::Calendar)?;
    Ok(to_millis(zoned.timestamp()))
}
