//! Locks that are global variables, named by the variable that a futex lies in.
//!
//! Only mappings of code are on file. A file's data follows its code, so the nearest code below a futex tells the file,
//! if it lies in one at all: the file's segments say how far they reach in memory.
//!
//! Futexes inside CPython's `_PyRuntime` are the words of the GIL's mutex and condition variable. A waiter on a glibc
//! condition variable alternates between two words four bytes apart, so there the two halves of an aligned 8-byte unit are
//! one object.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use blazesym::SymType;
use blazesym::inspect::Inspector;
use blazesym::inspect::source::{Elf, Source};

use crate::elf::{self, Segment};
use crate::frames::Frames;
use crate::maps::FileId;
use crate::symbols::demangled;
use crate::who::{ProcessId, Who};

pub const GIL: &str = "_PyRuntime (GIL)";
const PYTHON_RUNTIME: &str = "_PyRuntime";

#[derive(Default)]
pub struct Globals {
    images: HashMap<FileId, Image>,
}

/// What a file looks like in memory. Empty where it cannot be read.
#[derive(Default)]
struct Image {
    segments: Vec<Segment>,
    /// By address; read when a futex lies in the image.
    variables: Option<Vec<Variable>>,
}

#[derive(Debug, Clone)]
struct Variable {
    address: u64,
    bytes: u64,
    name: String,
}

/// A variable that holds a lock.
#[derive(Debug, PartialEq)]
pub struct Global {
    /// Of the lock, in the process.
    pub address: u64,
    pub name: String,
}

impl Globals {
    /// The variable that a futex lies in.
    pub fn at(&mut self, who: &Who, frames: &mut Frames, process: ProcessId, futex: u64, at_ns: u64) -> Option<Global> {
        for (file, start, offset) in frames.maps().below(who, process, futex, at_ns) {
            let image = self.images.entry(file).or_insert_with(|| Image::of(frames.path(file).as_deref()));
            let Some(mapped) = elf::address_of_code(&image.segments, offset) else { continue };
            let in_file = futex.wrapping_sub(start).wrapping_add(mapped);
            if !image.segments.iter().any(|segment| segment.memory().contains(&in_file)) {
                continue;
            }
            let path = frames.path(file)?;
            let variables = image.variables.get_or_insert_with(|| variables(&path));
            return global(variables, in_file, futex);
        }
        None
    }
}

impl Image {
    fn of(path: Option<&Path>) -> Image {
        Image { segments: path.and_then(elf::segments).unwrap_or_default(), variables: None }
    }
}

fn variables(path: &Path) -> Vec<Variable> {
    let mut found = Vec::new();
    let mut file = Elf::new(path);
    // what a debugger is told is read for functions only
    file.debug_syms = false;
    // a file without symbols has no names
    let _ = Inspector::new().for_each(&Source::Elf(file), |symbol| {
        if let (SymType::Variable, Some(bytes @ 1..)) = (symbol.sym_type, symbol.size) {
            found.push(Variable { address: symbol.addr, bytes: bytes as u64, name: symbol.name.to_string() });
        }
        ControlFlow::Continue(())
    });
    found.sort_by_key(|variable| variable.address);
    found
}

/// Of variables in order of their addresses.
fn global(variables: &[Variable], in_file: u64, futex: u64) -> Option<Global> {
    let next = variables.partition_point(|variable| variable.address <= in_file);
    let variable = variables.get(next.checked_sub(1)?)?;
    let offset = in_file - variable.address;
    if offset >= variable.bytes {
        return None;
    }
    Some(match (variable.name.as_str(), offset) {
        (PYTHON_RUNTIME, _) => Global { address: futex & !7, name: GIL.to_string() },
        (name, 0) => Global { address: futex, name: demangled(name) },
        (name, offset) => Global { address: futex, name: format!("{}+{offset:#x}", demangled(name)) },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static OWN: std::sync::Mutex<u64> = std::sync::Mutex::new(7);

    fn variable(address: u64, bytes: u64, name: &str) -> Variable {
        Variable { address, bytes, name: name.to_string() }
    }

    #[test]
    fn a_futex_is_named_by_the_variable_that_it_lies_in() {
        let variables =
            [variable(0x1000, 40, "lock"), variable(0x2000, 0x100, "_PyRuntime"), variable(0x3000, 8, "_ZN1a1bE")];
        for (in_file, futex, expected) in [
            (0x0fff, 0x7fff, None),
            (0x1000, 0x8000, Some((0x8000, "lock"))),
            (0x1024, 0x8024, Some((0x8024, "lock+0x24"))),
            (0x1028, 0x8028, None),
            (0x2014, 0x9014, Some((0x9010, GIL))),
            (0x3000, 0xa000, Some((0xa000, "a::b"))),
        ] {
            let found = global(&variables, in_file, futex);
            assert_eq!(found.as_ref().map(|found| (found.address, found.name.as_str())), expected, "{in_file:#x}");
        }
    }

    /// This program's own variable, by its own symbol table and mappings.
    #[test]
    fn the_variables_of_a_file() -> std::io::Result<()> {
        let path = std::env::current_exe()?;
        let address = std::ptr::from_ref(&OWN).addr() as u64;
        let maps = std::fs::read_to_string("/proc/self/maps")?;
        let path_text = path.to_string_lossy();
        let code = maps.lines().find(|line| line.contains("r-xp") && line.ends_with(&*path_text));
        let mut words = code.into_iter().flat_map(str::split_whitespace);
        let (range, offset) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        let number = |text: &str| u64::from_str_radix(text, 16).unwrap_or_default();
        let start = number(range.split('-').next().unwrap_or_default());
        let image = Image::of(Some(&path));
        let mapped = elf::address_of_code(&image.segments, number(offset)).unwrap_or_default();
        let in_file = address - start + mapped;
        assert!(image.segments.iter().any(|segment| segment.memory().contains(&in_file)), "{in_file:#x}");
        let found = global(&variables(&path), in_file, address);
        assert!(found.as_ref().is_some_and(|found| found.name.contains("OWN")), "{found:?}");
        Ok(())
    }
}
