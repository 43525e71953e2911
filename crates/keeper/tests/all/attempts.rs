//! Acts whose turn does not come, or whose connection breaks: tried again, and done once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use kept_keeper::{Actor, Keeper, KeeperError};
use kept_pgtest::{Bridge, Cut};
use kept_store::{StoreError, params};
use kept_vault::SubjectId;

use crate::{
    club::Badge,
    site::{On, Site},
};

/// A site on PostgreSQL with a member, and a server of it whose connection can be cut.
async fn far() -> (Site, Site, Bridge, SubjectId) {
    let site = Site::new(On::Postgres).await;
    let anna = site.member("Anna").await;
    let bridge = Bridge::to(site.url.as_ref().unwrap());
    let far = site.another_over(Some(bridge.url.clone())).await;
    (site, far, bridge, anna)
}

/// Counts one up, with an event; gives how often it has run.
async fn step(site: &Site, anna: SubjectId) -> Result<usize, KeeperError> {
    let runs = Arc::new(AtomicUsize::new(0));
    let step = site.act(Actor::System, move |act| {
        let rung = "UPDATE members SET rung = rung + 1 WHERE subject = $1";
        act.tx().execute(rung, &params![anna.as_bytes()])?;
        act.put(anna, &Badge { member_id: "W-1".into() })?;
        Ok(runs.fetch_add(1, Ordering::SeqCst) + 1)
    });
    step.await
}

async fn steps(site: &Site, anna: SubjectId) -> (i64, usize) {
    let rung = site.count("SELECT rung FROM members", &params![]).await;
    (rung, site.trail(anna).await.iter().filter(|what| *what == "badge").count() - 1)
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_done_once() {
    let (site, far, bridge, anna) = far().await;
    let cuts =
        [(Cut::Before, 1, 2), (Cut::After, 1, 1), (Cut::Late, 1, 1), (Cut::Before, 3, 4), (Cut::After, 3, 1)];
    for (done, (how, commits, runs)) in (1..).zip(cuts) {
        bridge.cut(how, commits);
        assert_eq!(step(&far, anna).await.unwrap(), runs, "{how:?} {commits}");
        let expected = (i64::try_from(done).unwrap(), done);
        assert_eq!(steps(&site, anna).await, expected, "{how:?} {commits}");
    }
    assert_eq!(site.broken().await, Vec::<String>::new());
}

/// When nobody can look any more, nobody says that nothing was kept.
#[tokio::test]
async fn a_commit_that_cannot_be_looked_up_stays_unknown() {
    let (site, far, bridge, anna) = far().await;
    bridge.cut(Cut::After, usize::MAX);
    let unknown = step(&far, anna).await;
    assert!(matches!(unknown, Err(KeeperError::Store(StoreError::CommitUnknown))), "{unknown:?}");
    bridge.pass();
    assert_eq!(steps(&site, anna).await, (1, 1));

    // Its turn comes never again: another has it from the moment of the lost answer on.
    bridge.cut(Cut::After, 1);
    let (inside, is_inside) = tokio::sync::oneshot::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let (mut inside, keeper) = (Some(inside), far.keeper.clone());
    let stepping = tokio::spawn(async move {
        let step = keeper.act::<_, KeeperError, _>(keeper.ctx(Actor::System), move |act| {
            inside.take().into_iter().for_each(|inside| inside.send(()).unwrap());
            goes_on.recv_timeout(Duration::from_secs(30)).unwrap();
            act.put(anna, &Badge { member_id: "W-2".into() })
        });
        step.await
    });
    is_inside.await.unwrap();
    let next = tokio::spawn({
        let keeper = site.keeper.clone();
        async move { hold_the_turn(keeper).await }
    });
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while kept_pgtest::sql(site.url.as_ref().unwrap(), waits) == "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    go_on.send(()).unwrap();
    let hold = next.await.unwrap();
    let unknown = stepping.await.unwrap();
    assert!(matches!(unknown, Err(KeeperError::Store(StoreError::CommitUnknown))), "{unknown:?}");
    drop(hold);
    assert_eq!(steps(&site, anna).await, (1, 2));
}

/// An act without an event leaves nothing by which it could be found.
#[tokio::test]
async fn an_act_without_an_event_stays_unknown() {
    let (site, far, bridge, anna) = far().await;
    bridge.cut(Cut::After, 1);
    let silent = far.act(Actor::System, move |act| {
        let rung = "UPDATE members SET rung = rung + 1 WHERE subject = $1";
        Ok(act.tx().execute(rung, &params![anna.as_bytes()])?)
    });
    let silent = silent.await;
    assert!(matches!(silent, Err(KeeperError::Store(StoreError::CommitUnknown))), "{silent:?}");
    // The caller is told before the commit has arrived.
    for _ in 0..100 {
        if steps(&site, anna).await != (0, 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(steps(&site, anna).await, (1, 0));
}

#[tokio::test]
async fn the_journal_is_written_once() {
    let (site, far, bridge, anna) = far().await;
    for how in [Cut::Before, Cut::After, Cut::Late] {
        far.own(anna).await;
        bridge.cut(how, 1);
        far.keeper.write_journal().await.unwrap();
    }
    assert_eq!(site.trail(anna).await.iter().filter(|what| *what == "own").count(), 3);
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_commit_is_made_again() {
    let (site, _, _, anna) = far().await;
    let mut runs = 0;
    let interrupted = site.act(Actor::System, move |act| {
        act.put(anna, &Badge { member_id: "W-1".into() })?;
        runs += 1;
        if runs == 1 {
            act.tx().query("SELECT pg_terminate_backend(pg_backend_pid())", &params![])?;
        }
        Ok(runs)
    });
    assert_eq!(interrupted.await.unwrap(), 2);
    assert_eq!(steps(&site, anna).await, (0, 1));
}

#[tokio::test]
async fn an_act_whose_turn_does_not_come_waits_for_another() {
    let (site, far, _bridge, anna) = far().await;
    let hold = hold_the_turn(site.keeper.clone()).await;
    let release = async {
        tokio::time::sleep(Duration::from_millis(2500)).await;
        drop(hold);
    };
    let (stepped, ()) = tokio::join!(step(&far, anna), release);
    assert_eq!(stepped.unwrap(), 1, "it never ran while it was not its turn");
    assert_eq!(steps(&site, anna).await, (1, 1));
}

/// Keeps all others from acting until what it gives is dropped.
pub(crate) async fn hold_the_turn(keeper: Keeper) -> mpsc::Sender<()> {
    let (held, is_held) = tokio::sync::oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let mut held = Some(held);
    tokio::spawn(async move {
        let holding = keeper.act::<_, KeeperError, _>(keeper.ctx(Actor::System), move |act| {
            held.take().into_iter().for_each(|held| held.send(()).unwrap());
            // Something now and then, because the database gives up on who is silent for long.
            while released.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                act.tx().query("SELECT 1", &params![])?;
            }
            Ok(())
        });
        holding.await
    });
    is_held.await.unwrap();
    release
}
