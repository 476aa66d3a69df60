//! Whether a capture can work on this host, and how well: one item for each thing it depends on, with what was found,
//! what that costs, and what to do about it.

mod kernel;
mod nvidia;
mod privileges;
mod storage;

pub use storage::free_bytes;

use crate::cuda_processes::CudaProcesses;
use serde::Serialize;
use std::fs;
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Pass,
    /// A capture works, with less in it or at a higher price.
    Degraded,
    /// A capture cannot work.
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Stable: the extension knows it.
    pub code: &'static str,
    pub state: State,
    /// What was found.
    pub message: String,
    /// What that costs; empty when it costs nothing.
    pub cost: String,
    /// What to do; empty when there is nothing to do.
    pub hint: String,
}

impl Item {
    pub fn pass(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, state: State::Pass, message: message.into(), cost: String::new(), hint: String::new() }
    }

    pub fn degraded(
        code: &'static str,
        message: impl Into<String>,
        cost: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { code, state: State::Degraded, message: message.into(), cost: cost.into(), hint: hint.into() }
    }

    pub fn fail(
        code: &'static str,
        message: impl Into<String>,
        cost: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { code, state: State::Fail, message: message.into(), cost: cost.into(), hint: hint.into() }
    }
}

/// What a check looks at beyond the host itself.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Where a capture would write: output, spool.
    pub directories: Vec<PathBuf>,
    /// Processes that use CUDA now; nothing when they were not looked for.
    pub processes: Option<&'a CudaProcesses>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Check {
    pub can_capture: bool,
    pub items: Vec<Item>,
}

impl Check {
    /// `probed`: what only trying can tell (ring buffer, uprobes), found by the crate that holds the probes.
    pub fn run(wanted: &Wanted, probed: Vec<Item>) -> Self {
        let mut items = vec![kernel::version(), kernel::btf(), privileges::capabilities(), privileges::namespaces()];
        items.push(kernel::lockdown());
        items.extend(probed);
        items.extend([kernel::perf_events(), kernel::symbols(), kernel::control_groups(), kernel::tracefs()]);
        items.push(nvidia::driver());
        items.extend(wanted.processes.map(nvidia::libraries));
        items.extend(storage::space(&wanted.directories));
        Self { can_capture: items.iter().all(|item| item.state != State::Fail), items }
    }

    /// One more thing that was found out.
    pub fn add(&mut self, item: Item) {
        self.can_capture &= item.state != State::Fail;
        self.items.push(item);
    }

    /// The first thing that makes a capture impossible.
    pub fn failure(&self) -> Option<&Item> {
        self.items.iter().find(|item| item.state == State::Fail)
    }
}

/// A small file of `/proc` or `/sys`, without the newline at its end.
fn text(path: &str) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
