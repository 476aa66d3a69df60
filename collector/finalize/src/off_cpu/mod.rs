//! Threads off the CPU: rows of `off_cpu` and `wait_object`.

mod futex;
mod globals;
mod kernel_stack;
mod reason;
mod timeout;
mod wait_objects;
mod waker;

use std::collections::HashMap;

use rusqlite::Connection;
use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use crate::clock::between;
use crate::context::Context;
use crate::database::row_id;
use crate::details::Details;
use crate::error::FinalizeError;
use crate::frames::{Frames, StackId};
use crate::insert::{cells, insert_rows};
use crate::objects::Objects;
use crate::scan::Event;
use crate::stacks::Innermost;
use crate::who::{ProcessId, ThreadId, Who};
use globals::Globals;
use kernel_stack::KernelFacts;
use reason::Wait;
use wait_objects::{NVIDIA_MAJOR, WaitObject, WaitObjectId, WaitObjects};
use waker::Waker;

const INSERT: &str = "INSERT INTO off_cpu (id, thread_id, start_ns, duration_ns, began_before, runnable_ns, reason_id, syscall_id, object_id, \
         futex_op, futex_value, timeout_ns, block_io_id, stack_id, kernel_stack_id, next_thread_id, waker_thread_id, waker_context_id, interrupt_id, \
         waker_syscall_id, waker_stack_id, cpu_before, cpu_after, details) \
         VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24)";

/// Rows written, by whether the interval had ended.
#[derive(Debug, Default, PartialEq)]
pub struct Written {
    pub ended: u64,
    pub open: u64,
    /// Sockets that were waited for, by inode: the object, and whose thread waited.
    pub sockets: HashMap<u64, (WaitObjectId, ProcessId)>,
}

#[derive(Default)]
struct OffCpu {
    objects: WaitObjects,
    globals: Globals,
    facts: HashMap<StackId, KernelFacts>,
    /// Kernel locks of which only who wanted them is known.
    unseen_locks: Vec<String>,
}

/// What the first pass found out.
pub struct Known<'a> {
    pub interrupts_are_seen: bool,
    /// Major numbers of the GPU's devices, besides NVIDIA's fixed one.
    pub gpu_majors: &'a [u32],
    pub objects: &'a Objects,
    /// Rows of `block_io`, by the id of the request.
    pub block_rows: &'a HashMap<u64, i64>,
}

/// Stacks of one interval, in the call tree.
#[derive(Default)]
struct IntervalStacks {
    user: Option<StackId>,
    kernel: Option<StackId>,
    waker: Option<StackId>,
    /// Where the waker was a task's own code.
    waker_user: Option<StackId>,
}

/// Writes all intervals in order of their start.
pub fn write<S: ReadAt>(
    database: &mut Connection,
    context: &mut Context<S>,
    events: &[Event],
    known: &Known,
) -> Result<Written, FinalizeError> {
    let mut off_cpu = OffCpu::default();
    let mut written = Written::default();
    insert_rows(database, INSERT, |rows| {
        for (index, event) in events.iter().enumerate() {
            context.steps.row()?;
            let record = context.blocks.record(event.place)?;
            let is_detailed = u32::from(record.header.kind) == RECORD_SWITCH_DETAIL;
            let detail = SwitchDetailRecord::from_bytes(record.bytes).filter(|_| is_detailed);
            let Some(switch) = SwitchRecord::from_bytes(record.bytes) else { continue };

            let is_open = switch.header.has(SWITCH_OPEN);
            let began_before = switch.header.has(SWITCH_OFF_BEGAN_BEFORE);
            let off_ns = switch.off_ns.max(context.clock.start_ns);
            *(if is_open { &mut written.open } else { &mut written.ended }) += 1;
            let thread = context.who.thread_at(switch.next_tid, off_ns);
            let process = context.who.process_of(thread);
            let stacks = read_stacks(context, detail.as_ref())?;
            let kernel = off_cpu.facts(&context.frames, stacks.kernel);
            let waker_kernel = off_cpu.facts(&context.frames, stacks.waker);

            let syscall = context.names.syscall(switch.system_call);
            let futex_op = detail.map_or(futex::NONE, |detail| detail.futex_op);
            let is_futex = futex_op != futex::NONE;
            let state = u32::from(switch.state_before);
            let wait = Wait {
                state,
                throttled: switch.header.has(SWITCH_THROTTLED),
                in_iowait: switch.header.has(SWITCH_IN_IOWAIT),
                is_kernel_thread: context.who.thread(thread).is_some_and(|thread| thread.is_kernel),
                syscall: context.names.syscalls.known(switch.system_call),
                is_futex,
                file_kind: detail.map_or(FILE_NONE, |detail| detail.file_kind),
                is_gpu_device: detail.is_some_and(|detail| known.is_gpu_device(&detail)),
                for_kernel_lock: detail.is_some_and(|detail| detail.kernel_lock != 0),
                kernel: kernel.as_ref(),
            };
            let reason = reason::reason(&wait);
            let is_asleep = state != STATE_PREEMPTED;
            let object = match &detail {
                Some(detail) if is_asleep => off_cpu.object(context, known, process, detail, &wait, reason),
                _ => None,
            };

            if let (Some(object), Some(detail)) = (object, detail.filter(|detail| detail.file_kind == FILE_SOCKET)) {
                written.sockets.entry(detail.object).or_insert((object, process));
            }
            let was_woken = switch.wake_ns != 0;
            let wakes_this_futex = is_futex
                && detail
                    .is_some_and(|detail| futex::wakes(detail.waker_futex_op) && detail.waker_object == detail.object);
            let waker = Waker {
                bits: u32::from(switch.waker_context),
                kernel: waker_kernel.as_ref(),
                wakes_this_futex,
                interrupts_are_seen: known.interrupts_are_seen,
            };
            let waker_context = if was_woken { waker::context(&waker) } else { None };
            let interrupt = waker::interrupt(waker_context, waker_kernel.as_ref());
            let waker_thread =
                (was_woken && switch.waker_tid != 0).then(|| context.who.thread_at(switch.waker_tid, switch.wake_ns));
            let waker_syscall = if was_woken && waker_context != Some("interrupt") {
                context.names.syscall(switch.waker_system_call)
            } else {
                None
            };
            let next_thread = (switch.got_cpu_tid != 0).then(|| context.who.thread_at(switch.got_cpu_tid, off_ns));

            let mut details = Details::default();
            if let Some(detail) =
                detail.filter(|detail| is_futex && futex::wakes(detail.waker_futex_op) && !wakes_this_futex)
            {
                // it woke through another word: a requeue, or a chain of wake-ups
                details.say("waker_futex", format!("{:#x}", detail.waker_object));
            }
            if switch.header.has(SWITCH_INFERRED) {
                // its end is the kernel's own note of when the thread got its CPU: no probe ran at that switch
                details.say("inferred", true);
            }
            let timeout = detail.and_then(|detail| {
                timeout::relative_ns(detail.timeout_kind, detail.timeout_ns, off_ns, began_before, &context.clock)
            });
            // the wake-up ran inside a completion: that of the request that its CPU had completed last
            let in_completion = waker_kernel.as_ref().is_some_and(|facts| facts.interrupt == Some("block"));
            let block_row = detail
                .filter(|_| in_completion)
                .and_then(|detail| known.block_rows.get(&detail.waker_request).copied());
            rows.push(cells![
                row_id(index),
                thread,
                context.clock.relative(off_ns),
                (!is_open).then(|| between(off_ns, switch.at_ns)),
                began_before,
                runnable_ns(&switch, off_ns, is_asleep),
                context.names.id(reason),
                syscall,
                object,
                is_futex.then(|| futex::operation(futex_op)),
                detail.filter(|_| is_futex).map(|detail| detail.futex_value),
                timeout,
                block_row,
                stacks.user,
                stacks.kernel,
                next_thread,
                waker_thread,
                waker_context.map(|name| context.names.id(name)),
                interrupt.map(|name| context.names.id(name)),
                waker_syscall,
                stacks.waker_user.or(stacks.waker),
                (switch.cpu_before != u16::MAX).then_some(switch.cpu_before),
                (!is_open).then_some(switch.header.cpu),
                details.into_text(),
            ])?;
        }
        Ok(())
    })?;
    off_cpu.objects.write(database)?;
    Ok(written)
}

/// The last part of an interval: from the wake-up, or all of it where the thread never slept. `None` where it slept and
/// no wake-up was seen; 0 where it slept until the capture ended.
fn runnable_ns(switch: &SwitchRecord, off_ns: u64, is_asleep: bool) -> Option<i64> {
    match switch.wake_ns {
        _ if !is_asleep => Some(between(off_ns, switch.at_ns)),
        0 => switch.header.has(SWITCH_OPEN).then_some(0),
        wake_ns => Some(between(wake_ns.max(off_ns), switch.at_ns)),
    }
}

fn read_stacks<S: ReadAt>(
    context: &mut Context<S>,
    detail: Option<&SwitchDetailRecord>,
) -> Result<IntervalStacks, FinalizeError> {
    let Some(detail) = detail else { return Ok(IntervalStacks::default()) };
    let Context { stacks, blocks, frames, who, .. } = context;
    Ok(IntervalStacks {
        user: stacks.user(blocks, frames, who, detail.user_stack, Innermost::Instruction)?,
        kernel: stacks.kernel(blocks, frames, detail.kernel_stack)?,
        waker: stacks.kernel(blocks, frames, detail.waker_kernel_stack)?,
        waker_user: stacks.user(blocks, frames, who, detail.waker_user_stack, Innermost::Instruction)?,
    })
}

impl OffCpu {
    fn facts(&mut self, frames: &Frames, stack: Option<StackId>) -> Option<KernelFacts> {
        let stack = stack?;
        let read = || {
            KernelFacts::of(
                frames.functions(stack).into_iter().map(|frame| (frame.function.as_str(), frames.module_name(frame))),
            )
        };
        Some(self.facts.entry(stack).or_insert_with(read).clone())
    }

    fn object<S: ReadAt>(
        &mut self,
        context: &mut Context<S>,
        known: &Known,
        process: ProcessId,
        detail: &SwitchDetailRecord,
        wait: &Wait,
        reason: &str,
    ) -> Option<WaitObjectId> {
        if reason == "kernel_lock" {
            return self.kernel_lock(&context.who, process, detail, wait);
        }
        if wait.is_futex {
            return Some(self.futex(context, process, detail));
        }
        let (inode, device, descriptor) = (detail.object, detail.device, detail.file_descriptor);
        let by_path = || known.objects.file(inode, device).map(str::to_string);
        let (object, name) = match detail.file_kind {
            FILE_PIPE => (WaitObject::File { kind: "pipe", inode, device }, None),
            FILE_SOCKET => {
                let name = known.objects.socket(inode, detail.base.at_ns).map(str::to_string);
                (WaitObject::File { kind: "socket", inode, device }, name)
            }
            FILE_REGULAR | FILE_OTHER => (WaitObject::File { kind: "file", inode, device }, by_path()),
            FILE_CHARACTER_DEVICE => (WaitObject::Device { block: false, device }, by_path()),
            FILE_BLOCK_DEVICE => (WaitObject::Device { block: true, device }, by_path()),
            FILE_EVENTFD => (WaitObject::Eventfd { id: inode }, None),
            FILE_EPOLL => (WaitObject::Descriptor { kind: "epoll", process, descriptor }, None),
            FILE_TIMERFD | FILE_SIGNALFD | FILE_PIDFD | FILE_IO_URING | FILE_ANONYMOUS => {
                let name = anonymous(detail.file_kind).map(|kind| format!("{kind}, descriptor {descriptor}"));
                (WaitObject::Descriptor { kind: "other", process, descriptor }, name)
            }
            _ if reason == "child" && detail.object != 0 => {
                let child = context.who.known_process(u32::try_from(detail.object).ok()?, detail.base.at_ns)?;
                let name = context.who.process(child).map(|child| format!("{} ({})", child.name, child.pid));
                (WaitObject::Child { process: child }, name)
            }
            _ => return None,
        };
        Some(self.objects.id(object, || name))
    }

    fn futex<S: ReadAt>(
        &mut self,
        context: &mut Context<S>,
        process: ProcessId,
        detail: &SwitchDetailRecord,
    ) -> WaitObjectId {
        let (op, address) = (detail.futex_op, detail.object);
        // pthread_join: the kernel clears the word, which holds the thread's id, and wakes it when that thread is gone
        if futex::operation(op) == futex::WAIT_BITSET && !futex::is_private(op) && detail.futex_value != 0 {
            let ended = context.who.known_thread(detail.futex_value, detail.base.off_ns);
            let of_process = |thread: &ThreadId| context.who.process_of(*thread) == process;
            if let Some(thread) = ended.filter(of_process) {
                let name = context.who.thread(thread).map(|thread| format!("end of {} ({})", thread.name, thread.tid));
                return self.objects.id(WaitObject::End { process, address, thread }, || name);
            }
        }
        let private = futex::is_private(op);
        let global = self.globals.at(&context.who, &mut context.frames, process, address, detail.base.at_ns);
        let object =
            WaitObject::Futex { process, address: global.as_ref().map_or(address, |global| global.address), private };
        self.objects.id(object, || global.map(|global| global.name))
    }

    /// One lock by its address where the kernel told it; else by who wanted it.
    fn kernel_lock(
        &mut self,
        who: &Who,
        process: ProcessId,
        detail: &SwitchDetailRecord,
        wait: &Wait,
    ) -> Option<WaitObjectId> {
        let locked_in = wait.kernel.and_then(|facts| facts.locked_in.clone());
        if detail.kernel_lock == 0 {
            let name = format!("wanted by {}", locked_in?);
            let address = self.unseen_locks.iter().position(|known| *known == name).unwrap_or_else(|| {
                self.unseen_locks.push(name.clone());
                self.unseen_locks.len() - 1
            });
            return Some(
                self.objects.id(WaitObject::KernelLock { address: address as u64, process: None }, || Some(name)),
            );
        }
        let is_mmap = detail.kernel_lock_flags & KERNEL_LOCK_IS_MMAP != 0;
        let object = WaitObject::KernelLock { address: detail.kernel_lock, process: is_mmap.then_some(process) };
        Some(self.objects.id(object, || {
            if is_mmap {
                return Some(format!("mmap lock of {}", who.process(process)?.name));
            }
            locked_in.map(|function| format!("{}, wanted by {function}", kind_of_lock(detail.kernel_lock_flags)))
        }))
    }
}

impl Known<'_> {
    fn is_gpu_device(&self, detail: &SwitchDetailRecord) -> bool {
        let major = wait_objects::major(detail.device);
        detail.file_kind == FILE_CHARACTER_DEVICE && (major == NVIDIA_MAJOR || self.gpu_majors.contains(&major))
    }
}

fn anonymous(file_kind: u32) -> Option<&'static str> {
    match file_kind {
        FILE_TIMERFD => Some("timerfd"),
        FILE_SIGNALFD => Some("signalfd"),
        FILE_PIDFD => Some("pidfd"),
        FILE_IO_URING => Some("io_uring"),
        _ => None,
    }
}

/// By LCB_F_* of include/trace/events/lock.h.
fn kind_of_lock(flags: u32) -> &'static str {
    match flags {
        _ if flags & 8 != 0 => "rt_mutex",
        _ if flags & 16 != 0 => "percpu_rwsem",
        _ if flags & 32 != 0 => "mutex",
        _ if flags & 6 != 0 => "rwsem",
        _ => "lock",
    }
}
