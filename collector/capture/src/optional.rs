//! Tracepoints that a trace is whole without, though poorer: left out where the kernel has no such one, or the profile
//! does not ask for it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd};

use libbpf_rs::{Link, ProgramMut};
use wakechain_wire::{
    PROBE_BLOCK_DONE, PROBE_BLOCK_ISSUE, PROBE_BLOCK_MERGE, PROBE_BLOCK_QUEUE, PROBE_COMPACTION, PROBE_KERNEL_LOCK,
    PROBE_OOM, PROBE_PAGE_FAULT, PROBE_RECLAIM, PROBE_RETRANSMIT, PROBE_SAMPLE,
};

use crate::kernel::Kernel;
use crate::skeleton::{OpenWakechainProgs, WakechainProgs};
use crate::sys::{self, SoftwareEvent};

/// Probe, tracepoint, program; in the order in which they are attached: what ends something before what begins it.
macro_rules! optional {
    ($programs:ident, $($by:tt)+) => {
        [
            (PROBE_KERNEL_LOCK, "contention_end", $($by)+ $programs.on_contention_end),
            (PROBE_KERNEL_LOCK, "contention_begin", $($by)+ $programs.on_contention),
            (PROBE_BLOCK_DONE, "block_rq_complete", $($by)+ $programs.on_block_complete),
            (PROBE_BLOCK_MERGE, "block_rq_merge", $($by)+ $programs.on_block_merge),
            (PROBE_BLOCK_ISSUE, "block_rq_issue", $($by)+ $programs.on_block_issue),
            (PROBE_BLOCK_QUEUE, "block_rq_insert", $($by)+ $programs.on_block_insert),
            (PROBE_RETRANSMIT, "tcp_retransmit_skb", $($by)+ $programs.on_retransmit),
            (PROBE_RECLAIM, "mm_vmscan_direct_reclaim_end", $($by)+ $programs.on_reclaim_end),
            (PROBE_RECLAIM, "mm_vmscan_direct_reclaim_begin", $($by)+ $programs.on_reclaim),
            (PROBE_RECLAIM, "mm_vmscan_memcg_reclaim_end", $($by)+ $programs.on_group_reclaim_end),
            (PROBE_RECLAIM, "mm_vmscan_memcg_reclaim_begin", $($by)+ $programs.on_group_reclaim),
            (PROBE_COMPACTION, "mm_compaction_end", $($by)+ $programs.on_compaction_end),
            (PROBE_COMPACTION, "mm_compaction_begin", $($by)+ $programs.on_compaction),
            (PROBE_OOM, "mark_victim", $($by)+ $programs.on_oom_kill),
            (PROBE_PAGE_FAULT, "page_fault_user", $($by)+ $programs.on_fault),
            (PROBE_PAGE_FAULT, "page_fault_kernel", $($by)+ $programs.on_fault_in_kernel),
        ]
    };
}

/// Before loading: what this kernel lacks would not be accepted.
pub fn choose(programs: &mut OpenWakechainProgs<'_>, has: impl Fn(&str) -> bool, wanted: bool) {
    for (_, tracepoint, program) in optional!(programs, &mut) {
        program.set_autoload(wanted && has(tracepoint));
    }
}

/// What could not be attached goes to `refused`, by probe, with the reason.
pub fn attach(
    programs: &WakechainProgs<'_>,
    kernel: &Kernel,
    wanted: bool,
    refused: &mut BTreeMap<u32, String>,
) -> Vec<Link> {
    let mut links = Vec::new();
    let mut there = BTreeSet::new();
    for (probe, tracepoint, program) in optional!(programs, &) {
        let attached = match (wanted, kernel.has(tracepoint)) {
            (false, _) => Err("the profile leaves it out".to_owned()),
            (_, false) => Err("this kernel has no such tracepoint".to_owned()),
            _ => program.attach().map_err(|error| error.to_string()),
        };
        match attached {
            Ok(link) => {
                links.push(link);
                there.insert(probe);
            }
            Err(why) => drop(refused.insert(probe, why)),
        }
    }
    // of several tracepoints that answer one question, a kernel may lack some
    refused.retain(|probe, _| !there.contains(probe));
    links
}

/// Runs that the kernel left out, by probe.
pub fn missed(programs: &WakechainProgs<'_>) -> impl Iterator<Item = (u32, u64)> {
    let misses =
        |(probe, _, program): (u32, &str, &ProgramMut<'_>)| (probe, sys::recursion_misses(program.as_fd().as_raw_fd()));
    optional!(programs, &).map(misses).into_iter()
}

/// Software events of every CPU: the clock that samples, and the end of major faults. `sample_hz` 0 = no samples.
pub fn attach_events(
    programs: &WakechainProgs<'_>,
    wanted: bool,
    sample_hz: u32,
    refused: &mut BTreeMap<u32, String>,
) -> Vec<Link> {
    let mut links = Vec::new();
    let all = [
        (PROBE_SAMPLE, sample_hz > 0, SoftwareEvent::CpuClock { hz: sample_hz }, &programs.on_cpu_clock),
        (
            PROBE_PAGE_FAULT,
            wanted && !refused.contains_key(&PROBE_PAGE_FAULT),
            SoftwareEvent::MajorFaults,
            &programs.on_major_fault,
        ),
    ];
    for (probe, asked, event, program) in all {
        if !asked {
            refused.entry(probe).or_insert_with(|| "the profile leaves it out".to_owned());
            continue;
        }
        let on_each: Result<Vec<Link>, String> = sys::online_cpus()
            .into_iter()
            .map(|cpu| attach_event(program, event, cpu).map_err(|error| format!("CPU {cpu}: {error}")))
            .collect();
        match on_each {
            Ok(of_cpus) => links.extend(of_cpus),
            Err(why) => drop(refused.insert(probe, why)),
        }
    }
    links
}

/// The link owns the event from then on.
fn attach_event(program: &ProgramMut<'_>, event: SoftwareEvent, cpu: u32) -> Result<Link, String> {
    let opened = sys::software_event(event, cpu).map_err(|error| error.to_string())?;
    let link = program.attach_perf_event(opened.as_raw_fd()).map_err(|error| error.to_string())?;
    std::mem::forget(opened);
    Ok(link)
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    use libbpf_rs::skel::{OpenSkel, SkelBuilder};

    use super::*;
    use crate::skeleton::WakechainSkelBuilder;

    /// libbpf refuses the whole object when one program's tracepoint is not there: what is loaded anywhere is what every
    /// kernel has since 5.15.
    #[test]
    fn what_an_old_kernel_lacks_is_not_loaded() {
        let mut storage = MaybeUninit::uninit();
        let mut open = WakechainSkelBuilder::default().open(&mut storage).unwrap();
        choose(&mut open.progs, |_| false, true);
        let sections: Vec<String> = open
            .open_object()
            .progs()
            .filter(libbpf_rs::OpenProgram::autoload)
            .map(|program| program.section().to_string_lossy().into_owned())
            .collect();
        let tracepoints: BTreeSet<&str> =
            sections.iter().filter_map(|section| section.strip_prefix("tp_btf/")).collect();
        let since_long_ago = [
            "sched_process_exec",
            "sched_process_exit",
            "sched_process_fork",
            "sched_switch",
            "sched_wakeup_new",
            "sched_waking",
            "task_newtask",
            "task_rename",
        ];
        let others: Vec<_> = tracepoints.iter().filter(|tracepoint| !since_long_ago.contains(tracepoint)).collect();
        assert!(tracepoints.contains("sched_switch") && others.is_empty(), "{others:?}");
    }
}
