//! Years of a site in a minute: invented people, staff, and a machine that dies now and then, on a virtual clock, against
//! the real kernel in a real folder. Every night the clocks are swept, every sentence is proven, and people are held
//! against what the simulation knows of them by itself. The first promise that breaks stops it.
//!
//! Everything that happens by chance comes from one seed, so the same plan gives the same ledger to the last leaf.

mod dice;
mod judge;
mod people;
mod person;
mod plot;
mod story;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    pin::Pin,
};

use futures_util::future::join_all;
use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use kept_accounts::{Passwords, password::HashFailed};
use kept_keeper::{Actor, Area, Keeper, KeeperError, Policy, Promise, Registry, StartError, time};
use kept_store::params;
use kept_vault::Kind;
use serde::Serialize;
use zeroize::Zeroizing;

pub use plot::draw;
pub use story::Story;

use dice::Dice;
use people::{People, Step};
use person::after;
use world::World;

/// The machine dies on one day of so many.
const CRASH: u32 = 23;
/// Every so many days the database is written anew, as a server does after it has erased.
const TIDY: i64 = 30;
/// How many people are looked at every night whatever happened to them.
const SAMPLE: u32 = 10;
/// A curve has a point every so many days.
const WEEK: i64 = 7;

/// What is to be simulated.
#[derive(Clone, Copy)]
pub struct Plan<'a> {
    /// The notice, as written.
    pub notice: &'a str,
    /// The parts of the organisation.
    pub areas: &'a [Area],
    /// How long, from the day on which the notice takes effect.
    pub span: Span,
    /// How many people sign up in that time; some of them more than once.
    pub people: u32,
    /// Where all chance comes from.
    pub seed: u64,
    /// Where the site's folder is made, which is gone afterwards. In memory it is several times faster than on a disk that
    /// must sync, and nothing is lost: a crash here is of the machine, as the folder lies.
    pub place: &'a Path,
}

/// Why a simulation could not be run. A broken promise is an outcome, and none of these.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The site could not be opened under the notice.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The kernel failed.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The folder of the simulation could not be used.
    #[error("the simulation's folder cannot be used: {0}")]
    Io(#[from] io::Error),
    /// A password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashFailed),
    /// A date is beyond the calendar.
    #[error("the years lead out of the calendar: choose fewer")]
    Calendar,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// What was lived through.
    pub tally: Tally,
    /// The first promise that broke, if one did.
    pub broken: Option<Broken>,
    /// How it went, week by week.
    #[serde(skip)]
    pub weeks: Vec<Week>,
}

/// What was lived through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Days.
    pub days: i64,
    /// People who signed up.
    pub people: usize,
    /// What people and staff did.
    pub acts: u64,
    /// What the clocks did.
    pub duties: usize,
    /// How often something was erased.
    pub erasures: i64,
    /// How often the machine died.
    pub crashes: u32,
    /// How often a brake came on, and an owner looked and confirmed.
    pub brakes: u32,
    /// Sentences proven.
    pub proofs: usize,
    /// Events in the ledger.
    pub events: u64,
    /// The ledger's root, in base64.
    pub root: String,
}

/// How things stood at the end of a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// The day.
    pub on: Date,
    /// People with an account in use, or not yet confirmed.
    pub open: i64,
    /// People whose membership has ended, and of whom it is still known who they are.
    pub ended: i64,
    /// People of whom it is no longer known who they are.
    pub erased: i64,
    /// What the clocks have done until then.
    pub duties: i64,
    /// How often something has been erased until then.
    pub erasures: i64,
}

/// A promise that broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The day at whose end it was found.
    pub day: Date,
    /// The rule, where one is concerned.
    pub rule: Option<String>,
    /// Its sentence.
    pub sentence: Option<String>,
    /// What was found.
    pub finding: String,
    /// The history of somebody concerned.
    pub person: Option<Story>,
}

/// What is wrong, under which rule.
struct Finding {
    rule: Option<String>,
    text: String,
}

impl Finding {
    fn new(rule: Option<&str>, text: &str) -> Finding {
        Finding { rule: rule.map(Into::into), text: text.into() }
    }
}

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
    let mut life = Life {
        world,
        people,
        dice,
        start,
        tally: Tally::default(),
        weeks: Vec::new(),
        looks: BTreeMap::new(),
    };
    let mut broken = None;
    for day in 1..=days {
        broken = life.day(day, each_day).await?;
        if broken.is_some() {
            break;
        }
    }
    life.outcome(broken).await
}

/// A simulation under way.
struct Life<'a> {
    world: World<'a>,
    people: People,
    dice: Dice,
    start: Timestamp,
    tally: Tally,
    weeks: Vec<Week>,
    /// Who is to be looked at, at the end of which day.
    looks: BTreeMap<i64, BTreeSet<usize>>,
}

impl Life<'_> {
    async fn day(&mut self, day: i64, each_day: &mut EachDay<'_>) -> Result<Option<Broken>, SimulateError> {
        let steps = self.people.steps(day, &mut self.dice)?;
        let crash = self.dice.one_in(CRASH).then(|| {
            let most = u32::try_from(steps.len()).unwrap_or(u32::MAX);
            self.dice.below(most.saturating_add(1)) as usize
        });
        let (before, rest) = steps.split_at(crash.unwrap_or(0).min(steps.len()));
        self.live(day, before).await?;
        if crash.is_some() {
            self.world.crash(self.dice.seed()).await?;
        }
        self.live(day, rest).await?;

        let night = after(self.start, &Span::new().days(day))?;
        self.world.clock.set(night);
        self.tally.days = day;
        each_day(day, self.world.keeper.clone()).await?;
        let found = self.night(day, night).await?;
        if day % TIDY == 0 {
            self.world.keeper.tidy().await?;
        }
        if found.is_none() && day % WEEK == 0 {
            self.note_week(night).await?;
        }
        Ok(found)
    }

    /// Carries out some of a day's steps. They wait in line together, as requests do, so that they share commits.
    async fn live(&mut self, day: i64, steps: &[(Timestamp, Step)]) -> Result<(), SimulateError> {
        let mut under_way = Vec::new();
        let mut busy = BTreeSet::new();
        for (at, step) in steps {
            let Some(step) = self.people.decide(&mut self.dice, day, *step) else { continue };
            // Whoever does two things on one day does the second after the first.
            if step.whose().is_some_and(|person| !busy.insert(person)) {
                self.finish(day, std::mem::take(&mut under_way)).await?;
            }
            self.world.clock.set(*at);
            if let Some(doing) = self.people.doing(&self.world.keeper, &mut self.dice, step) {
                under_way.push((*at, step, doing));
            }
        }
        self.finish(day, under_way).await
    }

    async fn finish(
        &mut self,
        day: i64,
        under_way: Vec<(Timestamp, Step, people::Doing)>,
    ) -> Result<(), SimulateError> {
        let (steps, doing): (Vec<_>, Vec<_>) =
            under_way.into_iter().map(|(at, step, doing)| ((at, step), doing)).unzip();
        for ((at, step), new) in steps.into_iter().zip(join_all(doing).await) {
            if let Some(index) = self.people.done(&mut self.dice, day, at, step, new?)? {
                self.look_at(index, day)?;
            }
        }
        Ok(())
    }

    /// Sweeps, proves, and looks at people.
    async fn night(&mut self, day: i64, night: Timestamp) -> Result<Option<Broken>, SimulateError> {
        let keeper = self.world.keeper.clone();
        let mut swept = keeper.sweep().await?;
        self.tally.duties += swept.done;
        if swept.paused.is_some() {
            let owner = Actor::Staff { subject: self.people.staff, role: "owner" };
            keeper.release_brake(owner).await?;
            self.tally.brakes += 1;
            swept = keeper.sweep().await?;
            self.tally.duties += swept.done;
        }
        if swept.failed > 0 {
            let text = format!("duties that could not be done: {}", swept.failed);
            return self.broken(night, Finding::new(None, &text), None).await.map(Some);
        }
        self.end_memberships(day, night)?;
        let found = self.look(day, night).await?;
        let report = match keeper.prove().await {
            Err(KeeperError::Ledger) => {
                let text = KeeperError::Ledger.to_string();
                return self.broken(night, Finding::new(None, &text), None).await.map(Some);
            }
            report => report?,
        };
        self.tally.proofs += report.promises.len();
        self.tally.events = report.ledger.size;
        self.tally.root.clone_from(&report.ledger.root);
        if let Some(promise) = report.broken().next() {
            let who = match found {
                Some((index, _)) => Some(index),
                None => self.look_for(promise, night).await?,
            };
            let finding = Finding::new(Some(&promise.id), &promise.detail);
            return self.broken(night, finding, who).await.map(Some);
        }
        match found {
            Some((index, finding)) => self.broken(night, finding, Some(index)).await.map(Some),
            None => Ok(None),
        }
    }

    /// Memberships whose date has come: the site should have ended them by itself.
    fn end_memberships(&mut self, day: i64, night: Timestamp) -> Result<(), SimulateError> {
        for index in self.looks.get(&day).cloned().unwrap_or_default() {
            let Some(person) = self.people.all.get_mut(index) else { continue };
            let Some(end) = person.expires.filter(|end| *end <= night) else { continue };
            if person.events.get("membership.expired").is_none_or(|at| *at < end) {
                person.happened("membership.expired", end);
                self.look_at(index, day)?;
            }
        }
        Ok(())
    }

    /// Looks at whoever did something today, whose dates are near, and at a few besides.
    async fn look(&mut self, day: i64, night: Timestamp) -> Result<Option<(usize, Finding)>, SimulateError> {
        let mut today = self.looks.remove(&day).unwrap_or_default();
        let all = u32::try_from(self.people.all.len()).unwrap_or(u32::MAX);
        today.extend((0..SAMPLE.min(all)).map(|_| self.dice.below(all) as usize));
        for index in today {
            let Some(person) = self.people.all.get_mut(index) else { continue };
            if let Some(finding) = judge::judge(&self.world.keeper, person, night).await? {
                return Ok(Some((index, finding)));
            }
        }
        Ok(None)
    }

    /// Looks for somebody concerned by a promise of which a check says that it is broken.
    async fn look_for(
        &mut self,
        promise: &Promise,
        night: Timestamp,
    ) -> Result<Option<usize>, SimulateError> {
        for (index, person) in self.people.all.iter_mut().enumerate() {
            let found = judge::judge(&self.world.keeper, person, night).await?;
            if found.is_some_and(|found| found.rule.as_deref() == Some(&promise.id)) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Has somebody looked at tonight, and on the nights around every date that now lies before them.
    fn look_at(&mut self, index: usize, day: i64) -> Result<(), SimulateError> {
        let Some(person) = self.people.all.get(index) else { return Ok(()) };
        let mut ends = person.ends(&self.world.keeper.policy().notice)?;
        ends.extend(person.expires);
        self.looks.entry(day).or_default().insert(index);
        for end in ends {
            let night = self.people.night(end);
            for night in [night - 1, night].into_iter().filter(|night| *night > day) {
                self.looks.entry(night).or_default().insert(index);
            }
        }
        Ok(())
    }

    async fn note_week(&mut self, night: Timestamp) -> Result<(), SimulateError> {
        let all = &self.people.all;
        let count = |which: &dyn Fn(&person::Person) -> bool| {
            i64::try_from(all.iter().filter(|person| which(person)).count()).unwrap_or(i64::MAX)
        };
        let gone = |person: &person::Person| person.gone.contains(&Kind::NAME);
        let over = |person: &person::Person| person.expires.is_some_and(|end| end <= night);
        let week = Week {
            on: time::day(night),
            open: count(&|person| !gone(person) && !over(person)),
            ended: count(&|person| !gone(person) && over(person)),
            erased: count(&gone),
            duties: i64::try_from(self.tally.duties).unwrap_or(i64::MAX),
            erasures: self.count_erasures().await?,
        };
        self.weeks.push(week);
        Ok(())
    }

    async fn count_erasures(&self) -> Result<i64, SimulateError> {
        let counted = self.world.keeper.store().scan(|read| {
            read.query_one("SELECT COUNT(*) FROM deeds WHERE action = 'erase'", &params![])?.get(0)
        });
        Ok(counted.await.map_err(KeeperError::Store)?)
    }

    async fn broken(
        &self,
        night: Timestamp,
        finding: Finding,
        who: Option<usize>,
    ) -> Result<Broken, SimulateError> {
        let policy = self.world.keeper.policy();
        let sentence = finding.rule.as_deref().and_then(|rule| policy.sentence(rule));
        let person = match who.and_then(|index| self.people.all.get(index)) {
            Some(person) => Some(story::tell(&self.world.keeper, person).await?),
            None => None,
        };
        // The sweep at midnight ends the day before.
        let day = time::day(night).yesterday().map_err(|_| SimulateError::Calendar)?;
        Ok(Broken {
            day,
            sentence: sentence.map(|sentence| sentence.text.clone()),
            rule: finding.rule,
            finding: finding.text,
            person,
        })
    }

    async fn outcome(mut self, broken: Option<Broken>) -> Result<Outcome, SimulateError> {
        self.tally.people = self.people.all.len();
        self.tally.acts = self.people.acts;
        self.tally.crashes = self.world.crashes;
        self.tally.erasures = self.count_erasures().await?;
        Ok(Outcome { tally: self.tally, broken, weeks: self.weeks })
    }
}
