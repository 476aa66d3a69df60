//! The command `capture`: record into a spool, build the trace from it, and leave what was promised: the trace; or,
//! when building failed, the spool and the sentence how to go on; or, after `cancel`, nothing.

use crate::arguments;
use crate::build::{CaptureEnd, build, say_finished};
use crate::codes::Failure;
use crate::control::Ending;
use crate::lines;
use crate::places::Places;
use crate::report;
use serde::Serialize;
use std::fs;
use std::path::Path;
use std::time::Duration;
use wakechain_capture::{
    CaptureOptions, CommandLine, CommandUser, DEFAULT_DURATION, Progress, Started, Target, Targets,
};
use wakechain_host::check::{Check, Wanted};
use wakechain_host::users;

pub fn command(arguments: arguments::Capture) -> Result<(), Failure> {
    let places = Places::of_capture(&arguments.output, arguments.spool.as_deref())?;
    let check = Check::run(&Wanted { directories: places.folders(), processes: None }, vec![report::rung()]);
    if let Some(item) = check.failure() {
        let message = format!("A capture cannot work on this host: {} {}", item.message, item.cost);
        return Err(Failure::new(item.code, message, &item.hint));
    }
    let options = options(&arguments, &places, &check)?;
    let duration = options.duration.or((!matches!(options.targets, Targets::Command(_))).then_some(DEFAULT_DURATION));
    let ending = Ending::listen(arguments.control_stdin)?;

    let mut progress = |progress: Progress| match progress {
        Progress::Started(started) => say_started(&started, &places.spool, duration),
        Progress::Recording(recording) => lines::say("progress", &recording),
    };
    let mut outcome = wakechain_capture::run(&options, &ending.control, &mut progress)
        .map_err(|error| if error.spool_kept { keep(error.into(), &places.spool) } else { error.into() })?;
    lines::tell("Building the trace.");
    let mut report =
        build(&places.spool, &places.output, arguments.owner, &|| ending.gives_up()).map_err(|mut failure| {
            if ending.control.is_cancelled() {
                let _ = fs::remove_file(&places.spool);
                return Failure::cancelled();
            }
            if failure.is_cancelled() {
                failure = Failure::new("interrupted", "A second signal came before the trace was built", "");
            }
            keep(failure, &places.spool)
        })?;
    // The last moment at which `cancel` can come: from here on the trace is promised.
    if ending.control.is_cancelled() {
        remove_all(&places);
        return Err(Failure::cancelled());
    }
    if !arguments.keep_spool {
        let _ = fs::remove_file(&places.spool);
    }
    let spool = arguments.keep_spool.then_some(places.spool);
    report.inconsistencies.append(&mut outcome.inconsistencies);
    say_finished(&report, &CaptureEnd { exit_status: outcome.exit_status, spool });
    Ok(())
}

fn options(arguments: &arguments::Capture, places: &Places, check: &Check) -> Result<CaptureOptions, Failure> {
    let targets = if arguments.all {
        Targets::All
    } else if arguments.command.is_empty() {
        Targets::Processes(arguments.pids.clone())
    } else {
        let user = arguments.user.as_deref().map(command_user).transpose()?;
        Targets::Command(CommandLine { arguments: arguments.command.clone(), user })
    };
    Ok(CaptureOptions {
        duration: arguments.duration,
        profile: arguments.profile,
        sample_hz: arguments.sample_hz,
        off_cpu_threshold: Duration::from_micros(arguments.off_cpu_threshold_us),
        ring_bytes: arguments.ring_bytes,
        overhead_percent: arguments.overhead_percent,
        max_events_per_second: arguments.max_events_per_second,
        max_bytes: arguments.max_bytes,
        output_folder: places.folders().into_iter().next(),
        cpu: arguments.cpu,
        probe_choices: arguments.probes.clone(),
        rung: arguments.rung,
        command_line: std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect(),
        check: serde_json::to_value(check).unwrap_or_default(),
        ..CaptureOptions::new(targets, places.spool.clone())
    })
}

fn command_user(wanted: &str) -> Result<CommandUser, Failure> {
    match users::find(wanted) {
        Some(users::User { name, user_id, group_id, groups, home }) => {
            Ok(CommandUser { name, user_id, group_id, groups, home })
        }
        None => Err(Failure::new("no_such_user", format!("There is no user {wanted} here"), "See `getent passwd`.")),
    }
}

/// The spool that a failure left is worth a word: a trace can still be built from it.
fn keep(mut failure: Failure, spool: &Path) -> Failure {
    let how = format!("What was recorded is kept: build the trace with `finalize {} --output FILE`.", spool.display());
    failure.hint = if failure.hint.is_empty() { how } else { format!("{} {how}", failure.hint) };
    failure.spool = Some(spool.to_owned());
    failure
}

fn remove_all(places: &Places) {
    let mut hash = places.output.clone().into_os_string();
    hash.push(".sha256");
    for path in [places.output.as_path(), places.spool.as_path(), Path::new(&hash)] {
        let _ = fs::remove_file(path);
    }
}

fn say_started(started: &Started, spool: &Path, duration: Option<Duration>) {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        started: &'a Started,
        /// What a crash would leave.
        spool: &'a Path,
        /// 0 = as long as the command runs.
        duration_ns: u64,
    }
    let duration_ns = duration.map_or(0, |duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    lines::say("started", &Line { started, spool, duration_ns });
    let until = match duration {
        Some(duration) => format!("for {} s", duration.as_secs_f64()),
        None => "until the command ends".to_owned(),
    };
    lines::tell(&format!(
        "Recording {} with {} probes {until}. Ctrl-C ends it earlier and keeps what was recorded.",
        target_words(&started.targets),
        started.probes,
    ));
}

/// "python3", "python3, demo and 3 more"
fn target_words(targets: &[Target]) -> String {
    // a command that waits for its start has no name yet
    let named =
        |target: &Target| if target.name.is_empty() { format!("process {}", target.pid) } else { target.name.clone() };
    let shown: Vec<String> = targets.iter().take(3).map(named).collect();
    match targets.len() {
        0 => "no process yet".to_owned(),
        count if count > shown.len() => format!("{} and {} more", shown.join(", "), count - shown.len()),
        _ => shown.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_in_words() {
        let target = |pid| Target { pid, name: if pid == 1 { String::new() } else { format!("p{pid}") } };
        let words = |pids: &[u32]| target_words(&pids.iter().map(|pid| target(*pid)).collect::<Vec<_>>());
        assert_eq!(words(&[]), "no process yet");
        assert_eq!(words(&[1]), "process 1");
        assert_eq!(words(&[2, 3]), "p2, p3");
        assert_eq!(words(&[2, 3, 4, 5]), "p2, p3, p4 and 1 more");
    }
}
