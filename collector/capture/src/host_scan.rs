//! With `--all`: finds the processes that use CUDA, those that start later included, in a thread of its own: to know
//! whether an executable has the runtime linked into it takes reading its symbols, and a host has many executables.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wakechain_host::libraries::{Finder, Library};
use wakechain_host::mappings::mappings;
use wakechain_host::process;

const EVERY: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(20);

/// Processes that map a CUDA library now, by the names of their files alone: quick.
pub fn by_file_name() -> Vec<u32> {
    let uses = |pid: &u32| {
        let all = mappings(*pid).unwrap_or_default();
        all.iter().any(|mapping| mapping.executable && Library::of_file_name(mapping.file_name()).is_some())
    };
    process::pids().into_iter().filter(|pid| *pid != std::process::id()).filter(uses).collect()
}

pub struct HostScan {
    found: Receiver<u32>,
    look: Sender<u32>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HostScan {
    pub fn start() -> std::io::Result<HostScan> {
        let (tell, found) = channel();
        let (look, wanted) = channel();
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let thread = std::thread::Builder::new().name("wakechain-scan".into()).spawn(move || {
            let mut finder = Finder::new();
            let mut told = HashSet::from([std::process::id()]);
            // Whether anybody still listens.
            let mut look_at = |pid: u32| {
                let uses_cuda = !told.contains(&pid) && !finder.cuda_files(pid).unwrap_or_default().is_empty();
                !uses_cuda || told.insert(pid) && tell.send(pid).is_ok()
            };
            while !seen.load(Ordering::Relaxed) {
                let began = Instant::now();
                for pid in process::pids() {
                    if seen.load(Ordering::Relaxed) || !look_at(pid) {
                        return;
                    }
                }
                while began.elapsed() < EVERY && !seen.load(Ordering::Relaxed) {
                    let first = wanted.recv_timeout(PATIENCE);
                    let pids: BTreeSet<u32> = first.into_iter().chain(wanted.try_iter()).collect();
                    if !pids.into_iter().all(&mut look_at) {
                        return;
                    }
                }
            }
        })?;
        Ok(HostScan { found, look, ended, thread: Some(thread) })
    }

    /// A process mapped a file: it may use CUDA from now on.
    pub fn look_at(&self, pid: u32) {
        // The thread ends with this value, not before.
        let _ = self.look.send(pid);
    }

    /// Found since the last time.
    pub fn found(&self) -> Vec<u32> {
        self.found.try_iter().collect()
    }
}

impl Drop for HostScan {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
