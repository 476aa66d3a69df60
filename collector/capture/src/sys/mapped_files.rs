//! Files that processes map as code, told by the kernel as they do (perf's MMAP2 side-band, one small ring for each CPU).
//! A library that is loaded is known at once, and nobody's mappings are read again and again, which would hold the process
//! up for that moment. Nothing wakes us for it: whoever wants to know looks.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use super::page_size;

/// 64 processes that start within 10 ms on one CPU fit; what does not is told as missed.
const DATA_PAGES: usize = 8;

// include/uapi/linux/perf_event.h
const PERF_TYPE_SOFTWARE: u32 = 1;
const PERF_COUNT_SW_DUMMY: u64 = 9;
const PERF_SAMPLE_TIME: u64 = 4;
const FLAG_MMAP: u64 = 1 << 8;
const FLAG_SAMPLE_ID_ALL: u64 = 1 << 18;
const FLAG_MMAP2: u64 = 1 << 23;
const FLAG_USE_CLOCKID: u64 = 1 << 25;
const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;
const RECORD_LOST: u32 = 2;
const RECORD_MMAP2: u32 = 10;
const DATA_HEAD: usize = 1024;
const DATA_TAIL: usize = 1032;

#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    breakpoint: u32,
    config1: u64,
    config2: u64,
    branch_sample_type: u64,
    sample_regs_user: u64,
    sample_stack_user: u32,
    clockid: i32,
    sample_regs_intr: u64,
    aux_watermark: u32,
    sample_max_stack: u16,
    reserved: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedFile {
    pub pid: u32,
    /// CLOCK_MONOTONIC
    pub at_ns: u64,
    /// As the process sees it.
    pub path: String,
}

enum Told {
    Mapped(MappedFile),
    Missed,
    Else,
}

pub struct MappedFiles {
    rings: Vec<CpuRing>,
}

impl MappedFiles {
    /// Watches the CPUs that are online. An error where this process may not watch others.
    pub fn watch(cpus: u32) -> io::Result<MappedFiles> {
        let mut rings = Vec::new();
        for cpu in 0..cpus {
            match CpuRing::open(cpu) {
                Ok(ring) => rings.push(ring),
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(MappedFiles { rings })
    }

    /// Takes those mapped since the last time. Whether some were missed.
    pub fn drain(&mut self, mut take: impl FnMut(MappedFile)) -> bool {
        let mut missed = false;
        for ring in &mut self.rings {
            ring.drain(|record| match told(record) {
                Told::Mapped(file) => take(file),
                Told::Missed => missed = true,
                Told::Else => {}
            });
        }
        missed
    }
}

fn told(record: &[u8]) -> Told {
    let word = |at: usize| Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?));
    match word(0) {
        Some(RECORD_MMAP2) => mapped(record).map_or(Told::Else, Told::Mapped),
        Some(RECORD_LOST) => Told::Missed,
        _ => Told::Else,
    }
}

/// A record of kind MMAP2: the head, pid, tid, five words about the place, two about the file, two half words, its name, and
/// last the time. What is no file (`//anon`, `[vdso]`) is left out.
fn mapped(record: &[u8]) -> Option<MappedFile> {
    const NAME: usize = 72;
    let time_at = record.len().checked_sub(8)?;
    let pid = u32::from_le_bytes(record.get(8..12)?.try_into().ok()?);
    let at_ns = u64::from_le_bytes(record.get(time_at..)?.try_into().ok()?);
    let name = record.get(NAME..time_at)?.split(|byte| *byte == 0).next()?;
    let is_file = name.first() == Some(&b'/') && !name.starts_with(b"//");
    is_file.then(|| MappedFile { pid, at_ns, path: String::from_utf8_lossy(name).into_owned() })
}

struct CpuRing {
    /// Keeps the event going.
    _event: OwnedFd,
    address: *mut u8,
    bytes: usize,
    page: usize,
    record: Vec<u8>,
}

// SAFETY: the pointer is to a shared mapping that this value owns; it is used by one thread at a time (&mut self).
unsafe impl Send for CpuRing {}

impl CpuRing {
    fn open(cpu: u32) -> io::Result<CpuRing> {
        let page = page_size();
        let bytes = page * (1 + DATA_PAGES);
        let attributes = Attributes {
            kind: PERF_TYPE_SOFTWARE,
            size: size_of::<Attributes>() as u32,
            config: PERF_COUNT_SW_DUMMY,
            sample_type: PERF_SAMPLE_TIME,
            flags: FLAG_MMAP | FLAG_MMAP2 | FLAG_SAMPLE_ID_ALL | FLAG_USE_CLOCKID,
            clockid: libc::CLOCK_MONOTONIC,
            ..Attributes::default()
        };
        let (everyone, no_group) = (-1_i32, -1_i32);
        // SAFETY: the structure is laid out as the kernel's, and says its size; results are checked before use.
        let (event, address) = unsafe {
            let event = libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attributes,
                everyone,
                cpu as i32,
                no_group,
                PERF_FLAG_FD_CLOEXEC,
            );
            if event < 0 {
                return Err(io::Error::last_os_error());
            }
            let event = OwnedFd::from_raw_fd(event as i32);
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let address = libc::mmap(ptr::null_mut(), bytes, access, libc::MAP_SHARED, event.as_raw_fd(), 0);
            if address == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            (event, address.cast())
        };
        Ok(CpuRing { _event: event, address, bytes, page, record: Vec::new() })
    }

    fn drain(&mut self, mut take: impl FnMut(&[u8])) {
        // SAFETY: two words of the first page, which the kernel reads and writes atomically, too.
        let (head, tail) = unsafe {
            (
                AtomicU64::from_ptr(self.address.add(DATA_HEAD).cast()),
                AtomicU64::from_ptr(self.address.add(DATA_TAIL).cast()),
            )
        };
        let end = head.load(Ordering::Acquire);
        let mut at = tail.load(Ordering::Relaxed);
        while at < end {
            self.copy(at, 8);
            let bytes = usize::from(u16::from_le_bytes([self.record[6], self.record[7]]));
            if bytes < 8 || bytes as u64 > end - at {
                break; // never seen; what follows cannot be told apart
            }
            self.copy(at, bytes);
            take(&self.record);
            at += bytes as u64;
        }
        tail.store(end, Ordering::Release);
    }

    /// So many bytes from a position on, in one piece.
    fn copy(&mut self, at: u64, bytes: usize) {
        let data = self.bytes - self.page;
        let from = at as usize % data;
        let first = bytes.min(data - from);
        self.record.clear();
        self.record.resize(bytes, 0);
        // SAFETY: both parts lie within the mapping, which is `page + data` bytes; the kernel writes beyond `end` only.
        unsafe {
            let base = self.address.add(self.page);
            ptr::copy_nonoverlapping(base.add(from), self.record.as_mut_ptr(), first);
            ptr::copy_nonoverlapping(base, self.record.as_mut_ptr().add(first), bytes - first);
        }
    }
}

impl Drop for CpuRing {
    fn drop(&mut self) {
        // SAFETY: the mapping of `open`, unmapped once.
        unsafe { libc::munmap(self.address.cast(), self.bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, pid: u32, name: &[u8], at_ns: u64) -> Vec<u8> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend([0; 4]);
        bytes.extend(pid.to_le_bytes());
        bytes.resize(72, 0);
        bytes.extend(name);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(at_ns.to_le_bytes());
        bytes
    }

    fn file(record: &[u8]) -> Option<MappedFile> {
        match told(record) {
            Told::Mapped(file) => Some(file),
            Told::Missed | Told::Else => None,
        }
    }

    #[test]
    fn a_record_tells_who_mapped_what_and_when() {
        let found = file(&record(RECORD_MMAP2, 7, b"/opt/a b/libcudart.so.13\0", 99)).expect("a file");
        assert_eq!(found, MappedFile { pid: 7, at_ns: 99, path: "/opt/a b/libcudart.so.13".into() });
        for nothing in [b"//anon\0".as_slice(), b"[vdso]\0", b""] {
            assert_eq!(file(&record(RECORD_MMAP2, 7, nothing, 99)), None);
        }
        assert_eq!(file(&record(3, 7, b"/x\0", 99)), None, "another kind");
        assert!(matches!(told(&record(RECORD_LOST, 0, b"", 0)), Told::Missed));
        let whole = record(RECORD_MMAP2, 7, b"/x\0", 99);
        for end in 0..whole.len() {
            let _ = told(&whole[..end]); // never a panic
        }
    }

    #[test]
    fn a_file_that_a_process_maps_is_told() {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u32;
        let Ok(mut files) = MappedFiles::watch(cpus) else { return }; // not allowed here
        let before = super::super::monotonic_ns();
        let mut child = std::process::Command::new("sleep").arg("0").spawn().expect("sleep is there");
        let pid = child.id();
        child.wait().expect("it ends");
        let mut names = Vec::new();
        let missed = files.drain(|file| {
            if file.pid == pid {
                assert!(file.at_ns > before && file.at_ns < before + 60_000_000_000, "{file:?}");
                names.push(file.path);
            }
        });
        assert!(missed || names.iter().any(|name| name.contains("libc")), "{names:?}");
    }
}
