//! Puts probes on the CUDA functions of a file, each distinct file once, and keeps the table of all probes asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use libbpf_rs::Link;
use serde_json::{Value, json};
use wakechain_cuda::variants::plain_name;
use wakechain_cuda::{Known, known, rank};
use wakechain_host::elf::{self, Function};
use wakechain_host::libraries::CudaFile;
use wakechain_wire::{
    PROBE_BLOCK_DONE, PROBE_BLOCK_END, PROBE_BLOCK_ISSUE, PROBE_BLOCK_MERGE, PROBE_BLOCK_QUEUE, PROBE_COMPACTION,
    PROBE_EXEC, PROBE_EXIT, PROBE_FIRST_CALL, PROBE_FORK, PROBE_ITERATE_END, PROBE_ITERATE_START, PROBE_KERNEL_LOCK,
    PROBE_KERNEL_STACK, PROBE_LIMIT, PROBE_OBJECT, PROBE_OOM, PROBE_PAGE_FAULT, PROBE_RECLAIM, PROBE_RENAME,
    PROBE_RETRANSMIT, PROBE_SAMPLE, PROBE_SLICE_END, PROBE_SWITCH_OFF_CPU, PROBE_SWITCH_SLICE, PROBE_USER_STACK,
    PROBE_WAKING,
};

use crate::choices;
use crate::groups::{Group, Wanted};
use crate::options::{ProbeChoice, Rung};
use crate::probes::Probes;

/// Without `uprobe_multi` each probe is a link of its own, and taking one away costs a tenth of a second: so many in all,
/// and of one file, the most telling ones first.
const MAX_LINK_FUNCTIONS: usize = 40;
const MAX_LINK_FUNCTIONS_OF_FILE: usize = 20;

/// A thread takes away so many links.
const LINKS_OF_A_THREAD: usize = 4;

/// How many probes every capture has.
pub const FIXED_PROBES: usize = 25;

/// Those probes, as the table names them.
const FIXED: [(u32, &str, &str); FIXED_PROBES] = [
    (PROBE_SWITCH_OFF_CPU, "tp_btf", "sched_switch (off_cpu)"),
    (PROBE_SWITCH_SLICE, "tp_btf", "sched_switch (cpu_slice)"),
    (PROBE_WAKING, "tp_btf", "sched_waking"),
    (PROBE_FORK, "tp_btf", "task_newtask"),
    (PROBE_EXEC, "tp_btf", "sched_process_exec"),
    (PROBE_EXIT, "tp_btf", "sched_process_exit"),
    (PROBE_RENAME, "tp_btf", "task_rename"),
    (PROBE_ITERATE_START, "iter", "task (start)"),
    (PROBE_ITERATE_END, "iter", "task (end)"),
    (PROBE_SLICE_END, "iter", "cpu_slice (end)"),
    (PROBE_USER_STACK, "stack", "user stack"),
    (PROBE_KERNEL_STACK, "stack", "kernel stack"),
    (PROBE_OBJECT, "object", "files and sockets of waits"),
    (PROBE_KERNEL_LOCK, "tp_btf", "contention_begin"),
    (PROBE_BLOCK_QUEUE, "tp_btf", "block_rq_insert"),
    (PROBE_BLOCK_ISSUE, "tp_btf", "block_rq_issue"),
    (PROBE_BLOCK_MERGE, "tp_btf", "block_rq_merge"),
    (PROBE_BLOCK_DONE, "tp_btf", "block_rq_complete"),
    (PROBE_BLOCK_END, "map", "block requests (end)"),
    (PROBE_RETRANSMIT, "tp_btf", "tcp_retransmit_skb"),
    (PROBE_PAGE_FAULT, "perf_event", "major-faults"),
    (PROBE_RECLAIM, "tp_btf", "mm_vmscan_*_reclaim"),
    (PROBE_COMPACTION, "tp_btf", "mm_compaction"),
    (PROBE_OOM, "tp_btf", "mark_victim"),
    (PROBE_SAMPLE, "perf_event", "cpu-clock"),
];

/// `refused`: those that this kernel does not have, and why.
pub fn fixed_rows(refused: &BTreeMap<u32, String>) -> Value {
    let row = |(index, kind, target): &(u32, &str, &str)| match refused.get(index) {
        None => json!({"index": index, "kind": kind, "target": target, "attached": true}),
        Some(why) => json!({"index": index, "kind": kind, "target": target, "attached": false, "error": why}),
    };
    let rows: Vec<Value> = FIXED.iter().map(row).collect();
    json!({ "probes": rows })
}

pub struct Attacher {
    choices: Vec<ProbeChoice>,
    /// Of their names, those that some file has.
    met: HashSet<String>,
    seen: HashSet<(u64, u64)>,
    next_index: u32,
    pub groups: Vec<Group>,
    pub attached: usize,
    pub refused: usize,
}

/// A file that gets probes.
#[derive(Clone, Copy)]
struct Place<'a> {
    open_path: &'a Path,
    /// As the process sees it.
    path: &'a str,
    /// Version of the library; 0 = not known.
    major: u32,
    rung: Rung,
}

impl Attacher {
    pub fn new(choices: Vec<ProbeChoice>) -> Self {
        Attacher {
            choices,
            met: HashSet::new(),
            seen: HashSet::new(),
            next_index: PROBE_FIRST_CALL,
            groups: Vec::new(),
            attached: 0,
            refused: 0,
        }
    }

    /// Indices given out, those of the tracepoints included.
    pub fn indices(&self) -> impl Iterator<Item = u32> + use<> {
        FIXED.iter().map(|(index, ..)| *index).chain(PROBE_FIRST_CALL..self.next_index)
    }

    /// Takes every probe away.
    pub fn detach(&mut self) {
        let links: Vec<Link> = std::mem::take(&mut self.groups).into_iter().flat_map(Group::end).collect();
        if links.len() <= 1 {
            return;
        }
        // Each waits for the kernel by itself: side by side they take no longer than one.
        std::thread::scope(|scope| {
            let mut rest = links;
            while !rest.is_empty() {
                let some = rest.split_off(rest.len().saturating_sub(LINKS_OF_A_THREAD));
                scope.spawn(move || drop(some));
            }
        });
    }

    /// Whether probes for this function are wanted: by the table, then by what the user said last.
    fn wanted(&self, name: &str) -> bool {
        let known = known(name, 0);
        let by_default = known.is_some_and(|known| known.by_default);
        let names = [Some(name), Some(plain_name(name)), known.map(|known| known.category)];
        let said = self.choices.iter().rev().find(|choice| names.contains(&Some(choice.function.as_str())));
        said.map_or(by_default, |choice| choice.include)
    }

    /// Remembers what a file has of what was asked for by name.
    fn meet(&mut self, functions: &[Function]) {
        for function in functions {
            let names = [function.name.as_str(), plain_name(&function.name)];
            let asked = self.choices.iter().filter(|choice| names.contains(&choice.function.as_str()));
            self.met.extend(asked.map(|choice| choice.function.clone()));
        }
    }

    /// Functions that were asked for by name and that no file had: rows of the probe table that say so.
    pub fn unmet_choices(&self) -> Option<Value> {
        let asked = self.choices.iter().filter(|choice| choice.include && !choices::is_category(&choice.function));
        let unmet: BTreeSet<&str> =
            asked.map(|choice| choice.function.as_str()).filter(|name| !self.met.contains(*name)).collect();
        let row = |name: &&str| {
            json!({
                "index": null, "kind": "uprobe", "target": name, "attached": false,
                "error": "no CUDA library of the targets exports it",
            })
        };
        let rows: Vec<Value> = unmet.iter().map(row).collect();
        (!rows.is_empty()).then(|| json!({ "probes": rows }))
    }

    /// Puts probes into a file that has none yet. The new rows of the probe table; `None` when it is known already.
    pub fn attach_file(&mut self, probes: &Probes<'_>, file: &CudaFile) -> Option<Value> {
        let metadata = fs::metadata(&file.open_path).ok()?;
        if !self.seen.insert((metadata.dev(), metadata.ino())) {
            return None;
        }
        let mut rows = Vec::new();
        match elf::read(&file.open_path, file.symbols(), |name| known(name, 0).is_some()) {
            Ok(binary) => {
                self.meet(&binary.functions);
                let place =
                    Place { open_path: &file.open_path, path: &file.path, major: file.major(), rung: probes.rung };
                let chosen = self.choose(binary.functions, place, &mut rows);
                for group in by_category(chosen) {
                    self.attach_all(probes, place, group, &mut rows);
                }
            }
            Err(error) => {
                self.refused += 1;
                rows.push(json!({"index": null, "kind": "uprobe", "target": file.path, "attached": false, "error": error.to_string()}));
            }
        }
        Some(json!({ "probes": rows }))
    }

    /// Gives each function its index. Names for one address are one function: the plain name is kept.
    fn choose(&mut self, functions: Vec<Function>, place: Place<'_>, rows: &mut Vec<Value>) -> Vec<Wanted> {
        let mut by_offset: HashMap<u64, String> = HashMap::new();
        let mut candidates: Vec<(Known, Function)> = functions
            .into_iter()
            .filter(|function| self.wanted(&function.name))
            .filter_map(|function| Some((known(&function.name, place.major)?, function)))
            .collect();
        candidates.sort_by_key(|(known, function)| (rank(known.category), function.name.len(), function.name.clone()));
        let mut chosen = Vec::new();
        for (known, function) in candidates {
            let refusal = if let Some(other) = by_offset.get(&function.probe_offset) {
                Some(format!("the same code as {other}"))
            } else if self.next_index >= PROBE_LIMIT {
                Some(format!("more than {PROBE_LIMIT} probes"))
            } else if place.rung == Rung::Link
                && (chosen.len() >= MAX_LINK_FUNCTIONS_OF_FILE || self.attached + chosen.len() >= MAX_LINK_FUNCTIONS)
            {
                Some(format!("this kernel has no uprobe_multi: at most {MAX_LINK_FUNCTIONS} functions"))
            } else {
                None
            };
            if let Some(error) = refusal {
                self.refused += usize::from(!error.starts_with("the same"));
                rows.push(row(None, &function, known, place, Err(&error)));
                continue;
            }
            by_offset.insert(function.probe_offset, function.name.clone());
            chosen.push(Wanted { function, known, index: self.next_index });
            self.next_index += 1;
        }
        chosen
    }

    /// Attaches them all at once; where the kernel refuses, in halves, until the ones that it refuses are found.
    fn attach_all(&mut self, probes: &Probes<'_>, place: Place<'_>, wanted: Vec<Wanted>, rows: &mut Vec<Value>) {
        if wanted.is_empty() {
            return;
        }
        match Group::attach(probes, place.open_path, wanted) {
            Ok(group) => {
                self.attached += group.functions.len();
                let attached = |one: &Wanted| row(Some(one.index), &one.function, one.known, place, Ok(()));
                rows.extend(group.functions.iter().map(attached));
                self.groups.push(group);
            }
            Err((wanted, error)) if wanted.len() == 1 => {
                self.refused += 1;
                let text = error.to_string();
                rows.extend(wanted.iter().map(|one| row(Some(one.index), &one.function, one.known, place, Err(&text))));
            }
            Err((wanted, _)) => {
                let mut first = wanted;
                let second = first.split_off(first.len() / 2);
                self.attach_all(probes, place, first, rows);
                self.attach_all(probes, place, second, rows);
            }
        }
    }
}

/// What the governor takes away together.
fn by_category(chosen: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let mut groups: BTreeMap<&str, Vec<Wanted>> = BTreeMap::new();
    for one in chosen {
        groups.entry(one.known.category).or_default().push(one);
    }
    groups.into_values().collect()
}

fn row(index: Option<u32>, function: &Function, known: Known, place: Place<'_>, result: Result<(), &str>) -> Value {
    let mut row = json!({
        "index": index,
        "kind": "uprobe",
        "target": format!("{}:{}", place.path, function.name),
        "rung": place.rung,
        "placement": function.placement.as_str(),
        "attached": result.is_ok(),
        "function": {
            "name": function.name,
            "library": known.library.as_str(),
            "category": known.category,
            "major": place.major,
        },
    });
    if let Err(error) = result {
        row["error"] = json!(error);
    }
    row
}
