//! A thread's own time in the kernel for memory: rows of `memory_stall`.

use rusqlite::{Connection, params};
use serde_json::json;
use wakechain_wire::*;

use crate::clock::between;
use crate::context::Context;
use crate::database::row_id;
use crate::error::FinalizeError;
use wakechain_wire::spool::ReadAt;

/// Rows by kind: page faults, reclaim, compaction.
pub type Written = [u64; STALL_KINDS as usize];

/// `stalls` in order of their start.
pub fn write<S: ReadAt>(
    database: &Connection,
    context: &mut Context<S>,
    stalls: &[StallRecord],
) -> Result<Written, FinalizeError> {
    let mut insert = database.prepare(
        "INSERT INTO memory_stall (id, thread_id, kind, start_ns, duration_ns, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut written = Written::default();
    for (index, stall) in stalls.iter().enumerate() {
        let (kind, details) = match stall.kind {
            STALL_PAGE_FAULT => ("page_fault", Some(json!({ "major": true }))),
            STALL_RECLAIM => ("reclaim", Some(json!({ "pages": stall.amount }))),
            _ => ("compaction", None),
        };
        if let Some(rows) = written.get_mut(stall.kind as usize) {
            *rows += 1;
        }
        let thread = context.who.thread_at(stall.tid, stall.start_ns);
        insert.execute(params![
            row_id(index),
            thread,
            kind,
            context.clock.relative(stall.start_ns),
            between(stall.start_ns, stall.end_ns),
            details.map(|details| details.to_string()),
        ])?;
    }
    Ok(written)
}
