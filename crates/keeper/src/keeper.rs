//! The keeper: one site's kernel, opened on its folder, under its notice.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use jiff::Timestamp;
use kept_ledger::{Frontier, Origin, Signer};
use kept_store::{Read, Store, Tx, params};
use kept_vault::{KeyCustody, KeyFile, KeyRing};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::{
    act::Act,
    area::Area,
    attempt::Attempt,
    ctx::{Actor, Ctx, TimeSource},
    error::{KeeperError, StartError},
    facts,
    follow::Known,
    journal::{Journal, Note},
    look::Look,
    policy::Policy,
    propose::{ProposeError, Proposed},
    prove::Ground,
    registry::Registry,
    sealed::Vault,
    time::to_millis,
    tombstones::Tombstones,
    trail::{self, Deed, Event, SITE, Trail, Turn},
    turns::Turns,
};

/// What a site is opened with.
pub struct Setup<'a> {
    /// The data folder; made when it is missing. Each server has one of its own.
    pub folder: &'a Path,
    /// Where the database is.
    pub database: Database<'a>,
    /// The notice, as written.
    pub notice: &'a str,
    /// The parts of the organisation.
    pub areas: &'a [Area],
    /// Where the present moment comes from.
    pub time: Arc<dyn TimeSource>,
    /// The seed of all randomness, another for each server; the binary takes it from the operating system.
    pub seed: [u8; 32],
}

/// Where a site's database is. Keys, tombstones and the checkpoint's file are in the data folder in any case.
#[derive(Clone, Copy)]
pub enum Database<'a> {
    /// SQLite, in the data folder, for one server.
    Folder,
    /// PostgreSQL at this address (`postgresql://user@host/name`), for any number of servers. Each needs a copy of the
    /// first one's key file in its folder before it starts.
    Url(&'a str),
}

/// One site's kernel. Cheap to clone.
#[derive(Clone)]
pub struct Keeper {
    pub(crate) house: Arc<House>,
    pub(crate) store: Store,
}

/// What acts and looks share.
pub(crate) struct House {
    pub(crate) folder: PathBuf,
    pub(crate) ring: KeyRing,
    pub(crate) registry: Registry,
    pub(crate) signer: Signer,
    pub(crate) origin: Origin,
    pub(crate) tombstones: Tombstones,
    pub(crate) journal: Journal,
    pub(crate) turns: Turns,
    /// One run of the checks at a time: two would publish their checkpoints over each other. Each goes on from where
    /// the one before found everything in order.
    pub(crate) proving: tokio::sync::Mutex<Option<Ground>>,
    pub(crate) known: RwLock<Known>,
    time: Arc<dyn TimeSource>,
    entropy: Mutex<ChaCha20Rng>,
}

impl Keeper {
    /// Opens a site: compiles its notice, holds its areas, views and tables against it, and checks that folder, keys
    /// and notice belong together. A site that is refused keeps its data as it was.
    ///
    /// The notice is the one in force, one that was before, or one that is proposed: the site runs under the one that its
    /// own record says is in force.
    ///
    /// # Errors
    /// Each says what does not fit, where, and what to do.
    pub async fn open(setup: Setup<'_>) -> Result<Keeper, StartError> {
        Keeper::start(setup, false).await
    }

    /// Opens a site under the notice in force, and proposes the one given instead.
    ///
    /// # Errors
    /// As [`open`](Keeper::open) and [`propose`](Keeper::propose).
    pub async fn open_and_propose(setup: Setup<'_>) -> Result<(Keeper, Proposed), ProposeError> {
        let notice = setup.notice.to_owned();
        let keeper = Keeper::start(setup, true).await?;
        let outcome = keeper.propose(&notice).await?;
        Ok((keeper, outcome))
    }

    async fn start(setup: Setup<'_>, under_another: bool) -> Result<Keeper, StartError> {
        let registry = Registry::new(setup.areas);
        let policy = Policy::compile(setup.notice, &registry)?;
        let folder = setup.folder.to_path_buf();
        let origin = origin(&policy.notice.contact)?;
        make_private(&folder).map_err(|cause| StartError::Folder { path: folder.clone(), cause })?;

        let mut entropy = ChaCha20Rng::from_seed(setup.seed);
        let keys = KeyFile::new(folder.join("keys"));
        let is_new = match setup.database {
            Database::Folder => !folder.join("kept.db").exists(),
            Database::Url(url) => Store::is_new(url)?,
        };
        if is_new && !keys.exists() {
            keys.save(&KeyRing::generate(&mut entropy))?;
        }
        let ring = keys.load()?;
        let migrations = registry.migrations();
        // Before anything of an older version is changed.
        let fits = |read: &Read<'_>| match facts::read(read, KEYS)? {
            Some(known) if known != ring.fingerprint() => Err(other_keys(&folder)),
            _ => Ok(()),
        };
        let store = match setup.database {
            Database::Folder => Store::open_if(&folder, &migrations, fits)?,
            Database::Url(url) => Store::connect_if(url, &migrations, fits)?,
        };
        registry.hold_against(&store.columns().await?)?;
        let tombstones =
            Tombstones::open(&folder).map_err(|cause| StartError::Folder { path: folder.clone(), cause })?;

        let origin = known_origin(&store).await?.unwrap_or(origin);
        let signer = Signer::from_seed(&origin, &ring.derive("ledger"));
        let house = House {
            folder: folder.clone(),
            ring,
            registry,
            signer,
            origin,
            tombstones,
            journal: Journal::default(),
            turns: Turns::default(),
            proving: tokio::sync::Mutex::default(),
            known: RwLock::new(Known::only(policy)),
            time: setup.time,
            entropy: Mutex::new(entropy),
        };
        let keeper = Keeper { house: Arc::new(house), store };
        keeper.settle_in(setup.notice, under_another).await?;
        keeper.part_from_earlier_runs().await?;
        keeper.read_notices(keeper.now()).await?;
        Ok(keeper)
    }

    /// Holds the folder's own facts against keys and notice, and writes them down at the first start.
    async fn settle_in(&self, source: &str, under_another: bool) -> Result<(), StartError> {
        let house = self.house.clone();
        let mut ctx = self.ctx(Actor::System);
        let source = source.to_owned();
        self.store.write(move |tx| house.settle_in(tx, &mut ctx, &source, under_another)).await
    }

    /// The same seed must not give the same ids again after a restart: each length of the ledger has a stream of its own.
    async fn part_from_earlier_runs(&self) -> Result<(), KeeperError> {
        let size = self.store.read(trail::edge).await?.size();
        self.house.entropy.lock().unwrap_or_else(PoisonError::into_inner).set_stream(size);
        Ok(())
    }

    /// The present moment, as the site's time source has it.
    pub fn now(&self) -> Timestamp {
        self.house.time.now()
    }

    /// The circumstances of an act or a look by somebody, now, under the policy in force.
    pub fn ctx(&self, actor: Actor) -> Ctx {
        let about = if let Actor::Person(subject) = actor { Some(subject) } else { None };
        Ctx { actor, now: self.now(), policy: self.policy(), rng: self.rng(), about }
    }

    /// The areas of the site, composed.
    pub fn registry(&self) -> &Registry {
        &self.house.registry
    }

    /// The site's database, for promise checks and tests that look behind the kernel.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A secret of this site for one purpose, the same at every start: form tokens, throttles.
    pub fn secret(&self, purpose: &str) -> [u8; 32] {
        *self.house.ring.derive(purpose)
    }

    /// The public key with which anyone can verify the ledger's checkpoints.
    pub fn verifier_key(&self) -> String {
        self.house.signer.verifier_key()
    }

    /// Runs one act in one transaction. The closure may be run again from the start, so it keeps nothing outside. An act
    /// whose turn did not come, or whose connection broke, is tried again a few times; it is done once all the same.
    ///
    /// # Errors
    /// The closure's error, with nothing written; or the database's.
    pub async fn act<T, E, F>(&self, ctx: Ctx, work: F) -> Result<T, E>
    where
        F: FnMut(&mut Act<'_, '_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<KeeperError> + Send + 'static,
    {
        Attempt::new(ctx, work).until_done(self).await
    }

    /// Runs one look: reads in one snapshot, without writing. What a person sees of themselves is noted within a second;
    /// what staff see, before this returns.
    ///
    /// # Errors
    /// The closure's error, or the database's.
    pub async fn look<T, E, F>(&self, ctx: Ctx, mut work: F) -> Result<T, E>
    where
        F: FnMut(&mut Look<'_, '_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<KeeperError> + Send + 'static,
    {
        let (house, mut ctx) = (self.house.clone(), self.followed(ctx).await?);
        let mut rng = ChaCha20Rng::from_rng(&mut ctx.rng);
        let looked = move |read: &Read<'_>| {
            let mut look = Look::new(read, &ctx, &mut rng, &house);
            let seen = work(&mut look).map_err(Acted::Theirs)?;
            Ok((seen, look.into_notes()))
        };
        let (seen, notes) = self.store.read(looked).await.map_err(Acted::flat)?;
        self.house.journal.note(notes.soon);
        self.record(notes.before).await?;
        Ok(seen)
    }

    /// Notes that a signed-in person has opened a page, within a second as their reads are (`acc-11`). The title names the
    /// page and nobody.
    pub fn note_page(&self, actor: Actor, title: &str) {
        let (Actor::Person(subject) | Actor::Staff { subject, .. }) = actor else { return };
        let event = Event {
            at: self.now(),
            who: actor.label(),
            deed: Deed::Opened,
            purpose: None,
            what: title.into(),
            kinds: Vec::new(),
            because: None,
            notice: self.policy().version().into(),
        };
        self.house.journal.note([Note::Open(subject, event)]);
    }

    /// Finishes what is queued and lets go of the folder.
    ///
    /// # Errors
    /// The last events could not be written.
    pub async fn close(self) -> Result<(), KeeperError> {
        self.write_journal().await?;
        self.store.close().await;
        Ok(())
    }

    fn rng(&self) -> ChaCha20Rng {
        let mut seed = [0; 32];
        self.house.entropy.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut seed);
        ChaCha20Rng::from_seed(seed)
    }
}

impl House {
    fn settle_in(
        &self,
        tx: &Tx<'_>,
        ctx: &mut Ctx,
        source: &str,
        under_another: bool,
    ) -> Result<(), StartError> {
        let fingerprint = self.ring.fingerprint();
        if facts::read(tx, KEYS)?.is_none() {
            // Of several servers that start an empty site one goes first; the others wait here until it has.
            facts::write_first(tx, KEYS, &fingerprint)?;
            facts::write_first(tx, ORIGIN, &self.origin.to_string())?;
            tx.execute(
                "INSERT INTO ledger_edge (id, edge, policy) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
                &params![Frontier::new().to_bytes(), ctx.policy.version()],
            )?;
            tx.execute(
                "INSERT INTO brakes (id, latest) VALUES (1, $1) ON CONFLICT (id) DO NOTHING",
                &params![to_millis(ctx.now)],
            )?;
        }
        if facts::read(tx, KEYS)?.as_ref() != Some(&fingerprint) {
            return Err(other_keys(&self.folder));
        }
        let running = tx.query_one("SELECT policy FROM ledger_edge WHERE id = 1", &params![])?;
        if tx.query("SELECT 1 FROM policies LIMIT 1", &params![])?.is_empty() {
            return self.take_into_force(tx, ctx, source);
        }
        let known = "SELECT 1 FROM policies WHERE version = $1";
        if under_another || tx.query_opt(known, &params![ctx.policy.version()])?.is_some() {
            return Ok(());
        }
        Err(StartError::OtherNotice {
            folder: self.folder.clone(),
            running: running.get::<String>(0)?.chars().take(12).collect(),
        })
    }

    fn take_into_force(&self, tx: &Tx<'_>, ctx: &mut Ctx, source: &str) -> Result<(), StartError> {
        tx.execute(
            "INSERT INTO policies (version, source, effective, material, proposed, listed, told, activates, \
             activated, carried) VALUES ($1, $2, $3, 0, $4, $4, $4, $4, $4, $4)",
            &params![
                ctx.policy.version(),
                source,
                ctx.policy.notice.effective.to_string(),
                to_millis(ctx.now)
            ],
        )?;
        let event = Event {
            at: ctx.now,
            who: Actor::System.label(),
            deed: Deed::Site,
            purpose: None,
            what: "notice taken into force".into(),
            kinds: Vec::new(),
            because: None,
            notice: ctx.policy.version().into(),
        };
        let mut turn = Turn::begin(tx)?;
        let trail = Trail::of(tx, &Vault { ring: &self.ring }, &mut ctx.rng, SITE, true)?;
        turn.append(trail.seal(&mut ctx.rng, &event)?)?;
        Ok(turn.finish(tx)?)
    }
}

/// An act's error: the caller's own, or the kernel's on the way to the commit.
pub(crate) enum Acted<E> {
    Theirs(E),
    Ours(KeeperError),
}

impl<E> From<kept_store::StoreError> for Acted<E> {
    fn from(cause: kept_store::StoreError) -> Acted<E> {
        Acted::Ours(cause.into())
    }
}

impl<E: From<KeeperError>> Acted<E> {
    pub(crate) fn flat(self) -> E {
        match self {
            Acted::Theirs(error) => error,
            Acted::Ours(error) => error.into(),
        }
    }
}

/// Where it is written down which key ring the data was sealed under.
const KEYS: &str = "keys";

/// Where the ledger's name is written down.
const ORIGIN: &str = "origin";

fn other_keys(folder: &Path) -> StartError {
    StartError::OtherKeys { path: folder.join("keys") }
}

/// The ledger's name as its first server wrote it down: it stays, also when the contact changes.
async fn known_origin(store: &Store) -> Result<Option<Origin>, StartError> {
    let Some(origin) = store.read(|read| facts::read(read, ORIGIN)).await? else { return Ok(None) };
    Ok(Some(origin.parse().map_err(|_| KeeperError::Malformed("a name of the ledger that is none"))?))
}

/// The ledger's name: the domain under which the organisation can be reached about its notice.
fn origin(contact: &str) -> Result<Origin, StartError> {
    let domain = contact.rsplit('@').next().unwrap_or(contact);
    format!("{domain}/kept").parse().map_err(|_| StartError::Contact)
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
