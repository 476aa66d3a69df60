//! Builds the trace database of `schema.sql` from a spool.
//!
//! Two passes over the spool. The first verifies every block, reads who was who and what was asked for, and keeps 16
//! bytes for each row to be. Then rows are written in order of their start, each read again from its block; names,
//! frames and stacks are made when the first row needs them. Indexes come after the last row. The file is built under
//! another name and renamed when it is whole.

mod belief;
mod block;
mod blocks;
mod calls;
mod clock;
mod context;
mod database;
mod details;
mod elf;
mod error;
mod frames;
mod input;
mod insert;
mod maps;
mod metrics;
mod names;
mod network;
mod objects;
mod off_cpu;
mod output;
mod probes;
mod rows;
mod samples;
mod scan;
mod schema;
mod slices;
mod stacks;
mod stalls;
mod symbols;
pub mod syscalls;
mod texts;
mod unwind;
mod who;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use wakechain_wire::spool::{Cut, SpoolReader};

use belief::Rows;
use context::{Context, ROWS_SHARE, SCAN_SHARE, Steps};
pub use error::FinalizeError;
use frames::Frames;
use maps::Maps;
use names::Names;
use output::Output;
use stacks::Stacks;
use who::Who;

#[derive(Debug, Clone, Default)]
pub struct FinalizeOptions {
    /// Who gets the file; `None` = whoever runs this.
    pub owner_uid: Option<u32>,
}

/// What was made.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalizeReport {
    pub path: PathBuf,
    pub bytes: u64,
    /// Of the whole file, lower-case hex; also in `PATH.sha256`, as `sha256sum` writes it.
    pub sha256: String,
    pub events: EventCounts,
    /// Events that the kernel counted as lost.
    pub lost: u64,
    /// Where the sums do not hold, a sentence each; none = `meta.consistent`.
    pub inconsistencies: Vec<String>,
    /// Why the capture ended, or `collector died`.
    pub end_reason: String,
    pub cut: Option<Cut>,
}

/// Rows of the event tables.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EventCounts {
    pub cuda_calls: u64,
    pub off_cpu: u64,
    pub cpu_slices: u64,
    pub instants: u64,
}

/// Makes `output` from `spool`. `progress` gets the share done, 0 to 1; `cancelled` is asked every few thousand rows.
/// Whatever ends this early leaves nothing behind. The spool is kept.
pub fn finalize(
    spool: &Path,
    output: &Path,
    options: &FinalizeOptions,
    progress: &mut dyn FnMut(f64),
    cancelled: &dyn Fn() -> bool,
) -> Result<FinalizeReport, FinalizeError> {
    let unreadable = |error: std::io::Error| {
        FinalizeError::new("spool_unreadable", format!("cannot read {}: {error}", spool.display()))
            .hint("name the spool of a capture")
    };
    // a named pipe in its place must not block for ever
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(spool)
        .map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(FinalizeError::new("not_a_spool", format!("{} is no regular file", spool.display()))
            .hint("name the spool of a capture"));
    }
    let reader = SpoolReader::open(file)?;
    let output = Output::create(output, options.owner_uid)?;
    let mut steps = Steps { progress, cancelled, rows_done: 0, rows_expected: 0 };
    steps.at(0.0)?;
    let (found, blocks) = scan::scan(reader, &mut |share| steps.at(share * SCAN_SHARE))?;

    let mut who = Who::new(&found.lives);
    let mut maps = Maps::default();
    let mut input = input::read(&found, &mut who, &mut maps);
    let is_whole = input.end.is_some() && found.cut.is_none();
    steps.rows_expected = (found.calls.len()
        + found.off_cpu.len()
        + found.requests.len()
        + found.samples.len()
        + found.slices.values().map(Vec::len).sum::<usize>()) as u64;
    let frames = Frames::new(maps, std::mem::take(&mut input.kernel_symbols));
    let stacks = Stacks::new(found.user_stacks.clone(), found.kernel_stacks.clone(), found.machine);
    let mut context = Context {
        blocks,
        clock: input.clock,
        who,
        names: Names::new(found.machine),
        frames,
        stacks,
        machine: found.machine,
        steps,
    };

    let mut database = database::open(&output)?;
    let schema = schema::schema();
    schema.tables.iter().try_for_each(|sql| database.execute_batch(sql))?;
    database.execute_batch("BEGIN")?;
    let calls = calls::write(&mut database, &mut context, &mut input.probes, &found.calls)?;
    let known = off_cpu::Known {
        interrupts_are_seen: found.interrupts_are_seen,
        gpu_majors: &input.gpu_majors(),
        objects: &found.objects,
        block_rows: &block::row_ids(&found.requests),
    };
    let off_cpu = off_cpu::write(&mut database, &mut context, &found.off_cpu, &known)?;
    let requests = block::write(&database, &mut context, &found.requests, &input.disks())?;
    let stalls = stalls::write(&database, &mut context, &found.stalls)?;
    let samples = samples::write(&database, &mut context, &found.samples)?;
    let sockets = network::Sockets { owners: input.owners.clone(), waited: off_cpu.sockets.clone() };
    let retransmits = network::write(&database, &mut context, &found.retransmits, &sockets)?;
    metrics::write(&database, &context.clock, &input.readings)?;
    let slices = slices::write(&mut database, &mut context, &found.slices)?;
    let losses = belief::losses(&found, &context.clock, is_whole);
    belief::write_losses(&database, &context.clock, &losses)?;
    belief::write_coverage(&database, &context.clock, &mut context.who, &mut input.probes, &input.coverage)?;
    input.probes.write(&database)?;
    rows::write_names(&database, &context.names.list)?;
    rows::write_who(&database, &context.clock, &context.who)?;
    rows::write_frames(&database, &context.frames)?;
    let written =
        Rows { off_cpu: &off_cpu, slices: &slices, calls: &calls, requests: &requests, stalls, samples, retransmits };
    let mut inconsistencies = belief::inconsistencies(&found, &input.probes, &written, &losses, is_whole);
    if context.stacks.missing > 0 && is_whole {
        inconsistencies.push(format!("{} rows refer to a stack that did not arrive", context.stacks.missing));
    }
    rows::write_meta(&database, &context, &input, &inconsistencies)?;
    context.steps.at(SCAN_SHARE + ROWS_SHARE)?;
    for sql in schema.indexes.iter().chain(&schema.views) {
        database.execute_batch(sql)?;
        context.steps.check()?;
    }
    database.execute_batch("COMMIT; PRAGMA journal_mode = DELETE")?;
    database.close().map_err(|(_, error)| error)?;
    context.steps.at(0.95)?;
    let (path, bytes, sha256) = output.finish()?;
    (context.steps.progress)(1.0);
    Ok(FinalizeReport {
        path,
        bytes,
        sha256,
        events: EventCounts {
            cuda_calls: calls.values().sum(),
            off_cpu: off_cpu.ended + off_cpu.open,
            cpu_slices: slices.ended + slices.open,
            instants: context.who.events.len() as u64,
        },
        lost: input.probes.lost(),
        inconsistencies,
        end_reason: end_reason(&input),
        cut: found.cut,
    })
}

fn end_reason(input: &input::Input) -> String {
    let said = input.end.as_ref().and_then(|end| end.get("end_reason")).and_then(|value| value.as_str());
    said.unwrap_or(if input.end.is_some() { "unknown" } else { "collector died" }).to_string()
}
