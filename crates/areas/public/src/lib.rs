//! The public pages: home, the notice, how it is kept, and who sees what. Anyone reads them without an account and
//! without giving anything (`acc-17`).
//!
//! - `/` says what the organisation is and what one can do here;
//! - `/notice` is the notice: one table, then every sentence with how it stands (`ntc-1`);
//! - `/notice/kept` is the board: the same sentences with what was counted;
//! - `/notice/versions` has every earlier notice and the coming one, and what each changed (`ntc-1`, `ntc-3`);
//! - `/notice/uses` lists every way in which personal data can be read, from the code;
//! - `/robots.txt` and two files under `/.well-known` say the same to machines.

mod board;
mod checks;
mod files;
mod glance;
mod home;
mod notice;
mod reading;
mod seen;
mod sentences;
mod tally;
mod uses;
mod versions;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    routing::{MethodRouter, get, post},
};
use kept_keeper::{Area, Keeper, KeeperError};
use kept_web::{Problem, Site, paths};

pub use checks::served_at;
pub use glance::{Row, rows};
pub use reading::read_as_nobody;
pub use seen::{announcement, declared};
pub use sentences::title;

/// What this area brings: the cookie of the notification bar, and the checks of what the pages load and set.
pub const AREA: Area = Area { cookies: &[seen::COOKIE], checks: checks::CHECKS, ..Area::named("public") };

/// What the public pages are made of.
#[derive(Clone)]
pub struct Public {
    keeper: Keeper,
    face: Arc<Site>,
}

impl Public {
    /// The public pages of a site.
    #[must_use]
    pub fn new(keeper: Keeper, face: Arc<Site>) -> Public {
        Public { keeper, face }
    }
}

/// The public side of a kernel error. The cause goes to the log.
fn problem(cause: KeeperError) -> Problem {
    if cause.passes() { Problem::busy().because(cause) } else { Problem::internal(cause) }
}

/// An address and what answers there, by method.
pub type Route = (&'static str, fn() -> MethodRouter<Public>);

/// Every route of this area.
pub const ROUTES: &[Route] = &[
    (paths::HOME, || get(home::show)),
    (paths::NOTICE, || get(notice::show)),
    (paths::KEPT, || get(board::show)),
    (paths::USES, || get(uses::show)),
    (paths::VERSIONS, || get(versions::show)),
    ("/notice/versions/{version}", || get(versions::one)),
    (paths::NOTICE_SEEN, || post(seen::dismiss)),
    ("/robots.txt", || get(files::robots)),
    ("/.well-known/security.txt", || get(files::security)),
    ("/.well-known/gpc.json", || get(files::gpc)),
];

/// The routes. A middleware outside gives every request its [`Visit`].
pub fn routes(public: Public) -> Router {
    let add = |router: Router<Public>, (path, methods): &Route| router.route(path, methods());
    ROUTES.iter().fold(Router::new(), add).with_state(public)
}
