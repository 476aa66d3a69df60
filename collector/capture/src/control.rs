//! How a running capture is told to end: safe to call from any thread, and from a signal handler.
//!
//! A wish is a number in an atomic; the capture looks at it every few milliseconds, so nobody has to wake it.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::options::EndReason;

const GO_ON: u8 = 0;
const STOPPED: u8 = 1;
const SIGNAL: u8 = 2;
const INPUT_CLOSED: u8 = 3;
const CANCEL: u8 = 4;

#[derive(Debug, Default)]
pub struct Control {
    wish: AtomicU8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    GoOn,
    /// End now, with a whole spool.
    Stop(EndReason),
    /// End now and leave nothing.
    Cancel,
}

impl Control {
    #[must_use]
    pub const fn new() -> Self {
        Control { wish: AtomicU8::new(GO_ON) }
    }

    /// The line `stop` on standard input.
    pub fn stop(&self) {
        self.ask(STOPPED);
    }

    /// SIGINT or SIGTERM.
    pub fn signal(&self) {
        self.ask(SIGNAL);
    }

    /// End of standard input under `--control-stdin`.
    pub fn input_closed(&self) {
        self.ask(INPUT_CLOSED);
    }

    /// The line `cancel`: wins over any wish to stop, also one made before.
    pub fn cancel(&self) {
        self.wish.store(CANCEL, Ordering::SeqCst);
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.wish() == Wish::Cancel
    }

    #[must_use]
    pub fn wish(&self) -> Wish {
        match self.wish.load(Ordering::SeqCst) {
            STOPPED => Wish::Stop(EndReason::Stopped),
            SIGNAL => Wish::Stop(EndReason::Signal),
            INPUT_CLOSED => Wish::Stop(EndReason::InputClosed),
            CANCEL => Wish::Cancel,
            _ => Wish::GoOn,
        }
    }

    /// The first reason to stop is kept.
    fn ask(&self, wish: u8) {
        let _ = self.wish.compare_exchange(GO_ON, wish, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stop_is_kept_and_cancel_wins() {
        let control = Control::new();
        assert_eq!(control.wish(), Wish::GoOn);
        control.signal();
        control.stop();
        assert_eq!(control.wish(), Wish::Stop(EndReason::Signal));
        control.cancel();
        control.input_closed();
        assert_eq!(control.wish(), Wish::Cancel);
    }
}
