//! CUDA calls: rows of `cuda_call` and of the tables it refers to.

mod arguments;
mod objects;

use std::collections::HashMap;

use rusqlite::{Connection, params};
use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use crate::clock::{between, exact};
use crate::context::Context;
use crate::database::row_id;
use crate::details::Details;
use crate::error::FinalizeError;
use crate::frames::FrameId;
use crate::probes::ProbeTable;
use crate::scan::Event;
use crate::stacks::Innermost;
use crate::who::{ProcessId, ThreadId};
use arguments::Role;
use objects::{ObjectId, Objects};

type CallId = i64;
type KernelId = u32;

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
    kernels: Vec<String>,
    kernel_ids: HashMap<String, KernelId>,
    kernel_of_handle: HashMap<(ProcessId, u64), KernelId>,
    shapes: HashMap<[u64; 7], u32>,
    call_sites: HashMap<(ProcessId, u64), Option<FrameId>>,
    enclosing: HashMap<ThreadId, Vec<Enclosing>>,
}

/// What reading arguments needs to know beyond the record.
struct Caller {
    process: ProcessId,
    /// The kernel that the enclosing call launches.
    launched: Option<KernelId>,
    ended: bool,
}

/// What the arguments of one call told.
#[derive(Default)]
struct Arguments {
    kernel: Option<KernelId>,
    shape: Option<u32>,
    bytes: Option<i64>,
    stream: Option<ObjectId>,
    object: Option<ObjectId>,
    address: Option<i64>,
    details: Details,
}

/// Writes all calls in order of their start. Returns the rows written for each probe.
pub fn write<S: ReadAt>(
    database: &Connection,
    context: &mut Context<S>,
    probes: &mut ProbeTable,
    events: &[Event],
) -> Result<HashMap<u32, u64>, FinalizeError> {
    let mut insert = database.prepare(
        "INSERT INTO cuda_call (id, thread_id, function_id, start_ns, duration_ns, parent_id, result, call_site_id, stack_id, \
         kernel_id, shape_id, bytes, stream_id, object_id, address, details) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
    )?;
    let mut calls = Calls::default();
    let mut rows: HashMap<u32, u64> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        context.steps.row()?;
        let record = context.blocks.record(event.place)?;
        let with_arguments =
            CallArgsRecord::from_bytes(record.bytes).filter(|_| u32::from(record.header.kind) == RECORD_CALL_ARGS);
        let Some(call) = CallRecord::from_bytes(record.bytes) else { continue };
        *rows.entry(call.probe).or_default() += 1;
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
        if let Some(with_arguments) = &with_arguments {
            let launched = parent.and_then(|parent| parent.kernel);
            calls.read_arguments(
                context,
                &function.name,
                with_arguments,
                Caller { process, launched, ended },
                &mut arguments,
            );
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
        insert.execute(params![
            id,
            thread,
            function.id,
            context.clock.relative(call.start_ns),
            ended.then(|| between(call.start_ns, call.end_ns)),
            parent.map(|parent| parent.call),
            ended.then_some(call.result),
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
    calls.write_rest(database)?;
    Ok(rows)
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

    fn read_arguments<S: ReadAt>(
        &mut self,
        context: &mut Context<S>,
        function: &str,
        call: &CallArgsRecord,
        caller: Caller,
        to: &mut Arguments,
    ) {
        let Caller { process, launched, ended } = caller;
        let Some(roles) = arguments::signature(function) else { return };
        let (start_ns, end_ns) = (call.base.start_ns, if ended { call.base.end_ns } else { u64::MAX });
        let output = Some(call.output).filter(|output| call.base.header.has(CALL_HAS_OUTPUT) && *output != 0);
        let succeeded = ended && call.base.result == 0;
        let (mut grid, mut block, mut shared) = ([None; 3], [None; 3], None);
        let (mut factor, mut copy) = (None::<u64>, None);
        let mut bytes = None;
        for (role, value) in arguments::values(roles, call, context.machine) {
            match role {
                Role::Skip | Role::Large | Role::Grid | Role::Block => {}
                Role::Kernel => {
                    if let Some(launched) = launched {
                        // the driver's launch inside a runtime's: the same kernel by another handle
                        self.kernel_of_handle.insert((process, value), launched);
                    }
                    to.kernel = self.kernel(context, process, value, start_ns);
                }
                Role::GridX => grid[0] = Some(value),
                Role::GridY => grid[1] = Some(value),
                Role::GridZ => grid[2] = Some(value),
                Role::BlockX => block[0] = Some(value),
                Role::BlockY => block[1] = Some(value),
                Role::BlockZ => block[2] = Some(value),
                Role::Shared => shared = Some(value),
                Role::Stream => {
                    to.stream = Some(self.objects.stream(
                        process,
                        value,
                        start_ns,
                        arguments::default_stream_is_per_thread(function),
                    ))
                }
                Role::CopyKind => copy = Some(value),
                Role::Bytes => bytes = Some(value),
                Role::Factor => factor = factor.unwrap_or(1).checked_mul(value),
                Role::DataType => {
                    factor = factor.and_then(|count| count.checked_mul(arguments::nccl_element_bytes(value)?))
                }
                Role::Address => to.address = to.details.integer("address", value),
                Role::Flags if value != 0 => to.details.say("flags", value),
                Role::Flags => {}
                Role::Event => to.object = Some(self.objects.used(process, "event", value, start_ns)),
                Role::Graph => to.object = Some(self.objects.used(process, "graph", value, start_ns)),
                Role::GraphExec => to.object = Some(self.objects.used(process, "graph_exec", value, start_ns)),
                Role::Module => to.object = Some(self.objects.used(process, "module", value, start_ns)),
                Role::Communicator => to.object = Some(self.objects.used(process, "communicator", value, start_ns)),
                Role::NewAddress => to.address = output.and_then(|output| to.details.integer("address", output)),
                Role::NewStream => {
                    to.stream = output.map(|output| self.objects.made(process, "stream", output, start_ns, end_ns))
                }
                Role::NewEvent => {
                    to.object = output.map(|output| self.objects.made(process, "event", output, start_ns, end_ns))
                }
                Role::NewGraph => {
                    to.object = output.map(|output| self.objects.made(process, "graph", output, start_ns, end_ns))
                }
                Role::NewGraphExec => {
                    to.object = output.map(|output| self.objects.made(process, "graph_exec", output, start_ns, end_ns))
                }
                Role::NewModule => {
                    to.object = output.map(|output| self.objects.made(process, "module", output, start_ns, end_ns))
                }
                Role::NewCommunicator => {
                    to.object =
                        output.map(|output| self.objects.made(process, "communicator", output, start_ns, end_ns))
                }
                Role::EndStream if succeeded => {
                    to.stream = Some(self.objects.ended(process, "stream", value, start_ns, end_ns))
                }
                Role::EndStream => to.stream = Some(self.objects.used(process, "stream", value, start_ns)),
                Role::EndEvent | Role::EndGraph | Role::EndGraphExec | Role::EndModule | Role::EndCommunicator => {
                    let kind = match role {
                        Role::EndEvent => "event",
                        Role::EndGraph => "graph",
                        Role::EndGraphExec => "graph_exec",
                        Role::EndModule => "module",
                        _ => "communicator",
                    };
                    to.object = Some(match succeeded {
                        true => self.objects.ended(process, kind, value, start_ns, end_ns),
                        false => self.objects.used(process, kind, value, start_ns),
                    });
                }
            }
        }
        if let Some(count) = factor {
            bytes = count.checked_mul(arguments::memset_element_bytes(function));
        }
        to.bytes = bytes.and_then(|bytes| to.details.integer("bytes", bytes));
        if let Some(kind) = arguments::copy_kind(function, copy) {
            to.details.say("copy", kind);
        }
        to.shape = self.shape(grid, block, shared);
    }

    fn shape(&mut self, grid: [Option<u64>; 3], block: [Option<u64>; 3], shared: Option<u64>) -> Option<u32> {
        let shape = [grid[0]?, grid[1]?, grid[2]?, block[0]?, block[1]?, block[2]?, shared?];
        // shared memory is a size_t of the caller's: beyond an exact integer it is no launch at all
        exact(shape[6])?;
        let next = self.shapes.len() as u32 + 1;
        Some(*self.shapes.entry(shape).or_insert(next))
    }

    fn kernel<S: ReadAt>(
        &mut self,
        context: &mut Context<S>,
        process: ProcessId,
        handle: u64,
        at_ns: u64,
    ) -> Option<KernelId> {
        if handle == 0 {
            return None;
        }
        if let Some(known) = self.kernel_of_handle.get(&(process, handle)) {
            return Some(*known);
        }
        let name = context
            .frames
            .device_function(&context.who, process, handle, at_ns)
            .unwrap_or_else(|| format!("{handle:#x}"));
        let next = self.kernels.len() as KernelId + 1;
        let id = *self.kernel_ids.entry(name.clone()).or_insert(next);
        if id == next {
            self.kernels.push(name);
        }
        self.kernel_of_handle.insert((process, handle), id);
        Some(id)
    }

    fn write_rest(&self, database: &Connection) -> Result<(), FinalizeError> {
        let mut insert = database.prepare("INSERT INTO cuda_kernel (id, name) VALUES (?1, ?2)")?;
        for (index, name) in self.kernels.iter().enumerate() {
            insert.execute(params![row_id(index), name])?;
        }
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
        for (index, object) in self.objects.list.iter().enumerate() {
            let mut details = Details::default();
            let handle = details.integer("handle", object.handle);
            if let Some(which) = object.default_stream {
                details.say("default", which);
            }
            insert.execute(params![row_id(index), object.process, object.kind, handle, details.into_text()])?;
        }
        Ok(())
    }
}
