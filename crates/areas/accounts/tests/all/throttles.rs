//! Throttles: what counts, for how long, and that nobody counts less than there were.

use jiff::SignedDuration;
use kept_store::params;
use kept_testkit::{PASSWORD, Site};
use tokio::task::LocalSet;

use crate::support::{count, sign_in};

const WRONG: &str = "not the password at all";

/// Thirty guesses a day from however many places, whoever gets in meanwhile; for an address with and without an account.
#[tokio::test]
async fn guessing_goes_on_for_thirty_tries_a_day() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    for email in ["ada@example.test", "nobody@example.test"] {
        for guess in 0..30 {
            if guess % 9 == 0 {
                site.clock.forward(SignedDuration::from_mins(15));
            }
            assert_eq!(sign_in(&mut site.browser(), email, WRONG).await.status, 422, "{email}: {guess}");
        }
        site.clock.forward(SignedDuration::from_mins(15));
        let page = sign_in(&mut site.browser(), email, PASSWORD).await;
        assert_eq!(page.status, 429, "{email}");
        assert!(page.says("Try again in 23 hours."), "{}", page.text());
        // The next address has a day of its own.
        site.clock.forward(SignedDuration::from_hours(23));
    }
    site.signed_in("ada@example.test").await;
}

#[tokio::test]
async fn whoever_gets_in_is_not_counted_and_forgives_nobody_elses_guesses() {
    let site = Site::open().await;
    site.member("ada@example.test").await;
    let mut wrong = 0;
    while sign_in(&mut site.browser(), "ada@example.test", WRONG).await.status == 422 {
        wrong += 1;
        if wrong % 3 == 0 && wrong < 30 {
            for _ in 0..4 {
                site.signed_in("ada@example.test").await;
            }
        }
    }
    assert_eq!(wrong, 30);
}

/// Who knocks at a shut door does not keep it shut, and uses up nothing else.
#[tokio::test]
async fn a_refused_try_is_not_counted() {
    let site = Site::open().await;
    for guess in 0..40 {
        let status = sign_in(&mut site.browser(), "nobody@example.test", WRONG).await.status;
        assert_eq!(status, if guess < 10 { 422 } else { 429 }, "{guess}");
    }
    let counts = "SELECT COUNT(*) FROM throttles WHERE count = 10";
    assert_eq!(count(&site, counts).await, 2, "the quarter of an hour and the day");
    site.clock.forward(SignedDuration::from_mins(15));
    assert_eq!(sign_in(&mut site.browser(), "nobody@example.test", WRONG).await.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_counted_as_one_after_another() {
    at_once(Site::open().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_counted_as_one_after_another_on_postgresql() {
    at_once(Site::with_database(&kept_pgtest::empty_database()).await).await;
}

async fn at_once(site: Site) {
    let all = LocalSet::new();
    let tries = (0..30).map(|_| {
        let mut browser = site.browser();
        all.spawn_local(
            async move { sign_in(&mut browser, "nobody@example.test", WRONG).await.status.as_u16() },
        )
    });
    let (tries, mut answers) = (tries.collect::<Vec<_>>(), [0, 0]);
    all.await;
    for answer in tries {
        match answer.await.unwrap() {
            422 => answers[0] += 1,
            429 => answers[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(answers, [10, 20]);
}

/// `concealment`: an address that was typed in is stored nowhere, and what is counted is gone when its time is over.
#[tokio::test]
async fn counts_are_keyed_hashes_and_go_with_their_time() {
    let site = Site::open().await;
    sign_in(&mut site.browser(), "nobody@example.test", WRONG).await;
    let rows =
        site.keeper.store().read(|read| read.query("SELECT digest, count, ends FROM throttles", &params![]));
    let rows = rows.await.map_err(|cause: kept_store::StoreError| cause).unwrap();
    assert_eq!(rows.len(), 3, "the address, the address and its day, the place");
    assert!(rows.iter().all(|row| row.get::<[u8; 32]>(0).is_ok()));
    for (after, left) in [(14, 3), (2, 1), (24 * 60, 0)] {
        site.clock.forward(SignedDuration::from_mins(after));
        site.sweep().await;
        assert_eq!(count(&site, "SELECT COUNT(*) FROM throttles").await, left);
    }
}

/// A count made under a clock that was ahead does not shut the door for years.
#[tokio::test]
async fn a_clock_that_was_ahead_shuts_no_door() {
    let site = Site::open().await;
    let ahead = SignedDuration::from_hours(24 * 365);
    site.clock.forward(ahead);
    for _ in 0..10 {
        sign_in(&mut site.browser(), "nobody@example.test", WRONG).await;
    }
    assert_eq!(sign_in(&mut site.browser(), "nobody@example.test", WRONG).await.status, 429);
    site.clock.forward(-ahead);
    assert_eq!(sign_in(&mut site.browser(), "nobody@example.test", WRONG).await.status, 422);
}
