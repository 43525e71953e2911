//! Filling a site and its floor with people, and how much room they take.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kept_keeper::{Actor, Claim, KeeperError};
use kept_store::params;
use serde::{Deserialize, Serialize};

use crate::{
    Failure, floor, machine,
    people::{BY_EMAIL, person},
    site,
};

/// People written in one act.
const BATCH: usize = 50;

/// Where a site or a floor is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Where {
    /// The data folder.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// The PostgreSQL database; SQLite in the folder without.
    #[arg(long)]
    pub(crate) url: Option<String>,
}

/// What filling has shown.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Filled {
    /// Database files after tidying, without what an empty site takes, in bytes per person.
    pub(crate) bytes_per_person: f64,
    pub(crate) people_per_second: f64,
}

/// Writes so many people into a new site and their ids into the file `ids`, and then the floor at `below`.
#[expect(clippy::cast_precision_loss, reason = "far fewer bytes than a float can count")]
pub(crate) async fn run(at: Where, below: Where, people: usize) -> Result<Filled, Failure> {
    let keeper = site::open(&at).await?;
    keeper.store().scrub().await?;
    let empty = room(&keeper, &at).await?;
    let begun = machine::start();
    let mut ids: Vec<[u8; 16]> = Vec::with_capacity(people);
    for first in (0..people).step_by(BATCH) {
        let last = people.min(first + BATCH);
        let written = keeper.act(keeper.ctx(Actor::Visitor), move |act| {
            let mut written = Vec::with_capacity(BATCH);
            for n in first..last {
                let (subject, profile) = (act.new_subject(), person(n));
                act.put(subject, &profile)?;
                if act.claim(BY_EMAIL, &profile.email, subject)? != Claim::Granted {
                    return Err(KeeperError::Malformed("two invented people have one address"));
                }
                written.push(*subject.as_bytes());
            }
            Ok(written)
        });
        ids.extend(written.await?);
    }
    let people_per_second = people as f64 / begun.elapsed().as_secs_f64();
    keeper.store().scrub().await?;
    let bytes_per_person = room(&keeper, &at).await?.saturating_sub(empty) as f64 / people as f64;
    keeper.close().await?;
    fs::write(at.folder.join("ids"), ids.as_flattened())?;
    floor::fill(&below, &ids).await?;
    Ok(Filled { bytes_per_person, people_per_second })
}

/// The ids that [`run`] wrote, in the order of the people.
pub(crate) fn read_ids(file: &Path) -> Result<Vec<[u8; 16]>, Failure> {
    Ok(fs::read(file)?.as_chunks::<16>().0.to_vec())
}

async fn room(keeper: &kept_keeper::Keeper, at: &Where) -> Result<u64, Failure> {
    if at.url.is_none() {
        return Ok(machine::size(&at.folder, "kept.db"));
    }
    let bytes: i64 = keeper
        .store()
        .scan(|read| {
            read.query_one(
                "SELECT CAST(sum(pg_total_relation_size(c.oid)) AS BIGINT) FROM pg_class c \
                 WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
                &params![],
            )?
            .get(0)
            .map_err(KeeperError::Store)
        })
        .await?;
    Ok(u64::try_from(bytes)?)
}
