//! Names for addresses: of mapped files through their symbol tables and debug information, of the kernel through the
//! symbols that the capture wrote down.
//!
//! A file is only believed when it is the one that was mapped: the same build id, or without one the same inode.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use blazesym::helper::read_elf_build_id;
use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{CodeInfo, Input, Symbolized, Symbolizer};

use crate::maps::{FileId, MappedFile, Maps};
use crate::texts;

/// One function at an address; several where the compiler inlined.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    pub name: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// Into the function outside it.
    pub inlined: bool,
}

pub struct Symbols {
    symbolizer: Symbolizer,
    opened: HashMap<FileId, Option<PathBuf>>,
}

impl Symbols {
    pub fn new() -> Self {
        let symbolizer =
            Symbolizer::builder().enable_auto_reload(false).enable_code_info(true).enable_inlined_fns(true).build();
        Self { symbolizer, opened: HashMap::new() }
    }

    /// The functions at an offset of a file, innermost first; none where no symbol is known.
    pub fn at(&mut self, maps: &Maps, file: FileId, offset: u64) -> Vec<Function> {
        let Some(path) = self.path(maps, file) else { return Vec::new() };
        let source = Source::Elf(Elf::new(path));
        let Ok(Symbolized::Sym(symbol)) = self.symbolizer.symbolize_single(&source, Input::FileOffset(offset)) else {
            return Vec::new();
        };
        let made = |name: &str, code: Option<&CodeInfo>, inlined| Function {
            name: name.to_string(),
            file: code.map(|code| code.to_path().to_string_lossy().into_owned()),
            line: code.and_then(|code| code.line),
            inlined,
        };
        let mut functions = vec![made(&symbol.name, symbol.code_info.as_deref(), false)];
        functions.extend(symbol.inlined.iter().map(|inlined| made(&inlined.name, inlined.code_info.as_ref(), true)));
        functions.reverse();
        functions
    }

    /// Where the mapped file can be opened now, if anywhere.
    pub fn path(&mut self, maps: &Maps, file: FileId) -> Option<PathBuf> {
        self.opened
            .entry(file)
            .or_insert_with(|| {
                let mapped = maps.files.get(file as usize)?;
                let known = maps.open_paths.get(file as usize).into_iter().flatten();
                let at_hand = known.map(|path| (path.as_str(), true));
                at_hand
                    .chain([(mapped.path.as_str(), false)])
                    .find(|(path, of_process)| is_the_mapped(Path::new(path), mapped, *of_process))
                    .map(|(path, _)| path.into())
            })
            .clone()
    }
}

fn is_the_mapped(path: &Path, mapped: &MappedFile, of_process: bool) -> bool {
    let Ok(metadata) = fs::metadata(path) else { return false };
    if !metadata.is_file() || metadata.file_type().is_fifo() {
        return false;
    }
    match &mapped.build_id {
        Some(expected) => {
            let found = read_elf_build_id(&path).ok().flatten();
            found.is_some_and(|found| {
                found.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == expected.to_lowercase()
            })
        }
        None => of_process || metadata.ino() == mapped.inode,
    }
}

/// The kernel's symbols, sorted by address.
#[derive(Debug, Default)]
pub struct KernelSymbols {
    symbols: Vec<KernelSymbol>,
}

#[derive(Debug, Clone, PartialEq)]
struct KernelSymbol {
    address: u64,
    end: u64,
    name: String,
    module: Option<String>,
}

impl KernelSymbols {
    /// From `[hex address, name, size?]` each, as the capture writes them: only those that the stacks need, so that an
    /// address beyond a symbol's size belongs to none.
    pub fn from_records(records: &[texts::KernelSymbols]) -> Self {
        let mut symbols = Vec::new();
        for record in records.iter().flat_map(|record| &record.symbols) {
            let address = record.get(0).and_then(|value| value.as_str()).and_then(texts::hex);
            let name = record.get(1).and_then(|value| value.as_str());
            let (Some(address), Some(name)) = (address, name) else { continue };
            let size = record.get(2).and_then(serde_json::Value::as_u64).filter(|size| *size > 0);
            symbols.push(symbol(address, size.map_or(u64::MAX, |size| address.saturating_add(size)), name));
        }
        Self::sorted(symbols)
    }

    /// Of the running kernel, for a spool whose capture ended before it could write its own.
    pub fn of_this_kernel() -> Self {
        let Ok(file) = File::open("/proc/kallsyms") else { return Self::default() };
        let mut symbols = Vec::new();
        for line in BufReader::new(file).lines().map_while(Result::ok) {
            let Some((address, rest)) = line.split_once(' ') else { continue };
            let Some(("t" | "T" | "w" | "W", name)) = rest.split_once(' ') else { continue };
            if let Some(address) = texts::hex(address).filter(|address| *address != 0) {
                symbols.push(symbol(address, u64::MAX, name));
            }
        }
        Self::sorted(symbols)
    }

    fn sorted(mut symbols: Vec<KernelSymbol>) -> Self {
        symbols.sort_by_key(|symbol| symbol.address);
        symbols.dedup_by_key(|symbol| symbol.address);
        Self { symbols }
    }

    /// Name and module (`None` = the kernel itself).
    pub fn at(&self, address: u64) -> Option<(&str, Option<&str>)> {
        let index = self.symbols.partition_point(|symbol| symbol.address <= address).checked_sub(1)?;
        let symbol = self.symbols.get(index).filter(|symbol| address < symbol.end)?;
        Some((&symbol.name, symbol.module.as_deref()))
    }
}

/// A module's name follows in brackets, as in /proc/kallsyms.
fn symbol(address: u64, end: u64, name: &str) -> KernelSymbol {
    let (name, module) = match name.split_once(['\t', ' ']) {
        Some((name, module)) => (name, Some(module.trim_matches(['[', ']']).to_string())),
        None => (name, None),
    };
    KernelSymbol { address, end, name: name.to_string(), module }
}

/// The name of a device function by the (demangled) symbol of its host side. The compiler names a stub after the mangled
/// device function, `__device_stub_` + `_Z...`, and the wrapper that programs pass around like the device function.
pub fn of_host_stub(symbol: &str) -> String {
    let Some(mangled) = symbol.strip_prefix("__device_stub_") else { return symbol.to_string() };
    demangled(mangled.split('(').next().unwrap_or(mangled))
}

/// A C++ name as it was written; any other as it is.
pub fn demangled(name: &str) -> String {
    let parsed = cpp_demangle::Symbol::new(name).ok().and_then(|symbol| symbol.demangle().ok());
    parsed.unwrap_or_else(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_symbols_end_where_they_end() {
        let record = r#"{"symbols": [["ffffffff81000100", "schedule", 32], ["ffffffffc0000000", "nvidia_ioctl [nvidia]", 16], ["bad"]]}"#;
        let symbols = KernelSymbols::from_records(&[texts::read(record).unwrap()]);
        assert_eq!(symbols.at(0xffff_ffff_8100_0100), Some(("schedule", None)));
        assert_eq!(symbols.at(0xffff_ffff_8100_011f), Some(("schedule", None)));
        assert_eq!(symbols.at(0xffff_ffff_8100_0120), None);
        assert_eq!(symbols.at(0xffff_ffff_c000_0004), Some(("nvidia_ioctl", Some("nvidia"))));
        assert_eq!(symbols.at(5), None);
    }

    #[test]
    fn a_host_stub_names_its_device_function() {
        let plain = "vectorAdd(float const*, float const*, float*, int)";
        assert_eq!(of_host_stub("__device_stub__Z9vectorAddPKfS0_Pfi(float const*, float const*, float*, int)"), plain);
        assert_eq!(of_host_stub(plain), plain);
        assert_eq!(of_host_stub("__device_stub_odd"), "odd");
    }
}
