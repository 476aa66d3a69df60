//! Reads a spool: block by block from the front, each verified, until the first that is not sound; then any of the
//! verified blocks again, in any order.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::{MAX_BLOCK_BYTES, MAX_CPUS, SpoolError};
use crate::record::Records;
use crate::records::{RING_CLASSES, SPOOL_BLOCK_MAGIC, SPOOL_MAGIC, SpoolBlock, SpoolHeader, WIRE_VERSION};

/// Where the bytes come from: a file, or memory.
pub trait ReadAt {
    fn bytes(&self) -> io::Result<u64>;
    /// Fills the whole buffer, or fails.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }
}

impl ReadAt for &[u8] {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A verified block: where it stands, and whose records it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockEntry {
    /// Of its stored bytes in the file.
    pub offset: u64,
    pub ring: u32,
    pub cpu: u32,
    pub raw_bytes: u32,
    pub stored_bytes: u32,
}

/// Where the sound part ended before the file did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    pub offset: u64,
    /// From there to the end of the file: not read.
    pub bytes: u64,
    pub why: &'static str,
}

pub struct SpoolReader<S: ReadAt> {
    source: S,
    machine: u32,
    bytes: u64,
    next_offset: u64,
    cut: Option<Cut>,
    blocks: Vec<BlockEntry>,
    decompressor: zstd::bulk::Decompressor<'static>,
    stored: Vec<u8>,
}

impl<S: ReadAt> SpoolReader<S> {
    pub fn open(source: S) -> Result<Self, SpoolError> {
        let failed = |error| SpoolError::Io { what: "read", error };
        let bytes = source.bytes().map_err(failed)?;
        if bytes < SpoolHeader::BYTES as u64 {
            return Err(SpoolError::NotASpool(if bytes == 0 { "it is empty" } else { "it is too short" }));
        }
        let mut first = [0; SpoolHeader::BYTES];
        source.read_exact_at(&mut first, 0).map_err(failed)?;
        let header = SpoolHeader::from_array(&first);
        if header.magic != SPOOL_MAGIC {
            return Err(SpoolError::NotASpool("it begins with other bytes"));
        }
        if header.wire_version != WIRE_VERSION {
            return Err(SpoolError::Version { found: header.wire_version, known: WIRE_VERSION });
        }
        Ok(Self {
            source,
            machine: header.machine,
            bytes,
            next_offset: SpoolHeader::BYTES as u64,
            cut: None,
            blocks: Vec::new(),
            decompressor: zstd::bulk::Decompressor::new().map_err(failed)?,
            stored: Vec::new(),
        })
    }

    /// ELF e_machine of the host that was captured.
    pub fn machine(&self) -> u32 {
        self.machine
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How far it was verified.
    pub fn bytes_read(&self) -> u64 {
        self.next_offset
    }

    /// The blocks verified so far.
    pub fn blocks(&self) -> &[BlockEntry] {
        &self.blocks
    }

    /// Why reading ended before the end of the file; `None` when it did not.
    pub fn cut(&self) -> Option<Cut> {
        self.cut
    }

    /// Verifies the next block and gives its index and its records. `None` after the last sound one.
    pub fn next_block(&mut self, raw: &mut Vec<u8>) -> Result<Option<usize>, SpoolError> {
        if self.cut.is_some() || self.next_offset == self.bytes {
            return Ok(None);
        }
        match self.verify(raw)? {
            Ok(entry) => {
                self.next_offset = entry.offset + u64::from(entry.stored_bytes);
                self.blocks.push(entry);
                Ok(Some(self.blocks.len() - 1))
            }
            Err(why) => {
                self.cut = Some(Cut { offset: self.next_offset, bytes: self.bytes - self.next_offset, why });
                Ok(None)
            }
        }
    }

    /// The records of a verified block once more.
    pub fn load(&mut self, index: usize, raw: &mut Vec<u8>) -> Result<(), SpoolError> {
        let entry = *self.blocks.get(index).ok_or(SpoolError::NotASpool("no such block"))?;
        self.stored.resize(entry.stored_bytes as usize, 0);
        self.source
            .read_exact_at(&mut self.stored, entry.offset)
            .map_err(|error| SpoolError::Io { what: "read", error })?;
        if self.unpack(entry.raw_bytes, raw) {
            Ok(())
        } else {
            Err(SpoolError::NotASpool("a block changed while it was read"))
        }
    }

    fn verify(&mut self, raw: &mut Vec<u8>) -> Result<Result<BlockEntry, &'static str>, SpoolError> {
        let failed = |error| SpoolError::Io { what: "read", error };
        let rest = self.bytes - self.next_offset;
        if rest < SpoolBlock::BYTES as u64 {
            return Ok(Err("the last block is cut short"));
        }
        let mut first = [0; SpoolBlock::BYTES];
        self.source.read_exact_at(&mut first, self.next_offset).map_err(failed)?;
        let block = SpoolBlock::from_array(&first);
        if block.magic != SPOOL_BLOCK_MAGIC || block.ring > RING_CLASSES || block.cpu >= MAX_CPUS {
            return Ok(Err("what stands where a block should begin is none"));
        }
        let sizes_are_possible =
            block.raw_bytes as usize <= MAX_BLOCK_BYTES && (1..=block.raw_bytes).contains(&block.stored_bytes);
        if !sizes_are_possible {
            return Ok(Err("a block says a size that none can have"));
        }
        if rest - (SpoolBlock::BYTES as u64) < u64::from(block.stored_bytes) {
            return Ok(Err("the last block is cut short"));
        }
        let offset = self.next_offset + SpoolBlock::BYTES as u64;
        self.stored.resize(block.stored_bytes as usize, 0);
        self.source.read_exact_at(&mut self.stored, offset).map_err(failed)?;
        if crc32fast::hash(&self.stored) != block.checksum {
            return Ok(Err("the checksum of a block is wrong"));
        }
        if !self.unpack(block.raw_bytes, raw) {
            return Ok(Err("a block does not unpack to the size it says"));
        }
        let mut records = Records::new(raw);
        records.by_ref().for_each(drop);
        if records.rest() != 0 {
            return Ok(Err("a block holds something that is no record"));
        }
        let SpoolBlock { ring, cpu, raw_bytes, stored_bytes, .. } = block;
        Ok(Ok(BlockEntry { offset, ring, cpu, raw_bytes, stored_bytes }))
    }

    fn unpack(&mut self, raw_bytes: u32, raw: &mut Vec<u8>) -> bool {
        raw.clear();
        if self.stored.len() == raw_bytes as usize {
            raw.extend_from_slice(&self.stored);
            return true;
        }
        raw.reserve(raw_bytes as usize);
        // no more than was promised is unpacked, whatever the frame says
        let unpacked = self.decompressor.decompress(&self.stored, raw_bytes as usize);
        unpacked.is_ok_and(|bytes| {
            raw.extend_from_slice(&bytes);
            bytes.len() == raw_bytes as usize
        })
    }
}
