//! The load: so many connections that are kept open, each asking again as soon as it was answered. Every answer is
//! looked at.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Builder,
    time::timeout,
};

use crate::{Failure, fill::read_ids, machine, people};

/// How long an answer may take before it counts as an error.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first part of each measurement, which does not count.
const WARM_UP: f64 = 0.25;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Asks {
    /// A read by the person.
    Own,
    /// A read by staff.
    Card,
    /// A durable write.
    Write,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// Answers as expected per second.
    pub(crate) per_second: f64,
    /// Answers that were not as expected, or none.
    pub(crate) errors: u64,
    /// What the server's process used of the processors, in microseconds per answer; what else the machine does shows less
    /// in it than in the rest. Set by whoever knows the process.
    pub(crate) cpu: f64,
    /// All answers as expected, those of the warm-up too.
    pub(crate) answers: u64,
    /// In microseconds.
    pub(crate) p50: u32,
    /// In microseconds.
    pub(crate) p95: u32,
    /// In microseconds.
    pub(crate) p99: u32,
}

struct Plan {
    address: String,
    ids: Vec<[u8; 16]>,
    asks: Asks,
    begins: Instant,
    ends: Instant,
}

#[derive(Default)]
struct Tally {
    /// Microseconds of each answer as expected.
    took: Vec<u32>,
    answers: u64,
    errors: u64,
    first_error: Option<String>,
}

/// Asks at `address` for so many seconds, on one thread, which leaves the rest of the machine to the server.
pub(crate) fn run(
    address: String,
    ids: &Path,
    asks: Asks,
    connections: usize,
    seconds: f64,
) -> Result<Answered, Failure> {
    let ids = read_ids(ids)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begins = machine::start() + Duration::from_secs_f64(WARM_UP);
        let ends = begins + Duration::from_secs_f64(seconds);
        let plan = Arc::new(Plan { address, ids, asks, begins, ends });
        let tasks: Vec<_> =
            (0..connections).map(|n| tokio::spawn(one_connection(Arc::clone(&plan), n))).collect();
        let mut all = Tally::default();
        for task in tasks {
            let one = task.await?;
            all.took.extend(one.took);
            all.answers += one.answers;
            all.errors += one.errors;
            all.first_error = all.first_error.or(one.first_error);
        }
        if let Some(why) = &all.first_error {
            crate::say(&format!("    {} errors, the first: {why}", all.errors));
        }
        all.took.sort_unstable();
        let at = |share: usize| {
            all.took.get((all.took.len() * share / 100).min(all.took.len().saturating_sub(1))).copied()
        };
        #[expect(clippy::cast_precision_loss, reason = "far fewer answers than a float can count")]
        let per_second = all.took.len() as f64 / seconds;
        Ok(Answered {
            per_second,
            errors: all.errors,
            cpu: 0.0,
            answers: all.answers,
            p50: at(50).unwrap_or(0),
            p95: at(95).unwrap_or(0),
            p99: at(99).unwrap_or(0),
        })
    })
}

async fn one_connection(plan: Arc<Plan>, number: usize) -> Tally {
    let mut tally = Tally::default();
    let mut turn = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut stream = None;
    let mut buffer = Vec::with_capacity(4096);
    while machine::start() < plan.ends {
        // Anybody may be next, in no order: xorshift (Marsaglia 2003).
        turn ^= turn << 13;
        turn ^= turn >> 7;
        turn ^= turn << 17;
        let person = usize::try_from(turn % plan.ids.len().max(1) as u64).unwrap_or(0);
        let asked = machine::start();
        let answer = timeout(PATIENCE, ask(&plan, &mut stream, person, &mut buffer)).await;
        let answered = machine::start();
        let outcome = answer.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        if outcome.is_err() {
            stream = None;
        }
        tally.answers += u64::from(outcome.is_ok());
        // Errors count at any time.
        match outcome {
            Ok(()) if asked >= plan.begins && answered <= plan.ends => {
                tally.took.push(u32::try_from((answered - asked).as_micros()).unwrap_or(u32::MAX));
            }
            Ok(()) => {}
            Err(why) => {
                tally.errors += 1;
                tally.first_error.get_or_insert(why);
            }
        }
    }
    tally
}

/// Asks once, and looks at the status and for what only this person's answer says.
async fn ask(
    plan: &Plan,
    stream: &mut Option<TcpStream>,
    person: usize,
    buffer: &mut Vec<u8>,
) -> Result<(), String> {
    let stream = match stream {
        Some(stream) => stream,
        None => {
            let new = TcpStream::connect(&plan.address).await.map_err(|e| e.to_string())?;
            new.set_nodelay(true).map_err(|e| e.to_string())?;
            stream.insert(new)
        }
    };
    let id = plan.ids.get(person).copied().unwrap_or_default();
    let id = data_encoding::HEXLOWER.encode(&id);
    let (request, expected) = match plan.asks {
        Asks::Own => (format!("GET /own/{id} HTTP/1.1\r\nhost: bench\r\n\r\n"), people::member_id(person)),
        Asks::Card => (format!("GET /card/{id} HTTP/1.1\r\nhost: bench\r\n\r\n"), people::member_id(person)),
        Asks::Write => {
            let body = format!("{{\"number\":\"+1 555 012 {:04}\"}}", person % 10_000);
            let length = body.len();
            (
                format!(
                    "PUT /callback/{id} HTTP/1.1\r\nhost: bench\r\ncontent-length: {length}\r\n\r\n{body}"
                ),
                format!("{:04}", person % 10_000),
            )
        }
    };
    stream.write_all(request.as_bytes()).await.map_err(|e| e.to_string())?;
    buffer.clear();
    let body = loop {
        if stream.read_buf(buffer).await.map_err(|e| e.to_string())? == 0 {
            return Err("the connection was closed".to_owned());
        }
        if let Some(body) = body(buffer)? {
            break body;
        }
    };
    let found = body.windows(expected.len()).any(|window| window == expected.as_bytes());
    if found { Ok(()) } else { Err("an answer about somebody else".to_owned()) }
}

/// The body of a whole answer, or nothing yet.
fn body(answer: &[u8]) -> Result<Option<&[u8]>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let Ok(parsed) = head.parse(answer) else { return Err("an answer that is not HTTP".to_owned()) };
    let httparse::Status::Complete(begins) = parsed else { return Ok(None) };
    if head.code != Some(200) {
        return Err(format!("status {}", head.code.unwrap_or(0)));
    }
    let length = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let length = length.ok_or("an answer without a length")?;
    Ok(answer.get(begins..begins + length))
}
