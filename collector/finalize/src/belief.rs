//! What can be believed: losses, coverage, and whether everything that the kernel counted is in the file.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use wakechain_wire::*;

use crate::clock::{Clock, between};
use crate::error::FinalizeError;
use crate::probes::ProbeTable;
use crate::scan::Found;
use crate::texts::Coverage;
use crate::who::Who;
use crate::{block, off_cpu, slices, stalls};

/// A row of `loss`.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    pub start_ns: u64,
    pub end_ns: u64,
    pub class: &'static str,
    pub cpu: Option<u32>,
    pub source: &'static str,
    pub events: u64,
}

/// What the kernel told of, and the end of a spool that was cut.
pub fn losses(found: &Found, clock: &Clock, is_whole: bool) -> Vec<Loss> {
    let mut all: Vec<Loss> = found.losses.iter().map(of_record).collect();
    if !is_whole {
        // nobody knows how many of which class there would have been: a row for each, and no number
        let start_ns = found.last_ns.max(clock.start_ns);
        let classes = ["life", "cuda", "scheduler", "stack", "host"];
        all.extend(classes.map(|class| Loss {
            start_ns,
            end_ns: clock.end_ns.max(start_ns),
            class,
            cpu: None,
            source: "spool",
            events: 0,
        }));
    }
    all.sort_by_key(|loss| loss.start_ns);
    all
}

fn of_record(record: &LossRecord) -> Loss {
    let class = match record.ring {
        RING_LIFE => "life",
        RING_CUDA => "cuda",
        RING_SCHEDULER => "scheduler",
        RING_STACK => "stack",
        _ => "host",
    };
    let source = match record.source {
        LOSS_RING => "ring",
        LOSS_STORAGE => "storage",
        _ => "other",
    };
    Loss {
        start_ns: record.start_ns,
        end_ns: record.end_ns,
        class,
        cpu: Some(record.header.cpu),
        source,
        events: record.events,
    }
}

pub fn write_losses(database: &Connection, clock: &Clock, losses: &[Loss]) -> Result<(), FinalizeError> {
    let mut insert = database.prepare(
        "INSERT INTO loss (start_ns, duration_ns, class, cpu, source, events) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for loss in losses {
        let events = i64::try_from(loss.events).unwrap_or(i64::MAX).min(crate::clock::LARGEST as i64);
        insert.execute(params![
            clock.relative(loss.start_ns),
            between(loss.start_ns, loss.end_ns),
            loss.class,
            loss.cpu,
            loss.source,
            events
        ])?;
    }
    Ok(())
}

pub fn write_coverage(
    database: &Connection,
    clock: &Clock,
    who: &mut Who,
    probes: &mut ProbeTable,
    coverage: &[Coverage],
) -> Result<(), FinalizeError> {
    let mut insert =
        database.prepare("INSERT INTO coverage (start_ns, duration_ns, what, reason, kept, thread_id, function_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for row in coverage {
        let thread = row.tid.map(|tid| who.thread_at(tid, row.start_ns));
        let function = row.function_index.map(|index| probes.function(index).id);
        let kept = if row.kept.is_finite() { row.kept.clamp(0.0, 1.0) } else { 0.0 };
        insert.execute(params![
            clock.relative(row.start_ns),
            between(row.start_ns.max(clock.start_ns), row.end_ns),
            row.what,
            row.reason,
            kept,
            thread,
            function
        ])?;
    }
    Ok(())
}

/// What was written of each kind, to compare with what the kernel counted.
pub struct Rows<'a> {
    pub off_cpu: &'a off_cpu::Written,
    pub slices: &'a slices::Written,
    pub calls: &'a HashMap<u32, u64>,
    pub requests: &'a block::Written,
    pub stalls: stalls::Written,
    pub samples: u64,
    pub retransmits: u64,
}

/// Every place where the sums do not hold, a sentence each; none = the file is consistent.
pub fn inconsistencies(
    found: &Found,
    probes: &ProbeTable,
    rows: &Rows,
    losses: &[Loss],
    is_whole: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(cut) = found.cut {
        wrong.push(format!("the spool is cut at byte {} ({} bytes were not read): {}", cut.offset, cut.bytes, cut.why));
    } else if !is_whole {
        wrong.push("the spool has no end: the collector died, and its last counters are missing".into());
    }
    if found.unreadable > 0 {
        wrong.push(format!(
            "{} records of the spool have an unknown kind or are too short for theirs",
            found.unreadable
        ));
    }
    if rows.slices.repeated > 0 {
        wrong.push(format!(
            "{} CPU slices began at the same time as another of the same CPU and were left out",
            rows.slices.repeated
        ));
    }
    if !is_whole {
        // the counters are older than the rows: nothing more can be compared
        return wrong;
    }
    let mut indices: Vec<_> = probes.counts.keys().copied().collect();
    indices.sort_unstable();
    for index in indices {
        let Some(counts) = probes.counts.get(&index) else { continue };
        let name = probes.by_index.get(&index).map_or_else(|| format!("probe {index}"), |probe| probe.target.clone());
        let sum =
            counts.emitted.saturating_add(counts.merged).saturating_add(counts.filtered).saturating_add(counts.lost);
        if counts.hits != sum {
            wrong.push(format!(
                "{name}: hits {} are not emitted {} + merged {} + filtered {} + lost {}",
                counts.hits, counts.emitted, counts.merged, counts.filtered, counts.lost
            ));
        }
        if let Some(written) = written(index, found, rows).filter(|written| *written != counts.emitted) {
            wrong.push(format!("{name}: {} records were emitted, {written} arrived", counts.emitted));
        }
    }
    for (index, written) in rows.calls.iter().filter(|(index, _)| !probes.counts.contains_key(index)) {
        wrong.push(format!("probe {index}: {written} records arrived, and no counter tells of it"));
    }
    let (told, counted) = (losses.iter().map(|loss| loss.events).fold(0, u64::saturating_add), probes.lost());
    if told != counted {
        wrong.push(format!("the losses in time add up to {told} events, the counters to {counted}"));
    }
    wrong
}

/// Rows or records that a probe's `emitted` counts; `None` for probes that emit none.
fn written(index: u32, found: &Found, rows: &Rows) -> Option<u64> {
    let lives = |event: u32| found.lives.iter().filter(|life| life.event == event).count() as u64;
    Some(match index {
        PROBE_SWITCH_OFF_CPU => rows.off_cpu.ended,
        PROBE_SWITCH_SLICE => rows.slices.ended,
        PROBE_FORK => lives(THREAD_FORK),
        PROBE_EXEC => lives(THREAD_EXEC),
        PROBE_EXIT => lives(THREAD_EXIT),
        PROBE_RENAME => lives(THREAD_RENAME),
        PROBE_ITERATE_START => lives(THREAD_EXISTING),
        PROBE_ITERATE_END => rows.off_cpu.open,
        PROBE_SLICE_END => rows.slices.open,
        PROBE_USER_STACK => found.user_stack_records,
        PROBE_KERNEL_STACK => found.kernel_stack_records,
        PROBE_PAGE_FAULT => *rows.stalls.first()?,
        PROBE_RECLAIM => *rows.stalls.get(STALL_RECLAIM as usize)?,
        PROBE_COMPACTION => *rows.stalls.get(STALL_COMPACTION as usize)?,
        PROBE_SAMPLE => rows.samples,
        PROBE_RETRANSMIT => rows.retransmits,
        PROBE_OOM => lives(THREAD_OOM_KILL),
        PROBE_BLOCK_DONE => rows.requests.ended,
        PROBE_BLOCK_END => rows.requests.open,
        PROBE_OBJECT => found.objects.records,
        PROBE_FIRST_CALL.. => rows.calls.get(&index).copied().unwrap_or(0),
        _ => return None,
    })
}
