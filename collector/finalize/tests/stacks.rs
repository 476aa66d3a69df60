//! User stacks: walked, mended, named by a real file of this machine: the test program itself.

mod common;

use common::*;
use serde_json::json;
use wakechain_wire::*;

const BASE: u64 = 0x7fff_0000_1000;

/// A function with a name to find, and its place in the file.
#[inline(never)]
#[unsafe(no_mangle)]
#[allow(unsafe_code)] // a symbol of its own; nothing unsafe is done
extern "C" fn wakechain_test_landmark(value: u64) -> u64 {
    value ^ 0x1234_5678_9abc_def0
}

/// (address, file, offset) of the landmark, by this process's own mappings.
fn landmark() -> (u64, String, u64, u64, u64) {
    let address = wakechain_test_landmark as *const () as u64;
    assert_ne!(wakechain_test_landmark(2), 2);
    for line in std::fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (start, end) = words[0].split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        if (start..end).contains(&address) {
            let inode = words[4].parse().unwrap();
            return (address, words[5].into(), start, u64::from_str_radix(words[2], 16).unwrap(), inode);
        }
    }
    panic!("the landmark is in no mapping");
}

fn spool_with_maps() -> (Spool, u64) {
    let (address, path, start, offset, inode) = landmark();
    let mut spool = Spool::new();
    spool.functions(&[("cudaLaunchKernel", "runtime", "launch")]);
    spool.life(0, THREAD_EXISTING, 100, 100, "engine");
    spool.text(
        RECORD_MAPS,
        5,
        json!({ "pid": 100, "at_ns": at(5), "maps": [
            { "start": format!("{start:x}"), "end": format!("{:x}", start + 0x1000_0000), "offset": format!("{offset:x}"), "inode": inode, "device": "0:0", "path": path },
            { "start": "1000", "end": "9000", "offset": "2000", "inode": 7, "device": "8:1", "path": "/gone/libtorch.so", "build_id": "abcd" },
        ] }),
    );
    (spool, address)
}

fn call_with_stack(spool: &mut Spool, start: u64, key: u64) {
    let record = CallRecord {
        start_ns: at(start),
        end_ns: at(start + 10),
        tid: 100,
        probe: PROBE_FIRST_CALL,
        user_stack: key,
        ..CallRecord::default()
    };
    spool.call(0, record);
}

const WALK: &str = "WITH RECURSIVE walk AS (SELECT s.* FROM stack s JOIN cuda_call c ON c.stack_id = s.id WHERE c.id = :id UNION ALL \
    SELECT s.* FROM walk JOIN stack s ON s.id = walk.parent_id) \
    SELECT depth, kind, function FROM walk JOIN frame f ON f.id = walk.frame_id ORDER BY depth DESC";

#[test]
fn a_stack_with_a_hooked_return_reaches_its_root_with_names() {
    let (mut spool, landmark) = spool_with_maps();
    let mut hooks = [HookedReturn::default(); 8];
    hooks[0] = HookedReturn { stack_address: BASE + 8, return_address: 0x1501 };
    let record = UserStackRecord {
        key: 9,
        at_ns: at(10),
        tid: 100,
        tgid: 100,
        instruction_pointer: landmark + 4,
        stack_pointer: BASE,
        frame_pointer: BASE,
        hook_count: 1,
        hooks,
        ..UserStackRecord::default()
    };
    spool.user_stack(record, &[BASE + 16, 0x7fff_ffff_e000, 0, 0x1601]);
    call_with_stack(&mut spool, 10, 9);
    let trace = spool.finalize();
    let frames = trace.rows(&WALK.replace(":id", "1"));
    assert_eq!(frames.len(), 3, "{frames:?}");
    assert!(frames[0].ends_with("|native|wakechain_test_landmark"), "{frames:?}");
    assert_eq!(
        &frames[1..],
        ["1|native|[libtorch.so+0x2500]", "0|native|[libtorch.so+0x2600]"],
        "offsets in the file, of the call itself"
    );
    assert_eq!(trace.rows("SELECT path, build_id FROM module WHERE build_id IS NOT NULL"), ["/gone/libtorch.so|abcd"]);
    let line: String = trace.one("SELECT file FROM frame WHERE function = 'wakechain_test_landmark' LIMIT 1");
    assert!(line.ends_with("tests/stacks.rs"), "{line}");
}

#[test]
fn a_walk_that_ends_early_is_marked_at_its_root() {
    let (mut spool, _) = spool_with_maps();
    let record = UserStackRecord {
        key: 9,
        at_ns: at(10),
        tid: 100,
        instruction_pointer: 0x1500,
        stack_pointer: BASE,
        frame_pointer: BASE + 80,
        ..UserStackRecord::default()
    };
    spool.user_stack(record, &[1, 2, 3]);
    call_with_stack(&mut spool, 10, 9);
    let trace = spool.finalize();
    assert_eq!(
        trace.rows(&WALK.replace(":id", "1")),
        ["1|native|[libtorch.so+0x24ff]", "0|broken|frame pointers: snapshot too short"]
    );
}

#[test]
fn equal_stacks_are_one_and_share_their_roots() {
    let (mut spool, _) = spool_with_maps();
    let stack = |key, instruction_pointer| UserStackRecord {
        key,
        at_ns: at(10),
        tid: 100,
        instruction_pointer,
        stack_pointer: BASE,
        frame_pointer: BASE,
        ..UserStackRecord::default()
    };
    for (key, instruction) in [(1, 0x1500), (2, 0x1500), (3, 0x1700)] {
        spool.user_stack(stack(key, instruction), &[0, 0x1600]);
        call_with_stack(&mut spool, 10 * key, key);
    }
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT stack_id FROM cuda_call ORDER BY id"), ["2", "2", "3"]);
    assert_eq!(trace.rows("SELECT id, parent_id FROM stack ORDER BY id"), ["1|-", "2|1", "3|1"]);
}

#[test]
fn every_call_has_its_call_site() {
    let (mut spool, landmark) = spool_with_maps();
    let call = |start, call_site| CallRecord {
        start_ns: at(start),
        end_ns: at(start + 10),
        tid: 100,
        probe: PROBE_FIRST_CALL,
        call_site,
        ..CallRecord::default()
    };
    spool.call(0, call(10, landmark + 3));
    spool.call(0, call(20, 0x1601));
    spool.call(0, call(30, 0xdead_0000));
    spool.call(0, call(40, 0));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT call_site FROM cuda_calls ORDER BY id"),
        ["wakechain_test_landmark", "[libtorch.so+0x2600]", "[0xdeacffff]", "-"]
    );
}

#[test]
fn a_kernel_is_named_by_the_symbol_of_its_host_side() {
    let (mut spool, landmark) = spool_with_maps();
    let base =
        CallRecord { start_ns: at(10), end_ns: at(20), tid: 100, probe: PROBE_FIRST_CALL, ..CallRecord::default() };
    spool.call_args(0, CallArgsRecord { base, args: [landmark, 1, 1, 1, 1, 0], ..CallArgsRecord::default() });
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT kernel FROM cuda_calls"), ["wakechain_test_landmark"]);
}

#[test]
fn a_stack_that_did_not_arrive_is_told() {
    let (mut spool, _) = spool_with_maps();
    call_with_stack(&mut spool, 10, 77);
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT stack_id FROM cuda_call"), ["-"]);
    assert!(trace.inconsistencies().iter().any(|sentence| sentence.contains("a stack that did not arrive")));
}
