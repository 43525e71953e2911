//! `kept serve --config FILE`: a site of one's own, until a signal asks it to stop.

use std::{fs, io::Write, path::Path, sync::Arc};

use axum::Router;
use kept_accounts::Passwords;
use kept_keeper::{Keeper, Setup};

use super::{Failed, database, in_file, read};
use crate::{
    config::Config,
    machine::{self, Wall},
    server,
    site::{AREAS, PACE, Settings, Site},
};

/// Serves the site of these settings.
///
/// # Errors
/// What does not fit, and what to do; nothing was changed.
pub async fn run(path: &Path, out: &mut impl Write) -> Result<(), Failed> {
    let config = Config::read(path)?;
    let notice = read(&config.notice)?;
    if let Some(downloads) = &config.downloads {
        // Else whoever opens the page of the downloads would be the first to learn it.
        fs::read_dir(downloads).map_err(|cause| Failed::File { path: downloads.clone(), cause })?;
    }
    let listener = server::listen(&config.listen.to_string()).await?;
    let seed = machine::seed().map_err(Failed::Seed)?;
    let setup = Setup {
        folder: &config.data,
        database: database(config.database.as_ref()),
        notice: &notice,
        areas: AREAS,
        time: Arc::new(Wall),
        seed,
    };
    let keeper = Keeper::open(setup).await.map_err(|cause| in_file(&config.notice, cause))?;
    let owner_code = kept_accounts::first_owner_code(&keeper).await?;
    let settings = Settings {
        base: config.base.clone(),
        passwords: Passwords::standard()?,
        pace: PACE,
        downloads: config.downloads.clone(),
        demo: None,
        proxies: config.proxies.clone(),
    };
    let site = Site::new(keeper, settings);
    let router = site.router(Router::new());
    let ready = || introduce(&site, &config, owner_code.as_deref(), out);
    Ok(server::serve(site.clone(), router, listener, &config.data, ready).await?)
}

fn introduce(
    site: &Site,
    config: &Config,
    owner_code: Option<&str>,
    out: &mut impl Write,
) -> std::io::Result<()> {
    let base = site.face.base.origin();
    writeln!(out, "{} is at {base}\n", site.face.name)?;
    if let Some(code) = owner_code {
        writeln!(out, "  code      {code}")?;
        writeln!(
            out,
            "            There is no owner yet. Sign up, then use this code once, at {base}/owner; it replaces"
        )?;
        writeln!(out, "            any that was printed before.")?;
    }
    writeln!(out, "  listens   {} in plain http, for this machine and its proxies", config.listen)?;
    writeln!(
        out,
        "  mail      not sent: this version has no way to send it. Letters wait, sealed, in the database,"
    )?;
    writeln!(out, "            and nobody can confirm an address yet.")?;
    writeln!(out, "  board     {base}/notice/kept")?;
    let where_rows_are = if config.database.is_some() { ", and a PostgreSQL database" } else { "" };
    writeln!(out, "  data      {}{where_rows_are}", config.data.display())?;
    out.flush()
}
