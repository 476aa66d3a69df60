//! Readings of the host, once a second: what the sampled metrics of a dashboard would say, in the trace's own time.
//!
//! Rates are of the stretch that ends with the reading. Names: `cpu.steal_percent`, `pressure.io.full_percent`,
//! `cgroup./jobs/7.throttled_percent`, `gpu.0.utilization_percent`: what, of whom, unit.

mod control_groups;
mod gpu;
mod host;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

pub use gpu::GpuReadings;

use crate::sys;

pub const READ_EVERY: Duration = Duration::from_secs(1);
/// Rates over less than this are rounding of the kernel's ticks of 10 ms.
pub const SHORTEST_READING: Duration = Duration::from_millis(200);

type Values = BTreeMap<String, f64>;

/// Counters of the last reading, to make rates of.
pub struct Metrics {
    at_ns: u64,
    counters: Values,
}

impl Metrics {
    /// The first reading, from which rates count.
    pub fn start(targets: &BTreeSet<u32>) -> Metrics {
        Metrics { at_ns: sys::monotonic_ns(), counters: counters(targets) }
    }

    /// The text of a RECORD_METRICS.
    pub fn read(&mut self, targets: &BTreeSet<u32>) -> Value {
        let now = sys::monotonic_ns();
        let counters = counters(targets);
        let elapsed_ns = now.saturating_sub(self.at_ns).max(1);
        let grown: Values = counters
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value - self.counters.get(name)?)))
            .filter(|(_, value)| *value >= 0.0)
            .collect();
        let mut values = host::rates(&grown, elapsed_ns);
        values.extend(control_groups::rates(&grown, elapsed_ns));
        values.extend(host::levels());
        values.extend(control_groups::levels(targets));
        self.at_ns = now;
        self.counters = counters;
        json!({"at_ns": now, "values": values})
    }
}

fn counters(targets: &BTreeSet<u32>) -> Values {
    let mut all = host::counters();
    all.extend(control_groups::counters(targets));
    all
}

fn text(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// "name value" lines, as most files of counters have them; a colon after the name is no part of it.
fn fields(text: &str) -> impl Iterator<Item = (&str, f64)> {
    text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?.trim_end_matches(':'), words.next()?.parse().ok()?))
    })
}
