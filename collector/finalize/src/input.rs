//! The texts of a spool, sorted out: meta, end, probes, processes, mappings, symbols, coverage.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use wakechain_wire::text::Text;
use wakechain_wire::*;

use crate::clock::Clock;
use crate::maps::Maps;
use crate::metrics::Readings;
use crate::probes::ProbeTable;
use crate::scan::Found;
use crate::symbols::KernelSymbols;
use crate::texts::{self, Coverage, Object};
use crate::who::Who;

pub struct Input {
    pub meta: Object,
    /// `None`: the capture never came to its end.
    pub end: Option<Object>,
    pub clock: Clock,
    pub probes: ProbeTable,
    pub coverage: Vec<Coverage>,
    pub readings: Vec<Readings>,
    /// Pids that hold a socket, by its inode.
    pub owners: HashMap<u64, u32>,
    pub kernel_symbols: KernelSymbols,
}

impl Input {
    /// Names of disks, by "major:minor".
    pub fn disks(&self) -> BTreeMap<String, String> {
        let disks = self.meta.get("block_devices").and_then(Value::as_object);
        let named = |(number, name): (&String, &Value)| Some((number.clone(), name.as_str()?.to_owned()));
        disks.into_iter().flatten().filter_map(named).collect()
    }

    /// Of character devices that belong to the GPU's driver.
    pub fn gpu_majors(&self) -> Vec<u32> {
        let list = self.meta.get("gpu_device_majors").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(|major| u32::try_from(major.as_u64()?).ok()).collect()
    }
}

/// Takes the texts of a scanned spool; tells `who` and `maps` what they say.
pub fn read(found: &Found, who: &mut Who, maps: &mut Maps) -> Input {
    let of_kind = |kind: u32| found.texts.iter().filter(move |text| text.kind == kind);
    let meta: Object = of_kind(RECORD_META).find_map(|text| texts::read(&text.text)).unwrap_or_default();
    let end: Option<Object> = of_kind(RECORD_END).last().and_then(|text| texts::read(&text.text));
    let clock = clock(&meta, end.as_ref(), found);
    let mut probes = ProbeTable::default();
    of_kind(RECORD_PROBES).filter_map(|text| texts::read(&text.text)).for_each(|read| probes.take(read));
    of_kind(RECORD_COUNTERS).filter_map(|text| texts::read(&text.text)).for_each(|read| probes.count(&read));
    for text in of_kind(RECORD_PROCESS) {
        if let Some(process) = texts::read(&text.text) {
            who.describe(process, text.at_ns);
        }
    }
    of_kind(RECORD_MAPS).for_each(|text| read_maps(text, who, maps));
    let records: Vec<texts::KernelSymbols> =
        of_kind(RECORD_KERNEL_SYMBOLS).filter_map(|text| texts::read(&text.text)).collect();
    let kernel_symbols = if records.is_empty() && is_this_boot(&meta) {
        KernelSymbols::of_this_kernel()
    } else {
        KernelSymbols::from_records(&records)
    };
    let coverage = of_kind(RECORD_COVERAGE).filter_map(|text| texts::read(&text.text)).collect();
    if let Some(pid) = meta.get("collector_pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok()) {
        who.note(pid, clock.end_ns, "collector", Value::Bool(true));
    }
    let readings = of_kind(RECORD_METRICS).filter_map(|text| texts::read(&text.text)).collect();
    let told: Vec<texts::Owners> = of_kind(RECORD_OWNERS).filter_map(|text| texts::read(&text.text)).collect();
    let owners = told.iter().flat_map(|told| &told.sockets).map(|owner| (owner.inode, owner.pid)).collect();
    Input { meta, end, clock, probes, coverage, readings, owners, kernel_symbols }
}

fn read_maps(text: &Text, who: &Who, maps: &mut Maps) {
    let Some(mut read) = texts::read::<texts::Maps>(&text.text) else { return };
    if read.at_ns == 0 {
        read.at_ns = text.at_ns;
    }
    if let Some(process) = who.known_process(read.pid, read.at_ns) {
        maps.take(process, &read);
    }
}

/// Without a start in the meta record the first thing that happened is the start.
fn clock(meta: &Object, end: Option<&Object>, found: &Found) -> Clock {
    let said = |object: &Object, key: &str| object.get(key).and_then(Value::as_u64);
    let first = [found.off_cpu.first(), found.calls.first()].into_iter().flatten().map(|event| event.start_ns).min();
    let start_ns = said(meta, "start_ns").or(first).unwrap_or(0);
    let end_ns = end.and_then(|end| said(end, "at_ns")).unwrap_or(found.last_ns).max(start_ns);
    let start_unix_ns = meta
        .get("start_unix_ns")
        .and_then(|value| value.as_str().and_then(|text| text.parse().ok()).or(value.as_u64()));
    Clock { start_ns, end_ns, start_unix_ns }
}

/// Kernel addresses mean the same only until the next boot.
fn is_this_boot(meta: &Object) -> bool {
    let Some(captured) = meta.get("boot_id").and_then(Value::as_str) else { return false };
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").is_ok_and(|running| running.trim() == captured.trim())
}
