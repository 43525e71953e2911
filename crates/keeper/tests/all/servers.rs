//! Several servers of one site on one database, which only PostgreSQL serves: what holds for one holds for all together.

use std::{fs, path::Path, sync::mpsc, time::Duration};

use jiff::ToSpan;
use kept_keeper::{Actor, Claim, Keeper, KeeperError, StartError, Swept};
use kept_ledger::{Frontier, root};
use kept_store::{StoreError, params};
use kept_vault::{KeyCustody as _, KeyFile, KeyRing};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tempfile::TempDir;

use crate::{
    club::{AREA, BY_EMAIL, Badge, NOTICE},
    site::{Hands, On, START, Site, notice_with, open},
    starting::NEWER,
};

const MEMBERS: [&str; 8] = ["Anna", "Bert", "Cleo", "Dora", "Emil", "Fred", "Gina", "Hans"];

/// The days on which members who left at [`START`] are switched off, warned and erased begin after these.
const EVES: [&str; 3] = ["2026-08-31T12:00:00Z", "2027-01-28T12:00:00Z", "2027-02-27T12:00:00Z"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_duty_is_done_twice_and_the_ledger_stays_whole() {
    let one = Site::new(On::Postgres).await;
    let other = one.another().await;
    for name in MEMBERS {
        let subject = one.member(name).await;
        other.emit(subject, "member.left").await;
    }
    for eve in EVES {
        one.until(eve).await;
        one.time.set(one.keeper.now() + 24.hours());
        let all = [&one, &other, &one, &other].map(|site| tokio::spawn(a_busy_day(site.keeper.clone(), eve)));
        let mut granted = 0;
        for server in all {
            granted += server.await.unwrap();
        }
        assert_eq!(granted, MEMBERS.len(), "each address belongs to one");
    }

    for action in ["disable", "warn P30D", "erase"] {
        let deeds =
            "SELECT COUNT(*) FROM deeds WHERE rule IN ('retain.closed', 'retain.lapsed') AND action = $1";
        assert_eq!(one.count(deeds, &params![action]).await, 8, "{action}");
    }
    let erased = "SELECT COUNT(*) FROM vault WHERE record = 'profile'";
    assert_eq!(other.count(erased, &params![]).await, 0);
    let warned = "SELECT COUNT(*) FROM happenings WHERE event = 'mail.queued'";
    assert_eq!(other.count(warned, &params![]).await, 8, "one letter each");
    assert_eq!(other.broken().await, Vec::<String>::new());
    the_ledger_is_whole(&one).await;
}

/// Writing the database anew locks its tables: one server does it, once a day, also when the one that began it was killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_server_tidies_once_a_day() {
    let one = Site::new(On::Postgres).await;
    let other = one.another().await;
    let anna = one.member("Anna").await;
    let erased = async |site: &Site| {
        site.mail(anna, "soon gone").await;
        site.days(8).await;
    };
    let tidied = async || {
        let all = [&one, &other, &one, &other].map(|site| {
            tokio::spawn({
                let keeper = site.keeper.clone();
                async move { patiently_tidied(&keeper).await }
            })
        });
        let mut tidied = 0;
        for one in all {
            tidied += i32::from(one.await.unwrap());
        }
        tidied
    };
    assert_eq!(tidied().await, 0, "nothing was erased");
    erased(&one).await;
    assert_eq!(tidied().await, 1);
    assert_eq!(tidied().await, 0, "nothing more was erased");
    erased(&one).await;
    assert_eq!(tidied().await, 1);

    // Another has begun it and was killed.
    erased(&one).await;
    let begun = (one.keeper.now() + 1.hours()).as_millisecond().to_string();
    let killed = "UPDATE facts SET value = $1 WHERE name = 'tidy again'";
    let killed = one.keeper.store().write(move |tx| tx.execute(killed, &params![&begun])).await;
    assert_eq!(killed.map_err(KeeperError::Store).unwrap(), 1);
    assert_eq!(tidied().await, 0, "it may still be at it");
    one.time.set(one.keeper.now() + 61.minutes());
    assert_eq!(tidied().await, 1);
}

/// What was erased may still be seen by whoever began to read before, in any database of the server.
async fn patiently_tidied(keeper: &Keeper) -> bool {
    loop {
        match keeper.tidy().await {
            Err(KeeperError::Store(StoreError::Busy)) => tokio::time::sleep(Duration::from_millis(50)).await,
            tidied => return tidied.unwrap(),
        }
    }
}

/// A sweep, a run of the checks and sign-ups, all at once; says how many addresses were granted.
async fn a_busy_day(keeper: Keeper, eve: &'static str) -> usize {
    let sign_ups = async {
        let mut granted = 0;
        for name in MEMBERS {
            let address = format!("{name}-{eve}@example.test");
            granted += usize::from(sign_up(&keeper, address).await == Claim::Granted);
        }
        granted
    };
    let (swept, proven, granted) = tokio::join!(keeper.sweep(), keeper.prove(), sign_ups);
    assert!(matches!(swept.unwrap(), Swept { failed: 0, paused: None, .. }));
    assert_eq!(proven.unwrap().broken().count(), 0);
    granted
}

/// Somebody comes and takes an address, unless another has it.
async fn sign_up(keeper: &Keeper, address: String) -> Claim {
    keeper
        .act::<_, KeeperError, _>(keeper.ctx(Actor::Visitor), move |act| {
            let subject = act.new_subject();
            act.put(subject, &Badge { member_id: "W-0".into() })?;
            act.claim(BY_EMAIL, &address, subject)
        })
        .await
        .unwrap()
}

/// No gap, no position twice, and the edge is what the leaves give.
async fn the_ledger_is_whole(site: &Site) {
    let rows = site.rows("SELECT position, leaf FROM ledger ORDER BY position", &params![]).await;
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row.get(0), Ok(i64::try_from(place).unwrap()));
    }
    let edge = site.rows("SELECT edge FROM ledger_edge", &params![]).await;
    let edge = Frontier::from_bytes(&edge[0].get::<Vec<u8>>(0).unwrap()).unwrap();
    assert_eq!(edge.root(), root(rows.iter().map(|row| row.get(1).unwrap())));
}

/// A person's clocks and keys, changed through two servers at once, as one server would change them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_server_reads_no_other_changes_before_it_writes() {
    let one = Site::new(On::Postgres).await;
    let other = one.another().await;
    let anna = one.member("Anna").await;
    let steps = [&one, &other, &one, &other].map(|site| {
        let keeper = site.keeper.clone();
        tokio::spawn(async move {
            for _ in 0..25 {
                let step = keeper.act::<_, KeeperError, _>(keeper.ctx(Actor::System), move |act| {
                    let rung = "SELECT rung FROM members WHERE subject = $1";
                    let rung: i64 = act.tx().query_one(rung, &params![anna.as_bytes()])?.get(0)?;
                    act.put(anna, &Badge { member_id: format!("W-{rung}") })?;
                    let next = "UPDATE members SET rung = $2 WHERE subject = $1";
                    act.tx().execute(next, &params![anna.as_bytes(), rung + 1])?;
                    Ok(())
                });
                step.await.unwrap();
            }
        })
    });
    for step in steps {
        step.await.unwrap();
    }
    assert_eq!(one.count("SELECT rung FROM members", &params![]).await, 100);
    let held = other.look(Actor::Person(anna), |look| look.holdings()).await.unwrap();
    assert!(
        held.iter().any(|holding| holding.values == ["W-99"]),
        "the parts open, and the last one is kept"
    );
}

fn key_file(folder: &Path, seed: u8) {
    let ring = KeyRing::generate(&mut ChaCha20Rng::from_seed([seed; 32]));
    KeyFile::new(folder.join("keys")).save(&ring).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_start_an_empty_site_together_begin_it_once() {
    let url = kept_pgtest::empty_database();
    let starts = [1, 2, 3].map(|seed| {
        let url = url.clone();
        tokio::spawn(async move {
            let folder = TempDir::new().unwrap();
            key_file(folder.path(), 9);
            open(folder.path(), Some(&url), Hands::at(START), NOTICE, &[AREA], seed).await.map(drop)
        })
    });
    for start in starts {
        start.await.unwrap().unwrap();
    }
    for table in ["policies", "ledger", "ledger_edge", "brakes"] {
        assert_eq!(kept_pgtest::sql(&url, &format!("SELECT COUNT(*) FROM {table}")), "1", "{table}");
    }
}

#[tokio::test]
async fn a_server_without_the_key_file_or_with_another_is_refused() {
    let site = Site::new(On::Postgres).await;
    site.member("Anna").await;
    let all = "SELECT (SELECT COUNT(*) FROM ledger), (SELECT string_agg(value, ' ') FROM facts), \
               (SELECT string_agg(version, ' ') FROM policies)";
    let before = kept_pgtest::sql(site.url.as_ref().unwrap(), all);
    let folder = TempDir::new().unwrap();
    let start = || open(folder.path(), site.url.as_deref(), Hands::at(START), NOTICE, &[AREA], 2);
    assert!(matches!(start().await, Err(StartError::Keys(_))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it makes no keys of its own");
    key_file(folder.path(), 9);
    assert!(matches!(start().await, Err(StartError::OtherKeys { .. })));
    assert_eq!(kept_pgtest::sql(site.url.as_ref().unwrap(), all), before);
}

/// It leaves the schema as it is, too.
#[tokio::test]
async fn a_server_with_another_notice_is_refused() {
    let site = Site::new(On::Postgres).await;
    let (url, folder) = (site.url.as_deref().unwrap(), TempDir::new().unwrap());
    fs::copy(site.folder.path().join("keys"), folder.path().join("keys")).unwrap();
    let other = notice_with("6 months", "7 months");
    let start = open(folder.path(), Some(url), Hands::at(START), &other, &[NEWER], 2).await;
    assert!(matches!(start, Err(StartError::OtherNotice { .. })));
    assert_eq!(kept_pgtest::sql(url, "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'caps'"), "0");
    open(folder.path(), Some(url), Hands::at(START), NOTICE, &[NEWER], 2).await.unwrap();
    assert_eq!(kept_pgtest::sql(url, "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'caps'"), "1");
}

/// One server proposes; all switch at the moment, each at its own next act or look, also one that was stopped meanwhile,
/// and one whose clock is behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_of_notice_reaches_every_server_at_its_moment() {
    let announcing = "laws      = [\"GDPR\"]\nchange    = { by = \"e-mail\", ahead = \"30 days\" }";
    let first = NOTICE.replace("laws      = [\"GDPR\"]", announcing);
    let one = Site::under(On::Postgres, &first).await;
    let (awake, asleep, slow) = (one.another().await, one.another().await, one.another_at(START).await);
    let (anna, old) = (one.member("Anna").await, one.keeper.policy().version().to_owned());
    let second = first.replace("\"1 hour\"", "\"2 hours\"").replace("2026-08-01", "2026-10-01");
    awake.keeper.propose(&second).await.unwrap();
    let (some, others) = tokio::join!(one.keeper.sweep(), awake.keeper.sweep());
    assert_eq!((some.unwrap().failed, others.unwrap().failed), (0, 0));
    assert_eq!(one.letters(anna).await.len(), 1);
    one.time.set(one.keeper.now() + 31.seconds());
    one.sweep().await;
    one.keeper.follow().await.unwrap();
    let from = one.keeper.coming().unwrap().from.unwrap();
    one.until("2026-09-30T12:00:00Z").await;

    one.time.set(from - 1.millisecond());
    for site in [&one, &awake] {
        assert_eq!(site.keeper.follow().await.unwrap().version(), old);
    }
    one.time.set(from);
    let new = awake.keeper.follow().await.unwrap().version().to_owned();
    assert_ne!(new, old);
    let seen = |site: &Site| {
        let keeper = site.keeper.clone();
        async move {
            let look = keeper.look::<_, KeeperError, _>(keeper.ctx(Actor::System), |look| {
                Ok(look.ctx.policy.version().to_owned())
            });
            let look = look.await.unwrap();
            let act = keeper.act::<_, KeeperError, _>(keeper.ctx(Actor::System), |act| {
                Ok(act.ctx.policy.version().to_owned())
            });
            (look, act.await.unwrap())
        }
    };
    for (name, site) in [("asleep", &asleep), ("one", &one), ("awake", &awake)] {
        assert_eq!(seen(site).await, (new.clone(), new.clone()), "{name}");
    }
    slow.time.set(from - 10.seconds());
    assert_eq!(seen(&slow).await, (new.clone(), new.clone()), "what is in force for one is so for all");
    let activations = "SELECT COUNT(*) FROM policies WHERE activated = activates";
    assert_eq!(one.count(activations, &params![]).await, 2);
    assert_eq!(awake.broken().await, Vec::<String>::new());
}

/// Acts that wait for their turn wait in the server, and leave the database's connections to those who look.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acts_that_wait_keep_nobody_from_looking() {
    let site = Site::new(On::Postgres).await;
    let anna = site.member("Anna").await;
    let (begun, has_begun) = mpsc::channel();
    let (looked, has_looked) = mpsc::channel();
    let (keeper, ctx) = (site.keeper.clone(), site.keeper.ctx(Actor::System));
    let long = tokio::spawn(async move {
        let long = keeper.act::<_, KeeperError, _>(ctx, move |_| {
            begun.send(()).unwrap();
            // Not as long as PostgreSQL lets somebody be silent.
            Ok(has_looked.recv_timeout(Duration::from_millis(1_500)).is_ok())
        });
        long.await
    });
    has_begun.recv_timeout(Duration::from_secs(10)).unwrap();
    let waiting: Vec<_> = (0..40)
        .map(|_| {
            let keeper = site.keeper.clone();
            tokio::spawn(async move {
                keeper.act::<_, KeeperError, _>(keeper.ctx(Actor::System), |_| Ok(())).await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    site.look(Actor::Person(anna), |look| look.holdings()).await.unwrap();
    looked.send(()).unwrap();
    assert!(long.await.unwrap().unwrap(), "the look waited for the acts");
    for act in waiting {
        act.await.unwrap().unwrap();
    }
}
