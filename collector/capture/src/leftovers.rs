//! What only user space can tell once the recording is over: who was on each CPU at the end, and losses after which
//! nothing got through any more.

use wakechain_wire::{
    BLOCK_OPEN, BLOCK_OWN, BlockRecord, LossRecord, RECORD_BLOCK, RECORD_LOSS, RECORD_SWITCH, RING_HOST,
    RING_SCHEDULER, RecordHeader, SWITCH_HAS_SLICE, SWITCH_OPEN, SWITCH_SLICE_BEGAN_BEFORE, SwitchRecord,
};

use crate::probes::{RunningNow, UntoldLoss};
use crate::spool::SpoolSender;

/// Slices that had not ended; how many.
pub fn open_slices(running: &[RunningNow], start_ns: u64, end_ns: u64, spool: &SpoolSender) -> u64 {
    for now in running {
        let began_before = now.slice_start_ns == 0;
        let record = SwitchRecord {
            header: RecordHeader {
                bytes: SwitchRecord::BYTES as u16,
                kind: RECORD_SWITCH as u8,
                flags: (SWITCH_HAS_SLICE | SWITCH_OPEN | if began_before { SWITCH_SLICE_BEGAN_BEFORE } else { 0 })
                    as u8,
                cpu: now.cpu,
            },
            at_ns: end_ns,
            slice_start_ns: if began_before { start_ns } else { now.slice_start_ns },
            prev_tid: now.tid,
            system_call: -1,
            waker_system_call: -1,
            ..SwitchRecord::default()
        };
        spool.records(RING_SCHEDULER, now.cpu, record.to_bytes().to_vec());
    }
    running.len() as u64
}

/// Block requests that were not done; how many. The collector's own are nobody's business. Where the disk has nothing to
/// do, they were done at a moment when no probe ran.
pub fn open_requests(requests: Vec<BlockRecord>, end_ns: u64, spool: &SpoolSender) -> u64 {
    let mut told = 0;
    let is_open = |record: &BlockRecord| !record.header.has(BLOCK_OWN) && is_busy(record.device);
    for mut record in requests.into_iter().filter(is_open) {
        record.header = RecordHeader {
            bytes: BlockRecord::BYTES as u16,
            kind: RECORD_BLOCK as u8,
            flags: BLOCK_OPEN as u8,
            cpu: 0,
        };
        record.done_ns = end_ns;
        spool.records(RING_HOST, 0, record.to_bytes().to_vec());
        told += 1;
    }
    told
}

/// By the kernel's own count of reads and writes in flight.
fn is_busy(device: u32) -> bool {
    let path = format!("/sys/dev/block/{}:{}/inflight", device >> 20, device & 0xf_ffff);
    let counts = std::fs::read_to_string(path).unwrap_or_default();
    counts.split_whitespace().any(|count| count != "0")
}

pub fn untold_losses(losses: &[UntoldLoss], end_ns: u64, spool: &SpoolSender) {
    for loss in losses {
        let record = LossRecord {
            header: RecordHeader { bytes: LossRecord::BYTES as u16, kind: RECORD_LOSS as u8, flags: 0, cpu: loss.cpu },
            start_ns: loss.start_ns,
            end_ns,
            events: loss.events,
            ring: loss.class,
            source: loss.source,
        };
        spool.records(loss.class, loss.cpu, record.to_bytes().to_vec());
    }
}
