//! What a host offers to a capture: which processes use CUDA and through which files, where in those files a probe is
//! cheap, and what the kernel and our privileges allow. Reads only; nothing here changes the host.

pub mod check;
pub mod control_groups;
pub mod cuda_processes;
pub mod elf;
pub mod error;
pub mod libraries;
pub mod mappings;
pub mod place;
pub mod placement;
pub mod process;
pub mod tool;
pub mod users;

pub use error::HostError;
