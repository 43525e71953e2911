//! A site: the areas over one keeper, as one router.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use kept_accounts::{Accounts, Passwords, Shared};
use kept_keeper::{Area, Keeper, chain};
use kept_notice::{Carrier, shortest};
use kept_public::Public;
use kept_web::{
    BaseUrl, Network, Sessions, ShellConfig, assets_router,
    cookies::{DeclaredCookie, Lasts},
    session, shell,
    token::TokenKey,
};
use tower::ServiceExt as _;

/// The parts of the organisation that this version runs.
pub const AREAS: &[Area] = &[
    kept_accounts::AREA,
    kept_accounts::DOCUMENTS,
    kept_accounts::DOWNLOADS,
    kept_accounts::LICENCES,
    kept_accounts::RETURNING,
    kept_public::AREA,
];

/// Every address of the areas, with the placeholders of its route.
pub fn addresses() -> impl Iterator<Item = &'static str> {
    let accounts = kept_accounts::ROUTES.iter().map(|(path, _)| *path);
    accounts.chain(kept_public::ROUTES.iter().map(|(path, _)| *path))
}

/// The least time that signing up and signing in take, so that nobody learns from it who has an account.
pub const PACE: Duration = Duration::from_millis(400);

/// What a site is served with.
#[derive(Clone)]
pub struct Settings {
    /// Where people reach it.
    pub base: BaseUrl,
    /// How passwords are hashed.
    pub passwords: Passwords,
    /// The least time of a sign-up or sign-in.
    pub pace: Duration,
    /// The strip of an example site.
    pub demo: Option<String>,
    /// The folder of the files that people with an account can download.
    pub downloads: Option<PathBuf>,
    /// The proxies in front, whose word on where a request comes from is believed.
    pub proxies: Vec<Network>,
}

/// A site that can be served.
#[derive(Clone)]
pub struct Site {
    /// The kernel.
    pub keeper: Keeper,
    /// The accounts area, for its own tidying.
    pub accounts: Accounts,
    /// What every page says about the site.
    pub face: Arc<kept_web::Site>,
    settings: Settings,
}

/// The pages of a site under the notice in force. When another binds, they are made anew: what they say of the
/// organisation, and which cookies they may set, is the notice's.
struct Pages {
    site: Site,
    more: Router,
    made: RwLock<(String, Router)>,
}

impl Site {
    /// Puts the areas over a keeper.
    pub fn new(keeper: Keeper, settings: Settings) -> Site {
        let notice = &keeper.policy().notice;
        let face = Arc::new(kept_web::Site {
            name: notice.of.clone(),
            base: settings.base.clone(),
            contact: notice.contact.clone(),
            language: "en".into(),
            notice_revised: notice.effective,
        });
        let accounts = Accounts::new(Shared {
            tokens: TokenKey::new(&keeper.secret("form tokens")),
            keeper: keeper.clone(),
            face: face.clone(),
            passwords: settings.passwords.clone(),
            pace: settings.pace,
            downloads: settings.downloads.clone(),
            demo: settings.demo.clone(),
            announce: kept_public::announcement,
        });
        Site { keeper, accounts, face, settings }
    }

    /// Every route of the site, with `more` under the same roof, under whichever notice is in force.
    pub fn router(&self, more: Router) -> Router {
        let made = (self.keeper.policy().version().to_owned(), self.pages(more.clone()));
        let pages = Arc::new(Pages { site: self.clone(), more, made: RwLock::new(made) });
        Router::new().fallback(answer).with_state(pages)
    }

    /// Every route under the notice in force now.
    fn pages(&self, more: Router) -> Router {
        let public = kept_public::routes(Public::new(self.keeper.clone(), self.face.clone()));
        let pages = self.accounts.around(self.accounts.routes().merge(public).merge(more));
        let notice = &self.keeper.policy().notice;
        let mut cookies = kept_public::declared(notice);
        let session = DeclaredCookie { name: session::COOKIE.into(), lasts: Lasts::Browser };
        let sessions = match &notice.session.carrier {
            Carrier::Cookie { .. } => {
                cookies.push(session);
                Sessions::Cookie
            }
            Carrier::Remember { lasts } => {
                let lasts = Lasts::AtMost(shortest(lasts));
                cookies.extend([session, DeclaredCookie { name: session::DEVICE_COOKIE.into(), lasts }]);
                Sessions::Cookie
            }
            Carrier::Address { .. } => Sessions::Address,
        };
        let (site, proxies) = (self.face.clone(), self.settings.proxies.clone());
        shell(pages.merge(assets_router()), ShellConfig { site, cookies, proxies, sessions })
    }
}

impl Pages {
    fn under(&self, version: &str) -> Router {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner).clone();
        if made.0 == version {
            return made.1;
        }
        let site = Site::new(self.site.keeper.clone(), self.site.settings.clone());
        let router = site.pages(self.more.clone());
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = (version.to_owned(), router.clone());
        router
    }
}

/// Each request begins with the notice in force. A server that cannot know it, or cannot run it, serves nobody.
async fn answer(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    match pages.site.keeper.follow().await {
        Ok(policy) => match pages.under(policy.version()).oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        },
        Err(cause) => {
            tracing::error!(cause = %chain(&cause), "the notice in force is not known");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "This site cannot answer just now. Please try again in a minute.\n",
            )
                .into_response()
        }
    }
}
