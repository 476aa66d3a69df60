//! How fast, how large: finalizes a spool of N million events of each kind (default 1) and prints rows a second, bytes a
//! row for each table, and the largest memory. `cargo run --release -p wakechain-finalize --example throughput -- 3`

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use serde_json::json;
use wakechain_finalize::{FinalizeOptions, finalize};
use wakechain_wire::spool::SpoolWriter;
use wakechain_wire::*;

const CPUS: u64 = 8;
const THREADS: u64 = 200;
const STACK_EVERY: u64 = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let millions: u64 = std::env::args().nth(1).map_or(Ok(1), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let (spool, output) = (folder.path().join("capture.spool"), folder.path().join("trace.wakechain.db"));
    write(&spool, millions * 1_000_000)?;
    let bytes = std::fs::metadata(&spool)?.len();
    let (start, cpu_before) = (Instant::now(), cpu_seconds().unwrap_or(0.0));
    let report = finalize(&spool, &output, &FinalizeOptions::default(), &mut |_| {}, &|| false)?;
    let seconds = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds().unwrap_or(0.0) - cpu_before;
    let rows = report.events.cuda_calls + report.events.off_cpu + report.events.cpu_slices;
    let (million, rate) = (rows as f64 / 1e6, rows as f64 / seconds);
    println!(
        "{rows} rows in {seconds:.2} s, {rate:.0} rows/s: {:.2} s a million, {:.2} s of CPU",
        seconds / million,
        cpu / million
    );
    println!("spool {:.1} bytes a row, database {:.1}", bytes as f64 / rows as f64, report.bytes as f64 / rows as f64);
    println!("largest memory {} MB; {:?}", peak_kilobytes().unwrap_or(0) / 1024, report.inconsistencies);
    let database = Connection::open(&output)?;
    for (table, index) in
        [("cuda_call", "cuda_call_by_thread"), ("off_cpu", "off_cpu_by_thread"), ("cpu_slice", "cpu_slice")]
    {
        let count: i64 = database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        let pages = "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN (?1, ?2)";
        if let Ok(size) = database.query_row(pages, [table, index], |row| row.get::<_, i64>(0)) {
            println!("{table}: {count} rows, {:.1} bytes each with its index", size as f64 / count as f64);
        }
    }
    Ok(())
}

fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find(|line| line.starts_with("VmHWM"))?.split_whitespace().nth(1)?.parse().ok()
}

/// User and system time of this process: the kernel counts in hundredths of a second.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let ticks = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
    Some(ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0)
}

fn header(kind: u32, bytes: usize, flags: u32, cpu: u64) -> RecordHeader {
    RecordHeader { bytes: bytes as u16, kind: kind as u8, flags: flags as u8, cpu: cpu as u32 }
}

fn write(path: &Path, events: u64) -> Result<(), Box<dyn Error>> {
    let mut spool = SpoolWriter::new(BufWriter::new(File::create(path)?), 62)?;
    spool.append_json(RECORD_META, 1, &json!({ "start_ns": 1_000_000, "host": "bench" }))?;
    let probe = json!({ "index": 16, "kind": "uprobe", "target": "x", "attached": true,
        "function": { "name": "cudaLaunchKernel", "library": "runtime", "category": "launch" } });
    spool.append_json(RECORD_PROBES, 1, &json!({ "probes": [probe] }))?;
    for tid in 1..=THREADS {
        let life = ThreadRecord {
            at_ns: 1_000_000,
            event: THREAD_EXISTING,
            tid: tid as u32,
            tgid: 1,
            ..ThreadRecord::default()
        };
        let life = ThreadRecord { header: header(RECORD_THREAD, ThreadRecord::BYTES, 0, 0), ..life };
        spool.append(RING_LIFE, 0, &life.to_bytes())?;
    }
    for number in 0..events {
        let (cpu, tid) = (number % CPUS, 1 + number % THREADS);
        let now = 2_000_000 + number * 1000 + (number * 7919) % 700;
        write_stack(&mut spool, number, now, cpu, tid)?;
        let base = SwitchRecord {
            header: header(RECORD_SWITCH_DETAIL, SwitchDetailRecord::BYTES, SWITCH_HAS_SLICE | SWITCH_HAS_OFF_CPU, cpu),
            at_ns: now,
            slice_start_ns: now - 900,
            off_ns: now - 1000 - (number * 31) % 300_000,
            wake_ns: now - 500,
            prev_tid: 1 + (number + 1) as u32 % THREADS as u32,
            next_tid: tid as u32,
            waker_tid: 7,
            got_cpu_tid: 9,
            cpu_before: cpu as u16,
            state_before: 1,
            waker_context: 1,
            system_call: 202,
            waker_system_call: 202,
        };
        let stack = if number % STACK_EVERY == 0 { number + 1 } else { 0 };
        let detail = SwitchDetailRecord {
            base,
            object: 0x7f00_0000_0000 + (number % 97) * 64,
            futex_op: 128,
            futex_value: 2,
            file_descriptor: u32::MAX,
            waker_futex_op: u32::MAX,
            user_stack: stack,
            ..SwitchDetailRecord::default()
        };
        spool.append(RING_SCHEDULER, cpu as u32, &detail.to_bytes())?;
        let call = CallRecord {
            header: header(RECORD_CALL_ARGS, CallArgsRecord::BYTES, 0, cpu),
            start_ns: now - 600,
            end_ns: now,
            call_site: 0x40_0000 + (number % 50) * 16,
            tid: tid as u32,
            probe: 16,
            ..CallRecord::default()
        };
        let args = CallArgsRecord {
            base: call,
            args: [0x40_1000, 1 << 32 | 8, 1, 1 << 32 | 256, 1, 0],
            stack_words: [0, 0x5000 + tid, 0, 0],
            output: 0,
        };
        spool.append(RING_CUDA, cpu as u32, &args.to_bytes())?;
    }
    spool.append_json(
        RECORD_END,
        2_000_000 + events * 1000,
        &json!({ "at_ns": 2_000_000 + events * 1000, "end_reason": "duration" }),
    )?;
    spool.finish()?;
    Ok(())
}

/// A stack of 20 frames, one of a few hundred different ones.
fn write_stack(
    spool: &mut SpoolWriter<BufWriter<File>>,
    number: u64,
    now: u64,
    cpu: u64,
    tid: u64,
) -> Result<(), Box<dyn Error>> {
    if number % STACK_EVERY != 0 {
        return Ok(());
    }
    let base = 0x7fff_0000_0000;
    let words: Vec<u64> = (0..20)
        .flat_map(|frame| {
            [if frame == 19 { 0 } else { base + 16 * (frame + 1) }, 0x50_0000 + frame * 64 + number % 300]
        })
        .collect();
    let record = UserStackRecord {
        header: header(RECORD_USER_STACK, UserStackRecord::BYTES + words.len() * 8, 0, cpu),
        key: number + 1,
        at_ns: now,
        tid: tid as u32,
        tgid: 1,
        instruction_pointer: 0x50_0000,
        stack_pointer: base,
        frame_pointer: base,
        snapshot_bytes: words.len() as u32 * 8,
        ..UserStackRecord::default()
    };
    let mut bytes = record.to_bytes().to_vec();
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    spool.append(RING_STACK, cpu as u32, &bytes)?;
    Ok(())
}
