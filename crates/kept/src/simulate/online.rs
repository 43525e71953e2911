//! People at the site's own pages, and what each page should answer by what the simulation knows of them: who gets in, for how
//! long, and what ends it (`acc-4` to `acc-7`).

use axum::{Router, http::StatusCode};
use jiff::{Span, Timestamp};
use kept_accounts::members::NewMember;
use kept_keeper::{Deed, Keeper};
use kept_notice::{Carrier, Notice, shortest};
use kept_vault::Kind;

use super::{
    SimulateError,
    browser::{Browser, Page},
    dice::Dice,
    outcome::Finding,
    people::People,
    person::{Person, after},
    seat::Seat,
    step::{Errand, Pace, Step},
    world::World,
};

/// What nobody has chosen.
pub(super) const WRONG: &str = "a guess that is none of these";

/// What an account opens that is switched off.
const SWITCHED_OFF: &str = "/account/switched-off";

/// Why somebody did not get on.
pub(super) enum Trouble {
    /// The site did not do what it promises.
    Found(Finding),
    Failed(SimulateError),
}

impl<E: Into<SimulateError>> From<E> for Trouble {
    fn from(cause: E) -> Trouble {
        Trouble::Failed(cause.into())
    }
}

/// What comes of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignIn {
    In,
    Wrong,
    Closed,
}

/// Somebody at the site's pages, at a moment of a day.
pub(super) struct Online<'s> {
    pub(super) people: &'s mut People,
    pub(super) dice: &'s mut Dice,
    pub(super) keeper: Keeper,
    pub(super) site: Router,
    pub(super) day: i64,
    pub(super) now: Timestamp,
}

impl<'s> Online<'s> {
    pub(super) fn at(
        world: &World<'_>,
        people: &'s mut People,
        dice: &'s mut Dice,
        (day, now): (i64, Timestamp),
    ) -> Online<'s> {
        let (keeper, site) = (world.keeper.clone(), world.pages.clone());
        Online { people, dice, keeper, site, day, now }
    }

    /// Runs an errand, if it makes sense as things stand. Says whether it did.
    pub(super) async fn run(&mut self, index: usize, errand: Errand) -> Result<bool, Trouble> {
        let policy = self.people.policy.clone();
        let notice = &policy.notice;
        let last_night = self.people.minute(self.day, 0)?;
        let Some(person) = self.people.all.get(index) else { return Ok(false) };
        if !Step::Online(index, errand).fits(person, notice, self.now)?
            || person.is_between_nights(notice, (last_night, self.now))?
        {
            return Ok(false);
        }
        self.people.acts += 1;
        match errand {
            Errand::SignIn => self.come_and_look(index).await?,
            Errand::Guess => self.sign_in(index, WRONG).await.map(drop)?,
            Errand::Visit { opened, more, pace } => self.visit(index, opened, (more, pace)).await?,
            Errand::SignOut { opened } => self.sign_out(index, opened).await?,
            Errand::Close => self.close(index).await?,
            Errand::Keep => self.keep(index).await?,
            Errand::CloseNow => self.close_now(index).await?,
            Errand::Rest => self.rest(index).await?,
            Errand::GiveUp => self.give_up(index).await?,
            Errand::Recover => self.recover(index).await?,
            Errand::HandIn => self.hand_in(index).await?,
            Errand::Register => self.register(index).await?,
            Errand::Verify => self.verify(index).await?,
            Errand::AskReturn => self.ask_return(index).await?,
            Errand::DecideReturn => self.decide_return(index).await?,
        }
        // The server does so twice a second.
        self.keeper.write_journal().await?;
        Ok(true)
    }

    /// Signs in, if the site lets them, and comes back to the page some more times.
    async fn come_and_look(&mut self, index: usize) -> Result<(), Trouble> {
        let password = self.person(index)?.password.unwrap_or(WRONG);
        let Some(opened) = self.sign_in(index, password).await? else { return Ok(()) };
        let pace = if self.dice.one_in(12) { Pace::Steady } else { Pace::Any };
        let more = if matches!(pace, Pace::Steady) { 40 } else { 3 };
        self.visit(index, opened, (more, pace)).await
    }

    /// Tries to sign in. Gives by what their seat is known if they are in.
    pub(super) async fn sign_in(
        &mut self,
        index: usize,
        password: &str,
    ) -> Result<Option<Timestamp>, Trouble> {
        let policy = self.people.policy.clone();
        let notice = &policy.notice;
        let now = self.now;
        let remembers = matches!(notice.session.carrier, Carrier::Remember { .. }) && self.dice.one_in(2);
        let new = self.invent(index)?;
        let mut browser = Browser::new(self.person(index)?.number);
        browser.open(&self.site, "/sign-in").await?;
        let mut form = vec![("email", new.profile.email.as_str()), ("password", password)];
        form.extend(remembers.then_some(("remember", "yes")));
        let page = browser.send(&self.site, "/sign-in", &form).await?;
        let came = match page.status {
            StatusCode::SEE_OTHER => SignIn::In,
            StatusCode::UNPROCESSABLE_ENTITY => SignIn::Wrong,
            StatusCode::FORBIDDEN => SignIn::Closed,
            _ => return Err(unexpected("signing in", &page)),
        };
        let person = self.person_mut(index)?;
        let should = should_come(person, notice, password, now)?;
        if came != should {
            let text = format!("signing in gave {came:?} and should give {should:?}");
            return Err(Trouble::Found(Finding::new(Some("session"), &text)));
        }
        match came {
            SignIn::In => {
                if person.rests() {
                    person.happened("account.reactivated", now);
                }
                person.did(now, Deed::SignedIn, "password");
                person.happened("sign-in.succeeded", now);
                person.seats.push(Seat::new(browser, notice, now, remembers)?);
                Ok(Some(now))
            }
            SignIn::Wrong => {
                if !person.gone.contains(&Kind::EMAIL_ADDRESS) {
                    person.did(now, Deed::SignInFailed, "password");
                }
                Ok(None)
            }
            SignIn::Closed => {
                person.did(now, Deed::SignInFailed, "account is closed");
                Ok(None)
            }
        }
    }

    /// Opens My account where they have sat down: they are let in as long as the notice says, and not longer.
    async fn visit(
        &mut self,
        index: usize,
        opened: Timestamp,
        (more, pace): (u8, Pace),
    ) -> Result<(), Trouble> {
        let policy = self.people.policy.clone();
        let notice = &policy.notice;
        let (now, site) = (self.now, self.site.clone());
        let person = self.person_mut(index)?;
        let standing = person.standing(notice, now)?.0;
        let uses = person.is_known() && standing == "open";
        let Some(seat) = person.seats.iter_mut().rfind(|seat| seat.opened == opened) else { return Ok(()) };
        let is_open = seat.is_open(notice, now)?;
        let again = !is_open && uses && seat.is_known(now);
        let page = seat.browser.open(&site, "/account").await?;
        let restricted = page.leads_to(SWITCHED_OFF);
        let let_in = page.status == StatusCode::OK || restricted;
        if !let_in && !page.asks_to_sign_in() {
            return Err(unexpected("My account", &page));
        }
        if let_in != (is_open || again) {
            let text =
                if let_in { "a session goes on after its end" } else { "a session is over before its end" };
            return Err(Trouble::Found(Finding::new(Some("session"), text)));
        }
        if !let_in {
            return Ok(());
        }
        if restricted {
            seat.browser.open(&site, SWITCHED_OFF).await?;
        }
        if restricted != (standing == "disabled") {
            let text = "My account is open to who is switched off, or not to who is not";
            return Err(Trouble::Found(Finding::new(None, text)));
        }
        if again {
            seat.begins_anew(now);
            person.did(now, Deed::SignedIn, "remembered device");
            person.happened("sign-in.succeeded", now);
        } else {
            seat.used(now);
        }
        if !restricted {
            person.did(now, Deed::Opened, "My account");
        }
        if let Some(id) = page.between("<dt>Member id</dt><dd>", "</dd>") {
            person.member_id = Some(id.to_owned());
        }
        self.come_again(index, opened, (more, pace))
    }

    /// Plans the next page: soon, or as late as it still goes, or just too late; or signs out.
    fn come_again(
        &mut self,
        index: usize,
        opened: Timestamp,
        (more, pace): (u8, Pace),
    ) -> Result<(), Trouble> {
        let notice = self.people.notice();
        let idle = i64::try_from(shortest(&notice.session.idle).as_secs() / 60).unwrap_or(i64::MAX);
        let known = match notice.session.carrier {
            Carrier::Remember { lasts } => i64::try_from(shortest(&lasts).as_secs() / 60).unwrap_or(i64::MAX),
            Carrier::Cookie { .. } | Carrier::Address { .. } => 24 * 60,
        };
        let waits = match (pace, self.dice.below(8)) {
            (Pace::Steady, _) | (Pace::Any, 0..=2) => idle - 1,
            (Pace::Any, 3) => idle,
            (Pace::Any, 4) => idle + 1,
            // As long as a device is known, counted from the sign-in.
            (Pace::Any, 5) => known - 1,
            (Pace::Any, 6) => known,
            (Pace::Any, _) => 5,
        };
        let errand = match more.checked_sub(1) {
            Some(more) => Errand::Visit { opened, more, pace },
            None if self.dice.one_in(2) => Errand::SignOut { opened },
            None => return Ok(()),
        };
        let from = if waits >= known - 1 { opened } else { self.now };
        let at = after(from, &Span::new().minutes(waits))?;
        if at > self.now {
            self.people.plan_at(at, Step::Online(index, errand));
        }
        Ok(())
    }

    async fn sign_out(&mut self, index: usize, opened: Timestamp) -> Result<(), Trouble> {
        self.visit(index, opened, (0, Pace::Steady)).await?;
        let policy = self.people.policy.clone();
        let (now, site) = (self.now, self.site.clone());
        let person = self.person_mut(index)?;
        let Some(seat) = person.seats.iter_mut().rfind(|seat| seat.opened == opened) else { return Ok(()) };
        if !seat.is_open(&policy.notice, now)? {
            return Ok(());
        }
        let page = seat.browser.send(&site, "/sign-out", &[]).await?;
        if !page.leads_to("/signed-out") {
            return Err(unexpected("signing out", &page));
        }
        seat.end();
        person.did(now, Deed::SignedOut, "session");
        let again = Errand::Visit { opened, more: 0, pace: Pace::Any };
        self.people.plan_at(after(now, &Span::new().minutes(1))?, Step::Online(index, again));
        Ok(())
    }

    /// Signs somebody in who can use the site. Gives where they sit.
    pub(super) async fn sits(&mut self, index: usize) -> Result<Timestamp, Trouble> {
        let password = self.person(index)?.password.unwrap_or(WRONG);
        let opened = self.sign_in(index, password).await?;
        opened.ok_or_else(|| Trouble::Found(Finding::new(Some("session"), "nobody gets in")))
    }

    /// Opens a page where somebody sits, and sends its form.
    pub(super) async fn at_page(
        &mut self,
        index: usize,
        opened: Timestamp,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Page, Trouble> {
        let site = self.site.clone();
        let seat = self.seat(index, opened)?;
        let page = seat.browser.open(&site, path).await?;
        if page.status != StatusCode::OK {
            return Err(unexpected(path, &page));
        }
        Ok(seat.browser.send(&site, path, form).await?)
    }

    pub(super) fn seat(&mut self, index: usize, opened: Timestamp) -> Result<&mut Seat, Trouble> {
        let person = self.person_mut(index)?;
        let seat = person.seats.iter_mut().rfind(|seat| seat.opened == opened);
        seat.ok_or_else(|| nobody("nobody sits there"))
    }

    pub(super) fn person(&self, index: usize) -> Result<&Person, Trouble> {
        self.people.all.get(index).ok_or_else(|| nobody("nobody has this number"))
    }

    pub(super) fn person_mut(&mut self, index: usize) -> Result<&mut Person, Trouble> {
        self.people.all.get_mut(index).ok_or_else(|| nobody("nobody has this number"))
    }

    pub(super) fn invent(&self, index: usize) -> Result<NewMember, Trouble> {
        Ok(self.people.invent(self.person(index)?.number))
    }
}

/// What the notice and what has happened to somebody make of a sign-in.
fn should_come(
    person: &Person,
    notice: &Notice,
    password: &str,
    now: Timestamp,
) -> Result<SignIn, SimulateError> {
    let gone = |kind| person.gone.contains(&kind);
    if gone(Kind::EMAIL_ADDRESS) || gone(Kind::PASSWORD) || person.password != Some(password) {
        return Ok(SignIn::Wrong);
    }
    Ok(if person.standing(notice, now)?.0 == "closed" { SignIn::Closed } else { SignIn::In })
}

/// An answer that nobody expects.
pub(super) fn unexpected(what: &str, page: &Page) -> Trouble {
    let title = page.between("<h1>", "</h1>").unwrap_or_default();
    Trouble::Found(Finding::new(None, &format!("{what} was answered with {} {title}", page.status)))
}

fn nobody(text: &str) -> Trouble {
    Trouble::Found(Finding::new(None, text))
}
