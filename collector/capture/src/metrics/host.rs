//! The whole host: CPU time by kind, memory, swap, load, pressure.

use super::{Values, fields, text};

/// Columns of the first line of /proc/stat (proc(5)), after its name.
const CPU_TIMES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

pub fn counters() -> Values {
    let mut all = Values::new();
    all.extend(cpu_times(&text("/proc/stat")));
    for (name, value) in fields(&text("/proc/vmstat")) {
        if matches!(name, "pswpin" | "pswpout" | "pgmajfault") {
            all.insert(format!("vmstat.{name}"), value);
        }
    }
    for resource in ["cpu", "memory", "io"] {
        all.extend(pressure(resource, &text(&format!("/proc/pressure/{resource}"))));
    }
    all
}

fn cpu_times(stat: &str) -> Values {
    let first = stat.lines().next().unwrap_or_default();
    let times = first.split_whitespace().skip(1).filter_map(|time| time.parse::<f64>().ok());
    CPU_TIMES.iter().zip(times).map(|(kind, time)| (format!("stat.{kind}"), time)).collect()
}

/// Microseconds stalled so far: "some avg10=0.00 avg60=0.00 avg300=0.00 total=123".
fn pressure(resource: &str, file: &str) -> Values {
    let total = |line: &str| {
        let (kind, rest) = line.split_once(' ')?;
        let total = rest.split_whitespace().find_map(|field| field.strip_prefix("total="))?.parse().ok()?;
        Some((format!("pressure.{resource}.{kind}"), total))
    };
    file.lines().filter_map(total).collect()
}

/// Of what the counters have grown by.
pub fn rates(grown: &Values, elapsed_ns: u64) -> Values {
    let mut values = Values::new();
    let of = |kind: &str| grown.get(&format!("stat.{kind}")).copied().unwrap_or(0.0);
    let all: f64 = CPU_TIMES.iter().map(|kind| of(kind)).sum();
    if all > 0.0 {
        let mut percent = |name: &str, ticks: f64| values.insert(format!("cpu.{name}"), ticks * 100.0 / all);
        percent("percent", all - of("idle") - of("iowait") - of("steal"));
        percent("user_percent", of("user") + of("nice"));
        percent("system_percent", of("system"));
        percent("iowait_percent", of("iowait"));
        percent("interrupt_percent", of("irq") + of("softirq"));
        percent("steal_percent", of("steal"));
    }
    let seconds = elapsed_ns as f64 / 1e9;
    for (counter, metric) in [
        ("vmstat.pswpin", "swap.in_pages_per_second"),
        ("vmstat.pswpout", "swap.out_pages_per_second"),
        ("vmstat.pgmajfault", "memory.major_faults_per_second"),
    ] {
        if let Some(count) = grown.get(counter) {
            values.insert(metric.to_owned(), count / seconds);
        }
    }
    for (name, stalled_us) in grown.iter().filter(|(name, _)| name.starts_with("pressure.")) {
        values.insert(format!("{name}_percent"), (stalled_us * 1e5 / elapsed_ns as f64).min(100.0));
    }
    values
}

pub fn levels() -> Values {
    let mut values = memory(&text("/proc/meminfo"));
    if let Some(load) = text("/proc/loadavg").split_whitespace().next().and_then(|load| load.parse().ok()) {
        values.insert("load.1m".to_owned(), load);
    }
    values
}

fn memory(meminfo: &str) -> Values {
    let kilobytes: Values = fields(meminfo).map(|(name, value)| (name.to_owned(), value)).collect();
    let bytes = |name: &str| kilobytes.get(name).map(|value| value * 1024.0);
    let levels = [
        ("memory.total_bytes", bytes("MemTotal")),
        ("memory.available_bytes", bytes("MemAvailable")),
        ("swap.used_bytes", bytes("SwapTotal").zip(bytes("SwapFree")).map(|(total, free)| total - free)),
    ];
    levels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_cpu_time() {
        let before = cpu_times("cpu  100 0 50 800 20 0 10 20 0 0\n");
        let after = cpu_times("cpu  130 0 60 830 30 5 15 30 0 0\n");
        let grown = after.iter().map(|(name, value)| (name.clone(), value - before[name])).collect();
        let values = rates(&grown, 1_000_000_000);
        for (name, expected) in [
            ("cpu.percent", 50.0),
            ("cpu.user_percent", 30.0),
            ("cpu.steal_percent", 10.0),
            ("cpu.interrupt_percent", 10.0),
        ] {
            assert!((values[name] - expected).abs() < 1e-9, "{name}: {values:?}");
        }
    }

    #[test]
    fn pressure_is_a_share_of_the_time() {
        let file =
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=250000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        let values = rates(&pressure("io", file), 1_000_000_000);
        assert_eq!(values["pressure.io.some_percent"], 25.0);
        assert_eq!(values["pressure.io.full_percent"], 0.0);
    }

    #[test]
    fn memory_in_bytes() {
        let values = memory("MemTotal:       2048 kB\nMemAvailable:   1024 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n");
        assert_eq!(values["memory.available_bytes"], 1024.0 * 1024.0);
        assert_eq!(values["swap.used_bytes"], 6.0 * 1024.0);
    }
}
