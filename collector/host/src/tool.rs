//! Asks another program of the host something: a static binary has neither NVML nor name services, but the host's own
//! tools do. Bounded in time; a tool that is missing, slow or failing is the same as no answer.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// What the program printed, when it ended well within the time.
pub fn ask(program: &str, arguments: &[&str], limit: Duration) -> Option<String> {
    let deadline = Instant::now() + limit;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // The receiver is gone when the time was up: nobody wants the answer any more.
        let _ = sender.send(output.read_to_end(&mut bytes).map(|_| bytes));
    });
    let answer = receiver.recv_timeout(limit);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if answer.is_ok() && Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    let bytes = answer.ok()?.ok()?;
    status.filter(|status| status.success()).map(|_| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn answers_and_the_lack_of_them() {
        assert_eq!(ask("/bin/echo", &["hello"], LONG).as_deref(), Some("hello\n"));
        assert_eq!(ask("/bin/sh", &["-c", "echo no; exit 3"], LONG), None);
        assert_eq!(ask("/nowhere/nvidia-smi", &[], LONG), None);
    }

    #[test]
    fn a_tool_that_hangs_is_ended() {
        let begin = Instant::now();
        assert_eq!(ask("/bin/sleep", &["30"], Duration::from_millis(100)), None);
        assert!(begin.elapsed() < LONG);
    }
}
