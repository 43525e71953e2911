//! Serving, the same for the floor and for Kept.

use std::io::{Read as _, Write as _};

use axum::{
    Router,
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use tokio::{net::TcpListener, sync::oneshot};

use crate::Failure;

/// Serves on a port of its own, says which, and stops when the input ends.
pub(crate) async fn until_the_input_ends(app: Router) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let (over, ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        // Whatever comes, its end is what is waited for.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(over);
    });
    axum::serve(listener, app)
        .with_graceful_shutdown(async {
            let _ = ended.await;
        })
        .await?;
    Ok(())
}

/// The value as JSON, or 500 with the cause.
pub(crate) fn json<T: Serialize>(outcome: Result<T, Failure>) -> Response {
    let body = outcome.and_then(|value| Ok(serde_json::to_vec(&value)?));
    match body {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], Body::from(body)).into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why.to_string()).into_response(),
    }
}
