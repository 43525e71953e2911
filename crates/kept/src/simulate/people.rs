//! Everybody, and what they have in mind: whether and when is the dice's to say, how is the site's own functions' and pages'.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Span, Timestamp};
use kept_accounts::{
    ROLES, enrol, give_role,
    members::{self, NewMember},
};
use kept_keeper::{Actor, Keeper, KeeperError, Policy};
use kept_notice::Notice;
use kept_vault::{Kind, SubjectId};

use super::{
    SimulateError,
    dice::Dice,
    person::{Person, after, counts_from, knows},
    seat::Seat,
    step::{Errand, Step},
};
use crate::demo::invent;

/// How many days before its end people decide about their membership.
const DECIDE: i64 = 10;
/// The days after which whoever has no membership goes on for another year.
const YEAR: i64 = 365;
/// The minutes of a day in which people do things of themselves.
const WAKING: i64 = 22 * 60;

/// Everybody, and what they have in mind.
pub(super) struct People {
    pub(super) all: Vec<Person>,
    /// How many acts the site has carried out for them.
    pub(super) acts: u64,
    /// Steps by their moment, and by the order in which they were planned.
    agenda: BTreeMap<(Timestamp, u64), Step>,
    planned: u64,
    start: Timestamp,
    pub(super) staff: Staff,
    hash: String,
    pub(super) policy: Arc<Policy>,
}

/// The one who works there, in every role of the notice.
pub(super) struct Staff {
    pub(super) subject: SubjectId,
    pub(super) email: String,
    /// The secret of the second factor, in base32.
    pub(super) secret: String,
    pub(super) seat: Option<Seat>,
}

impl People {
    /// Hires the staff, and lets so many people sign up over so many days, most of them early; where the notice names a
    /// source, some are taken over from there.
    pub(super) async fn begin(
        keeper: &Keeper,
        dice: &mut Dice,
        hash: String,
        (people, days): (u32, i64),
    ) -> Result<People, SimulateError> {
        let policy = keeper.policy();
        let (all, agenda) = (Vec::new(), BTreeMap::new());
        let start = keeper.now();
        let staff = hire(keeper, &policy.notice, &hash).await?;
        let mut all = People { all, acts: 0, agenda, planned: 0, start, staff, hash, policy };
        let takes_over = !all.notice().sources.is_empty();
        for number in 1..=people {
            let day = dice.between(1, days).min(dice.between(1, days));
            let imported = takes_over && dice.one_in(5);
            all.plan(dice, day, if imported { Step::Import(number) } else { Step::Join(number) })?;
        }
        Ok(all)
    }

    pub(super) fn notice(&self) -> &Notice {
        &self.policy.notice
    }

    pub(super) fn invent(&self, number: u32) -> NewMember {
        invent(self.notice(), number, &self.hash)
    }

    /// The next step before a moment, and its own.
    pub(super) fn next(&mut self, before: Timestamp) -> Option<(Timestamp, Step)> {
        let first = self.agenda.first_entry().filter(|first| first.key().0 < before)?;
        let ((at, _), step) = first.remove_entry();
        Some((at, step))
    }

    /// Plans a step for some minute of a day.
    pub(super) fn plan(&mut self, dice: &mut Dice, day: i64, step: Step) -> Result<(), SimulateError> {
        let at = self.minute(day, dice.between(0, WAKING))?;
        self.plan_at(at, step);
        Ok(())
    }

    pub(super) fn plan_at(&mut self, at: Timestamp, step: Step) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), step);
    }

    pub(super) fn minute(&self, day: i64, minute: i64) -> Result<Timestamp, SimulateError> {
        after(self.start, &Span::new().days(day - 1).minutes(minute))
    }

    /// Plans what comes up: the chance of each is one in so many, on one of the days from the first up to the last from now.
    pub(super) fn may(
        &mut self,
        dice: &mut Dice,
        day: i64,
        chances: &[(u32, i64, i64, Step)],
    ) -> Result<(), SimulateError> {
        for (cases, least, most, step) in chances {
            if dice.one_in(*cases) {
                let on = day + dice.between(*least, *most);
                self.plan(dice, on, *step)?;
            }
        }
        Ok(())
    }

    /// Somebody thinks about renewing, or lets the membership end; or another year begins without one.
    pub(super) fn decide(
        &mut self,
        dice: &mut Dice,
        day: i64,
        step: Step,
    ) -> Result<Option<Step>, SimulateError> {
        let (index, end) = match step {
            Step::Decide(index, end) => (index, end),
            Step::Year(index) => return self.a_year(dice, day, index).map(|()| None),
            step => return Ok(Some(step)),
        };
        if self.all.get(index).is_none_or(|person| person.expires != Some(end)) {
            return Ok(None);
        }
        if dice.below(10) < 6 {
            return Ok(Some(Step::Renew(index)));
        }
        self.afterwards(dice, day + DECIDE, index)?;
        Ok(None)
    }

    /// What somebody may do in a year: the first, and each for which they renew a membership.
    pub(super) fn a_year(&mut self, dice: &mut Dice, day: i64, index: usize) -> Result<(), SimulateError> {
        let online = |errand| Step::Online(index, errand);
        let mut chances = vec![
            (5, 20, 300, Step::Correct(index)),
            (4, 20, 300, Step::LookUp(index)),
            (30, 20, 300, Step::Dispute(index)),
            (2, 1, 300, online(Errand::SignIn)),
            (12, 1, 300, online(Errand::Guess)),
            (25, 1, 300, online(Errand::GiveUp)),
            (25, 1, 300, online(Errand::Recover)),
        ];
        if let Some(end) = self.all.get(index).and_then(|person| person.expires) {
            chances.push((6, 20, 300, Step::Leave(index)));
            let decides = self.night(end) - DECIDE;
            self.plan(dice, decides, Step::Decide(index, end))?;
        } else if self.all.get(index).is_some_and(|person| !person.is_gone()) {
            self.plan(dice, day + YEAR, Step::Year(index))?;
        }
        // Members let their membership end; others say that they go.
        let often = if knows(self.notice(), Kind::MEMBERSHIP) { 4 } else { 1 };
        let notice = self.notice();
        for (event, cases, errand) in [
            ("account.closing", 5 * often, Errand::Close),
            ("account.closed", 10 * often, Errand::CloseNow),
            ("account.deactivated", 4 * often, Errand::Rest),
        ] {
            if counts_from(notice, event) {
                chances.push((cases, 20, 300, online(errand)));
            }
        }
        if knows(notice, Kind::PERSONAL_DOCUMENTS) {
            chances.push((10, 1, 300, online(Errand::HandIn)));
        }
        if knows(notice, Kind::DEVICE_BASED) {
            chances.push((5, 1, 300, online(Errand::Register)));
        }
        let learns = if knows(notice, Kind::PROFESSIONAL_TRAINING) { dice.below(4) } else { 0 };
        for _ in 0..learns {
            chances.push((1, 1, 300, Step::Learn(index)));
        }
        self.may(dice, day, &chances)
    }

    /// What somebody may do after the membership has ended.
    pub(super) fn afterwards(
        &mut self,
        dice: &mut Dice,
        day: i64,
        index: usize,
    ) -> Result<(), SimulateError> {
        self.may(
            dice,
            day,
            &[
                (8, 1, 170, Step::Dispute(index)),
                (6, 1, 170, Step::Renew(index)),
                (10, 1, 170, Step::LookUp(index)),
                (10, 1, 300, Step::Online(index, Errand::SignIn)),
                (12, 190, 400, Step::ComeBack(index)),
            ],
        )
    }

    /// The day at whose end a moment has come.
    pub(super) fn night(&self, at: Timestamp) -> i64 {
        const DAY: i64 = 24 * 60 * 60;
        let seconds = at.as_second() - self.start.as_second();
        seconds.div_euclid(DAY) + i64::from(seconds.rem_euclid(DAY) > 0)
    }
}

async fn hire(keeper: &Keeper, notice: &Notice, hash: &str) -> Result<Staff, KeeperError> {
    let new = invent(notice, 0, hash);
    let email = new.profile.email.clone();
    let roles: Vec<&str> = ROLES.iter().copied().filter(|role| notice.role(role).is_some()).collect();
    let hired = keeper.act(keeper.ctx(Actor::System), move |act| {
        let subject = members::sign_up(act, &new)?;
        members::confirm(act, subject, &new.email)?;
        roles.iter().try_for_each(|role| give_role(act, subject, role))?;
        Ok::<_, KeeperError>((subject, enrol(act, subject)?))
    });
    let (subject, secret) = hired.await?;
    Ok(Staff { subject, email, secret, seat: None })
}
