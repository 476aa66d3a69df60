//! What /proc says of processes and their mappings, while they are there: written when first seen, and again when it
//! changed. Symbols are looked up after the capture, and by then a process may be gone.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};
use wakechain_host::elf;
use wakechain_host::mappings::{FileId, Mapping, mappings, open_path};
use wakechain_host::place;
use wakechain_host::process::{self, ProcessFacts};
use wakechain_wire::{RECORD_MAPS, RECORD_PROCESS};

use crate::options::Target;
use crate::spool::SpoolSender;
use crate::sys;

#[derive(Default)]
struct Known {
    facts: Option<ProcessFacts>,
    is_target: bool,
    /// Of the mappings last written.
    fingerprint: u64,
}

#[derive(Default)]
pub struct Processes {
    known: HashMap<u32, Known>,
    build_ids: HashMap<FileId, Option<String>>,
}

impl Processes {
    /// Tells of a process, where there is something new to tell. Cheap where there is not.
    pub fn note(&mut self, pid: u32, is_target: bool, spool: &SpoolSender) {
        let Ok(facts) = process::facts(pid) else { return };
        if let Some(news) = self.news(pid, facts, is_target) {
            spool.json(RECORD_PROCESS, &news);
        }
    }

    /// A process that becomes a target is news, though nothing else of it has changed.
    fn news(&mut self, pid: u32, facts: ProcessFacts, is_target: bool) -> Option<Value> {
        let known = self.known.entry(pid).or_default();
        if known.facts.as_ref() == Some(&facts) && known.is_target >= is_target {
            return None;
        }
        known.is_target |= is_target;
        let mut value = serde_json::to_value(&facts).unwrap_or_default();
        value["is_target"] = json!(known.is_target);
        // it stays where it was started: asked once
        if known.facts.is_none() {
            let details = place::of(pid);
            if !details.is_empty() {
                value["details"] = json!(details);
            }
        }
        known.facts = Some(facts);
        Some(value)
    }

    /// Tells of a target's executable mappings, where they changed. All its mappings, for whoever wants to look at them.
    pub fn note_mappings(&mut self, pid: u32, spool: &SpoolSender) -> Vec<Mapping> {
        let Ok(all) = mappings(pid) else { return Vec::new() };
        let code = || all.iter().filter(|mapping| mapping.executable);
        let fingerprint = code().fold(0xcbf2_9ce4_8422_2325_u64, |hash, mapping| {
            [mapping.start, mapping.end, mapping.offset, mapping.file.inode]
                .iter()
                .fold(hash, |hash, word| (hash ^ word).wrapping_mul(0x0100_0000_01b3))
        });
        let known = self.known.entry(pid).or_default();
        if known.fingerprint == fingerprint {
            return all;
        }
        known.fingerprint = fingerprint;
        let maps: Vec<Value> = code().map(|mapping| self.mapping(pid, mapping)).collect();
        spool.json(RECORD_MAPS, &json!({"pid": pid, "at_ns": sys::monotonic_ns(), "maps": maps}));
        all
    }

    fn mapping(&mut self, pid: u32, mapping: &Mapping) -> Value {
        let mut value = json!({
            "start": format!("{:x}", mapping.start),
            "end": format!("{:x}", mapping.end),
            "offset": format!("{:x}", mapping.offset),
            "inode": mapping.file.inode,
            "device": format!("{}:{}", mapping.file.major, mapping.file.minor),
            "path": mapping.path,
        });
        if mapping.is_file()
            && let Some(path) = open_path(pid, mapping)
        {
            if let Some(build_id) = self.build_id(mapping.file, &path) {
                value["build_id"] = json!(build_id);
            }
            value["open_path"] = json!(path);
        }
        value
    }

    fn build_id(&mut self, file: FileId, path: &Path) -> Option<String> {
        self.build_ids.entry(file).or_insert_with(|| elf::build_id(path)).clone()
    }

    pub fn knows(&self, pid: u32) -> bool {
        self.known.get(&pid).is_some_and(|known| known.facts.is_some())
    }

    /// As far as known: the name at first sight of a process that is gone.
    pub fn target(&self, pid: u32) -> Target {
        let facts = self.known.get(&pid).and_then(|known| known.facts.as_ref());
        Target { pid, name: facts.map(|facts| facts.name.clone()).unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_once_and_again_when_the_process_becomes_a_target() {
        let facts = || process::facts(std::process::id()).expect("own facts");
        let mut processes = Processes::default();
        let mut told = |is_target| processes.news(1, facts(), is_target).map(|news| news["is_target"].clone());
        assert_eq!(told(false), Some(json!(false)));
        assert_eq!(told(false), None);
        assert_eq!(told(true), Some(json!(true)), "it loaded CUDA late");
        assert_eq!(told(true), None);
        assert_eq!(told(false), None, "once a target, always one");
    }
}
