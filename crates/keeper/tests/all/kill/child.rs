//! The server that is killed: writers, a sweeper and the journal, all at once. It tells what it is about to do, and what
//! was answered, line by line.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufRead as _, Read as _, Write as _},
    path::PathBuf,
    process,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use jiff::{Timestamp, ToSpan};
use kept_keeper::{Act, Actor, Claim, Keeper, KeeperError, Letter};
use kept_store::{StoreError, params};
use kept_vault::SubjectId;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::Fault;
use crate::{
    club::{AREA, BY_EMAIL, BY_NAME, Badge, Card, NOTICE, Own, Profile},
    site::{Hands, OWNER, STAFF, open},
};

/// What the loop tells a server before it starts.
#[derive(Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) folder: PathBuf,
    pub(crate) url: Option<String>,
    pub(crate) moment: Timestamp,
    pub(crate) cycle: u64,
    /// Who may be written about, with the number of their last step.
    pub(crate) people: BTreeMap<String, String>,
    pub(crate) fault: Option<Fault>,
}

/// Writers that are at work at the same time; each has people of its own.
const WRITERS: usize = 4;
/// Members that each writer keeps in the club.
const MEMBERS: usize = 8;
/// How long a writer rests after a refusal.
const BREATH: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "the loop starts it, and kills it"]
async fn serve() {
    let mut orders = String::new();
    io::stdin().lock().read_line(&mut orders).unwrap();
    let Ok(orders) = serde_json::from_str::<Orders>(&orders) else { return };
    // It ends with the loop, however that ends.
    thread::spawn(|| {
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        process::exit(1);
    });
    say("");
    let clock = Hands::at(&orders.moment.to_string());
    let seed = u8::try_from(orders.cycle % 250).unwrap() + 1;
    let keeper = open(&orders.folder, orders.url.as_deref(), clock.clone(), NOTICE, &[AREA], seed).await;
    let keeper = match keeper {
        Ok(keeper) => keeper,
        Err(cause) => return say(&format!("not\tstart\t{cause}")),
    };
    if orders.fault == Some(Fault::NoTombstones) {
        fs::remove_file(orders.folder.join("tombstones")).unwrap();
    }
    say("ready");
    let server = Arc::new(Server { keeper, clock, orders, read: Mutex::default() });
    for writer in 0..WRITERS {
        tokio::spawn(Arc::clone(&server).write(writer));
    }
    tokio::spawn(Arc::clone(&server).write_journal());
    server.sweep().await;
}

struct Server {
    keeper: Keeper,
    clock: Arc<Hands>,
    orders: Orders,
    /// Who has read of themselves since the journal was last written.
    read: Mutex<Vec<String>>,
}

impl Server {
    async fn write(self: Arc<Server>, writer: usize) {
        let mut dice = ChaCha8Rng::seed_from_u64(self.orders.cycle * 10 + u64::try_from(writer).unwrap());
        let mine = self.orders.people.iter().enumerate().filter(|(place, _)| place % WRITERS == writer);
        let mut mine: Vec<(String, SubjectId)> =
            mine.map(|(_, (name, id))| (name.clone(), id.parse().unwrap())).collect();
        for number in 0_u64.. {
            let roll = dice.next_u64() % 100;
            if mine.is_empty() || (mine.len() < MEMBERS && roll < 30) {
                let name = format!("w{}x{writer}x{number}", self.orders.cycle);
                if let Some(subject) = self.join(writer, &name).await {
                    mine.push((name, subject));
                }
                continue;
            }
            let chosen = usize::try_from(dice.next_u64()).unwrap() % mine.len();
            let (name, subject) = mine[chosen].clone();
            match roll {
                0..60 => self.step(writer, &name, subject).await,
                60..72 => self.letter(writer, &name, subject).await,
                72..84 => self.card(writer, &name, subject).await,
                84..94 => self.read(&name, subject).await,
                _ if mine.len() > 2 => {
                    mine.swap_remove(chosen);
                    self.leave(writer, &name, subject).await;
                }
                _ => {}
            }
        }
    }

    async fn join(&self, writer: usize, name: &str) -> Option<SubjectId> {
        let half = self.orders.fault == Some(Fault::HalfDone);
        self.attempt(writer, "join", name, self.keeper.ctx(Actor::Visitor), move |act, name| {
            let subject = act.new_subject();
            let email = format!("{name}@example.test");
            let profile = Profile { name: name.into(), email: email.clone(), phone: None };
            act.put(subject, &profile)?;
            act.put(subject, &Badge { member_id: "W-0".into() })?;
            act.claim(BY_NAME, name, subject)?;
            let insert = "INSERT INTO members (subject, standing, rung) VALUES ($1, 'open', 0)";
            act.tx().execute(insert, &params![subject.as_bytes()])?;
            if !half && act.claim(BY_EMAIL, &email, subject)? != Claim::Granted {
                return Err(KeeperError::Unknown("an address that nobody has".into()));
            }
            Ok(subject)
        })
        .await
    }

    /// Something of everything in one act: a counter, a row, a sealed part that is written anew, and an event.
    async fn step(&self, writer: usize, name: &str, subject: SubjectId) {
        let step = move |act: &mut Act<'_, '_>, _: &str| {
            let rung = "UPDATE members SET rung = rung + 1 WHERE subject = $1 RETURNING rung";
            let rung: i64 = act.tx().query_one(rung, &params![subject.as_bytes()])?.get(0)?;
            let walk = "INSERT INTO walks (subject, number, credits) VALUES ($1, $2, 1)";
            act.tx().execute(walk, &params![subject.as_bytes(), rung])?;
            act.put(subject, &Badge { member_id: format!("W-{rung}") })?;
            Ok(subject)
        };
        self.attempt(writer, "step", name, self.keeper.ctx(Actor::System), step).await;
        if self.orders.fault == Some(Fault::Twice) {
            let again = self.keeper.ctx(Actor::System);
            self.keeper.act::<_, KeeperError, _>(again, move |act| step(act, "")).await.unwrap();
        }
    }

    async fn letter(&self, writer: usize, name: &str, subject: SubjectId) {
        self.attempt(writer, "letter", name, self.keeper.ctx(Actor::System), move |act, name| {
            let (to, text) = (format!("{name}@example.test"), "Come along on Sunday.".into());
            act.mail(subject, &Letter { about: "test", to, subject: "A walk".into(), text })?;
            Ok(subject)
        })
        .await;
    }

    /// Somebody of the staff looks: the event is committed before anything is shown.
    async fn card(&self, writer: usize, name: &str, subject: SubjectId) {
        self.attempt(writer, "card", name, self.keeper.ctx(STAFF), move |act, name| {
            match act.view::<Card>(subject, Some("a question"))?.name {
                Some(shown) if shown == name => Ok(subject),
                _ => Err(KeeperError::Unknown("a card without its name".into())),
            }
        })
        .await;
    }

    async fn leave(&self, writer: usize, name: &str, subject: SubjectId) {
        self.attempt(writer, "leave", name, self.keeper.ctx(Actor::System), move |act, _| {
            act.emit(subject, "member.left").map(|()| subject)
        })
        .await;
    }

    /// What somebody reads of themselves is noted in memory, and written by the journal.
    async fn read(&self, name: &str, subject: SubjectId) {
        say(&format!("read\t{name}"));
        let ctx = self.keeper.ctx(Actor::Person(subject));
        if self.keeper.look(ctx, move |look| look.view::<Own>(subject)).await.is_ok() {
            say(&format!("seen\t{name}"));
            self.read.lock().unwrap().push(name.into());
        }
    }

    async fn write_journal(self: Arc<Server>) {
        let mut read = Vec::new();
        loop {
            read.append(&mut self.read.lock().unwrap());
            if self.keeper.write_journal().await.is_ok() {
                read.drain(..).for_each(|name| say(&format!("noted\t{name}")));
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Does what is due, and moves the clock on when nothing is.
    async fn sweep(&self) {
        for round in 1_u64.. {
            match self.keeper.sweep().await {
                Ok(swept) if swept.paused.is_some() => {
                    let _ = self.keeper.release_brake(OWNER).await;
                    continue;
                }
                Ok(swept) if swept.failed == 0 => {}
                Ok(_) => {
                    say("not\tsweep\ta duty failed");
                    sleep(BREATH).await;
                    continue;
                }
                Err(cause) => {
                    say(&format!("not\tsweep\t{cause}"));
                    sleep(BREATH).await;
                    continue;
                }
            }
            if round.is_multiple_of(8)
                && let Ok(report) = self.keeper.prove().await
            {
                report.broken().for_each(|promise| say(&format!("bad\tbroken: {}", promise.id)));
            }
            let next = self.keeper.now() + 20.hours();
            sleep(Duration::from_millis(3)).await;
            say(&format!("tick\t{}", next.as_millisecond()));
            self.clock.set(next);
        }
    }

    /// One act: told before it begins, and told again when it was answered.
    async fn attempt<F>(
        &self,
        writer: usize,
        what: &str,
        name: &str,
        ctx: kept_keeper::Ctx,
        mut work: F,
    ) -> Option<SubjectId>
    where
        F: FnMut(&mut Act<'_, '_>, &str) -> Result<SubjectId, KeeperError> + Send + 'static,
    {
        say(&format!("will\t{writer}\t{what}\t{name}\t{}", ctx.now.as_millisecond()));
        let early = self.orders.fault == Some(Fault::EarlyAnswer) && what != "join";
        if early {
            say(&format!("did\t{writer}\t"));
        }
        let name = name.to_owned();
        match self.keeper.act(ctx, move |act| work(act, &name)).await {
            Ok(_) if early => None,
            Ok(subject) => {
                say(&format!("did\t{writer}\t{subject}"));
                Some(subject)
            }
            Err(cause) => {
                let unknown = matches!(cause, KeeperError::Store(StoreError::CommitUnknown));
                say(&format!("{}\t{writer}\t{cause}", if unknown { "may" } else { "not" }));
                sleep(BREATH).await;
                None
            }
        }
    }
}

/// One line, in one write: a server that is killed tells a line or does not.
fn say(line: &str) {
    io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}
