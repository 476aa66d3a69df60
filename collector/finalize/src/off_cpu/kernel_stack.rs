//! What a kernel stack tells, by the names of its functions: what put a thread to sleep, and what raised a wake-up.

/// What a sleeping thread waits for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cause {
    Futex,
    Sleep,
    Poll,
    Disk,
    Pipe,
    Socket,
    Child,
    KernelLock,
    Stopped,
    PageFault,
    Eventfd,
}

impl Cause {
    pub fn reason(self) -> &'static str {
        match self {
            Cause::Futex => "futex",
            Cause::Sleep => "sleep",
            Cause::Poll => "poll",
            Cause::Disk => "disk",
            Cause::Pipe => "pipe",
            Cause::Socket => "socket",
            Cause::Child => "child",
            Cause::KernelLock => "kernel_lock",
            Cause::Stopped => "stopped",
            Cause::PageFault => "page_fault",
            Cause::Eventfd => "other",
        }
    }
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct KernelFacts {
    pub cause: Option<Cause>,
    /// Of a kernel lock: the function that wanted it.
    pub locked_in: Option<String>,
    pub in_page_fault: bool,
    pub in_gpu_driver: bool,
    /// Something else's interrupt borrowed this thread's CPU.
    pub in_hard_interrupt: bool,
    /// timer, block, net_rx, ipi, device
    pub interrupt: Option<&'static str>,
}

/// Beginnings of names, Linux 5.15 to 6.18. A name that ends in `$` is the whole name.
const CAUSES: &[(Cause, &[&str])] = &[
    (Cause::Futex, &["futex_", "__futex_", "do_futex", "rt_mutex_wait_proxy_lock", "__rt_mutex_wait_proxy_lock"]),
    (
        Cause::Sleep,
        &[
            "timerfd_",
            "do_nanosleep",
            "hrtimer_nanosleep",
            "common_nsleep",
            "__x64_sys_nanosleep",
            "__arm64_sys_nanosleep",
        ],
    ),
    (Cause::Poll, &["ep_poll", "do_epoll_wait", "poll_schedule_timeout", "do_select", "do_poll", "do_sys_poll"]),
    (Cause::Pipe, &["pipe_", "anon_pipe_", "fifo_", "wait_for_partner"]),
    (Cause::Eventfd, &["eventfd_"]),
    (
        Cause::Socket,
        &[
            "sk_wait_",
            "sk_stream_wait",
            "sock_",
            "__skb_wait",
            "tcp_",
            "udp_",
            "udpv6_",
            "unix_",
            "inet_",
            "inet6_",
            "netlink_",
            "vsock_",
            "__sys_connect",
            "__sys_accept",
        ],
    ),
    // vfork() and posix_spawn() wait until the child runs its program
    (Cause::Child, &["do_wait", "kernel_wait4", "kernel_waitid", "__do_wait", "kernel_clone", "wait_for_vfork_done"]),
    (Cause::Stopped, &["do_signal_stop", "ptrace_stop", "do_jobctl_trap", "__refrigerator"]),
    (Cause::PageFault, &["handle_userfault", "migration_entry_wait", "do_swap_page"]),
    (
        Cause::KernelLock,
        &[
            "__mutex_lock",
            "mutex_lock",
            "rwsem_down_",
            "__down",
            "down$",
            "down_read",
            "down_write",
            "down_interruptible",
            "down_killable",
            "down_timeout",
            "rt_mutex_",
            "__rt_mutex_",
            "percpu_rwsem_wait",
            "__percpu_down_read",
            "percpu_down_write",
            "ww_mutex_",
            "__ww_mutex_",
        ],
    ),
    (
        Cause::Disk,
        &[
            "folio_wait_",
            "wait_on_page_",
            "__lock_page",
            "__folio_lock",
            "bit_wait_io",
            "submit_bio_wait",
            "blk_",
            "bio_",
            "__wait_on_buffer",
            "wait_on_buffer",
            "jbd2_",
            "ext4_",
            "xfs_",
            "btrfs_",
            "f2fs_",
            "nfs_",
            "fuse_",
            "overlay",
            "filemap_",
            "__filemap_",
            "do_read_cache",
            "rq_qos_wait",
            "wbt_wait",
            "throtl_",
            "__blkdev_",
            "blkdev_",
            "dio_",
            "iomap_",
            "__iomap_",
            "balance_dirty_pages",
            "get_request",
            "do_get_write_access",
            "sync_inodes_sb",
            "iterate_supers",
        ],
    ),
];

/// The scheduler's own, and what only passes the sleep on.
const PASSING: &[&str] = &[
    "__schedule",
    "schedule",
    "io_schedule",
    "preempt_schedule",
    "__cond_resched",
    "__switch_to",
    "context_switch",
    "wait_woken",
    "do_wait_intr",
    "prepare_to_wait",
    "__wait_for_common",
    "wait_for_common",
    "wait_for_completion",
    "__wait_on_bit",
    "out_of_line_wait_on_bit",
    "__traceiter",
    "bpf_",
    "__bpf",
    "trace_",
    "perf_trace",
];

const PAGE_FAULTS: &[&str] = &[
    "handle_mm_fault",
    "__handle_mm_fault",
    "do_user_addr_fault",
    "exc_page_fault",
    "asm_exc_page_fault",
    "do_page_fault",
    "do_mem_abort",
    "el0_da",
    "el0_ia",
    "faultin_page",
    "filemap_fault",
];

/// The GPU driver's kernel modules, open and closed.
const GPU_MODULES: &[&str] = &["kernel [nvidia", "kernel [amdgpu", "kernel [gdrdrv"];

/// Entries of hardware interrupts: whatever runs above one was not asked for by the thread below.
const HARD_INTERRUPTS: &[&str] = &[
    "asm_common_interrupt",
    "asm_sysvec_",
    "common_interrupt",
    "sysvec_",
    "el1_irq",
    "el0_irq",
    "el1h_64_irq",
    "el0t_64_irq",
    "el1_interrupt",
    "el0_interrupt",
    "gic_handle_irq",
    "__irq_exit_rcu",
    "irq_exit_rcu",
];

const INTERRUPTS: &[(&str, &[&str])] = &[
    (
        "timer",
        &[
            "hrtimer_",
            "__hrtimer_",
            "process_timeout",
            "call_timer_fn",
            "run_timer_",
            "__run_timers",
            "expire_timers",
            "tick_",
            "posix_timer_",
            "asm_sysvec_apic_timer_interrupt",
            "sysvec_apic_timer_interrupt",
            "arch_timer_",
        ],
    ),
    (
        "block",
        &[
            "blk_mq_complete",
            "blk_complete",
            "blk_done_",
            "blk_mq_end",
            "virtblk_done",
            "nvme_",
            "scsi_",
            "bio_endio",
            "end_bio_",
            "blk_update_request",
            "ahci_",
        ],
    ),
    (
        "net_rx",
        &["net_rx_action", "napi_", "__napi_", "__netif_receive", "netif_receive", "process_backlog", "virtnet_poll"],
    ),
    (
        "ipi",
        &[
            "asm_sysvec_call_function",
            "sysvec_call_function",
            "asm_sysvec_reschedule_ipi",
            "sysvec_reschedule_ipi",
            "flush_smp_call_function",
            "__flush_smp_call_function",
            "generic_smp_call_function",
            "ipi_handler",
            "do_handle_IPI",
            "irq_work_",
            "asm_sysvec_irq_work",
        ],
    ),
    (
        "device",
        &[
            "asm_common_interrupt",
            "common_interrupt",
            "handle_irq_event",
            "__handle_irq_event",
            "irq_thread",
            "handle_edge_irq",
            "handle_fasteoi_irq",
            "gic_handle_irq",
        ],
    ),
];

impl KernelFacts {
    /// Of a stack's functions with their modules, innermost first.
    pub fn of<'a>(functions: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut facts = Self::default();
        let mut decided = false;
        for (function, module) in functions {
            facts.in_page_fault |= is_any(function, PAGE_FAULTS);
            facts.in_gpu_driver |= GPU_MODULES.iter().any(|gpu| module.starts_with(gpu));
            facts.in_hard_interrupt |= is_any(function, HARD_INTERRUPTS);
            if facts.interrupt.is_none() {
                facts.interrupt = INTERRUPTS.iter().find(|(_, names)| is_any(function, names)).map(|(name, _)| *name);
            }
            if facts.cause == Some(Cause::KernelLock) && facts.locked_in.is_none() && !is_of_locks(function) {
                facts.locked_in = Some(function.to_string());
            }
            if !decided && !is_any(function, PASSING) {
                facts.cause = CAUSES.iter().find(|(_, names)| is_any(function, names)).map(|(cause, _)| *cause);
                // below unknown helpers a known function may still stand: go on until one is found
                decided = facts.cause.is_some();
            }
        }
        facts
    }
}

fn is_any(function: &str, names: &[&str]) -> bool {
    names.iter().any(|name| match name.strip_suffix('$') {
        Some(whole) => function == whole,
        None => function.starts_with(name),
    })
}

/// The lock's own code, between the sleep and who wanted it.
fn is_of_locks(function: &str) -> bool {
    let of_locks = CAUSES.iter().filter(|(cause, _)| *cause == Cause::KernelLock).flat_map(|(_, names)| *names);
    is_any(function, PASSING) || is_any(function, &of_locks.copied().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(functions: &[&str]) -> KernelFacts {
        KernelFacts::of(functions.iter().map(|function| (*function, "kernel")))
    }

    #[test]
    fn what_raised_a_wake_up() {
        for (expected, hard, functions) in [
            (
                Some("timer"),
                true,
                &[
                    "try_to_wake_up",
                    "hrtimer_wakeup",
                    "__hrtimer_run_queues",
                    "hrtimer_interrupt",
                    "asm_sysvec_apic_timer_interrupt",
                ][..],
            ),
            (
                Some("block"),
                true,
                &[
                    "try_to_wake_up",
                    "blk_mq_complete_request",
                    "virtblk_done",
                    "handle_irq_event",
                    "asm_common_interrupt",
                ],
            ),
            (
                Some("net_rx"),
                false,
                &[
                    "try_to_wake_up",
                    "sock_def_readable",
                    "tcp_v4_rcv",
                    "process_backlog",
                    "net_rx_action",
                    "__local_bh_enable_ip",
                    "tcp_sendmsg",
                ],
            ),
            (
                Some("net_rx"),
                true,
                &["try_to_wake_up", "tcp_v4_rcv", "napi_poll", "net_rx_action", "irq_exit_rcu", "asm_common_interrupt"],
            ),
            (None, false, &["try_to_wake_up", "wake_up_q", "futex_wake", "do_futex", "__x64_sys_futex"]),
            (
                Some("timer"),
                true,
                &["ttwu_do_activate", "process_timeout", "call_timer_fn", "run_timer_softirq", "el1h_64_irq"],
            ),
        ] {
            let facts = facts(functions);
            assert_eq!((facts.interrupt, facts.in_hard_interrupt), (expected, hard), "{functions:?}");
        }
    }

    #[test]
    fn the_innermost_cause_counts() {
        assert_eq!(
            facts(&["__schedule", "schedule", "mutex_lock", "ext4_file_write_iter"]).cause,
            Some(Cause::KernelLock)
        );
        assert_eq!(facts(&["schedule", "some_helper", "unix_stream_read_generic"]).cause, Some(Cause::Socket));
        assert_eq!(facts(&["schedule", "worker_thread", "kthread"]).cause, None);
    }
}
