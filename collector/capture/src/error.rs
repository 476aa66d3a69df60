//! Why a capture failed: a code that the extension knows, a sentence for people, and what to do about it.

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CaptureError {
    /// Stable, lower case with underscores: `bpf_load`, `disk_full`, ...
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What to do; empty when nothing is known to help.
    pub hint: String,
    /// The recording had begun: what was recorded until then is in the spool, which stays.
    pub spool_kept: bool,
}

impl CaptureError {
    pub fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        CaptureError { code, message: message.into(), hint: hint.into(), spool_kept: false }
    }

    /// The same, after the recording had begun. (Not of a cancelled one: that is asked to leave nothing.)
    #[must_use]
    pub(crate) fn after_start(mut self) -> Self {
        self.spool_kept = !self.is_cancelled();
        self
    }

    #[allow(clippy::needless_pass_by_value)] // made for map_err
    pub(crate) fn no_thread(error: std::io::Error) -> Self {
        CaptureError::new("thread", format!("A thread cannot be started: {error}."), "")
    }

    /// `control.cancel()` was called: nothing is left behind. The command line exits with status 3.
    #[must_use]
    pub fn cancelled() -> Self {
        CaptureError::new("cancelled", "The capture was cancelled; nothing was kept.", "")
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.code == "cancelled"
    }
}
