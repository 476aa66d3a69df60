//! Records again, in any order: the blocks of a spool with the most recently used ones kept unpacked.
//!
//! Rows are written in order of their start, records stand in the order they were emitted: each ring's reading place
//! moves forward, so a few blocks for each ring are all that is needed, whatever the length of the capture.

use std::collections::HashSet;

use wakechain_wire::record::{Record, Records};
use wakechain_wire::spool::{BLOCK_TARGET_BYTES, MAX_BLOCK_BYTES, ReadAt, SpoolReader};

use crate::error::FinalizeError;

/// Unpacked blocks kept, in bytes: for long intervals, whose records stand far behind their start, and a few for each ring.
const CACHE_BYTES: usize = 16 << 20;
const CACHE_BYTES_PER_RING: usize = 4 * BLOCK_TARGET_BYTES;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub block: u32,
    pub offset: u32,
}

pub struct Blocks<S: ReadAt> {
    reader: SpoolReader<S>,
    unpacked: Vec<Option<Unpacked>>,
    in_memory: Vec<u32>,
    bytes: usize,
    capacity: usize,
    clock: u64,
}

struct Unpacked {
    bytes: Vec<u8>,
    used: u64,
}

impl<S: ReadAt> Blocks<S> {
    /// Of a reader that has come to its end.
    pub fn new(reader: SpoolReader<S>) -> Self {
        let unpacked = std::iter::repeat_with(|| None).take(reader.blocks().len()).collect();
        let rings: HashSet<(u32, u32)> = reader.blocks().iter().map(|block| (block.ring, block.cpu)).collect();
        let capacity = CACHE_BYTES + rings.len() * CACHE_BYTES_PER_RING;
        Self { reader, unpacked, in_memory: Vec::new(), bytes: 0, capacity, clock: 0 }
    }

    pub fn record(&mut self, place: Place) -> Result<Record<'_>, FinalizeError> {
        let index = place.block as usize;
        if self.unpacked.get(index).is_none_or(Option::is_none) {
            self.load(place.block)?;
        }
        self.clock += 1;
        let clock = self.clock;
        let found = self.unpacked.get_mut(index).and_then(Option::as_mut).and_then(|block| {
            block.used = clock;
            Records::at(&block.bytes, place.offset as usize)
        });
        found.ok_or_else(|| FinalizeError::new("spool_unreadable", "the spool changed while it was read"))
    }

    fn load(&mut self, block: u32) -> Result<(), FinalizeError> {
        while self.bytes + MAX_BLOCK_BYTES > self.capacity {
            let oldest = |(_, block): &(usize, &u32)| {
                self.unpacked.get(**block as usize).and_then(Option::as_ref).map_or(0, |block| block.used)
            };
            let Some((position, _)) = self.in_memory.iter().enumerate().min_by_key(oldest) else { break };
            let evicted = self.in_memory.swap_remove(position);
            if let Some(gone) = self.unpacked.get_mut(evicted as usize).and_then(Option::take) {
                self.bytes -= gone.bytes.len();
            }
        }
        let mut bytes = Vec::new();
        self.reader.load(block as usize, &mut bytes)?;
        self.bytes += bytes.len();
        self.in_memory.push(block);
        if let Some(slot) = self.unpacked.get_mut(block as usize) {
            *slot = Some(Unpacked { bytes, used: self.clock });
        }
        Ok(())
    }
}
