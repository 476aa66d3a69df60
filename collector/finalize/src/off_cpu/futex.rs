//! What a futex wait asked for: its operation without flags, and its time-out as a length of time.

use crate::clock::{Clock, LARGEST};

const PRIVATE_FLAG: u32 = 128;
const CLOCK_REALTIME_FLAG: u32 = 256;

const LOCK_PI: u32 = 6;
const WAIT_BITSET: u32 = 9;
const WAIT_REQUEUE_PI: u32 = 11;
const LOCK_PI2: u32 = 13;

/// `futex_op` of a wait that was no futex.
pub const NONE: u32 = u32::MAX;

pub fn operation(op: u32) -> u32 {
    op & !(PRIVATE_FLAG | CLOCK_REALTIME_FLAG)
}

pub fn is_private(op: u32) -> bool {
    op & PRIVATE_FLAG != 0
}

/// FUTEX_WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, UNLOCK_PI, WAKE_BITSET, CMP_REQUEUE_PI (futex(2)).
pub fn wakes(op: u32) -> bool {
    op != NONE && matches!(operation(op), 1 | 3 | 4 | 5 | 7 | 10 | 12)
}

/// The time-out as asked for, relative: FUTEX_WAIT gives it so; the others give a moment, by CLOCK_REALTIME where flagged
/// (LOCK_PI always), else CLOCK_MONOTONIC. `None` = none was asked for, or its start was not seen.
pub fn timeout_ns(op: u32, given_ns: u64, off_ns: u64, began_before: bool, clock: &Clock) -> Option<i64> {
    if given_ns == 0 {
        return None;
    }
    let is_moment = op != NONE && matches!(operation(op), LOCK_PI | WAIT_BITSET | WAIT_REQUEUE_PI | LOCK_PI2);
    if !is_moment {
        return i64::try_from(given_ns.min(LARGEST)).ok();
    }
    if began_before {
        return None;
    }
    let by_wall_clock = op & CLOCK_REALTIME_FLAG != 0 || operation(op) == LOCK_PI;
    let now =
        if by_wall_clock { clock.start_unix_ns?.checked_add(off_ns.checked_sub(clock.start_ns)?)? } else { off_ns };
    i64::try_from(given_ns.saturating_sub(now).min(LARGEST)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_outs_become_relative() {
        let clock = Clock { start_ns: 1_000, end_ns: 9_000, start_unix_ns: Some(1_000_000) };
        for (expected, op, given) in [
            (None, WAIT_BITSET, 0),
            (Some(700), 0 | PRIVATE_FLAG, 700),
            (Some(500), WAIT_BITSET | PRIVATE_FLAG, 2_500),
            (Some(0), WAIT_BITSET, 1_500),
            (Some(500), WAIT_BITSET | CLOCK_REALTIME_FLAG, 1_001_500),
            (Some(500), LOCK_PI, 1_001_500),
            (Some(500), LOCK_PI2, 2_500),
            (Some(700), NONE, 700),
        ] {
            assert_eq!(timeout_ns(op, given, 2_000, false, &clock), expected, "{op} {given}");
        }
        assert_eq!(timeout_ns(WAIT_BITSET, 2_500, 2_000, true, &clock), None);
        let without = Clock { start_unix_ns: None, ..clock };
        assert_eq!(timeout_ns(LOCK_PI, 2_500, 2_000, false, &without), None);
    }

    #[test]
    fn flags_are_taken_off() {
        assert_eq!(operation(WAIT_BITSET | PRIVATE_FLAG | CLOCK_REALTIME_FLAG), 9);
        assert!(wakes(1 | PRIVATE_FLAG) && !wakes(NONE) && !wakes(PRIVATE_FLAG));
    }
}
