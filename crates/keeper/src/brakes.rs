//! Brakes: erasing cannot be undone, so a clock that jumps or a sweep that would erase an unusual share of people
//! pauses it until an owner confirms.

use jiff::{Span, Timestamp};
use kept_store::{Read, StoreError, params};

use crate::{
    act::Act,
    ctx::Actor,
    error::KeeperError,
    keeper::Keeper,
    time::{from_millis, long_date, to_millis},
    trail::{Deed, SITE},
};

/// The least number of people that counts as unusual, whatever the share.
const FEW: i64 = 25;
/// The share of all people that counts as unusual: one in ten.
const SHARE: i64 = 10;

/// Notes the moment, and says why irreversible duties must wait, if they must.
pub(crate) async fn test(keeper: &Keeper, now: Timestamp) -> Result<Option<String>, KeeperError> {
    // Counted beside the writer, because it looks at everybody.
    let crowd = keeper.store.scan(move |read| crowd(read, now)).await.map_err(KeeperError::Store)?;
    keeper
        .act(keeper.ctx(Actor::System), move |act| {
            let tx = act.tx();
            let row =
                tx.query_one("SELECT latest, reason, confirmed FROM brakes WHERE id = 1", &params![])?;
            let (latest, reason) = (from_millis(row.get(0)?)?, row.get::<Option<String>>(1)?);
            let confirmed: Option<i64> = row.get(2)?;
            tx.execute(
                "UPDATE brakes SET latest = $1 WHERE id = 1 AND latest < $1",
                &params![to_millis(now)],
            )?;
            if reason.is_some() {
                return Ok(reason);
            }
            let fresh = to_millis(now.checked_sub(a_day()).map_err(|_| KeeperError::Calendar)?);
            if confirmed.is_some_and(|at| at > fresh) {
                return Ok(None);
            }
            let reason = jumped(latest, now)?.or_else(|| crowd.clone());
            if let Some(reason) = &reason {
                tx.execute(
                    "UPDATE brakes SET paused = $1, reason = $2 WHERE id = 1",
                    &params![to_millis(now), reason],
                )?;
                act.note(SITE, Deed::Site, "erasing paused", &[], Some(reason))?;
                tracing::warn!(%reason, "erasing is paused until an owner confirms");
            }
            Ok(reason)
        })
        .await
}

fn jumped(latest: Timestamp, now: Timestamp) -> Result<Option<String>, KeeperError> {
    let limit = latest.checked_add(a_day()).map_err(|_| KeeperError::Calendar)?;
    Ok((now > limit).then(|| {
        format!(
            "the clock went from {} to {}: the server was off, or its clock is wrong",
            long_date(latest),
            long_date(now)
        )
    }))
}

fn crowd(read: &Read<'_>, now: Timestamp) -> Result<Option<String>, StoreError> {
    let due: i64 = read
        .query_one(
            "SELECT COUNT(DISTINCT subject) FROM duties WHERE state = 'waiting' AND action = 'erase' AND record = '' AND due <= $1",
            &params![to_millis(now)],
        )?
        .get(0)?;
    if due <= FEW {
        return Ok(None);
    }
    let all: i64 = read
        .query_one("SELECT COUNT(DISTINCT subject) FROM keys WHERE subject <> $1", &params![SITE.as_bytes()])?
        .get(0)?;
    Ok((due * SHARE > all).then(|| format!("this sweep would erase data of {due} of {all} people")))
}

impl Keeper {
    /// Why irreversible duties wait, if they do.
    ///
    /// # Errors
    /// The database failed.
    pub async fn paused(&self) -> Result<Option<String>, KeeperError> {
        self.store
            .read(|read| read.query_one("SELECT reason FROM brakes WHERE id = 1", &params![])?.get(0))
            .await
            .map_err(KeeperError::Store)
    }

    /// An owner releases the brakes in an act of its own: see [`Act::release_brake`].
    ///
    /// # Errors
    /// The actor is not an owner, or the database failed.
    pub async fn release_brake(&self, owner: Actor) -> Result<(), KeeperError> {
        let Actor::Staff { role: "owner", .. } = owner else {
            return Err(KeeperError::NotYours { view: "brakes" });
        };
        self.act(self.ctx(owner), |act| act.release_brake()).await
    }
}

impl Act<'_, '_> {
    /// An owner has looked and confirms that the moment is right and that what is due may go. For a day no brake
    /// comes on by itself. The system may do it, too, for an owner whose act had to wait.
    ///
    /// # Errors
    /// The actor is neither, or the database failed.
    pub fn release_brake(&mut self) -> Result<(), KeeperError> {
        let (Actor::Staff { role: "owner", .. } | Actor::System) = self.ctx.actor else {
            return Err(KeeperError::NotYours { view: "brakes" });
        };
        self.tx().execute(
            "UPDATE brakes SET paused = NULL, reason = NULL, latest = $1, confirmed = $1 WHERE id = 1",
            &params![to_millis(self.ctx.now)],
        )?;
        self.note(SITE, Deed::Site, "erasing confirmed", &[], None).map(drop)
    }
}

/// How far a clock may go on between two sweeps.
fn a_day() -> Span {
    Span::new().hours(24)
}
