//! Loads the probes with the options of this capture, attaches those that every capture needs, and moves the few
//! globals by which a recording starts, lives and ends.

use std::collections::BTreeMap;
use std::io::Read;
use std::mem::{MaybeUninit, offset_of};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Mutex, PoisonError};

use libbpf_rs::skel::{OpenSkel, SkelBuilder};
use libbpf_rs::{Iter, IterOpts, Link, MapCore, MapFlags, MapHandle, MapMut, OpenObject, ProgramMut};
use wakechain_wire::{
    BlockRecord, PROBE_EXEC, PROBE_EXIT, PROBE_FIRST_CALL, PROBE_FORK, PROBE_ITERATE_START, PROBE_RENAME,
    PROBE_SWITCH_OFF_CPU, PROBE_SWITCH_SLICE, PROBE_WAKING, ProbeCounters, RING_CLASSES,
};

use crate::error::CaptureError;
use crate::governor::Prices;
use crate::kernel::Kernel;
use crate::lease::Lease;
use crate::optional;
use crate::options::Rung;
use crate::rings::{RingSizes, Rings};
use crate::skeleton::types::bss;
use crate::skeleton::{OpenWakechainSkel, WakechainSkel, WakechainSkelBuilder};
use crate::sys;

/// As `TID_UNKNOWN` in bpf/state.h.
const TID_UNKNOWN: u32 = u32::MAX;
/// Where `struct cpu_state` has its tid.
const CPU_STATE_TID: usize = 24;

/// What the probes are told before they are loaded.
#[derive(Clone, Copy, Debug)]
pub struct ProbeOptions {
    pub off_cpu_threshold_ns: u64,
    pub call_threshold_ns: u64,
    /// For each thread; 0 = no stacks.
    pub stacks_per_second: u64,
    /// The first calls of each function, on each CPU, get a stack.
    pub first_calls: u64,
    pub record_everyone: bool,
    pub target_everyone: bool,
    /// Of running target threads, each second; 0 = none.
    pub sample_hz: u32,
    pub rung: Option<Rung>,
    /// Threads add up what their probes cost.
    pub governed: bool,
    /// 0 = no limit.
    pub max_events_per_second: u64,
}

/// What a CUDA function's probe records, as `enum level` in bpf/governor.h: each less than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    All = 0,
    NoStacks = 1,
    /// Entries, without returns.
    Entries = 2,
    /// Nothing: it is about to be taken away.
    Off = 3,
}

/// What runs on a CPU, as the probes saw it last.
#[derive(Clone, Copy, Debug)]
pub struct RunningNow {
    pub cpu: u32,
    pub tid: u32,
    /// 0 = since before the capture.
    pub slice_start_ns: u64,
}

/// A loss that no record has told yet.
#[derive(Clone, Copy, Debug)]
pub struct UntoldLoss {
    pub class: u32,
    pub source: u32,
    pub cpu: u32,
    pub start_ns: u64,
    pub events: u64,
}

pub struct Probes<'obj> {
    pub skeleton: WakechainSkel<'obj>,
    pub rung: Rung,
    pub lease: Lease,
    /// Tracepoints that this kernel does not have: by probe, and why.
    pub refused: BTreeMap<u32, String>,
    cpus: u32,
    links: Vec<Link>,
}

impl<'obj> Probes<'obj> {
    pub fn load(
        storage: &'obj mut MaybeUninit<OpenObject>,
        options: ProbeOptions,
        rings: &Rings,
        sizes: RingSizes,
        cpus: u32,
    ) -> Result<Probes<'obj>, CaptureError> {
        libbpf_rs::set_print(Some((libbpf_rs::PrintLevel::Warn, keep_complaint)));
        sys::raise_memory_lock_limit();
        let kernel = Kernel::look()?;
        let rung = options.rung.unwrap_or_else(|| kernel.best_rung());
        let mut open = WakechainSkelBuilder::default().open(storage).map_err(|error| load_error(&error))?;
        choose_programs(&mut open, rung, &kernel);
        optional::choose(&mut open.progs, |tracepoint| kernel.has(tracepoint), options.record_everyone);
        set_options(&mut open, options, &kernel, sizes, cpus).map_err(|error| load_error(&error))?;
        let skeleton = open.load().map_err(|error| load_error(&error))?;
        hand_over(&skeleton.maps.rings, &rings.maps).map_err(|error| load_error(&error))?;
        let lease = Lease::new(skeleton.maps.bss.as_fd(), offset_of!(bss, until_ns)).map_err(|error| {
            CaptureError::new("bpf_map", format!("The probes' memory cannot be mapped: {error}."), "")
        })?;
        let mut probes = Probes { skeleton, rung, lease, refused: BTreeMap::new(), cpus, links: Vec::new() };
        probes.forget_cpus()?;
        if let Some(globals) = probes.skeleton.maps.bss_data.as_mut() {
            sys::publish_word(&mut globals.target_generation, 1);
        }
        probes.attach_tracepoints(kernel.switch_says_state)?;
        let wanted = options.record_everyone;
        let optional = optional::attach(&probes.skeleton.progs, &kernel, wanted, &mut probes.refused);
        probes.links.extend(optional);
        let events = optional::attach_events(&probes.skeleton.progs, wanted, options.sample_hz, &mut probes.refused);
        probes.links.extend(events);
        Ok(probes)
    }

    fn attach_tracepoints(&mut self, switch_says_state: bool) -> Result<(), CaptureError> {
        let programs = &self.skeleton.progs;
        let switch =
            if switch_says_state { &programs.on_sched_switch } else { &programs.on_sched_switch_without_state };
        let all: [&ProgramMut<'_>; 7] = [
            &programs.on_new_task,
            &programs.on_exec,
            &programs.on_exit,
            &programs.on_rename,
            switch,
            &programs.on_waking,
            &programs.on_wakeup_new,
        ];
        for program in all {
            let link = program.attach().map_err(|error| {
                CaptureError::new(
                    "attach_tracepoint",
                    format!("The kernel refused the probe {}: {error}.", program.name().to_string_lossy()),
                    "Run `wakechain-collector check`.",
                )
            })?;
            self.links.push(link);
        }
        Ok(())
    }

    fn forget_cpus(&self) -> Result<(), CaptureError> {
        let mut unknown = vec![0u8; self.skeleton.maps.cpu_states.value_size() as usize];
        unknown[CPU_STATE_TID..CPU_STATE_TID + 4].copy_from_slice(&TID_UNKNOWN.to_ne_bytes());
        for cpu in 0..self.cpus {
            self.skeleton
                .maps
                .cpu_states
                .update(&cpu.to_ne_bytes(), &unknown, MapFlags::ANY)
                .map_err(|error| load_error(&error))?;
        }
        Ok(())
    }

    /// From now on everything counts; the time.
    pub fn start(&mut self) -> u64 {
        let globals = self.skeleton.maps.bss_data.as_mut();
        self.lease.start(|now| {
            if let Some(globals) = globals {
                sys::publish(&mut globals.start_ns, now);
            }
        })
    }

    /// Tells of the threads that were there before the start.
    pub fn tell_existing(&self) -> Result<(), CaptureError> {
        iterate(&self.skeleton.progs.at_start)
    }

    /// Ends the recording: programs that run are waited for, then what is still open is told. The time of the end, and
    /// whether all that could be told was.
    pub fn end(&mut self, rings: &[MapHandle]) -> (u64, Result<(), CaptureError>) {
        let now = self.lease.end();
        if let Some(globals) = self.skeleton.maps.bss_data.as_mut() {
            sys::publish_word(&mut globals.ended, 1);
        }
        let waited = self.wait_for_programs(rings);
        (now, iterate(&self.skeleton.progs.at_end).and(waited))
    }

    /// Updating a map of maps returns only when every program that might still see the old map has ended.
    fn wait_for_programs(&self, rings: &[MapHandle]) -> Result<(), CaptureError> {
        let Some(first) = rings.first() else { return Ok(()) };
        let descriptor = first.as_fd().as_raw_fd().to_ne_bytes();
        self.skeleton
            .maps
            .rings
            .update(&0u32.to_ne_bytes(), &descriptor, MapFlags::ANY)
            .map_err(|error| load_error(&error))
    }

    /// Makes a process a target; what threads remember of it is looked up anew.
    pub fn add_target(&mut self, pid: u32) -> Result<(), CaptureError> {
        self.skeleton.maps.targets.update(&pid.to_ne_bytes(), &1u32.to_ne_bytes(), MapFlags::ANY).map_err(|error| {
            CaptureError::new(
                "too_many_targets",
                format!("Process {pid} cannot be made a target: {error}."),
                "Name fewer processes.",
            )
        })?;
        if let Some(globals) = self.skeleton.maps.bss_data.as_mut() {
            sys::increment_shared(&mut globals.target_generation);
        }
        Ok(())
    }

    pub fn remove_target(&self, pid: u32) {
        // It may be gone already: then so is the wish.
        let _ = self.skeleton.maps.targets.delete(&pid.to_ne_bytes());
    }

    /// Takes the tracepoints' probes away.
    pub fn detach(&mut self) {
        self.links.clear();
    }

    /// What a function's probe is to record; `times`: how often it was taken away.
    pub fn order(&self, index: u32, level: Level, times: u32) {
        let order = level as u32 | times << 8;
        // The map has room for every index.
        let _ = self.skeleton.maps.orders.update(&index.to_ne_bytes(), &order.to_ne_bytes(), MapFlags::ANY);
    }

    /// 1: the calibration probe records; 2: with a stack for each call; 0: no more.
    pub fn calibrate(&mut self, how: u32) {
        if let Some(globals) = self.skeleton.maps.bss_data.as_mut() {
            sys::publish_word(&mut globals.calibrating, how);
        }
    }

    pub fn set_prices(&mut self, prices: Prices) {
        if let Some(globals) = self.skeleton.maps.bss_data.as_mut() {
            sys::publish_word(&mut globals.price_call_ns, prices.call_ns);
            sys::publish_word(&mut globals.price_entry_ns, prices.entry_ns);
            sys::publish_word(&mut globals.price_stack_ns, prices.stack_ns);
        }
    }

    /// The share of its time, in millionths, that the busiest thread spent on probes since this was last asked.
    pub fn take_busiest_ppm(&mut self) -> u64 {
        self.skeleton.maps.bss_data.as_mut().map_or(0, |globals| sys::take(&mut globals.busiest_ppm))
    }

    /// Since when events were beyond the limit, and how many were, since this was last asked.
    pub fn take_limited(&mut self) -> Option<(u64, u64)> {
        let globals = self.skeleton.maps.bss_data.as_mut()?;
        let from_ns = sys::take(&mut globals.limited_from_ns);
        let events = sys::take(&mut globals.limited_events);
        (from_ns != 0).then_some((from_ns, events))
    }

    /// Makes counters 0. Only before the recording starts.
    pub fn forget_counts(&self, indices: &[u32]) {
        let zeros = vec![vec![0; ProbeCounters::BYTES]; self.cpus as usize];
        for index in indices {
            let _ = self.skeleton.maps.counters.update_percpu(&index.to_ne_bytes(), &zeros, MapFlags::ANY);
        }
    }

    /// Runs that the kernel left out because the same program was running on that CPU, by probe. What happened to the
    /// one program of all CUDA functions stands with the first of them.
    pub fn missed(&self) -> BTreeMap<u32, u64> {
        let programs = &self.skeleton.progs;
        let of: [(u32, &ProgramMut<'_>); 16] = [
            (PROBE_SWITCH_OFF_CPU, &programs.on_sched_switch),
            (PROBE_SWITCH_OFF_CPU, &programs.on_sched_switch_without_state),
            (PROBE_SWITCH_SLICE, &programs.on_sched_switch),
            (PROBE_SWITCH_SLICE, &programs.on_sched_switch_without_state),
            (PROBE_WAKING, &programs.on_waking),
            (PROBE_WAKING, &programs.on_wakeup_new),
            (PROBE_FORK, &programs.on_new_task),
            (PROBE_EXEC, &programs.on_exec),
            (PROBE_EXIT, &programs.on_exit),
            (PROBE_RENAME, &programs.on_rename),
            (PROBE_ITERATE_START, &programs.at_start),
            (PROBE_FIRST_CALL, &programs.cuda_session),
            (PROBE_FIRST_CALL, &programs.cuda_multi_entry),
            (PROBE_FIRST_CALL, &programs.cuda_multi_return),
            (PROBE_FIRST_CALL, &programs.cuda_link_entry),
            (PROBE_FIRST_CALL, &programs.cuda_link_return),
        ];
        let mut missed = BTreeMap::new();
        let of_these = of.map(|(index, program)| (index, sys::recursion_misses(program.as_fd().as_raw_fd())));
        for (index, count) in of_these.into_iter().chain(optional::missed(programs)) {
            *missed.entry(index).or_insert(0) += count;
        }
        missed
    }

    pub fn is_target(&self, pid: u32) -> bool {
        self.skeleton.maps.targets.lookup(&pid.to_ne_bytes(), MapFlags::ANY).is_ok_and(|found| found.is_some())
    }

    /// Targets, with those that the probes added: children of targets, and with --all whoever called CUDA.
    pub fn targets(&self) -> Vec<u32> {
        let keys = self.skeleton.maps.targets.keys();
        keys.filter_map(|key| Some(u32::from_ne_bytes(key.get(..4)?.try_into().ok()?))).collect()
    }

    /// The counters of a probe, summed over the CPUs.
    pub fn counters(&self, index: u32) -> ProbeCounters {
        let mut sum = ProbeCounters::default();
        let by_cpu = self.skeleton.maps.counters.lookup_percpu(&index.to_ne_bytes(), MapFlags::ANY).ok().flatten();
        for counters in by_cpu.iter().flatten().filter_map(|bytes| ProbeCounters::from_bytes(bytes)) {
            sum.hits += counters.hits;
            sum.emitted += counters.emitted;
            sum.merged += counters.merged;
            sum.filtered += counters.filtered;
            sum.lost += counters.lost;
        }
        sum
    }

    pub fn running_now(&self) -> Vec<RunningNow> {
        let look = |cpu: u32| {
            let bytes = self.skeleton.maps.cpu_states.lookup(&cpu.to_ne_bytes(), MapFlags::ANY).ok()??;
            let tid = u32::from_ne_bytes(bytes.get(CPU_STATE_TID..CPU_STATE_TID + 4)?.try_into().ok()?);
            let slice_start_ns = u64::from_ne_bytes(bytes.get(..8)?.try_into().ok()?);
            (tid != 0 && tid != TID_UNKNOWN).then_some(RunningNow { cpu, tid, slice_start_ns })
        };
        (0..self.cpus).filter_map(look).collect()
    }

    /// Block requests that are not done.
    pub fn open_requests(&self) -> Vec<BlockRecord> {
        let requests = &self.skeleton.maps.block_requests;
        let look = |key: Vec<u8>| BlockRecord::from_bytes(&requests.lookup(&key, MapFlags::ANY).ok()??);
        requests.keys().filter_map(look).collect()
    }

    pub fn untold_losses(&self) -> Vec<UntoldLoss> {
        let mut losses = Vec::new();
        for class in 0..RING_CLASSES {
            for source in 1..=2 {
                for cpu in 0..self.cpus {
                    let key = (class * 2 + source - 1) * self.cpus + cpu;
                    let Ok(Some(bytes)) = self.skeleton.maps.pending_losses.lookup(&key.to_ne_bytes(), MapFlags::ANY)
                    else {
                        continue;
                    };
                    let word = |at: usize| {
                        bytes.get(at..at + 8).and_then(|word| Some(u64::from_ne_bytes(word.try_into().ok()?)))
                    };
                    if let (Some(start_ns), Some(events)) = (word(0), word(8))
                        && events > 0
                    {
                        losses.push(UntoldLoss { class, source, cpu, start_ns, events });
                    }
                }
            }
        }
        losses
    }
}

fn choose_programs(open: &mut OpenWakechainSkel<'_>, rung: Rung, kernel: &Kernel) {
    let programs = &mut open.progs;
    programs.cuda_session.set_autoload(rung == Rung::Session);
    programs.cuda_multi_entry.set_autoload(rung == Rung::Multi);
    programs.cuda_multi_return.set_autoload(rung == Rung::Multi);
    programs.cuda_link_entry.set_autoload(rung == Rung::Link);
    programs.cuda_link_return.set_autoload(rung == Rung::Link);
    programs.on_sched_switch.set_autoload(kernel.switch_says_state);
    programs.on_sched_switch_without_state.set_autoload(!kernel.switch_says_state);
}

fn set_options(
    open: &mut OpenWakechainSkel<'_>,
    options: ProbeOptions,
    kernel: &Kernel,
    sizes: RingSizes,
    cpus: u32,
) -> libbpf_rs::Result<()> {
    if let Some(fixed) = open.maps.rodata_data.as_mut() {
        fixed.collector_tgid = std::process::id();
        fixed.rings_per_class = cpus;
        fixed.wake_bytes = sizes.wake_bytes();
        fixed.off_cpu_threshold_ns = options.off_cpu_threshold_ns;
        fixed.call_threshold_ns = options.call_threshold_ns;
        fixed.stacks_per_second = options.stacks_per_second;
        fixed.first_calls = options.first_calls;
        fixed.record_everyone = options.record_everyone;
        fixed.target_everyone = options.target_everyone;
        fixed.governed = options.governed;
        fixed.max_events_per_second = options.max_events_per_second;
        if let Some(distance) = kernel.preempt_count_from_run_queue {
            fixed.preempt_count_known = true;
            fixed.preempt_count_from_run_queue = distance;
        }
    }
    open.maps.rings.set_max_entries(1 + (RING_CLASSES - 1) * cpus)?;
    open.maps.pending_losses.set_max_entries(RING_CLASSES * 2 * cpus)?;
    open.maps.cpu_states.set_max_entries(cpus)
}

/// Puts the rings into the array. In one go where the kernel can: it waits for every running program after each update of
/// such an array, which takes it some milliseconds.
fn hand_over(array: &MapMut<'_>, rings: &[MapHandle]) -> libbpf_rs::Result<()> {
    let keys: Vec<u8> = (0..rings.len() as u32).flat_map(u32::to_ne_bytes).collect();
    let values: Vec<u8> = rings.iter().flat_map(|ring| ring.as_fd().as_raw_fd().to_ne_bytes()).collect();
    let count = rings.len() as u32;
    if array.update_batch(&keys, &values, count, MapFlags::ANY, MapFlags::ANY).is_ok() {
        return Ok(());
    }
    keys.chunks_exact(4)
        .zip(values.chunks_exact(4))
        .try_for_each(|(key, value)| array.update(key, value, MapFlags::ANY))
}

/// Runs a task iterator to its end. It writes nothing: what it finds goes to the rings.
fn iterate(program: &ProgramMut<'_>) -> Result<(), CaptureError> {
    let failed = |error: &dyn std::fmt::Display| {
        CaptureError::new("iterate", format!("The threads of this host cannot be listed: {error}."), "")
    };
    let link = program.attach_iter_with_opts(IterOpts::None).map_err(|error| failed(&error))?;
    let mut iterator = Iter::new(&link).map_err(|error| failed(&error))?;
    let mut nothing = [0u8; 64];
    loop {
        match iterator.read(&mut nothing) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // The kernel pauses after a million tasks, or for a signal.
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
}

/// What libbpf said when it was not content, the verifier's words among it: the reason of an error that is only a number.
static COMPLAINTS: Mutex<String> = Mutex::new(String::new());
const COMPLAINTS_BYTES: usize = 64 * 1024;

fn keep_complaint(_: libbpf_rs::PrintLevel, text: String) {
    let mut complaints = COMPLAINTS.lock().unwrap_or_else(PoisonError::into_inner);
    if complaints.len() < COMPLAINTS_BYTES {
        complaints.push_str(&text);
    }
}

/// The last few lines.
fn complaints() -> String {
    let complaints = COMPLAINTS.lock().unwrap_or_else(PoisonError::into_inner);
    let lines: Vec<&str> = complaints.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

fn load_error(error: &libbpf_rs::Error) -> CaptureError {
    let code = match error.kind() {
        libbpf_rs::ErrorKind::PermissionDenied => "bpf_permission",
        _ => "bpf_load",
    };
    let hint = match code {
        "bpf_permission" => "Run as root, or give the collector CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE.",
        _ => "Run `wakechain-collector check`: it says what this kernel lacks.",
    };
    CaptureError::new(code, format!("The kernel did not accept the probes: {error:#}.\n{}", complaints()), hint)
}
