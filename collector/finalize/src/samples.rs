//! Where target threads were while they ran: rows of `cpu_sample`.

use rusqlite::{Connection, params};
use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use crate::context::Context;
use crate::database::row_id;
use crate::error::FinalizeError;
use crate::stacks::Innermost;

/// `samples` in order of time; how many rows.
pub fn write<S: ReadAt>(
    database: &Connection,
    context: &mut Context<S>,
    samples: &[SampleRecord],
) -> Result<u64, FinalizeError> {
    let mut insert = database.prepare(
        "INSERT INTO cpu_sample (id, thread_id, at_ns, cpu, stack_id, kernel_stack_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (index, sample) in samples.iter().enumerate() {
        context.steps.row()?;
        let thread = context.who.thread_at(sample.tid, sample.at_ns);
        let Context { stacks, blocks, frames, who, .. } = context;
        let user = stacks.user(blocks, frames, who, sample.user_stack, Innermost::Instruction)?;
        let kernel = stacks.kernel(blocks, frames, sample.kernel_stack)?;
        let at_ns = context.clock.relative(sample.at_ns);
        insert.execute(params![row_id(index), thread, at_ns, sample.header.cpu, user, kernel])?;
    }
    Ok(samples.len() as u64)
}
