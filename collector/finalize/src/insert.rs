//! Rows of a large table: one thread makes them, another puts them into SQLite. Reading a record and finding out what it
//! means takes about as long as the insert; both are most of what `finalize` does.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rusqlite::Connection;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::error::FinalizeError;

/// Rows go over by so many at a time, and so many times that may wait: a megabyte or two in all.
const BATCH_ROWS: usize = 512;
const WAITING_BATCHES: usize = 4;

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Integer(i64),
    Text(String),
}

macro_rules! integers {
    ($($type:ty),*) => { $(impl From<$type> for Cell {
        fn from(value: $type) -> Cell { Cell::Integer(i64::from(value)) }
    })* };
}
integers!(bool, u8, u16, u32, i32, i64);

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.into())
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Null => ValueRef::Null,
            Cell::Integer(value) => ValueRef::Integer(*value),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// A row's values, each by its own `Into<Cell>`.
macro_rules! cells {
    ($($value:expr),* $(,)?) => { [$($crate::insert::Cell::from($value)),*] };
}
pub(crate) use cells;

/// Where the rows of one table go, each of so many columns.
pub struct Rows<const COLUMNS: usize> {
    batch: Vec<Cell>,
    to: SyncSender<Vec<Cell>>,
}

impl<const COLUMNS: usize> Rows<COLUMNS> {
    /// One row; fails when the other side has ended, which says itself why.
    pub fn push(&mut self, row: [Cell; COLUMNS]) -> Result<(), FinalizeError> {
        self.batch.extend(row);
        if self.batch.len() < COLUMNS * BATCH_ROWS {
            return Ok(());
        }
        let next = Vec::with_capacity(COLUMNS * BATCH_ROWS);
        self.to.send(std::mem::replace(&mut self.batch, next)).map_err(|_| not_taken())
    }

    fn finish(self) -> Result<(), FinalizeError> {
        self.to.send(self.batch).map_err(|_| not_taken())
    }
}

fn not_taken() -> FinalizeError {
    FinalizeError::new("database", "the trace database takes no more rows")
}

/// Runs `make`, which pushes rows, and `insert` (with a parameter for each of their columns) beside it.
pub fn insert_rows<const COLUMNS: usize, T>(
    database: &mut Connection,
    insert: &str,
    make: impl FnOnce(&mut Rows<COLUMNS>) -> Result<T, FinalizeError>,
) -> Result<T, FinalizeError> {
    thread::scope(|scope| {
        let (to, from) = sync_channel(WAITING_BATCHES);
        let writer = scope.spawn(move || write_all(database, insert, COLUMNS, from));
        let mut rows = Rows { batch: Vec::with_capacity(COLUMNS * BATCH_ROWS), to };
        let made = make(&mut rows);
        let sent = rows.finish();
        // its reason comes first: what was made fails because of it
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let made = made?;
        sent.map(|()| made)
    })
}

fn write_all(
    database: &Connection,
    insert: &str,
    columns: usize,
    from: Receiver<Vec<Cell>>,
) -> Result<(), FinalizeError> {
    let mut insert = database.prepare(insert)?;
    assert_eq!(insert.parameter_count(), columns, "a value for each parameter");
    for batch in from {
        for row in batch.chunks_exact(columns) {
            for (index, cell) in row.iter().enumerate() {
                insert.raw_bind_parameter(index + 1, cell)?;
            }
            insert.raw_execute()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Connection {
        let database = Connection::open_in_memory().expect("opened");
        database.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, cpu INTEGER) STRICT").expect("made");
        database
    }

    const INSERT: &str = "INSERT INTO t VALUES (?1, ?2, ?3)";

    #[test]
    fn every_row_arrives_in_order_whatever_the_batches() {
        for count in [0, 1, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS * 7 + 3] {
            let mut database = table();
            let made = insert_rows(&mut database, INSERT, |rows| {
                for id in 0..count {
                    let name = (id % 2 == 0).then(|| format!("row {id}"));
                    rows.push(cells![id as i64 + 1, name, (id % 3 == 0).then_some(7u32)])?;
                }
                Ok(count)
            });
            assert_eq!(made, Ok(count));
            let sum = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("read") as usize;
            assert_eq!(sum("SELECT count(*) FROM t"), count);
            assert_eq!(sum("SELECT count(name) FROM t WHERE name = 'row ' || (id - 1)"), count.div_ceil(2));
            assert_eq!(sum("SELECT count(cpu) FROM t WHERE cpu = 7"), count.div_ceil(3));
        }
    }

    #[test]
    fn what_the_database_says_is_the_reason() {
        let mut database = table();
        let failed = insert_rows(&mut database, INSERT, |rows| {
            for _ in 0..BATCH_ROWS * 20 {
                rows.push(cells![1, "twice", Option::<u32>::None])?;
            }
            Ok(())
        });
        let failed = failed.expect_err("the id is there already");
        assert!(failed.message.contains("UNIQUE"), "{failed}");
    }

    #[test]
    fn what_cannot_be_made_is_the_reason_where_the_database_is_content() {
        let failed = insert_rows(&mut table(), INSERT, |_: &mut Rows<3>| Err::<(), _>(FinalizeError::cancelled()));
        assert_eq!(failed, Err(FinalizeError::cancelled()));
    }
}
