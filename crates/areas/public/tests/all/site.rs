//! A running site: a keeper on a temporary folder, the public routes, and a middleware that gives each request its visit.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
};
use jiff::Timestamp;
use kept_keeper::{Actor, Database, Keeper, KeeperError, Setup, TimeSource};
use kept_public::{Public, announcement, declared, routes};
use kept_store::params;
use kept_web::{
    Arrival, Reader, Sessions, ShellConfig, Site as Face, Visit, assets,
    cookies::{DeclaredCookie, Lasts},
    session::SessionId,
    shell,
    token::TokenKey,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::house;

pub(crate) const NOTICE: &str = include_str!("notice.toml");

pub(crate) struct Site {
    pub(crate) keeper: Keeper,
    app: Router,
    reader: Arc<Mutex<Reader>>,
    time: Arc<Hands>,
    _folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A clock that stands until it is moved.
struct Hands(Mutex<Timestamp>);

impl TimeSource for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl Site {
    /// A site under the small notice of these tests, two weeks after it took effect.
    pub(crate) async fn open() -> Site {
        Site::under(NOTICE, "2026-12-15T09:00:00Z").await
    }

    pub(crate) async fn under(notice: &str, now: &str) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = now.parse().unwrap();
        let time = Arc::new(Hands(Mutex::new(now)));
        let setup = Setup {
            folder: folder.path(),
            database: Database::Folder,
            notice,
            areas: &[house::AREA, kept_public::AREA],
            time: time.clone(),
            seed: [7; 32],
        };
        let keeper = Keeper::open(setup).await.unwrap();
        let reader = Arc::new(Mutex::new(Reader::Visitor));
        let app = app(&keeper, reader.clone(), now);
        Site { keeper, app, reader, time, _folder: folder }
    }

    /// Seconds pass.
    pub(crate) fn later(&self, seconds: i64) {
        let mut now = self.time.0.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }

    pub(crate) fn read_as(&self, reader: Reader) {
        *self.reader.lock().unwrap() = reader;
    }

    /// Reads every page as nobody, through this router around the site.
    pub(crate) async fn read_as_nobody(&self, around: impl FnOnce(Router) -> Router) {
        kept_public::read_as_nobody(&self.keeper, &around(self.app.clone())).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Changes a row behind the keeper's back.
    pub(crate) async fn tamper(&self, sql: &'static str) {
        let tampered = self.keeper.act(self.keeper.ctx(Actor::System), move |act| {
            act.tx().execute(sql, &params![]).map_err(KeeperError::Store)
        });
        assert!(tampered.await.unwrap() > 0, "nothing was changed");
    }
}

impl Answer {
    /// The value of a cookie that the answer sets, with its attributes.
    pub(crate) fn sets(&self, name: &str) -> Option<&str> {
        let set = self.headers.get_all(header::SET_COOKIE).iter();
        set.filter_map(|value| value.to_str().ok()).find(|value| value.starts_with(&format!("{name}=")))
    }

    /// The page without its tags: what it says, line by line.
    pub(crate) fn transcript(&self) -> String {
        let main = self.body.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
        let mut text = String::new();
        for piece in main.split('<').skip(1) {
            let (tag, said) = piece.split_once('>').unwrap();
            let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
            if matches!(
                name,
                "p" | "li" | "h1" | "h2" | "h3" | "tr" | "dt" | "dd" | "div" | "section" | "ul" | "br"
            ) {
                text.push('\n');
            }
            if matches!(tag, "s" | "/s") {
                text.push('~');
            }
            if matches!(name, "td" | "th") && !tag.starts_with('/') {
                text.push_str(" | ");
            }
            text.push_str(said);
        }
        let text =
            text.replace("&#38;", "&").replace("&#39;", "'").replace("&#34;", "\"").replace('\u{a0}', " ");
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

fn app(keeper: &Keeper, reader: Arc<Mutex<Reader>>, now: Timestamp) -> Router {
    let notice = &keeper.policy().notice;
    let face = Arc::new(Face {
        name: notice.of.clone(),
        base: "http://trainers.example.test".parse().unwrap(),
        contact: notice.contact.clone(),
        language: "en".into(),
        notice_revised: notice.effective,
    });
    let mut cookies = declared(notice);
    cookies.push(DeclaredCookie { name: "kept_session".into(), lasts: Lasts::Browser });
    let visit = {
        let (keeper, face) = (keeper.clone(), face.clone());
        move |mut request: Request, next: Next| {
            let (keeper, face, reader) = (keeper.clone(), face.clone(), *reader.lock().unwrap());
            async move {
                let keys = TokenKey::new(&[1; 32]);
                let arrival = Arrival::of(&request, &face.base, &keys, Duration::from_secs(3600), now);
                let mut visit = Visit::new(
                    face.clone(),
                    keys,
                    request.uri().path().to_owned(),
                    arrival,
                    SessionId::random(&mut ChaCha20Rng::from_seed([2; 32])),
                    now,
                );
                visit.reader = reader;
                visit.announcement = announcement(request.headers(), &keeper);
                request.extensions_mut().insert(visit.clone());
                let mut answer = next.run(request).await;
                visit.carry(&mut answer);
                answer
            }
        }
    };
    let routes = routes(Public::new(keeper.clone(), face.clone())).layer(middleware::from_fn(visit));
    let sessions = Sessions::Cookie;
    shell(
        routes.merge(assets::assets_router()),
        ShellConfig { site: face, cookies, proxies: Vec::new(), sessions },
    )
}

/// With KEPT_LOOK set to a folder, a page and its stylesheet are written there, to be looked at.
pub(crate) fn save_for_looking(name: &str, page: &Answer) {
    let Some(folder) = std::env::var_os("KEPT_LOOK").map(PathBuf::from) else { return };
    let html = page.body.replace(assets::stylesheet_path(), "kept.css");
    std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
    let css = include_str!("../../../../web/assets/kept.css");
    std::fs::write(folder.join("kept.css"), css).unwrap();
}
