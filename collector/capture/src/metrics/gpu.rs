//! What the GPUs themselves say, by `nvidia-smi` in its loop mode where it is installed: a static program cannot load
//! NVIDIA's own library.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use wakechain_wire::RECORD_METRICS;

use super::Values;
use crate::spool::SpoolSender;
use crate::sys;

/// Fields asked for after the index (`nvidia-smi --help-query-gpu`), what each is called, and what makes it the unit.
const FIELDS: [(&str, &str, f64); 7] = [
    ("utilization.gpu", "utilization_percent", 1.0),
    ("utilization.memory", "memory_utilization_percent", 1.0),
    ("memory.used", "memory_used_bytes", 1024.0 * 1024.0),
    ("clocks.current.sm", "sm_clock_mhz", 1.0),
    ("temperature.gpu", "temperature_celsius", 1.0),
    ("power.draw", "power_watts", 1.0),
    // bits of nvmlClocksEventReasons (nvml.h)
    ("clocks_throttle_reasons.active", "throttle_reasons", 1.0),
];

/// Runs until it is dropped.
pub struct GpuReadings {
    program: Child,
    /// Where readings go; nothing any more once they are over, whatever the program still says.
    to: Arc<Mutex<Option<SpoolSender>>>,
}

/// A driver that hangs does not let go of `nvidia-smi`: after so long it is left behind.
const PATIENCE: Duration = Duration::from_millis(500);

impl GpuReadings {
    /// `None` where there is no `nvidia-smi`. Every line that it prints becomes a record.
    pub fn start(spool: SpoolSender) -> Option<GpuReadings> {
        let asked: Vec<&str> = FIELDS.iter().map(|(field, ..)| *field).collect();
        let mut program = Command::new("nvidia-smi")
            .arg(format!("--query-gpu=index,{}", asked.join(",")))
            .args(["--format=csv,noheader,nounits", "--loop-ms=1000"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let lines = BufReader::new(program.stdout.take()?).lines();
        let to = Arc::new(Mutex::new(Some(spool)));
        let spool = Arc::clone(&to);
        let read = move || {
            for line in lines.map_while(Result::ok) {
                let Ok(spool) = spool.lock() else { return };
                let Some(spool) = spool.as_ref() else { return };
                if let Some(values) = values_of(&line) {
                    spool.json(RECORD_METRICS, &json!({"at_ns": sys::monotonic_ns(), "values": values}));
                }
            }
        };
        // without a thread there are no readings, and the program ends as what it prints goes nowhere
        let _ = thread::Builder::new().name("wakechain-gpu".into()).spawn(read);
        Some(GpuReadings { program, to })
    }
}

impl Drop for GpuReadings {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let began = Instant::now();
        while matches!(self.program.try_wait(), Ok(None)) && began.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        if let Ok(mut to) = self.to.lock() {
            *to = None;
        }
    }
}

/// One GPU's line; what it cannot tell ("[N/A]") is left out.
fn values_of(line: &str) -> Option<Values> {
    let mut cells = line.split(',').map(str::trim);
    let index: u32 = cells.next()?.parse().ok()?;
    let number = |cell: &str| match cell.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|bits| bits as f64),
        None => cell.parse::<f64>().ok(),
    };
    let named = FIELDS.iter().zip(cells);
    Some(
        named
            .filter_map(|((_, name, unit), cell)| Some((format!("gpu.{index}.{name}"), number(cell)? * unit)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_nvidia_smi() {
        let values = values_of("1, 87, 40, 2048, 1410, 65, 299.5, 0x0000000000000004").expect("a reading");
        assert_eq!(values["gpu.1.utilization_percent"], 87.0);
        assert_eq!(values["gpu.1.memory_used_bytes"], 2048.0 * 1048576.0);
        assert_eq!(values["gpu.1.throttle_reasons"], 4.0);
        let values = values_of("0, [N/A], 40, 1, 1, 1, [Not Supported], 0x0").expect("a reading");
        assert!(!values.contains_key("gpu.0.utilization_percent") && !values.contains_key("gpu.0.power_watts"));
        assert_eq!(values_of("Unable to determine the device handle"), None);
    }
}
