//! A connection to the server that breaks when a test wants it to.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// A socket that leads to the shared server's. Each connection through it passes what it carries on, until it is cut.
pub struct Bridge {
    /// The address of the database over the bridge.
    pub url: String,
    mode: Arc<Mutex<Mode>>,
    _folder: TempDir,
}

/// How a connection is cut when a commit passes through it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// The commit never arrives.
    Before,
    /// The commit arrives, its answer does not.
    After,
    /// The client loses the connection at once, and the commit arrives a while later all the same.
    Late,
}

#[derive(Clone, Copy)]
enum Mode {
    Pass,
    /// The next commits are cut, so many.
    Cut(Cut, usize),
    /// Nothing passes any more, in either direction.
    Stall,
}

impl Bridge {
    /// A bridge to the database at `url`, on which everything passes.
    pub fn to(url: &str) -> Bridge {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let mode = Arc::new(Mutex::new(Mode::Pass));
        let asked = Arc::clone(&mode);
        thread::spawn(move || {
            for client in listener.incoming() {
                carry(&client.unwrap(), &asked);
            }
        });
        let (there, here) = (crate::folder().display().to_string(), folder.path().display().to_string());
        Bridge { url: url.replace(&there, &here), mode, _folder: folder }
    }

    /// Cuts the next `commits` connections that carry a commit.
    pub fn cut(&self, how: Cut, commits: usize) {
        *self.mode.lock().unwrap() = Mode::Cut(how, commits);
    }

    /// Lets nothing pass from now on.
    pub fn stall(&self) {
        *self.mode.lock().unwrap() = Mode::Stall;
    }

    /// Lets everything pass again.
    pub fn pass(&self) {
        *self.mode.lock().unwrap() = Mode::Pass;
    }
}

/// Carries bytes both ways, each on a thread.
fn carry(client: &UnixStream, mode: &Arc<Mutex<Mode>>) {
    let server = UnixStream::connect(crate::folder().join(".s.PGSQL.5432")).unwrap();
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let stalls = Arc::clone(mode);
    thread::spawn(move || {
        let mut bytes = [0; 65536];
        while let Ok(n @ 1..) = answers.read(&mut bytes) {
            let stalled = matches!(*stalls.lock().unwrap(), Mode::Stall);
            if !stalled && back.write_all(bytes.get(..n).unwrap()).is_err() {
                break;
            }
        }
        let _ = back.shutdown(Shutdown::Both);
    });
    let (mut client, mut server, mode) = (client.try_clone().unwrap(), server, Arc::clone(mode));
    thread::spawn(move || {
        let mut bytes = [0; 65536];
        while let Ok(n @ 1..) = client.read(&mut bytes) {
            let sent = bytes.get(..n).unwrap();
            match next(&mode, sent) {
                Next::Drop => {}
                Next::Pass => server.write_all(sent).unwrap(),
                Next::Cut(how) => {
                    // Whatever the server answers from now on arrives nowhere.
                    let _ = client.shutdown(Shutdown::Both);
                    if how == Cut::Late {
                        thread::sleep(Duration::from_millis(300));
                    }
                    if how != Cut::Before {
                        server.write_all(sent).unwrap();
                        thread::sleep(Duration::from_millis(100));
                    }
                    break;
                }
            }
        }
        let _ = server.shutdown(Shutdown::Both);
        let _ = client.shutdown(Shutdown::Both);
    });
}

enum Next {
    Pass,
    Drop,
    Cut(Cut),
}

/// What becomes of some bytes for the server.
fn next(mode: &Mutex<Mode>, sent: &[u8]) -> Next {
    let mut mode = mode.lock().unwrap();
    match *mode {
        Mode::Stall => Next::Drop,
        Mode::Cut(how, left @ 1..) if sent.windows(7).any(|part| part == b"COMMIT\0") => {
            *mode = Mode::Cut(how, left - 1);
            Next::Cut(how)
        }
        Mode::Cut(..) | Mode::Pass => Next::Pass,
    }
}
