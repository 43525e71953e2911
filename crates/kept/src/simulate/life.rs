//! A simulation under way: its days and its nights.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::{Span, Timestamp};
use kept_keeper::{Actor, KeeperError, Promise, time};
use kept_store::params;
use kept_vault::Kind;

use super::{
    EachDay,
    acts::Doing,
    dice::Dice,
    judge,
    online::{Online, Trouble},
    outcome::{Broken, Finding, Outcome, SimulateError, Tally, Week},
    people::People,
    person::{self, after, knows},
    step::{Errand, Step},
    story,
    world::World,
};

/// The machine dies on one day of so many.
const CRASH: u32 = 12;
/// A night's work looks at the clock a few times for each round of duties; one that dies does so before one of these.
const LOOKS: u32 = 12;
/// The minutes of a day.
const MINUTES: i64 = 24 * 60;
/// Every so many days the database is written anew, as a server does after it has erased.
const TIDY: i64 = 30;
/// How many people are looked at every night whatever happened to them.
const SAMPLE: u32 = 10;
/// Every so many days everything is proven anew from the first event on, and a curve has a point.
const WEEK: i64 = 7;

/// A simulation under way.
pub(super) struct Life<'a> {
    world: World<'a>,
    people: People,
    dice: Dice,
    start: Timestamp,
    days: i64,
    tally: Tally,
    weeks: Vec<Week>,
    /// Who is to be looked at, at the end of which day.
    looks: BTreeMap<i64, BTreeSet<usize>>,
}

/// When the machine dies.
enum Crash {
    /// By day, at this moment.
    Day(Timestamp),
    /// In the night's work, before it looks at the clock for the so-manieth time.
    Night(u32),
}

impl<'a> Life<'a> {
    pub(super) fn begin(
        world: World<'a>,
        people: People,
        dice: Dice,
        start: Timestamp,
        days: i64,
    ) -> Life<'a> {
        let (tally, weeks, looks) = (Tally::default(), Vec::new(), BTreeMap::new());
        Life { world, people, dice, start, days, tally, weeks, looks }
    }

    /// Lives through a day and the night after it. Says what broke.
    pub(super) async fn day(
        &mut self,
        day: i64,
        each_day: &mut EachDay<'_>,
    ) -> Result<Option<Broken>, SimulateError> {
        let night = after(self.start, &Span::new().days(day))?;
        let crash = match self.dice.one_in(CRASH) {
            true => Some(self.crash(day)?),
            false => None,
        };
        if let Some(Crash::Day(dies)) = crash {
            if let Some(broken) = self.live(day, dies).await? {
                return Ok(Some(broken));
            }
            self.world.crash(&mut self.dice).await?;
        }
        if let Some(broken) = self.live(day, night).await? {
            return Ok(Some(broken));
        }
        self.world.clock.set(night);
        self.tally.days = day;
        each_day(day, self.world.keeper.clone()).await?;
        let found = match crash {
            Some(Crash::Night(looks)) => self.interrupted_night(day, night, looks).await?,
            _ => self.night(day, night).await?,
        };
        if day % TIDY == 0 {
            self.world.keeper.tidy().await?;
        }
        if found.is_none() && (day % WEEK == 0 || day == self.days) {
            self.note_week(night).await?;
        }
        Ok(found)
    }

    /// Half of the crashes are by day, half by night.
    fn crash(&mut self, day: i64) -> Result<Crash, SimulateError> {
        Ok(if self.dice.one_in(2) {
            Crash::Night(self.dice.below(LOOKS))
        } else {
            Crash::Day(self.people.minute(day, self.dice.between(0, MINUTES))?)
        })
    }

    /// A night in whose work the machine dies: inside a sweep, between any two steps of an erasure, before or after any
    /// commit. What was done from then on nobody will ever know; the work begins again on what the disk has kept. A quiet
    /// night may be over before it comes to that.
    async fn interrupted_night(
        &mut self,
        day: i64,
        night: Timestamp,
        looks: u32,
    ) -> Result<Option<Broken>, SimulateError> {
        let keys = self.world.keys().await?;
        self.world.doom(looks);
        let keeper = self.world.keeper.clone();
        kept_accounts::tidy(&self.world.accounts).await?;
        keeper.sweep().await?;
        // What it finds broken is found again.
        let _ = keeper.prove_new().await;
        drop(keeper);
        self.world.rise(&mut self.dice).await?;
        self.tally.resumed += self.world.begun().await?;
        let found = self.night(day, night).await?;
        if found.is_some() {
            return Ok(found);
        }
        let text = if self.world.begun().await? > 0 {
            "an erasure had begun when the machine died, and was not gone on with"
        } else if self.world.without_tombstone(keys).await? > 0 {
            "a key was destroyed and no tombstone says so"
        } else {
            return Ok(None);
        };
        self.broken(night, Finding::new(None, text), None).await.map(Some)
    }

    /// Carries out the steps of a day up to a moment. They wait in line together, as requests do, so that they share commits;
    /// what is done on a page, and what finds its own moment, is done by itself.
    async fn live(&mut self, day: i64, until: Timestamp) -> Result<Option<Broken>, SimulateError> {
        let mut under_way = Vec::new();
        let mut busy = BTreeSet::new();
        while let Some((at, step)) = self.people.next(until) {
            let Some(step) = self.people.decide(&mut self.dice, day, step)? else { continue };
            let alone = matches!(step, Step::Online(..) | Step::Import(_));
            // Whoever does two things on one day does the second after the first.
            if alone || step.whose().is_some_and(|person| !busy.insert(person)) {
                self.finish(day, std::mem::take(&mut under_way)).await?;
            }
            self.world.clock.set(at);
            if let Step::Online(index, errand) = step {
                if let Some(broken) = self.go_online((day, at), index, errand).await? {
                    return Ok(Some(broken));
                }
                continue;
            }
            if let Some(doing) = self.people.doing(&self.world.keeper, &mut self.dice, step)? {
                under_way.push((at, step, doing));
            }
            if alone {
                self.finish(day, std::mem::take(&mut under_way)).await?;
            }
        }
        self.finish(day, under_way).await?;
        Ok(None)
    }

    async fn go_online(
        &mut self,
        moment: (i64, Timestamp),
        index: usize,
        errand: Errand,
    ) -> Result<Option<Broken>, SimulateError> {
        let done = Online::at(&self.world, &mut self.people, &mut self.dice, moment).run(index, errand).await;
        match done {
            Ok(false) => Ok(None),
            Ok(true) => self.look_at(index, moment.0).map(|()| None),
            Err(Trouble::Failed(cause)) => Err(cause),
            Err(Trouble::Found(finding)) => {
                let night = after(self.start, &Span::new().days(moment.0))?;
                self.broken(night, finding, Some(index)).await.map(Some)
            }
        }
    }

    async fn finish(
        &mut self,
        day: i64,
        under_way: Vec<(Timestamp, Step, Doing)>,
    ) -> Result<(), SimulateError> {
        let (steps, doing): (Vec<_>, Vec<_>) =
            under_way.into_iter().map(|(at, step, doing)| ((at, step), doing)).unzip();
        for (step, new) in steps.into_iter().zip(join_all(doing).await) {
            if let Some(index) = self.people.done(&mut self.dice, day, step, new?)? {
                self.look_at(index, day)?;
            }
        }
        Ok(())
    }

    /// Sweeps, proves, and looks at people.
    async fn night(&mut self, day: i64, night: Timestamp) -> Result<Option<Broken>, SimulateError> {
        let keeper = self.world.keeper.clone();
        kept_accounts::tidy(&self.world.accounts).await?;
        let mut swept = keeper.sweep().await?;
        self.tally.duties += swept.done;
        if swept.paused.is_some() {
            let owner = Actor::Staff { subject: self.people.staff.subject, role: "owner" };
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
        let whole = day % WEEK == 0 || day == self.days;
        let report = if whole { keeper.prove().await } else { keeper.prove_new().await };
        let report = match report {
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
                person.came_about("membership.expired", end);
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
        let notice = &self.people.policy.notice;
        let members = knows(notice, Kind::MEMBERSHIP);
        let over = |person: &person::Person| {
            let ended = members && person.expires.is_some_and(|end| end <= night);
            ended || person.rests() || person.is_closing()
        };
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

    pub(super) async fn outcome(mut self, broken: Option<Broken>) -> Result<Outcome, SimulateError> {
        self.tally.people = self.people.all.len();
        self.tally.acts = self.people.acts;
        self.tally.crashes = self.world.crashes;
        self.tally.erasures = self.count_erasures().await?;
        Ok(Outcome { tally: self.tally, broken, weeks: self.weeks })
    }
}
