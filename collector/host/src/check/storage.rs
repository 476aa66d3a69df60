//! Room for the spool and the trace.

use super::Item;
use std::path::{Path, PathBuf};

/// A busy host makes some 20 MB of spool a second; the trace is about twice that while it is built.
const COMFORTABLE_BYTES: u64 = 2 << 30;
const LEAST_BYTES: u64 = 64 << 20;

/// Bytes that may still be written to the file system of a folder; nothing where that cannot be told.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|status| status.f_bavail.saturating_mul(status.f_frsize))
}

pub fn space(directories: &[PathBuf]) -> Vec<Item> {
    let mut seen: Vec<u64> = Vec::new();
    let mut items = Vec::new();
    for directory in directories {
        let whole = directory.canonicalize().unwrap_or_else(|_| directory.clone());
        match rustix::fs::statvfs(directory) {
            // one item for each file system
            Ok(status) if seen.contains(&status.f_fsid) => {}
            Ok(status) => {
                seen.push(status.f_fsid);
                items.push(judge(&whole.to_string_lossy(), status.f_bavail.saturating_mul(status.f_frsize)));
            }
            Err(error) => items.push(Item::fail(
                "disk",
                format!("{} cannot be used: {error}.", directory.display()),
                "There is no place to write to.",
                "Name a directory that exists and may be written to.",
            )),
        }
    }
    items
}

fn judge(directory: &str, free: u64) -> Item {
    let free_text = if free >= 10 << 30 { format!("{} GiB", free >> 30) } else { format!("{} MiB", free >> 20) };
    let found = format!("{free_text} free in {directory}.");
    if free < LEAST_BYTES {
        Item::fail(
            "disk",
            found,
            "A capture needs at least 64 MiB.",
            "Make room, or write elsewhere (--output, --spool).",
        )
    } else if free < COMFORTABLE_BYTES {
        Item::degraded(
            "disk",
            found,
            "A long capture of a busy host may fill it; what was recorded until then is kept.",
            "Make room, or write elsewhere (--output, --spool).",
        )
    } else {
        Item::pass("disk", found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::State::{Degraded, Fail, Pass};

    #[test]
    fn room() {
        for (free, state) in [(0, Fail), (LEAST_BYTES, Degraded), (COMFORTABLE_BYTES, Pass), (u64::MAX, Pass)] {
            assert_eq!(judge("/tmp", free).state, state, "{free}");
        }
        let here = std::env::temp_dir();
        assert_eq!(space(&[here.clone(), here]).len(), 1);
        assert_eq!(space(&["/nowhere".into()])[0].state, Fail);
    }
}
