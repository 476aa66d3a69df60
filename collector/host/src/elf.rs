//! The functions of an ELF file that may be probed, where in the file they stand, and its build id. The file may be
//! anything that a process mapped: corrupt headers give an error or fewer functions, never a panic, and only the parts
//! that are needed are read.

use crate::HostError;
use crate::placement::{CODE_BYTES, Machine, Placement, place};
use memchr::memmem;
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, ReadCache, ReadRef, SymbolKind, elf};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A function of a file, and where its probe goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Of its first byte, in the file.
    pub file_offset: u64,
    /// By its symbol; 0 = the symbol does not say.
    pub bytes: u64,
    /// Where the probe goes, in the file.
    pub probe_offset: u64,
    pub placement: Placement,
}

#[derive(Debug, Clone)]
pub struct Binary {
    pub machine: Machine,
    /// Lower-case hex.
    pub build_id: Option<String>,
    /// By name, each name once. Several names may share one `probe_offset` (aliases).
    pub functions: Vec<Function>,
}

/// Which symbol table names the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbols {
    /// What a shared library exports (`.dynsym`).
    Exported,
    /// Everything that is named (`.symtab`, then `.dynsym`): a runtime linked statically into an executable.
    All,
}

/// Reads the file at `path`; functions whose name `wanted` refuses are left out.
pub fn read(path: &Path, symbols: Symbols, wanted: impl Fn(&str) -> bool) -> Result<Binary, HostError> {
    let file = File::open(path).map_err(|source| HostError::Unreadable { path: path.into(), source })?;
    let cache = ReadCache::new(file);
    parse(&cache, symbols, wanted).map_err(|reason| HostError::NotElf { path: path.into(), reason })
}

/// The build id alone (lower-case hex); nothing where there is none or the file cannot be used.
pub fn build_id(path: &Path) -> Option<String> {
    let cache = ReadCache::new(File::open(path).ok()?);
    let file = ElfFile64::<Endianness, _>::parse(&cache).ok()?;
    file.build_id().ok()?.map(hex)
}

/// Whether the symbols of a file speak of one of these functions, defined there or elsewhere. Quick, since it only looks
/// through their names, a part at a time: a framework's library has tens of megabytes of them.
pub fn mentions(path: &Path, functions: &[&str]) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let places = string_tables(&file).unwrap_or_default();
    // names may end others ("__cudaLaunchKernel"): linkers keep the longer one alone
    let wanted: Vec<Vec<u8>> = functions.iter().map(|name| [name.as_bytes(), b"\0"].concat()).collect();
    let longest = wanted.iter().map(Vec::len).max().unwrap_or(0);
    let mut part = vec![0; 256 << 10];
    places.into_iter().any(|(mut at, end)| {
        while at < end {
            let bytes = part.len().min((end - at) as usize);
            if file.read_exact_at(&mut part[..bytes], at).is_err() {
                return false;
            }
            if wanted.iter().any(|name| memmem::find(&part[..bytes], name).is_some()) {
                return true;
            }
            // what stands across two parts is looked at whole
            at += if at + (bytes as u64) < end { (bytes - longest) as u64 } else { bytes as u64 };
        }
        false
    })
}

/// Where the names of symbols stand in a file.
fn string_tables(file: &File) -> Option<Vec<(u64, u64)>> {
    let cache = ReadCache::new(file);
    let parsed = ElfFile64::<Endianness, _>::parse(&cache).ok()?;
    let length = file.metadata().ok()?.len();
    let place = |name: &str| {
        let (start, bytes) = parsed.section_by_name(name)?.file_range()?;
        Some((start, start.checked_add(bytes)?.min(length)))
    };
    Some([".dynstr", ".strtab"].into_iter().filter_map(place).collect())
}

fn parse<'data, R: ReadRef<'data>>(data: R, symbols: Symbols, wanted: impl Fn(&str) -> bool) -> Result<Binary, String> {
    let file = ElfFile64::<Endianness, R>::parse(data).map_err(|error| error.to_string())?;
    let machine = match file.elf_header().e_machine.get(file.endian()) {
        elf::EM_X86_64 => Machine::X86_64,
        elf::EM_AARCH64 => Machine::Aarch64,
        other => return Err(format!("it is for another processor (ELF machine {other})")),
    };
    let segments = code_segments(&file);
    let mut functions = BTreeMap::new();
    let every = (symbols == Symbols::All).then(|| file.symbols()).into_iter().flatten();
    for symbol in every.chain(file.dynamic_symbols()) {
        if !symbol.is_definition() || symbol.kind() != SymbolKind::Text {
            continue;
        }
        let Ok(name) = symbol.name() else { continue };
        if !wanted(name) || functions.contains_key(name) {
            continue;
        }
        let Some(file_offset) = offset_of(&segments, symbol.address()) else { continue };
        let site = place(machine, read_some(data, file_offset));
        let function = Function {
            name: name.to_owned(),
            file_offset,
            bytes: symbol.size(),
            probe_offset: file_offset + site.skip_bytes,
            placement: site.placement,
        };
        functions.insert(name, function);
    }
    let build_id = file.build_id().ok().flatten().map(hex);
    Ok(Binary { machine, build_id, functions: functions.into_values().collect() })
}

/// (address, file offset, bytes in the file) of each executable segment.
fn code_segments<'data, R: ReadRef<'data>>(file: &ElfFile64<'data, Endianness, R>) -> Vec<(u64, u64, u64)> {
    let endian = file.endian();
    file.elf_program_headers()
        .iter()
        .filter(|header| header.p_type(endian) == elf::PT_LOAD && header.p_flags(endian) & elf::PF_X != 0)
        .map(|header| (header.p_vaddr(endian), header.p_offset(endian), header.p_filesz(endian)))
        .collect()
}

fn offset_of(segments: &[(u64, u64, u64)], address: u64) -> Option<u64> {
    segments.iter().find_map(|&(start, offset, bytes)| {
        let within = address.checked_sub(start)?;
        (within < bytes).then(|| offset.checked_add(within)).flatten()
    })
}

/// The first bytes of a function, fewer at the end of the file.
fn read_some<'data, R: ReadRef<'data>>(data: R, offset: u64) -> &'data [u8] {
    let left = data.len().unwrap_or(0).saturating_sub(offset);
    data.read_bytes_at(offset, left.min(CODE_BYTES as u64)).unwrap_or(&[])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::process::Command;

    /// A library as a compiler makes it, with the prologues of the genuine ones among its functions.
    fn library(directory: &Path, extra: &[&str]) -> std::path::PathBuf {
        let source = directory.join("lib.c");
        let code = "\
            __asm__(\".text\\n.globl cudaPush\\n.type cudaPush,@function\\ncudaPush: push %rbp\\n pop %rbp\\n ret\\n.size cudaPush,.-cudaPush\\n\"
                \".globl cudaMarked\\n.type cudaMarked,@function\\ncudaMarked: endbr64\\n push %rbp\\n pop %rbp\\n ret\\n.size cudaMarked,.-cudaMarked\\n\");\n\
            static __attribute__((used, noinline)) int cudaLaunchKernel(int x) { return x * 3; }\n\
            int cudaMalloc(int x) { return cudaLaunchKernel(x) + 1; }\n\
            int cudaFree(int) __attribute__((alias(\"cudaMalloc\")));\n\
            int helper(void) { return 1; }\n\
            int cudaData = 3;\n";
        fs::write(&source, code).expect("write");
        let output = directory.join("libcudart.so.12");
        let built = Command::new("gcc")
            .args(["-O2", "-shared", "-fPIC", "-Wl,--build-id=0xabcdef0123456789", "-o"])
            .arg(&output)
            .args(extra)
            .arg(&source)
            .status()
            .expect("gcc runs");
        assert!(built.success());
        output
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn exported_functions_and_their_probes_stand_on_the_right_bytes() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = library(directory.path(), &[]);
        let binary = read(&path, Symbols::Exported, |name| name.starts_with("cuda")).expect("read");
        assert_eq!(binary.machine, Machine::X86_64);
        assert_eq!(binary.build_id.as_deref(), Some("abcdef0123456789"));
        assert_eq!(build_id(&path), binary.build_id);
        let names: Vec<&str> = binary.functions.iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names, ["cudaFree", "cudaMalloc", "cudaMarked", "cudaPush"]);

        let bytes = fs::read(&path).expect("bytes");
        let at = |name: &str| binary.functions.iter().find(|function| function.name == name).expect("function");
        assert_eq!(at("cudaFree").probe_offset, at("cudaMalloc").probe_offset);
        for name in ["cudaPush", "cudaMarked"] {
            let function = at(name);
            assert_eq!(function.placement, Placement::Emulated, "{name}");
            assert_eq!(bytes[function.probe_offset as usize], 0x55, "{name}: the probe is on push %rbp");
        }
        assert_eq!(at("cudaMarked").probe_offset - at("cudaMarked").file_offset, 4);
        assert_eq!(at("cudaPush").bytes, 3);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn static_functions_are_found_by_symtab_until_it_is_stripped() {
        let directory = tempfile::tempdir().expect("tempdir");
        let launch =
            |path: &Path| read(path, Symbols::All, |name| name == "cudaLaunchKernel").expect("read").functions.len();
        assert_eq!(launch(&library(directory.path(), &[])), 1);
        assert_eq!(launch(&library(directory.path(), &["-s"])), 0);
    }

    #[test]
    fn a_function_is_mentioned_wherever_it_stands_in_the_names() {
        let directory = tempfile::tempdir().expect("tempdir");
        let path = library(directory.path(), &[]);
        for (name, is) in [("cudaLaunchKernel", true), ("cudaMalloc", true), ("cudaMall", false), ("cuInit", false)] {
            assert_eq!(mentions(&path, &["nothing", name]), is, "{name}");
        }
        assert!(!mentions(&library(directory.path(), &["-s"]), &["cudaLaunchKernel"]), "its own names were taken away");
        assert!(!mentions(Path::new("/nonexistent"), &["cudaLaunchKernel"]));
        // longer than what is read at once, and the wanted name across the border of two parts
        let names: String =
            (0..12_000).map(|n| format!("int a_function_of_some_length_{n}(void) {{ return {n}; }}\n")).collect();
        let source = directory.path().join("many.c");
        fs::write(&source, names).expect("write");
        let many = directory.path().join("many.so");
        let gcc = Command::new("gcc").args(["-O0", "-shared", "-fPIC", "-o"]).arg(&many).arg(&source).status();
        assert!(gcc.expect("gcc runs").success());
        // 31 bytes each: the border is within these
        for n in 8_000..9_000 {
            assert!(mentions(&many, &[&format!("a_function_of_some_length_{n}")]), "{n}");
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_corrupt_file_is_an_error_or_less_but_never_a_panic() {
        let directory = tempfile::tempdir().expect("tempdir");
        let whole = fs::read(library(directory.path(), &[])).expect("bytes");
        let check = |bytes: &[u8]| parse(bytes, Symbols::All, |_| true).map(|binary| binary.functions.len());
        assert!(check(&whole).expect("whole") > 4);
        assert!(check(b"").is_err());
        assert!(check(b"#!/bin/sh\n").is_err());
        let mut refused = 0;
        for end in (0..whole.len()).step_by(97) {
            refused += usize::from(check(&whole[..end]).is_err());
        }
        // every byte of the headers, of the dynamic section and of the tables, set to extremes one at a time
        for position in 0..whole.len() {
            for value in [0x00, 0x7f, 0xff] {
                let mut broken = whole.clone();
                broken[position] = value;
                if position < 4096 || position % 7 == 0 {
                    refused += usize::from(check(&broken).is_err());
                }
            }
        }
        assert!(refused > 10, "{refused}");
    }
}
