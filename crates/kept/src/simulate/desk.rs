//! What staff decide at their desk on the site's own pages: documents (`acc-2`), and who was a member before (`acc-12`).

use axum::http::StatusCode;
use jiff::Span;
use kept_keeper::{Deed, time};
use kept_vault::Kind;

use super::{
    browser::{Browser, Page},
    online::{Online, Trouble, unexpected},
    outcome::Finding,
    person::after,
    seat::Seat,
    step::{Errand, Step},
};
use crate::demo::{PASSWORD, code};

const DOCUMENTS: &str = "/account/documents";
const RETURN: &str = "/account/return";
const RETURNS: &str = "/desk/returns";

impl Online<'_> {
    /// Hands in a document.
    pub(super) async fn hand_in(&mut self, index: usize) -> Result<(), Trouble> {
        let (now, site) = (self.now, self.site.clone());
        let opened = self.sits(index).await?;
        let seat = self.seat(index, opened)?;
        seat.browser.open(&site, DOCUMENTS).await?;
        let scan = ("a certificate", "%PDF-1.7 nothing but a few invented words");
        let page = seat.browser.send_file(&site, DOCUMENTS, scan).await?;
        if !page.leads_to(DOCUMENTS) {
            return Err(unexpected("handing in a document", &page));
        }
        let page = seat.browser.open(&site, DOCUMENTS).await?;
        // The newest is the first.
        let number = page.between("/account/documents/", "\"").map(str::to_owned);
        let number = number.ok_or_else(|| unexpected("a document handed in", &page))?;
        let person = self.person_mut(index)?;
        person.papers.hand_in(&number, now);
        person.did(now, Deed::Happened, "document.sent");
        // Some wait for longer than a document is kept.
        let chances = [(1, 1, 100, Step::Online(index, Errand::Verify))];
        Ok(self.people.may(self.dice, self.day, &chances)?)
    }

    /// Has the document decided on that waits the longest.
    pub(super) async fn verify(&mut self, index: usize) -> Result<(), Trouble> {
        let now = self.now;
        let Some(number) = self.person(index)?.papers.waiting().map(str::to_owned) else { return Ok(()) };
        let until = time::day(after(now, &Span::new().days(self.dice.between(30, 400)))?);
        let accepts = !self.dice.one_in(3);
        let last = until.to_string();
        let form = [
            ("do", if accepts { "accept" } else { "refuse" }),
            ("until", last.as_str()),
            ("answer", "as the document says"),
        ];
        let (site, desk) = (self.site.clone(), self.desk().await?);
        desk.browser.open(&site, &format!("/desk/documents/{number}")).await?;
        let page = desk.browser.send(&site, &format!("/desk/documents/{number}/decision"), &form).await?;
        if !page.leads_to("/desk/documents") {
            return Err(unexpected("deciding on a document", &page));
        }
        let person = self.person_mut(index)?;
        person.papers.decide(&number, now);
        person.did(now, Deed::Read, "document-card");
        person.did(now, Deed::Happened, "document.decided");
        if accepts {
            person.gave(&[Kind::PROFESSIONAL_CERTIFICATION]);
        }
        Ok(())
    }

    /// Says under which number they were a member before, if they have ever read it.
    pub(super) async fn ask_return(&mut self, index: usize) -> Result<(), Trouble> {
        let former = self.person(index)?.former.and_then(|former| self.people.all.get(former));
        let Some(number) = former.and_then(|former| former.member_id.clone()) else { return Ok(()) };
        let now = self.now;
        let opened = self.sits(index).await?;
        let page = self.at_page(index, opened, RETURN, &[("number", &number)]).await?;
        if !page.leads_to(RETURN) {
            return Err(unexpected("asking for an earlier membership", &page));
        }
        self.person_mut(index)?.did(now, Deed::Wrote, "former-number");
        let chances = [(1, 1, 60, Step::Online(index, Errand::DecideReturn))];
        Ok(self.people.may(self.dice, self.day, &chances)?)
    }

    /// Has what was kept joined to the new account; while a hold covers it, or when nothing is left, that is refused.
    pub(super) async fn decide_return(&mut self, index: usize) -> Result<(), Trouble> {
        let (now, policy) = (self.now, self.people.policy.clone());
        let subject = self.person(index)?.subject.to_string();
        let Some(at) = self.person(index)?.former else { return Ok(()) };
        let can = {
            let former = self.person(at)?;
            let nobody_there = !former.has(Kind::EMAIL_ADDRESS) && former.has(Kind::IDENTIFIER);
            nobody_there && !former.is_held(&policy.notice, now)?
        };
        let form = [("do", "join"), ("subject", subject.as_str()), ("reason", "compared what they remember")];
        let (site, desk) = (self.site.clone(), self.desk().await?);
        desk.browser.open(&site, RETURNS).await?;
        let page = desk.browser.send(&site, RETURNS, &form).await?;
        if page.leads_to(RETURNS) != can || !can && page.status != StatusCode::CONFLICT {
            let text = format!("what was kept was joined: {}, and should be: {can}", page.leads_to(RETURNS));
            return Err(Trouble::Found(Finding::new(Some("right.return"), &text)));
        }
        if !can {
            return Ok(());
        }
        let former = self.person_mut(at)?;
        let learnt = former.has(Kind::PROFESSIONAL_TRAINING);
        former.did(now, Deed::Wrote, "what was kept is joined to a new account");
        for kind in [Kind::IDENTIFIER, Kind::MEMBERSHIP, Kind::ACCOUNT, Kind::PROFESSIONAL_TRAINING] {
            former.took_back(kind);
        }
        former.expires = None;
        let number = former.member_id.take();
        let person = self.person_mut(index)?;
        (person.member_id, person.former) = (number, None);
        person.happened("membership.returned", now);
        if learnt {
            person.gave(&[Kind::PROFESSIONAL_TRAINING]);
        }
        Ok(())
    }

    /// Where the one sits who works there, who has signed in with the code of a second factor.
    async fn desk(&mut self) -> Result<&mut Seat, Trouble> {
        let policy = self.people.policy.clone();
        let (now, site) = (self.now, self.site.clone());
        let staff = &mut self.people.staff;
        let open = match &staff.seat {
            Some(seat) => seat.is_open(&policy.notice, now)?,
            None => false,
        };
        if !open {
            let mut browser = Browser::new(0);
            browser.open(&site, "/sign-in").await?;
            let form = [("email", staff.email.as_str()), ("password", PASSWORD)];
            browser.send(&site, "/sign-in", &form).await?;
            browser.open(&site, "/sign-in/code").await?;
            let seconds = u64::try_from(now.as_second()).unwrap_or_default();
            let code = code(&staff.secret, seconds).unwrap_or_default();
            let page: Page = browser.send(&site, "/sign-in/code", &[("code", &code)]).await?;
            if page.status != StatusCode::SEE_OTHER {
                return Err(unexpected("signing in with a code", &page));
            }
            staff.seat = Some(Seat::new(browser, &policy.notice, now, false)?);
        }
        let seat = staff
            .seat
            .as_mut()
            .ok_or_else(|| Trouble::Found(Finding::new(Some("session"), "staff do not get in")))?;
        seat.used(now);
        Ok(seat)
    }
}
