//! Why a thread was off the CPU: from its state, the system call and file it was in, and its kernel stack.
//!
//! The kernel stack decides where there is one: its innermost function that is not the scheduler itself is what put the
//! thread to sleep. Without one the system call does, and then the kind of its file.

use wakechain_wire::*;

use super::kernel_stack::{Cause, KernelFacts};

/// What is known of one interval.
#[derive(Debug, Clone, Copy)]
pub struct Wait<'a> {
    pub state: u32,
    pub throttled: bool,
    pub in_iowait: bool,
    pub is_kernel_thread: bool,
    /// `None` = in none, or not known.
    pub syscall: Option<&'a str>,
    pub is_futex: bool,
    pub file_kind: u32,
    /// The file is a device of the GPU's driver.
    pub is_gpu_device: bool,
    /// It was in the slow path of one of the kernel's own locks.
    pub for_kernel_lock: bool,
    pub kernel: Option<&'a KernelFacts>,
}

pub fn reason(wait: &Wait) -> &'static str {
    match wait.state {
        STATE_PREEMPTED if wait.throttled => return "throttled",
        STATE_PREEMPTED if wait.syscall == Some("sched_yield") => return "yielded",
        STATE_PREEMPTED => return "preempted",
        STATE_STOPPED => return "stopped",
        _ => {}
    }
    let of_gpu = wait.is_gpu_device;
    let in_page_fault = wait.kernel.is_some_and(|facts| facts.in_page_fault);
    // a futex call can also wait for its own page to come in, or for a lock of the address space: then it sleeps
    // uninterruptibly, or inside a fault. With priority inheritance the sleep itself is in a lock of the kernel's.
    if wait.is_futex && wait.state != STATE_UNINTERRUPTIBLE && !in_page_fault {
        return "futex";
    }
    if wait.for_kernel_lock && !wait.kernel.is_some_and(|facts| facts.in_gpu_driver) {
        return "kernel_lock";
    }
    let by_stack = wait.kernel.and_then(|facts| match facts.cause? {
        _ if facts.in_gpu_driver => Some("gpu"),
        Cause::Disk if facts.in_page_fault => Some("page_fault"),
        cause => Some(cause.reason()),
    });
    if let Some(reason) = by_stack {
        return if of_gpu && reason != "page_fault" { "gpu" } else { reason };
    }
    if of_gpu || wait.kernel.is_some_and(|facts| facts.in_gpu_driver) {
        return "gpu";
    }
    if in_page_fault {
        return "page_fault";
    }
    let by_call = wait.syscall.and_then(|name| of_syscall(name, wait.file_kind));
    match by_call {
        Some(reason) if wait.state != STATE_UNINTERRUPTIBLE || wait.in_iowait && reason == "disk" => return reason,
        _ => {}
    }
    let in_user_code = wait.syscall.is_none() && !wait.is_kernel_thread;
    match wait.state {
        _ if in_user_code && (wait.in_iowait || wait.state == STATE_UNINTERRUPTIBLE) => "page_fault",
        _ if wait.in_iowait => "disk",
        STATE_UNINTERRUPTIBLE => "uninterruptible",
        _ => by_call.unwrap_or("other"),
    }
}

/// What an interruptible sleep in a system call is about.
fn of_syscall(name: &str, file_kind: u32) -> Option<&'static str> {
    Some(match name {
        "futex" | "futex_wait" | "futex_waitv" => "futex",
        "nanosleep" | "clock_nanosleep" => "sleep",
        "poll" | "ppoll" | "select" | "pselect6" | "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => "poll",
        "wait4" | "waitid" => "child",
        "connect" | "accept" | "accept4" | "sendto" | "recvfrom" | "sendmsg" | "recvmsg" | "sendmmsg" | "recvmmsg" => {
            "socket"
        }
        "fsync" | "fdatasync" | "sync" | "syncfs" | "msync" | "sync_file_range" => "disk",
        _ => return of_file(file_kind),
    })
}

fn of_file(file_kind: u32) -> Option<&'static str> {
    match file_kind {
        FILE_PIPE => Some("pipe"),
        FILE_SOCKET => Some("socket"),
        FILE_REGULAR | FILE_BLOCK_DEVICE => Some("disk"),
        FILE_TIMERFD => Some("sleep"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Wait = Wait {
        state: STATE_INTERRUPTIBLE,
        throttled: false,
        in_iowait: false,
        is_kernel_thread: false,
        syscall: None,
        is_futex: false,
        file_kind: FILE_NONE,
        is_gpu_device: false,
        for_kernel_lock: false,
        kernel: None,
    };

    #[test]
    fn without_a_kernel_stack() {
        for (expected, wait) in [
            ("preempted", Wait { state: STATE_PREEMPTED, syscall: Some("futex"), is_futex: true, ..WAIT }),
            ("throttled", Wait { state: STATE_PREEMPTED, throttled: true, ..WAIT }),
            ("yielded", Wait { state: STATE_PREEMPTED, syscall: Some("sched_yield"), ..WAIT }),
            ("stopped", Wait { state: STATE_STOPPED, ..WAIT }),
            ("futex", Wait { syscall: Some("futex"), is_futex: true, ..WAIT }),
            ("uninterruptible", Wait { syscall: Some("futex"), is_futex: true, state: STATE_UNINTERRUPTIBLE, ..WAIT }),
            (
                "kernel_lock",
                Wait { syscall: Some("mmap"), for_kernel_lock: true, state: STATE_UNINTERRUPTIBLE, ..WAIT },
            ),
            ("kernel_lock", Wait { for_kernel_lock: true, state: STATE_UNINTERRUPTIBLE, ..WAIT }),
            ("futex", Wait { syscall: Some("futex"), is_futex: true, for_kernel_lock: true, ..WAIT }),
            ("sleep", Wait { syscall: Some("clock_nanosleep"), ..WAIT }),
            ("poll", Wait { syscall: Some("epoll_pwait"), file_kind: FILE_ANONYMOUS, ..WAIT }),
            ("child", Wait { syscall: Some("wait4"), ..WAIT }),
            ("pipe", Wait { syscall: Some("read"), file_kind: FILE_PIPE, ..WAIT }),
            ("socket", Wait { syscall: Some("read"), file_kind: FILE_SOCKET, ..WAIT }),
            ("socket", Wait { syscall: Some("recvmsg"), ..WAIT }),
            (
                "disk",
                Wait {
                    syscall: Some("read"),
                    file_kind: FILE_REGULAR,
                    in_iowait: true,
                    state: STATE_UNINTERRUPTIBLE,
                    ..WAIT
                },
            ),
            ("disk", Wait { syscall: Some("ioctl"), in_iowait: true, state: STATE_UNINTERRUPTIBLE, ..WAIT }),
            ("gpu", Wait { syscall: Some("ioctl"), file_kind: FILE_CHARACTER_DEVICE, is_gpu_device: true, ..WAIT }),
            ("gpu", Wait { syscall: Some("poll"), file_kind: FILE_CHARACTER_DEVICE, is_gpu_device: true, ..WAIT }),
            ("page_fault", Wait { in_iowait: true, state: STATE_UNINTERRUPTIBLE, ..WAIT }),
            ("page_fault", Wait { state: STATE_UNINTERRUPTIBLE, ..WAIT }),
            ("uninterruptible", Wait { state: STATE_UNINTERRUPTIBLE, is_kernel_thread: true, ..WAIT }),
            ("uninterruptible", Wait { state: STATE_UNINTERRUPTIBLE, syscall: Some("mmap"), ..WAIT }),
            ("other", Wait { syscall: Some("read"), file_kind: FILE_CHARACTER_DEVICE, ..WAIT }),
            ("other", Wait { is_kernel_thread: true, ..WAIT }),
            ("other", Wait { state: STATE_OTHER, ..WAIT }),
        ] {
            assert_eq!(reason(&wait), expected, "{wait:?}");
        }
    }

    #[test]
    fn the_kernel_stack_decides() {
        let call = Wait { syscall: Some("read"), file_kind: FILE_PIPE, ..WAIT };
        for (expected, functions, wait) in [
            (
                "kernel_lock",
                &["__schedule", "schedule", "rwsem_down_read_slowpath", "down_read", "do_user_addr_fault"][..],
                call,
            ),
            (
                "page_fault",
                &["__schedule", "io_schedule", "folio_wait_bit_common", "filemap_fault", "handle_mm_fault"],
                call,
            ),
            ("disk", &["__schedule", "io_schedule", "folio_wait_bit_common", "filemap_read", "vfs_read"], call),
            ("pipe", &["__schedule", "schedule", "anon_pipe_read", "vfs_read"], WAIT),
            ("socket", &["schedule_timeout", "__skb_wait_for_more_packets", "__skb_recv_udp", "udp_recvmsg"], WAIT),
            ("futex", &["__schedule", "schedule", "__futex_wait", "futex_wait", "do_futex"], WAIT),
            ("gpu", &["__schedule", "schedule", "down", "os_acquire_semaphore"], call),
        ] {
            let module = if expected == "gpu" { "kernel [nvidia]" } else { "kernel" };
            let facts = KernelFacts::of(functions.iter().map(|function| (*function, module)));
            assert_eq!(reason(&Wait { kernel: Some(&facts), ..wait }), expected, "{functions:?}");
        }
        let facts = KernelFacts::of([("rt_mutex_schedule", "kernel"), ("futex_lock_pi", "kernel")].into_iter());
        assert_eq!(reason(&Wait { is_futex: true, kernel: Some(&facts), ..WAIT }), "futex");
        let facts = KernelFacts::of([("down", "kernel [nvidia]")].into_iter());
        assert_eq!(reason(&Wait { for_kernel_lock: true, kernel: Some(&facts), ..WAIT }), "gpu");
    }
}
