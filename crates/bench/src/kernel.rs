//! What is measured without HTTP: the kernel's own work on a filled site.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::Arc,
    time::Duration,
};

use jiff::ToSpan as _;
use kept_keeper::{Actor, Deed, Keeper, KeeperError, Status, Swept};
use kept_ledger::{
    commit, leaf, proof, root,
    tile::{self, WIDTH},
};
use kept_vault::SubjectId;
use serde::{Deserialize, Serialize};

use crate::{
    Failure,
    fill::{Where, read_ids},
    machine,
    people::LEFT,
    site,
};

/// Callers that append at the same time.
const CALLERS: usize = 500;
/// People who are erased one by one.
const SINGLES: usize = 20;
/// The share of people whose clock is due in the sweep: one in five.
const SHARE: usize = 5;

/// What was found.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kernel {
    /// Durable events of one leaf each, per second.
    pub(crate) appends: f64,
    /// Erasing one person: the whole sweep, median, in milliseconds.
    pub(crate) erase: f64,
    /// A durable act that appends one leaf, alone, median, in milliseconds.
    pub(crate) act: f64,
    /// Appending a line to a file and syncing it, median, in milliseconds.
    pub(crate) sync: f64,
    /// People erased per second by one sweep.
    pub(crate) sweep: f64,
    /// How many they were.
    pub(crate) swept: usize,
    /// `prove` on all that is there before anybody leaves, in seconds.
    pub(crate) prove: f64,
    /// Leaves then.
    pub(crate) leaves: u64,
}

/// Measures a site that nobody else has open.
#[expect(clippy::cast_precision_loss, reason = "far fewer people than a float can count")]
pub(crate) async fn run(at: Where, seconds: f64) -> Result<Kernel, Failure> {
    let keeper = site::open(&at).await?;
    let ids: Vec<SubjectId> =
        read_ids(&at.folder.join("ids"))?.into_iter().map(SubjectId::from_bytes).collect();
    let mut found = Kernel { appends: appends(&keeper, &ids, seconds).await?, ..Kernel::default() };

    let begun = machine::start();
    let report = keeper.prove().await?;
    found.prove = begun.elapsed().as_secs_f64();
    found.leaves = report.ledger.size;
    all_kept(&keeper).await?;

    let mut leaving = ids.iter().rev().copied();
    found.act = median(SINGLES, async || {
        keeper.act(keeper.ctx(Actor::System), |act| act.note_site(Deed::Site, "measured").map(drop)).await?;
        Ok(())
    })
    .await?;
    found.sync = synced_append(&at.folder)?;
    let owner = Actor::Staff { subject: SubjectId::from_bytes([9; 16]), role: "owner" };
    keeper.release_brake(owner).await?;
    let mut took = Vec::new();
    for subject in leaving.by_ref().take(SINGLES) {
        leave(&keeper, vec![subject]).await?;
        let begun = machine::start();
        expect(&keeper.sweep().await?, 1)?;
        took.push(begun.elapsed());
    }
    found.erase = middle(took);

    let many: Vec<SubjectId> = leaving.take(ids.len() / SHARE).collect();
    for some in many.chunks(50) {
        leave(&keeper, some.to_vec()).await?;
    }
    let begun = machine::start();
    expect(&keeper.sweep().await?, many.len())?;
    found.sweep = many.len() as f64 / begun.elapsed().as_secs_f64();
    found.swept = many.len();
    all_kept(&keeper).await?;
    keeper.close().await?;
    Ok(found)
}

/// They left long enough ago that all of them is due now.
async fn leave(keeper: &Keeper, subjects: Vec<SubjectId>) -> Result<(), Failure> {
    let left = keeper.now() - (40 * 24).hours();
    keeper
        .act(keeper.ctx(Actor::System), move |act| {
            subjects.iter().try_for_each(|subject| act.emit_at(*subject, LEFT, left))
        })
        .await
        .map_err(|error: KeeperError| error.into())
}

fn expect(swept: &Swept, done: usize) -> Result<(), Failure> {
    if (swept.done, swept.failed, &swept.paused) == (done, 0, &None) {
        return Ok(());
    }
    Err(format!("the sweep should have done {done} duties, and nothing else: {swept:?}").into())
}

/// A figure counts only when the notice is kept.
async fn all_kept(keeper: &Keeper) -> Result<(), Failure> {
    let report = keeper.prove().await?;
    let broken: Vec<&str> = report.broken().map(|promise| promise.id.as_str()).collect();
    if broken.is_empty() && report.promises.iter().any(|promise| promise.status == Status::Kept) {
        return Ok(());
    }
    Err(format!("promises are broken after the measurement: {}", broken.join(", ")).into())
}

/// Events per second, when many callers append one each and wait until it is on the disk.
#[expect(clippy::cast_precision_loss, reason = "far fewer events than a float can count")]
async fn appends(keeper: &Keeper, ids: &[SubjectId], seconds: f64) -> Result<f64, Failure> {
    let ids: Arc<[SubjectId]> = ids.into();
    let ends = machine::start() + Duration::from_secs_f64(seconds);
    let callers: Vec<_> = (0..CALLERS)
        .map(|n| {
            let (keeper, ids) = (keeper.clone(), Arc::clone(&ids));
            tokio::spawn(async move {
                let mut done = 0_usize;
                while machine::start() < ends {
                    let next = (n + done * CALLERS) % ids.len().max(1);
                    let Some(subject) = ids.get(next).copied() else { break };
                    let appended = keeper.act(keeper.ctx(Actor::System).about(subject), move |act| {
                        act.note(subject, Deed::SignedIn, "measured", &[], None).map(drop)
                    });
                    appended.await?;
                    done += 1;
                }
                Ok::<_, KeeperError>(done)
            })
        })
        .collect();
    let begun = machine::start();
    let mut all = 0;
    for caller in callers {
        all += caller.await??;
    }
    Ok(all as f64 / begun.elapsed().as_secs_f64())
}

/// What one sync of this disk takes, in milliseconds: an erasure needs some.
fn synced_append(folder: &Path) -> Result<f64, Failure> {
    let mut file = File::options().create(true).append(true).open(folder.join("bench-sync"))?;
    let mut took = Vec::new();
    for _ in 0..SINGLES {
        let begun = machine::start();
        file.write_all(&[b'x'; 64])?;
        file.sync_data()?;
        took.push(begun.elapsed());
    }
    Ok(middle(took))
}

/// Milliseconds of making one inclusion proof from the tiles of a tree of so many leaves; it is verified afterwards.
pub(crate) fn inclusion_proof(leaves: u32) -> Result<f64, Failure> {
    let folder = tempfile::tempdir()?;
    let leaves: Vec<_> = (0..leaves).map(|n| leaf(&commit(&[0; 32], &n.to_be_bytes()))).collect();
    let (size, root) = (leaves.len() as u64, root(leaves.iter().copied()));
    // From the leaves up, as `since` names them.
    let (mut level, mut hashes) = (0, leaves.clone());
    for tile in tile::since(0, size) {
        if tile.level > level {
            let full = hashes.chunks_exact(usize::try_from(WIDTH)?);
            (level, hashes) =
                (tile.level, full.map(|tile| kept_ledger::root(tile.iter().copied())).collect());
        }
        let (first, width) = (usize::try_from(tile.index * WIDTH)?, usize::try_from(tile.width)?);
        let held = hashes.get(first..first + width).ok_or("no such hashes")?;
        let path = folder.path().join(tile.path());
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        fs::write(path, held.as_flattened())?;
    }
    let mut took = Vec::with_capacity(SINGLES);
    for n in 0..SINGLES as u64 {
        let position = size / SINGLES as u64 * n;
        let begun = machine::start();
        let made = tile::inclusion(size, position, |tile| -> Result<_, Failure> {
            Ok(fs::read(folder.path().join(tile.path()))?.as_chunks().0.to_vec())
        })?;
        took.push(begun.elapsed());
        let wanted = leaves.get(usize::try_from(position)?).ok_or("no leaf")?;
        if !proof::verify_inclusion(wanted, position, size, &made.ok_or("no proof")?, &root) {
            return Err("the inclusion proof does not verify".into());
        }
    }
    Ok(middle(took))
}

async fn median(times: usize, mut work: impl AsyncFnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = machine::start();
        work().await?;
        took.push(begun.elapsed());
    }
    Ok(middle(took))
}

fn middle(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took.get(took.len() / 2).copied().map_or(0.0, milliseconds)
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}
