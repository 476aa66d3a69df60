//! The rings: made here (their sizes depend on the host), drained by one thread of high priority.
//!
//! Life has one ring; CUDA calls, switches, stacks and the rest of the host have one for each CPU, since a ring is one lock. The reader sleeps
//! until the kernel says that a good part of a ring is full, and looks at all of them every 10 ms at the latest.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use libbpf_rs::{MapHandle, MapType};
use serde_json::json;
use wakechain_wire::{
    CallTextRecord, KernelStackRecord, RECORD_CALL_TEXT, RECORD_COVERAGE, RECORD_KERNEL_STACK, RECORD_USER_STACK,
    RING_CLASSES, RING_CUDA, RING_HOST, RING_LIFE, RING_SCHEDULER, RING_STACK, RecordHeader, UserStackRecord,
};

use crate::error::CaptureError;
use crate::lease::{Lapse, Lease};
use crate::spool::{CHUNK_BYTES, SpoolSender};
use crate::sys::{self, Ring, RingWaiter};

/// Events are in the spool's queue after this time at the latest.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The reader is woken when a quarter of a ring is full, or this much.
const WAKE_BYTES: u32 = 2 << 20;

/// A ring's memory over all CPUs, shared among them: hosts have 2 to 256.
const TOTAL_BYTES: [(u32, u32); 4] =
    [(RING_CUDA, 8 << 20), (RING_SCHEDULER, 4 << 20), (RING_STACK, 4 << 20), (RING_HOST, 1 << 20)];
const LARGEST_RING: u32 = 4 << 20;
const SMALLEST_RING: u32 = 64 << 10;
const LIFE_RING: u32 = 512 << 10;

/// How large each class's rings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingSizes {
    bytes: [u32; RING_CLASSES as usize],
}

impl RingSizes {
    /// `asked`: the same for all classes, where a user chose.
    pub fn new(cpus: u32, asked: Option<u32>) -> Self {
        let smallest = sys::page_size() as u32;
        let mut bytes = [LIFE_RING; RING_CLASSES as usize];
        for (class, total) in TOTAL_BYTES {
            let each = (total / cpus.max(1)).clamp(SMALLEST_RING, LARGEST_RING);
            bytes[class as usize] = 1 << each.ilog2();
        }
        if let Some(asked) = asked {
            bytes = [asked.clamp(smallest, 1 << 30).next_power_of_two(); RING_CLASSES as usize];
        }
        RingSizes { bytes }
    }

    pub fn of(&self, class: u32) -> u32 {
        self.bytes[class as usize]
    }

    pub fn wake_bytes(&self) -> [u32; RING_CLASSES as usize] {
        self.bytes.map(|bytes| (bytes / 4).min(WAKE_BYTES))
    }
}

/// One ring of the kernel: whose records it holds.
struct Source {
    class: u32,
    cpu: u32,
    ring: Ring,
}

pub struct Rings {
    /// In the order of the BPF array `rings`.
    pub maps: Vec<MapHandle>,
    sources: Vec<Source>,
    waiter: RingWaiter,
}

impl Rings {
    pub fn create(cpus: u32, sizes: RingSizes) -> Result<Rings, CaptureError> {
        let failed = |error: io::Error| {
            CaptureError::new(
                "ring_create",
                format!("The rings that carry events out of the kernel cannot be made: {error}."),
                "Smaller rings (--ring-bytes), or a higher memory limit of this login's control group, may help.",
            )
        };
        let mut rings = Rings { maps: Vec::new(), sources: Vec::new(), waiter: RingWaiter::new().map_err(failed)? };
        rings.add(RING_LIFE, 0, sizes).map_err(failed)?;
        for class in [RING_CUDA, RING_SCHEDULER, RING_STACK, RING_HOST] {
            for cpu in 0..cpus {
                rings.add(class, cpu, sizes).map_err(failed)?;
            }
        }
        Ok(rings)
    }

    fn add(&mut self, class: u32, cpu: u32, sizes: RingSizes) -> io::Result<()> {
        let bytes = sizes.of(class);
        let options = libbpf_rs::libbpf_sys::bpf_map_create_opts {
            sz: size_of::<libbpf_rs::libbpf_sys::bpf_map_create_opts>() as _,
            ..Default::default()
        };
        let map = MapHandle::create(MapType::RingBuf, Some("wakechain_ring"), 0, 0, bytes, &options)
            .map_err(io::Error::other)?;
        self.waiter.add(map.as_fd())?;
        self.sources.push(Source { class, cpu, ring: Ring::map(map.as_fd(), bytes as usize)? });
        self.maps.push(map);
        Ok(())
    }

    /// Throws away what is in the rings.
    pub fn discard(&mut self) {
        for source in &mut self.sources {
            source.ring.drain(|_| true);
        }
    }

    /// Starts the reader, which renews the lease as it goes.
    pub fn read_into(self, spool: SpoolSender, lease: Lease) -> Result<Reader, CaptureError> {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let Rings { maps, mut sources, waiter } = self;
        let thread = std::thread::Builder::new()
            .name("wakechain-rings".into())
            .spawn(move || {
                sys::go_first();
                loop {
                    // Read before draining: what was written before the end is then drained for certain.
                    let last = seen.load(Ordering::SeqCst);
                    if let Some(lapse) = lease.renew() {
                        tell_lapse(&spool, lapse);
                    }
                    for source in &mut sources {
                        drain(source, &spool);
                    }
                    if last {
                        break;
                    }
                    waiter.wait(LOOK_EVERY);
                }
            })
            .map_err(CaptureError::no_thread)?;
        Ok(Reader { ended, thread: Some(thread), maps })
    }
}

pub struct Reader {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// In the order of the BPF array `rings`.
    pub maps: Vec<MapHandle>,
}

impl Reader {
    /// Drains what is left, and ends. Nothing may be writing any more.
    pub fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.end();
    }
}

fn tell_lapse(spool: &SpoolSender, lapse: Lapse) {
    spool.json(
        RECORD_COVERAGE,
        &json!({
            "start_ns": lapse.start_ns, "end_ns": lapse.end_ns,
            "what": "everything", "reason": "the collector did not get to run", "kept": 0.0,
        }),
    );
}

fn drain(source: &mut Source, spool: &SpoolSender) {
    loop {
        let mut records = spool.buffer();
        source.ring.drain(|record| {
            push(&mut records, record);
            records.len() + 8192 < CHUNK_BYTES
        });
        if records.is_empty() {
            return;
        }
        let more = records.len() + 8192 >= CHUNK_BYTES;
        spool.records(source.class, source.cpu, records);
        if !more {
            return;
        }
    }
}

/// Keeps a record; the probes reserve stacks and texts at their largest, here they are cut to what they hold.
fn push(records: &mut Vec<u8>, record: &[u8]) {
    let Some(header) = RecordHeader::from_bytes(record) else { return };
    let holds = match u32::from(header.kind) {
        RECORD_USER_STACK => {
            UserStackRecord::from_bytes(record).map(|stack| UserStackRecord::BYTES + stack.snapshot_bytes as usize)
        }
        RECORD_CALL_TEXT => {
            CallTextRecord::from_bytes(record).map(|call| CallTextRecord::BYTES + call.text_bytes as usize)
        }
        RECORD_KERNEL_STACK => {
            KernelStackRecord::from_bytes(record).map(|stack| KernelStackRecord::BYTES + 8 * stack.frame_count as usize)
        }
        _ => None,
    };
    let bytes = holds.unwrap_or(usize::from(header.bytes)).next_multiple_of(8);
    let Some(kept) = record.get(..bytes.min(record.len())) else { return };
    let start = records.len();
    records.extend_from_slice(kept);
    if let (Some(_), Some(place)) = (holds, records.get_mut(start..start + 2)) {
        place.copy_from_slice(&(kept.len() as u16).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_shrink_with_the_number_of_cpus_and_stay_powers_of_two() {
        for cpus in [1, 2, 3, 8, 96, 256, 1024] {
            let sizes = RingSizes::new(cpus, None);
            for class in 0..RING_CLASSES {
                assert!(
                    sizes.of(class).is_power_of_two() && (SMALLEST_RING..=LARGEST_RING).contains(&sizes.of(class)),
                    "{cpus}"
                );
            }
        }
        assert_eq!(RingSizes::new(2, None).of(RING_CUDA), 4 << 20);
        assert_eq!(RingSizes::new(256, None).of(RING_CUDA), 64 << 10);
        assert_eq!(RingSizes::new(2, Some(65_536)).of(RING_LIFE), 65_536);
        assert_eq!(RingSizes::new(2, Some(5000)).of(RING_CUDA), 8192);
    }

    #[test]
    fn a_stack_is_cut_to_what_it_holds() {
        let mut stack = UserStackRecord { snapshot_bytes: 16, ..UserStackRecord::default() };
        stack.header.kind = RECORD_USER_STACK as u8;
        let mut record = stack.to_bytes().to_vec();
        record.resize(UserStackRecord::BYTES + 4096, 7);
        let mut kept = Vec::new();
        push(&mut kept, &record);
        assert_eq!(kept.len(), UserStackRecord::BYTES + 16);
        assert!(wakechain_wire::record::is_whole(&kept));
    }
}
