//! The one module with unsafe code: ring buffers mapped from the kernel, and the few system calls that std lacks.
//!
//! A BPF ring buffer is three parts of one file: a page that the reader writes (its position), a page that the kernel
//! writes (the producers' position), and the data. Positions only grow. Each record has an 8-byte head: its length, with
//! two flags, and where it lies. The kernel offers the data twice in a row, so that no record looks split; it is mapped
//! once here, since pages mapped twice count twice as memory of the process, and a record that is split is put together.

#![allow(unsafe_code)]

pub mod mapped_files;

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Flags in a record's length (include/uapi/linux/bpf.h).
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEAD_BYTES: usize = 8;

/// A ring of the kernel, mapped for its one reader.
pub struct Ring {
    consumer: *mut libc::c_void,
    producer: *mut libc::c_void,
    mask: usize,
    page: usize,
    position: usize,
    /// A record that was split, in one piece.
    whole: Vec<u8>,
}

// SAFETY: the pointers are to shared mappings that this value owns; it is used by one thread at a time (&mut self).
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring behind `map`, which holds `bytes` of data (a power of two).
    pub fn map(map: BorrowedFd<'_>, bytes: usize) -> io::Result<Ring> {
        let page = page_size();
        // SAFETY: fresh mappings at addresses of the kernel's choice; failures are checked.
        unsafe {
            let consumer = libc::mmap(
                ptr::null_mut(),
                page,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                0,
            );
            if consumer == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            let producer = libc::mmap(
                ptr::null_mut(),
                page + bytes,
                libc::PROT_READ,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                page as libc::off_t,
            );
            if producer == libc::MAP_FAILED {
                let error = io::Error::last_os_error();
                libc::munmap(consumer, page);
                return Err(error);
            }
            let position = (*consumer.cast::<AtomicUsize>()).load(Ordering::Acquire);
            Ok(Ring { consumer, producer, mask: bytes - 1, page, position, whole: Vec::new() })
        }
    }

    /// Hands finished records to `take`, in order, until it returns false, a record is still being written, or none is
    /// left. The space is given back as it goes.
    pub fn drain(&mut self, mut take: impl FnMut(&[u8]) -> bool) {
        // SAFETY: both positions are aligned words in the mappings; offsets are masked into the data, heads are aligned
        // and so never split, and slices end at the end of the data at the latest. A record that is not busy is not
        // written any more until its space is given back.
        unsafe {
            let given_back = &*self.consumer.cast::<AtomicUsize>();
            let written = &*self.producer.cast::<AtomicUsize>();
            let data = self.producer.cast::<u8>().add(self.page);
            let mut go_on = true;
            while go_on && self.position != written.load(Ordering::Acquire) {
                let head = data.add(self.position & self.mask);
                let length = (*head.cast::<AtomicU32>()).load(Ordering::Acquire);
                if length & BUSY != 0 {
                    break;
                }
                let bytes = (length & !DISCARDED) as usize;
                let start = (self.position + HEAD_BYTES) & self.mask;
                let to_the_end = (self.mask + 1 - start).min(bytes);
                if length & DISCARDED == 0 {
                    let first = std::slice::from_raw_parts(data.add(start), to_the_end);
                    if to_the_end == bytes {
                        go_on = take(first);
                    } else {
                        // No record is longer than the ring.
                        let rest = std::slice::from_raw_parts(data, (bytes - to_the_end).min(start));
                        self.whole.clear();
                        self.whole.extend_from_slice(first);
                        self.whole.extend_from_slice(rest);
                        go_on = take(&self.whole);
                    }
                }
                self.position += (bytes + HEAD_BYTES).next_multiple_of(8);
                given_back.store(self.position, Ordering::Release);
            }
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mappings of `map`, unmapped once.
        unsafe {
            libc::munmap(self.consumer, self.page);
            libc::munmap(self.producer, self.page + self.mask + 1);
        }
    }
}

/// One page of memory shared with BPF programs: the values of an array map that may be mapped.
pub struct SharedPage {
    address: *mut libc::c_void,
    bytes: usize,
}

// SAFETY: the pointer is to a shared mapping that this value owns.
unsafe impl Send for SharedPage {}

impl SharedPage {
    pub fn map(map: BorrowedFd<'_>) -> io::Result<SharedPage> {
        let bytes = page_size();
        // SAFETY: a fresh mapping at an address of the kernel's choice; failure is checked.
        let address = unsafe {
            libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, map.as_raw_fd(), 0)
        };
        if address == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(SharedPage { address, bytes }) }
    }

    /// `offset`: in bytes, of an aligned word in the page.
    pub fn store(&self, offset: usize, value: u64) {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.bytes, "a word of the page");
        // SAFETY: aligned and inside the mapping, which lives as long as `self`; others use it atomically, too.
        unsafe { AtomicU64::from_ptr(self.address.cast::<u8>().add(offset).cast()) }.store(value, Ordering::SeqCst);
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: the mapping of `map`, unmapped once.
        unsafe { libc::munmap(self.address, self.bytes) };
    }
}

/// Waits until the kernel wakes one of several rings' readers.
pub struct RingWaiter {
    epoll: OwnedFd,
}

impl RingWaiter {
    pub fn new() -> io::Result<RingWaiter> {
        // SAFETY: a new descriptor, owned at once.
        unsafe {
            let epoll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            if epoll < 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(RingWaiter { epoll: OwnedFd::from_raw_fd(epoll) })
        }
    }

    /// Edge-triggered: a ring that merely holds data (below its threshold) does not count as an event.
    pub fn add(&self, ring: BorrowedFd<'_>) -> io::Result<()> {
        let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: 0 };
        // SAFETY: `event` lives through the call.
        check(unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), libc::EPOLL_CTL_ADD, ring.as_raw_fd(), &raw mut event) })
    }

    pub fn wait(&self, at_most: Duration) {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 16];
        // SAFETY: room for 16 events. A failure (a signal) is as good as the time being over.
        unsafe {
            libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), 16, at_most.as_millis() as libc::c_int);
        }
    }
}

/// Stores to memory that BPF programs read at the same time.
pub fn publish(place: &mut u64, value: u64) {
    // SAFETY: a valid, aligned, exclusive place; volatile because the reader is outside the program.
    unsafe { ptr::write_volatile(place, value) }
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// As `publish`, for a word.
pub fn publish_word(place: &mut u32, value: u32) {
    // SAFETY: as above.
    unsafe { ptr::write_volatile(place, value) }
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// Adds one to a word that BPF programs also add to.
pub fn increment_shared(place: &mut u32) {
    // SAFETY: a valid, aligned place, used atomically by everyone.
    unsafe { AtomicU32::from_ptr(place) }.fetch_add(1, Ordering::SeqCst);
}

/// Of a program, by its descriptor; 0 where it is not loaded, or the kernel does not count.
pub fn recursion_misses(program: RawFd) -> u64 {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut bytes = size_of::<libbpf_sys::bpf_prog_info>() as u32;
    // SAFETY: `info` has room for the `bytes` that the kernel may write.
    let result = unsafe { libbpf_sys::bpf_obj_get_info_by_fd(program, (&raw mut info).cast(), &raw mut bytes) };
    if result == 0 { info.recursion_misses } else { 0 }
}

/// A software event of the kernel, on one CPU, for every process.
#[derive(Clone, Copy, Debug)]
pub enum SoftwareEvent {
    CpuClock {
        hz: u32,
    },
    /// Each of them.
    MajorFaults,
}

pub fn software_event(event: SoftwareEvent, cpu: u32) -> io::Result<OwnedFd> {
    const FREQUENCY_NOT_PERIOD: u64 = 1 << 10;
    let mut attributes = libbpf_sys::perf_event_attr {
        type_: libbpf_sys::PERF_TYPE_SOFTWARE,
        size: size_of::<libbpf_sys::perf_event_attr>() as u32,
        ..Default::default()
    };
    match event {
        SoftwareEvent::CpuClock { hz } => {
            attributes.config = u64::from(libbpf_sys::PERF_COUNT_SW_CPU_CLOCK);
            attributes.__bindgen_anon_1.sample_freq = u64::from(hz);
            attributes._bitfield_1 = libbpf_sys::__BindgenBitfieldUnit::new(FREQUENCY_NOT_PERIOD.to_ne_bytes());
        }
        SoftwareEvent::MajorFaults => {
            attributes.config = u64::from(libbpf_sys::PERF_COUNT_SW_PAGE_FAULTS_MAJ);
            attributes.__bindgen_anon_1.sample_period = 1;
        }
    }
    const ANY_PROCESS: libc::pid_t = -1;
    const NO_GROUP: libc::c_int = -1;
    const CLOSE_ON_EXEC: libc::c_ulong = 8;
    // SAFETY: the attributes are whole and as long as they say.
    let opened = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw mut attributes,
            ANY_PROCESS,
            cpu as libc::c_int,
            NO_GROUP,
            CLOSE_ON_EXEC,
        )
    };
    if opened < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(opened as RawFd) })
}

/// As /sys/devices/system/cpu/online says: "0-3,8".
pub fn online_cpus() -> Vec<u32> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}

pub fn page_size() -> usize {
    // SAFETY: no arguments that could be wrong.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) as usize }
}

pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// What the wall clock said at a moment of the monotonic clock. Of several readings the quickest counts: whoever is
/// interrupted between the two clocks is wrong by as much.
pub fn unix_ns_at(moment_ns: u64) -> u64 {
    let reading = |_| {
        let before = monotonic_ns();
        let unix = clock_ns(libc::CLOCK_REALTIME);
        let took = monotonic_ns() - before;
        (took, i128::from(unix) - i128::from(before + took / 2))
    };
    let (_, difference) = (0..CLOCK_READINGS).map(reading).min().unwrap_or_default();
    u64::try_from(i128::from(moment_ns) + difference).unwrap_or(0)
}

const CLOCK_READINGS: u32 = 8;

/// CPU time of this process.
pub fn cpu_time_ns() -> u64 {
    clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` lives through the call; these clocks always exist.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Old kernels charge BPF memory to this limit; where it may not be raised, newer ones do not need it.
pub fn raise_memory_lock_limit() {
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `limit` lives through the call.
    unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) };
}

// A function that begins as those of the CUDA libraries do, to measure on it what a probe costs.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".globl wakechain_calibration",
    ".p2align 4",
    "wakechain_calibration:",
    "push rbp",
    "mov rbp, rsp",
    "pop rbp",
    "ret",
);
#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".globl wakechain_calibration",
    ".p2align 4",
    "wakechain_calibration:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "ldp x29, x30, [sp], #16",
    "ret",
);

unsafe extern "C" {
    fn wakechain_calibration();
}

pub fn calibration_call() {
    // SAFETY: it takes and gives nothing, and leaves the stack as it was.
    unsafe { wakechain_calibration() }
}

pub fn calibration_address() -> u64 {
    wakechain_calibration as unsafe extern "C" fn() as usize as u64
}

/// Reads a word that BPF programs write, and makes it 0.
pub fn take(place: &mut u64) -> u64 {
    // SAFETY: a valid, aligned place, used atomically here and by single stores there.
    unsafe { AtomicU64::from_ptr(place) }.swap(0, Ordering::SeqCst)
}

/// Priority of the calling thread, -20 to 19. What is not allowed is left.
pub fn set_nice(nice: i32) {
    // SAFETY: plain numbers; 0 = the calling thread.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
}

/// Lets the calling thread go before every thread of the ordinary classes; where that is not allowed, before most.
pub fn go_first() {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: `parameters` lives through the call; 0 = the calling thread.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &raw const parameters) } != 0 {
        set_nice(-20);
    }
}

/// Pins the calling thread, and threads it starts from now on.
pub fn pin_to_cpu(cpu: usize) -> io::Result<()> {
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: an all-zero cpu_set_t is an empty one; `cpu` is within it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        check(libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set))
    }
}

/// What the child does between fork and exec, in system calls that are safe there: tells its pid through `tell`, waits
/// until `gate` is opened (a byte) or abandoned (end of file), and then becomes the user. `opener` is the gate's other end.
pub fn hold_before_exec(
    command: &mut Command,
    tell: OwnedFd,
    gate: OwnedFd,
    opener: RawFd,
    user: Option<(u32, u32, Vec<u32>)>,
) {
    let prepare = move || {
        // SAFETY: only async-signal-safe calls, on descriptors and memory that the closure owns.
        unsafe {
            libc::setpriority(libc::PRIO_PROCESS, 0, 0);
            // The fork copied the gate's other end too: while the child held it, the gate could never be abandoned.
            libc::close(opener);
            // A group of its own: what a shell line starts is ended with it (`signal_group`).
            check(libc::setpgid(0, 0))?;
            let pid = libc::getpid().to_ne_bytes();
            if libc::write(tell.as_raw_fd(), pid.as_ptr().cast(), pid.len()) != pid.len() as isize {
                return Err(io::Error::last_os_error());
            }
            let mut byte = [0u8; 1];
            loop {
                match libc::read(gate.as_raw_fd(), byte.as_mut_ptr().cast(), 1) {
                    1 => break,
                    0 => return Err(io::Error::from_raw_os_error(libc::ECANCELED)),
                    _ if *libc::__errno_location() == libc::EINTR => {}
                    _ => return Err(io::Error::last_os_error()),
                }
            }
            if let Some((user_id, group_id, groups)) = &user {
                check(libc::setgroups(groups.len(), groups.as_ptr()))?;
                check(libc::setgid(*group_id))?;
                check(libc::setuid(*user_id))?;
            }
        }
        Ok(())
    };
    // SAFETY: see `prepare`.
    unsafe { command.pre_exec(prepare) };
}

/// Asks a command of ours (`SIGTERM`) and what it started to end, or makes them (`SIGKILL`), or only looks (0). Whether
/// any of them is there.
pub fn signal_group(leader: u32, signal: libc::c_int) -> bool {
    // SAFETY: plain numbers.
    unsafe { libc::kill(-(leader as libc::pid_t), signal) == 0 }
}

pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors, owned at once.
    unsafe {
        check(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC))?;
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
