//! Records what the kernel and the CUDA libraries did: loads the probes, drains their rings, writes the spool.
//!
//! - [`options`]: what is asked for, said, and handed back          - `session`: one capture from beginning to end
//! - `probes`, `optional`, `skeleton`: the BPF programs             - `attach`, `groups`: which functions are probed
//! - `rings`, `spool`, `file_queue`: kernel -> reader -> writer -> file  - `processes`, `command`: whom it is about
//! - `calibrate`, `governor`: what the probes cost, and which of them go when that is too much
//! - `lease`: probes do nothing once nobody reads them      - `leftovers`, `counts`: what is told last; does it add up?
//! - `metrics`: the host once a second                            - `owners`: which process holds a socket
//! - `sys`: the only unsafe code

mod attach;
mod calibrate;
pub mod choices;
mod command;
mod control;
mod counts;
mod error;
pub mod features;
mod file_queue;
mod governor;
mod groups;
mod host_scan;
mod kernel;
mod kernel_symbols;
mod lease;
mod leftovers;
mod metrics;
mod optional;
mod options;
mod owners;
mod probes;
mod processes;
mod rings;
mod session;
mod skeleton;
mod spool;
mod sys;
mod tally;

pub use control::{Control, Wish};
pub use error::CaptureError;
pub use options::*;

/// Which BPF programs these are: the first half of the SHA-256 of their object, in hex.
pub const BPF_BUILD_ID: &str = env!("WAKECHAIN_BPF_BUILD_ID");

/// Records until the duration is over, the command ends, or `control` says so; blocks the calling thread.
///
/// `progress` is called from the calling thread, at the start and then twice a second.
/// On cancel, and on an error before the recording has begun, the spool is removed; after a later one it stays, with what
/// was recorded (`CaptureError::spool_kept`).
/// A command that still runs at the end is ended with everything of its process group (SIGTERM, after two seconds
/// SIGKILL). What a command that ended by itself left in the background goes on.
pub fn run(
    options: &CaptureOptions,
    control: &Control,
    progress: &mut dyn FnMut(Progress),
) -> Result<CaptureOutcome, CaptureError> {
    session::run(options, control, progress)
}
