//! A site: the areas over one keeper, as one router.

use std::{sync::Arc, time::Duration};

use axum::Router;
use kept_accounts::{Accounts, Passwords, Shared, Throttle};
use kept_keeper::{Area, Keeper};
use kept_public::Public;
use kept_web::{
    BaseUrl, ShellConfig, assets_router,
    cookies::{DeclaredCookie, Lasts},
    session, shell,
    token::TokenKey,
};

/// The parts of the organisation that this version runs.
pub const AREAS: &[Area] = &[kept_accounts::AREA, kept_accounts::DOCUMENTS, kept_public::AREA];

/// The least time that signing up and signing in take, so that nobody learns from it who has an account.
pub const PACE: Duration = Duration::from_millis(400);

/// What a site is served with.
pub struct Settings {
    /// Where people reach it.
    pub base: BaseUrl,
    /// How passwords are hashed.
    pub passwords: Passwords,
    /// The least time of a sign-up or sign-in.
    pub pace: Duration,
    /// The strip of an example site.
    pub demo: Option<String>,
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
}

impl Site {
    /// Puts the areas over a keeper.
    pub fn new(keeper: Keeper, settings: Settings) -> Site {
        let notice = &keeper.policy().notice;
        let face = Arc::new(kept_web::Site {
            name: notice.of.clone(),
            base: settings.base,
            contact: notice.contact.clone(),
            language: "en".into(),
            notice_revised: notice.effective,
        });
        let accounts = Accounts::new(Shared {
            tokens: TokenKey::new(&keeper.secret("form tokens")),
            keeper: keeper.clone(),
            face: face.clone(),
            passwords: settings.passwords,
            pace: settings.pace,
            demo: settings.demo,
            announce: kept_public::announcement,
            throttle: Throttle::default(),
        });
        Site { keeper, accounts, face }
    }

    /// Every route of the site, with `more` under the same roof.
    pub fn router(&self, more: Router) -> Router {
        let public = kept_public::routes(Public::new(self.keeper.clone(), self.face.clone()));
        let pages = self.accounts.around(self.accounts.routes().merge(public).merge(more));
        let mut cookies = kept_public::declared(&self.keeper.policy().notice);
        cookies.push(DeclaredCookie { name: session::COOKIE.into(), lasts: Lasts::Browser });
        shell(pages.merge(assets_router()), ShellConfig { site: self.face.clone(), cookies })
    }
}
