//! The files through which a process uses CUDA: every copy of the runtime, the driver library and NCCL that it maps,
//! and whatever else has the runtime or NCCL linked into it: an executable, a framework's library.

use crate::HostError;
use crate::elf::{self, Symbols};
use crate::mappings::{FileId, Mapping, mappings, open_path};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Library {
    Runtime,
    Driver,
    Nccl,
}

impl Library {
    /// As in `cuda_function.library` of the trace.
    pub const fn as_str(self) -> &'static str {
        match self {
            Library::Runtime => "runtime",
            Library::Driver => "driver",
            Library::Nccl => "nccl",
        }
    }

    /// By the name of a shared library. Wheels put a hash into the name: `libcudart-9335f6a2.so.12`.
    pub fn of_file_name(name: &str) -> Option<Library> {
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_version = |rest: &str| rest.is_empty() || rest.starts_with('.') && rest.split('.').all(is_digits);
        let stem = name.split_once(".so").filter(|(_, rest)| is_version(rest))?.0;
        let is_hash = |tail: &str| tail.len() == 8 && tail.bytes().all(|byte| byte.is_ascii_hexdigit());
        match stem.split_once('-').filter(|(_, tail)| is_hash(tail)).map_or(stem, |(plain, _)| plain) {
            "libcudart" => Some(Library::Runtime),
            "libcuda" => Some(Library::Driver),
            "libnccl" => Some(Library::Nccl),
            _ => None,
        }
    }
}

/// A file that a process maps and that holds CUDA functions.
#[derive(Debug, Clone)]
pub struct CudaFile {
    pub library: Library,
    pub file: FileId,
    /// As the process sees it.
    pub path: String,
    /// Where this process can open it while the other lives: see `mappings::open_path`.
    pub open_path: PathBuf,
    /// It is linked into a file of another name: its functions stand in `.symtab` (`elf::Symbols::All`).
    pub is_static: bool,
    pub deleted: bool,
}

impl CudaFile {
    /// The version in the file's name: 13 of `libcudart.so.13`; 0 = it does not tell.
    pub fn major(&self) -> u32 {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let version = name.split_once(".so.").map_or("", |(_, version)| version);
        version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
    }

    /// Which symbol table names this file's functions.
    pub fn symbols(&self) -> Symbols {
        if self.is_static { Symbols::All } else { Symbols::Exported }
    }
}

/// Functions that tell that the runtime, or NCCL, is linked in.
const LINKED_IN: [&str; 2] = ["cudaLaunchKernel", "ncclAllReduce"];

/// Finds CUDA files; remembers which files have CUDA linked into them, since that takes reading their symbols.
#[derive(Default)]
pub struct Finder {
    has_linked: HashMap<FileId, bool>,
}

impl Finder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Every file by which the process uses CUDA now, each once; none is not an error.
    /// Call it again to see libraries that were loaded since.
    pub fn cuda_files(&mut self, pid: u32) -> Result<Vec<CudaFile>, HostError> {
        Ok(self.among(pid, &mappings(pid)?))
    }

    /// The same for mappings that were read already.
    pub fn among(&mut self, pid: u32, all: &[Mapping]) -> Vec<CudaFile> {
        let mut found: Vec<CudaFile> = Vec::new();
        for mapping in all.iter().filter(|mapping| mapping.executable && mapping.is_file()) {
            if found.iter().any(|known| known.file == mapping.file) {
                continue;
            }
            let by_name = Library::of_file_name(mapping.file_name());
            let is_static = by_name.is_none();
            if is_static && self.has_linked.get(&mapping.file) == Some(&false) {
                continue;
            }
            let Some(open_path) = open_path(pid, mapping) else { continue };
            if is_static && !*self.has_linked.entry(mapping.file).or_insert_with(|| has_linked(&open_path)) {
                continue;
            }
            found.push(CudaFile {
                library: by_name.unwrap_or(Library::Runtime),
                file: mapping.file,
                path: mapping.path.clone(),
                open_path,
                is_static,
                deleted: mapping.deleted,
            });
        }
        found
    }
}

/// Whether CUDA is linked into a file, as its symbol tables tell; one that was stripped does not.
pub fn has_linked(path: &Path) -> bool {
    elf::mentions(path, &LINKED_IN)
        && elf::read(path, Symbols::All, |name| LINKED_IN.contains(&name))
            .is_ok_and(|binary| !binary.functions.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names() {
        let cases = [
            ("libcudart.so.12", Some(Library::Runtime)),
            ("libcudart.so.12.4.99", Some(Library::Runtime)),
            ("libcudart.so", Some(Library::Runtime)),
            ("libcudart-9335f6a2.so.12", Some(Library::Runtime)),
            ("libcuda.so.1", Some(Library::Driver)),
            ("libcuda.so.550.54.15", Some(Library::Driver)),
            ("libnccl.so.2", Some(Library::Nccl)),
            ("libnccl-net.so", None),
            ("libcudadevrt.so", None),
            ("libcudart.something", None),
            ("libcudart_static.a", None),
            ("libcudart.so.12.map", None),
            ("libcudart.so7", None),
            ("libcublas.so.12", None),
            ("libc10_cuda.so", None),
        ];
        for (name, library) in cases {
            assert_eq!(Library::of_file_name(name), library, "{name}");
        }
    }
}
