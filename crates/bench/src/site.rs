//! Kept, as a site serves it: the same answers as the floor's, through the vault, the views and the ledger.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Path as Segment, State},
    response::Response,
    routing::{get, put},
};
use kept_keeper::{Actor, Database, Keeper, KeeperError, Setup};
use kept_vault::SubjectId;

use crate::{
    Failure,
    fill::Where,
    machine::Wall,
    people::{AREA, Callback, Card, NOTICE, Own},
    serve::{self, json},
};

/// Opens the site. Another `seed` for each opening would be a server's; here every run is the same.
pub(crate) async fn open(at: &Where) -> Result<Keeper, Failure> {
    let database = at.url.as_deref().map_or(Database::Folder, Database::Url);
    let folder: &Path = &at.folder;
    let areas = &[AREA];
    Ok(Keeper::open(Setup { folder, database, notice: NOTICE, areas, time: Arc::new(Wall), seed: [7; 32] })
        .await?)
}

/// Serves until the input ends.
pub(crate) async fn serve(at: Where) -> Result<(), Failure> {
    let keeper = open(&at).await?;
    let journal = keeper.clone();
    // As a server does: what people read of themselves is written within a second.
    let writing = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if let Err(why) = journal.write_journal().await {
                crate::say(&format!("the journal was not written: {why}"));
            }
        }
    });
    let app = Router::new()
        .route("/own/{subject}", get(own))
        .route("/card/{subject}", get(card))
        .route("/callback/{subject}", put(callback))
        .with_state(keeper.clone());
    serve::until_the_input_ends(app).await?;
    writing.abort();
    // An aborted task lets go of its keeper when it is next looked at.
    let _ = writing.await;
    Ok(keeper.close().await?)
}

/// A read by the person.
async fn own(State(keeper): State<Keeper>, Segment(subject): Segment<String>) -> Response {
    json(look(&keeper, &subject).await)
}

async fn look(keeper: &Keeper, subject: &str) -> Result<Own, Failure> {
    let subject: SubjectId = subject.parse()?;
    Ok(keeper.look(keeper.ctx(Actor::Person(subject)), move |look| look.view::<Own>(subject)).await?)
}

/// A read by staff: its event is on the disk before anything is released.
async fn card(State(keeper): State<Keeper>, Segment(subject): Segment<String>) -> Response {
    json(show(&keeper, &subject).await)
}

async fn show(keeper: &Keeper, subject: &str) -> Result<Card, Failure> {
    let subject: SubjectId = subject.parse()?;
    let staff = Actor::Staff { subject: SubjectId::from_bytes([9; 16]), role: "support" };
    let look = keeper.look(keeper.ctx(staff), move |look| look.shown::<Card>(subject, Some("called us")));
    Ok(look.await?)
}

/// A durable write of one sealed part.
async fn callback(State(keeper): State<Keeper>, Segment(subject): Segment<String>, body: Bytes) -> Response {
    json(write(&keeper, &subject, &body).await)
}

async fn write(keeper: &Keeper, subject: &str, body: &[u8]) -> Result<Callback, Failure> {
    let subject: SubjectId = subject.parse()?;
    let callback: Callback = serde_json::from_slice(body)?;
    let written = callback.clone();
    let act = keeper.act(keeper.ctx(Actor::Person(subject)), move |act| {
        act.put(subject, &callback)?;
        Ok::<_, KeeperError>(())
    });
    act.await?;
    Ok(written)
}
