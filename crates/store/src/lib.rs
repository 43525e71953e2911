//! A transaction is a function.
//!
//! ```
//! # use kept_store::{params, Store, StoreError};
//! # async fn example(store: Store, course: i64) -> Result<i64, StoreError> {
//! let left = store
//!     .write(move |tx| {
//!         tx.execute("UPDATE seat SET taken = taken + $2 WHERE course = $1", &params![course, 1])?;
//!         tx.query_one("SELECT size - taken FROM seat WHERE course = $1", &params![course])?.get(0)
//!     })
//!     .await?;
//! # Ok(left)
//! # }
//! ```
//!
//! [`Store::write`] answers only after the commit is on the disk, [`Store::read`] sees one consistent
//! snapshot, and [`Store::scan`] is for reads that take long. The function has no side effect but its
//! transaction, because it may be run again.
//!
//! SQL is written once for SQLite and PostgreSQL: `$1` placeholders, the types `BIGINT` (64-bit signed integer;
//! booleans are 0 and 1), `TEXT` and `BLOB` (in capitals, wherever they stand in a migration), and
//! `/* clustered */` behind a `CREATE TABLE`'s closing parenthesis to keep rows in the order of their primary key.
//! `sum` is cast: `CAST(sum(amount) AS BIGINT)`. What differs lives in one module, `dialect`.
//!
//! On SQLite one write runs after another. On PostgreSQL they run side by side at READ COMMITTED, so unique
//! constraints and conditional updates carry the rules. What reads a row to change it locks it as it reads, in
//! one statement that does so everywhere: `UPDATE seat SET taken = taken WHERE course = $1 RETURNING taken`.
//!
//! Bound values appear in no error and no log line. SQL text does appear in errors, so values are bound,
//! never written into the text.

mod dialect;
mod error;
mod job;
mod migration;
mod postgres;
mod sqlite;
mod store;
mod transaction;
mod value;

pub use error::{OpenError, StoreError};
pub use migration::Migration;
pub use store::{Column, Store};
pub use transaction::{Read, Tx};
pub use value::{FromValue, Row, Value};
