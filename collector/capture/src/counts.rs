//! The kernel's own counters, as last read, and whether they add up: hits = emitted + merged + filtered + lost for each
//! probe, what was spooled = what was emitted, and the losses told = the losses counted.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wakechain_wire::ProbeCounters;

use crate::probes::Probes;
use crate::sys;
use crate::tally::Tally;

#[derive(Clone, Debug, Default)]
pub struct Counts {
    at_ns: u64,
    probes: BTreeMap<u32, ProbeCounters>,
    /// Runs that the kernel left out because the program was running already, by probe.
    missed: BTreeMap<u32, u64>,
}

impl Counts {
    pub fn read(&mut self, probes: &Probes<'_>, indices: impl Iterator<Item = u32>) {
        self.at_ns = sys::monotonic_ns();
        self.probes = indices.map(|index| (index, probes.counters(index))).collect();
        self.missed = probes.missed();
    }

    /// What was open at the end and is told by user space is counted there.
    pub fn add_open(&mut self, probe: u32, rows: u64) {
        let of = self.probes.entry(probe).or_default();
        of.hits += rows;
        of.emitted += rows;
    }

    pub fn lost(&self) -> u64 {
        self.probes.values().map(|of| of.lost).sum()
    }

    pub fn json(&self) -> Value {
        let row = |(index, of): (&u32, &ProbeCounters)| {
            let missed = self.missed.get(index).copied().unwrap_or(0);
            (index.to_string(), json!([of.hits, of.emitted, of.merged, of.filtered, of.lost, missed]))
        };
        let probes: serde_json::Map<String, Value> = self.probes.iter().map(row).collect();
        json!({"at_ns": self.at_ns, "probes": probes, "collector_cpu_ns": sys::cpu_time_ns()})
    }

    /// A sentence for each sum that does not come out.
    pub fn inconsistencies(&self, tally: &Tally) -> Vec<String> {
        let mut found = Vec::new();
        for (index, of) in &self.probes {
            let sum = of.emitted + of.merged + of.filtered + of.lost;
            if sum != of.hits {
                found.push(format!("Probe {index} was hit {} times, but {sum} ways out were counted.", of.hits));
            }
            let spooled = tally.rows.get(*index as usize).copied().unwrap_or(0);
            if spooled != of.emitted {
                found.push(format!("Probe {index} emitted {} events, but {spooled} were spooled.", of.emitted));
            }
        }
        if tally.lost != self.lost() {
            found.push(format!("{} events were lost, but the rows of `loss` tell of {}.", self.lost(), tally.lost));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: ProbeCounters) -> Counts {
        Counts { probes: BTreeMap::from([(16, of)]), ..Counts::default() }
    }

    fn tally(rows: u64, lost: u64) -> Tally {
        let mut tally = Tally { lost, ..Tally::default() };
        tally.rows[16] = rows;
        tally
    }

    #[test]
    fn sums_that_come_out_are_not_mentioned() {
        let of = ProbeCounters { hits: 10, emitted: 4, merged: 3, filtered: 2, lost: 1 };
        assert_eq!(counts(of).inconsistencies(&tally(4, 1)), Vec::<String>::new());
    }

    #[test]
    fn each_sum_that_does_not_is() {
        let of = ProbeCounters { hits: 11, emitted: 4, merged: 3, filtered: 2, lost: 1 };
        assert_eq!(counts(of).inconsistencies(&tally(4, 1)).len(), 1);
        assert_eq!(counts(of).inconsistencies(&tally(5, 1)).len(), 2);
        assert_eq!(counts(of).inconsistencies(&tally(5, 0)).len(), 3);
    }
}
