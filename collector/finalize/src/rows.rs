//! The small tables that are written last, when everything they hold has been met: names, processes, threads, modules,
//! frames, stacks, instants, meta.

use rusqlite::{Connection, params};
use serde_json::Value;
use wakechain_wire::spool::ReadAt;

use crate::clock::{Clock, exact};
use crate::context::Context;
use crate::database::row_id;
use crate::error::FinalizeError;
use crate::frames::Frames;
use crate::input::Input;
use crate::who::Who;

pub fn write_names(database: &Connection, names: &[String]) -> Result<(), FinalizeError> {
    let mut insert = database.prepare("INSERT INTO name (id, name) VALUES (?1, ?2)")?;
    for (index, name) in names.iter().enumerate() {
        insert.execute(params![row_id(index), name])?;
    }
    Ok(())
}

pub fn write_who(database: &Connection, clock: &Clock, who: &Who) -> Result<(), FinalizeError> {
    let relative = |at_ns: Option<u64>| at_ns.map(|at_ns| clock.relative(at_ns));
    let mut insert = database.prepare(
        "INSERT INTO process (id, pid, namespace_pid, parent_id, name, command_line, executable, user_id, cgroup, container_id, \
         is_target, start_ns, end_ns, details) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    )?;
    for (index, process) in who.processes.iter().enumerate() {
        let details = (!process.details.is_empty()).then(|| Value::Object(process.details.clone()).to_string());
        insert.execute(params![
            row_id(index),
            process.pid,
            process.namespace_pid,
            process.parent,
            process.name,
            process.command_line,
            process.executable,
            process.user_id,
            process.cgroup,
            process.container_id,
            process.is_target,
            relative(process.start_ns),
            relative(process.end_ns),
            details,
        ])?;
    }
    let mut insert = database
        .prepare("INSERT INTO thread (id, process_id, tid, name, start_ns, end_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (index, thread) in who.threads.iter().enumerate() {
        insert.execute(params![
            row_id(index),
            thread.process,
            thread.tid,
            thread.name,
            relative(thread.start_ns),
            relative(thread.end_ns)
        ])?;
    }
    let mut insert =
        database.prepare("INSERT INTO instant (id, at_ns, kind, thread_id, details) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (index, event) in who.events.iter().enumerate() {
        insert.execute(params![row_id(index), clock.relative(event.at_ns), event.kind, event.thread, event.details])?;
    }
    Ok(())
}

pub fn write_frames(database: &Connection, frames: &Frames) -> Result<(), FinalizeError> {
    let mut insert = database.prepare("INSERT INTO module (id, path, build_id) VALUES (?1, ?2, ?3)")?;
    for (index, (path, build_id)) in frames.modules.iter().enumerate() {
        insert.execute(params![row_id(index), path, build_id])?;
    }
    let mut insert = database.prepare("INSERT INTO frame (id, kind, function, module_id, offset, file, line, inlined) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)")?;
    for (index, frame) in frames.frames.iter().enumerate() {
        let offset = frame.offset.and_then(exact);
        insert.execute(params![
            row_id(index),
            frame.kind,
            frame.function,
            frame.module,
            offset,
            frame.file,
            frame.line,
            frame.inlined
        ])?;
    }
    let mut insert = database.prepare("INSERT INTO stack (id, parent_id, frame_id, depth) VALUES (?1, ?2, ?3, ?4)")?;
    for (index, node) in frames.stacks.iter().enumerate() {
        insert.execute(params![row_id(index), (node.parent != 0).then_some(node.parent), node.frame, node.depth])?;
    }
    Ok(())
}

/// Keys of the capture's own bookkeeping that say nothing to a reader of the database.
const NOT_IN_META: [&str; 3] = ["start_ns", "gpu_device_majors", "block_devices"];

/// Everything that the capture said of itself at its start and its end, and what this program found out.
pub fn write_meta<S: ReadAt>(
    database: &Connection,
    context: &Context<S>,
    input: &Input,
    inconsistencies: &[String],
) -> Result<(), FinalizeError> {
    let mut meta = input.meta.clone();
    NOT_IN_META.iter().for_each(|key| drop(meta.remove(*key)));
    let end = input.end.clone().unwrap_or_default();
    meta.extend(end.into_iter().filter(|(key, _)| key != "at_ns"));
    if input.end.is_none() {
        meta.insert("end_reason".into(), "collector died".into());
    }
    if let Some(unix_ns) = context.clock.start_unix_ns {
        meta.insert("start_unix_ns".into(), unix_ns.to_string().into());
    }
    meta.insert("duration_ns".into(), context.clock.length().into());
    if !meta.contains_key("machine") {
        let machine = match context.machine {
            crate::syscalls::X86_64_MACHINE => "x86_64",
            crate::syscalls::AARCH64_MACHINE => "aarch64",
            _ => "unknown",
        };
        meta.insert("machine".into(), machine.into());
    }
    meta.insert("consistent".into(), inconsistencies.is_empty().into());
    if !inconsistencies.is_empty() {
        meta.insert("inconsistencies".into(), inconsistencies.into());
    }
    let mut insert = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?;
    for (key, value) in &meta {
        insert.execute(params![key, value.to_string()])?;
    }
    Ok(())
}
