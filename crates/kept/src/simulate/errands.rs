//! What people decide on their own pages: to close the account, to keep it, to let it rest (`acc-14`, `acc-15`, `rgt-3`), and
//! what password opens it (`acc-9`, `acc-10`).

use axum::http::StatusCode;
use jiff::{Span, Timestamp};
use kept_keeper::{Actor, Deed, KeeperError, Letter, time};
use kept_store::params;
use kept_vault::Kind;

use super::{
    browser::Browser,
    online::{Online, Trouble, WRONG, unexpected},
    outcome::Finding,
    person::after,
    seat::Seat,
    step::{Errand, Pace, Step},
    world::BASE,
};
use crate::demo::PASSWORD;

/// The password that people choose in the place of the first, and the other way round.
const ANOTHER: &str = "copper meadow lantern drift";

impl Online<'_> {
    // ── going, staying, resting ──

    pub(super) async fn close(&mut self, index: usize) -> Result<(), Trouble> {
        let opened = self.decide_on_closing(index, "close", "/account/close").await?;
        let now = self.now;
        let person = self.person_mut(index)?;
        person.happened("account.closing", now);
        for seat in &mut person.seats {
            if seat.opened == opened { seat.forget() } else { seat.end() }
        }
        let chances = [
            (3, 1, 13, Step::Online(index, Errand::Keep)),
            (6, 1, 13, Step::Dispute(index)),
            (3, 1, 13, Step::Online(index, Errand::SignIn)),
            (8, 20, 400, Step::ComeBack(index)),
        ];
        Ok(self.people.may(self.dice, self.day, &chances)?)
    }

    pub(super) async fn keep(&mut self, index: usize) -> Result<(), Trouble> {
        self.decide_on_closing(index, "keep", "/account/close").await?;
        let now = self.now;
        self.person_mut(index)?.happened("account.kept", now);
        Ok(())
    }

    pub(super) async fn close_now(&mut self, index: usize) -> Result<(), Trouble> {
        self.decide_on_closing(index, "now", "/account-closed").await?;
        let now = self.now;
        let person = self.person_mut(index)?;
        person.happened("account.closed", now);
        person.seats.iter_mut().for_each(Seat::end);
        Ok(self.people.may(self.dice, self.day, &[(8, 20, 400, Step::ComeBack(index))])?)
    }

    pub(super) async fn rest(&mut self, index: usize) -> Result<(), Trouble> {
        self.decide_on_closing(index, "rest", "/account-rests").await?;
        let now = self.now;
        let person = self.person_mut(index)?;
        person.happened("account.deactivated", now);
        person.seats.iter_mut().for_each(Seat::end);
        let chances = [
            (3, 1, 89, Step::Online(index, Errand::SignIn)),
            (3, 85, 95, Step::Online(index, Errand::SignIn)),
            (8, 1, 89, Step::Dispute(index)),
            (8, 120, 400, Step::ComeBack(index)),
        ];
        Ok(self.people.may(self.dice, self.day, &chances)?)
    }

    /// Signs in, and presses a button on the page Close your account. Gives where they sit.
    async fn decide_on_closing(&mut self, index: usize, what: &str, to: &str) -> Result<Timestamp, Trouble> {
        let password = self.person(index)?.password.unwrap_or(WRONG);
        let opened = self.sits(index).await?;
        let form = [("do", what), ("password", password), ("sure", "yes")];
        let page = self.at_page(index, opened, "/account/close", &form).await?;
        if page.leads_to(to) { Ok(opened) } else { Err(unexpected("closing an account", &page)) }
    }

    // ── passwords ──

    pub(super) async fn give_up(&mut self, index: usize) -> Result<(), Trouble> {
        let opened = self.sits(index).await?;
        let page = self.at_page(index, opened, "/account/compromised", &[("by", "letter")]).await?;
        if !page.leads_to("/password-ended") {
            return Err(unexpected("giving up a password", &page));
        }
        let now = self.now;
        let person = self.person_mut(index)?;
        person.happened("credential.compromised", now);
        person.did(now, Deed::SignedOut, "every session");
        person.took_back(Kind::PASSWORD);
        person.password = None;
        person.seats.iter_mut().for_each(Seat::end);
        // Where they had sat down, nothing is left open.
        let again = Errand::Visit { opened, more: 0, pace: Pace::Any };
        self.people.plan_at(after(now, &Span::new().minutes(1))?, Step::Online(index, again));
        Ok(self.people.may(self.dice, self.day, &[(1, 1, 9, Step::Online(index, Errand::Recover))])?)
    }

    pub(super) async fn recover(&mut self, index: usize) -> Result<(), Trouble> {
        let (now, new) = (self.now, self.invent(index)?);
        let mut browser = Browser::new(self.person(index)?.number);
        browser.open(&self.site, "/forgotten").await?;
        let page = browser.send(&self.site, "/forgotten", &[("name", &new.profile.email)]).await?;
        if page.status != StatusCode::OK {
            return Err(unexpected("a forgotten password", &page));
        }
        let policy = self.people.policy.clone();
        let link = self.newest_link(index).await?;
        let Some(link) = link else {
            // Of whoever's password is gone for good, a dispute may keep the address.
            let over = self.person(index)?.erased_by(&policy.notice, Kind::PASSWORD, now)?.is_some();
            let lost = || Trouble::Found(Finding::new(Some("right.recover"), "no letter came with a link"));
            return if over { Ok(()) } else { Err(lost()) };
        };
        browser.open(&self.site, &link).await?;
        let person = self.person(index)?;
        let next = if person.password == Some(PASSWORD) { ANOTHER } else { PASSWORD };
        let page = browser.send(&self.site, &link, &[("new_password", next)]).await?;
        if page.status != StatusCode::OK {
            return Err(unexpected("choosing a password", &page));
        }
        let person = self.person_mut(index)?;
        person.password = Some(next);
        person.gave(&[Kind::PASSWORD]);
        person.did(now, Deed::Wrote, "credential");
        person.happened("password.chosen", now);
        person.seats.iter_mut().for_each(Seat::end);
        // The link has been used.
        let page = browser.open(&self.site, &link).await?;
        if page.status == StatusCode::GONE { Ok(()) } else { Err(unexpected("a used link", &page)) }
    }

    /// The path of the link in a letter that came just now.
    async fn newest_link(&self, index: usize) -> Result<Option<String>, Trouble> {
        let subject = self.person(index)?.subject;
        let now = time::to_millis(self.now);
        let letters = self.keeper.look(self.keeper.ctx(Actor::System), move |look| {
            let queued = "SELECT COUNT(*) FROM outbox WHERE subject = $1 AND queued < $2";
            let before: i64 = look.sql().query_one(queued, &params![subject.as_bytes(), now])?.get(0)?;
            let letters = look.letters(subject)?;
            Ok(letters.into_iter().skip(usize::try_from(before).unwrap_or_default()).collect())
        });
        let letters: Result<Vec<Letter>, KeeperError> = letters.await;
        let letters = letters?;
        let words = letters.iter().flat_map(|letter| letter.text.split_whitespace());
        let mut links =
            words.filter_map(|word| word.strip_prefix(BASE)).filter(|to| to.starts_with("/recover/"));
        Ok(links.next_back().map(str::to_owned))
    }

    /// Registers a machine.
    pub(super) async fn register(&mut self, index: usize) -> Result<(), Trouble> {
        const MACHINES: &str = "/account/machines";
        let opened = self.sits(index).await?;
        let page = self.at_page(index, opened, MACHINES, &[("id", "DESK-7F3A")]).await?;
        if !page.leads_to(MACHINES) {
            return Err(unexpected("registering a machine", &page));
        }
        self.person_mut(index)?.gave(&[Kind::DEVICE_BASED]);
        Ok(())
    }
}
