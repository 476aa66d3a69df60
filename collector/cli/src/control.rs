//! How a running capture hears that it shall end: signals, and with `--control-stdin` lines on standard input. (A login
//! that is not root cannot signal root's process: over SSH the lines are the way.)
//!
//! `stop`, the end of input, or one signal: the recording ends and the trace is built. A second signal while it is
//! built gives up building it and keeps the spool: nothing is lost, and the trace can be built later. `cancel`, at any
//! time: nothing is kept.

use crate::codes::Failure;
use crate::lines;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{BufRead, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
use wakechain_capture::Control;

/// sudo and a terminal both pass one Ctrl-C on: what comes so soon after is the same wish.
const SAME_WISH: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Ending {
    pub control: Control,
    first_signal: OnceLock<Instant>,
    interrupted: AtomicBool,
}

impl Ending {
    /// Starts to listen.
    pub fn listen(control_stdin: bool) -> Result<Arc<Self>, Failure> {
        let ending = Arc::new(Self::default());
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
            .map_err(|error| Failure::new("signals", format!("signals cannot be caught: {error}"), ""))?;
        let listener = Arc::clone(&ending);
        thread::spawn(move || {
            for _ in &mut signals {
                listener.signalled(Instant::now());
            }
        });
        if control_stdin {
            let listener = Arc::clone(&ending);
            thread::spawn(move || listener.follow(stdin().lock()));
        }
        Ok(ending)
    }

    fn signalled(&self, now: Instant) {
        let first = *self.first_signal.get_or_init(|| now);
        if now >= first + SAME_WISH {
            self.interrupted.store(true, Ordering::SeqCst);
        }
        self.control.signal();
    }

    fn follow(&self, mut input: impl BufRead) {
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(count) if count > 0 => match line.trim_ascii() {
                    b"stop" => self.control.stop(),
                    b"cancel" => self.control.cancel(),
                    b"" => {}
                    // Not repeated: it might be a password that sudo did not ask for.
                    _ => lines::tell("wakechain-collector: a line that is no control line: there are stop and cancel"),
                },
                _ => return self.control.input_closed(),
            }
        }
    }

    /// Whether building the trace shall end too, at the end of a capture.
    pub fn gives_up(&self) -> bool {
        self.control.is_cancelled() || self.interrupted.load(Ordering::SeqCst)
    }

    /// Whether `finalize` shall end: at `cancel`, at the first signal. Not at the end of input: whoever asked over a
    /// connection that broke finds the trace whole when they come back.
    pub fn gives_up_building(&self) -> bool {
        self.control.is_cancelled() || self.first_signal.get().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wakechain_capture::{EndReason, Wish};

    #[test]
    fn lines_and_what_they_mean() {
        let cases: &[(&str, Wish)] = &[
            ("stop\n", Wish::Stop(EndReason::Stopped)),
            ("stop\r\n", Wish::Stop(EndReason::Stopped)),
            ("", Wish::Stop(EndReason::InputClosed)),
            ("\nhello\n", Wish::Stop(EndReason::InputClosed)),
            ("stop", Wish::Stop(EndReason::Stopped)),
            ("stop\ncancel\n", Wish::Cancel),
            ("cancel\nstop\n", Wish::Cancel),
        ];
        for (input, wish) in cases {
            let ending = Ending::default();
            ending.follow(input.as_bytes());
            assert_eq!(ending.control.wish(), *wish, "{input:?}");
            assert_eq!(ending.gives_up_building(), *wish == Wish::Cancel, "{input:?}");
        }
    }

    #[test]
    fn a_second_signal_counts_when_it_comes_later() {
        let ending = Ending::default();
        let begin = Instant::now();
        for (after_ms, gives_up) in [(0, false), (999, false), (1000, true)] {
            ending.signalled(begin + Duration::from_millis(after_ms));
            assert_eq!(ending.control.wish(), Wish::Stop(EndReason::Signal));
            assert_eq!(ending.gives_up(), gives_up, "{after_ms} ms");
        }
    }
}
