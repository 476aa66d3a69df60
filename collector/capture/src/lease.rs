//! The collector's sign of life. Probes do nothing from a certain time on, and whoever drains the rings moves that time
//! ahead while it works: so probes that outlive their reader, or cannot be read for long, stop costing anything.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys::{self, SharedPage};

/// Renewed every few milliseconds; probes that have not heard for this long do nothing.
const LENGTH: Duration = Duration::from_secs(3);

/// A stretch in which nothing was recorded, since nobody had renewed the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse {
    pub start_ns: u64,
    pub end_ns: u64,
}

/// Clones are the same lease.
#[derive(Clone)]
pub struct Lease {
    state: Arc<Mutex<State>>,
}

struct State {
    page: SharedPage,
    /// Of `until_ns` in the page.
    offset: usize,
    until_ns: u64,
    runs: bool,
}

impl Lease {
    /// `globals`: the map of the probes' globals, `until_ns` at `offset` in it.
    pub fn new(globals: BorrowedFd<'_>, offset: usize) -> io::Result<Lease> {
        let page = SharedPage::map(globals)?;
        Ok(Lease { state: Arc::new(Mutex::new(State { page, offset, until_ns: 0, runs: false })) })
    }

    /// From now on probes record; the time, which they are told first, by `tell_start`.
    pub fn start(&self, tell_start: impl FnOnce(u64)) -> u64 {
        let mut state = self.lock();
        state.runs = true;
        let now = sys::monotonic_ns();
        tell_start(now);
        state.set(now + LENGTH.as_nanos() as u64);
        now
    }

    /// Probes may go on. Tells where they have not, since this came too late.
    pub fn renew(&self) -> Option<Lapse> {
        let mut state = self.lock();
        if !state.runs {
            return None;
        }
        let now = sys::monotonic_ns();
        let lapse = (now > state.until_ns).then_some(Lapse { start_ns: state.until_ns, end_ns: now });
        state.set(now + LENGTH.as_nanos() as u64);
        lapse
    }

    /// From now on nothing is recorded any more; the time.
    pub fn end(&self) -> u64 {
        let mut state = self.lock();
        state.runs = false;
        let now = sys::monotonic_ns();
        state.set(now);
        now
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set(&mut self, until_ns: u64) {
        self.until_ns = until_ns;
        self.page.store(self.offset, until_ns);
    }
}
