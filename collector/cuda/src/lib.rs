//! The CUDA functions that Wakechain knows: one table of names, what each is about, and what its parameters mean.
//! The capture takes from it which functions to probe and what to read of a call; `finalize`, what was read.
//!
//! - [`table`]: the functions of the runtime, the driver and NCCL
//! - [`role`]: what a parameter tells
//! - [`variants`]: names of one function: `_v2`, `_ptsz` and the like
//! - [`convention`]: where the processor's calling convention puts each parameter
//! - [`reading`]: what a probe has to bring of a call, as the flags of its cookie
//! - [`values`]: the parameters of a recorded call

pub mod convention;
pub mod reading;
pub mod role;
mod table;
pub mod values;
pub mod variants;

pub use convention::Machine;
pub use role::Role;
pub use table::{Row, rows};

/// As `cuda_function.library` of the trace spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    Runtime,
    Driver,
    Nccl,
}

impl Library {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Library::Runtime => "runtime",
            Library::Driver => "driver",
            Library::Nccl => "nccl",
        }
    }
}

/// What is known of a function by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub library: Library,
    /// As `cuda_function.category` of the trace spells it.
    pub category: &'static str,
    /// Its parameters in order, up to the last that matters.
    pub roles: &'static [Role],
    /// Probed without being asked for.
    pub by_default: bool,
    /// What it returns is an error code, 0 for success.
    pub returns_error: bool,
}

/// `None`: no function that Wakechain knows, so it is not probed. `major` is the version of the library that exports it
/// (`libcudart.so.13`: 13), since CUDA 13 gave some names another meaning; 0 where the file's name does not tell.
#[must_use]
pub fn known(name: &str, major: u32) -> Option<Known> {
    table::find(name, major)
}

/// Where not all functions can be probed: lower is more telling.
#[must_use]
pub fn rank(category: &str) -> usize {
    const ORDER: [&str; 6] = ["launch", "synchronize", "copy", "collective", "allocate", "free"];
    ORDER.iter().position(|known| *known == category).unwrap_or(ORDER.len())
}
