//! The spool: one file that the capture appends to while it records, and `finalize` reads once it has ended, or crashed.
//!
//! A header, then blocks. A block holds whole records of one ring, in the order they were taken from it, compressed with
//! zstd at level 1, behind a CRC-32. So a file that was cut anywhere (a killed capture, a full disk) is sound up to its
//! last whole block.

mod reader;
mod writer;

pub use reader::{BlockEntry, Cut, ReadAt, SpoolReader};
pub use writer::{SpoolWriter, create_file};

/// A block is written when it has this many bytes; 64 KiB compresses within 2 % of larger ones and keeps the memory of
/// a host with many CPUs small.
pub const BLOCK_TARGET_BYTES: usize = 64 * 1024;

/// No writer makes larger blocks (a full one, plus a record of at most 64 KiB): a reader believes no larger size.
pub const MAX_BLOCK_BYTES: usize = 256 * 1024;

/// Highest CPU number that is believed; Linux allows 8192.
pub const MAX_CPUS: u32 = 65_536;

#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error("cannot {what} the spool: {error}")]
    Io { what: &'static str, error: std::io::Error },
    #[error("this is not a spool of a capture: {0}")]
    NotASpool(&'static str),
    #[error(
        "this spool has format {found}, and this program reads format {known}: finalize it with the version that wrote it"
    )]
    Version { found: u32, known: u32 },
    #[error("a record of {bytes} bytes for ring {ring}, CPU {cpu} is not whole")]
    Record { ring: u32, cpu: u32, bytes: usize },
    #[error("cannot write a text record: {0}")]
    Text(serde_json::Error),
    #[error("an earlier write to the spool failed")]
    Failed,
}
