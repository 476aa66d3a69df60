//! What the file says of itself: identity, counters, losses, coverage, meta, and damaged spools.

mod common;

use common::*;
use serde_json::{Value, json};
use wakechain_wire::*;

fn slice(number: u64) -> SwitchRecord {
    SwitchRecord {
        at_ns: at(number * 10 + 10),
        slice_start_ns: at(number * 10),
        prev_tid: 100,
        ..SwitchRecord::default()
    }
}

/// `lost` events of the scheduler, told of by the counters and by a record.
fn balanced(slices: u64, lost: u64) -> Spool {
    let mut spool = Spool::new();
    spool.text(
        RECORD_PROBES,
        0,
        json!({ "probes": [
            { "index": PROBE_SWITCH_SLICE, "kind": "tp_btf", "target": "sched_switch (slices)", "attached": true },
            { "index": PROBE_FIRST_CALL, "kind": "uprobe", "target": "/lib/libcudart.so:cudaMalloc", "rung": "session", "placement": "emulated", "attached": true,
              "function": { "name": "cudaMalloc", "library": "runtime", "category": "allocate" } },
            { "index": null, "kind": "uprobe", "target": "/lib/libcudart.so:cudaOdd", "attached": false, "error": "no symbol of this name" },
        ] }),
    );
    spool.life(0, THREAD_EXISTING, 100, 100, "engine");
    for number in 0..slices {
        spool.switch(SWITCH_HAS_SLICE, slice(number));
    }
    if lost > 0 {
        let loss = LossRecord {
            start_ns: at(5000),
            end_ns: at(6000),
            events: lost,
            ring: RING_SCHEDULER,
            source: LOSS_RING,
            ..LossRecord::default()
        };
        spool.record(
            RING_SCHEDULER,
            1,
            &LossRecord { header: header(RECORD_LOSS, LossRecord::BYTES, 0, 1), ..loss }.to_bytes(),
        );
    }
    spool.counters(&[
        (PROBE_SWITCH_SLICE, [slices + lost + 3, slices, 0, 3, lost, 1]),
        (PROBE_ITERATE_START, [1, 1, 0, 0, 0, 0]),
    ]);
    spool
}

#[test]
fn a_file_in_which_everything_adds_up_is_consistent() {
    let trace = balanced(50, 7).finalize();
    assert_eq!(trace.inconsistencies(), Vec::<String>::new());
    assert_eq!(trace.meta("consistent"), Some(true.into()));
    assert_eq!(trace.report.lost, 7);
    assert_eq!(
        trace.rows("SELECT start_ns, duration_ns, class, cpu, source, events FROM loss"),
        ["5000|1000|scheduler|1|ring|7"]
    );
    assert_eq!(
        trace.rows("SELECT kind, target, rung, placement, attached, error, hits, emitted, merged, filtered, lost, missed FROM probe ORDER BY id"),
        [
            "tp_btf|sched_switch (slices)|-|-|1|-|60|50|0|3|7|1",
            "uprobe|/lib/libcudart.so:cudaMalloc|session|emulated|1|-|-|-|-|-|-|-",
            "uprobe|/lib/libcudart.so:cudaOdd|-|-|0|no symbol of this name|-|-|-|-|-|-",
        ]
    );
}

#[test]
fn each_sum_that_does_not_hold_is_named() {
    for (counters, words) in [
        ([61, 50, 0, 3, 7, 0], "sched_switch (slices): hits 61 are not emitted 50 + merged 0 + filtered 3 + lost 7"),
        ([61, 51, 0, 3, 7, 0], "sched_switch (slices): 51 records were emitted, 50 arrived"),
        ([61, 50, 0, 3, 8, 0], "the losses in time add up to 7 events, the counters to 8"),
    ] {
        let mut spool = balanced(50, 7);
        spool.counters(&[(PROBE_SWITCH_SLICE, counters), (PROBE_ITERATE_START, [1, 1, 0, 0, 0, 0])]);
        let trace = spool.finalize();
        assert_eq!(trace.inconsistencies(), [words]);
        assert_eq!(trace.meta("consistent"), Some(false.into()));
        assert_eq!(trace.meta("inconsistencies"), Some(json!([words])));
    }
}

#[test]
fn calls_are_compared_function_by_function() {
    let mut spool = balanced(1, 0);
    spool.call(
        0,
        CallRecord { start_ns: at(10), end_ns: at(20), tid: 100, probe: PROBE_FIRST_CALL, ..CallRecord::default() },
    );
    spool.counters(&[
        (PROBE_SWITCH_SLICE, [1, 1, 0, 0, 0, 0]),
        (PROBE_ITERATE_START, [1, 1, 0, 0, 0, 0]),
        (PROBE_FIRST_CALL, [2, 2, 0, 0, 0, 0]),
    ]);
    assert_eq!(spool.finalize().inconsistencies(), ["/lib/libcudart.so:cudaMalloc: 2 records were emitted, 1 arrived"]);
}

#[test]
fn meta_keeps_what_the_capture_said() {
    let trace = balanced(1, 0).finalize();
    for (key, value) in [
        ("host", json!("testhost")),
        ("start_unix_ns", json!("1700000000000000000")),
        ("duration_ns", json!(1_000_000)),
        ("machine", json!("x86_64")),
        ("command_line", json!(["wakechain-collector", "capture"])),
        ("end_reason", json!("duration")),
        ("overhead", json!({ "bpf_ns": 5 })),
        ("targets", json!([{ "pid": 100 }])),
    ] {
        assert_eq!(trace.meta(key), Some(value), "{key}");
    }
    assert_eq!(trace.meta("start_ns"), None);
    assert_eq!(
        trace.one::<i64>("SELECT count(*) FROM meta WHERE json_valid(value)"),
        trace.one::<i64>("SELECT count(*) FROM meta")
    );
}

#[test]
fn processes_are_described_and_reused_pids_are_two() {
    let mut spool = Spool::new();
    spool.life_record(ThreadRecord {
        at_ns: at(0),
        event: THREAD_EXISTING,
        tid: 7,
        tgid: 7,
        start_boottime_ns: 1,
        comm: *b"first\0\0\0\0\0\0\0\0\0\0\0",
        namespace_tgid: 3,
        ..ThreadRecord::default()
    });
    spool.life_record(ThreadRecord {
        at_ns: at(100),
        event: THREAD_EXIT,
        tid: 7,
        tgid: 7,
        start_boottime_ns: 1,
        comm: *b"first\0\0\0\0\0\0\0\0\0\0\0",
        ..ThreadRecord::default()
    });
    spool.life_record(ThreadRecord {
        at_ns: at(200),
        event: THREAD_FORK,
        tid: 7,
        tgid: 7,
        start_boottime_ns: 2,
        comm: *b"bad\xff\xfename\0\0\0\0\0\0\0",
        ..ThreadRecord::default()
    });
    spool.text(RECORD_PROCESS, 50, json!({ "pid": 7, "command_line": ["first", "--fast"], "executable": "/bin/first", "cgroup": "/a", "is_target": true, "details": { "pod": "p" } }));
    spool.text(RECORD_PROCESS, 250, json!({ "pid": 7, "command_line": "second", "is_target": false }));
    let run = |start: u64| SwitchRecord {
        at_ns: at(start + 10),
        slice_start_ns: at(start),
        prev_tid: 7,
        ..SwitchRecord::default()
    };
    spool.switch(SWITCH_HAS_SLICE, run(50));
    spool.switch(SWITCH_HAS_SLICE, run(210));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT pid, namespace_pid, name, command_line, executable, cgroup, is_target, start_ns, end_ns, details FROM process ORDER BY id"),
        ["7|3|first|first --fast|/bin/first|/a|1|-|100|{\"pod\":\"p\"}", "7|-|bad\u{fffd}\u{fffd}name|second|-|-|0|200|-|-"]
    );
    assert_eq!(trace.rows("SELECT thread_id FROM cpu_slice ORDER BY start_ns"), ["1", "2"]);
    assert_eq!(trace.rows("SELECT at_ns, kind, thread_id FROM instant ORDER BY id"), ["100|exit|1", "200|fork|2"]);
}

#[test]
fn coverage_rows() {
    let mut spool = balanced(1, 0);
    spool.text(RECORD_COVERAGE, 10, json!({ "start_ns": at(100), "end_ns": at(300), "what": "stacks", "reason": "overhead", "kept": 0.25, "tid": 100, "function_index": PROBE_FIRST_CALL }));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT c.start_ns, c.duration_ns, what, reason, kept, t.tid, f.name FROM coverage c JOIN thread t ON t.id = thread_id JOIN cuda_function f ON f.id = function_id"),
        ["100|200|stacks|overhead|0.25|100|cudaMalloc"]
    );
}

#[test]
fn a_capture_that_died_is_whole_up_to_its_last_record() {
    let mut spool = balanced(50, 0);
    spool.flush();
    let trace = Trace::of(&spool.bytes()).unwrap();
    assert_eq!(trace.meta("end_reason"), Some("collector died".into()));
    assert_eq!(trace.meta("consistent"), Some(false.into()));
    assert_eq!(trace.one::<i64>("SELECT count(*) FROM cpu_slice"), 50);
    assert_eq!(
        trace.rows("SELECT DISTINCT start_ns, source FROM loss"),
        ["900000|spool"],
        "from the last record's time on"
    );
    assert_eq!(trace.one::<i64>("SELECT count(DISTINCT class) FROM loss"), 5);
}

#[test]
fn a_spool_cut_anywhere_gives_a_sound_database_or_a_clear_error() {
    let mut spool = balanced(20_000, 0);
    spool.end();
    let whole = spool.bytes();
    let mut rows = 0;
    for length in (0..whole.len()).step_by(whole.len() / 40) {
        match Trace::of(&whole[..length]) {
            Ok(trace) => {
                let now: i64 = trace.one("SELECT count(*) FROM cpu_slice");
                assert!(now >= rows);
                rows = now;
                assert_eq!(trace.meta("end_reason"), Some("collector died".into()));
            }
            Err(error) => assert!(length < 24 && error.code == "not_a_spool", "{length}: {error:?}"),
        }
    }
    assert!(rows > 10_000);
}

#[test]
fn changed_bytes_never_do_harm() {
    let mut spool = balanced(300, 1);
    spool.user_stack(
        UserStackRecord {
            key: 1,
            tid: 100,
            instruction_pointer: 5,
            stack_pointer: 0x1000,
            frame_pointer: 0x1000,
            ..UserStackRecord::default()
        },
        &[0, 9],
    );
    spool.kernel_stack(2, &[1, 2, 3]);
    spool.call_args(
        0,
        CallArgsRecord {
            base: CallRecord {
                start_ns: at(1),
                end_ns: at(2),
                tid: 100,
                probe: PROBE_FIRST_CALL,
                user_stack: 1,
                ..CallRecord::default()
            },
            ..CallArgsRecord::default()
        },
    );
    spool.end();
    let whole = spool.bytes();
    let mut seed = 7_u64;
    let mut next = || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        seed >> 20
    };
    // records that lie behind a right checksum: each mutated record is put into a spool of its own
    for _ in 0..150 {
        let mut spool = Spool::new();
        for kind in [
            RECORD_THREAD,
            RECORD_SWITCH,
            RECORD_SWITCH_DETAIL,
            RECORD_CALL,
            RECORD_CALL_ARGS,
            RECORD_USER_STACK,
            RECORD_KERNEL_STACK,
            RECORD_LOSS,
            9,
        ] {
            let bytes = 8 * (1 + next() as usize % 40);
            let mut record: Vec<u8> =
                (0..bytes).map(|_| if next() % 3 == 0 { next() as u8 } else { 0xff * (next() % 2) as u8 }).collect();
            record[..8].copy_from_slice(&header(kind, bytes, next() as u32, next() as u32 % 4).to_bytes());
            spool.record(RING_SCHEDULER, 0, &record);
        }
        spool.text(RECORD_MAPS, 1, json!({ "pid": "x", "maps": [3] }));
        spool.text(
            RECORD_PROBES,
            1,
            json!({ "probes": [{ "index": -1 }, { "index": 16, "function": { "name": "f" } }] }),
        );
        spool.text(RECORD_COUNTERS, 1, json!({ "probes": { "16": [u64::MAX, u64::MAX, u64::MAX], "x": [] } }));
        spool.text(RECORD_COVERAGE, 1, json!({ "kept": 1e300 }));
        spool.text(RECORD_KERNEL_SYMBOLS, 1, json!({ "symbols": [[1, 2], "x", []] }));
        Trace::of(&spool.bytes()).unwrap();
    }
    for _ in 0..100 {
        let mut bytes = whole.clone();
        let place = next() as usize % bytes.len();
        bytes[place] ^= 1 << (next() % 8);
        if let Err(error) = Trace::of(&bytes) {
            assert!(["not_a_spool", "spool_version"].contains(&error.code), "{error:?}");
        }
    }
}

#[test]
fn text_that_is_no_json_is_left_out() {
    let mut spool = Spool::new();
    spool.text(RECORD_META, 0, Value::String("not an object".into()));
    assert_eq!(spool.finalize().meta("host"), Some("testhost".into()));
}
