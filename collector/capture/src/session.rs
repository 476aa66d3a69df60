//! One capture from beginning to end: probes in, a loop that looks after them, then everything told that is still open.

mod govern;
mod looking;
mod space;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::MaybeUninit;
use std::thread;
use std::time::{Duration, Instant};

use libbpf_rs::OpenObject;
use serde_json::{Value, json};
use wakechain_host::libraries::Finder;
use wakechain_host::mappings::mappings;
use wakechain_host::process;
use wakechain_wire::{
    PROBE_BLOCK_END, PROBE_SLICE_END, RECORD_COUNTERS, RECORD_END, RECORD_KERNEL_SYMBOLS, RECORD_META, RECORD_METRICS,
    RECORD_OWNERS, RECORD_PROBES,
};

use crate::attach::{self, Attacher};
use crate::command::{self, HeldCommand, RunningCommand};
use crate::control::{Control, Wish};
use crate::counts::Counts;
use crate::error::CaptureError;
use crate::host_scan::{self, HostScan};
use crate::kernel_symbols;
use crate::leftovers;
use crate::metrics::{GpuReadings, Metrics, READ_EVERY, SHORTEST_READING};
use crate::options::{
    CaptureOptions, CaptureOutcome, DEFAULT_DURATION, EndReason, Profile, Progress, Recording, Started, Target, Targets,
};
use crate::owners;
use crate::probes::{ProbeOptions, Probes};
use crate::processes::Processes;
use crate::rings::{Reader, RingSizes, Rings};
use crate::spool::{Spool, SpoolSender};
use crate::sys;
use crate::sys::mapped_files::MappedFiles;
use govern::Thinning;
use looking::Look;

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Whether the targets still live; where the kernel does not tell of libraries, they are looked for as often.
const SCAN_EVERY: Duration = Duration::from_millis(100);
/// Processes that are no targets are told of, too.
const SCAN_HOST_EVERY: Duration = Duration::from_secs(1);
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Stacks of one thread, each second: a bound on what a thread that waits often can cost.
const STACKS_PER_SECOND: u64 = 2000;
const SAMPLE_HZ: u32 = 99;
const DEEP_SAMPLE_HZ: u32 = 999;
const FIRST_CALLS: u64 = 8;
const DEEP_THRESHOLD: Duration = Duration::from_micros(5);

/// See `crate::run`.
pub fn run(
    options: &CaptureOptions,
    control: &Control,
    progress: &mut dyn FnMut(Progress),
) -> Result<CaptureOutcome, CaptureError> {
    if let Some(cpu) = options.cpu {
        sys::pin_to_cpu(cpu).map_err(|error| {
            CaptureError::new(
                "cpu",
                format!("The collector cannot be pinned to CPU {cpu}: {error}."),
                "Name a CPU that is online.",
            )
        })?;
    }
    let (mut spool, sender) = Spool::create(&options.spool)?;
    let result = record(options, control, progress, &mut spool, sender);
    // What was recorded is worth a trace, though something failed later.
    if result.as_ref().is_err_and(|error| !error.spool_kept) {
        spool.remove();
    }
    result
}

fn record(
    options: &CaptureOptions,
    control: &Control,
    progress: &mut dyn FnMut(Progress),
    spool: &mut Spool,
    sender: SpoolSender,
) -> Result<CaptureOutcome, CaptureError> {
    let began = Instant::now();
    let cpus = libbpf_rs::num_possible_cpus()
        .map_err(|error| CaptureError::new("cpus", format!("The CPUs cannot be counted: {error}."), ""))?
        as u32;
    let sizes = RingSizes::new(cpus, options.ring_bytes);
    let mut rings = Rings::create(cpus, sizes)?;
    let mut storage = MaybeUninit::<OpenObject>::uninit();
    let mut probes = Probes::load(&mut storage, probe_options(options), &rings, sizes, cpus)?;
    let thinning = Thinning::new(options.overhead_percent, &mut probes, &mut rings, sizes);
    // From before the targets are looked at: whatever they map from here on is told.
    let mapped = MappedFiles::watch(cpus).ok();
    let mut session = Session::new(options, probes, sender, mapped, thinning);
    let (held, probe_rows) = session.prepare_targets()?;
    let host =
        matches!(options.targets, Targets::All).then(HostScan::start).transpose().map_err(CaptureError::no_thread)?;
    let load_and_attach_ns = began.elapsed().as_nanos() as u64;

    // First of all the time: what happens from here on is recorded, and waits in the rings until META is written.
    session.start_ns = session.probes.start();
    let start_cpu_ns = sys::cpu_time_ns();
    session.scanned_ns = session.start_ns;
    session.sender.json(RECORD_META, &session.meta(cpus));
    session.sender.flush();
    for rows in probe_rows {
        session.sender.json(RECORD_PROBES, &rows);
    }
    let reader = rings.read_into(session.sender.clone(), session.probes.lease.clone())?;
    session.probes.tell_existing()?;
    let command_pid = held.as_ref().map(|held| held.pid);
    let mut command = held.map(HeldCommand::release).transpose()?;
    progress(Progress::Started(Started {
        pid: std::process::id(),
        targets: session.target_list(),
        probes: session.attacher.attached + attach::FIXED_PROBES - session.probes.refused.len(),
        refused: session.attacher.refused + session.probes.refused.len(),
        command_pid,
        load_and_attach_ns,
    }));

    let looked = session.look_after(control, progress, spool, command.as_mut(), host.as_ref());
    drop(host);
    let recorded = looked.map(|end_reason| (end_reason, session.end(reader)));
    // What recording itself cost; what came before it, and the building of the trace, disturbed nothing that is in it.
    let collector_cpu_ns = sys::cpu_time_ns() - start_cpu_ns;
    // Cancelled or not: a command that still runs ends with the capture.
    let exit_status = command.as_mut().and_then(RunningCommand::end);
    let (end_reason, end_ns) = recorded?;
    let end = End { reason: end_reason, end_ns, exit_status, collector_cpu_ns };
    session.finish(spool, end).map_err(CaptureError::after_start)
}

/// How a recording ended, and what it cost.
struct End {
    reason: EndReason,
    end_ns: u64,
    exit_status: Option<i32>,
    collector_cpu_ns: u64,
}

struct Session<'a, 'obj> {
    options: &'a CaptureOptions,
    probes: Probes<'obj>,
    attacher: Attacher,
    finder: Finder,
    processes: Processes,
    sender: SpoolSender,
    start_ns: u64,
    /// When the targets were last looked over.
    scanned_ns: u64,
    /// Nothing where the kernel does not let us watch.
    mapped: Option<MappedFiles>,
    thinning: Thinning,
    looked_at: HashSet<u32>,
    ever_targets: BTreeSet<u32>,
    /// Processes that were to become targets and found no room yet: since when.
    waiting: BTreeMap<u32, u64>,
    counts: Counts,
    /// What failed once the recording had begun, a sentence each: the trace is the poorer for it.
    failed: Vec<String>,
}

impl<'a, 'obj> Session<'a, 'obj> {
    fn new(
        options: &'a CaptureOptions,
        probes: Probes<'obj>,
        sender: SpoolSender,
        mapped: Option<MappedFiles>,
        thinning: Thinning,
    ) -> Self {
        Session {
            options,
            probes,
            attacher: Attacher::new(options.probe_choices.clone()),
            finder: Finder::new(),
            processes: Processes::default(),
            sender,
            start_ns: 0,
            scanned_ns: 0,
            mapped,
            thinning,
            looked_at: HashSet::new(),
            ever_targets: BTreeSet::new(),
            waiting: BTreeMap::new(),
            counts: Counts::default(),
            failed: Vec::new(),
        }
    }

    // ---- before ----------------------------------------------------------------------------------------------------

    /// Puts the probes in for the targets that are known now. The rows of the probe table.
    fn prepare_targets(&mut self) -> Result<(Option<HeldCommand>, Vec<Value>), CaptureError> {
        let mut rows = vec![attach::fixed_rows(&self.probes.refused)];
        let mut held = None;
        match &self.options.targets {
            Targets::Processes(pids) => {
                for pid in pids {
                    process::facts(*pid).map_err(|error| {
                        CaptureError::new(
                            "no_such_process",
                            format!("Process {pid} cannot be captured: {error}."),
                            "`wakechain-collector processes` lists those that use CUDA.",
                        )
                    })?;
                    self.add_target(*pid)?;
                    rows.extend(self.attach_mapped(*pid));
                }
            }
            Targets::All => {
                for pid in host_scan::by_file_name() {
                    self.add_found(pid);
                    rows.extend(self.attach_mapped(pid));
                }
            }
            Targets::Command(line) => {
                let child = HeldCommand::start(line)?;
                self.add_target(child.pid)?;
                held = Some(child);
                for file in command::libraries_it_may_load(line) {
                    rows.extend(self.attacher.attach_file(&self.probes, &file));
                }
            }
        }
        Ok((held, rows))
    }

    fn add_target(&mut self, pid: u32) -> Result<(), CaptureError> {
        self.probes.add_target(pid)?;
        self.ever_targets.insert(pid);
        Ok(())
    }

    fn attach_mapped(&mut self, pid: u32) -> Vec<Value> {
        let all = mappings(pid).unwrap_or_default();
        let files = self.finder.among(pid, &all);
        files.iter().filter_map(|file| self.attacher.attach_file(&self.probes, file)).collect()
    }

    fn meta(&self, cpus: u32) -> Value {
        let options = self.options;
        let text = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        json!({
            "start_ns": self.start_ns,
            "start_unix_ns": sys::unix_ns_at(self.start_ns).to_string(),
            "host": text("/proc/sys/kernel/hostname"),
            "kernel": text("/proc/sys/kernel/osrelease"),
            "boot_id": text("/proc/sys/kernel/random/boot_id"),
            "machine": std::env::consts::ARCH,
            "cpus": cpus,
            "collector_version": env!("CARGO_PKG_VERSION"),
            "command_line": options.command_line,
            "profile": options.profile,
            "options": {
                "duration_ns": options.duration.map(|duration| duration.as_nanos() as u64),
                "ring_bytes": options.ring_bytes,
                "overhead_percent": options.overhead_percent,
                "max_events_per_second": options.max_events_per_second,
                "max_bytes": options.max_bytes,
                "cpu": options.cpu,
                "rung": self.probes.rung,
                "probes": options.probe_choices.iter().map(ToString::to_string).collect::<Vec<_>>(),
            },
            "check": options.check,
            "targets": self.target_list(),
            "collector_pid": std::process::id(),
            "off_cpu_threshold_ns": probe_options(options).off_cpu_threshold_ns,
            "page_size": sys::page_size(),
            "block_devices": block_devices(),
            "gpu_device_majors": gpu_device_majors(&text("/proc/devices")),
        })
    }

    fn target_list(&self) -> Vec<Target> {
        self.ever_targets.iter().map(|pid| self.processes.target(*pid)).collect()
    }

    // ---- while it records ------------------------------------------------------------------------------------------

    fn look_after(
        &mut self,
        control: &Control,
        progress: &mut dyn FnMut(Progress),
        spool: &Spool,
        mut command: Option<&mut RunningCommand>,
        host: Option<&HostScan>,
    ) -> Result<EndReason, CaptureError> {
        let began = Instant::now();
        let duration = match (self.options.duration, &command) {
            (Some(duration), _) => Some(duration),
            (None, Some(_)) => None,
            (None, None) => Some(DEFAULT_DURATION),
        };
        let mut scanned = began;
        let mut host_scanned = began;
        let mut reported = began;
        let mut counted = began;
        let mut read = began;
        let mut metrics = Metrics::start(&self.ever_targets);
        let _gpus = GpuReadings::start(self.sender.clone());
        self.scan(Look::AtAll);
        self.note_processes(true);
        loop {
            let ends = match control.wish() {
                Wish::Cancel => return Err(CaptureError::cancelled()),
                Wish::Stop(reason) => Some(reason),
                // The writer's own error says more; it comes out of finish().
                Wish::GoOn if spool.failed() => Some(EndReason::Stopped),
                Wish::GoOn if command.as_mut().is_some_and(|command| command.ended().is_some()) => {
                    Some(EndReason::CommandExited)
                }
                Wish::GoOn if duration.is_some_and(|duration| began.elapsed() >= duration) => Some(EndReason::Duration),
                Wish::GoOn => None,
            };
            // the last one too, but not over a stretch that is short beside a clock tick: it would tell of 100 % where one fell
            let due = if ends.is_some() { SHORTEST_READING } else { READ_EVERY };
            if read.elapsed() >= due {
                read = Instant::now();
                self.sender.json(RECORD_METRICS, &metrics.read(&self.ever_targets));
            }
            if let Some(reason) = ends {
                return Ok(reason);
            }
            let rest = duration.map_or(LOOK_EVERY, |duration| duration.saturating_sub(began.elapsed()));
            thread::sleep(rest.min(LOOK_EVERY));

            self.govern();
            self.take_arrivals(host);
            if scanned.elapsed() >= SCAN_EVERY {
                scanned = Instant::now();
                for pid in host.iter().flat_map(|host| host.found()) {
                    self.add_found(pid);
                }
                self.add_waiting();
                if self.scan(Look::AtNew) == 0 && command.is_none() && !matches!(self.options.targets, Targets::All) {
                    return Ok(EndReason::TargetsExited);
                }
            }
            if host_scanned.elapsed() >= SCAN_HOST_EVERY {
                host_scanned = Instant::now();
                self.scan(Look::AtAll);
                self.tell_owners();
                self.note_processes(false);
            }
            if reported.elapsed() >= PROGRESS_EVERY {
                reported = Instant::now();
                if let Some(reason) = self.out_of_room(spool) {
                    return Ok(reason);
                }
                self.counts.read(&self.probes, self.attacher.indices());
                progress(Progress::Recording(self.recording(spool)));
            }
            if counted.elapsed() >= COUNT_EVERY {
                counted = Instant::now();
                self.tell_limited();
                self.sender.json(RECORD_COUNTERS, &self.counts.json());
            }
        }
    }

    fn recording(&self, spool: &Spool) -> Recording {
        Recording {
            elapsed_ns: sys::monotonic_ns() - self.start_ns,
            events: spool.events(),
            lost: self.counts.lost(),
            bytes: spool.bytes(),
            trace_bytes: space::estimated_trace_bytes(spool.bytes()),
            targets: self.ever_targets.len(),
            governor_level: self.thinning.level(),
        }
    }

    /// Tells of every process of the host; later only of those not met before.
    fn note_processes(&mut self, all: bool) {
        for pid in process::pids() {
            if all || !self.processes.knows(pid) {
                self.processes.note(pid, self.ever_targets.contains(&pid), &self.sender);
            }
        }
    }

    /// Of sockets that had to send something again since this was last asked.
    fn tell_owners(&self) {
        let sockets = self.sender.sockets();
        if !sockets.is_empty() {
            self.sender.json(RECORD_OWNERS, &owners::of(&sockets, &self.ever_targets, &process::pids()));
        }
    }

    // ---- after -----------------------------------------------------------------------------------------------------

    /// Ends the recording, and hands over everything that is still on its way. The time of the end.
    fn end(&mut self, reader: Reader) -> u64 {
        self.scan(Look::AtAll);
        for (pid, since_ns) in std::mem::take(&mut self.waiting) {
            self.note_not_seen("calls", "too_many_targets", since_ns, Some(pid));
        }
        let (end_ns, told) = self.probes.end(&reader.maps);
        if let Err(error) = told {
            self.note_not_seen("off_cpu that had not ended", error.code, self.start_ns, None);
            self.failed.push(format!("What was still open at the end is missing. {error}"));
        }
        self.end_thinning(end_ns);
        self.tell_limited();
        self.attacher.detach();
        self.probes.detach();
        reader.finish();
        self.tell_owners();
        let slices = leftovers::open_slices(&self.probes.running_now(), self.start_ns, end_ns, &self.sender);
        let requests = leftovers::open_requests(self.probes.open_requests(), end_ns, &self.sender);
        leftovers::untold_losses(&self.probes.untold_losses(), end_ns, &self.sender);
        self.counts.read(&self.probes, self.attacher.indices());
        self.counts.add_open(PROBE_SLICE_END, slices);
        self.counts.add_open(PROBE_BLOCK_END, requests);
        end_ns
    }

    fn finish(
        self,
        spool: &mut Spool,
        End { reason: end_reason, end_ns, exit_status, collector_cpu_ns }: End,
    ) -> Result<CaptureOutcome, CaptureError> {
        let sender = &self.sender;
        sender.json(RECORD_COUNTERS, &self.counts.json());
        if let Some(rows) = self.attacher.unmet_choices() {
            sender.json(RECORD_PROBES, &rows);
        }
        let addresses = sender.kernel_addresses();
        sender.json(RECORD_KERNEL_SYMBOLS, &kernel_symbols::for_addresses(&addresses));
        let targets = self.target_list();
        let mut end = json!({
            "at_ns": end_ns,
            "end_reason": end_reason.as_str(),
            "overhead": self.overhead(collector_cpu_ns),
            // instead of those of META: by now their names are known, and their children
            "targets": targets,
        });
        if let Some(status) = exit_status {
            end["exit_status"] = json!(status);
        }
        sender.json(RECORD_END, &end);
        let governor_level = self.thinning.highest_level;
        let (counts, start_ns, mut inconsistencies) = (self.counts.clone(), self.start_ns, self.failed.clone());
        // with its sender, for which the writer waits
        drop(self);
        let tally = spool.finish()?;
        inconsistencies.extend(counts.inconsistencies(&tally));
        Ok(CaptureOutcome {
            spool: spool.path().to_owned(),
            spool_bytes: spool.bytes(),
            end_reason,
            exit_status,
            recording: Recording {
                elapsed_ns: end_ns - start_ns,
                events: tally.events,
                lost: counts.lost(),
                bytes: spool.bytes(),
                trace_bytes: space::estimated_trace_bytes(spool.bytes()),
                targets: targets.len(),
                governor_level,
            },
            targets,
            inconsistencies,
        })
    }
}

/// Names of whole disks, by "major:minor".
fn block_devices() -> BTreeMap<String, String> {
    let disks = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let numbered = |disk: std::fs::DirEntry| {
        let number = std::fs::read_to_string(disk.path().join("dev")).ok()?;
        Some((number.trim().to_owned(), disk.file_name().to_string_lossy().into_owned()))
    };
    disks.filter_map(numbered).collect()
}

/// Of character devices: all of NVIDIA's modules but the first get theirs at run time.
fn gpu_device_majors(devices: &str) -> Vec<u32> {
    let characters = devices.lines().take_while(|line| !line.starts_with("Block"));
    let pairs = characters.filter_map(|line| line.trim().split_once(' '));
    pairs.filter(|(_, name)| name.starts_with("nvidia")).filter_map(|(major, _)| major.parse().ok()).collect()
}

fn probe_options(options: &CaptureOptions) -> ProbeOptions {
    let threshold = match options.profile {
        Profile::Deep => options.off_cpu_threshold.min(DEEP_THRESHOLD),
        Profile::Minimal | Profile::Standard => options.off_cpu_threshold,
    };
    ProbeOptions {
        off_cpu_threshold_ns: threshold.as_nanos() as u64,
        call_threshold_ns: threshold.as_nanos() as u64,
        stacks_per_second: match options.profile {
            Profile::Minimal => 0,
            Profile::Standard => STACKS_PER_SECOND,
            Profile::Deep => 1_000_000,
        },
        first_calls: if options.profile == Profile::Deep { u64::MAX } else { FIRST_CALLS },
        record_everyone: options.profile != Profile::Minimal,
        sample_hz: match options.profile {
            Profile::Minimal => 0,
            Profile::Standard => options.sample_hz.unwrap_or(SAMPLE_HZ),
            Profile::Deep => options.sample_hz.unwrap_or(DEEP_SAMPLE_HZ),
        },
        target_everyone: matches!(options.targets, Targets::All),
        rung: options.rung,
        governed: options.overhead_percent > 0.0,
        max_events_per_second: options.max_events_per_second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use wakechain_wire::spool::SpoolReader;
    use wakechain_wire::{PROBE_FORK, RECORD_COVERAGE, record::Records, text::Joiner};

    /// Greater than any process id there can be.
    const NO_PROCESS: u32 = 1 << 23;

    fn with_session(use_it: impl FnOnce(Session<'_, '_>, Rings, &mut Spool)) {
        let folder = tempfile::tempdir().expect("tempdir");
        let options = CaptureOptions::new(Targets::All, folder.path().join("spool"));
        let (mut spool, sender) = Spool::create(&options.spool).expect("spool");
        let cpus = libbpf_rs::num_possible_cpus().expect("cpus") as u32;
        let sizes = RingSizes::new(cpus, None);
        let rings = Rings::create(cpus, sizes).expect("rings: needs root");
        let mut storage = MaybeUninit::<OpenObject>::uninit();
        // Nobody else's calls shall add targets here.
        let wanted = ProbeOptions { target_everyone: false, ..probe_options(&options) };
        let probes = Probes::load(&mut storage, wanted, &rings, sizes, cpus).expect("probes: needs root");
        let mut session = Session::new(&options, probes, sender, None, Thinning::default());
        session.start_ns = session.probes.start();
        use_it(session, rings, &mut spool);
    }

    fn fill(session: &mut Session<'_, '_>) {
        let fits = |pid: &u32| session.probes.add_target(*pid).is_ok();
        let count = (NO_PROCESS..2 * NO_PROCESS).take_while(fits).count();
        assert!(count < 20_000, "the map has room for as many as bpf/state.h says");
    }

    fn coverage(spool: &Spool) -> Vec<Value> {
        let mut reader = SpoolReader::open(std::fs::File::open(spool.path()).expect("spool")).expect("spool");
        let (mut raw, mut joiner, mut rows) = (Vec::new(), Joiner::default(), Vec::new());
        while reader.next_block(&mut raw).expect("whole").is_some() {
            let texts = Records::new(&raw).filter_map(|(_, record)| joiner.push(&record));
            let told = texts.filter(|text| text.kind == RECORD_COVERAGE);
            rows.extend(told.map(|text| serde_json::from_str::<Value>(&text.text).expect("JSON")));
        }
        rows
    }

    #[test]
    fn a_process_that_finds_no_room_becomes_a_target_later_and_the_time_between_is_told() {
        with_session(|mut session, _rings, spool| {
            let own = std::process::id();
            fill(&mut session);
            session.add_found(own);
            session.add_waiting();
            assert!(!session.probes.targets().contains(&own));
            session.probes.remove_target(NO_PROCESS);
            session.add_waiting();
            assert!(session.probes.targets().contains(&own) && session.ever_targets.contains(&own));
            drop(session);
            spool.finish().expect("spool");
            let rows = coverage(spool);
            assert_eq!(rows.len(), 1, "{rows:?}");
            assert_eq!((&rows[0]["reason"], &rows[0]["tid"]), (&json!("too_many_targets"), &json!(own)));
            assert!(rows[0]["end_ns"].as_u64() > rows[0]["start_ns"].as_u64());
        });
    }

    #[test]
    fn a_recording_whose_end_cannot_be_told_in_full_is_still_one() {
        with_session(|mut session, rings, spool| {
            let mut reader = rings.read_into(session.sender.clone(), session.probes.lease.clone()).expect("reader");
            // what is no ring is refused by the kernel
            let options = libbpf_rs::libbpf_sys::bpf_map_create_opts {
                sz: size_of::<libbpf_rs::libbpf_sys::bpf_map_create_opts>() as _,
                ..Default::default()
            };
            let wrong = libbpf_rs::MapHandle::create(libbpf_rs::MapType::Array, Some("wrong"), 4, 4, 1, &options);
            reader.maps = vec![wrong.expect("map")];
            let end_ns = session.end(reader);
            let end = End { reason: EndReason::Duration, end_ns, exit_status: None, collector_cpu_ns: 0 };
            let outcome = session.finish(spool, end).expect("what was recorded");
            assert!(outcome.inconsistencies[0].contains("open at the end"), "{:?}", outcome.inconsistencies);
            assert_eq!(coverage(spool)[0]["what"], "off_cpu that had not ended");
        });
    }

    #[test]
    fn children_are_targets_while_they_live_and_where_there_is_room() {
        with_session(|mut session, _rings, _| {
            session.probes.add_target(std::process::id()).expect("room");
            let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
            let living = session.probes.targets();
            drop(child.stdin.take());
            child.wait().expect("cat");
            assert!(living.contains(&child.id()), "a child of a target");
            assert!(!session.probes.targets().contains(&child.id()), "its number is free again");

            assert_eq!(session.probes.counters(PROBE_FORK).lost, 0);
            // Children of other tests leave room as they end.
            let refused = (0..20).any(|_| {
                fill(&mut session);
                assert!(Command::new("true").status().expect("true").success());
                session.probes.counters(PROBE_FORK).lost > 0
            });
            assert!(refused, "a child that is no target is counted as lost");
            session.probes.end(&[]).1.expect("the end");
            let of = session.probes.counters(PROBE_FORK);
            assert_eq!(of.hits, of.emitted + of.lost, "{of:?}");
        });
    }

    #[test]
    fn gpu_devices_by_proc_devices() {
        let text =
            "Character devices:\n  1 mem\n195 nvidia-frontend\n511 nvidia-uvm\n\nBlock devices:\n  7 nvidia-no\n";
        assert_eq!(super::gpu_device_majors(text), [195, 511]);
    }
}
