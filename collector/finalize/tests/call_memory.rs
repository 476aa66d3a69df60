//! What a call's memory tells: names of kernels, launch configurations, communicators; and graphs, from capture to launch.

mod common;

use common::*;
use wakechain_wire::*;

const FUNCTIONS: [(&str, &str, &str); 8] = [
    ("cuModuleGetFunction", "driver", "module"),
    ("cudaLaunchKernelExC", "runtime", "launch"),
    ("cuLaunchKernel", "driver", "launch"),
    ("cudaStreamEndCapture", "runtime", "graph"),
    ("cudaGraphInstantiate", "runtime", "graph"),
    ("cudaGraphLaunch", "runtime", "graph"),
    ("ncclCommInitRank", "nccl", "context"),
    ("__cudaRegisterFunction", "runtime", "module"),
];

fn spool() -> Spool {
    let mut spool = Spool::new();
    spool.functions(&FUNCTIONS);
    spool.life(0, THREAD_EXISTING, 100, 100, "engine");
    spool
}

/// A call of a function, by its place in the list.
fn call(function: u32, start: u64, depth: u32, args: [u64; 6], output: u64) -> CallArgsRecord {
    let base = CallRecord {
        start_ns: at(start),
        end_ns: at(start + 50),
        tid: 100,
        probe: PROBE_FIRST_CALL + function,
        depth,
        ..CallRecord::default()
    };
    CallArgsRecord { base, args, output, ..CallArgsRecord::default() }
}

#[test]
fn a_handle_is_named_by_the_call_that_made_it_and_names_the_launch_around() {
    let mut spool = spool();
    spool.call_text(CALL_HAS_OUTPUT, call(0, 100, 0, [0x7ffc, 0x3d, 0x4000, 0, 0, 0], 0xf), b"_Z3addPfi\0");
    // a runtime launch whose stub has no symbol, and the driver's inside it
    spool.call_memory(
        call(1, 200, 0, [0xc0, 0x1000, 0, 0, 0, 0], 0),
        [2 | 3 << 32, 4 | 32 << 32, 1 | 1 << 32, 512, 0x57],
    );
    spool.call_args(0, call(2, 210, 1, [0xf, 2, 3, 4, 32, 1], 0));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT function, kernel, object_kind, stream, grid_x, grid_y, grid_z, block_x, shared_bytes FROM cuda_calls ORDER BY id"),
        [
            "cuModuleGetFunction|add(float*, int)|module|-|-|-|-|-|-",
            "cudaLaunchKernelExC|add(float*, int)|-|87|2|3|4|32|512",
            "cuLaunchKernel|add(float*, int)|-|0|2|3|4|32|0",
        ]
    );
    assert_eq!(trace.one::<i64>("SELECT count(*) FROM cuda_kernel"), 1, "one kernel, whoever launched it");
}

#[test]
fn a_graph_is_followed_from_its_capture_to_its_launch() {
    let mut spool = spool();
    spool.call_args(CALL_HAS_OUTPUT, call(3, 100, 0, [0x57, 0x7ffc, 0, 0, 0, 0], 0xa));
    spool.call_args(CALL_HAS_OUTPUT, call(4, 200, 0, [0x7ffc, 0xa, 0, 0, 0, 0], 0xb));
    spool.call_args(0, call(5, 300, 0, [0xb, 0x57, 0, 0, 0, 0], 0));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT function, stream, object_kind, object FROM cuda_calls ORDER BY id"),
        [
            "cudaStreamEndCapture|87|graph|10",
            "cudaGraphInstantiate|-|graph_exec|11",
            "cudaGraphLaunch|87|graph_exec|11",
        ]
    );
    let graph: i64 = trace.one("SELECT id FROM cuda_object WHERE kind = 'graph'");
    let made_of = "SELECT json_extract(details, '$.graph_id') FROM cuda_object WHERE kind = 'graph_exec'";
    assert_eq!(trace.one::<i64>(made_of), graph);
}

#[test]
fn ranks_of_one_communicator_have_one_id() {
    let mut spool = spool();
    // x86_64: the id is on the stack, so the rank is the third register
    let id = [7u8; 128];
    spool.call_text(CALL_HAS_OUTPUT, call(6, 100, 0, [0x7ffc, 8, 3, 0, 0, 0], 0xc0), &id);
    spool.call_text(CALL_HAS_OUTPUT, call(6, 200, 0, [0x7ffd, 8, 4, 0, 0, 0], 0xc1), &id);
    spool.call_text(CALL_HAS_OUTPUT, call(6, 300, 0, [0x7ffd, 8, 4, 0, 0, 0], 0xc2), &[8u8; 128]);
    let trace = spool.finalize();
    let facts =
        "SELECT handle, json_extract(details, '$.rank'), json_extract(details, '$.ranks') FROM cuda_object ORDER BY id";
    assert_eq!(trace.rows(facts), ["192|3|8", "193|4|8", "194|4|8"]);
    let ids = "SELECT count(*) FROM cuda_object GROUP BY json_extract(details, '$.id') ORDER BY 1";
    assert_eq!(trace.rows(ids), ["1", "2"]);
}

#[test]
fn what_returns_no_error_has_no_result_and_a_cut_name_says_so() {
    let mut spool = spool();
    let register = CallArgsRecord {
        base: CallRecord { result: -7, ..call(7, 0, 0, [0; 6], 0).base },
        ..call(7, 0, 0, [0xfa, 0x2000, 0, 0x4000, 0, 0], 0)
    };
    spool.call_text(0, register, &[b'x'; 1024]);
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT result FROM cuda_calls"), ["-"]);
    assert_eq!(trace.rows("SELECT name FROM cuda_kernel"), [format!("{}...", "x".repeat(1024))]);
}
