//! Off-CPU intervals, wait objects, wakers and CPU slices.

mod common;

use common::*;
use serde_json::json;
use wakechain_wire::*;

const NOTHING: u32 = u32::MAX;
const PRIVATE: u32 = 128;

fn spool() -> Spool {
    let mut spool = Spool::new();
    spool.life(0, THREAD_EXISTING, 100, 100, "engine");
    spool.life(0, THREAD_EXISTING, 101, 100, "tokenizer");
    spool.life(0, THREAD_EXISTING, 200, 200, "stress");
    spool
}

fn off(tid: u32, off: u64, wake: u64, on: u64, state: u32, system_call: i16) -> SwitchRecord {
    SwitchRecord {
        header: RecordHeader { cpu: 1, ..RecordHeader::default() },
        at_ns: at(on),
        off_ns: at(off),
        wake_ns: if wake == 0 { 0 } else { at(wake) },
        next_tid: tid,
        waker_tid: 101,
        got_cpu_tid: 200,
        cpu_before: 0,
        state_before: state as u8,
        waker_context: WAKER_SEEN as u8,
        system_call,
        waker_system_call: 202,
        ..SwitchRecord::default()
    }
}

fn detail(base: SwitchRecord) -> SwitchDetailRecord {
    SwitchDetailRecord {
        base,
        futex_op: NOTHING,
        file_descriptor: NOTHING,
        waker_futex_op: NOTHING,
        ..SwitchDetailRecord::default()
    }
}

fn futex(base: SwitchRecord, address: u64, op: u32, value: u32) -> SwitchDetailRecord {
    SwitchDetailRecord {
        object: address,
        futex_op: op,
        futex_value: value,
        waker_futex_op: 1 | PRIVATE,
        waker_object: address,
        ..detail(base)
    }
}

#[test]
fn a_futex_wait_with_everything_that_the_engine_reads() {
    let mut spool = spool();
    spool.detail(
        SWITCH_HAS_OFF_CPU,
        futex(off(100, 1000, 5000, 6000, STATE_INTERRUPTIBLE, 202), 0x7f00_1000, PRIVATE, 2),
    );
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT tid, start_ns, duration_ns, runnable_ns, blocked_ns, reason, syscall, object_kind, object_address, futex_op, futex_value, timeout_ns FROM off_cpu_events"),
        ["100|1000|5000|1000|4000|futex|futex|futex|2130710528|0|2|-"]
    );
    assert_eq!(
        trace.rows("SELECT waker_tid, waker_context, interrupt, waker_syscall, next_tid, cpu_before, cpu_after, began_before, details FROM off_cpu_events"),
        ["101|task|-|futex|200|0|1|0|-"]
    );
    assert_eq!(trace.rows("SELECT p.pid FROM wait_object w JOIN process p ON p.id = w.process_id"), ["100"]);
}

#[test]
fn waits_on_one_futex_are_waits_on_one_object() {
    let mut spool = spool();
    for (tid, start, address, op) in [
        (100, 100, 0x1000, PRIVATE),
        (101, 200, 0x1000, PRIVATE | 9),
        (200, 300, 0x1000, PRIVATE),
        (100, 400, 0x1008, PRIVATE),
        (100, 500, 0x1000, 9),
    ] {
        spool.detail(
            SWITCH_HAS_OFF_CPU,
            futex(off(tid, start, start + 10, start + 20, STATE_INTERRUPTIBLE, 202), address, op, 0),
        );
    }
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT object_id FROM off_cpu ORDER BY id"), ["1", "1", "2", "3", "4"]);
    assert_eq!(
        trace.rows("SELECT process_id FROM wait_object WHERE id = 4"),
        ["-"],
        "a futex that is not private has no owner"
    );
}

#[test]
fn what_had_not_ended_and_what_had_begun_before() {
    let mut spool = spool();
    spool.switch(
        SWITCH_HAS_OFF_CPU | SWITCH_OFF_BEGAN_BEFORE,
        SwitchRecord { off_ns: at(0), ..off(100, 0, 400, 500, STATE_INTERRUPTIBLE, 230) },
    );
    spool.switch(SWITCH_HAS_OFF_CPU | SWITCH_OPEN, off(101, 600, 0, 1000, STATE_INTERRUPTIBLE, 230));
    spool.switch(SWITCH_HAS_OFF_CPU | SWITCH_OPEN, off(100, 700, 900, 1000, STATE_INTERRUPTIBLE, 230));
    spool.switch(SWITCH_HAS_OFF_CPU, off(200, 800, 0, 900, STATE_PREEMPTED, -1));
    spool.switch(SWITCH_HAS_OFF_CPU, off(200, 950, 0, 990, STATE_INTERRUPTIBLE, 230));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT start_ns, duration_ns, began_before, runnable_ns, reason, waker_thread, cpu_after FROM off_cpu_events ORDER BY id"),
        [
            "0|500|1|100|sleep|tokenizer|1",
            "600|-|0|0|sleep|-|-",
            "700|-|0|100|sleep|tokenizer|-",
            "800|100|0|100|preempted|-|1",
            "950|40|0|-|sleep|-|1",
        ]
    );
}

#[test]
fn an_interval_that_no_probe_ended_says_so() {
    let mut spool = spool();
    spool.switch(SWITCH_HAS_OFF_CPU, off(100, 100, 150, 200, STATE_INTERRUPTIBLE, 230));
    spool.switch(SWITCH_HAS_OFF_CPU | SWITCH_INFERRED, off(100, 300, 350, 400, STATE_INTERRUPTIBLE, 230));
    let trace = spool.finalize();
    assert_eq!(trace.rows("SELECT details FROM off_cpu ORDER BY id"), ["-", "{\"inferred\":true}"]);
}

#[test]
fn reasons_by_file_and_by_state() {
    let mut spool = spool();
    let file = |start: u64, system_call, kind, device| SwitchDetailRecord {
        object: 4242,
        file_descriptor: 7,
        file_kind: kind,
        device,
        ..detail(off(100, start, start + 10, start + 20, STATE_INTERRUPTIBLE, system_call))
    };
    spool.detail(SWITCH_HAS_OFF_CPU, file(100, 0, FILE_PIPE, 0));
    spool.detail(SWITCH_HAS_OFF_CPU, file(200, 45, FILE_SOCKET, 0));
    spool.detail(SWITCH_HAS_OFF_CPU, file(300, 16, FILE_CHARACTER_DEVICE, 195 << 20 | 255));
    spool.detail(SWITCH_HAS_OFF_CPU, file(400, 281, FILE_EPOLL, 0));
    spool.detail(SWITCH_HAS_OFF_CPU, file(500, 0, FILE_ANONYMOUS, 0));
    spool.switch(SWITCH_HAS_OFF_CPU | SWITCH_THROTTLED, off(100, 600, 0, 700, STATE_PREEMPTED, -1));
    spool.switch(SWITCH_HAS_OFF_CPU, off(100, 800, 810, 820, STATE_INTERRUPTIBLE, 61));
    spool.switch(SWITCH_HAS_OFF_CPU, off(100, 900, 910, 920, STATE_INTERRUPTIBLE, 400));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT reason, syscall, object_kind, object_address, object FROM off_cpu_events ORDER BY id"),
        [
            "pipe|read|pipe|4242|-",
            "socket|recvfrom|socket|4242|-",
            "gpu|ioctl|device|-|/dev/nvidiactl",
            "poll|epoll_pwait|epoll|-|descriptor 7",
            "other|read|other|-|descriptor 7",
            "throttled|-|-|-|-",
            "child|wait4|-|-|-",
            "other|syscall_400|-|-|-",
        ]
    );
}

#[test]
fn an_interrupt_only_borrows_the_thread_it_finds() {
    let mut spool = spool();
    let woken_by = |start: u64, bits: u32, stack: u64| SwitchDetailRecord {
        waker_kernel_stack: stack,
        ..detail(SwitchRecord {
            waker_context: bits as u8,
            ..off(100, start, start + 10, start + 20, STATE_INTERRUPTIBLE, 232)
        })
    };
    spool.kernel_stack(1, &[0xffff_8000_0010, 0xffff_8000_0110, 0xffff_8000_0210]);
    spool.kernel_stack(2, &[0xffff_8000_0010, 0xffff_8000_0310, 0xffff_8000_0410]);
    spool.text(
        RECORD_KERNEL_SYMBOLS,
        10,
        json!({ "symbols": [["ffff80000000", "try_to_wake_up", 256], ["0xffff80000100", "hrtimer_wakeup", 256],
            ["ffff80000200", "asm_sysvec_apic_timer_interrupt", 256], ["ffff80000300", "net_rx_action"], ["ffff80000400", "tcp_sendmsg"]] }),
    );
    spool.detail(SWITCH_HAS_OFF_CPU, woken_by(100, WAKER_SEEN, 1));
    spool.detail(SWITCH_HAS_OFF_CPU, woken_by(200, WAKER_SEEN | WAKER_IN_SOFT_INTERRUPT, 2));
    spool.detail(SWITCH_HAS_OFF_CPU, woken_by(300, WAKER_SEEN | WAKER_IS_IDLE, 0));
    spool.detail(SWITCH_HAS_OFF_CPU, woken_by(400, 0, 0));
    spool.detail(SWITCH_HAS_OFF_CPU, woken_by(500, WAKER_SEEN | WAKER_IS_KERNEL_THREAD, 2));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT waker_context, interrupt, waker_syscall FROM off_cpu_events ORDER BY id"),
        ["interrupt|timer|-", "task|-|futex", "interrupt|-|-", "-|-|futex", "kernel_thread|net_rx|futex"]
    );
    assert_eq!(
        trace.rows("SELECT f.kind, f.function, m.path, s.depth FROM off_cpu o JOIN stack s ON s.id = o.waker_stack_id JOIN frame f ON f.id = s.frame_id \
                    JOIN module m ON m.id = f.module_id WHERE o.id = 1"),
        ["kernel|try_to_wake_up|kernel|2"]
    );
}

#[test]
fn where_the_kernel_does_not_tell_of_interrupts_nothing_is_claimed() {
    let mut spool = spool();
    spool.switch(SWITCH_HAS_OFF_CPU, off(100, 100, 110, 120, STATE_INTERRUPTIBLE, 230));
    spool.detail(SWITCH_HAS_OFF_CPU, futex(off(100, 200, 210, 220, STATE_INTERRUPTIBLE, 202), 0x1000, PRIVATE, 2));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT waker_context FROM off_cpu_events ORDER BY id"),
        ["-", "task"],
        "it was in futex(WAKE) on that very word"
    );
}

#[test]
fn slices_with_their_edges() {
    let mut spool = spool();
    let slice = |cpu: u32, tid: u32, start: u64, end: u64| SwitchRecord {
        header: RecordHeader { cpu, ..RecordHeader::default() },
        at_ns: at(end),
        slice_start_ns: at(start),
        prev_tid: tid,
        ..SwitchRecord::default()
    };
    spool.switch(SWITCH_HAS_SLICE | SWITCH_SLICE_BEGAN_BEFORE, slice(0, 100, 0, 300));
    spool.switch(SWITCH_HAS_SLICE, slice(0, 200, 300, 450));
    spool.switch(SWITCH_HAS_SLICE | SWITCH_OPEN, slice(1, 101, 700, 1000));
    spool.switch(SWITCH_HAS_SLICE, slice(1, 200, 500, 700));
    let trace = spool.finalize();
    assert_eq!(
        trace.rows("SELECT cpu, start_ns, duration_ns, tid, began_before FROM cpu_slice JOIN threads USING (thread_id) ORDER BY cpu, start_ns"),
        ["0|0|300|100|1", "0|300|150|200|0", "1|500|200|200|0", "1|700|-|101|0"]
    );
}
