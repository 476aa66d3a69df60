//! For how long a thread meant to wait at most: as asked for, as a length of time.

use wakechain_wire::*;

use crate::clock::{Clock, LARGEST};

/// What was given to the kernel may be a moment: then the start of the wait makes it a length. `None` = none was asked
/// for, or the start was not seen.
pub fn relative_ns(kind: u32, given_ns: u64, off_ns: u64, began_before: bool, clock: &Clock) -> Option<i64> {
    let now = match kind {
        TIMEOUT_RELATIVE => return i64::try_from(given_ns.min(LARGEST)).ok(),
        _ if began_before => return None,
        TIMEOUT_MONOTONIC => off_ns,
        TIMEOUT_REALTIME => clock.start_unix_ns?.checked_add(off_ns.checked_sub(clock.start_ns)?)?,
        _ => return None,
    };
    i64::try_from(given_ns.saturating_sub(now).min(LARGEST)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_become_relative() {
        let clock = Clock { start_ns: 1_000, end_ns: 9_000, start_unix_ns: Some(1_000_000) };
        for (expected, kind, given) in [
            (None, TIMEOUT_NONE, 0),
            (Some(0), TIMEOUT_RELATIVE, 0),
            (Some(700), TIMEOUT_RELATIVE, 700),
            (Some(500), TIMEOUT_MONOTONIC, 2_500),
            (Some(0), TIMEOUT_MONOTONIC, 1_500),
            (Some(500), TIMEOUT_REALTIME, 1_001_500),
        ] {
            assert_eq!(relative_ns(kind, given, 2_000, false, &clock), expected, "{kind} {given}");
        }
        assert_eq!(relative_ns(TIMEOUT_MONOTONIC, 2_500, 2_000, true, &clock), None);
        let without = Clock { start_unix_ns: None, ..clock };
        assert_eq!(relative_ns(TIMEOUT_REALTIME, 2_500, 2_000, false, &without), None);
    }
}
