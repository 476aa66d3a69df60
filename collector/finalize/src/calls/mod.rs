//! CUDA calls: rows of `cuda_call` and of the tables it refers to.

mod arguments;
mod kernels;
mod objects;
mod units;

use std::collections::HashMap;

use rusqlite::{Connection, params};
use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use crate::clock::between;
use crate::context::Context;
use crate::database::row_id;
use crate::error::FinalizeError;
use crate::frames::FrameId;
use crate::insert::{cells, insert_rows};
use crate::probes::ProbeTable;
use crate::scan::Event;
use crate::stacks::Innermost;
use crate::who::{ProcessId, ThreadId};
use arguments::{Arguments, Recorded};
use kernels::{KernelId, Kernels};
use objects::Objects;
pub use units::CopyKind;

type CallId = i64;

const INSERT: &str = "INSERT INTO cuda_call (id, thread_id, function_id, start_ns, duration_ns, parent_id, result, call_site_id, stack_id, \
         kernel_id, shape_id, bytes, stream_id, object_id, address, details) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)";

/// Calls that a thread is in, outermost first.
#[derive(Debug, Clone, Copy)]
struct Enclosing {
    depth: u32,
    end_ns: u64,
    call: CallId,
    kernel: Option<KernelId>,
}

#[derive(Default)]
struct Calls {
    objects: Objects,
    kernels: Kernels,
    shapes: HashMap<[u64; 7], u32>,
    call_sites: HashMap<(ProcessId, u64), Option<FrameId>>,
    enclosing: HashMap<ThreadId, Vec<Enclosing>>,
}

/// What reading arguments needs to know beyond the record.
#[derive(Clone, Copy)]
struct Caller {
    process: ProcessId,
    /// The kernel that the enclosing call launches.
    launched: Option<KernelId>,
    ended: bool,
}

/// Writes all calls in order of their start. Returns the rows written for each probe.
pub fn write<S: ReadAt>(
    database: &mut Connection,
    context: &mut Context<S>,
    probes: &mut ProbeTable,
    events: &[Event],
) -> Result<HashMap<u32, u64>, FinalizeError> {
    let mut calls = Calls::default();
    let mut written: HashMap<u32, u64> = HashMap::new();
    insert_rows(database, INSERT, |rows| {
        for (index, event) in events.iter().enumerate() {
            context.steps.row()?;
            let record = context.blocks.record(event.place)?;
            let recorded = Recorded::from_bytes(record.bytes, u32::from(record.header.kind));
            let Some(call) = CallRecord::from_bytes(record.bytes) else { continue };
            *written.entry(call.probe).or_default() += 1;
            let id = row_id(index);
            let thread = context.who.thread_at(call.tid, call.start_ns);
            let process = context.who.process_of(thread);
            let function = probes.function(call.probe);
            let ended = call.end_ns != 0
                && !(call.header.has(CALL_OPEN)
                    || call.header.has(CALL_ABANDONED)
                    || call.header.has(CALL_NO_RETURN_PROBE));
            let parent = calls.parent(thread, &call);

            let mut arguments = Arguments::default();
            if let Some(recorded) = &recorded {
                let launched = parent.and_then(|parent| parent.kernel);
                calls.read_arguments(context, &function, recorded, Caller { process, launched, ended }, &mut arguments);
            }
            if call.header.has(CALL_ABANDONED) {
                arguments.details.say("end", "unwound");
            } else if call.header.has(CALL_NO_RETURN_PROBE) {
                arguments.details.say("end", "not probed");
            }
            let end_ns = if ended { call.end_ns } else { u64::MAX };
            calls.enclosing.entry(thread).or_default().push(Enclosing {
                depth: call.depth,
                end_ns,
                call: id,
                kernel: arguments.kernel,
            });
            let call_site = calls.call_site(context, process, &call);
            let stack = context.stacks.user(
                &mut context.blocks,
                &mut context.frames,
                &mut context.who,
                call.user_stack,
                Innermost::Return,
            )?;
            rows.push(cells![
                id,
                thread,
                function.id,
                context.clock.relative(call.start_ns),
                ended.then(|| between(call.start_ns, call.end_ns)),
                parent.map(|parent| parent.call),
                (ended && function.known.is_none_or(|known| known.returns_error)).then_some(call.result),
                call_site,
                stack,
                arguments.kernel,
                arguments.shape,
                arguments.bytes,
                arguments.stream,
                arguments.object,
                arguments.address,
                arguments.details.into_text(),
            ])?;
        }
        Ok(())
    })?;
    calls.write_rest(database)?;
    Ok(written)
}

impl Calls {
    /// The innermost call of the thread that this one began inside.
    fn parent(&mut self, thread: ThreadId, call: &CallRecord) -> Option<Enclosing> {
        let open = self.enclosing.get_mut(&thread)?;
        while open.last().is_some_and(|last| last.depth >= call.depth || last.end_ns <= call.start_ns) {
            open.pop();
        }
        open.last().copied()
    }

    fn call_site<S: ReadAt>(
        &mut self,
        context: &mut Context<S>,
        process: ProcessId,
        call: &CallRecord,
    ) -> Option<FrameId> {
        if call.call_site == 0 {
            return None;
        }
        let Context { frames, who, .. } = context;
        let look_up = || frames.of_process(who, process, call.call_site - 1, call.start_ns).first().copied();
        *self.call_sites.entry((process, call.call_site)).or_insert_with(look_up)
    }

    fn write_rest(self, database: &Connection) -> Result<(), FinalizeError> {
        self.kernels.write(database)?;
        let mut insert = database.prepare("INSERT INTO cuda_shape VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        let mut shapes: Vec<_> = self.shapes.iter().collect();
        shapes.sort_by_key(|(_, id)| **id);
        for ([gx, gy, gz, bx, by, bz, shared], id) in shapes {
            insert.execute(params![
                id,
                *gx as i64,
                *gy as i64,
                *gz as i64,
                *bx as i64,
                *by as i64,
                *bz as i64,
                *shared as i64
            ])?;
        }
        let mut insert = database
            .prepare("INSERT INTO cuda_object (id, process_id, kind, handle, details) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for (index, mut object) in self.objects.list.into_iter().enumerate() {
            let handle = object.details.integer("handle", object.handle);
            let details = object.details.into_text();
            insert.execute(params![row_id(index), object.process, object.kind.as_str(), handle, details])?;
        }
        Ok(())
    }
}
