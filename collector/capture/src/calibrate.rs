//! What the probes cost here: measured before the capture, on a function of our own that begins as CUDA's functions do.
//! Nothing of it is recorded.

use std::path::Path;

use wakechain_wire::{PROBE_CALIBRATION, PROBE_USER_STACK, RING_STACK};

use crate::governor::Prices;
use crate::groups;
use crate::probes::{Level, Probes};
use crate::rings::{RingSizes, Rings};
use crate::sys;

/// Calls between two looks at the rings: even the smallest ring has room for what they emit.
const BATCH: u32 = 16;
const BATCHES: u32 = 12;
const STACK_BATCH: u32 = 2;
/// The least of so many measurements: what disturbs one makes it longer.
const TRIES: u32 = 3;
/// In a program that does something else between its calls, the probes find their code and data further away.
const COLD: f64 = 1.25;

/// A ring that holds a few stacks.
const ROOM_FOR_STACKS: u32 = 32 << 10;

/// `None` where the probe cannot be put into ourselves.
pub fn prices(probes: &mut Probes<'_>, rings: &mut Rings, sizes: RingSizes) -> Option<Prices> {
    let (path, offset) = place_of(sys::calibration_address())?;
    let cookie = u64::from(PROBE_CALIBRATION);
    let bare_ns = measure(rings, BATCH);
    let links = groups::attach_places(probes, Path::new(&path), &[(offset, cookie)]).ok()?;
    probes.calibrate(1);
    probes.order(PROBE_CALIBRATION, Level::NoStacks, 0);
    let call_ns = measure(rings, BATCH) - bare_ns;
    probes.order(PROBE_CALIBRATION, Level::Entries, 0);
    let entry_ns = measure(rings, BATCH) - bare_ns;
    probes.order(PROBE_CALIBRATION, Level::All, 0);
    let stack_ns = if sizes.of(RING_STACK) >= ROOM_FOR_STACKS {
        probes.calibrate(2);
        measure(rings, STACK_BATCH) - bare_ns - call_ns
    } else {
        call_ns
    };
    probes.calibrate(0);
    // The kernel waits a while for the probe to be gone.
    let _ = std::thread::Builder::new().name("wakechain-detach".into()).spawn(move || drop(links));
    rings.discard();
    probes.forget_counts(&[PROBE_CALIBRATION, PROBE_USER_STACK]);
    let price = |ns: f64| (ns.max(1.0) * COLD) as u32;
    Some(Prices { call_ns: price(call_ns), entry_ns: price(entry_ns), stack_ns: price(stack_ns) })
}

/// Nanoseconds a call.
fn measure(rings: &mut Rings, batch: u32) -> f64 {
    let once = |rings: &mut Rings| {
        let mut ns = 0;
        for _ in 0..BATCHES {
            let began = sys::monotonic_ns();
            (0..batch).for_each(|_| sys::calibration_call());
            ns += sys::monotonic_ns() - began;
            rings.discard();
        }
        ns as f64 / f64::from(BATCHES * batch)
    };
    (0..TRIES).map(|_| once(rings)).fold(f64::INFINITY, f64::min)
}

/// File and offset of a piece of our own code.
fn place_of(address: u64) -> Option<(String, u64)> {
    let own = wakechain_host::mappings::mappings(std::process::id()).ok()?;
    let mapping = own.iter().find(|mapping| (mapping.start..mapping.end).contains(&address))?;
    Some(("/proc/self/exe".to_owned(), address - mapping.start + mapping.offset))
}
