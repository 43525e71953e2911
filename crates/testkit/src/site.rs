//! A site of the trainers' example, as the server runs it, less the network.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::Router;
use data_encoding::BASE32_NOPAD;
use jiff::{SignedDuration, Timestamp};
use kept::site::{AREAS, Settings};
use kept_accounts::{
    Email, Passwords, Profile, enrol, give_role,
    members::{self, BY_EMAIL, BY_PENDING_EMAIL, NewMember},
};
use kept_keeper::{Act, Actor, Database, Keeper, KeeperError, Letter, Promise, Setup, Swept, TimeSource};
use kept_vault::SubjectId;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tempfile::TempDir;
use totp_rs::{Algorithm, Builder, Secret};
use zeroize::Zeroizing;

use crate::{Browser, Clock};

/// The trainers' notice.
pub const TRAINERS: &str = kept::demo::TRAINERS;
/// The notice of the process service.
pub const PROCESS: &str = kept::demo::PROCESS;
/// The notice of the education provider.
pub const CPE: &str = kept::demo::CPE;
/// Everybody's password.
pub const PASSWORD: &str = "violet kettle march orbit";

/// A site on a temporary folder, at first on 31 January 2027 at nine.
pub struct Site {
    /// The kernel.
    pub keeper: Keeper,
    /// The clock.
    pub clock: Arc<Clock>,
    site: kept::site::Site,
    app: Router,
    folder: TempDir,
    browsers: AtomicU32,
}

impl Site {
    /// A site under the trainers' notice.
    pub async fn open() -> Site {
        Site::under(TRAINERS).await
    }

    /// A site under a notice.
    pub async fn under(notice: &str) -> Site {
        Site::on(Database::Folder, notice).await
    }

    /// A site whose database is elsewhere, under the trainers' notice.
    pub async fn with_database(url: &str) -> Site {
        Site::on(Database::Url(url), TRAINERS).await
    }

    /// A site under a notice, whose database is in its folder or elsewhere.
    pub async fn on(database: Database<'_>, notice: &str) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Clock::at("2027-01-31T09:00:00Z".parse().unwrap()));
        let (areas, time, seed) = (AREAS, clock.clone(), [7; 32]);
        let setup = Setup { folder: folder.path(), database, notice, areas, time, seed };
        let keeper = Keeper::open(setup).await.unwrap();
        let downloads = folder.path().join("downloads");
        std::fs::create_dir(&downloads).unwrap();
        let settings = Settings {
            base: "https://trainers.example.test".parse().unwrap(),
            passwords: Passwords::cheap().unwrap(),
            pace: Duration::ZERO,
            downloads: Some(downloads),
            demo: None,
            proxies: Vec::new(),
        };
        let site = kept::site::Site::new(keeper.clone(), settings);
        kept_public::served_at(&site.keeper, &site.face.base).await.unwrap();
        let app = site.router(Router::new());
        kept_public::read_as_nobody(&site.keeper, &app).await.unwrap();
        Site { keeper, clock, site, app, folder, browsers: AtomicU32::new(1) }
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A browser that has never been here, on a machine of its own.
    pub fn browser(&self) -> Browser {
        Browser::new(self.app.clone(), self.browsers.fetch_add(1, Ordering::Relaxed))
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    // ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Lets days pass, with the server's sweep in each.
    pub async fn days(&self, days: u32) {
        for _ in 0..days {
            self.clock.forward(SignedDuration::from_hours(24));
            self.sweep().await;
        }
    }

    /// What the server does every minute.
    pub async fn sweep(&self) -> Swept {
        kept_accounts::tidy(&self.site.accounts).await.unwrap();
        let swept = self.keeper.sweep().await.unwrap();
        assert_eq!(swept.failed, 0, "a duty failed");
        swept
    }

    /// Runs every check, and says how one promise stands.
    pub async fn promise(&self, id: &str) -> Promise {
        let report = self.keeper.prove().await.unwrap();
        let found = report.promises.into_iter().find(|promise| promise.id == id);
        found.unwrap_or_else(|| panic!("the notice has no sentence {id}"))
    }

    // ── people ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// Runs an act as the system.
    pub async fn act<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Act<'_, '_>) -> Result<T, KeeperError> + Send + 'static,
    ) -> T {
        self.keeper.act(self.keeper.ctx(Actor::System), work).await.unwrap()
    }

    /// A member with [`PASSWORD`], whose address is confirmed.
    pub async fn member(&self, email: &str) -> SubjectId {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let hash = Passwords::cheap().unwrap().hash(Zeroizing::new(PASSWORD.into()), &mut rng).await.unwrap();
        let profile = Profile {
            given_name: "Ada".into(),
            family_name: "Testwell".into(),
            email: email.into(),
            address: None,
            phone: None,
        };
        let email: Email = email.parse().unwrap();
        let new = NewMember { profile, email, hash };
        self.act(move |act| {
            let subject = members::sign_up(act, &new)?;
            members::confirm(act, subject, &new.email)?;
            Ok(subject)
        })
        .await
    }

    /// A member who works here, with a second factor; gives its secret.
    pub async fn staff(&self, email: &str, role: &'static str) -> String {
        let subject = self.member(email).await;
        self.act(move |act| {
            give_role(act, subject, role)?;
            enrol(act, subject)
        })
        .await
    }

    /// Who has confirmed this address.
    pub async fn find(&self, email: &str) -> Option<SubjectId> {
        let folded = email.parse::<Email>().unwrap().folded();
        self.act(move |act| act.find(BY_EMAIL, &folded)).await
    }

    /// A browser in which somebody has signed in.
    pub async fn signed_in(&self, email: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.send("/sign-in", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(page.status, 200, "{}", page.text());
        browser
    }

    /// A browser in which staff have signed in, with their second factor.
    pub async fn at_desk(&self, email: &str, secret: &str) -> Browser {
        let mut browser = self.signed_in(email).await;
        let page = browser.send("/sign-in/code", &[("code", &self.code(secret))]).await;
        assert_eq!(page.path, "/account", "{}", page.text());
        browser
    }

    /// What an authenticator app with this secret (in base32) shows now.
    pub fn code(&self, secret: &str) -> String {
        let secret = BASE32_NOPAD.decode(secret.replace(' ', "").as_bytes()).unwrap();
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(30)
            .with_secret(Secret::from(secret))
            .build()
            .unwrap();
        totp.generate(u64::try_from(self.now().as_second()).unwrap()).to_string()
    }

    // ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────

    /// The letters to an address, confirmed or not, the oldest first.
    pub async fn letters(&self, email: &str) -> Vec<Letter> {
        let folded = email.parse::<Email>().unwrap().folded();
        let ctx = self.keeper.ctx(Actor::System);
        let letters = self.keeper.look(ctx, move |look| {
            let mut letters = Vec::new();
            for index in [BY_EMAIL, BY_PENDING_EMAIL] {
                for subject in look.find_all(index, &folded)? {
                    letters.extend(look.letters(subject)?);
                }
            }
            Ok::<_, KeeperError>(letters)
        });
        letters.await.unwrap()
    }

    /// The path of the link in the newest letter that has one.
    pub async fn link(&self, email: &str) -> String {
        let letters = self.letters(email).await;
        let base = self.site.face.base.origin();
        let links = letters.iter().flat_map(|letter| letter.text.split_whitespace());
        let link = links.filter_map(|word| word.strip_prefix(base)).next_back();
        link.expect("no letter has a link").to_owned()
    }
}
