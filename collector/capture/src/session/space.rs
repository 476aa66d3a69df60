//! Room on the disk: how large the trace will be, and whether it is time to end before there is no room for it.

use std::path::{Path, PathBuf};

use wakechain_host::check::free_bytes;

use super::Session;
use crate::options::EndReason;
use crate::spool::Spool;

/// Of the spool's bytes: a trace is larger, since it is not compressed and has indexes. Measured: 1.4 to 2.2.
const TRACE_FOR_SPOOL: u64 = 2;
const EMPTY_TRACE_BYTES: u64 = 1 << 20;
/// What others may write in the meantime.
const RESERVE_BYTES: u64 = 8 << 20;

/// Bytes that the trace will have, as far as can be told from its spool.
pub fn estimated_trace_bytes(spool_bytes: u64) -> u64 {
    EMPTY_TRACE_BYTES.saturating_add(spool_bytes.saturating_mul(TRACE_FOR_SPOOL))
}

impl Session<'_, '_> {
    /// Why it is time to end, as far as room is concerned.
    pub(super) fn out_of_room(&self, spool: &Spool) -> Option<EndReason> {
        let bytes = spool.bytes();
        if self.options.max_bytes.is_some_and(|limit| bytes >= limit) {
            return Some(EndReason::MaxBytes);
        }
        let spool_folder = folder_of(&self.options.spool);
        let output_folder = self.options.output_folder.as_deref().unwrap_or(&spool_folder);
        let is_short = |folder: &Path, needed: u64| {
            free_bytes(folder).is_some_and(|free| free < needed.saturating_add(RESERVE_BYTES))
        };
        let short = is_short(output_folder, estimated_trace_bytes(bytes)) || is_short(&spool_folder, 0);
        short.then_some(EndReason::DiskSpace)
    }
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}
