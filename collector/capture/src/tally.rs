//! Counts what is written to the spool, row by row as the probes count what they emit, so that the two can be compared
//! at the end: spooled = emitted, and the rows of `loss` add up to what was lost.

use std::collections::BTreeSet;

use wakechain_wire::record::Records;
use wakechain_wire::{
    BLOCK_OPEN, CallRecord, KernelStackRecord, LossRecord, PROBE_BLOCK_DONE, PROBE_BLOCK_END, PROBE_COMPACTION,
    PROBE_EXEC, PROBE_EXIT, PROBE_FORK, PROBE_ITERATE_END, PROBE_ITERATE_START, PROBE_KERNEL_STACK, PROBE_LIMIT,
    PROBE_OBJECT, PROBE_OOM, PROBE_PAGE_FAULT, PROBE_RECLAIM, PROBE_RENAME, PROBE_RETRANSMIT, PROBE_SAMPLE,
    PROBE_SLICE_END, PROBE_SWITCH_OFF_CPU, PROBE_SWITCH_SLICE, PROBE_USER_STACK, RECORD_BLOCK, RECORD_CALL,
    RECORD_CALL_ARGS, RECORD_CALL_MEMORY, RECORD_CALL_TEXT, RECORD_FILE, RECORD_KERNEL_STACK, RECORD_LOSS,
    RECORD_RETRANSMIT, RECORD_SAMPLE, RECORD_SOCKET, RECORD_STALL, RECORD_SWITCH, RECORD_SWITCH_DETAIL, RECORD_THREAD,
    RECORD_USER_STACK, STALL_PAGE_FAULT, STALL_RECLAIM, SWITCH_HAS_OFF_CPU, SWITCH_HAS_SLICE, SWITCH_OPEN,
    SocketRecord, StallRecord, THREAD_EXEC, THREAD_EXIT, THREAD_FORK, THREAD_OOM_KILL, THREAD_RENAME, ThreadRecord,
};

use crate::options::EventCounts;

#[derive(Clone, Debug)]
pub struct Tally {
    /// Rows by probe index.
    pub rows: Vec<u64>,
    /// Events that loss records tell of.
    pub lost: u64,
    pub events: EventCounts,
    /// That kernel stacks hold.
    pub kernel_addresses: BTreeSet<u64>,
    /// Inodes of sockets that sent something again.
    pub sockets: BTreeSet<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            rows: vec![0; PROBE_LIMIT as usize],
            lost: 0,
            events: EventCounts::default(),
            kernel_addresses: BTreeSet::new(),
            sockets: BTreeSet::new(),
        }
    }
}

impl Tally {
    /// Takes note of whole records.
    pub fn add(&mut self, records: &[u8]) {
        for (_, record) in Records::new(records) {
            let flags = u32::from(record.header.flags);
            match u32::from(record.header.kind) {
                RECORD_SWITCH | RECORD_SWITCH_DETAIL => {
                    self.events.scheduler += 1;
                    let open = flags & SWITCH_OPEN != 0;
                    if flags & SWITCH_HAS_OFF_CPU != 0 {
                        self.row(if open { PROBE_ITERATE_END } else { PROBE_SWITCH_OFF_CPU });
                    }
                    if flags & SWITCH_HAS_SLICE != 0 {
                        self.row(if open { PROBE_SLICE_END } else { PROBE_SWITCH_SLICE });
                    }
                }
                RECORD_CALL | RECORD_CALL_ARGS | RECORD_CALL_MEMORY | RECORD_CALL_TEXT => {
                    self.events.cuda += 1;
                    if let Some(call) = CallRecord::from_bytes(record.bytes) {
                        self.row(call.probe);
                    }
                }
                RECORD_USER_STACK => {
                    self.events.stacks += 1;
                    self.row(PROBE_USER_STACK);
                }
                RECORD_KERNEL_STACK => {
                    self.events.stacks += 1;
                    self.row(PROBE_KERNEL_STACK);
                    let frames = record.bytes.get(KernelStackRecord::BYTES..).unwrap_or_default();
                    self.kernel_addresses.extend(
                        frames.chunks_exact(8).filter_map(|frame| Some(u64::from_le_bytes(frame.try_into().ok()?))),
                    );
                }
                RECORD_THREAD => {
                    self.events.life += 1;
                    if let Some(thread) = ThreadRecord::from_bytes(record.bytes) {
                        self.row(match thread.event {
                            THREAD_FORK => PROBE_FORK,
                            THREAD_EXEC => PROBE_EXEC,
                            THREAD_RENAME => PROBE_RENAME,
                            THREAD_EXIT => PROBE_EXIT,
                            THREAD_OOM_KILL => PROBE_OOM,
                            _ => PROBE_ITERATE_START,
                        });
                    }
                }
                RECORD_FILE | RECORD_SOCKET => {
                    self.events.host += 1;
                    self.row(PROBE_OBJECT);
                }
                RECORD_BLOCK => {
                    self.events.host += 1;
                    self.row(if flags & BLOCK_OPEN != 0 { PROBE_BLOCK_END } else { PROBE_BLOCK_DONE });
                }
                RECORD_RETRANSMIT => {
                    self.events.host += 1;
                    self.row(PROBE_RETRANSMIT);
                    let inode = SocketRecord::from_bytes(record.bytes).map_or(0, |socket| socket.inode);
                    self.sockets.extend((inode != 0).then_some(inode));
                }
                RECORD_STALL => {
                    self.events.host += 1;
                    if let Some(stall) = StallRecord::from_bytes(record.bytes) {
                        self.row(match stall.kind {
                            STALL_PAGE_FAULT => PROBE_PAGE_FAULT,
                            STALL_RECLAIM => PROBE_RECLAIM,
                            _ => PROBE_COMPACTION,
                        });
                    }
                }
                RECORD_SAMPLE => {
                    self.events.host += 1;
                    self.row(PROBE_SAMPLE);
                }
                RECORD_LOSS => {
                    if let Some(loss) = LossRecord::from_bytes(record.bytes) {
                        self.lost += loss.events;
                    }
                }
                _ => {}
            }
        }
    }

    fn row(&mut self, probe: u32) {
        if let Some(rows) = self.rows.get_mut(probe as usize) {
            *rows += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wakechain_wire::{RecordHeader, SwitchRecord};

    fn header(kind: u32, bytes: usize, flags: u32) -> RecordHeader {
        RecordHeader { bytes: bytes as u16, kind: kind as u8, flags: flags as u8, cpu: 0 }
    }

    #[test]
    fn one_switch_can_be_two_rows() {
        let switch = |flags| {
            SwitchRecord { header: header(RECORD_SWITCH, SwitchRecord::BYTES, flags), ..SwitchRecord::default() }
                .to_bytes()
        };
        let mut tally = Tally::default();
        for flags in [SWITCH_HAS_SLICE, SWITCH_HAS_SLICE | SWITCH_HAS_OFF_CPU, SWITCH_OPEN | SWITCH_HAS_OFF_CPU] {
            tally.add(&switch(flags));
        }
        let rows = |probe: u32| tally.rows[probe as usize];
        assert_eq!((rows(PROBE_SWITCH_SLICE), rows(PROBE_SWITCH_OFF_CPU), rows(PROBE_ITERATE_END)), (2, 1, 1));
        assert_eq!(tally.events.scheduler, 3);
    }

    #[test]
    fn losses_add_up() {
        let mut tally = Tally::default();
        for events in [3, 4] {
            let loss =
                LossRecord { header: header(RECORD_LOSS, LossRecord::BYTES, 0), events, ..LossRecord::default() };
            tally.add(&loss.to_bytes());
        }
        assert_eq!(tally.lost, 7);
    }
}
