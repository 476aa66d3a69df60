//! The one question about an ELF file that the symbolizer does not answer: where its bytes are loaded.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

const PT_LOAD: u32 = 1;
const PF_EXECUTE: u32 = 1;
/// More segments than any real file has.
const MAX_SEGMENTS: u16 = 512;

/// A part of the file that is loaded: where it lies in the file, and where in memory, as the file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    offset: u64,
    file_bytes: u64,
    address: u64,
    memory_bytes: u64,
    is_code: bool,
}

impl Segment {
    /// What it takes in memory, with what follows the bytes of the file and starts as zeros.
    pub fn memory(&self) -> Range<u64> {
        self.address..self.address.saturating_add(self.memory_bytes)
    }
}

/// The loadable segments. 64-bit little-endian files only, as both processors have.
pub fn segments(path: &Path) -> Option<Vec<Segment>> {
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))?;
    let mut header = [0; 64];
    file.read_exact_at(&mut header, 0).ok()?;
    if header.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let table = u64_at(&header, 32)?;
    let (entry_bytes, count) = (u16_at(&header, 54)?, u16_at(&header, 56)?);
    let mut found = Vec::new();
    for index in 0..count.min(MAX_SEGMENTS) {
        let mut entry = [0; 56];
        file.read_exact_at(&mut entry, table.checked_add(u64::from(index) * u64::from(entry_bytes))?).ok()?;
        if u32_at(&entry, 0)? == PT_LOAD {
            found.push(Segment {
                offset: u64_at(&entry, 8)?,
                address: u64_at(&entry, 16)?,
                file_bytes: u64_at(&entry, 32)?,
                memory_bytes: u64_at(&entry, 40)?,
                is_code: u32_at(&entry, 4)? & PF_EXECUTE != 0,
            });
        }
    }
    Some(found)
}

/// The virtual address, as the file has it, of a byte of its code.
pub fn address_of_code(segments: &[Segment], offset: u64) -> Option<u64> {
    // a mapping begins at a page, its segment maybe later in it, after the end of another
    let holds = |segment: &&Segment| {
        segment.is_code
            && (segment.offset & !0xfff..segment.offset.saturating_add(segment.file_bytes)).contains(&offset)
    };
    let segment = segments.iter().find(holds)?;
    Some(segment.address.wrapping_add(offset.wrapping_sub(segment.offset)))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As lld lays them out: the page in which one ends is that in which the next begins.
    #[test]
    fn the_page_where_code_begins_belongs_to_code() {
        let segment = |offset, file_bytes, address, is_code| Segment {
            offset,
            file_bytes,
            address,
            memory_bytes: file_bytes,
            is_code,
        };
        let segments = [
            segment(0, 0xdd87c, 0, false),
            segment(0xdd880, 0x223020, 0xde880, true),
            segment(0x3008a0, 0x198d8, 0x3028a0, false),
        ];
        assert_eq!(address_of_code(&segments, 0xdd000), Some(0xde000));
        assert_eq!(address_of_code(&segments, 0xde000), Some(0xdf000));
        assert_eq!(address_of_code(&segments, 0x301000), None);
    }
}
