//! What threads waited on: rows of `wait_object`, each object once.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::clock::exact;
use crate::database::row_id;
use crate::error::FinalizeError;
use crate::who::{ProcessId, ThreadId};

pub type WaitObjectId = u32;

/// The character devices of NVIDIA's driver (Documentation/admin-guide/devices.txt); those of its other modules get their
/// numbers at run time, as /proc/devices tells.
pub const NVIDIA_MAJOR: u32 = 195;

/// What makes two waits wait on the same thing. A futex that is not private may be shared between processes, but its
/// address alone does not tell with whom (every fork has the same addresses), so each process has its own row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WaitObject {
    Futex {
        process: ProcessId,
        address: u64,
        private: bool,
    },
    /// The end of a thread, as pthread_join waits for it.
    End {
        process: ProcessId,
        address: u64,
        thread: ThreadId,
    },
    /// A file that has an inode of its own in its file system.
    File {
        kind: &'static str,
        inode: u64,
        device: u32,
    },
    /// By the number that the kernel gave it.
    Eventfd {
        id: u64,
    },
    /// epoll, timerfd, ...: all of them share one inode, so the process's descriptor names it.
    Descriptor {
        kind: &'static str,
        process: ProcessId,
        descriptor: u32,
    },
    Device {
        block: bool,
        device: u32,
    },
    /// A child that is waited for.
    Child {
        process: ProcessId,
    },
    /// One of the kernel's own. Its address stays in here: it would tell where the kernel lies.
    KernelLock {
        address: u64,
        /// Of the mmap lock.
        process: Option<ProcessId>,
    },
}

#[derive(Default)]
pub struct WaitObjects {
    list: Vec<(WaitObject, Option<String>)>,
    ids: HashMap<WaitObject, WaitObjectId>,
}

/// Of the kernel's dev_t: 12 bits above 20.
pub fn major(device: u32) -> u32 {
    device >> 20
}

fn minor(device: u32) -> u32 {
    device & 0xf_ffff
}

impl WaitObjects {
    /// The first name that an object is given counts.
    pub fn id(&mut self, object: WaitObject, name: impl FnOnce() -> Option<String>) -> WaitObjectId {
        let next = self.list.len() as WaitObjectId + 1;
        let id = *self.ids.entry(object.clone()).or_insert(next);
        if id == next {
            self.list.push((object, name()));
        } else if let Some((_, unnamed @ None)) = self.list.get_mut(id as usize - 1) {
            *unnamed = name();
        }
        id
    }

    pub fn write(&self, database: &Connection) -> Result<(), FinalizeError> {
        let mut insert = database
            .prepare("INSERT INTO wait_object (id, kind, process_id, address, name) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for (index, (object, name)) in self.list.iter().enumerate() {
            let named = |or: Option<String>| name.clone().or(or);
            let (kind, process, address, name) = match object {
                WaitObject::Futex { process, address, private } => {
                    let beyond = exact(*address).is_none().then(|| format!("{address:#x}"));
                    ("futex", private.then_some(*process), exact(*address), named(beyond))
                }
                WaitObject::End { process, address, .. } => ("futex", Some(*process), exact(*address), named(None)),
                WaitObject::File { kind, inode, .. } => (*kind, None, exact(*inode), named(None)),
                WaitObject::Eventfd { id } => ("eventfd", None, None, named(Some(format!("eventfd {id}")))),
                WaitObject::Child { process } => ("process", Some(*process), None, named(None)),
                WaitObject::KernelLock { process, .. } => ("kernel_lock", *process, None, named(None)),
                WaitObject::Descriptor { kind, process, descriptor } => {
                    (*kind, Some(*process), None, named(Some(format!("descriptor {descriptor}"))))
                }
                WaitObject::Device { block, device } => {
                    ("device", None, None, named(Some(device_name(*block, *device))))
                }
            };
            insert.execute(params![row_id(index), kind, process, address, name])?;
        }
        Ok(())
    }
}

/// Names that never change: https://docs.kernel.org/admin-guide/devices.html
fn device_name(block: bool, device: u32) -> String {
    match (block, major(device), minor(device)) {
        (false, NVIDIA_MAJOR, 255) => "/dev/nvidiactl".into(),
        (false, NVIDIA_MAJOR, 254) => "/dev/nvidia-modeset".into(),
        (false, NVIDIA_MAJOR, card) => format!("/dev/nvidia{card}"),
        (false, 5, 0) => "/dev/tty".into(),
        (false, 136..=143, minor) => format!("/dev/pts/{}", (major(device) - 136) * 256 + minor),
        (block, major, minor) => format!("{} {major}:{minor}", if block { "block" } else { "character" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_told_apart() {
        let mut objects = WaitObjects::default();
        let futex = |process, address| WaitObject::Futex { process, address, private: true };
        let none = || None;
        let first = objects.id(futex(1, 0x10), none);
        assert_eq!(objects.id(futex(1, 0x10), || Some("late".into())), first);
        assert_ne!(objects.id(futex(2, 0x10), none), first);
        assert_ne!(objects.id(WaitObject::Futex { process: 1, address: 0x10, private: false }, none), first);
        let file = |device| WaitObject::File { kind: "file", inode: 0x10, device };
        let second = objects.id(file(1), none);
        assert_ne!(second, first);
        assert_ne!(objects.id(file(2), none), second, "another file system");
        assert_eq!(objects.list[first as usize - 1].1.as_deref(), Some("late"));
    }

    #[test]
    fn devices_have_names() {
        assert_eq!(device_name(false, 195 << 20 | 255), "/dev/nvidiactl");
        assert_eq!(device_name(false, 195 << 20 | 3), "/dev/nvidia3");
        assert_eq!(device_name(false, 136 << 20 | 4), "/dev/pts/4");
        assert_eq!(device_name(true, 254 << 20), "block 254:0");
    }
}
