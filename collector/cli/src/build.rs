//! Building the trace from a spool: the command `finalize`, and the end of every capture.

use crate::arguments;
use crate::codes::Failure;
use crate::control::Ending;
use crate::lines;
use crate::places;
use serde::Serialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wakechain_finalize::{EventCounts, FinalizeOptions, FinalizeReport};

const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

pub fn command(arguments: &arguments::Finalize) -> Result<(), Failure> {
    let arguments::Finalize { spool, output, owner, control_stdin } = arguments;
    places::check_output(output)?;
    let ending = Ending::listen(*control_stdin)?;
    let report = build(spool, output, *owner, &|| ending.gives_up_building())?;
    say_finished(&report, &CaptureEnd::default());
    Ok(())
}

/// Says how far it is on the way. Ends early, with nothing left of the trace, when `gives_up` says so.
pub fn build(
    spool: &Path,
    output: &Path,
    owner_uid: Option<u32>,
    gives_up: &dyn Fn() -> bool,
) -> Result<FinalizeReport, Failure> {
    let mut said = None;
    let mut progress = |share: f64| {
        if said.is_none_or(|at: Instant| at.elapsed() >= PROGRESS_INTERVAL) {
            said = Some(Instant::now());
            lines::say("finalizing", &json!({ "share": share }));
        }
    };
    let options = FinalizeOptions { owner_uid };
    wakechain_finalize::finalize(spool, output, &options, &mut progress, gives_up).map_err(|mut error| {
        let name = spool.display().to_string();
        if error.code.contains("spool") && !error.message.contains(&name) {
            error.message = format!("{name}: {}", error.message);
        }
        error.into()
    })
}

/// What only the capture itself knows.
#[derive(Debug, Default, Serialize)]
pub struct CaptureEnd {
    /// Of the command; 128 + the signal's number when one ended it.
    pub exit_status: Option<i32>,
    /// Only where it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spool: Option<PathBuf>,
}

/// The last line of a capture and of `finalize`. Counts are those of the file.
pub fn say_finished(report: &FinalizeReport, end: &CaptureEnd) {
    let EventCounts { cuda_calls, off_cpu, cpu_slices, instants } = report.events;
    let total = cuda_calls + off_cpu + cpu_slices + instants;
    let lost = match report.lost {
        0 if report.cut.is_some() => "what came after the cut is lost".to_owned(),
        0 => "none lost".to_owned(),
        count => format!("{} lost", lines::grouped(count)),
    };
    lines::tell(&format!(
        "{}: {}, {} events, {lost}.",
        report.path.display(),
        lines::megabytes(report.bytes),
        lines::grouped(total)
    ));
    for sentence in &report.inconsistencies {
        lines::tell(&format!("  The counts do not add up: {sentence}"));
    }
    #[derive(Serialize)]
    struct Line<'a> {
        file: &'a Path,
        bytes: u64,
        sha256: &'a str,
        events: Value,
        lost: u64,
        end_reason: &'a str,
        /// Sentences; none = the counts add up.
        inconsistencies: &'a [String],
        #[serde(flatten)]
        end: &'a CaptureEnd,
    }
    let events =
        json!({ "cuda_calls": cuda_calls, "off_cpu": off_cpu, "cpu_slices": cpu_slices, "instants": instants });
    let FinalizeReport { path: file, sha256, end_reason, inconsistencies, .. } = report;
    let (bytes, lost) = (report.bytes, report.lost);
    lines::say("finished", &Line { file, bytes, sha256, events, lost, end_reason, inconsistencies, end });
}
