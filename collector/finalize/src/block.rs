//! Requests to block devices: rows of `block_io`, in order of their start, and which row a request became.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params};
use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use crate::blocks::Place;
use crate::clock::{between, exact};
use crate::context::Context;
use crate::database::row_id;
use crate::error::FinalizeError;

/// A row to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub queued_ns: u64,
    pub place: Place,
    pub id: u64,
}

/// Rows written, by whether the request was done.
#[derive(Debug, Default, PartialEq)]
pub struct Written {
    pub ended: u64,
    pub open: u64,
}

/// The row of each request that is done. `requests` in the order of rows.
pub fn row_ids(requests: &[Request]) -> HashMap<u64, i64> {
    requests.iter().enumerate().map(|(index, request)| (request.id, row_id(index))).collect()
}

/// `disks`: names by "major:minor".
pub fn write<S: ReadAt>(
    database: &Connection,
    context: &mut Context<S>,
    requests: &[Request],
    disks: &BTreeMap<String, String>,
) -> Result<Written, FinalizeError> {
    let mut insert = database.prepare(
        "INSERT INTO block_io (id, device, sector, bytes, operation, thread_id, start_ns, queue_ns, duration_ns, began_before) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut written = Written::default();
    for (index, request) in requests.iter().enumerate() {
        context.steps.row()?;
        let Some(record) = BlockRecord::from_bytes(context.blocks.record(request.place)?.bytes) else { continue };
        let is_open = record.header.has(BLOCK_OPEN);
        *(if is_open { &mut written.open } else { &mut written.ended }) += 1;
        let began_before = record.queued_ns < context.clock.start_ns;
        let start_ns = record.queued_ns.max(context.clock.start_ns);
        let number = format!("{}:{}", record.device >> 20, record.device & 0xf_ffff);
        let thread = (record.tid != 0).then(|| context.who.thread_at(record.tid, start_ns));
        insert.execute(params![
            row_id(index),
            disks.get(&number).unwrap_or(&number),
            // beyond 2^53 - 1 there is no disk
            exact(record.sector).unwrap_or(0),
            record.bytes,
            operation(record.operation),
            thread,
            context.clock.relative(start_ns),
            (record.issued_ns != 0).then(|| between(start_ns, record.issued_ns)),
            (!is_open).then(|| between(start_ns, record.done_ns)),
            began_before,
        ])?;
    }
    Ok(written)
}

/// REQ_OP_* of include/linux/blk_types.h.
fn operation(number: u32) -> &'static str {
    match number {
        0 => "read",
        1 => "write",
        2 => "flush",
        3 | 5 => "discard",
        9 => "write zeroes",
        7 | 10..=17 => "zone",
        32..=35 => "driver",
        _ => "other",
    }
}
