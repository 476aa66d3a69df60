//! CUDA calls: nesting, arguments, objects, results, and what had not ended.

mod common;

use common::*;
use wakechain_wire::*;

const LAUNCH: u32 = PROBE_FIRST_CALL;
const DRIVER_LAUNCH: u32 = PROBE_FIRST_CALL + 1;
const MALLOC: u32 = PROBE_FIRST_CALL + 2;
const COPY: u32 = PROBE_FIRST_CALL + 3;
const STREAM: u32 = PROBE_FIRST_CALL + 4;
const SYNCHRONIZE: u32 = PROBE_FIRST_CALL + 5;

fn spool() -> Spool {
    let mut spool = Spool::new();
    spool.functions(&[
        ("cudaLaunchKernel", "runtime", "launch"),
        ("cuLaunchKernel", "driver", "launch"),
        ("cudaMalloc", "runtime", "allocate"),
        ("cudaMemcpyAsync", "runtime", "copy"),
        ("cudaStreamCreate", "runtime", "stream"),
        ("cudaDeviceSynchronize", "runtime", "synchronize"),
    ]);
    spool.life(0, THREAD_EXISTING, 100, 100, "engine");
    spool.life(0, THREAD_EXISTING, 101, 100, "worker");
    spool
}

fn call(tid: u32, probe: u32, start: u64, end: u64, depth: u32) -> CallRecord {
    CallRecord { start_ns: at(start), end_ns: at(end), tid, probe, depth, ..CallRecord::default() }
}

fn with(base: CallRecord, args: [u64; 6], stack_words: [u64; 4], output: u64) -> CallArgsRecord {
    CallArgsRecord { base, args, stack_words, output }
}

#[test]
fn calls_nest_in_their_thread_and_ids_ascend_with_the_start() {
    let mut spool = spool();
    // emitted at their returns: the inner ones first
    spool.call(0, call(100, DRIVER_LAUNCH, 120, 180, 1));
    spool.call(0, call(101, SYNCHRONIZE, 110, 190, 0));
    spool.call(0, call(100, LAUNCH, 100, 200, 0));
    spool.call(0, call(100, DRIVER_LAUNCH, 320, 330, 2));
    spool.call(0, call(100, DRIVER_LAUNCH, 310, 340, 1));
    spool.call(0, call(100, DRIVER_LAUNCH, 350, 360, 1));
    spool.call(0, call(100, LAUNCH, 300, 400, 0));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT id, start_ns, duration_ns, parent_id, thread, function FROM cuda_calls ORDER BY id"),
        [
            "1|100|100|-|engine|cudaLaunchKernel",
            "2|110|80|-|worker|cudaDeviceSynchronize",
            "3|120|60|1|engine|cuLaunchKernel",
            "4|300|100|-|engine|cudaLaunchKernel",
            "5|310|30|4|engine|cuLaunchKernel",
            "6|320|10|5|engine|cuLaunchKernel",
            "7|350|10|4|engine|cuLaunchKernel",
        ]
    );
}

#[test]
fn a_lost_parent_is_not_replaced_by_a_stranger() {
    let mut spool = spool();
    spool.call(0, call(100, LAUNCH, 100, 200, 0));
    // the record of the call that this one ran inside was lost
    spool.call(0, call(100, DRIVER_LAUNCH, 320, 330, 1));
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT parent_id FROM cuda_call ORDER BY id"), ["-", "-"]);
}

#[test]
fn arguments_of_a_launch_name_kernel_shape_and_stream() {
    let mut spool = spool();
    let grid = [0x40_1000, 10 | 11 << 32, 12, 256 | 2 << 32, 1, 0x7ffc_0000];
    spool.call_args(
        0,
        with(call(100, DRIVER_LAUNCH, 110, 190, 1), [0xabc0, 10, 11, 12, 256, 2], [1, 4096, 0x5555, 0], 0),
    );
    spool.call_args(0, with(call(100, LAUNCH, 100, 200, 0), grid, [4096, 0x5555, 0, 0], 0));
    spool.call_args(0, with(call(100, LAUNCH, 300, 400, 0), grid, [4096, 0, 0, 0], 0));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT kernel, stream, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes FROM cuda_calls ORDER BY id"),
        [
            "0x401000|21845|10|11|12|256|2|1|4096",
            "0x401000|21845|10|11|12|256|2|1|4096",
            "0x401000|0|10|11|12|256|2|1|4096",
        ],
        "the driver's handle is the kernel that the runtime launches"
    );
    assert_eq!(trace.one::<i64>("SELECT count(*) FROM cuda_shape"), 1);
    assert_eq!(trace.one::<i64>("SELECT count(*) FROM cuda_kernel"), 1);
    assert_eq!(
        trace.rows("SELECT kind, handle, details FROM cuda_object ORDER BY id"),
        ["stream|21845|-", r#"stream|0|{"default":"legacy"}"#]
    );
}

#[test]
fn the_same_launch_on_aarch64() {
    let mut spool = Spool::of(AARCH64);
    spool.functions(&[("cuLaunchKernel", "driver", "launch")]);
    // f in x0 ... by in x5; bz in x6, shared in x7, the stream on the stack
    spool.call_args(0, with(call(100, LAUNCH, 100, 200, 0), [0xabc0, 10, 11, 12, 256, 2], [1, 4096, 0x77, 0], 0));
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT stream, block_z, shared_bytes FROM cuda_calls"), ["119|1|4096"]);
    assert_eq!(trace.meta("machine"), Some("aarch64".into()));
}

#[test]
fn bytes_addresses_copies_and_results() {
    let mut spool = spool();
    spool.call_args(
        CALL_HAS_OUTPUT,
        with(call(100, MALLOC, 100, 200, 0), [0x7ffc, 1 << 20, 0, 0, 0, 0], [0; 4], 0x7f00_0000_1000),
    );
    let failed = CallRecord { result: 2, ..call(100, MALLOC, 300, 400, 0) };
    spool.call_args(0, with(failed, [0x7ffc, 1 << 60, 0, 0, 0, 0], [0; 4], 0));
    spool.call_args(0, with(call(100, COPY, 500, 600, 0), [1, 2, 4096, 0xffff_ffff_0000_0001, 0x5555, 0], [0; 4], 0));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT bytes, address, result, details FROM cuda_calls ORDER BY id"),
        [
            "1048576|139637976731648|0|-",
            r#"-|-|2|{"bytes":"0x1000000000000000"}"#,
            r#"4096|-|0|{"copy":"host_to_device"}"#,
        ]
    );
}

#[test]
fn a_stream_has_a_row_for_each_life() {
    let mut spool = spool();
    let create = |start, handle| with(call(100, STREAM, start, start + 10, 0), [0x7ffc, 0, 0, 0, 0, 0], [0; 4], handle);
    spool.call_args(CALL_HAS_OUTPUT, create(100, 0x5555));
    spool.call_args(0, with(call(100, COPY, 200, 300, 0), [1, 2, 8, 1, 0x5555, 0], [0; 4], 0));
    spool.call_args(CALL_HAS_OUTPUT, create(400, 0x5555));
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT stream_id FROM cuda_call ORDER BY id"), ["1", "1", "2"]);
}

#[test]
fn calls_without_an_end_say_why() {
    let mut spool = spool();
    spool.call(CALL_OPEN, CallRecord { end_ns: 0, ..call(100, LAUNCH, 100, 0, 0) });
    spool.call(CALL_ABANDONED, CallRecord { end_ns: 0, ..call(100, LAUNCH, 200, 0, 1) });
    spool.call(CALL_NO_RETURN_PROBE, CallRecord { end_ns: 0, ..call(101, LAUNCH, 300, 0, 0) });
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT duration_ns, result, parent_id, details FROM cuda_call ORDER BY id"),
        ["-|-|-|-", r#"-|-|1|{"end":"unwound"}"#, r#"-|-|-|{"end":"not probed"}"#]
    );
}

#[test]
fn a_probe_that_nobody_introduced_still_has_a_function() {
    let mut spool = spool();
    spool.call(0, call(100, 77, 100, 200, 0));
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT function, library, category FROM cuda_calls"), ["[probe 77]|other|other"]);
    assert_eq!(
        trace.one::<i64>("SELECT count(*) FROM cuda_function"),
        7,
        "functions that were never called are there too"
    );
}
