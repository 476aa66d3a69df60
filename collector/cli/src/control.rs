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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use wakechain_capture::Control;

/// sudo and a terminal both pass one Ctrl-C on: what comes so soon after is the same wish.
const SAME_WISH: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Ending {
    pub control: Control,
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
            let mut first = None;
            for _ in &mut signals {
                match first {
                    None => listener.control.signal(),
                    Some(at) if Instant::duration_since(&Instant::now(), at) < SAME_WISH => continue,
                    Some(_) => listener.interrupted.store(true, Ordering::SeqCst),
                }
                first.get_or_insert_with(Instant::now);
            }
        });
        if control_stdin {
            let listener = Arc::clone(&ending);
            thread::spawn(move || listener.follow(stdin().lock()));
        }
        Ok(ending)
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
                    other => lines::tell(&format!(
                        "wakechain-collector: '{}' is no control line: there are stop and cancel",
                        String::from_utf8_lossy(other)
                    )),
                },
                _ => return self.control.input_closed(),
            }
        }
    }

    /// Whether building the trace shall end too.
    pub fn gives_up(&self) -> bool {
        self.control.is_cancelled() || self.interrupted.load(Ordering::SeqCst)
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
        }
    }
}
