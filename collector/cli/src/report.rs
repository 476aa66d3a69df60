//! The commands that only look: check, processes, version.

use crate::lines;
use serde_json::json;
use wakechain_capture::{Rung, features};
use wakechain_host::check::{Check, Item, State, Wanted};
use wakechain_host::cuda_processes::{self, CudaProcesses};
use wakechain_host::process;

/// How uprobes are attached here: an item of the check that costs no loading.
pub fn rung() -> Item {
    match features::best_rung() {
        Ok(rung) => rung_item(rung),
        Err(error) => Item::fail("uprobe_rung", error.message, "CUDA calls cannot be seen.", error.hint),
    }
}

fn rung_item(rung: Rung) -> Item {
    match rung {
        Rung::Session => Item::pass("uprobe_rung", "Entry and return of CUDA calls share one probe (uprobe session)."),
        Rung::Multi => Item::degraded(
            "uprobe_rung",
            "Entry and return of CUDA calls need a probe each (uprobe multi).",
            "A traced call costs about a fifth more than with sessions.",
            "Linux 6.13 and newer have sessions.",
        ),
        Rung::Link => Item::degraded(
            "uprobe_rung",
            "Every probed function needs links of its own (perf links).",
            "At most 40 functions are probed, and taking the probes away takes seconds.",
            "Linux 6.6 and newer attach all of them at once.",
        ),
    }
}

/// Loads the probes and takes them away again.
fn trial() -> Item {
    match features::try_probes() {
        Ok(took) => Item::pass(
            "probes",
            format!("Ring buffers and probes were made, loaded and attached for a trial in {} ms.", took.as_millis()),
        ),
        Err(error) => Item::fail("probes", error.message, "Nothing can be recorded.", error.hint),
    }
}

/// False when a capture cannot work here.
pub fn check(as_json: bool) -> bool {
    let processes = cuda_processes::list();
    let folders = vec![".".into(), std::env::temp_dir()];
    let mut check = Check::run(&Wanted { directories: folders, processes: Some(&processes) }, vec![rung()]);
    // Tried only where nothing speaks against it: the reason is known then, and better said.
    if check.can_capture {
        check.add(trial());
    }
    if as_json {
        lines::say("check", &check);
    } else {
        lines::print(&check_text(&check));
    }
    if let Some(item) = check.failure() {
        lines::tell(&format!("A capture cannot work on this host: {}", item.message));
        if as_json {
            lines::say("error", &json!({ "code": item.code, "message": item.message, "hint": item.hint }));
        }
    }
    check.can_capture
}

fn check_text(check: &Check) -> String {
    let mut text = String::new();
    for item in &check.items {
        let mark = match item.state {
            State::Pass => "pass    ",
            State::Degraded => "degraded",
            State::Fail => "FAIL    ",
        };
        text += &format!("{mark}  {:<20} {}\n", item.code, item.message);
        for more in [&item.cost, &item.hint].into_iter().filter(|more| !more.is_empty()) {
            text += &format!("{:32}{more}\n", "");
        }
    }
    text
}

pub fn processes(as_json: bool) {
    let found = cuda_processes::list();
    if as_json {
        lines::say("processes", &found);
    } else {
        let is_root = process::facts(std::process::id()).is_ok_and(|own| own.user_id == 0);
        lines::print(&processes_text(&found, is_root));
    }
}

fn processes_text(found: &CudaProcesses, is_root: bool) -> String {
    let mut text = String::new();
    for process in &found.processes {
        let user = process.user.clone().unwrap_or_else(|| process.facts.user_id.to_string());
        let libraries: Vec<&str> =
            process.libraries.iter().map(|library| library.path.rsplit('/').next().unwrap_or_default()).collect();
        let memory = process.gpu_memory_bytes.map(|bytes| format!("  {} of GPU memory", lines::megabytes(bytes)));
        text += &format!(
            "{:>8}  {:<10} {:<16} {}{}\n{:10}{}\n",
            process.facts.pid,
            user,
            process.facts.name,
            libraries.join(", "),
            memory.unwrap_or_default(),
            "",
            process.facts.command_line
        );
    }
    if found.processes.is_empty() {
        text += "No process maps a CUDA library.\n";
    }
    if let Some(hidden) = found.hidden() {
        let advice = if is_root { "" } else { " Root sees more: run it through sudo." };
        text += &format!("{hidden}{advice}\n");
    }
    text
}

pub fn version(as_json: bool) {
    let version = env!("CARGO_PKG_VERSION");
    let bpf = wakechain_capture::BPF_BUILD_ID;
    let schema = schema_version();
    let machine = std::env::consts::ARCH;
    if as_json {
        let wire = wakechain_wire::WIRE_VERSION;
        let value = json!({
            "version": version, "bpf_build_id": bpf, "schema_version": schema, "wire_version": wire, "machine": machine,
        });
        lines::say("version", &value);
    } else {
        lines::print(&format!("wakechain-collector {version} ({machine}), schema {schema}, BPF programs {bpf}\n"));
    }
}

/// `PRAGMA user_version` of the one copy of the schema.
fn schema_version() -> u32 {
    let schema = include_str!("../../schema.sql");
    let number = schema.lines().find_map(|line| line.strip_prefix("PRAGMA user_version = "));
    number.and_then(|number| number.trim_end_matches(';').parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_not_root_is_told_to_be() {
        let last = |forbidden, is_root| {
            let found = CudaProcesses { processes: Vec::new(), forbidden };
            processes_text(&found, is_root).lines().last().unwrap_or_default().to_owned()
        };
        assert_eq!(last(0, false), "No process maps a CUDA library.");
        assert_eq!(last(1, true), "1 other process could not be looked into.");
        assert_eq!(last(2, true), "2 other processes could not be looked into.");
        assert_eq!(last(1, false), "1 other process could not be looked into. Root sees more: run it through sudo.");
    }
}
