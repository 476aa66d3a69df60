//! First pass over the spool: verifies every block, reads what is small (texts, lives, losses) and notes where the rest
//! stands. 16 bytes a row are kept in memory; the rows themselves are read again, in order, when they are written.

use std::collections::{BTreeMap, HashMap};

use wakechain_wire::record::{Record, Records};
use wakechain_wire::spool::{Cut, ReadAt, SpoolReader};
use wakechain_wire::text::{Joiner, Text};
use wakechain_wire::*;

use crate::block::Request;
use crate::blocks::{Blocks, Place};
use crate::error::FinalizeError;
use crate::objects::Objects;

/// A row to be: when it starts (absolute), and where its record is. Sorting these gives the order of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    pub start_ns: u64,
    pub place: Place,
}

#[derive(Default)]
pub struct Found {
    pub texts: Vec<Text>,
    pub lives: Vec<ThreadRecord>,
    pub losses: Vec<LossRecord>,
    pub off_cpu: Vec<Event>,
    pub calls: Vec<Event>,
    /// By CPU.
    pub slices: BTreeMap<u32, Vec<Event>>,
    pub requests: Vec<Request>,
    /// By start, by time: few enough to be kept whole.
    pub stalls: Vec<StallRecord>,
    pub samples: Vec<SampleRecord>,
    pub retransmits: Vec<SocketRecord>,
    pub user_stacks: HashMap<u64, Place>,
    pub kernel_stacks: HashMap<u64, Place>,
    /// What was waited for is called.
    pub objects: Objects,
    /// Stack records, repeated keys included.
    pub user_stack_records: u64,
    pub kernel_stack_records: u64,
    /// Whether any wake-up was seen to run in an interrupt: then this kernel tells, for all of them.
    pub interrupts_are_seen: bool,
    /// The latest time that any record has.
    pub last_ns: u64,
    /// Records that are too short for their kind, or of no kind that is known.
    pub unreadable: u64,
    pub cut: Option<Cut>,
    pub machine: u32,
}

/// Reads the whole spool. `step` gets the share that was read, and says whether to stop.
pub fn scan<S: ReadAt>(
    mut reader: SpoolReader<S>,
    step: &mut dyn FnMut(f64) -> Result<(), FinalizeError>,
) -> Result<(Found, Blocks<S>), FinalizeError> {
    let mut found = Found { machine: reader.machine(), ..Found::default() };
    let mut joiner = Joiner::default();
    let mut raw = Vec::new();
    while let Some(index) = reader.next_block(&mut raw)? {
        let texts = reader.blocks().get(index).is_some_and(|block| block.ring == RING_CLASSES);
        for (offset, record) in Records::new(&raw) {
            if texts {
                found.texts.extend(joiner.push(&record));
            } else {
                found.take(&record, Place { block: index as u32, offset: offset as u32 });
            }
        }
        step(reader.bytes_read() as f64 / reader.bytes() as f64)?;
    }
    found.cut = reader.cut();
    found.off_cpu.sort_unstable();
    found.calls.sort_unstable();
    found.requests.sort_unstable();
    found.stalls.sort_by_key(|stall| stall.start_ns);
    found.samples.sort_by_key(|sample| sample.at_ns);
    found.retransmits.sort_by_key(|record| record.at_ns);
    found.slices.values_mut().for_each(|events| events.sort_unstable());
    found.lives.sort_by_key(|life| life.at_ns);
    for text in &found.texts {
        found.last_ns = found.last_ns.max(text.at_ns);
    }
    Ok((found, Blocks::new(reader)))
}

impl Found {
    fn take(&mut self, record: &Record, place: Place) {
        let at_ns = match u32::from(record.header.kind) {
            RECORD_THREAD => ThreadRecord::from_bytes(record.bytes).map(|life| {
                self.lives.push(life);
                life.at_ns
            }),
            RECORD_SWITCH => SwitchRecord::from_bytes(record.bytes).map(|switch| self.switch(&switch, place)),
            RECORD_SWITCH_DETAIL => {
                SwitchDetailRecord::from_bytes(record.bytes).map(|detail| self.switch(&detail.base, place))
            }
            RECORD_CALL => CallRecord::from_bytes(record.bytes).map(|call| self.call(&call, place)),
            RECORD_CALL_ARGS | RECORD_CALL_MEMORY | RECORD_CALL_TEXT => {
                CallArgsRecord::from_bytes(record.bytes).map(|call| self.call(&call.base, place))
            }
            RECORD_USER_STACK => UserStackRecord::from_bytes(record.bytes).map(|stack| {
                self.user_stack_records += 1;
                self.user_stacks.entry(stack.key).or_insert(place);
                stack.at_ns
            }),
            RECORD_KERNEL_STACK => KernelStackRecord::from_bytes(record.bytes).map(|stack| {
                self.kernel_stack_records += 1;
                self.kernel_stacks.entry(stack.key).or_insert(place);
                stack.at_ns
            }),
            RECORD_FILE => FileRecord::from_bytes(record.bytes).map(|file| {
                self.objects.take_file(&file);
                file.at_ns
            }),
            RECORD_SOCKET => SocketRecord::from_bytes(record.bytes).map(|socket| {
                self.objects.take_socket(&socket);
                socket.at_ns
            }),
            RECORD_BLOCK => BlockRecord::from_bytes(record.bytes).map(|block| {
                self.requests.push(Request { queued_ns: block.queued_ns, place, id: block.id });
                block.done_ns
            }),
            RECORD_STALL => StallRecord::from_bytes(record.bytes).map(|stall| {
                self.stalls.push(stall);
                stall.end_ns
            }),
            RECORD_SAMPLE => SampleRecord::from_bytes(record.bytes).map(|sample| {
                self.samples.push(sample);
                sample.at_ns
            }),
            RECORD_RETRANSMIT => SocketRecord::from_bytes(record.bytes).map(|socket| {
                self.retransmits.push(socket);
                socket.at_ns
            }),
            RECORD_LOSS => LossRecord::from_bytes(record.bytes).map(|loss| {
                self.losses.push(loss);
                loss.start_ns
            }),
            _ => None,
        };
        match at_ns {
            Some(at_ns) => self.last_ns = self.last_ns.max(at_ns),
            None => self.unreadable += 1,
        }
    }

    fn switch(&mut self, switch: &SwitchRecord, place: Place) -> u64 {
        self.interrupts_are_seen |=
            u32::from(switch.waker_context) & (WAKER_IN_HARD_INTERRUPT | WAKER_IN_SOFT_INTERRUPT) != 0;
        if switch.header.has(SWITCH_HAS_OFF_CPU) {
            self.off_cpu.push(Event { start_ns: switch.off_ns, place });
        }
        if switch.header.has(SWITCH_HAS_SLICE) {
            self.slices.entry(switch.header.cpu).or_default().push(Event { start_ns: switch.slice_start_ns, place });
        }
        switch.at_ns
    }

    fn call(&mut self, call: &CallRecord, place: Place) -> u64 {
        self.calls.push(Event { start_ns: call.start_ns, place });
        call.end_ns.max(call.start_ns)
    }
}
