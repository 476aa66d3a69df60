//! The NVIDIA driver, and who uses CUDA at the moment.

use super::{Item, text};
use crate::cuda_processes::CudaProcesses;
use std::collections::BTreeSet;

pub fn driver() -> Item {
    judge_driver(text("/proc/driver/nvidia/version").as_deref())
}

/// `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024`
fn judge_driver(text: Option<&str>) -> Item {
    let Some(line) = text.and_then(|text| text.lines().next()) else {
        return Item::degraded(
            "driver",
            "No NVIDIA driver is loaded (/proc/driver/nvidia/version is missing).",
            "Programs cannot reach a GPU here; their CUDA calls fail at once, and are recorded as such.",
            "",
        );
    };
    let is_version = |word: &&str| word.contains('.') && word.split('.').all(|part| part.parse::<u32>().is_ok());
    match line.split_whitespace().find(is_version) {
        Some(version) => Item::pass("driver", format!("NVIDIA driver {version} is loaded.")),
        None => Item::pass("driver", format!("The NVIDIA driver is loaded: {line}")),
    }
}

pub fn libraries(found: &CudaProcesses) -> Item {
    let hidden = found.hidden().map(|sentence| format!(" {sentence}")).unwrap_or_default();
    if found.processes.is_empty() {
        return Item::degraded(
            "cuda_libraries",
            format!("No process maps a CUDA library now.{hidden}"),
            "There is no process to choose; a command that the collector starts is followed as it loads them.",
            "Start the program first, or give its command line after --.",
        );
    }
    let names: BTreeSet<&str> = found
        .processes
        .iter()
        .flat_map(|process| &process.libraries)
        .map(|library| library.path.rsplit('/').next().unwrap_or(&library.path))
        .collect();
    let names: Vec<&str> = names.into_iter().collect();
    let count = found.processes.len();
    let processes = if count == 1 { "1 process uses".to_owned() } else { format!("{count} processes use") };
    Item::pass("cuda_libraries", format!("{processes} CUDA: {}.{hidden}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::State;

    #[test]
    fn the_driver_says_its_version() {
        let line =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build\nGCC version: 12\n";
        assert_eq!(judge_driver(Some(line)).message, "NVIDIA driver 570.86.10 is loaded.");
        assert_eq!(judge_driver(None).state, State::Degraded);
    }
}
