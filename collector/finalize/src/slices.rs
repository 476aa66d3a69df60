//! Who ran on each CPU: rows of `cpu_slice`.

use std::collections::BTreeMap;

use rusqlite::Connection;
use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use crate::clock::between;
use crate::context::Context;
use crate::error::FinalizeError;
use crate::insert::{cells, insert_rows};
use crate::scan::Event;

const INSERT: &str =
    "INSERT INTO cpu_slice (cpu, start_ns, thread_id, duration_ns, began_before) VALUES (?1, ?2, ?3, ?4, ?5)";

/// Rows written, by whether the slice had ended.
#[derive(Debug, Default, PartialEq)]
pub struct Written {
    pub ended: u64,
    pub open: u64,
    /// Two slices of one CPU cannot begin at one time: the second is no row.
    pub repeated: u64,
}

pub fn write<S: ReadAt>(
    database: &mut Connection,
    context: &mut Context<S>,
    slices: &BTreeMap<u32, Vec<Event>>,
) -> Result<Written, FinalizeError> {
    let mut written = Written::default();
    insert_rows(database, INSERT, |rows| {
        for (cpu, events) in slices {
            let mut last_start = -1;
            for event in events {
                context.steps.row()?;
                let Some(switch) = SwitchRecord::from_bytes(context.blocks.record(event.place)?.bytes) else {
                    continue;
                };
                let start_ns = context.clock.relative(switch.slice_start_ns);
                if start_ns == last_start {
                    written.repeated += 1;
                    continue;
                }
                last_start = start_ns;
                let is_open = switch.header.has(SWITCH_OPEN);
                *(if is_open { &mut written.open } else { &mut written.ended }) += 1;
                let thread = context.who.thread_at(switch.prev_tid, switch.slice_start_ns);
                let duration =
                    (!is_open).then(|| between(switch.slice_start_ns.max(context.clock.start_ns), switch.at_ns));
                rows.push(cells![*cpu, start_ns, thread, duration, switch.header.has(SWITCH_SLICE_BEGAN_BEFORE)])?;
            }
        }
        Ok(())
    })?;
    Ok(written)
}
