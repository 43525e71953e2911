//! A running `kept demo` or `kept serve`.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::cli::kept;

/// Filling takes some seconds; a machine that does much else is given time.
const PATIENCE: Duration = Duration::from_secs(180);

/// A server, killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: PathBuf,
    pub(crate) url: String,
    /// All that it said when it came up.
    pub(crate) said: String,
    log: TempDir,
}

impl Server {
    /// Starts the example in a folder and waits until it serves.
    pub(crate) fn start(folder: &Path) -> Server {
        Server::example("trainers", folder)
    }

    /// As [`start`](Server::start), one of the other examples.
    pub(crate) fn example(name: &str, folder: &Path) -> Server {
        Server::example_at(name, "127.0.0.1:0", folder)
    }

    /// As [`example`](Server::example), at this address.
    pub(crate) fn example_at(name: &str, listen: &str, folder: &Path) -> Server {
        Server::spawn(name, listen, folder).unwrap_or_else(|why| panic!("the server did not come up: {why}"))
    }

    /// Serves the site of the settings in a folder, whose data folder is `data`.
    pub(crate) fn serve(folder: &Path) -> Result<Server, String> {
        Server::run(kept(folder, "serve --config kept.toml"), &folder.join("data"))
    }

    fn spawn(name: &str, listen: &str, folder: &Path) -> Result<Server, String> {
        let mut demo = kept(Path::new("."), &format!("demo {name} --listen {listen} --data"));
        demo.arg(folder);
        Server::run(demo, folder)
    }

    fn run(mut command: Command, folder: &Path) -> Result<Server, String> {
        let log = tempfile::tempdir().unwrap();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(File::create(log.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (lines, said) = mpsc::channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));

        let mut server =
            Server { child, folder: folder.to_owned(), url: String::new(), said: String::new(), log };
        let end = Instant::now() + PATIENCE;
        // The folder is the last thing that it says.
        while !server.said.contains("\n  data ") {
            let left = end.saturating_duration_since(Instant::now());
            let line = said.recv_timeout(left).map_err(|_| server.obituary())?;
            if let Some((_, url)) = line.split_once(" is at ") {
                server.url = url.to_owned();
            }
            server.said.push_str(&line);
            server.said.push('\n');
        }
        Ok(server)
    }

    /// Why it is not there: how it ended, if it has, and its log.
    fn obituary(&mut self) -> String {
        // Whoever is late is ended, so that there is an end to tell of.
        let _ = self.child.kill();
        format!("{}: {}", self.wait(), self.log())
    }

    /// What it wrote to its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log.path().join("log")).unwrap()
    }

    /// Asks for a page; the whole answer.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut answer = String::new();
        self.send("GET", path, "", "").read_to_string(&mut answer).unwrap();
        answer
    }

    /// Presses the button that moves the clock half a year on. Does not wait for the answer.
    pub(crate) fn press_six_months(&self) -> TcpStream {
        let page = self.get("/demo");
        let between =
            |from: &str, to: &str| page.split_once(from).and_then(|(_, rest)| rest.split_once(to)).unwrap().0;
        let more = format!(
            "Cookie: {}\r\nOrigin: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n",
            between("set-cookie: ", ";"),
            self.url
        );
        let token = between("name=\"form_token\" value=\"", "\"");
        self.send("POST", "/demo/clock", &more, &format!("days=184&form_token={token}"))
    }

    pub(crate) fn send(&self, method: &str, path: &str, more: &str, body: &str) -> TcpStream {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n{more}\r\n{body}",
            body.len()
        )
        .unwrap();
        stream
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let status = self.wait();
        assert!(status.success(), "{status}: {}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            println!("the log of {}:\n{}", self.url, self.log());
        }
    }
}
