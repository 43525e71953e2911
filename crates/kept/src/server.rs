//! Serving a site: pages, the socket for the command line, and the work that goes on by itself.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use axum::Router;
use kept_keeper::{Keeper, KeeperError, Report, chain};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::{Interval, MissedTickBehavior, interval},
};

use crate::{control, site::Site};

/// How often the reads of people's own data are written down: the notice says "within a second".
const JOURNAL: Duration = Duration::from_millis(500);
/// How often what is due is done.
const SWEEP: Duration = Duration::from_secs(60);
/// How often every sentence is checked, besides after each sweep that did something. What is new is read.
const PROVE: Duration = Duration::from_secs(60 * 60);
/// How often the database is written anew after erasures, and everything is read to check every sentence.
const NIGHT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what runs may still take once the server is asked to stop.
const LEAVE: Duration = Duration::from_secs(10);

/// Why a server did not come up or went down.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or cannot be had.
    #[error(
        "cannot listen on {address}: {cause}; choose another address: --listen of an example, `listen` in the settings of a site"
    )]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The socket for the command line could not be made.
    #[error("cannot make the socket {path}: {cause}")]
    Socket {
        /// The socket.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Serving ended with an error.
    #[error("the server stopped")]
    Io(#[from] std::io::Error),
    /// The last events could not be written.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
}

/// Takes an address.
///
/// # Errors
/// It is taken, or is none.
pub async fn listen(address: &str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|cause| ServeError::Listen { address: address.into(), cause })
}

/// Serves until a signal asks to stop; then finishes what is running, for ten seconds at most, and writes what is queued. `ready` is called when
/// the site can be reached, asked and stopped.
///
/// # Errors
/// The socket could not be made, or the last events could not be written.
pub async fn serve(
    site: Site,
    router: Router,
    listener: TcpListener,
    folder: &Path,
    ready: impl FnOnce() -> io::Result<()>,
) -> Result<(), ServeError> {
    let (stop, stopping) = watch::channel(false);
    let path = folder.join(control::SOCKET);
    let socket = control::bind(&path)
        .map_err(|cause| ServeError::Socket { path: path.display().to_string(), cause })?;
    let stopped = stop_signal()?;
    kept_public::served_at(&site.keeper, &site.face.base).await?;
    let read = site.keeper.policy().version().to_owned();
    kept_public::read_as_nobody(&site.keeper, &router).await?;
    ready()?;
    let answering = tokio::spawn(control::answer(site.keeper.clone(), socket, stopping.clone()));
    let working = tokio::spawn(work(site.clone(), router.clone(), read, stopping.clone()));
    let app = router.into_make_service_with_connect_info::<SocketAddr>();
    let (leave, leaving) = watch::channel(false);
    let stopped = async move {
        stopped.await;
        // Nobody listens any more only if serving has ended already.
        let _ = leave.send(true);
    };
    let served = tokio::select! {
        served = axum::serve(listener, app).with_graceful_shutdown(stopped) => served,
        () = overdue(leaving) => Ok(()),
    };
    // Nobody listens any more only if both have ended already.
    let _ = stop.send(true);
    let _ = tokio::join!(answering, working);
    let _ = std::fs::remove_file(&path);
    site.keeper.close().await?;
    Ok(served?)
}

/// Ends when connections have had their time to end: one that sends half a request and no more would never do so.
async fn overdue(mut leaving: watch::Receiver<bool>) {
    // An error means that serving has ended by itself.
    if leaving.wait_for(|leaving| *leaving).await.is_err() {
        return std::future::pending().await;
    }
    tokio::time::sleep(LEAVE).await;
}

/// The work that goes on by itself. The events of reads are written beside the rest, which may take longer than the
/// second within which they are promised.
async fn work(site: Site, router: Router, read: String, stopping: watch::Receiver<bool>) {
    tokio::join!(journal(&site.keeper, stopping.clone()), chores(&site, &router, read, stopping));
}

async fn journal(keeper: &Keeper, mut stopping: watch::Receiver<bool>) {
    let mut ticks = ticks(JOURNAL);
    loop {
        tokio::select! {
            _ = stopping.changed() => return,
            _ = ticks.tick() => log("journal", keeper.write_journal().await),
        }
    }
}

/// Sweeps, checks and tidying, one at a time; under the notice of the version `read` the public pages have been read.
async fn chores(site: &Site, router: &Router, mut read: String, mut stopping: watch::Receiver<bool>) {
    let [mut sweep, mut prove, mut night] = [SWEEP, PROVE, NIGHT].map(ticks);
    loop {
        tokio::select! {
            _ = stopping.changed() => return,
            _ = sweep.tick() => log("sweep", swept(site, router, &mut read).await),
            _ = prove.tick() => log("checks", site.keeper.prove_new().await.map(tell)),
            _ = night.tick() => {
                log("tidying", site.keeper.tidy().await.map(drop));
                log("checks", site.keeper.prove().await.map(tell));
            }
        }
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Does what is due. Where another notice binds than when the public pages were `read`, they are read again; then, and if
/// anything was done, every sentence is checked.
async fn swept(site: &Site, router: &Router, read: &mut String) -> Result<(), KeeperError> {
    kept_accounts::tidy(&site.accounts).await?;
    let swept = site.keeper.sweep().await?;
    let policy = site.keeper.follow().await?;
    let is_new = policy.version() != read;
    if is_new {
        kept_public::read_as_nobody(&site.keeper, router).await?;
    }
    if swept.done > 0 || swept.failed > 0 || is_new {
        tracing::info!(done = swept.done, failed = swept.failed, "swept");
        tell(site.keeper.prove_new().await?);
    }
    policy.version().clone_into(read);
    Ok(())
}

/// Says in the log which sentences are broken.
fn tell(report: Report) {
    for promise in report.broken() {
        tracing::error!(rule = %promise.id, detail = %promise.detail, "a promise is broken");
    }
}

fn log(what: &'static str, outcome: Result<(), KeeperError>) {
    if let Err(cause) = outcome {
        tracing::error!(what, cause = %chain(&cause), "failed; it will be tried again");
    }
}

/// Waits for the signal to stop. It is listened for from this call on, not from the first wait.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
