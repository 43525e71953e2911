//! One connection, used by one thread, one statement after another.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::Arc,
    time::Duration,
};

use futures_util::future::{join, try_join_all};
use tokio::{
    runtime::{Builder, Runtime},
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
    client: Client,
    statements: RefCell<HashMap<(String, Vec<Type>), Statement>>,
    unique_indexes: Arc<UniqueIndexes>,
    state: Cell<State>,
    /// What broke the open transaction off, when its statements are not to blame.
    interruption: RefCell<Option<StoreError>>,
    patient: Cell<bool>,
    /// Whether the server has answered anything since the transaction began with its first statement.
    answered: Cell<bool>,
    /// Control statements that are sent with the next statement: they answer nothing, so nobody waits for them alone.
    before: RefCell<String>,
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
            client,
            statements: RefCell::default(),
            unique_indexes,
            state: Cell::new(State::Sound),
            interruption: RefCell::default(),
            patient: Cell::new(false),
            answered: Cell::new(false),
            before: RefCell::default(),
        })
    }

    /// Whether it can be used for another transaction.
    pub(crate) fn is_sound(&self) -> bool {
        self.state.get() == State::Sound
    }

    /// Begins a transaction. A `patient` one waits for each statement as long as it takes.
    pub(crate) fn begin(&self, sql: &str, patient: bool) -> Result<(), StoreError> {
        self.patient.set(patient);
        self.interruption.take();
        self.batch(sql)
    }

    /// Begins a transaction together with its first statement, which saves waiting once.
    pub(crate) fn begin_with_the_first(&self, sql: &str, patient: bool) {
        self.patient.set(patient);
        self.interruption.take();
        self.answered.set(false);
        self.before.replace(format!("{sql};"));
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
            State::Sound if keep => match self.batch(dialect::COMMIT) {
                // A server that only refuses has rolled back.
                Err(StoreError::Unreachable) => Err(StoreError::CommitUnknown),
                done => {
                    self.state.set(State::Sound);
                    done
                }
            },
            State::Sound | State::Failed => {
                self.state.set(State::Sound);
                if !self.before.take().is_empty() {
                    // It never began.
                    return wanted(StoreError::RolledBack);
                }
                match self.batch(dialect::ROLLBACK) {
                    // Without its connection the server rolls back by itself.
                    Ok(()) | Err(StoreError::Unreachable) => wanted(StoreError::RolledBack),
                    Err(error) => {
                        self.state.set(State::Lost);
                        wanted(error)
                    }
                }
            }
        }
    }

    pub(crate) fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepare(sql, params)?;
        let bound: Vec<_> = params.iter().map(Bound).collect();
        let bound: Vec<_> = bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.wait(sql, self.client.query(&statement, &bound))?;
        rows.iter().map(dialect::row).collect()
    }

    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepare(sql, params)?;
        if !statement.columns().is_empty() {
            return Err(StoreError::Database {
                code: "usage".to_owned(),
                message: "the statement returns rows: query it instead".to_owned(),
                statement: sql.to_owned(),
            });
        }
        self.wait(sql, self.client.execute_raw(&statement, params.iter().map(Bound)))
    }

    pub(crate) fn execute_each(&self, sql: &str, rows: &[Vec<Value>]) -> Result<u64, StoreError> {
        let mut sum = 0;
        // Of other types (a NULL here and there) is another statement.
        for alike in rows.chunk_by(|one, other| types(one) == types(other)) {
            for some in alike.chunks(AT_ONCE) {
                let Some(first) = some.first() else { continue };
                let statement = self.prepare(sql, first)?;
                let sent = some.iter().map(|row| self.client.execute_raw(&statement, row.iter().map(Bound)));
                sum += self.wait(sql, try_join_all(sent))?.into_iter().sum::<u64>();
            }
        }
        Ok(sum)
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
        let key = (sql.to_owned(), types(params));
        if let Some(statement) = self.statements.borrow().get(&key) {
            return Ok(statement.clone());
        }
        if !dialect::has_placeholders(sql, params.len()) {
            return Err(StoreError::Placeholders { given: params.len(), statement: sql.to_owned() });
        }
        let statement = self.wait(sql, self.client.prepare_typed(sql, &key.1))?;
        let mut statements = self.statements.borrow_mut();
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.insert(key, statement.clone());
        Ok(statement)
    }

    /// Drives the connection until `answer` is there.
    fn wait<T>(
        &self,
        sql: &str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        match self.state.get() {
            State::Sound => {}
            State::Failed => return Err(StoreError::RolledBack),
            State::Lost => return Err(StoreError::Unreachable),
        }
        let limit = if self.patient.get() { Duration::MAX } else { PATIENCE };
        let before = self.before.take();
        let both = async {
            if before.is_empty() {
                return answer.await;
            }
            // In this order they are sent, and the server runs them so.
            let (first, then) = join(self.client.batch_execute(&before), answer).await;
            first.and(then)
        };
        match self.runtime.block_on(async { timeout(limit, both).await }) {
            Ok(Ok(answer)) => {
                self.answered.set(true);
                Ok(answer)
            }
            Ok(Err(error)) => {
                let lost = dialect::refusal(&error).is_none();
                self.answered.set(self.answered.get() || !lost);
                self.state.set(if lost { State::Lost } else { State::Failed });
                // One that no longer fits the schema is not tried again.
                self.statements.borrow_mut().retain(|(text, _), _| text != sql);
                Err(self.note(dialect::error(&error, sql, &self.unique_indexes)))
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
