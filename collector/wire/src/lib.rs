//! What the probes emit, and the file it is kept in until the database is made.
//!
//! - [`records`]: constants and structs, generated from `bpf/wire.h`
//! - [`record`]: whole records, one after another in a block of bytes
//! - [`text`]: long texts (JSON) as records of at most 64 KiB
//! - [`spool`]: the file: blocks of records, compressed, each with a checksum
//!
//! Everything that reads takes any bytes at all: it may end early and say where, it never panics.

pub mod record;
pub mod spool;
pub mod text;

/// Generated from `bpf/wire.h` by `build.rs`.
#[allow(clippy::unreadable_literal)]
pub mod records {
    include!(concat!(env!("OUT_DIR"), "/records.rs"));

    impl RecordHeader {
        /// Whether a flag of `header.flags` is set.
        pub fn has(&self, flag: u32) -> bool {
            u32::from(self.flags) & flag != 0
        }
    }
}

pub use records::*;
