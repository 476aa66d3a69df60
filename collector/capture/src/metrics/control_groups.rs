//! The targets' control groups: for how long their CPU limit held them, and how much memory they have. Version 2, and the
//! hybrid layout, where the CPU and the memory belong to version 1.

use std::collections::BTreeSet;

use wakechain_host::control_groups::{self, Controller};

use super::{Values, fields, text};

/// Groups of the targets under a controller: its folder and its name.
fn groups(targets: &BTreeSet<u32>, controller: Controller) -> BTreeSet<(String, String)> {
    let of_target = |pid: &u32| control_groups::folder(&text(&format!("/proc/{pid}/cgroup")), controller);
    targets.iter().filter_map(of_target).collect()
}

pub fn counters(targets: &BTreeSet<u32>) -> Values {
    let mut all = Values::new();
    for (folder, name) in groups(targets, Controller::Cpu) {
        for (field, value) in fields(&text(&format!("{folder}/cpu.stat"))) {
            // microseconds in version 2, nanoseconds in version 1
            let throttled_ns = match field {
                "throttled_usec" => value * 1e3,
                "throttled_time" => value,
                "nr_throttled" => {
                    all.insert(format!("cgroup.{name}.throttled_periods"), value);
                    continue;
                }
                _ => continue,
            };
            all.insert(format!("cgroup.{name}.throttled_ns"), throttled_ns);
        }
    }
    all
}

/// The throttled time is that of all CPUs: it may be more than 100 %.
pub fn rates(grown: &Values, elapsed_ns: u64) -> Values {
    let of = |(name, value): (&String, &f64)| {
        if let Some(group) = name.strip_suffix(".throttled_ns") {
            Some((format!("{group}.throttled_percent"), value * 100.0 / elapsed_ns as f64))
        } else {
            name.ends_with(".throttled_periods").then(|| (name.clone(), *value))
        }
    };
    grown.iter().filter(|(name, _)| name.starts_with("cgroup.")).filter_map(of).collect()
}

pub fn levels(targets: &BTreeSet<u32>) -> Values {
    let mut values = Values::new();
    for (folder, name) in groups(targets, Controller::Memory) {
        let read = |file: &str| text(&format!("{folder}/{file}")).trim().parse::<f64>().ok();
        // version 1 says "no limit" by a number larger than any memory
        let limit = read("memory.max").or_else(|| read("memory.limit_in_bytes")).filter(|limit| *limit < 1e18);
        for (metric, value) in [
            ("memory_bytes", read("memory.current").or_else(|| read("memory.usage_in_bytes"))),
            ("memory_limit_bytes", limit),
        ] {
            if let Some(value) = value {
                values.insert(format!("cgroup.{name}.{metric}"), value);
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_was_held_for_a_quarter_of_the_time() {
        let grown = Values::from([
            ("cgroup./jobs/7.throttled_ns".to_owned(), 250e6),
            ("cgroup./jobs/7.throttled_periods".to_owned(), 3.0),
            ("stat.user".to_owned(), 5.0),
        ]);
        let values = rates(&grown, 1_000_000_000);
        assert_eq!(values["cgroup./jobs/7.throttled_percent"], 25.0);
        assert_eq!(values["cgroup./jobs/7.throttled_periods"], 3.0);
        assert_eq!(values.len(), 2);
    }
}
