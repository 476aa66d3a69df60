//! Writes a spool. Records gather in a buffer for each ring and CPU; a full buffer becomes a block.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;

use super::{BLOCK_TARGET_BYTES, MAX_CPUS, SpoolError};
use crate::record;
use crate::records::{RING_CLASSES, SPOOL_BLOCK_MAGIC, SPOOL_MAGIC, SpoolBlock, SpoolHeader, WIRE_VERSION};
use crate::text;

/// Makes the file anew: never through a link, readable by its owner alone.
pub fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
}

pub struct SpoolWriter<W: Write> {
    output: W,
    compressor: zstd::bulk::Compressor<'static>,
    /// By ring, then by CPU.
    buffers: Vec<Vec<Vec<u8>>>,
    block: Vec<u8>,
    bytes_written: u64,
    failed: bool,
}

impl<W: Write> SpoolWriter<W> {
    /// Writes the header. `machine` is the ELF e_machine of the host: 62 x86_64, 183 aarch64.
    pub fn new(mut output: W, machine: u32) -> Result<Self, SpoolError> {
        let header = SpoolHeader { magic: SPOOL_MAGIC, wire_version: WIRE_VERSION, machine };
        output.write_all(&header.to_bytes()).map_err(|error| SpoolError::Io { what: "write", error })?;
        let compressor = zstd::bulk::Compressor::new(1).map_err(|error| SpoolError::Io { what: "compress", error })?;
        Ok(Self {
            output,
            compressor,
            buffers: vec![Vec::new(); RING_CLASSES as usize + 1],
            block: Vec::new(),
            bytes_written: SpoolHeader::BYTES as u64,
            failed: false,
        })
    }

    /// Takes one whole record of a ring, as the kernel wrote it. `ring` is an `enum ring_class`; `RING_CLASSES` are the
    /// capture's own.
    pub fn append(&mut self, ring: u32, cpu: u32, bytes: &[u8]) -> Result<(), SpoolError> {
        let not_whole = SpoolError::Record { ring, cpu, bytes: bytes.len() };
        if cpu >= MAX_CPUS || !record::is_whole(bytes) {
            return Err(not_whole);
        }
        let Some(of_ring) = self.buffers.get_mut(ring as usize) else { return Err(not_whole) };
        let index = cpu as usize;
        if of_ring.len() <= index {
            of_ring.resize(index + 1, Vec::new());
        }
        let Some(buffer) = of_ring.get_mut(index) else { return Err(not_whole) };
        buffer.extend_from_slice(bytes);
        if buffer.len() >= BLOCK_TARGET_BYTES { self.flush_one(ring, cpu) } else { Ok(()) }
    }

    /// A text of the capture itself, split as it must be.
    pub fn append_text(&mut self, kind: u32, at_ns: u64, text: &str) -> Result<(), SpoolError> {
        text::split(kind, at_ns, text).iter().try_for_each(|record| self.append(RING_CLASSES, 0, record))
    }

    pub fn append_json(&mut self, kind: u32, at_ns: u64, value: &impl Serialize) -> Result<(), SpoolError> {
        let text = serde_json::to_string(value).map_err(SpoolError::Text)?;
        self.append_text(kind, at_ns, &text)
    }

    /// Writes every buffer as a block, so that a crash loses no more than what comes after.
    pub fn flush(&mut self) -> Result<(), SpoolError> {
        for ring in 0..self.buffers.len() {
            for cpu in 0..self.buffers.get(ring).map_or(0, Vec::len) {
                self.flush_one(ring as u32, cpu as u32)?;
            }
        }
        self.output.flush().map_err(|error| SpoolError::Io { what: "write", error })
    }

    pub fn finish(mut self) -> Result<W, SpoolError> {
        self.flush()?;
        Ok(self.output)
    }

    /// In the file; what waits in the buffers is not counted.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    fn flush_one(&mut self, ring: u32, cpu: u32) -> Result<(), SpoolError> {
        if self.failed {
            return Err(SpoolError::Failed);
        }
        let Some(buffer) = self.buffers.get_mut(ring as usize).and_then(|of_ring| of_ring.get_mut(cpu as usize)) else {
            return Ok(());
        };
        if buffer.is_empty() {
            return Ok(());
        }
        let compressed =
            self.compressor.compress(buffer).map_err(|error| SpoolError::Io { what: "compress", error })?;
        let stored = if compressed.len() < buffer.len() { &compressed } else { &*buffer };
        let header = SpoolBlock {
            magic: SPOOL_BLOCK_MAGIC,
            ring,
            cpu,
            raw_bytes: buffer.len() as u32,
            stored_bytes: stored.len() as u32,
            checksum: crc32fast::hash(stored),
        };
        self.block.clear();
        self.block.extend_from_slice(&header.to_bytes());
        self.block.extend_from_slice(stored);
        buffer.clear();
        // one write for a block: a full disk then cuts at most the last one
        if let Err(error) = self.output.write_all(&self.block) {
            self.failed = true;
            return Err(SpoolError::Io { what: "write", error });
        }
        self.bytes_written += self.block.len() as u64;
        Ok(())
    }
}
