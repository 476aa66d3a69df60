//! Names of device functions. A handle (the address of a host stub, a CUfunction, a CUkernel) is named by the call that
//! made it, else by the symbol at its address; and a launch of the runtime and the driver's launch inside it are of one
//! kernel, so either names the other.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::database::row_id;
use crate::error::FinalizeError;
use crate::symbols::demangled;
use crate::who::ProcessId;

/// Row ids, counted from 1.
pub type KernelId = u32;

#[derive(Default)]
pub struct Kernels {
    names: Vec<Name>,
    by_name: HashMap<String, KernelId>,
    of_handle: HashMap<(ProcessId, u64), KernelId>,
}

enum Name {
    Known(String),
    /// Nothing but the handle is known, so far.
    Handle(u64),
}

impl Kernels {
    /// The kernel that a handle stands for, if anything was said of it.
    pub fn known(&self, process: ProcessId, handle: u64) -> Option<KernelId> {
        self.of_handle.get(&(process, handle)).copied()
    }

    /// A call said what the handle is called. The driver reuses handles: the latest name counts.
    pub fn name(&mut self, process: ProcessId, handle: u64, mangled: &str) -> KernelId {
        let name = demangled(mangled);
        if let Some(known) = self.known(process, handle)
            && self.is_unnamed(known)
            && !self.by_name.contains_key(&name)
        {
            self.rename(known, name);
            return known;
        }
        let kernel = self.of_name(name);
        self.of_handle.insert((process, handle), kernel);
        kernel
    }

    /// Another handle of the same kernel.
    pub fn alias(&mut self, process: ProcessId, handle: u64, kernel: KernelId) {
        self.of_handle.insert((process, handle), kernel);
    }

    /// The kernel of a handle that nobody named: by its symbol, else it is its own name.
    pub fn of_symbol(&mut self, process: ProcessId, handle: u64, symbol: Option<String>) -> KernelId {
        let kernel = match symbol {
            Some(name) => self.of_name(name),
            None => self.push(Name::Handle(handle)),
        };
        self.of_handle.insert((process, handle), kernel);
        kernel
    }

    /// Two launches, one inside the other, are of one kernel: an unnamed one takes the other's name.
    pub fn unite(&mut self, outer: KernelId, inner: KernelId) {
        for (to, from) in [(outer, inner), (inner, outer)] {
            if !self.is_unnamed(to) {
                continue;
            }
            if let Some(Name::Known(name)) = self.names.get(from as usize - 1) {
                let name = name.clone();
                self.rename(to, name);
            }
        }
    }

    pub fn is_unnamed(&self, kernel: KernelId) -> bool {
        matches!(self.names.get(kernel as usize - 1), Some(Name::Handle(_)))
    }

    fn rename(&mut self, kernel: KernelId, name: String) {
        self.by_name.entry(name.clone()).or_insert(kernel);
        if let Some(place) = self.names.get_mut(kernel as usize - 1) {
            *place = Name::Known(name);
        }
    }

    fn of_name(&mut self, name: String) -> KernelId {
        if let Some(known) = self.by_name.get(&name) {
            return *known;
        }
        let kernel = self.push(Name::Known(name.clone()));
        self.by_name.insert(name, kernel);
        kernel
    }

    fn push(&mut self, name: Name) -> KernelId {
        self.names.push(name);
        self.names.len() as KernelId
    }

    /// Kernels that turned out to have one name become one row; the calls are told in one pass.
    pub fn write(&self, database: &Connection) -> Result<(), FinalizeError> {
        let mut insert = database.prepare("INSERT INTO cuda_kernel (id, name) VALUES (?1, ?2)")?;
        let mut same: Vec<(i64, KernelId)> = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            let text = match name {
                Name::Known(name) => name.clone(),
                Name::Handle(handle) => format!("{handle:#x}"),
            };
            match self.by_name.get(&text).filter(|first| **first as usize != index + 1) {
                Some(first) => same.push((row_id(index), *first)),
                None => drop(insert.execute(params![row_id(index), text])?),
            }
        }
        if same.is_empty() {
            return Ok(());
        }
        database.execute_batch("CREATE TEMP TABLE same_kernel (id INTEGER PRIMARY KEY, kernel INTEGER NOT NULL)")?;
        let mut note = database.prepare("INSERT INTO same_kernel VALUES (?1, ?2)")?;
        for (id, kernel) in same {
            note.execute(params![id, kernel])?;
        }
        drop(note);
        database.execute_batch(
            "UPDATE cuda_call SET kernel_id = (SELECT kernel FROM same_kernel s WHERE s.id = kernel_id) \
             WHERE kernel_id IN (SELECT id FROM same_kernel); DROP TABLE same_kernel",
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(kernels: &Kernels, kernel: KernelId) -> String {
        match &kernels.names[kernel as usize - 1] {
            Name::Known(name) => name.clone(),
            Name::Handle(handle) => format!("{handle:#x}"),
        }
    }

    #[test]
    fn a_handle_is_called_what_the_latest_call_called_it() {
        let mut kernels = Kernels::default();
        let first = kernels.name(1, 0xa, "_Z6kernelPf");
        assert_eq!(named(&kernels, first), "kernel(float*)");
        assert_eq!(kernels.known(1, 0xa), Some(first));
        assert_eq!(kernels.known(2, 0xa), None, "another process");
        let second = kernels.name(1, 0xa, "plain");
        assert_eq!(kernels.known(1, 0xa), Some(second));
        assert_eq!(named(&kernels, first), "kernel(float*)");
    }

    #[test]
    fn a_launch_and_the_launch_inside_it_are_of_one_kernel() {
        let mut kernels = Kernels::default();
        let stub = kernels.of_symbol(1, 0x1000, None);
        let function = kernels.name(1, 0xf, "_Z3addv");
        assert!(kernels.is_unnamed(stub));
        kernels.unite(stub, function);
        assert_eq!(named(&kernels, stub), "add()");
        let other = kernels.of_symbol(1, 0x2000, Some("scale()".into()));
        let inner = kernels.of_symbol(1, 0xe, None);
        kernels.unite(other, inner);
        assert_eq!(named(&kernels, inner), "scale()");
    }
}
