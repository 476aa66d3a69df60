//! What every table's writer needs: the spool, the clock, who was who, names, frames, and whether to go on.

use wakechain_wire::spool::ReadAt;

use crate::blocks::Blocks;
use crate::clock::Clock;
use crate::error::FinalizeError;
use crate::frames::Frames;
use crate::names::Names;
use crate::stacks::Stacks;
use crate::who::Who;

pub struct Context<'a, S: ReadAt> {
    pub blocks: Blocks<S>,
    pub clock: Clock,
    pub who: Who,
    pub names: Names,
    pub frames: Frames,
    pub stacks: Stacks,
    pub machine: u32,
    pub steps: Steps<'a>,
}

/// Progress and cancellation, asked about every few thousand rows.
pub struct Steps<'a> {
    pub progress: &'a mut dyn FnMut(f64),
    pub cancelled: &'a dyn Fn() -> bool,
    pub rows_done: u64,
    pub rows_expected: u64,
}

/// Shares of the whole work, as measured: reading and verifying, writing rows; the rest is indexes and the hash.
pub const SCAN_SHARE: f64 = 0.15;
pub const ROWS_SHARE: f64 = 0.7;

impl Steps<'_> {
    pub fn check(&self) -> Result<(), FinalizeError> {
        if (self.cancelled)() { Err(FinalizeError::cancelled()) } else { Ok(()) }
    }

    pub fn at(&mut self, share: f64) -> Result<(), FinalizeError> {
        (self.progress)(share.clamp(0.0, 1.0));
        self.check()
    }

    pub fn row(&mut self) -> Result<(), FinalizeError> {
        self.rows_done += 1;
        if self.rows_done % 8192 != 0 {
            return Ok(());
        }
        self.at(SCAN_SHARE + ROWS_SHARE * self.rows_done as f64 / self.rows_expected.max(1) as f64)
    }
}
