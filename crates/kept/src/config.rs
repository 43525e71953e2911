//! A site's settings: `kept.toml`. Every key is known, and each problem has its line and column.

use std::{
    env, fmt,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
};

use kept_notice::{Problem, spell};
use kept_web::{BaseUrl, Network, NotANetwork};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::commands::{Failed, read};

/// The variable of the environment that names the database, before the settings do.
pub const DATABASE: &str = "KEPT_DATABASE";
const KEYS: [&str; 7] = ["notice", "data", "listen", "base", "proxies", "database", "downloads"];

/// A site's settings.
#[derive(Debug, PartialEq, Eq)]
pub struct Config {
    /// The notice's file.
    pub notice: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// The address that the server listens on, in plain http.
    pub listen: SocketAddr,
    /// Where people reach the site.
    pub base: BaseUrl,
    /// Whose word on where a request comes from is believed.
    pub proxies: Vec<Network>,
    /// The folder of the files that people with an account can download.
    pub downloads: Option<PathBuf>,
    /// The PostgreSQL database, for a site of several servers.
    pub database: Option<DatabaseUrl>,
}

/// The address of a PostgreSQL database. It may hold a password, so it is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The address, for connecting.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for DatabaseUrl {
    fn from(address: String) -> DatabaseUrl {
        DatabaseUrl(address)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

impl Config {
    /// Reads the settings of a file. Paths in it are taken from the folder that it is in.
    ///
    /// # Errors
    /// The file cannot be read, or every problem that it has.
    pub fn read(path: &Path) -> Result<Config, Failed> {
        let source = read(path)?;
        let from_env = env::var(DATABASE).ok().filter(|address| !address.is_empty());
        let config = Config::parse(&source)
            .map_err(|problems| Failed::Problems { path: path.to_path_buf(), problems })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Config {
            notice: folder.join(&config.notice),
            data: folder.join(&config.data),
            downloads: config.downloads.as_ref().map(|downloads| folder.join(downloads)),
            database: from_env.map(DatabaseUrl).or(config.database),
            ..config
        })
    }

    /// Reads settings, with paths as they are written.
    ///
    /// # Errors
    /// Every problem, in the order of the file; of a text that is not TOML, the first place where it is not.
    pub fn parse(source: &str) -> Result<Config, Vec<Problem>> {
        let table = DeTable::parse(source).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            vec![Problem::at(source, at, error.message().to_lowercase(), None)]
        })?;
        let mut settings = Settings { source, table: table.get_ref(), problems: Vec::new() };
        settings.refuse_unknown_keys();
        let notice = settings.required("notice", "notice.toml", file);
        let data = settings.required("data", "data", file);
        let listen = settings.required("listen", "127.0.0.1:8080", |text| {
            text.parse::<SocketAddr>().map_err(|_| format!("\"{text}\" is no address with a port"))
        });
        let base = settings.required("base", "https://members.example.test", |text| {
            text.parse::<BaseUrl>().map_err(|error| error.to_string())
        });
        let proxies = settings.proxies();
        let database = settings.text("database").map(|(address, _)| DatabaseUrl(address.to_owned()));
        let downloads = settings.text("downloads").map(|(folder, _)| PathBuf::from(folder));
        settings.refuse_plain_http(listen, base.as_ref(), &proxies);
        match (notice, data, listen, base) {
            (Some(notice), Some(data), Some(listen), Some(base)) if settings.problems.is_empty() => {
                Ok(Config { notice, data, listen, base, proxies, database, downloads })
            }
            _ => {
                settings.problems.sort();
                Err(settings.problems)
            }
        }
    }
}

struct Settings<'s> {
    source: &'s str,
    table: &'s DeTable<'s>,
    problems: Vec<Problem>,
}

impl<'s> Settings<'s> {
    fn problem(&mut self, at: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::at(self.source, at.start, message, Some(help.into())));
    }

    fn refuse_unknown_keys(&mut self) {
        let unknown = self.table.iter().filter(|(name, _)| !KEYS.contains(&&**name.get_ref()));
        for (name, _) in unknown.collect::<Vec<_>>() {
            let word = name.get_ref();
            self.problem(name.span(), format!("unknown key \"{word}\""), spell::help(word, KEYS.into_iter()));
        }
    }

    /// A text that must be there, read by `parse`. A misspelt key is not also a missing one.
    fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let help = format!("write {key} = \"{example}\"");
        if !self.table.contains_key(key) {
            let misspelt = |name: &str| spell::nearest(name, KEYS.into_iter()) == Some(key);
            if !self.table.keys().any(|name| misspelt(name.get_ref())) {
                self.problem(0..0, format!("the settings have no \"{key}\""), help);
            }
            return None;
        }
        let (text, at) = self.text(key)?;
        parse(text).map_err(|message| self.problem(at, message, help)).ok()
    }

    fn text(&mut self, key: &'static str) -> Option<(&'s str, Range<usize>)> {
        let table = self.table;
        let value = table.get(key)?;
        self.string(key, value)
    }

    fn string(&mut self, key: &str, value: &'s Spanned<DeValue<'s>>) -> Option<(&'s str, Range<usize>)> {
        let DeValue::String(text) = value.get_ref() else {
            self.problem(value.span(), format!("{key} must be a text"), "write it in quotes");
            return None;
        };
        Some((text, value.span()))
    }

    fn proxies(&mut self) -> Vec<Network> {
        let table = self.table;
        let Some(value) = table.get("proxies") else { return Vec::new() };
        let DeValue::Array(entries) = value.get_ref() else {
            self.problem(value.span(), "proxies must be a list", "write proxies = [\"127.0.0.1\"]");
            return Vec::new();
        };
        let mut proxies = Vec::new();
        for entry in entries.iter() {
            let Some((text, at)) = self.string("each of the proxies", entry) else { continue };
            match text.parse() {
                Ok(network) => proxies.push(network),
                Err(NotANetwork) => self.problem(
                    at,
                    format!("\"{text}\" is no address of a proxy"),
                    "write \"192.0.2.7\" for one or \"192.0.2.0/24\" for a network",
                ),
            }
        }
        proxies
    }

    /// Passwords and sessions must not cross a network in the clear: this server speaks plain http only, so it speaks
    /// to this machine or to proxies, and people reach it by https or from this machine.
    fn refuse_plain_http(&mut self, listen: Option<SocketAddr>, base: Option<&BaseUrl>, proxies: &[Network]) {
        let span = |key: &str| self.table.get(key).map_or(0..0, Spanned::span);
        let (listens, based) = (span("listen"), span("base"));
        if listen.is_some_and(|address| !address.ip().to_canonical().is_loopback()) && proxies.is_empty() {
            self.problem(
                listens,
                "this would serve plain http to the network",
                "listen on 127.0.0.1, or name the proxies in front that speak https: proxies = [\"10.0.0.2\"]",
            );
        }
        if base.is_some_and(BaseUrl::is_https) && proxies.is_empty() {
            self.problem(
                based.clone(),
                "a proxy in front speaks https, and none is named: all its visitors would count as one",
                "name it: proxies = [\"127.0.0.1\"]",
            );
        }
        if base.is_some_and(|base| !base.is_https() && !base.is_loopback()) {
            self.problem(
                based,
                "people would send their passwords over plain http",
                "put a proxy that speaks https in front, and write its https:// address",
            );
        }
    }
}

fn file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("a file or folder has a name".to_owned()) } else { Ok(PathBuf::from(text)) }
}
