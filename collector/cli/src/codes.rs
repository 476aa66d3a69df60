//! Every error code that this program can end with: the extension looks its help up by them, so a code, once given out,
//! keeps its meaning. The test below reads the sources of all crates and finds codes that are missing here.

use std::fmt::Display;
use std::path::PathBuf;
use wakechain_capture::CaptureError;
use wakechain_finalize::FinalizeError;

/// Code, and what it means.
pub const CODES: &[(&str, &str)] = &[
    // the command line
    ("output_exists", "the output file is there already, and is never overwritten"),
    ("output_directory", "the folder of the output or of the spool is not there"),
    ("spool_exists", "the spool of an earlier capture with this output is there still"),
    ("no_such_user", "the user of --as is not known here"),
    ("interrupted", "a second signal came while the trace was built; the spool was kept"),
    ("cancelled", "the line `cancel` came: nothing was left (exit status 3)"),
    ("signals", "signals cannot be caught"),
    // the check of the host, by item
    ("kernel", "the kernel is too old"),
    ("btf", "the kernel does not describe its types"),
    ("privileges", "capabilities are missing"),
    ("namespaces", "this is a container with its own users or process ids"),
    ("lockdown", "the kernel is locked down"),
    ("probes", "the kernel refused the probes when they were tried"),
    ("uprobe_rung", "how uprobes can be attached could not be told"),
    ("perf_event_paranoid", "the kernel has no perf events"),
    ("tracefs", "the kernel has no uprobes"),
    ("disk", "there is no room or no folder to write to"),
    // recording
    ("no_btf", "the kernel does not describe its types"),
    ("bpf_permission", "the kernel did not allow the probes"),
    ("bpf_load", "the kernel did not accept the probes"),
    ("bpf_map", "the memory of the probes cannot be mapped"),
    ("attach_tracepoint", "a probe of the scheduler or of processes was refused"),
    ("ring_create", "a ring buffer could not be made"),
    ("iterate", "the threads of the host could not be listed"),
    ("cpu", "the collector could not be pinned to the CPU of --cpu"),
    ("cpus", "the CPUs could not be counted"),
    ("thread", "a thread of the collector could not be started"),
    ("no_such_process", "a process of --pid is not there"),
    ("too_many_targets", "more processes were named than there is room for"),
    ("command_start", "the command could not be started"),
    ("spool_create", "the spool could not be made"),
    ("spool_write", "the spool could not be written any further; what was recorded until then was kept"),
    ("disk_full", "the disk, or a quota, filled up; what was recorded until then was kept"),
    // building the trace
    ("spool_unreadable", "the spool cannot be read"),
    ("not_a_spool", "the file is no spool"),
    ("spool_version", "the spool was made by a collector of another version"),
    ("spool_empty", "the spool holds nothing that a trace could be built from"),
    ("output_not_writable", "the trace cannot be written"),
    ("output_changed", "somebody replaced the trace while it was written"),
    ("database", "SQLite refused to write"),
];

/// The list for people.
pub fn help() -> String {
    let rows = CODES.iter().map(|(code, meaning)| format!("  {code:<20} {meaning}\n"));
    format!("Codes of errors and of items of the check:\n{}", rows.collect::<String>())
}

/// Why a command ended without its result.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub code: &'static str,
    /// What happened: a sentence.
    pub message: String,
    /// What to do: a sentence, or empty.
    pub hint: String,
    /// What was recorded before, and is still there.
    pub spool: Option<PathBuf>,
}

impl Failure {
    pub fn new(code: &'static str, message: impl Display, hint: impl Display) -> Self {
        Self { code, message: sentence(&message.to_string()), hint: sentence(&hint.to_string()), spool: None }
    }

    pub fn cancelled() -> Self {
        Self::new("cancelled", "The capture was cancelled; nothing was kept.", "")
    }

    pub fn is_cancelled(&self) -> bool {
        self.code == "cancelled"
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Self {
        Self::new(error.code, error.message, error.hint)
    }
}

impl From<FinalizeError> for Failure {
    fn from(error: FinalizeError) -> Self {
        Self::new(error.code, error.message, error.hint.unwrap_or_default())
    }
}

/// A capital letter in front and a full stop behind, unless it begins with a name or ends with a mark of its own.
fn sentence(text: &str) -> String {
    let text = text.trim();
    let first_word = text.split_whitespace().next().unwrap_or_default();
    let is_name = first_word.contains(|c: char| !c.is_ascii_lowercase());
    let mut result = match text.chars().next() {
        Some(first) if !is_name => first.to_uppercase().chain(text.chars().skip(1)).collect(),
        _ => text.to_owned(),
    };
    if result.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '\'' | '`' | '/')) {
        result.push('.');
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn sentences() {
        for (raw, said) in [
            ("the disk is full", "The disk is full."),
            ("/tmp/x is no folder", "/tmp/x is no folder."),
            ("kernel.kptr_restrict is 2", "kernel.kptr_restrict is 2."),
            ("Run it as root.", "Run it as root."),
            ("see `id`", "See `id`."),
            ("", ""),
        ] {
            assert_eq!(sentence(raw), said);
        }
    }

    /// Every string that stands first in a call that makes an error or a failing item.
    fn codes_in(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                codes_in(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).expect("text");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for maker in ["Failure::new(", "CaptureError::new(", "FinalizeError::new(", "Self::new(", "Item::fail("] {
                for (at, _) in code.match_indices(maker) {
                    let Some(literal) = code[at + maker.len()..].trim_start().strip_prefix('"') else { continue };
                    found.extend(literal.split('"').next().map(str::to_owned));
                }
            }
        }
    }

    #[test]
    fn every_code_of_every_crate_is_listed_once() {
        let mut used = BTreeSet::new();
        for crate_name in ["cli", "host", "capture", "finalize"] {
            codes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(crate_name).join("src"), &mut used);
        }
        let listed: BTreeSet<String> = CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
        assert_eq!(listed.len(), CODES.len(), "a code is listed twice");
        let missing: Vec<&String> = used.difference(&listed).collect();
        assert!(missing.is_empty(), "not listed: {missing:?}");
        assert!(used.len() > 10, "{used:?}");
    }
}
