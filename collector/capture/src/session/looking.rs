//! Looking after the targets while it records: what they are, what they map, what of it is to be probed. A file that a
//! process maps is told by the kernel at once; that the telling failed, or is not allowed, only makes it later.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use wakechain_host::libraries::Library;
use wakechain_host::mappings::living_thread;
use wakechain_wire::{RECORD_COVERAGE, RECORD_PROBES};

use super::Session;
use crate::host_scan::HostScan;
use crate::sys;

/// Which targets are looked at.
#[derive(Clone, Copy, PartialEq)]
pub enum Look {
    AtAll,
    /// Those that were not looked at yet: of the others the kernel tells what they map.
    AtNew,
}

/// What a process mapped since the last time.
struct Arrival {
    first_ns: u64,
    is_cuda: bool,
}

impl Session<'_, '_> {
    /// Looks at whoever mapped files since the last time. With `--all`, `host` finds out about those that are new.
    pub fn take_arrivals(&mut self, host: Option<&HostScan>) {
        let Some(mapped) = &mut self.mapped else { return };
        let mut arrivals: BTreeMap<u32, Arrival> = BTreeMap::new();
        let missed = mapped.drain(|file| {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let is_cuda = Library::of_file_name(name).is_some();
            let arrival = arrivals.entry(file.pid).or_insert(Arrival { first_ns: file.at_ns, is_cuda });
            // Each CPU tells of its own: not in the order of time.
            arrival.first_ns = arrival.first_ns.min(file.at_ns);
            arrival.is_cuda |= is_cuda;
        });
        arrivals.remove(&std::process::id());
        for (pid, arrival) in arrivals {
            if !self.probes.is_target(pid) {
                match host {
                    Some(_) if arrival.is_cuda => self.add_found(pid),
                    Some(host) => host.look_at(pid),
                    None => {}
                }
            }
            // one that found no room as a target waits for it
            if self.probes.is_target(pid) {
                self.look_at(pid, arrival.first_ns);
            }
        }
        if missed {
            self.scan(Look::AtAll);
        }
    }

    /// Looks over the targets, children included. How many live.
    pub fn scan(&mut self, look: Look) -> usize {
        let everyone = look == Look::AtAll || self.mapped.is_none();
        let mut alive = 0;
        for pid in self.probes.targets() {
            let lives = if everyone || !self.looked_at.contains(&pid) {
                self.look_at(pid, self.scanned_ns)
            } else {
                living_thread(pid).is_some()
            };
            alive += usize::from(lives);
            if !lives && !Path::new(&format!("/proc/{pid}")).exists() {
                // its number may be given to another process
                self.probes.remove_target(pid);
                self.looked_at.remove(&pid);
            }
        }
        if everyone {
            self.scanned_ns = sys::monotonic_ns();
        }
        alive
    }

    /// Whether the process lives. What it maps may be new since `since_ns`.
    fn look_at(&mut self, pid: u32, since_ns: u64) -> bool {
        self.ever_targets.insert(pid);
        let all = self.processes.note_mappings(pid, &self.sender);
        if all.is_empty() {
            return false;
        }
        self.looked_at.insert(pid);
        self.processes.note(pid, true, &self.sender);
        for file in self.finder.among(pid, &all) {
            if let Some(rows) = self.attacher.attach_file(&self.probes, &file) {
                self.sender.json(RECORD_PROBES, &rows);
                self.note_late_attach(pid, since_ns);
            }
        }
        true
    }

    /// A library was there before its probes: calls in between were not seen.
    fn note_late_attach(&self, pid: u32, since_ns: u64) {
        self.note_not_seen("calls", "attach", since_ns, Some(pid));
    }

    /// Nothing of that kind was recorded since then.
    pub fn note_not_seen(&self, what: &str, reason: &str, start_ns: u64, tid: Option<u32>) {
        let mut row = json!({
            "start_ns": start_ns.max(self.start_ns), "end_ns": sys::monotonic_ns(),
            "what": what, "reason": reason, "kept": 0.0,
        });
        if let Some(tid) = tid {
            row["tid"] = json!(tid);
        }
        self.sender.json(RECORD_COVERAGE, &row);
    }

    /// Makes a process that turned up a target: now, or as soon as there is room.
    pub fn add_found(&mut self, pid: u32) {
        if !self.ever_targets.contains(&pid) && self.add_target(pid).is_err() {
            self.waiting.entry(pid).or_insert_with(sys::monotonic_ns);
        }
    }

    /// Tries again with those that found no room. What they did meanwhile was not seen, and is told as such.
    pub fn add_waiting(&mut self) {
        for (pid, since_ns) in self.waiting.clone() {
            let is_gone = !Path::new(&format!("/proc/{pid}")).exists();
            if is_gone || self.add_target(pid).is_ok() {
                self.waiting.remove(&pid);
                self.note_not_seen("calls", "too_many_targets", since_ns, Some(pid));
            }
        }
    }
}
