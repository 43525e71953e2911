//! What people do: whether and when is the dice's to say, how is the site's own functions'.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use jiff::{Span, Timestamp};
use kept_accounts::{
    MemberCard, MyProfile, Profile, give_role,
    members::{self, NewMember},
};
use kept_keeper::{Act, Actor, Deed, Keeper, KeeperError, Policy};
use kept_vault::{Kind, SubjectId};

use super::{
    SimulateError,
    dice::Dice,
    person::{Person, after},
};
use crate::demo::{TRAINING, invent};

/// How many days before its end people decide about their membership.
const DECIDE: i64 = 10;
/// The minutes of a day in which people do things.
const WAKING: i64 = 22 * 60;

/// Something that somebody may do on a day.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Signs up: this invented person.
    Join(u32),
    Confirm(usize),
    Learn(usize),
    Correct(usize),
    /// Is looked up by support, who states a reason.
    LookUp(usize),
    /// Ends the membership before its date.
    Leave(usize),
    /// Decides about the membership that ends at this moment.
    Decide(usize, Timestamp),
    Renew(usize),
    Dispute(usize),
    Settle(usize),
    /// Signs up anew, if the site no longer knows them.
    ComeBack(usize),
}

/// What a step led to.
type Done = Result<Option<SubjectId>, KeeperError>;
/// A step on its way through the site.
pub(super) type Doing = Pin<Box<dyn Future<Output = Done> + Send>>;

/// How somebody on the telephone allows a look.
const PERMITTED: &str = "they named its address";

/// Everybody, and what they have in mind.
pub(super) struct People {
    pub(super) all: Vec<Person>,
    /// How many acts the site has carried out for them.
    pub(super) acts: u64,
    agenda: BTreeMap<i64, Vec<Step>>,
    start: Timestamp,
    /// The one who works there, as support and as owner.
    pub(super) staff: SubjectId,
    hash: String,
    policy: Arc<Policy>,
}

impl People {
    /// Hires the staff, and lets so many people sign up over so many days, most of them early.
    pub(super) async fn begin(
        keeper: &Keeper,
        dice: &mut Dice,
        hash: String,
        (people, days): (u32, i64),
    ) -> Result<People, SimulateError> {
        let new = invent(&keeper.policy().notice, 0, &hash);
        let staff = keeper
            .act(keeper.ctx(Actor::System), move |act| {
                let subject = members::sign_up(act, &new)?;
                members::confirm(act, subject, &new.email)?;
                give_role(act, subject, "support")?;
                give_role(act, subject, "owner")?;
                Ok::<_, KeeperError>(subject)
            })
            .await?;
        let mut agenda: BTreeMap<i64, Vec<Step>> = BTreeMap::new();
        for number in 1..=people {
            let day = dice.between(1, days).min(dice.between(1, days));
            agenda.entry(day).or_default().push(Step::Join(number));
        }
        Ok(People {
            all: Vec::new(),
            acts: 0,
            agenda,
            start: keeper.now(),
            staff,
            hash,
            policy: keeper.policy(),
        })
    }

    /// The steps of a day, each with its moment, in order.
    pub(super) fn steps(
        &mut self,
        day: i64,
        dice: &mut Dice,
    ) -> Result<Vec<(Timestamp, Step)>, SimulateError> {
        let mut steps = Vec::new();
        let morning = after(self.start, &Span::new().days(day - 1))?;
        for step in self.agenda.remove(&day).unwrap_or_default() {
            steps.push((after(morning, &Span::new().minutes(dice.between(0, WAKING)))?, step));
        }
        steps.sort_by_key(|(at, _)| *at);
        Ok(steps)
    }

    /// Begins a step, if it makes sense as things stand: nobody confirms twice, nobody learns after the end.
    pub(super) fn doing(&self, keeper: &Keeper, dice: &mut Dice, step: Step) -> Option<Doing> {
        let now = keeper.now();
        let person = step.whose().and_then(|index| self.all.get(index));
        if !person.is_none_or(|person| step.fits(person, now)) {
            return None;
        }
        let subject = person.map_or(self.staff, |person| person.subject);
        let support = Actor::Staff { subject: self.staff, role: "support" };
        Some(match step {
            Step::Join(number) => self.sign_up(keeper, number),
            Step::ComeBack(_) => self.sign_up(keeper, person?.number),
            Step::Confirm(_) => {
                let new = self.invent(person?.number);
                run(keeper, Actor::System, move |act| members::confirm(act, subject, &new.email).map(drop))
            }
            Step::Learn(_) => {
                let course = TRAINING.get(dice.below(6) as usize).copied().unwrap_or_default();
                let tenths = 5 + dice.between(0, 3) * 5;
                run(keeper, Actor::System, move |act| members::credit(act, subject, tenths, course))
            }
            Step::Correct(_) => {
                let phone = format!("+1 555 01{:02}", dice.below(100));
                run(keeper, Actor::Person(subject), move |act| correct(act, subject, &phone))
            }
            Step::LookUp(_) => run(keeper, support, move |act| {
                act.permit(subject, PERMITTED)?;
                act.view::<MemberCard>(subject, Some("a question on the telephone")).map(drop)
            }),
            Step::Leave(_) => run(keeper, support, move |act| {
                act.note(subject, Deed::Wrote, "membership ended", &[], Some("asked to leave"))?;
                members::expire_now(act, subject)
            }),
            Step::Decide(..) => return None,
            Step::Renew(_) => run(keeper, Actor::System, move |act| members::renew(act, subject)),
            Step::Dispute(_) => run(keeper, support, move |act| {
                act.note(subject, Deed::Wrote, "dispute opened", &[], Some("disputes a letter"))?;
                act.emit(subject, "dispute.opened")
            }),
            Step::Settle(_) => run(keeper, support, move |act| {
                act.note(subject, Deed::Wrote, "dispute settled", &[], Some("agreed with the member"))?;
                act.emit(subject, "dispute.settled")
            }),
        })
    }

    fn sign_up(&self, keeper: &Keeper, number: u32) -> Doing {
        let new = self.invent(number);
        begin(keeper, Actor::Visitor, move |act| members::sign_up(act, &new).map(Some))
    }

    fn invent(&self, number: u32) -> NewMember {
        invent(&self.policy.notice, number, &self.hash)
    }

    /// Notes what came of a step that the site has carried out, and what it leads to. Says whose it was.
    pub(super) fn done(
        &mut self,
        dice: &mut Dice,
        day: i64,
        at: Timestamp,
        step: Step,
        new: Option<SubjectId>,
    ) -> Result<Option<usize>, SimulateError> {
        self.acts += 1;
        if let Some(subject) = new {
            let number = match step {
                Step::Join(number) => number,
                _ => step.whose().and_then(|index| self.all.get(index)).map_or(0, |person| person.number),
            };
            return Ok(Some(self.joined(dice, day, at, subject, number)));
        }
        let Some(index) = step.whose() else { return Ok(None) };
        let Some(person) = self.all.get_mut(index) else { return Ok(None) };
        let mut wrote = |deed, what| person.trail.push((at, deed, what));
        match step {
            Step::Confirm(_) => {
                wrote(Deed::Wrote, "member-id");
                wrote(Deed::Happened, "sign-up.confirmed");
                person.gave(&[Kind::IDENTIFIER]);
                person.happened("sign-up.confirmed", at);
                let end = after(at, &Span::new().years(1))?;
                person.expires = Some(end);
                self.a_year(dice, day, index, end);
            }
            Step::Learn(_) => {
                wrote(Deed::Wrote, "credit");
                person.gave(&[Kind::PROFESSIONAL_TRAINING]);
            }
            Step::Correct(_) => {
                wrote(Deed::Wrote, "profile");
                person.gave(&[Kind::NAME, Kind::EMAIL_ADDRESS, Kind::TELEPHONE_NUMBER]);
            }
            Step::LookUp(_) => {
                if self.policy.notice.role("support").is_some_and(|rule| rule.asks_permission) {
                    wrote(Deed::Permitted, PERMITTED);
                }
                wrote(Deed::Read, "member-card");
            }
            Step::Leave(_) => {
                wrote(Deed::Wrote, "membership ended");
                wrote(Deed::Happened, "membership.expired");
                person.happened("membership.expired", at);
                person.expires = Some(at);
                self.afterwards(dice, day, index);
            }
            Step::Renew(_) => {
                wrote(Deed::Happened, "membership.renewed");
                person.happened("membership.renewed", at);
                let end = after(person.expires.map_or(at, |end| end.max(at)), &Span::new().years(1))?;
                person.expires = Some(end);
                self.a_year(dice, day, index, end);
            }
            Step::Dispute(_) => {
                wrote(Deed::Happened, "dispute.opened");
                person.happened("dispute.opened", at);
                if !dice.one_in(3) {
                    self.plan(day + dice.between(20, 400), Step::Settle(index));
                }
            }
            Step::Settle(_) => {
                wrote(Deed::Happened, "dispute.settled");
                person.happened("dispute.settled", at);
            }
            Step::Join(_) | Step::ComeBack(_) | Step::Decide(..) => {}
        }
        Ok(Some(index))
    }

    /// Somebody thinks about renewing, or lets the membership end.
    pub(super) fn decide(&mut self, dice: &mut Dice, day: i64, step: Step) -> Option<Step> {
        let Step::Decide(index, end) = step else { return Some(step) };
        if self.all.get(index)?.expires != Some(end) {
            return None;
        }
        if dice.below(10) < 6 {
            return Some(Step::Renew(index));
        }
        self.afterwards(dice, day + DECIDE, index);
        None
    }

    fn joined(&mut self, dice: &mut Dice, day: i64, at: Timestamp, subject: SubjectId, number: u32) -> usize {
        let index = self.all.len();
        let mut person = Person::new(subject, number);
        person.happened("sign-up.started", at);
        person.gave(&[Kind::NAME, Kind::EMAIL_ADDRESS, Kind::PASSWORD]);
        let profile = self.invent(number).profile;
        person.gave(profile.address.map_or(&[], |_| &[Kind::PHYSICAL_ADDRESS]));
        person.gave(profile.phone.map_or(&[], |_| &[Kind::TELEPHONE_NUMBER]));
        for (deed, what) in
            [(Deed::Wrote, "profile"), (Deed::Wrote, "credential"), (Deed::Happened, "sign-up.started")]
        {
            person.trail.push((at, deed, what));
        }
        self.all.push(person);
        // One in twenty never does.
        if !dice.one_in(20) {
            self.plan(day + dice.between(1, 5), Step::Confirm(index));
        }
        index
    }

    /// What somebody may do in a year of membership.
    fn a_year(&mut self, dice: &mut Dice, day: i64, index: usize, end: Timestamp) {
        self.plan(self.night(end) - DECIDE, Step::Decide(index, end));
        for _ in 0..dice.below(4) {
            self.plan(day + dice.between(1, 300), Step::Learn(index));
        }
        let chances: [(u32, Step); 4] = [
            (5, Step::Correct(index)),
            (4, Step::LookUp(index)),
            (6, Step::Leave(index)),
            (30, Step::Dispute(index)),
        ];
        for (cases, step) in chances {
            if dice.one_in(cases) {
                self.plan(day + dice.between(20, 300), step);
            }
        }
    }

    /// What somebody may do after the membership has ended.
    fn afterwards(&mut self, dice: &mut Dice, day: i64, index: usize) {
        let chances: [(u32, i64, i64, Step); 4] = [
            (8, 1, 170, Step::Dispute(index)),
            (6, 1, 170, Step::Renew(index)),
            (10, 1, 170, Step::LookUp(index)),
            (15, 190, 400, Step::ComeBack(index)),
        ];
        for (cases, least, most, step) in chances {
            if dice.one_in(cases) {
                self.plan(day + dice.between(least, most), step);
            }
        }
    }

    fn plan(&mut self, day: i64, step: Step) {
        self.agenda.entry(day).or_default().push(step);
    }

    /// The day at whose end a moment has come.
    pub(super) fn night(&self, at: Timestamp) -> i64 {
        const DAY: i64 = 24 * 60 * 60;
        let seconds = at.as_second() - self.start.as_second();
        seconds.div_euclid(DAY) + i64::from(seconds.rem_euclid(DAY) > 0)
    }
}

impl Step {
    pub(super) fn whose(self) -> Option<usize> {
        match self {
            Step::Join(_) => None,
            Step::Confirm(index)
            | Step::Learn(index)
            | Step::Correct(index)
            | Step::LookUp(index)
            | Step::Leave(index)
            | Step::Decide(index, _)
            | Step::Renew(index)
            | Step::Dispute(index)
            | Step::Settle(index)
            | Step::ComeBack(index) => Some(index),
        }
    }

    fn fits(self, person: &Person, now: Timestamp) -> bool {
        match self {
            Step::Join(_) | Step::Decide(..) => true,
            Step::Confirm(_) => person.expires.is_none(),
            Step::Learn(_) | Step::Correct(_) | Step::Leave(_) => person.is_member(now),
            Step::LookUp(_) | Step::Renew(_) => person.is_known(),
            Step::Dispute(_) => person.is_known() && !person.disputes(),
            Step::Settle(_) => person.disputes(),
            Step::ComeBack(_) => person.gone.contains(&Kind::NAME),
        }
    }
}

/// Corrects the telephone number on My account (`rgt-2`).
fn correct(act: &mut Act<'_, '_>, subject: SubjectId, phone: &str) -> Result<(), KeeperError> {
    let known = act.view::<MyProfile>(subject, None)?;
    let profile = Profile {
        given_name: known.given_name.unwrap_or_default(),
        family_name: known.family_name.unwrap_or_default(),
        email: known.email.unwrap_or_default(),
        address: known.address,
        phone: Some(phone.into()),
    };
    act.put(subject, &profile)
}

fn run(
    keeper: &Keeper,
    actor: Actor,
    mut work: impl FnMut(&mut Act<'_, '_>) -> Result<(), KeeperError> + Send + 'static,
) -> Doing {
    begin(keeper, actor, move |act| work(act).map(|()| None))
}

/// An act whose moment and randomness are fixed now, and which is carried out when it is its turn.
fn begin(
    keeper: &Keeper,
    actor: Actor,
    work: impl FnMut(&mut Act<'_, '_>) -> Done + Send + 'static,
) -> Doing {
    let (keeper, ctx) = (keeper.clone(), keeper.ctx(actor));
    Box::pin(async move { keeper.act(ctx, work).await })
}
