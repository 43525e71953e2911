//! One request by somebody: what a page needs to know about who reads it, and what it may tell their browser.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use jiff::Timestamp;

use crate::{
    Announcement, Arrival, Frame, Problem, Reader, Site,
    address::{Carry, Print},
    form::{Fields, Posted},
    session::{self, DeviceId, SessionId},
    token::TokenKey,
};

/// The visit that a request belongs to. The sessions' middleware makes it; handlers take it as an extractor.
#[derive(Clone)]
pub struct Visit {
    site: Arc<Site>,
    keys: TokenKey,
    path: String,
    /// Who reads.
    pub reader: Reader,
    /// The moment of the request.
    pub now: Timestamp,
    /// The bar about the notice, until it is dismissed.
    pub announcement: Option<Announcement>,
    /// The strip of an example site.
    pub demo: Option<String>,
    /// The browser to which addresses are bound; none where a cookie carries the session.
    browser: Option<Print>,
    says_from_where: bool,
    carrier: Arc<Mutex<Carrier>>,
}

/// The session that the browser has, and what becomes of it with the answer.
struct Carrier {
    known: Option<Known>,
    brought: Option<Known>,
    /// A session that the browser does not have yet; used when a page needs one.
    fresh: SessionId,
    change: Change,
    device: Change<(DeviceId, Duration)>,
    /// What the page that was shown is called.
    title: Option<String>,
}

#[derive(Clone)]
struct Known {
    session: SessionId,
    /// Whether somebody has begun to sign in with it. A visitor's only binds forms to their browser.
    somebodys: bool,
}

enum Change<T = ()> {
    Nothing,
    Set(T),
    Remove,
}

impl Visit {
    /// A visit by a browser with what it brought. `fresh` is a random session nobody has.
    #[must_use]
    pub fn new(
        site: Arc<Site>,
        keys: TokenKey,
        path: String,
        arrival: Arrival,
        fresh: SessionId,
        now: Timestamp,
    ) -> Visit {
        let Arrival { session, browser, says_from_where, strayed: _ } = arrival;
        let known = session.map(|session| Known { session, somebodys: false });
        let carrier = Arc::new(Mutex::new(Carrier {
            brought: known.clone(),
            known,
            fresh,
            change: Change::Nothing,
            device: Change::Nothing,
            title: None,
        }));
        let (reader, announcement, demo) = (Reader::Visitor, None, None);
        Visit { site, keys, path, reader, now, announcement, demo, browser, says_from_where, carrier }
    }

    /// The session that the browser brought is somebody's, even if a code is still awaited of them.
    pub fn belongs(&self) {
        let mut carrier = self.lock();
        if let Some(known) = &mut carrier.known {
            known.somebodys = true;
        }
        carrier.brought = carrier.known.clone();
    }

    /// What the page is called that this visit has shown, if it has shown one: what a trail of page accesses says.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        self.lock().title.clone()
    }

    /// The frame of a page. A page that only shows something leaves no cookie with a visitor (`acc-17`).
    #[must_use]
    pub fn frame(&self, title: impl Into<String>) -> Frame {
        let token = self.known().map(|session| self.keys.issue(&session, self.now)).unwrap_or_default();
        self.frame_with(title.into(), token)
    }

    /// The frame of a page with a form. A visitor's browser gets a session, to which the form is bound.
    #[must_use]
    pub fn form_frame(&self, title: impl Into<String>) -> Frame {
        let session = self.session();
        let token = self.keys.issue(&session, self.now);
        self.frame_with(title.into(), token)
    }

    /// The browser's session; a new one, that the answer hands out, if it has none.
    #[must_use]
    pub fn session(&self) -> SessionId {
        let mut carrier = self.lock();
        match &carrier.known {
            Some(known) => known.session.clone(),
            None => {
                let session = carrier.fresh.clone();
                carrier.known = Some(Known { session: session.clone(), somebodys: false });
                carrier.change = Change::Set(());
                session
            }
        }
    }

    /// The session that the browser brought, if any.
    #[must_use]
    pub fn known(&self) -> Option<SessionId> {
        self.lock().known.as_ref().map(|known| known.session.clone())
    }

    /// Gives the browser a new session: at every sign-in, so that nobody can plant one (`acc-4`).
    pub fn renew(&self) -> SessionId {
        let mut carrier = self.lock();
        carrier.known = Some(Known { session: carrier.fresh.clone(), somebodys: true });
        carrier.change = Change::Set(());
        carrier.fresh.clone()
    }

    /// Leaves the browser the session that it brought: the act for which it was renewed did not come about.
    pub fn keep(&self) {
        let mut carrier = self.lock();
        carrier.known = carrier.brought.clone();
        carrier.change = Change::Nothing;
    }

    /// Takes the session from the browser.
    pub fn end(&self) {
        let mut carrier = self.lock();
        carrier.known = None;
        carrier.change = Change::Remove;
    }

    /// Has the browser keep the id of a remembered device for so long.
    pub fn remember(&self, device: DeviceId, lasts: Duration) {
        self.lock().device = Change::Set((device, lasts));
    }

    /// Takes the remembered device from the browser.
    pub fn forget(&self) {
        self.lock().device = Change::Remove;
    }

    /// Whether a posted form came from a page that this site showed to this session.
    ///
    /// # Errors
    /// The 403 page that says what to do; for a browser that does not do what the site needs of it, what that is.
    pub fn check(&self, fields: &Fields) -> Result<(), Problem> {
        let session = self.known().ok_or_else(|| match self.browser {
            None => Problem::no_cookie(),
            Some(_) if self.says_from_where => Problem::forbidden(),
            Some(_) => Problem::old_browser(),
        })?;
        Ok(self.keys.check(fields.token(), &session, self.now)?)
    }

    /// A pass for a link that opens one thing for this session, for ten minutes.
    #[must_use]
    pub fn pass(&self, what: &str) -> String {
        self.keys.pass(&self.session(), what, self.now)
    }

    /// Whether a pass was issued to this session for this thing, within ten minutes.
    #[must_use]
    pub fn opens(&self, pass: &str, what: &str) -> bool {
        self.known().is_some_and(|session| self.keys.opens(pass, &session, what, self.now))
    }

    /// Tells the browser with an answer what has become of the session and the device; called once, by the middleware.
    pub fn carry(&self, answer: &mut Response) {
        match self.browser {
            None => self.set_cookies(answer),
            Some(browser) => self.write_addresses(answer, browser),
        }
    }

    fn set_cookies(&self, answer: &mut Response) {
        let (carrier, base) = (self.lock(), &self.site.base);
        let session = match carrier.change {
            Change::Nothing => None,
            Change::Set(()) => Some(carrier.fresh.set_cookie(base)),
            Change::Remove => Some(session::removal(base)),
        };
        let device = match &carrier.device {
            Change::Nothing => None,
            Change::Set((device, lasts)) => Some(device.set_cookie(base, *lasts)),
            Change::Remove => Some(session::device_removal(base)),
        };
        for value in session.into_iter().chain(device) {
            answer.headers_mut().append(header::SET_COOKIE, value);
        }
    }

    fn write_addresses(&self, answer: &mut Response, browser: Print) {
        let carrier = self.lock();
        if let Some(Known { session, somebodys }) = &carrier.known {
            let token = self.keys.stamp(session, browser, self.now);
            answer.extensions_mut().insert(Carry { token, links: *somebodys });
        }
        if matches!(carrier.change, Change::Remove) {
            // Pages that a browser keeps for the step back are thrown away: without a cookie nothing tells it that they
            // are no longer for the eyes of whoever sits there.
            answer.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
        }
    }

    fn frame_with(&self, title: String, form_token: String) -> Frame {
        self.lock().title = Some(title.clone());
        Frame {
            reader: self.reader,
            form_token,
            notice_changed: self.announcement.clone(),
            demo: self.demo.clone(),
            ..self.site.frame(title, self.path.clone())
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Carrier> {
        self.carrier.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Visit, Problem> {
        parts.extensions.get::<Visit>().cloned().ok_or_else(|| Problem::internal(NoVisit))
    }
}

/// The fields of a form that a page of this site showed to this session. Its token has been checked, so a handler that
/// takes it may change things.
#[derive(Debug)]
pub struct Sent(pub Fields);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Sent, Problem> {
        let visit = request.extensions().get::<Visit>().cloned().ok_or_else(|| Problem::internal(NoVisit))?;
        let Posted(fields) = Posted::from_request(request, state).await?;
        visit.check(&fields)?;
        Ok(Sent(fields))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the route is mounted without the sessions' middleware")]
pub(crate) struct NoVisit;
