//! Absolute kernel times to nanoseconds since the start of the capture, always exact in a JavaScript number.

/// 2^53 - 1
pub const LARGEST: u64 = (1 << 53) - 1;

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// CLOCK_MONOTONIC.
    pub start_ns: u64,
    pub end_ns: u64,
    /// CLOCK_REALTIME at `start_ns`; `None` when the capture did not say.
    pub start_unix_ns: Option<u64>,
}

impl Clock {
    /// What was before the start is at 0.
    pub fn relative(&self, at_ns: u64) -> i64 {
        span(at_ns.saturating_sub(self.start_ns))
    }

    pub fn length(&self) -> i64 {
        self.relative(self.end_ns)
    }
}

/// A length of time; a clock that ran backwards gives 0, one beyond 104 days its largest value.
pub fn between(from_ns: u64, to_ns: u64) -> i64 {
    span(to_ns.saturating_sub(from_ns))
}

fn span(ns: u64) -> i64 {
    ns.min(LARGEST) as i64
}

/// A value for an INTEGER column; `None` beyond 2^53 - 1.
pub fn exact(value: u64) -> Option<i64> {
    (value <= LARGEST).then_some(value as i64)
}
