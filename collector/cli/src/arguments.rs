//! The command line, as people and the extension rely on it. `unbuilt.rs` lists what is still to come.

use crate::unbuilt;
use clap::{ArgGroup, Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use wakechain_capture::{ProbeChoice, Profile, Rung, choices};

/// Records why CUDA calls waited: what the kernel and the CUDA libraries did, into one SQLite file.
///
/// Progress and results are JSON objects on standard output, one a line; words for people go to standard error.
/// Exit status: 0 done, 1 failed, 2 wrong usage, 3 cancelled.
#[derive(Debug, Parser)]
#[command(name = "wakechain-collector", version, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what this host can do, item by item; exit status 1 when a capture cannot work
    Check {
        /// One JSON object on standard output instead of text
        #[arg(long)]
        json: bool,
    },
    /// List the processes that map a CUDA library
    Processes {
        /// One JSON object on standard output instead of text
        #[arg(long)]
        json: bool,
    },
    /// Record, then build the trace database
    Capture(Box<Capture>),
    /// Build the trace database from a spool, also from one that was cut short
    Finalize(Finalize),
    /// Print version, build id of the BPF programs, and schema version
    Version {
        /// One JSON object on standard output instead of text
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub struct Finalize {
    /// What `capture --keep-spool`, or a capture that was ended early, has left
    pub spool: PathBuf,
    /// The trace database, which must not exist yet
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// The trace belongs to this user
    #[arg(long, value_name = "UID")]
    pub owner: Option<u32>,
    /// The line `cancel` on standard input ends it and leaves nothing but the spool
    #[arg(long)]
    pub control_stdin: bool,
}

#[derive(Debug, Args)]
#[command(args_override_self = true)]
#[command(group = ArgGroup::new("target").required(true).args(["pids", "all", "command"]))]
pub struct Capture {
    /// The trace database, which must not exist yet
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Options of this list from a TOML file, by their names (duration = 10); what stands on the command line has the last word
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Record this process and what it starts; may be given several times
    #[arg(long = "pid", value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub pids: Vec<u32>,
    /// Record every process that uses CUDA
    #[arg(long)]
    pub all: bool,
    /// Record for so long [default: 10, or as long as the command runs]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    pub duration: Option<Duration>,
    /// Run the command as this user
    #[arg(long = "as", value_name = "USER", conflicts_with_all = ["pids", "all"])]
    pub user: Option<String>,
    /// The trace belongs to this user
    #[arg(long, value_name = "UID")]
    pub owner: Option<u32>,
    /// minimal: no stacks; standard: stacks of slow waits
    #[arg(long, value_name = "PROFILE", default_value = "standard", value_parser = profile)]
    pub profile: Profile,
    /// Keep stacks of waits of at least so many microseconds
    #[arg(long, value_name = "US", default_value_t = 50)]
    pub off_cpu_threshold_us: u64,
    /// Look this many times a second at what each running target thread does; 0 = never [default: 99, deep: 999]
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub sample_hz: Option<u32>,
    /// Size of each ring between kernel and collector [default: by class of event and number of CPUs]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(4096..=1 << 30))]
    pub ring_bytes: Option<u32>,
    /// How much of a thread's time probes may take before they are thinned; 0 = they never are
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true, default_value = "0", value_parser = overhead)]
    pub overhead_percent: f64,
    /// Leave out events beyond so many a second; 0 = no limit
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub max_events_per_second: u64,
    /// End the recording when it has written so many bytes; the trace is about twice as large
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_bytes: Option<u64>,
    /// Probe this function, or all of a category, too (+NAME, or NAME) or leave it out (-NAME); may be given several times
    #[arg(long = "probe", value_name = "[+-]NAME", allow_hyphen_values = true, value_parser = probe)]
    pub probes: Vec<ProbeChoice>,
    /// Attach uprobes in this way instead of the best that the kernel has: session, multi, link
    #[arg(long, hide = true, value_parser = rung)]
    pub rung: Option<Rung>,
    /// Pin the collector to this CPU
    #[arg(long, value_name = "CPU")]
    pub cpu: Option<usize>,
    /// Keep what is recorded here until the trace is built [default: beside the trace]
    #[arg(long, value_name = "DIRECTORY")]
    pub spool: Option<PathBuf>,
    /// Do not remove the spool when the trace is built
    #[arg(long)]
    pub keep_spool: bool,
    /// The line `stop` or the end of standard input ends the recording; `cancel` ends all and leaves nothing
    #[arg(long)]
    pub control_stdin: bool,
    /// Start this once the probes are in, and record it; its output goes to standard error
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

fn profile(text: &str) -> Result<Profile, String> {
    match text {
        "minimal" => Ok(Profile::Minimal),
        "standard" => Ok(Profile::Standard),
        "deep" => Err(unbuilt::DEEP.to_owned()),
        _ => Err("there are minimal and standard".to_owned()),
    }
}

fn probe(text: &str) -> Result<ProbeChoice, String> {
    let (include, function) = match text.strip_prefix('-') {
        Some(function) => (false, function),
        None => (true, text.strip_prefix('+').unwrap_or(text)),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if function.is_empty() || !function.chars().all(is_name) {
        return Err("the name of a function is wanted, with + or - before it: -cudaEventQuery".to_owned());
    }
    choices::check(function)?;
    Ok(ProbeChoice { include, function: function.to_owned() })
}

fn rung(text: &str) -> Result<Rung, String> {
    match text {
        "session" => Ok(Rung::Session),
        "multi" => Ok(Rung::Multi),
        "link" => Ok(Rung::Link),
        _ => Err("there are session, multi and link".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "seconds are wanted, more than 0: 10, 0.5".to_owned();
    let value: f64 = text.parse().map_err(|_| wrong())?;
    let duration = Duration::try_from_secs_f64(value).map_err(|_| wrong())?;
    if duration.is_zero() { Err(wrong()) } else { Ok(duration) }
}

fn overhead(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("a number of percent is wanted, 0 to 100: 2, 0.5; 0 switches it off".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn capture(arguments: &[&str]) -> Result<Capture, String> {
        let line = ["x", "capture"].iter().chain(arguments);
        match Arguments::try_parse_from(line).map_err(|error| error.to_string())?.command {
            Command::Capture(capture) => Ok(*capture),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn targets() {
        let pids = capture(&["--output", "f", "--pid", "3", "--pid", "4"]).expect("pids");
        assert_eq!(pids.pids, [3, 4]);
        let command = capture(&["--output", "f", "--as", "ann", "--", "sh", "-c", "x --pid"]).expect("command");
        assert_eq!(command.command, ["sh", "-c", "x --pid"]);
        assert_eq!(command.user.as_deref(), Some("ann"));
        for wrong in [
            &["--output", "f"][..],
            &["--output", "f", "--all", "--pid", "3"],
            &["--output", "f", "--all", "--", "ls"],
            &["--output", "f", "--pid", "0"],
            &["--output", "f", "--all", "--as", "ann"],
            &["--all"],
            &["--output", "f", "--"],
        ] {
            assert!(capture(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn values() {
        let with = |name: &str, value: &str| capture(&["--output", "f", "--all", name, value]);
        assert_eq!(with("--duration", "0.5").expect("half").duration, Some(Duration::from_millis(500)));
        for (name, value, word) in [
            ("--duration", "0", "more than 0"),
            ("--duration", "-1", "more than 0"),
            ("--duration", "NaN", "more than 0"),
            ("--duration", "1e300", "more than 0"),
            ("--overhead-percent", "-1", "percent"),
            ("--overhead-percent", "101", "percent"),
            ("--overhead-percent", "NaN", "percent"),
            ("--overhead-percent", "x", "percent"),
            ("--profile", "deep", "not built yet"),
            ("--profile", "fast", "minimal and standard"),
            ("--ring-bytes", "1", "4096"),
            ("--owner", "ann", "invalid"),
        ] {
            let error = with(name, value).expect_err(value);
            assert!(error.contains(word), "{name} {value}: {error}");
        }
        let choices = capture(&["--output", "f", "--all", "--probe", "-cudaMalloc", "--probe", "+cudaGetDevice"]);
        let choice = |include, function: &str| ProbeChoice { include, function: function.to_owned() };
        assert_eq!(choices.expect("choices").probes, [choice(false, "cudaMalloc"), choice(true, "cudaGetDevice")]);
        assert_eq!(with("--probe", "cudaMalloc").expect("plain").probes, [choice(true, "cudaMalloc")]);
        let unknown = with("--probe", "-cudaMaloc").expect_err("unknown");
        assert!(unknown.contains("cudaMalloc,"), "{unknown}");
        assert_eq!(with("--probe", "-event").expect("category").probes, [choice(false, "event")]);
        assert!(with("--probe", "-").is_err() && with("--probe", "lib:f").is_err());
        for (text, value) in [("0", 0.0), ("0%", 0.0), ("2.5", 2.5), ("10%", 10.0)] {
            let percent = with("--overhead-percent", text).expect(text).overhead_percent;
            assert!((percent - value).abs() < 1e-9, "{text}: {percent}");
        }
    }
}
