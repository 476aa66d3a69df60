//! Who woke a thread, and whether it was really that thread's doing.
//!
//! A hardware interrupt borrows whatever thread it finds on the CPU: that one is not to blame. A softirq that runs inside
//! the task's own system call (loopback TCP) is the task. The waker's kernel stack tells; the kernel's own count of
//! interrupts does too, where programs may read it.

use wakechain_wire::*;

use super::kernel_stack::KernelFacts;

#[derive(Debug, Clone, Copy)]
pub struct Waker<'a> {
    /// WAKER_* bits.
    pub bits: u32,
    /// Its kernel stack, where one was taken.
    pub kernel: Option<&'a KernelFacts>,
    /// It was in futex(FUTEX_WAKE...) on the very word that the sleeper waited on.
    pub wakes_this_futex: bool,
    /// Whether this kernel lets programs see that they run in an interrupt.
    pub interrupts_are_seen: bool,
}

/// task, kernel_thread or interrupt; `None` = nobody looked, or what was seen does not decide.
pub fn context(waker: &Waker) -> Option<&'static str> {
    let has = |bit: u32| waker.bits & bit != 0;
    if !has(WAKER_SEEN) {
        return None;
    }
    if has(WAKER_IN_HARD_INTERRUPT) || has(WAKER_IS_IDLE) {
        return Some("interrupt");
    }
    let by_itself = if has(WAKER_IS_KERNEL_THREAD) { "kernel_thread" } else { "task" };
    match waker.kernel {
        Some(facts) if facts.in_hard_interrupt => Some("interrupt"),
        Some(_) => Some(by_itself),
        None if waker.wakes_this_futex => Some("task"),
        // a softirq may be its own or an interrupt's: only the stack would have told
        None if has(WAKER_IN_SOFT_INTERRUPT) => None,
        None if waker.interrupts_are_seen => Some(by_itself),
        None => None,
    }
}

/// What the interrupt, or the kernel thread, was at; `None` where no stack was taken to tell.
pub fn interrupt(context: Option<&str>, kernel: Option<&KernelFacts>) -> Option<&'static str> {
    match (context?, kernel?) {
        ("interrupt", facts) => Some(facts.interrupt.unwrap_or("other")),
        ("kernel_thread", facts) => facts.interrupt,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts() {
        let timer = KernelFacts { in_hard_interrupt: true, interrupt: Some("timer"), ..KernelFacts::default() };
        let loopback = KernelFacts { interrupt: Some("net_rx"), ..KernelFacts::default() };
        let plain = Waker { bits: WAKER_SEEN, kernel: None, wakes_this_futex: false, interrupts_are_seen: true };
        for (expected, waker) in [
            (None, Waker { bits: 0, ..plain }),
            (Some("task"), plain),
            (Some("kernel_thread"), Waker { bits: WAKER_SEEN | WAKER_IS_KERNEL_THREAD, ..plain }),
            (Some("interrupt"), Waker { bits: WAKER_SEEN | WAKER_IS_IDLE, ..plain }),
            (Some("interrupt"), Waker { bits: WAKER_SEEN | WAKER_IN_HARD_INTERRUPT, ..plain }),
            (Some("interrupt"), Waker { kernel: Some(&timer), ..plain }),
            (Some("interrupt"), Waker { bits: WAKER_SEEN | WAKER_IS_KERNEL_THREAD, kernel: Some(&timer), ..plain }),
            (Some("task"), Waker { bits: WAKER_SEEN | WAKER_IN_SOFT_INTERRUPT, kernel: Some(&loopback), ..plain }),
            (None, Waker { bits: WAKER_SEEN | WAKER_IN_SOFT_INTERRUPT, ..plain }),
            (None, Waker { interrupts_are_seen: false, ..plain }),
            (Some("task"), Waker { interrupts_are_seen: false, wakes_this_futex: true, ..plain }),
        ] {
            assert_eq!(context(&waker), expected, "{waker:?}");
        }
        assert_eq!(interrupt(Some("interrupt"), Some(&timer)), Some("timer"));
        assert_eq!(interrupt(Some("interrupt"), Some(&KernelFacts::default())), Some("other"));
        assert_eq!(interrupt(Some("interrupt"), None), None);
        assert_eq!(interrupt(Some("task"), Some(&loopback)), None);
    }
}
