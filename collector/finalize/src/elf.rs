//! The one question about an ELF file that the symbolizer does not answer: where a file offset is loaded.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const PT_LOAD: u32 = 1;
/// More segments than any real file has.
const MAX_SEGMENTS: u16 = 512;

/// The virtual address, as the file has it, of a byte of the file: through its loadable segments. 64-bit little-endian
/// files only, as both processors have.
pub fn address_of_offset(path: &Path, offset: u64) -> Option<u64> {
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))?;
    let mut header = [0; 64];
    file.read_exact_at(&mut header, 0).ok()?;
    if header.get(..6)? != b"\x7fELF\x02\x01" {
        return None;
    }
    let table = u64_at(&header, 32)?;
    let (entry_bytes, count) = (u16_at(&header, 54)?, u16_at(&header, 56)?);
    for index in 0..count.min(MAX_SEGMENTS) {
        let mut entry = [0; 56];
        file.read_exact_at(&mut entry, table.checked_add(u64::from(index) * u64::from(entry_bytes))?).ok()?;
        let (kind, from, address, bytes) =
            (u32_at(&entry, 0)?, u64_at(&entry, 8)?, u64_at(&entry, 16)?, u64_at(&entry, 32)?);
        // a mapping begins at a page, its segment maybe later in it
        let page_start = from & !0xfff;
        if kind == PT_LOAD && (page_start..from.saturating_add(bytes)).contains(&offset) {
            return Some(address.wrapping_add(offset.wrapping_sub(from)));
        }
    }
    None
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
