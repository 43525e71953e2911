//! Three servers of one site on one PostgreSQL database, one of them killed or frozen at any moment: what holds for one
//! holds for all together (`acc-4`, `acc-7`, `acc-12`).

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use kept::{demo::TRAINERS, machine::Wall, site::AREAS};
use kept_accounts::{
    Email, Passwords, Profile,
    members::{self, NewMember},
};
use kept_keeper::{Actor, Database, Keeper, KeeperError, Setup, TimeSource};
use kept_vault::SubjectId;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::{
    cli::transcript,
    serve::{begun, change},
    server::Server,
    visitor::{Answer, Visitor},
};

const PASSWORD: &str = "violet kettle march orbit";
const WRONG: &str = "not the password at all";
/// How many people are warned, and how many are erased, as soon as the servers are there.
const DUE: usize = 20;
/// How many people use the site meanwhile.
const BUSY: usize = 6;

/// A site on a database of its own, and a folder for each of its servers.
struct Site {
    url: String,
    folders: Vec<TempDir>,
}

impl Site {
    async fn new() -> Site {
        let url = kept_pgtest::empty_database();
        let folders: Vec<TempDir> = (0..3).map(|_| begun()).collect();
        for folder in &folders {
            let line = "# database = \"postgresql://kept@localhost/kept\"";
            change(folder.path(), line, &format!("database = \"{url}\""));
            // Counted in days, so that what is due today does not depend on the months before.
            let (notice, _expectations) = TRAINERS.split_once("[[expect]]").unwrap();
            let notice = notice.replace("\"6 months\"", "\"180 days\"");
            fs::write(folder.path().join("notice.toml"), notice).unwrap();
        }
        live(folders[0].path(), &url).await;
        for other in &folders[1..] {
            fs::create_dir(other.path().join("data")).unwrap();
            fs::copy(folders[0].path().join("data/keys"), other.path().join("data/keys")).unwrap();
        }
        Site { url, folders }
    }

    fn serve(&self, number: usize) -> Server {
        Server::serve(self.folders[number].path()).unwrap_or_else(|why| panic!("server {number}: {why}"))
    }

    /// All servers, started together.
    fn servers(&self) -> Vec<Server> {
        thread::scope(|scope| {
            let starts: Vec<_> = (0..3).map(|number| scope.spawn(move || self.serve(number))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        })
    }

    /// The number that a query counts.
    fn count(&self, sql: &str) -> usize {
        kept_pgtest::sql(&self.url, sql).parse().unwrap()
    }
}

/// A clock that stands still where it is put.
struct Stopped(Mutex<Timestamp>);

impl TimeSource for Stopped {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What has happened before the servers come: memberships that ended 150 days ago and sign-ups that nobody confirmed for
/// a week, and people who are there.
async fn live(folder: &Path, url: &str) {
    let now = Wall.now();
    let clock = Arc::new(Stopped(Mutex::new(now)));
    let at = |moment: Timestamp| *clock.0.lock().unwrap() = moment;
    let notice = fs::read_to_string(folder.join("notice.toml")).unwrap();
    let setup = Setup {
        folder: &folder.join("data"),
        database: Database::Url(url),
        notice: &notice,
        areas: AREAS,
        time: clock.clone(),
        seed: [3; 32],
    };
    let hour = SignedDuration::from_hours(1);
    at(now - hour * (24 * 150 + 1));
    let keeper = Keeper::open(setup).await.unwrap();
    for number in 0..DUE {
        let subject = member(&keeper, &format!("gone{number}@example.test"), true).await;
        act(&keeper, move |act| members::expire_now(act, subject)).await;
    }
    assert_eq!(keeper.sweep().await.unwrap().done, DUE, "they are switched off");
    at(now - hour * (24 * 7 + 1));
    for number in 0..DUE {
        member(&keeper, &format!("late{number}@example.test"), false).await;
    }
    at(now - hour / 2);
    for number in 0..BUSY {
        member(&keeper, &format!("busy{number}@example.test"), true).await;
    }
    // The server was off for long, and so much is due at once: an owner has looked.
    let owner = Actor::Staff { subject: SubjectId::from_bytes([9; 16]), role: "owner" };
    keeper.release_brake(owner).await.unwrap();
    keeper.close().await.unwrap();
}

async fn member(keeper: &Keeper, email: &str, confirms: bool) -> SubjectId {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let hash = Passwords::cheap().unwrap().hash(Zeroizing::new(PASSWORD.into()), &mut rng).await.unwrap();
    let profile = Profile {
        given_name: "Ada".into(),
        family_name: "Testwell".into(),
        email: email.into(),
        address: None,
        phone: None,
    };
    let new = NewMember { profile, email: email.parse::<Email>().unwrap(), hash };
    act(keeper, move |act| {
        let subject = members::sign_up(act, &new)?;
        if confirms {
            members::confirm(act, subject, &new.email)?;
        }
        Ok(subject)
    })
    .await
}

async fn act<T: Send + 'static>(
    keeper: &Keeper,
    work: impl FnMut(&mut kept_keeper::Act<'_, '_>) -> Result<T, KeeperError> + Send + 'static,
) -> T {
    keeper.act(keeper.ctx(Actor::System), work).await.unwrap()
}

/// Somebody who has signed in, if need be after some tries: servers that start or go have reasons not to answer.
fn signed_in(server: &str, number: usize) -> Visitor {
    let mut visitor = Visitor::default();
    let email = format!("busy{number}@example.test");
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = visitor.fill(server, "/sign-in", &[("email", &email), ("password", PASSWORD)]);
        if answer.is_ok_and(|answer| (answer.status, answer.location()) == (303, "/account")) {
            return visitor;
        }
        assert!(Instant::now() < end, "{number} cannot sign in");
        sleep(Duration::from_millis(300));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_and_a_guess_count_on_all_servers() {
    let site = Site::new().await;
    let servers = site.servers();
    let [one, two, three] = [0, 1, 2].map(|number: usize| servers[number].url.as_str());

    let mut visitor = signed_in(one, 0);
    for server in [one, two, three] {
        assert_eq!(visitor.get(server, "/account").unwrap().status, 200);
    }
    // A form of one server is taken by another, which ends the session on all of them.
    assert_eq!(visitor.post(two, "/sign-out", &[]).unwrap().status, 303);
    for server in [one, two, three] {
        let answer = visitor.get(server, "/account").unwrap();
        assert_eq!((answer.status, answer.location()), (303, "/sign-in"));
    }

    let guess = |server: &str, email: &str, password: &str| {
        let fields = [("email", email), ("password", password)];
        Visitor::default().fill(server, "/sign-in", &fields).unwrap().status
    };
    for email in ["busy1@example.test", "nobody@example.test"] {
        for server in [one, two, three].into_iter().cycle().take(10) {
            assert_eq!(guess(server, email, WRONG), 422);
        }
        for server in [one, two, three] {
            assert_eq!(guess(server, email, PASSWORD), 429, "{email}");
        }
    }
    servers.into_iter().for_each(Server::stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_has_no_time_for_is_to_be_tried_again() {
    let site = Site::new().await;
    let server = site.serve(0);
    let mut visitor = Visitor::default();
    assert_eq!(visitor.get(&server.url, "/sign-in").unwrap().status, 200);
    let url = site.url.clone();
    let in_the_way = thread::spawn(move || {
        kept_pgtest::sql(&url, "BEGIN; LOCK TABLE evidence, lookups; SELECT pg_sleep(10); COMMIT")
    });
    while site.count("SELECT COUNT(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock'") < 2 {
        sleep(Duration::from_millis(20));
    }
    let mut answers: Vec<Answer> =
        ["/", "/notice", "/notice/kept"].map(|page| visitor.get(&server.url, page).unwrap()).into();
    let fields = [("email", "busy0@example.test"), ("password", PASSWORD)];
    answers.push(visitor.post(&server.url, "/sign-in", &fields).unwrap());
    for answer in answers {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.text.contains("retry-after: 5") && answer.text.contains("Try again in a moment."));
    }
    in_the_way.join().unwrap();
    assert_eq!(visitor.get(&server.url, "/notice").unwrap().status, 200);
    server.stop();
}

/// A person's last change, as the servers answered.
#[derive(Default)]
struct Told {
    /// What was acknowledged last, and what may have been done after it.
    may_be: BTreeSet<String>,
    /// What was refused, with nothing kept.
    refused: BTreeSet<String>,
    changes: usize,
    /// Answers of servers that were neither killed nor frozen; how many of them were a request to try again; the slowest.
    sound: usize,
    busy: usize,
    slowest: Duration,
}

impl Told {
    fn hear(&mut self, change: String, answer: std::io::Result<Answer>, took: Option<Duration>) {
        self.changes += 1;
        if let Some(took) = took {
            let status = answer.as_ref().map(|answer| answer.status);
            assert!(matches!(status, Ok(303 | 503)), "a sound server answered {status:?}");
            self.sound += 1;
            self.busy += usize::from(matches!(status, Ok(503)));
            self.slowest = self.slowest.max(took);
        }
        match answer {
            Ok(answer) if answer.status == 303 => self.may_be = BTreeSet::from([change]),
            Ok(answer) if answer.text.contains("nothing of it has been stored") => {
                self.refused.insert(change);
            }
            _ => {
                self.may_be.insert(change);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_or_frozen_harms_nobody() {
    let site = Site::new().await;
    let mut servers = site.servers();
    let urls: Vec<String> = servers.iter().map(|server| server.url.clone()).collect();
    let mut dice = ChaCha20Rng::from_seed([11; 32]);
    let (over, spoilt) = (AtomicBool::new(false), [const { AtomicBool::new(false) }; 3]);

    let told: Vec<Told> = thread::scope(|scope| {
        let people: Vec<_> = (0..BUSY)
            .map(|number| {
                let (url, over, spoilt) = (&urls[number % 3], &over, &spoilt[number % 3]);
                let sign_in_at = &urls[(number + 1) % 3];
                scope.spawn(move || {
                    let (mut visitor, mut told) = (signed_in(sign_in_at, number), Told::default());
                    while !over.load(Ordering::SeqCst) {
                        let change = format!("W-{number}-{}", told.changes);
                        let fields = [
                            ("given_name", "Ada"),
                            ("family_name", &*change),
                            ("address", ""),
                            ("phone", ""),
                        ];
                        let (asked, was_spoilt) = (Instant::now(), spoilt.load(Ordering::SeqCst));
                        let answer = visitor.fill(url, "/account", &fields);
                        let sound = !was_spoilt && !spoilt.load(Ordering::SeqCst);
                        told.hear(change, answer, sound.then(|| asked.elapsed()));
                    }
                    told
                })
            })
            .collect();

        // The end of the work frees the people in any case.
        let end = Ends(&over);
        for round in 0..4 {
            sleep(Duration::from_millis(u64::from(dice.next_u32() % 2_000)));
            let victim = (dice.next_u32() % 3) as usize;
            spoilt[victim].store(true, Ordering::SeqCst);
            if round % 2 == 0 {
                servers[victim].signal("KILL");
                servers[victim].wait();
                servers[victim] = site.serve(victim);
            } else {
                freeze_with_the_turn(&site, &servers[victim]);
                sleep(Duration::from_secs(6));
                servers[victim].signal("CONT");
            }
            // What it was asked while it was away is answered before it counts as sound.
            sleep(Duration::from_secs(3));
            spoilt[victim].store(false, Ordering::SeqCst);
        }
        drop(end);
        people.into_iter().map(|person| person.join().unwrap()).collect()
    });

    // Whoever asks another server is answered, and soon; hardly ever with a request to try again.
    let (sound, busy): (usize, usize) =
        told.iter().fold((0, 0), |(sound, busy), told| (sound + told.sound, busy + told.busy));
    let slowest = told.iter().map(|told| told.slowest).max().unwrap_or_default();
    println!("{sound} answers of sound servers, {busy} of them “busy”, the slowest after {slowest:?}");
    assert!(slowest < Duration::from_secs(8), "{slowest:?}");
    assert!(busy * 10 < sound, "{busy} of {sound}");

    // Nothing that was acknowledged is lost, and nothing that was refused was done.
    for (number, told) in told.iter().enumerate() {
        let mut visitor = signed_in(&urls[0], number);
        let page = visitor.get(&urls[1], "/account").unwrap().text;
        let found =
            page.split(&format!("value=\"W-{number}-")).nth(1).and_then(|rest| rest.split('"').next());
        let found = format!("W-{number}-{}", found.unwrap());
        assert!(told.changes > 20, "person {number} hardly did anything: {}", told.changes);
        assert!(told.may_be.contains(&found), "person {number} has {found}, and not {:?}", told.may_be);
        assert!(!told.refused.contains(&found));
    }

    all_is_done_once(&site);
    let proven = transcript(site.folders[2].path(), "prove --config kept.toml");
    assert!(proven.ends_with(" 0 broken\n"), "{proven}");
    servers.into_iter().for_each(Server::stop);
    one_ledger(&site);
}

/// Ends the work when it goes, also in a panic.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Stops a server's process in the middle of an act, so that it has the turn, and the others wait for it.
fn freeze_with_the_turn(site: &Site, server: &Server) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND now() - state_change > interval '200 ms'";
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        server.signal("STOP");
        sleep(Duration::from_millis(250));
        if site.count(waiting) > 0 {
            return;
        }
        server.signal("CONT");
        assert!(Instant::now() < end, "it never had the turn when it was stopped");
        sleep(Duration::from_millis(13));
    }
}

/// Whatever was due was done, once; each warning is one letter.
fn all_is_done_once(site: &Site) {
    let now = Wall.now().as_millisecond();
    let due = format!("SELECT COUNT(*) FROM duties WHERE state IN ('waiting', 'begun') AND due <= {now}");
    let end = Instant::now() + Duration::from_secs(150);
    while site.count(&due) > 0 {
        assert!(Instant::now() < end, "{} duties are never done", site.count(&due));
        sleep(Duration::from_millis(500));
    }
    let deeds = |rule: &str, action: &str| {
        site.count(&format!("SELECT COUNT(*) FROM deeds WHERE rule = '{rule}' AND action = '{action}'"))
    };
    assert_eq!(deeds("retain.lapsed", "warn P30D"), DUE);
    assert_eq!(deeds("retain.pending", "erase"), DUE);
    assert_eq!(deeds("retain.expired", "disable"), DUE);
    let letters = "SELECT COUNT(*) FROM vault WHERE record LIKE 'mail/%' AND kind = 'pd:EmailContent'";
    assert_eq!(site.count(letters), DUE);
    let pending = "SELECT COUNT(*) FROM accounts WHERE standing = 'pending'";
    assert_eq!(site.count(pending), 0);
}

/// Every checkpoint that any server signed is of one and the same ledger.
fn one_ledger(site: &Site) {
    let leaves = kept_pgtest::sql(&site.url, "SELECT encode(leaf, 'hex') FROM ledger ORDER BY position");
    let leaves: Vec<[u8; 32]> = leaves
        .lines()
        .map(|leaf| data_encoding::HEXLOWER.decode(leaf.as_bytes()).unwrap().try_into().unwrap())
        .collect();
    let positions = "SELECT MAX(position) + 1 FROM ledger";
    assert_eq!(site.count(positions), leaves.len(), "no gap");
    let signed = "SELECT replace(note, E'\\n', ' ') FROM checkpoints ORDER BY size";
    let mut seen = 0;
    for note in kept_pgtest::sql(&site.url, signed).lines() {
        let words: Vec<&str> = note.split(' ').collect();
        let size: usize = words[1].parse().unwrap();
        let root = kept_ledger::root(leaves[..size].iter().copied());
        assert_eq!(words[2], data_encoding::BASE64.encode(&root), "at size {size}");
        seen += 1;
    }
    assert!(seen > 5, "{seen} checkpoints");
}
