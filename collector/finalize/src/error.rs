//! Why a database could not be made: a code for programs, a sentence for people, and what to do.

use wakechain_wire::spool::SpoolError;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct FinalizeError {
    /// `cancelled`, `spool_unreadable`, `not_a_spool`, `spool_version`, `spool_empty`, `output_exists`,
    /// `output_not_writable`, `output_changed`, `disk_full`, `database`.
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

impl FinalizeError {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn disk_full(error: impl std::fmt::Display) -> Self {
        Self::new(
            "disk_full",
            format!("the disk, or this user's share of it, is full: the trace could not be built: {error}"),
        )
        .hint("free some space and build the trace with `finalize`, or build it on another disk")
    }

    pub fn cancelled() -> Self {
        Self::new("cancelled", "cancelled while the trace was being made: nothing was left")
    }
}

impl From<SpoolError> for FinalizeError {
    fn from(error: SpoolError) -> Self {
        let code = match &error {
            SpoolError::NotASpool(_) => "not_a_spool",
            SpoolError::Version { .. } => "spool_version",
            _ => "spool_unreadable",
        };
        let hint = match &error {
            SpoolError::NotASpool(_) => {
                "give the file that `capture --keep-spool` or a capture that ended early has left"
            }
            SpoolError::Version { .. } => "use the collector of the version that made the capture",
            _ => "see whether the file and its disk can be read",
        };
        Self::new(code, error.to_string()).hint(hint)
    }
}

impl From<rusqlite::Error> for FinalizeError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::disk_full(error),
            _ => Self::new("database", format!("the trace database could not be written: {error}")),
        }
    }
}
