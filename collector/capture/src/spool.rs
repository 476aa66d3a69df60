//! The spool's writer thread: compresses and writes, so that whoever drains the rings never waits for a disk, and tells
//! how far it is.
//!
//! Between the two is a queue of bounded length: when the disk cannot follow, the rings fill up, and what is lost is
//! counted where it is lost. After a failed write everything that still comes is thrown away, so that nobody hangs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use wakechain_wire::spool::{SpoolError, SpoolWriter, create_file};

use crate::error::CaptureError;
use crate::file_queue::QueuedFile;
use crate::options::EventCounts;
use crate::sys;
use crate::tally::Tally;

/// ELF e_machine of this processor.
const MACHINE: u32 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

/// After a crash no more than the events of this time are missing.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Blocks of at most `CHUNK_BYTES` that wait for the writer.
const QUEUE_CHUNKS: usize = 64;
pub const CHUNK_BYTES: usize = 64 * 1024;

enum Job {
    /// Whole records of one ring.
    Records {
        ring: u32,
        cpu: u32,
        records: Vec<u8>,
    },
    Text {
        kind: u32,
        at_ns: u64,
        text: String,
    },
    /// Answers with the kernel addresses in the stacks written so far.
    KernelAddresses(SyncSender<BTreeSet<u64>>),
    /// Answers with the sockets that sent something again.
    Sockets(SyncSender<BTreeSet<u64>>),
    /// Writes what is buffered.
    Flush,
}

#[derive(Default)]
struct Shared {
    life: AtomicU64,
    cuda: AtomicU64,
    scheduler: AtomicU64,
    stacks: AtomicU64,
    host: AtomicU64,
    bytes: AtomicU64,
    failed: AtomicBool,
    failure: Mutex<Option<CaptureError>>,
}

/// One end of the queue; clones go to each thread that has something to write.
#[derive(Clone)]
pub struct SpoolSender {
    jobs: SyncSender<Job>,
    empty: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl SpoolSender {
    /// A buffer to fill, used before where possible.
    pub fn buffer(&self) -> Vec<u8> {
        let used = self.empty.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.unwrap_or_else(|| Vec::with_capacity(CHUNK_BYTES))
    }

    pub fn records(&self, ring: u32, cpu: u32, records: Vec<u8>) {
        // The receiver outlives every sender: it ends when the last of them is gone.
        let _ = self.jobs.send(Job::Records { ring, cpu, records });
    }

    pub fn json(&self, kind: u32, value: &Value) {
        let _ = self.jobs.send(Job::Text { kind, at_ns: sys::monotonic_ns(), text: value.to_string() });
    }

    /// What was written before stands in the file before whatever comes after.
    pub fn flush(&self) {
        let _ = self.jobs.send(Job::Flush);
    }

    /// Of the kernel stacks that were handed over before.
    pub fn kernel_addresses(&self) -> BTreeSet<u64> {
        let (answer, asked) = sync_channel(1);
        let _ = self.jobs.send(Job::KernelAddresses(answer));
        asked.recv().unwrap_or_default()
    }
}

impl SpoolSender {
    /// Inodes of the sockets that sent something again, among the records that were handed over before.
    pub fn sockets(&self) -> BTreeSet<u64> {
        let (answer, asked) = sync_channel(1);
        let _ = self.jobs.send(Job::Sockets(answer));
        asked.recv().unwrap_or_default()
    }
}

pub struct Spool {
    path: PathBuf,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<Tally>>,
}

impl Spool {
    /// Makes the file, and starts the thread.
    pub fn create(path: &Path) -> Result<(Spool, SpoolSender), CaptureError> {
        let file = create_file(path).map_err(|error| {
            CaptureError::new(
                "spool_create",
                format!("The spool {} cannot be made: {error}.", path.display()),
                "Choose a directory with room that the collector may write to (--spool DIR).",
            )
        })?;
        let file = QueuedFile::new(file).map_err(CaptureError::no_thread)?;
        let writer = SpoolWriter::new(file, MACHINE).map_err(|error| write_error(path, &error))?;
        let (jobs, received) = sync_channel(QUEUE_CHUNKS);
        let empty = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new(Shared::default());
        let thread =
            Thread { writer, received, empty: Arc::clone(&empty), shared: Arc::clone(&shared), path: path.to_owned() };
        let handle = std::thread::Builder::new()
            .name("wakechain-spool".into())
            .spawn(move || thread.run())
            .map_err(CaptureError::no_thread)?;
        Ok((Spool { path: path.to_owned(), shared, writer: Some(handle) }, SpoolSender { jobs, empty }))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// In the file so far.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    pub fn events(&self) -> EventCounts {
        EventCounts {
            life: self.shared.life.load(Ordering::Relaxed),
            cuda: self.shared.cuda.load(Ordering::Relaxed),
            scheduler: self.shared.scheduler.load(Ordering::Relaxed),
            stacks: self.shared.stacks.load(Ordering::Relaxed),
            host: self.shared.host.load(Ordering::Relaxed),
        }
    }

    /// Whether writing has failed: time to end the capture.
    pub fn failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Waits until everything is written; every sender must be gone. Gives what was written.
    pub fn finish(&mut self) -> Result<Tally, CaptureError> {
        let Some(writer) = self.writer.take() else {
            return Err(CaptureError::new("spool_write", "The spool was finished twice.", ""));
        };
        let tally = writer.join().map_err(|_| CaptureError::new("spool_write", "The spool's writer died.", ""))?;
        match self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(failure) => Err(failure),
            None => Ok(tally),
        }
    }

    /// Leaves nothing behind.
    pub fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Thread {
    writer: SpoolWriter<QueuedFile>,
    received: Receiver<Job>,
    empty: Arc<Mutex<Vec<Vec<u8>>>>,
    shared: Arc<Shared>,
    path: PathBuf,
}

impl Thread {
    fn run(mut self) -> Tally {
        sys::set_nice(-10);
        let mut tally = Tally::default();
        let mut flushed = Instant::now();
        loop {
            let wait = FLUSH_EVERY.saturating_sub(flushed.elapsed());
            let result = match self.received.recv_timeout(wait) {
                Ok(job) => self.write(job, &mut tally),
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            note(&self.shared, &self.path, result);
            if flushed.elapsed() >= FLUSH_EVERY {
                self.flush(&tally);
                flushed = Instant::now();
            }
        }
        self.flush(&tally);
        let Thread { writer, shared, path, .. } = self;
        let closed =
            writer.finish().and_then(|file| file.close().map_err(|error| SpoolError::Io { what: "write", error }));
        if !shared.failed.load(Ordering::Relaxed) {
            note(&shared, &path, closed);
        }
        tally
    }

    fn write(&mut self, job: Job, tally: &mut Tally) -> Result<(), SpoolError> {
        if self.shared.failed.load(Ordering::Relaxed) {
            return Ok(());
        }
        match job {
            Job::Records { ring, cpu, mut records } => {
                tally.add(&records);
                let result = wakechain_wire::record::Records::new(&records)
                    .try_for_each(|(_, record)| self.writer.append(ring, cpu, record.bytes));
                records.clear();
                self.empty.lock().unwrap_or_else(PoisonError::into_inner).push(records);
                result
            }
            Job::Text { kind, at_ns, text } => self.writer.append_text(kind, at_ns, &text),
            Job::KernelAddresses(answer) => {
                let _ = answer.send(std::mem::take(&mut tally.kernel_addresses));
                Ok(())
            }
            Job::Sockets(answer) => {
                let _ = answer.send(std::mem::take(&mut tally.sockets));
                Ok(())
            }
            Job::Flush => self.writer.flush(),
        }
    }

    fn flush(&mut self, tally: &Tally) {
        let result = if self.shared.failed.load(Ordering::Relaxed) { Ok(()) } else { self.writer.flush() };
        note(&self.shared, &self.path, result);
        self.shared.life.store(tally.events.life, Ordering::Relaxed);
        self.shared.cuda.store(tally.events.cuda, Ordering::Relaxed);
        self.shared.scheduler.store(tally.events.scheduler, Ordering::Relaxed);
        self.shared.stacks.store(tally.events.stacks, Ordering::Relaxed);
        self.shared.host.store(tally.events.host, Ordering::Relaxed);
        self.shared.bytes.store(self.writer.bytes_written(), Ordering::Relaxed);
    }
}

/// Keeps the first failure.
fn note(shared: &Shared, path: &Path, result: Result<(), SpoolError>) {
    if let Err(error) = result {
        let mut failure = shared.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| write_error(path, &error));
        shared.failed.store(true, Ordering::Relaxed);
    }
}

fn write_error(path: &Path, error: &SpoolError) -> CaptureError {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let full = matches!(
        error,
        SpoolError::Io { error, .. } if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    );
    if full {
        CaptureError::new(
            "disk_full",
            format!(
                "The disk, or this user's share of it, is full: the spool {} could not be written any further.",
                path.display()
            ),
            "Free some space, or capture to another disk with --spool DIR.",
        )
    } else {
        CaptureError::new(
            "spool_write",
            format!("The spool {} could not be written any further: {error}.", path.display()),
            "See whether that disk can still be written to, or capture to another one with --spool DIR.",
        )
    }
}
