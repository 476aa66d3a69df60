//! Spools with known content, and questions to the database that is made of them.
#![allow(dead_code)] // each test file uses its part

use std::path::{Path, PathBuf};

use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use wakechain_finalize::{FinalizeError, FinalizeOptions, FinalizeReport, finalize};
use wakechain_wire::spool::SpoolWriter;
use wakechain_wire::*;

/// The capture starts at this moment; times in tests count from it.
pub const START: u64 = 5_000_000_000_000;
pub const X86_64: u32 = 62;
pub const AARCH64: u32 = 183;

pub fn at(ns: u64) -> u64 {
    START + ns
}

pub fn header(kind: u32, bytes: usize, flags: u32, cpu: u32) -> RecordHeader {
    RecordHeader { bytes: bytes as u16, kind: kind as u8, flags: flags as u8, cpu }
}

pub struct Spool {
    writer: SpoolWriter<Vec<u8>>,
}

impl Spool {
    pub fn new() -> Self {
        Self::of(X86_64)
    }

    /// With a meta record, as every capture begins.
    pub fn of(machine: u32) -> Self {
        let mut spool = Self { writer: SpoolWriter::new(Vec::new(), machine).unwrap() };
        spool.text(
            RECORD_META,
            0,
            json!({ "start_ns": START, "start_unix_ns": "1700000000000000000", "host": "testhost", "kernel": "6.18.0", "cpus": 2,
                "machine": if machine == AARCH64 { "aarch64" } else { "x86_64" }, "collector_version": "0.1.0", "profile": "standard",
                "command_line": ["wakechain-collector", "capture"], "options": {}, "check": { "items": [] }, "targets": [{ "pid": 100 }] }),
        );
        spool
    }

    pub fn text(&mut self, kind: u32, at_ns: u64, value: Value) {
        self.writer.append_json(kind, at(at_ns), &value).unwrap();
    }

    pub fn record(&mut self, ring: u32, cpu: u32, bytes: &[u8]) {
        self.writer.append(ring, cpu, bytes).unwrap();
    }

    pub fn flush(&mut self) {
        self.writer.flush().unwrap();
    }

    pub fn life(&mut self, ns: u64, event: u32, tid: u32, tgid: u32, name: &str) {
        let mut record = ThreadRecord {
            at_ns: at(ns),
            event,
            tid,
            tgid,
            start_boottime_ns: u64::from(tid) + 1,
            user_id: 1000,
            ..ThreadRecord::default()
        };
        record.header = header(RECORD_THREAD, ThreadRecord::BYTES, if tgid == 100 { THREAD_IS_TARGET } else { 0 }, 0);
        record.comm[..name.len()].copy_from_slice(name.as_bytes());
        self.record(RING_LIFE, 0, &record.to_bytes());
    }

    pub fn life_record(&mut self, record: ThreadRecord) {
        let record = ThreadRecord { header: header(RECORD_THREAD, ThreadRecord::BYTES, 0, 0), ..record };
        self.record(RING_LIFE, 0, &record.to_bytes());
    }

    pub fn switch(&mut self, flags: u32, record: SwitchRecord) {
        let cpu = record.header.cpu;
        let record = SwitchRecord { header: header(RECORD_SWITCH, SwitchRecord::BYTES, flags, cpu), ..record };
        self.record(RING_SCHEDULER, cpu, &record.to_bytes());
    }

    pub fn detail(&mut self, flags: u32, record: SwitchDetailRecord) {
        let cpu = record.base.header.cpu;
        let base =
            SwitchRecord { header: header(RECORD_SWITCH_DETAIL, SwitchDetailRecord::BYTES, flags, cpu), ..record.base };
        self.record(RING_SCHEDULER, cpu, &SwitchDetailRecord { base, ..record }.to_bytes());
    }

    pub fn call(&mut self, flags: u32, record: CallRecord) {
        let record = CallRecord { header: header(RECORD_CALL, CallRecord::BYTES, flags, 0), ..record };
        self.record(RING_CUDA, 0, &record.to_bytes());
    }

    /// A call with the words of a structure that was read.
    pub fn call_memory(&mut self, record: CallArgsRecord, memory: [u64; 5]) {
        let header = header(RECORD_CALL_MEMORY, CallMemoryRecord::BYTES, CALL_HAS_MEMORY, 0);
        let args = CallArgsRecord { base: CallRecord { header, ..record.base }, ..record };
        self.record(RING_CUDA, 0, &CallMemoryRecord { args, memory }.to_bytes());
    }

    /// A call with a longer piece of memory.
    pub fn call_text(&mut self, flags: u32, record: CallArgsRecord, text: &[u8]) {
        let bytes = (CallTextRecord::BYTES + text.len()).next_multiple_of(8);
        let header = header(RECORD_CALL_TEXT, bytes, flags | CALL_HAS_MEMORY, 0);
        let args = CallArgsRecord { base: CallRecord { header, ..record.base }, ..record };
        let mut whole =
            CallTextRecord { args, text_bytes: text.len() as u32, ..CallTextRecord::default() }.to_bytes().to_vec();
        whole.extend_from_slice(text);
        whole.resize(bytes, 0);
        self.record(RING_CUDA, 0, &whole);
    }

    pub fn call_args(&mut self, flags: u32, record: CallArgsRecord) {
        let base = CallRecord { header: header(RECORD_CALL_ARGS, CallArgsRecord::BYTES, flags, 0), ..record.base };
        self.record(RING_CUDA, 0, &CallArgsRecord { base, ..record }.to_bytes());
    }

    pub fn user_stack(&mut self, record: UserStackRecord, words: &[u64]) {
        let bytes = UserStackRecord::BYTES + 8 * words.len();
        let record = UserStackRecord {
            header: header(RECORD_USER_STACK, bytes, 0, 0),
            snapshot_bytes: 8 * words.len() as u32,
            ..record
        };
        let mut whole = record.to_bytes().to_vec();
        whole.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        self.record(RING_STACK, 0, &whole);
    }

    pub fn kernel_stack(&mut self, key: u64, addresses: &[u64]) {
        let bytes = KernelStackRecord::BYTES + 8 * addresses.len();
        let record = KernelStackRecord {
            header: header(RECORD_KERNEL_STACK, bytes, 0, 0),
            key,
            at_ns: at(1),
            tid: 100,
            frame_count: addresses.len() as u32,
        };
        let mut whole = record.to_bytes().to_vec();
        whole.extend(addresses.iter().flat_map(|word| word.to_le_bytes()));
        self.record(RING_STACK, 0, &whole);
    }

    /// Functions at probe indices from PROBE_FIRST_CALL on: (name, library, category).
    pub fn functions(&mut self, functions: &[(&str, &str, &str)]) {
        let list: Vec<Value> = functions.iter().enumerate().map(|(place, (name, library, category))| {
            json!({ "index": PROBE_FIRST_CALL as usize + place, "kind": "uprobe", "target": format!("/lib/libcuda.so:{name}"), "rung": "session",
                "placement": "emulated", "attached": true, "function": { "name": name, "library": library, "category": category } })
        }).collect();
        self.text(RECORD_PROBES, 0, json!({ "probes": list }));
    }

    /// [hits, emitted, merged, filtered, lost, missed] by probe index.
    pub fn counters(&mut self, counters: &[(u32, [u64; 6])]) {
        let map: serde_json::Map<String, Value> =
            counters.iter().map(|(index, values)| (index.to_string(), json!(values))).collect();
        self.text(RECORD_COUNTERS, 900_000, json!({ "at_ns": at(900_000), "probes": map }));
    }

    pub fn end(&mut self) {
        self.text(
            RECORD_END,
            1_000_000,
            json!({ "at_ns": at(1_000_000), "end_reason": "duration", "overhead": { "bpf_ns": 5 } }),
        );
    }

    pub fn bytes(self) -> Vec<u8> {
        self.writer.finish().unwrap()
    }

    /// Ends it and makes the database.
    pub fn finalize(mut self) -> Trace {
        self.end();
        Trace::of(&self.bytes()).unwrap()
    }
}

/// A database in a folder of its own.
pub struct Trace {
    pub folder: tempfile::TempDir,
    pub path: PathBuf,
    pub report: FinalizeReport,
    pub database: Connection,
}

impl Trace {
    pub fn of(spool: &[u8]) -> Result<Self, FinalizeError> {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("capture.spool");
        std::fs::write(&from, spool).unwrap();
        let path = folder.path().join("trace.wakechain.db");
        let report = finalize(&from, &path, &FinalizeOptions::default(), &mut |_| {}, &|| false)?;
        let database = open(&path);
        let integrity: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(integrity, "ok");
        let broken: i64 =
            database.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
        assert_eq!(broken, 0, "every reference leads somewhere");
        Ok(Self { folder, path, report, database })
    }

    /// The first column of the only row.
    pub fn one<T: FromSql>(&self, sql: &str) -> T {
        self.database.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// All rows, each as one text with its columns separated by `|`, NULL as `-`.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let mut statement = self.database.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let texts: Vec<String> = (0..columns)
                .map(|column| match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Null => "-".into(),
                    rusqlite::types::ValueRef::Integer(value) => value.to_string(),
                    rusqlite::types::ValueRef::Real(value) => value.to_string(),
                    rusqlite::types::ValueRef::Text(text) | rusqlite::types::ValueRef::Blob(text) => {
                        String::from_utf8_lossy(text).into_owned()
                    }
                })
                .collect();
            all.push(texts.join("|"));
        }
        all
    }

    pub fn meta(&self, key: &str) -> Option<Value> {
        let text: Option<String> =
            self.database.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).ok();
        text.map(|text| serde_json::from_str(&text).unwrap())
    }

    pub fn inconsistencies(&self) -> Vec<String> {
        self.report.inconsistencies.clone()
    }
}

pub fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}
