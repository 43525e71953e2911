//! What the site carries out for people without a page of theirs: as staff do it, a partner's message, or a course.

use std::{future::Future, pin::Pin};

use jiff::{Span, Timestamp};
use kept_accounts::{
    MemberCard, MyProfile, Profile,
    import::{self, Batch},
    members::{self, BY_EMAIL},
};
use kept_keeper::{Act, Actor, Deed, Keeper, KeeperError};
use kept_vault::{Kind, SubjectId};

use super::{
    SimulateError,
    dice::Dice,
    people::People,
    person::{Person, after, knows},
    step::{Errand, Step},
};
use crate::demo::TRAINING;

/// What a step led to.
type Done = Result<Option<SubjectId>, KeeperError>;
/// A step on its way through the site.
pub(super) type Doing = Pin<Box<dyn Future<Output = Done> + Send>>;

/// How somebody on the telephone allows a look.
const PERMITTED: &str = "they named its address";

impl People {
    /// Begins a step, if it makes sense as things stand.
    pub(super) fn doing(
        &self,
        keeper: &Keeper,
        dice: &mut Dice,
        step: Step,
    ) -> Result<Option<Doing>, SimulateError> {
        let person = step.whose().and_then(|index| self.all.get(index));
        if let Some(person) = person
            && !step.fits(person, self.notice(), keeper.now())?
        {
            return Ok(None);
        }
        let subject = person.map_or(self.staff.subject, |person| person.subject);
        let number = person.map_or(0, |person| person.number);
        let support = Actor::Staff { subject: self.staff.subject, role: "support" };
        Ok(Some(match step {
            Step::Join(number) => self.sign_up(keeper, number),
            Step::ComeBack(_) => self.sign_up(keeper, number),
            Step::Import(number) => self.take_over(keeper, number),
            Step::Confirm(_) => {
                let new = self.invent(number);
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
            Step::Renew(_) => run(keeper, Actor::System, move |act| members::renew(act, subject)),
            Step::Dispute(_) => run(keeper, support, move |act| {
                act.note(subject, Deed::Wrote, "dispute opened", &[], Some("disputes a letter"))?;
                act.emit(subject, "dispute.opened")
            }),
            Step::Settle(_) => run(keeper, support, move |act| {
                act.note(subject, Deed::Wrote, "dispute settled", &[], Some("agreed with the member"))?;
                act.emit(subject, "dispute.settled")
            }),
            Step::Decide(..) | Step::Year(_) | Step::Online(..) => return Ok(None),
        }))
    }

    fn sign_up(&self, keeper: &Keeper, number: u32) -> Doing {
        let new = self.invent(number);
        begin(keeper, Actor::Visitor, move |act| members::sign_up(act, &new).map(Some))
    }

    /// One line of a table from the notice's first source.
    fn take_over(&self, keeper: &Keeper, number: u32) -> Doing {
        let profile = self.invent(number).profile;
        let email = self.invent(number).email.folded();
        let cells = [
            ("given_name", Some(profile.given_name)),
            ("family_name", Some(profile.family_name)),
            ("email", Some(profile.email)),
            ("address", profile.address),
            ("phone", profile.phone),
        ];
        let (columns, line) =
            cells.into_iter().filter_map(|(name, cell)| Some((name.to_owned(), cell?))).unzip();
        let source = self.notice().sources.first().map(|source| source.name.clone());
        let keeper = keeper.clone();
        Box::pin(async move {
            let as_of = Some(keeper.now());
            let batch = Batch { source, columns, lines: vec![line], dry_run: false, invite: None, as_of };
            match import::take_in(&keeper, batch).await {
                Ok(_) => {
                    let ctx = keeper.ctx(Actor::System);
                    keeper.look(ctx, move |look| look.find(BY_EMAIL, &email)).await
                }
                Err(import::Refused::Keeper(cause)) => Err(cause),
                Err(_) => Ok(None),
            }
        })
    }

    /// Notes what came of a step that the site has carried out, and what it leads to. Says whose it was.
    pub(super) fn done(
        &mut self,
        dice: &mut Dice,
        day: i64,
        (at, step): (Timestamp, Step),
        new: Option<SubjectId>,
    ) -> Result<Option<usize>, SimulateError> {
        self.acts += 1;
        if let Some(subject) = new {
            let former = step.whose();
            let known = former.and_then(|index| self.all.get_mut(index));
            let number = known.map_or(0, |person| {
                person.came_back = true;
                person.number
            });
            return match step {
                Step::Import(number) => self.taken_over(dice, day, at, Person::new(subject, number)),
                Step::Join(number) => self.joined(dice, day, at, Person::new(subject, number)),
                _ => self.joined(dice, day, at, Person { former, ..Person::new(subject, number) }),
            }
            .map(Some);
        }
        let Some(index) = step.whose() else { return Ok(None) };
        let policy = self.policy.clone();
        let notice = &policy.notice;
        let Some(person) = self.all.get_mut(index) else { return Ok(None) };
        match step {
            Step::Confirm(_) => {
                if knows(notice, Kind::IDENTIFIER) {
                    person.did(at, Deed::Wrote, "member-id");
                    person.gave(&[Kind::IDENTIFIER]);
                }
                person.happened("sign-up.confirmed", at);
                if knows(notice, Kind::MEMBERSHIP) {
                    person.gave(&[Kind::MEMBERSHIP]);
                    person.expires = Some(after(at, &Span::new().years(1))?);
                }
                let asks = person.former.is_some();
                if asks {
                    self.may(dice, day, &[(1, 1, 20, Step::Online(index, Errand::AskReturn))])?;
                }
                self.a_year(dice, day, index)?;
            }
            Step::Learn(_) => {
                person.did(at, Deed::Wrote, "credit");
                person.gave(&[Kind::PROFESSIONAL_TRAINING]);
            }
            Step::Correct(_) => {
                person.did(at, Deed::Wrote, "profile");
                person.gave(&[Kind::NAME, Kind::EMAIL_ADDRESS, Kind::TELEPHONE_NUMBER]);
            }
            Step::LookUp(_) => {
                if notice.role("support").is_some_and(|rule| rule.asks_permission) {
                    person.did(at, Deed::Permitted, PERMITTED);
                }
                person.did(at, Deed::Read, "member-card");
            }
            Step::Leave(_) => {
                person.did(at, Deed::Wrote, "membership ended");
                person.happened("membership.expired", at);
                person.expires = Some(at);
                self.afterwards(dice, day, index)?;
            }
            Step::Renew(_) => {
                person.happened("membership.renewed", at);
                person.expires =
                    Some(after(person.expires.map_or(at, |end| end.max(at)), &Span::new().years(1))?);
                self.a_year(dice, day, index)?;
            }
            Step::Dispute(_) => {
                person.happened("dispute.opened", at);
                if !dice.one_in(3) {
                    self.may(dice, day, &[(1, 20, 400, Step::Settle(index))])?;
                }
            }
            Step::Settle(_) => person.happened("dispute.settled", at),
            Step::Join(_)
            | Step::Import(_)
            | Step::ComeBack(_)
            | Step::Decide(..)
            | Step::Year(_)
            | Step::Online(..) => {}
        }
        Ok(Some(index))
    }

    fn joined(
        &mut self,
        dice: &mut Dice,
        day: i64,
        at: Timestamp,
        mut person: Person,
    ) -> Result<usize, SimulateError> {
        person.gave(&[Kind::PASSWORD]);
        person.did(at, Deed::Wrote, "credential");
        person.happened("sign-up.started", at);
        let index = self.add(person, at);
        // One in twenty never does.
        if !dice.one_in(20) {
            self.may(dice, day, &[(1, 1, 5, Step::Confirm(index))])?;
        }
        Ok(index)
    }

    fn taken_over(
        &mut self,
        dice: &mut Dice,
        day: i64,
        at: Timestamp,
        mut person: Person,
    ) -> Result<usize, SimulateError> {
        person.password = None;
        person.happened("account.imported", at);
        let index = self.add(person, at);
        // Some never come.
        self.may(dice, day, &[(2, 1, 360, Step::Online(index, Errand::Recover))])?;
        self.a_year(dice, day, index)?;
        Ok(index)
    }

    /// Somebody more, with a profile.
    fn add(&mut self, mut person: Person, at: Timestamp) -> usize {
        person.did(at, Deed::Wrote, "profile");
        person.gave(&[Kind::NAME, Kind::EMAIL_ADDRESS]);
        let profile = self.invent(person.number).profile;
        person.gave(profile.address.map_or(&[], |_| &[Kind::PHYSICAL_ADDRESS]));
        person.gave(profile.phone.map_or(&[], |_| &[Kind::TELEPHONE_NUMBER]));
        self.all.push(person);
        self.all.len() - 1
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
