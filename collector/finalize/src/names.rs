//! The table `name`: small vocabularies, each word once.

use std::collections::HashMap;

use crate::syscalls::Syscalls;

pub type NameId = u32;

pub struct Names {
    pub list: Vec<String>,
    ids: HashMap<String, NameId>,
    pub syscalls: Syscalls,
    of_syscall: HashMap<i16, NameId>,
}

impl Names {
    pub fn new(machine: u32) -> Self {
        Self { list: Vec::new(), ids: HashMap::new(), syscalls: Syscalls::of(machine), of_syscall: HashMap::new() }
    }

    pub fn id(&mut self, name: &str) -> NameId {
        if let Some(known) = self.ids.get(name) {
            return *known;
        }
        self.list.push(name.to_string());
        let id = self.list.len() as NameId;
        self.ids.insert(name.to_string(), id);
        id
    }

    /// `None` for -1: in no system call.
    pub fn syscall(&mut self, number: i16) -> Option<NameId> {
        if number < 0 {
            return None;
        }
        if let Some(known) = self.of_syscall.get(&number) {
            return Some(*known);
        }
        let id = self.id(&self.syscalls.name(number));
        self.of_syscall.insert(number, id);
        Some(id)
    }
}
