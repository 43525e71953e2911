//! What the tests need from the system: a browser with a font, Node.js to drive it, and PostgreSQL's own programs.

use std::{env, fs, path::Path, process::Command};

use crate::{run, say};

/// Whether something is there already, and the Debian package that brings it.
struct Need {
    package: &'static str,
    is_there: fn() -> bool,
}

/// The journeys start the browser at this place, so that they drive Debian's and no other.
const CHROMIUM: &str = "/usr/bin/chromium";

const NEEDS: &[Need] = &[
    Need { package: "chromium", is_there: || Path::new(CHROMIUM).exists() },
    Need { package: "fonts-dejavu-core", is_there: || Path::new("/usr/share/fonts/truetype").exists() },
    Need { package: "postgresql", is_there: has_postgresql },
    Need { package: "nodejs", is_there: || on_path("node") },
    Need { package: "npm", is_there: || on_path("npm") },
];

/// Installs what is missing when run by root, else says what to install.
pub(crate) fn install() -> Result<(), String> {
    let missing: Vec<&str> =
        NEEDS.iter().filter(|need| !(need.is_there)()).map(|need| need.package).collect();
    if missing.is_empty() {
        say("nothing is missing");
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_root() || !on_path("apt-get") {
        return Err(format!("install {list}; on Debian: apt-get install --no-install-recommends {list}"));
    }
    apt_get(&["update", "--quiet"])?;
    let install = ["install", "--quiet", "--yes", "--no-install-recommends"];
    apt_get(&[&install, missing.as_slice()].concat())
}

fn apt_get(args: &[&str]) -> Result<(), String> {
    run(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Whether any version's `initdb` is where Debian puts it: the store's tests start a cluster of their own.
fn has_postgresql() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.into_iter().any(|version| version.path().join("bin/initdb").is_file()) || on_path("initdb")
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Whether the effective user is root, as Linux says it (proc_pid_status(5): real, effective, …).
fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|users| users.split_whitespace().nth(1));
    effective == Some("0")
}
