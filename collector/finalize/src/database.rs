//! The SQLite side: how the file is opened for building, and how rows are numbered.

use rusqlite::{Connection, OpenFlags};

use crate::error::FinalizeError;
use crate::output::Output;

/// No journal while building: a crash leaves a file under a temporary name, which nobody opens. The indexes are sorted by
/// threads of SQLite's own.
pub fn open(output: &Output) -> Result<Connection, FinalizeError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let database = Connection::open_with_flags(output.temporary(), flags)?;
    output.check_unchanged()?;
    database.execute_batch(
        "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; \
         PRAGMA cache_size = -32768; PRAGMA foreign_keys = OFF; \
         PRAGMA threads = 2",
    )?;
    Ok(database)
}

/// Ids are counted from 1 in the order of a list.
pub fn row_id(index: usize) -> i64 {
    index as i64 + 1
}
