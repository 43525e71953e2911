//! One connection, used by one thread, one statement after another.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_util::future::try_join_all;
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
    time::timeout,
};
use tokio_postgres::{
    Client, Config, NoTls, Statement,
    types::{ToSql, Type},
};

use crate::{
    Row, StoreError, Value,
    dialect::postgres::{self as dialect, Bound},
};

/// How long a statement may take to answer, other than in scans, migrations and tidying: then the connection is
/// given up, because a server that was stopped or cut off would be waited for without end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// After how much silence a TCP connection is probed: a scan waits without a limit, but not for a dead link.
pub(crate) const IDLE: Duration = Duration::from_secs(30);
/// Prepared statements kept per connection; an area has some dozens.
const STATEMENTS: usize = 256;

/// Statements that are sent before the first of their answers is waited for.
const AT_ONCE: usize = 128;

/// The name of each unique index of the schema, and its columns.
pub(crate) type UniqueIndexes = HashMap<String, String>;

/// An open connection. It is driven by its own runtime while a statement waits for its answer.
pub(crate) struct Session {
    runtime: Runtime,
    client: Arc<Client>,
    statements: RefCell<HashMap<(String, Vec<Type>), Statement>>,
    unique_indexes: Arc<UniqueIndexes>,
    state: Cell<State>,
    /// What broke the open transaction off, when its statements are not to blame.
    interruption: RefCell<Option<StoreError>>,
    patient: Cell<bool>,
    /// Whether the server has answered anything since the transaction began with its first statement.
    answered: Cell<bool>,
    /// Statements on their way whose answers nobody has waited for yet, in the order in which the server runs them.
    sent: RefCell<VecDeque<Sent>>,
    /// Counted up at the beginning and at the end of each part of the transaction, so it is odd within one.
    part: Cell<usize>,
    /// Whether the part that runs has begun with a savepoint, which it does with its first statement.
    opened: Cell<bool>,
    /// Whether there is a savepoint: the last part's, until the next one makes its own.
    held: Cell<bool>,
    /// The error of a statement that was found only after the part in which it was sent: the whole transaction is over.
    fallen: RefCell<Option<StoreError>>,
}

/// A statement that answers nothing that anybody needs, so that nobody waits for it alone.
struct Sent {
    sql: String,
    part: usize,
    answer: Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Sound,
    /// A statement of the open transaction failed: PostgreSQL runs no other, and commits nothing.
    Failed,
    /// The connection is over, and with it the transaction.
    Lost,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// Why not, in the server's or the operating system's words.
    pub(crate) fn connect(config: &Config, unique_indexes: Arc<UniqueIndexes>) -> Result<Session, String> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let connect = async {
            let (client, connection) = config.connect(NoTls).await?;
            // Its errors come back to the statement that waits.
            tokio::spawn(connection);
            client.batch_execute(dialect::SETUP).await?;
            Ok(client)
        };
        let client = runtime
            .block_on(async { timeout(PATIENCE, connect).await })
            .map_err(|_| "it did not answer".to_owned())?
            .map_err(|error| dialect::reason(&error))?;
        Ok(Session {
            runtime,
            client: Arc::new(client),
            statements: RefCell::default(),
            unique_indexes,
            state: Cell::new(State::Sound),
            interruption: RefCell::default(),
            patient: Cell::new(false),
            answered: Cell::new(false),
            sent: RefCell::default(),
            part: Cell::new(0),
            opened: Cell::new(false),
            held: Cell::new(false),
            fallen: RefCell::default(),
        })
    }

    /// Whether it can be used for another transaction.
    pub(crate) fn is_sound(&self) -> bool {
        self.state.get() == State::Sound
    }

    /// Takes the connection into use outside of a transaction. A `patient` caller waits for each statement as long as
    /// it takes.
    ///
    /// # Errors
    /// The connection broke while it was idle.
    pub(crate) fn begin_none(&self, patient: bool) -> Result<(), StoreError> {
        self.reset(patient);
        self.batch("")
    }

    /// Begins a transaction together with its first statement, which saves waiting once.
    pub(crate) fn begin(&self, sql: &'static str, patient: bool) {
        self.reset(patient);
        self.send_control(sql);
    }

    fn reset(&self, patient: bool) {
        self.patient.set(patient);
        self.interruption.take();
        self.fallen.take();
        self.part.set(0);
        self.opened.set(false);
        self.held.set(false);
        self.answered.set(false);
    }

    /// Whether the connection turned out to be over before anything was answered on it.
    pub(crate) fn was_over(&self) -> bool {
        self.state.get() == State::Lost && !self.answered.get()
    }

    /// `Busy` or `Unreachable`, when that is what ended the open transaction.
    pub(crate) fn interruption(&self) -> Option<StoreError> {
        self.interruption.borrow().clone()
    }

    /// Ends the transaction: commits it when `keep` is wanted and possible.
    ///
    /// # Errors
    /// Why it was not kept although it was wanted; `CommitUnknown` when nobody can tell.
    pub(crate) fn end(&self, keep: bool) -> Result<(), StoreError> {
        let wanted = |error| if keep { Err(error) } else { Ok(()) };
        match self.state.get() {
            State::Lost => wanted(StoreError::Unreachable),
            // What is still on its way is answered first. If one of it fails, the server makes a rollback of the commit.
            State::Sound if keep => match self.batch(dialect::COMMIT) {
                // A server that only refuses has rolled back.
                Err(StoreError::Unreachable) => Err(StoreError::CommitUnknown),
                done => {
                    self.state.set(State::Sound);
                    done.map_err(|error| self.fallen.take().unwrap_or(error))
                }
            },
            State::Sound | State::Failed => {
                self.state.set(State::Sound);
                let broke_off = self.fallen.take().unwrap_or(StoreError::RolledBack);
                match self.batch(dialect::ROLLBACK) {
                    // Without its connection the server rolls back by itself.
                    Ok(()) | Err(StoreError::Unreachable) => wanted(broke_off),
                    // What was on its way has failed, and is rolled back with the rest.
                    Err(_) if self.state.get() == State::Failed => {
                        self.state.set(State::Sound);
                        wanted(broke_off)
                    }
                    Err(error) => wanted(error),
                }
            }
        }
    }

    /// Ends a transaction that has only read. The server is told at once, so that it keeps nothing for it, and nobody waits for
    /// its answer but the next transaction, with its first statement.
    pub(crate) fn end_read(&self) {
        if self.state.get() != State::Sound {
            // Nothing to keep, so nothing to tell: a connection that broke is replaced.
            let _ = self.end(false);
            return;
        }
        self.send_control(dialect::ROLLBACK);
        // The connection's own task writes what is queued when it is this thread's turn to run it.
        self.runtime.block_on(yield_now());
    }

    /// Runs `work` in a savepoint of the open transaction. Gives what it gave, or its error with all that it did undone.
    ///
    /// # Errors
    /// The transaction itself is over.
    pub(crate) fn part<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> (Result<T, E>, Result<(), StoreError>) {
        self.interruption.take();
        self.part.set(self.part.get() + 1);
        let done = work();
        if done.is_err() && self.opened.get() {
            // Only after the answers to all that was sent: a savepoint that an earlier part has left in ruins must not be
            // mistaken for this one's.
            let _ = self.batch("");
        }
        self.part.set(self.part.get() + 1);
        let opened = self.opened.replace(false);
        if let Some(cause) = self.fallen.borrow().clone() {
            return (done, Err(cause));
        }
        match self.state.get() {
            State::Lost => return (done, Err(self.interruption().unwrap_or(StoreError::Unreachable))),
            State::Sound if done.is_ok() || !opened => return (done, Ok(())),
            State::Sound | State::Failed => {}
        }
        self.state.set(State::Sound);
        self.send_control(dialect::ROLLBACK_TO);
        // One that went on after an error is lost too.
        (done.and_then(|_| Err(StoreError::RolledBack.into())), Ok(()))
    }

    pub(crate) fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepare(sql, params)?;
        let bound: Vec<_> = params.iter().map(Bound).collect();
        let bound: Vec<_> = bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.wait(sql, self.client.query(&statement, &bound))?;
        rows.iter().map(dialect::row).collect()
    }

    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepare_silent(sql, params)?;
        self.wait(sql, self.client.execute_raw(&statement, params.iter().map(Bound)))
    }

    pub(crate) fn execute_all(&self, statements: &[(String, Vec<Value>)]) -> Result<u64, StoreError> {
        let mut changed = 0;
        for some in statements.chunks(AT_ONCE) {
            let prepared = some.iter().map(|(sql, params)| self.prepare_silent(sql, params));
            let prepared: Vec<Statement> = prepared.collect::<Result<_, _>>()?;
            let each = prepared
                .iter()
                .zip(some)
                .map(|(statement, (_, params))| self.client.execute_raw(statement, params.iter().map(Bound)));
            let sql = some.first().map_or("", |(sql, _)| sql);
            changed += self.wait(sql, try_join_all(each))?.into_iter().sum::<u64>();
        }
        Ok(changed)
    }

    /// Runs a statement whose answer nobody needs: it travels with the next one.
    pub(crate) fn send(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        let statement = self.prepare_silent(sql, params)?;
        let (client, params) = (Arc::clone(&self.client), params.to_vec());
        self.push(
            sql,
            async move { client.execute_raw(&statement, params.iter().map(Bound)).await.map(drop) },
        )
    }

    /// Runs an `INSERT` for each of `rows`, all those of the same types in one statement.
    pub(crate) fn send_each(&self, sql: &str, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        for alike in rows.chunk_by(|one, other| types(one) == types(other)) {
            let [first, _, ..] = alike else {
                alike.iter().try_for_each(|row| self.send(sql, row))?;
                continue;
            };
            if !dialect::has_placeholders(sql, first.len()) {
                return Err(StoreError::Placeholders { given: first.len(), statement: sql.to_owned() });
            }
            let each = dialect::for_each(sql, &types(first));
            let each =
                each.ok_or_else(|| usage(sql, "only an insert into named columns runs for many rows"))?;
            let (kinds, columns) = dialect::columns(alike);
            self.open_part();
            let statement = self.prepared((each, kinds))?;
            let client = Arc::clone(&self.client);
            self.push(sql, async move { client.execute_raw(&statement, columns).await.map(drop) })?;
        }
        Ok(())
    }

    /// Runs statements of the schema.
    pub(crate) fn define(&self, neutral: &str) -> Result<(), StoreError> {
        self.batch(&dialect::schema(neutral))
    }

    /// Runs any number of statements that bind nothing and answer nothing.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.wait(sql, self.client.batch_execute(sql))
    }

    fn prepare(&self, sql: &str, params: &[Value]) -> Result<Statement, StoreError> {
        self.open_part();
        let key = (sql.to_owned(), types(params));
        if let Some(statement) = self.statements.borrow().get(&key) {
            return Ok(statement.clone());
        }
        if !dialect::has_placeholders(sql, params.len()) {
            return Err(StoreError::Placeholders { given: params.len(), statement: sql.to_owned() });
        }
        self.prepared(key)
    }

    /// A statement that answers no rows.
    fn prepare_silent(&self, sql: &str, params: &[Value]) -> Result<Statement, StoreError> {
        let statement = self.prepare(sql, params)?;
        let answers = !statement.columns().is_empty();
        if answers { Err(usage(sql, "the statement returns rows: query it instead")) } else { Ok(statement) }
    }

    fn prepared(&self, key: (String, Vec<Type>)) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.borrow().get(&key) {
            return Ok(statement.clone());
        }
        let statement = self.wait(&key.0, self.client.prepare_typed(&key.0, &key.1))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.insert(key, statement.clone());
        Ok(statement)
    }

    /// The first statement of a part is about to be run.
    fn open_part(&self) {
        if self.part.get() % 2 == 1 && !self.opened.replace(true) {
            let another = self.held.replace(true);
            self.send_control(if another { dialect::NEXT_SAVEPOINT } else { dialect::SAVEPOINT });
        }
    }

    /// Sends a statement about the transaction itself.
    fn send_control(&self, sql: &'static str) {
        let client = Arc::clone(&self.client);
        // Of a transaction that is over, whoever waits next finds out.
        let _ = self.push(sql, async move { client.batch_execute(sql).await });
    }

    fn push(
        &self,
        sql: &str,
        answer: impl Future<Output = Result<(), tokio_postgres::Error>> + 'static,
    ) -> Result<(), StoreError> {
        self.stands()?;
        let mut answer: Pin<Box<dyn Future<Output = _>>> = Box::pin(answer);
        // The first look at it puts it into the connection's queue; an answer cannot be there before anybody reads.
        let sent = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(failed) = sent {
            answer = Box::pin(async move { failed });
        }
        self.sent.borrow_mut().push_back(Sent { sql: sql.to_owned(), part: self.part.get(), answer });
        if self.sent.borrow().len() < AT_ONCE { Ok(()) } else { self.batch("") }
    }

    fn stands(&self) -> Result<(), StoreError> {
        match self.state.get() {
            State::Sound => Ok(()),
            State::Failed => Err(StoreError::RolledBack),
            State::Lost => Err(StoreError::Unreachable),
        }
    }

    /// Drives the connection until `answer` is there, and those to all that was sent before.
    fn wait<T>(
        &self,
        sql: &str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        self.stands()?;
        let limit = if self.patient.get() { Duration::MAX } else { PATIENCE };
        let before = self.sent.take();
        let all = async {
            let mut answer = pin!(answer);
            // It is sent before anything is waited for, and run after what was sent earlier.
            let early = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await;
            for sent in before {
                sent.answer.await.map_err(|error| (error, sent.sql, sent.part))?;
            }
            let last = if let Poll::Ready(early) = early { early } else { answer.await };
            last.map_err(|error| (error, sql.to_owned(), self.part.get()))
        };
        match self.runtime.block_on(async { timeout(limit, all).await }) {
            Ok(Ok(answer)) => {
                self.answered.set(true);
                Ok(answer)
            }
            Ok(Err((error, sql, part))) => {
                let lost = dialect::refusal(&error).is_none();
                self.answered.set(self.answered.get() || !lost);
                self.state.set(if lost { State::Lost } else { State::Failed });
                // One that no longer fits the schema is not tried again.
                self.statements.borrow_mut().retain(|(text, _), _| *text != sql);
                let error = self.note(dialect::error(&error, &sql, &self.unique_indexes));
                if part != self.part.get() && !lost {
                    self.fallen.replace(Some(error.clone()));
                    // It is none of the business of the part that runs now.
                    return Err(if self.part.get() % 2 == 1 { StoreError::RolledBack } else { error });
                }
                Err(error)
            }
            Err(_) => {
                self.state.set(State::Lost);
                Err(self.note(StoreError::Unreachable))
            }
        }
    }

    fn note(&self, error: StoreError) -> StoreError {
        if matches!(error, StoreError::Busy | StoreError::Unreachable) {
            self.interruption.replace(Some(error.clone()));
        }
        error
    }
}

fn types(params: &[Value]) -> Vec<Type> {
    params.iter().map(dialect::type_of).collect()
}

fn usage(sql: &str, message: &str) -> StoreError {
    StoreError::Database { code: "usage".to_owned(), message: message.to_owned(), statement: sql.to_owned() }
}
