//! The few files that pages need, each at an address that changes with its content.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{Problem, paths};

/// `GET /assets/*`, kept by browsers for a year because the name changes with the content, and `GET /healthz`.
pub fn assets_router() -> Router {
    Router::new()
        .route("/assets/{file}", get(serve))
        .route(paths::HEALTH, get(|| async { ([(CONTENT_TYPE, "text/plain; charset=utf-8")], "ok") }))
}

/// The address of the stylesheet, such as `/assets/kept.0123456789abcdef.css`.
#[must_use]
pub fn stylesheet_path() -> &'static str {
    &STYLESHEET.path
}

/// The stylesheet itself, for a page that is sent on alone.
#[must_use]
pub fn stylesheet() -> &'static str {
    STYLESHEET.content
}

/// The address of the script that hands a passkey's question to the browser.
#[must_use]
pub fn passkey_script_path() -> &'static str {
    &PASSKEY_SCRIPT.path
}

/// The address of the icon.
#[must_use]
pub fn icon_path() -> &'static str {
    &ICON.path
}

async fn serve(Path(file): Path<String>) -> Result<Response, Problem> {
    let asset = [&*STYLESHEET, &*ICON, &*PASSKEY_SCRIPT]
        .into_iter()
        .find(|asset| asset.path.strip_prefix("/assets/") == Some(file.as_str()))
        .ok_or_else(Problem::not_found)?;
    let headers =
        [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}

struct Asset {
    path: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let hash: String = HEXLOWER.encode(&digest).chars().take(16).collect();
        Self { path: format!("/assets/{name}.{hash}.{extension}"), content_type, content }
    }
}

static STYLESHEET: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("kept", "css", "text/css; charset=utf-8", include_str!("../assets/kept.css"))
});

static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg")));

static PASSKEY_SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("passkey", "js", "text/javascript; charset=utf-8", include_str!("../assets/passkey.js"))
});
