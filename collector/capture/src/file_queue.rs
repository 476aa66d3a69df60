//! A file that never makes its writer wait for the disk, as long as no more than a few megabytes wait to be written.
//!
//! A write to a busy disk can block for a tenth of a second; meanwhile the rings would fill up. What waits here is
//! compressed already, so a few megabytes are a second of the busiest capture.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What may wait for the disk.
const QUEUE_BYTES: usize = 6 << 20;

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    closed: bool,
    error: Option<io::Error>,
    failed: bool,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct QueuedFile {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl QueuedFile {
    pub fn new(file: File) -> io::Result<QueuedFile> {
        let queue = Arc::new(Queue::default());
        let of_thread = Arc::clone(&queue);
        let thread =
            std::thread::Builder::new().name("wakechain-file".into()).spawn(move || write_out(file, &of_thread))?;
        Ok(QueuedFile { queue, thread: Some(thread) })
    }

    /// Waits until everything is in the file.
    pub fn close(mut self) -> io::Result<()> {
        self.end();
        let mut state = self.queue.lock();
        state.error.take().map_or(Ok(()), Err)
    }

    fn end(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for QueuedFile {
    fn drop(&mut self) {
        self.end();
    }
}

impl Write for QueuedFile {
    /// Takes all or nothing. An earlier failure to write comes out here, once; then everything fails.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.queue.lock();
        while !state.waiting.is_empty() && state.waiting.len() + bytes.len() > QUEUE_BYTES && !state.failed {
            state = self.queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.failed {
            return Err(state.error.take().unwrap_or_else(|| io::Error::other("an earlier write failed")));
        }
        state.waiting.extend_from_slice(bytes);
        drop(state);
        self.queue.changed.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_out(mut file: File, queue: &Queue) {
    let mut writing = Vec::new();
    loop {
        let mut state = queue.lock();
        while state.waiting.is_empty() && !state.closed {
            state = queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.waiting.is_empty() || state.failed {
            return;
        }
        std::mem::swap(&mut state.waiting, &mut writing);
        drop(state);
        queue.changed.notify_all();
        let result = file.write_all(&writing);
        writing.clear();
        if let Err(error) = result {
            let mut state = queue.lock();
            state.error = Some(error);
            state.failed = true;
            drop(state);
            queue.changed.notify_all();
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    #[test]
    fn everything_written_is_in_the_file_in_order() {
        let path = std::env::temp_dir().join(format!("wakechain-queue-{}", std::process::id()));
        let mut file = QueuedFile::new(File::create(&path).expect("temporary file")).expect("thread");
        let mut expected = Vec::new();
        for number in 0..20_000u32 {
            let bytes = number.to_le_bytes().repeat(100);
            file.write_all(&bytes).expect("room");
            expected.extend_from_slice(&bytes);
        }
        file.close().expect("written");
        let found = std::fs::read(&path).expect("there");
        std::fs::remove_file(&path).expect("ours");
        assert!(found == expected);
    }

    #[test]
    fn a_full_disk_is_said_and_nobody_hangs() {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("every Linux has it");
        let mut file = QueuedFile::new(full).expect("thread");
        let error = (0..1000).find_map(|_| file.write_all(&[0; 65_536]).err()).expect("it must fail");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(file.write_all(&[0]).is_err());
    }

    #[test]
    fn a_failure_that_came_late_is_said_at_the_end() {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("every Linux has it");
        let mut file = QueuedFile::new(full).expect("thread");
        let written = file.write_all(&[0; 100]);
        let closed = file.close();
        assert!(written.is_err() || closed.is_err());
    }
}
