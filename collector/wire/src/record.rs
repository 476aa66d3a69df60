//! Records, one after another in a block: each says its own length, which is checked before anything is believed.

use crate::records::RecordHeader;

/// A whole record: its header, and all its bytes, the header's included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record<'a> {
    pub header: RecordHeader,
    pub bytes: &'a [u8],
}

/// Whether `bytes` are exactly one record: as long as its header says, a multiple of 8.
pub fn is_whole(bytes: &[u8]) -> bool {
    Records::new(bytes).next().is_some_and(|(_, record)| record.bytes.len() == bytes.len())
}

/// Walks a block. Yields the offset of each record with it; ends at the first that cannot be one.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    block: &'a [u8],
    offset: usize,
}

impl<'a> Records<'a> {
    pub fn new(block: &'a [u8]) -> Self {
        Self { block, offset: 0 }
    }

    /// Bytes that were not reached: 0 after the last record of a sound block.
    pub fn rest(&self) -> usize {
        self.block.len() - self.offset
    }

    /// The record at an offset that this iterator once yielded.
    pub fn at(block: &'a [u8], offset: usize) -> Option<Record<'a>> {
        let bytes = block.get(offset..)?;
        let header = RecordHeader::from_bytes(bytes)?;
        let length = usize::from(header.bytes);
        if length < RecordHeader::BYTES || length % 8 != 0 {
            return None;
        }
        Some(Record { header, bytes: bytes.get(..length)? })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (usize, Record<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        let record = Self::at(self.block, offset)?;
        self.offset += record.bytes.len();
        Some((offset, record))
    }
}
