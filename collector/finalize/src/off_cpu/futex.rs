//! What a futex call asked for: its operation without flags.

const PRIVATE_FLAG: u32 = 128;
const CLOCK_REALTIME_FLAG: u32 = 256;

pub const WAIT_BITSET: u32 = 9;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_taken_off() {
        assert_eq!(operation(WAIT_BITSET | PRIVATE_FLAG | CLOCK_REALTIME_FLAG), 9);
        assert!(wakes(1 | PRIVATE_FLAG) && !wakes(NONE) && !wakes(PRIVATE_FLAG));
    }
}
