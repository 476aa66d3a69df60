//! What a capture is asked for, what it says while it runs, and what it hands back: the crate's face to the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// How long a capture lasts when neither a duration nor a command bounds it.
pub const DEFAULT_DURATION: Duration = Duration::from_secs(10);

/// A thread's wait at least this long is kept with its stacks.
pub const DEFAULT_OFF_CPU_THRESHOLD: Duration = Duration::from_micros(50);

/// Of a thread's time, for probes; 0 = nothing is thinned, since the causes do not know yet what was left out of a
/// function's calls.
pub const DEFAULT_OVERHEAD_PERCENT: f64 = 0.0;

#[derive(Clone, Debug)]
pub struct CaptureOptions {
    pub targets: Targets,
    /// `None`: as long as the command runs, or `DEFAULT_DURATION` without one.
    pub duration: Option<Duration>,
    pub profile: Profile,
    pub off_cpu_threshold: Duration,
    /// Samples of each running target thread, each second; 0 = none, `None` = by the profile.
    pub sample_hz: Option<u32>,
    /// Size of each ring; `None` = chosen by class and number of CPUs. Rounded up to a power of two and a page.
    pub ring_bytes: Option<u32>,
    /// Share of a thread's time that the probes may cost before calls are thinned; 0 = never thin.
    pub overhead_percent: f64,
    /// Events that the probes let through; beyond it they are left out, and told of. 0 = no limit.
    pub max_events_per_second: u64,
    /// The recording ends when its spool is as large as this.
    pub max_bytes: Option<u64>,
    /// Where the trace will be built: the recording ends while there is still room for it. `None`: beside the spool.
    pub output_folder: Option<PathBuf>,
    /// Pin the collector's threads to this CPU.
    pub cpu: Option<usize>,
    /// The spool file, made anew (an existing file is an error), mode 0600.
    pub spool: PathBuf,
    /// `--probe +NAME` and `--probe -NAME`, in the order given.
    pub probe_choices: Vec<ProbeChoice>,
    /// Which way of attaching uprobes to use; `None` = the best this kernel has. For tests.
    pub rung: Option<Rung>,
    /// The collector's own command line, as META keeps it (already redacted where asked for).
    pub command_line: Vec<String>,
    /// What `check --json` says of this host; goes into META as it is.
    pub check: Value,
}

impl CaptureOptions {
    #[must_use]
    pub fn new(targets: Targets, spool: PathBuf) -> Self {
        CaptureOptions {
            targets,
            duration: None,
            profile: Profile::Standard,
            off_cpu_threshold: DEFAULT_OFF_CPU_THRESHOLD,
            sample_hz: None,
            ring_bytes: None,
            overhead_percent: DEFAULT_OVERHEAD_PERCENT,
            max_events_per_second: 0,
            max_bytes: None,
            output_folder: None,
            cpu: None,
            spool,
            probe_choices: Vec::new(),
            rung: None,
            command_line: Vec::new(),
            check: Value::Null,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Targets {
    /// These processes, and what they start.
    Processes(Vec<u32>),
    /// Every process that uses CUDA.
    All,
    /// A command that is started once the probes are in, and what it starts.
    Command(CommandLine),
}

#[derive(Clone, Debug)]
pub struct CommandLine {
    /// Program and arguments; the program is looked up in PATH.
    pub arguments: Vec<OsString>,
    /// Run it as this user; `None` = as the collector itself.
    pub user: Option<CommandUser>,
}

/// What `--as USER` was resolved to.
#[derive(Clone, Debug)]
pub struct CommandUser {
    pub name: String,
    pub user_id: u32,
    pub group_id: u32,
    pub groups: Vec<u32>,
    pub home: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// CUDA calls and the targets' off-CPU time, no stacks.
    Minimal,
    Standard,
    /// A stack for every call, threshold 5 us.
    Deep,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeChoice {
    pub include: bool,
    /// A function as exported, or its plain name for all its variants; or a category (`choices`).
    pub function: String,
}

impl std::fmt::Display for ProbeChoice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}{}", if self.include { '+' } else { '-' }, self.function)
    }
}

/// How uprobes are attached: what the kernel offers, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rung {
    /// One link for entry and return together (Linux 6.13).
    Session,
    /// One link for all entries of a file, one for all returns (6.6).
    Multi,
    /// A link for each entry and each return (5.15): slow to take away, so at most `MAX_LINK_FUNCTIONS` functions.
    Link,
}

/// Said while a capture runs, to be printed by the command line.
#[derive(Clone, Debug)]
pub enum Progress {
    /// The probes are in and the command, if any, runs.
    Started(Started),
    /// Twice a second.
    Recording(Recording),
}

#[derive(Clone, Debug, Serialize)]
pub struct Started {
    /// The collector's own pid.
    pub pid: u32,
    pub targets: Vec<Target>,
    /// Functions and tracepoints attached.
    pub probes: usize,
    /// Functions that were wanted and could not be probed.
    pub refused: usize,
    /// The command's pid, when one was started.
    pub command_pid: Option<u32>,
    /// From the first step of loading to the last probe in.
    pub load_and_attach_ns: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub pid: u32,
    pub name: String,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Recording {
    pub elapsed_ns: u64,
    pub events: EventCounts,
    pub lost: u64,
    /// Size of the spool so far.
    pub bytes: u64,
    /// What the trace will have, as far as can be told.
    pub trace_bytes: u64,
    pub targets: usize,
    /// 0 = everything is recorded; each step up leaves something out.
    pub governor_level: u32,
}

/// Records spooled, by class.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct EventCounts {
    pub life: u64,
    pub cuda: u64,
    pub scheduler: u64,
    pub stacks: u64,
    /// Files and sockets of waits, block requests, samples.
    pub host: u64,
}

impl EventCounts {
    #[must_use]
    pub fn total(&self) -> u64 {
        self.life + self.cuda + self.scheduler + self.stacks + self.host
    }
}

#[derive(Clone, Debug)]
pub struct CaptureOutcome {
    pub spool: PathBuf,
    pub spool_bytes: u64,
    pub end_reason: EndReason,
    /// Of the command: its exit status, or 128 + signal. `None` without a command or while it still ran.
    pub exit_status: Option<i32>,
    pub targets: Vec<Target>,
    pub recording: Recording,
    /// Do the counters add up (hits = emitted + merged + filtered + lost; spooled = emitted)? Sentences where they do not.
    pub inconsistencies: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    Duration,
    CommandExited,
    Stopped,
    Signal,
    InputClosed,
    /// Every process asked for has ended.
    TargetsExited,
    /// The spool reached `max_bytes`.
    MaxBytes,
    /// There would soon have been no room for the trace.
    DiskSpace,
}

impl EndReason {
    /// As RECORD_END and `meta.end_reason` spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            EndReason::Duration => "duration",
            EndReason::CommandExited => "command exited",
            EndReason::Stopped => "stopped",
            EndReason::Signal => "signal",
            EndReason::InputClosed => "input closed",
            EndReason::TargetsExited => "targets exited",
            EndReason::MaxBytes => "max bytes",
            EndReason::DiskSpace => "disk space",
        }
    }
}
