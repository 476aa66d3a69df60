//! What only trying can tell: whether this kernel takes the probes, and how it lets uprobes be attached. For `check`.

use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use libbpf_rs::OpenObject;

use crate::error::CaptureError;
use crate::kernel::Kernel;
use crate::options::Rung;
use crate::probes::{ProbeOptions, Probes};
use crate::rings::{RingSizes, Rings};

/// Enough for a ring that is never filled.
const TRIAL_RING_BYTES: u32 = 4096;

/// The best way of attaching uprobes that this kernel offers, by its own type information.
pub fn best_rung() -> Result<Rung, CaptureError> {
    Ok(Kernel::look()?.best_rung())
}

/// Makes rings, loads the probes, attaches those that every capture needs, and takes all of it away again; nothing is
/// recorded. Says how long loading took.
pub fn try_probes() -> Result<Duration, CaptureError> {
    let began = Instant::now();
    let cpus = libbpf_rs::num_possible_cpus()
        .map_err(|error| CaptureError::new("cpus", format!("The CPUs cannot be counted: {error}."), ""))?
        as u32;
    let sizes = RingSizes::new(cpus, Some(TRIAL_RING_BYTES));
    let rings = Rings::create(cpus, sizes)?;
    let mut storage = MaybeUninit::<OpenObject>::uninit();
    let options = ProbeOptions {
        off_cpu_threshold_ns: u64::MAX,
        call_threshold_ns: u64::MAX,
        stacks_per_second: 0,
        first_calls: 0,
        record_everyone: false,
        target_everyone: false,
        sample_hz: 0,
        rung: None,
        governed: false,
        max_events_per_second: 0,
    };
    let probes = Probes::load(&mut storage, options, &rings, sizes, cpus)?;
    let took = began.elapsed();
    drop(probes);
    Ok(took)
}
