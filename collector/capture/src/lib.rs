//! Records what the kernel and the CUDA libraries did: loads the probes, drains their rings, writes the spool.

mod control;
mod error;
mod options;

pub use control::{Control, Wish};
pub use error::CaptureError;
pub use options::*;

/// Records until the duration is over, the command ends, or `control` says so; blocks the calling thread.
///
/// `progress` is called from the calling thread, at the start and then twice a second.
/// On any error and on cancel the spool is removed, except after a full disk, where what was written stays.
pub fn run(
    options: CaptureOptions,
    control: &Control,
    progress: &mut dyn FnMut(Progress),
) -> Result<CaptureOutcome, CaptureError> {
    let _ = (options, control, progress);
    Err(CaptureError::new("not_built", "The capture is not built yet.", ""))
}
