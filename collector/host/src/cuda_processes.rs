//! The processes of a host that use CUDA: what a person chooses from.

use crate::HostError;
use crate::libraries::{CudaFile, Finder};
use crate::process::{ProcessFacts, facts, pids};
use crate::tool;
use crate::users::Names;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Duration;

const NVIDIA_SMI_LIMIT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Serialize)]
pub struct CudaProcess {
    #[serde(flatten)]
    pub facts: ProcessFacts,
    /// Nothing where the id has no name.
    pub user: Option<String>,
    pub libraries: Vec<UsedLibrary>,
    /// By `nvidia-smi`; nothing where that is missing or does not know the process.
    pub gpu_memory_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsedLibrary {
    /// `runtime`, `driver` or `nccl`.
    pub library: &'static str,
    /// As the process sees it.
    pub path: String,
    /// The runtime is linked into this executable.
    pub is_static: bool,
}

impl From<&CudaFile> for UsedLibrary {
    fn from(file: &CudaFile) -> Self {
        Self { library: file.library.as_str(), path: file.path.clone(), is_static: file.is_static }
    }
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct CudaProcesses {
    pub processes: Vec<CudaProcess>,
    /// Processes that could not be looked into for lack of privileges: there may be more than `processes` says.
    pub forbidden: usize,
}

impl CudaProcesses {
    /// A sentence about those that stayed hidden; nothing where none did.
    #[must_use]
    pub fn hidden(&self) -> Option<String> {
        match self.forbidden {
            0 => None,
            1 => Some("1 other process could not be looked into.".to_owned()),
            count => Some(format!("{count} other processes could not be looked into.")),
        }
    }
}

/// Looks at every process but this one.
pub fn list() -> CudaProcesses {
    let mut finder = Finder::new();
    let mut result = CudaProcesses::default();
    for pid in pids().into_iter().filter(|pid| *pid != std::process::id()) {
        match finder.cuda_files(pid) {
            Ok(files) if files.is_empty() => {}
            Ok(files) => {
                // gone since: no process to choose
                let Ok(facts) = facts(pid) else { continue };
                let libraries = files.iter().map(UsedLibrary::from).collect();
                result.processes.push(CudaProcess { facts, user: None, libraries, gpu_memory_bytes: None });
            }
            Err(HostError::NoProcess { .. }) => {}
            Err(_) => result.forbidden += 1,
        }
    }
    if !result.processes.is_empty() {
        let names = Names::read();
        let memory = gpu_memory();
        for process in &mut result.processes {
            process.user = names.of(process.facts.user_id).map(str::to_owned);
            process.gpu_memory_bytes = memory.get(&process.facts.pid).copied();
        }
    }
    result
}

fn gpu_memory() -> HashMap<u32, u64> {
    let query = ["--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"];
    tool::ask("nvidia-smi", &query, NVIDIA_SMI_LIMIT).map(|text| parse_gpu_memory(&text)).unwrap_or_default()
}

/// `1234, 4567` in MiB, a line for each process and GPU; `[N/A]` where the driver does not say.
fn parse_gpu_memory(text: &str) -> HashMap<u32, u64> {
    let mut memory = HashMap::new();
    for line in text.lines() {
        let Some((pid, mebibytes)) = line.split_once(',') else { continue };
        let (Ok(pid), Ok(mebibytes)) = (pid.trim().parse::<u32>(), mebibytes.trim().parse::<u64>()) else { continue };
        *memory.entry(pid).or_insert(0) += mebibytes << 20;
    }
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_summed_over_gpus() {
        let found = parse_gpu_memory("1234, 512\n77, [N/A]\n1234, 1\nNo running processes found\n");
        assert_eq!(found, HashMap::from([(1234, 513 << 20)]));
    }
}

#[cfg(test)]
mod real_processes {
    use super::*;
    use crate::elf;
    use std::fs;
    use std::path::Path;
    use std::process::{Child, ChildStdin, Command, Stdio};

    const MAIN: &str = "#include <stdio.h>\nint cudaLaunchKernel(void);\n\
        int main(void) { cudaLaunchKernel(); puts(\"ready\"); fflush(stdout); return getchar(); }\n";
    const RUNTIME: &str = "__attribute__((noinline)) int cudaLaunchKernel(void) { return 0; }\n";

    /// Waits for its standard input to close.
    struct Running(Child, Option<ChildStdin>);

    impl Drop for Running {
        fn drop(&mut self) {
            self.1.take();
            let _ = self.0.wait();
        }
    }

    fn gcc(arguments: &[&str], directory: &Path) {
        let status = Command::new("gcc").args(arguments).current_dir(directory).status().expect("gcc runs");
        assert!(status.success(), "{arguments:?}");
    }

    fn start(program: &Path) -> Running {
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("stdout");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("ready");
        assert_eq!(line, "ready\n");
        let input = child.stdin.take();
        Running(child, input)
    }

    #[test]
    fn shared_static_and_deleted_libraries_of_running_programs() {
        let directory = tempfile::tempdir().expect("tempdir");
        let at = |name: &str| directory.path().join(name);
        fs::write(at("main.c"), MAIN).expect("write");
        fs::write(at("runtime.c"), RUNTIME).expect("write");
        gcc(
            &["-shared", "-fPIC", "-o", "libcudart.so.12", "-Wl,-soname,libcudart.so.12", "runtime.c"],
            directory.path(),
        );
        gcc(&["-o", "shared", "main.c", "libcudart.so.12", "-Wl,-rpath,$ORIGIN"], directory.path());
        gcc(&["-o", "linked", "main.c", "runtime.c"], directory.path());
        gcc(&["-s", "-o", "stripped", "main.c", "runtime.c"], directory.path());
        let (shared, linked, stripped) = (start(&at("shared")), start(&at("linked")), start(&at("stripped")));
        fs::remove_file(at("libcudart.so.12")).expect("remove");
        // another file takes the name: the process still runs the first one
        fs::write(at("libcudart.so.12"), "not the library").expect("write");

        let found = list();
        let of = |running: &Running| found.processes.iter().find(|process| process.facts.pid == running.0.id());
        let by_shared = of(&shared).expect("maps libcudart");
        assert_eq!(by_shared.facts.name, "shared");
        assert_eq!(by_shared.libraries.len(), 1);
        assert_eq!(by_shared.libraries[0].path, at("libcudart.so.12").to_string_lossy());
        assert!(!by_shared.libraries[0].is_static);
        let by_linked = of(&linked).expect("has the runtime inside");
        assert_eq!((by_linked.libraries[0].library, by_linked.libraries[0].is_static), ("runtime", true));
        assert!(of(&stripped).is_none(), "nothing names its functions any more");

        let files = Finder::new().cuda_files(shared.0.id()).expect("files");
        assert!(files[0].deleted);
        let binary = elf::read(&files[0].open_path, files[0].symbols(), |_| true).expect("the file that is mapped");
        assert!(binary.functions.iter().any(|function| function.name == "cudaLaunchKernel"));
    }
}
