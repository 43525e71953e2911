//! Acts that share a transaction: what one of them does or meets harms no other.

use kept_keeper::{Act, Actor, KeeperError};
use kept_ledger::{Frontier, root};
use kept_pgtest::{Bridge, Cut};
use kept_store::{StoreError, params};
use kept_vault::SubjectId;
use tokio::task::{JoinHandle, yield_now};

use crate::{
    attempts::hold_the_turn,
    club::{Badge, Profile},
    site::{On, Site},
};

on_every_database! {
    whoever_fails_fails_alone
    whoever_ends_the_transaction_is_told_alone
    each_sees_what_those_before_have_done
}

type Outcome = Result<(), KeeperError>;

/// Lets an act wait for its turn.
async fn wait<F>(site: &Site, actor: Actor, work: F) -> JoinHandle<Outcome>
where
    F: FnMut(&mut Act<'_, '_>) -> Outcome + Send + 'static,
{
    let keeper = site.keeper.clone();
    let waiting = tokio::spawn(async move { keeper.act(keeper.ctx(actor), work).await });
    // Its task runs until it waits, and the next one comes behind it.
    yield_now().await;
    waiting
}

fn badge(number: &str) -> Badge {
    Badge { member_id: number.into() }
}

/// How often the badge was written, by the trail and by the vault.
async fn written(site: &Site, subject: SubjectId) -> (usize, i64) {
    let events = site.trail(subject).await.iter().filter(|what| *what == "badge").count();
    let revision = "SELECT revision FROM vault WHERE subject = $1 AND record = 'badge'";
    (events, site.count(revision, &params![subject.as_bytes()]).await)
}

async fn all_is_in_order(site: &Site) {
    let rows = site.rows("SELECT position, leaf FROM ledger ORDER BY position", &params![]).await;
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row.get(0), Ok(i64::try_from(place).unwrap()));
    }
    let edge = site.rows("SELECT edge FROM ledger_edge", &params![]).await;
    let edge = Frontier::from_bytes(&edge[0].get::<Vec<u8>>(0).unwrap()).unwrap();
    assert_eq!(edge.root(), root(rows.iter().map(|row| row.get(1).unwrap())));
    assert_eq!(site.broken().await, Vec::<String>::new());
}

async fn whoever_fails_fails_alone(on: On) {
    let site = Site::new(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    let before = written(&site, anna).await;
    let hold = hold_the_turn(site.keeper.clone()).await;
    let first = wait(&site, Actor::Person(anna), move |act| act.put(anna, &badge("A-1"))).await;
    let refused = wait(&site, Actor::Person(anna), move |act| {
        act.put(anna, &badge("A-2"))?;
        Err(KeeperError::Malformed("given up"))
    });
    let refused = refused.await;
    let panicked = wait(&site, Actor::Person(bert), move |act| {
        act.put(bert, &badge("B-1"))?;
        panic!("on purpose")
    });
    let panicked = panicked.await;
    let last = wait(&site, Actor::Person(anna), move |act| act.put(anna, &badge("A-3"))).await;
    let other = wait(&site, Actor::Person(bert), move |act| act.put(bert, &badge("B-2"))).await;
    drop(hold);
    first.await.unwrap().unwrap();
    assert!(matches!(refused.await.unwrap(), Err(KeeperError::Malformed("given up"))));
    assert!(matches!(panicked.await.unwrap(), Err(KeeperError::Store(StoreError::Panicked))));
    last.await.unwrap().unwrap();
    other.await.unwrap().unwrap();
    assert_eq!(written(&site, anna).await, (before.0 + 2, before.1 + 2));
    assert_eq!(written(&site, bert).await, (before.0 + 1, before.1 + 1));
    all_is_in_order(&site).await;
}

/// A row that the database refuses only when it is asked for other answers ends the transaction for all. They are run
/// again, and only one is told.
async fn whoever_ends_the_transaction_is_told_alone(on: On) {
    let site = Site::new(on).await;
    let (anna, bert) = (site.member("Anna").await, site.member("Bert").await);
    let before = written(&site, anna).await;
    let hold = hold_the_turn(site.keeper.clone()).await;
    let first = wait(&site, Actor::Person(anna), move |act| act.put(anna, &badge("A-1"))).await;
    let guilty = wait(&site, Actor::Person(bert), move |act| {
        act.put(bert, &badge("B-1"))?;
        Ok(act.tx().send("INSERT INTO facts (name, value) VALUES ('origin', $1)", &params!["again"])?)
    });
    let guilty = guilty.await;
    let refused = wait(&site, Actor::Person(bert), |_| Err(KeeperError::Malformed("given up"))).await;
    let last = wait(&site, Actor::System, move |act| act.put(bert, &badge("B-2"))).await;
    drop(hold);
    first.await.unwrap().unwrap();
    let told = guilty.await.unwrap();
    assert!(matches!(&told, Err(KeeperError::Store(StoreError::Unique { .. }))), "{told:?}");
    assert!(matches!(refused.await.unwrap(), Err(KeeperError::Malformed("given up"))));
    last.await.unwrap().unwrap();
    assert_eq!(written(&site, anna).await, (before.0 + 1, before.1 + 1));
    assert_eq!(written(&site, bert).await, (before.0 + 1, before.1 + 1));
    all_is_in_order(&site).await;
}

/// Their keys were read together, before the first of them began.
async fn each_sees_what_those_before_have_done(on: On) {
    let site = Site::new(on).await;
    let anna = site.member("Anna").await;
    let profile = |phone: Option<&str>| Profile {
        name: "Anna".into(),
        email: "anna@example.test".into(),
        phone: phone.map(Into::into),
    };
    let hold = hold_the_turn(site.keeper.clone()).await;
    let (without, with) = (profile(None), profile(Some("+1 555 010 0123")));
    let takes_back = wait(&site, Actor::Person(anna), move |act| act.put(anna, &without)).await;
    let gives_anew = wait(&site, Actor::Person(anna), move |act| act.put(anna, &with)).await;
    let named = wait(&site, Actor::Person(anna), move |act| {
        let told = "SELECT COUNT(*) FROM taken_back WHERE subject = $1";
        let told: i64 = act.tx().query_one(told, &params![anna.as_bytes()])?.get(0)?;
        if told == 1 { act.put(anna, &badge("A-1")) } else { Err(KeeperError::Malformed("not yet")) }
    });
    let named = named.await;
    drop(hold);
    takes_back.await.unwrap().unwrap();
    gives_anew.await.unwrap().unwrap();
    named.await.unwrap().unwrap();
    assert_eq!(site.own(anna).await.phone.as_deref(), Some("+1 555 010 0123"));
    all_is_in_order(&site).await;
}

#[tokio::test]
async fn those_who_wait_share_a_commit() {
    let site = Site::new(On::Postgres).await;
    let hold = hold_the_turn(site.keeper.clone()).await;
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::<String>::new()));
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let seen = seen.clone();
        waiting.push(
            wait(&site, Actor::System, move |act| {
                let row = act.tx().query_one("SELECT pg_current_xact_id()::text", &params![])?;
                seen.lock().unwrap().push(row.get(0)?);
                Ok(())
            })
            .await,
        );
    }
    drop(hold);
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    let mut seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 20);
    seen.dedup();
    assert_eq!(seen.len(), 1);
}

/// The connection breaks at the commit of a group: each act of it is done once.
#[tokio::test]
async fn a_group_whose_answer_is_lost_is_done_once() {
    let site = Site::new(On::Postgres).await;
    let anna = site.member("Anna").await;
    let bridge = Bridge::to(site.url.as_ref().unwrap());
    let far = site.another_over(Some(bridge.url.clone())).await;
    let mut expected = written(&site, anna).await;
    for how in [Cut::Before, Cut::After, Cut::Late] {
        let hold = hold_the_turn(far.keeper.clone()).await;
        // The holder's commit, and the group's.
        bridge.cut(how, 2);
        let mut waiting = Vec::new();
        for _ in 0..5 {
            waiting.push(wait(&far, Actor::Person(anna), move |act| act.put(anna, &badge("A-1"))).await);
        }
        waiting.push(wait(&far, Actor::System, |_| Err(KeeperError::Malformed("given up"))).await);
        drop(hold);
        let refused = waiting.pop().unwrap();
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        assert!(matches!(refused.await.unwrap(), Err(KeeperError::Malformed("given up"))), "{how:?}");
        expected = (expected.0 + 5, expected.1 + 5);
        assert_eq!(written(&site, anna).await, expected, "{how:?}");
    }
    all_is_in_order(&site).await;
}
