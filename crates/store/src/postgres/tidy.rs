//! Getting rid of what was deleted. PostgreSQL leaves a deleted row in its page until the table is vacuumed, and its
//! bytes until the space is used again.

use std::{thread, time::Duration};

use super::Session;
use crate::{Read, StoreError, dialect::postgres as dialect, params};

/// How often we look whether the last one who may still see deleted rows is gone, and how long we wait in between.
const LOOKS: usize = 10;
const PAUSE: Duration = Duration::from_millis(25);

/// Makes the space of deleted rows free to be used again.
pub(crate) fn forget(session: &Session) -> Result<(), StoreError> {
    vacuum(session, "")
}

/// Writes every table anew without the deleted rows, and empties the old files.
pub(crate) fn scrub(session: &Session) -> Result<(), StoreError> {
    vacuum(session, "(FULL)")
}

fn vacuum(session: &Session, how: &str) -> Result<(), StoreError> {
    let read = Read::postgres(session);
    let tables: String = read.query_one(dialect::TABLES, &params![])?.get(0)?;
    if tables.is_empty() {
        return Ok(());
    }
    wait_for_readers(&read)?;
    session.batch(&format!("VACUUM {how} {tables}"))
}

/// Rows that somebody may still see are not removed.
fn wait_for_readers(read: &Read<'_>) -> Result<(), StoreError> {
    let now: String = read.query_one(dialect::NOW, &params![])?.get(0)?;
    for _ in 0..LOOKS {
        if !read.query_one(dialect::LOOKED_BACK, &params![&now])?.get::<bool>(0)? {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    Err(StoreError::Busy)
}
