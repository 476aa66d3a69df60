//! Futexes inside CPython's `_PyRuntime`: the words of the GIL's mutex and condition variable.
//!
//! A waiter on a glibc condition variable alternates between two words four bytes apart, so the two halves of an aligned
//! 8-byte unit are one object there. The object's address comes from the symbol table of the mapped file.

use std::collections::HashMap;
use std::ops::Range;

use blazesym::SymType;
use blazesym::inspect::source::{Elf, Source};
use blazesym::inspect::{Inspector, SymInfo};

use crate::frames::Frames;
use crate::who::{ProcessId, Who};

pub const NAME: &str = "_PyRuntime (GIL)";
const SYMBOL: &str = "_PyRuntime";

#[derive(Default)]
pub struct Gil {
    runtimes: HashMap<ProcessId, Option<Range<u64>>>,
}

impl Gil {
    /// The object's own address where a futex lies in the interpreter's runtime state.
    pub fn object(&mut self, who: &Who, frames: &mut Frames, process: ProcessId, futex: u64) -> Option<u64> {
        let range = self.runtimes.entry(process).or_insert_with(|| runtime(who, frames, process));
        range.as_ref().is_some_and(|range| range.contains(&futex)).then_some(futex & !7)
    }
}

/// Where the runtime state of a process lies; `None` where no mapped file has the symbol.
fn runtime(who: &Who, frames: &mut Frames, process: ProcessId) -> Option<Range<u64>> {
    let might_be_python = |path: &str| path.rsplit('/').next().is_some_and(|name| name.contains("python"));
    for (file, start, offset) in frames.maps().bases(who, process, might_be_python) {
        let Some(path) = frames.path(file) else { continue };
        let source = Source::Elf(Elf::new(&path));
        let inspector = Inspector::new();
        let Ok(found) = inspector.lookup(&source, &[SYMBOL]) else { continue };
        let Some(symbol) = found.into_iter().flatten().find(|symbol| symbol.sym_type == SymType::Variable) else {
            continue;
        };
        if let Some(made) = range(&path, &symbol, start, offset) {
            return Some(made);
        }
    }
    None
}

/// The symbol in memory: the segment that is mapped from `offset` at `start` tells how far addresses are shifted.
fn range(path: &std::path::Path, symbol: &SymInfo, start: u64, offset: u64) -> Option<Range<u64>> {
    let shift = start.wrapping_sub(crate::elf::address_of_offset(path, offset)?);
    let first = symbol.addr.wrapping_add(shift);
    Some(first..first.checked_add(symbol.size.filter(|size| *size > 0)? as u64)?)
}
