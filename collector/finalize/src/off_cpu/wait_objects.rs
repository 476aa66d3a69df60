//! What threads waited on: rows of `wait_object`, each object once.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::reason::NVIDIA_MAJOR;
use crate::clock::exact;
use crate::database::row_id;
use crate::error::FinalizeError;
use crate::who::ProcessId;

pub type WaitObjectId = u32;

/// What makes two waits wait on the same thing. A futex that is not private may be shared between processes, but its
/// address alone does not tell with whom (every fork has the same addresses), so each process has its own row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WaitObject {
    Futex {
        process: ProcessId,
        address: u64,
        private: bool,
    },
    /// A file that has an inode of its own.
    File {
        kind: &'static str,
        inode: u64,
    },
    /// eventfd, epoll, timerfd: all of them share one inode, so the process's descriptor names it.
    Descriptor {
        kind: &'static str,
        process: ProcessId,
        descriptor: u32,
    },
    Device {
        block: bool,
        device: u32,
    },
}

#[derive(Default)]
pub struct WaitObjects {
    list: Vec<(WaitObject, Option<&'static str>)>,
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
    /// `name` counts when the object is new.
    pub fn id(&mut self, object: WaitObject, name: Option<&'static str>) -> WaitObjectId {
        let next = self.list.len() as WaitObjectId + 1;
        let id = *self.ids.entry(object.clone()).or_insert(next);
        if id == next {
            self.list.push((object, name));
        }
        id
    }

    pub fn write(&self, database: &Connection) -> Result<(), FinalizeError> {
        let mut insert = database
            .prepare("INSERT INTO wait_object (id, kind, process_id, address, name) VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for (index, (object, name)) in self.list.iter().enumerate() {
            let named = |or: Option<String>| name.map(str::to_string).or(or);
            let (kind, process, address, name) = match object {
                WaitObject::Futex { process, address, private } => {
                    let beyond = exact(*address).is_none().then(|| format!("{address:#x}"));
                    ("futex", private.then_some(*process), exact(*address), named(beyond))
                }
                WaitObject::File { kind, inode } => (*kind, None, exact(*inode), named(None)),
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
        let first = objects.id(futex(1, 0x10), None);
        assert_eq!(objects.id(futex(1, 0x10), Some("late")), first);
        assert_ne!(objects.id(futex(2, 0x10), None), first);
        assert_ne!(objects.id(WaitObject::Futex { process: 1, address: 0x10, private: false }, None), first);
        assert_ne!(objects.id(WaitObject::File { kind: "pipe", inode: 0x10 }, None), first);
    }

    #[test]
    fn devices_have_names() {
        assert_eq!(device_name(false, 195 << 20 | 255), "/dev/nvidiactl");
        assert_eq!(device_name(false, 195 << 20 | 3), "/dev/nvidia3");
        assert_eq!(device_name(false, 136 << 20 | 4), "/dev/pts/4");
        assert_eq!(device_name(true, 254 << 20), "block 254:0");
    }
}
