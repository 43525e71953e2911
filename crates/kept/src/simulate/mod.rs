//! Years of a site in a minute: invented people, staff, and a machine that dies now and then, on a virtual clock, against
//! the real kernel in a real folder. Every night the clocks are swept, every sentence is proven, and people are held
//! against what the simulation knows of them by itself. The first promise that breaks stops it.
//!
//! Everything that happens by chance comes from one seed, so the same plan gives the same ledger to the last leaf.

mod acts;
mod browser;
mod desk;
mod dice;
mod errands;
mod judge;
mod life;
mod online;
mod outcome;
mod papers;
mod people;
mod person;
mod plot;
mod seat;
mod step;
mod story;
mod world;

use std::pin::Pin;

use jiff::tz::TimeZone;
use kept_accounts::Passwords;
use kept_keeper::{Keeper, KeeperError, Policy, Registry};
use zeroize::Zeroizing;

pub use outcome::{Broken, Outcome, Plan, SimulateError, Tally, Week};
pub use plot::draw;
pub use story::Story;

use dice::Dice;
use life::Life;
use people::People;
use person::after;
use world::World;

/// What is done to a site before a night's sweep: nothing, or a fault that a test plants.
pub type EachDay<'f> =
    dyn FnMut(i64, Keeper) -> Pin<Box<dyn Future<Output = Result<(), KeeperError>> + Send>> + 'f;

/// Lives through a plan. `each_day` is called with the number of the day before its sweep.
///
/// # Errors
/// The notice has problems, or the machine failed. A broken promise is an [`Outcome`].
pub async fn simulate(plan: &Plan<'_>, each_day: &mut EachDay<'_>) -> Result<Outcome, SimulateError> {
    let policy = Policy::compile(plan.notice, &Registry::new(plan.areas))?;
    let effective = policy.notice.effective.to_zoned(TimeZone::UTC).map_err(|_| SimulateError::Calendar)?;
    let start = effective.timestamp();
    let end = after(start, &plan.span)?;
    let days = (end.as_second() - start.as_second()) / (24 * 60 * 60);
    let mut dice = Dice::new(plan.seed);
    let world = World::begin(plan, start, dice.seed()).await?;
    let hash = Passwords::cheap()?.hash(Zeroizing::new(crate::demo::PASSWORD.into()), dice.rng()).await?;
    let people = People::begin(&world.keeper, &mut dice, hash, (plan.people, days)).await?;
    let mut life = Life::begin(world, people, dice, start, days);
    let mut broken = None;
    for day in 1..=days {
        broken = life.day(day, each_day).await?;
        if broken.is_some() {
            break;
        }
    }
    life.outcome(broken).await
}
