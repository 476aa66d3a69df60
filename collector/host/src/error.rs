//! What can go wrong while looking at a host. Files and processes vanish all the time: callers mostly skip such a thing
//! and say so, hence the variants say what was looked at.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("there is no process {pid} any more")]
    NoProcess { pid: u32 },
    #[error("process {pid} may not be looked at: {source}")]
    ProcessForbidden { pid: u32, source: io::Error },
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is not a 64-bit ELF file that can be used: {reason}", path.display())]
    NotElf { path: PathBuf, reason: String },
}

impl HostError {
    /// An error of reading `/proc/PID/...`.
    pub(crate) fn of_process(pid: u32, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::NoProcess { pid },
            // ESRCH: the process ended between open and read
            _ if source.raw_os_error() == Some(libc::ESRCH) => Self::NoProcess { pid },
            _ => Self::ProcessForbidden { pid, source },
        }
    }
}
