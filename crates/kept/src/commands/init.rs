//! `kept init DIR`: the files of a site of one's own, to begin from.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::Failed;
use crate::demo::{NOTICE, TRAINERS};

/// The settings' name.
pub const CONFIG: &str = "kept.toml";

const SETTINGS: &str = include_str!("kept.toml");

/// Writes settings and a notice to begin from, and says what comes next.
///
/// # Errors
/// One of them is there already, and nothing was written; or it cannot be written.
pub fn run(folder: &Path, out: &mut impl Write) -> Result<(), Failed> {
    let files = [(folder.join(CONFIG), SETTINGS), (folder.join(NOTICE), TRAINERS)];
    if let Some((path, _)) = files.iter().find(|(path, _)| path.symlink_metadata().is_ok()) {
        return Err(Failed::Exists(path.clone()));
    }
    let not_written = |path: &Path, cause| Failed::NotWritten { path: path.to_path_buf(), cause };
    fs::create_dir_all(folder).map_err(|cause| not_written(folder, cause))?;
    for (path, text) in &files {
        write_new(path, text).map_err(|cause| not_written(path, cause))?;
    }
    let (config, notice) = (folder.join(CONFIG), folder.join(NOTICE));
    let (config, notice) = (config.display(), notice.display());
    writeln!(
        out,
        "A site to begin from:\n\n  \
           {config}    its settings\n  \
           {notice}  an example of a notice, from a trainers' network\n\n\
         What comes next:\n\n  \
           1. Make the notice your own: who you are, what you hold, why, and until when.\n     \
              See what it promises:  kept check {notice}\n     \
              and who may see what:  kept uses {notice}\n  \
           2. Say in the settings where people reach the site.\n  \
           3. Start it:              kept serve --config {config}\n\n\
         The first start makes the data folder with its keys. Keep a copy of the keys apart from the data."
    )?;
    Ok(())
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(text.as_bytes())
}
