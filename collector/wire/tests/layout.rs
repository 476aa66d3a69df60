//! The generated structs against a C compiler's own view of `wire.h`: an independent reader of the same file.

use std::path::Path;
use std::process::Command;

use wakechain_wire::*;

macro_rules! layout {
    ($($c:literal $rust:ident { $($field:ident),* })*) => {
        (
            concat!($( "printf(\"%zu\\n\", sizeof(struct ", $c, "));",
                $( "printf(\"%zu\\n\", __builtin_offsetof(struct ", $c, ", ", stringify!($field), "));", )* )*),
            vec![$( size_of::<$rust>(), $( std::mem::offset_of!($rust, $field), )* )*],
        )
    };
}

#[test]
fn the_c_compiler_agrees() {
    let (questions, ours) = layout! {
        "record_header" RecordHeader { bytes, kind, flags, cpu }
        "text_record" TextRecord { at_ns, text_bytes }
        "thread_record" ThreadRecord { at_ns, start_boottime_ns, tid, namespace_tgid, event, cgroup_id, comm }
        "switch_record" SwitchRecord { off_ns, wake_ns, got_cpu_tid, state_before, waker_context, waker_system_call }
        "switch_detail_record" SwitchDetailRecord { object, futex_op, device, waker_object, waker_kernel_stack }
        "call_record" CallRecord { start_ns, call_site, user_stack, tid, probe, result, depth }
        "call_args_record" CallArgsRecord { args, stack_words, output }
        "user_stack_record" UserStackRecord { key, tgid, link_register, snapshot_bytes, hooks }
        "kernel_stack_record" KernelStackRecord { frame_count }
        "loss_record" LossRecord { events, ring, source }
        "probe_counters" ProbeCounters { lost }
        "spool_header" SpoolHeader { machine }
        "spool_block" SpoolBlock { checksum }
    };
    let folder = tempfile::tempdir().unwrap();
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bpf/wire.h").canonicalize().unwrap();
    let source = folder.path().join("layout.c");
    let program = folder.path().join("layout");
    let text = format!(
        "#include <stdio.h>\n#include <linux/types.h>\n#include \"{}\"\nint main(void) {{ {questions} printf(\"%llu %llu\\n\", \
         (unsigned long long)SPOOL_MAGIC, (unsigned long long)PROBE_LIMIT); return 0; }}\n",
        header.display()
    );
    std::fs::write(&source, text).unwrap();
    let compiled = Command::new("cc").arg("-o").args([&program, &source]).status().unwrap();
    assert!(compiled.success());
    let output = String::from_utf8(Command::new(&program).output().unwrap().stdout).unwrap();
    let mut lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.pop(), Some(format!("{SPOOL_MAGIC} {PROBE_LIMIT}").as_str()));
    assert_eq!(lines, ours.iter().map(ToString::to_string).collect::<Vec<_>>());
}
