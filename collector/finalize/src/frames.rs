//! Modules, frames and the call tree of stacks. A place in a file is looked up once, whoever's stack it is in.

use std::collections::HashMap;

use crate::maps::{FileId, Maps};
use crate::symbols::{Function, KernelSymbols, Symbols, of_host_stub};
use crate::who::{ProcessId, Who};

/// Row ids, counted from 1.
pub type FrameId = u32;
pub type StackId = u32;
type ModuleId = u32;

#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    pub kind: &'static str,
    pub function: String,
    pub module: Option<ModuleId>,
    pub offset: Option<u64>,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub inlined: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StackNode {
    /// 0 = outermost.
    pub parent: StackId,
    pub frame: FrameId,
    pub depth: u32,
}

pub struct Frames {
    pub modules: Vec<(String, Option<String>)>,
    pub frames: Vec<Frame>,
    pub stacks: Vec<StackNode>,
    symbols: Symbols,
    kernel: KernelSymbols,
    maps: Maps,
    module_of_file: HashMap<FileId, ModuleId>,
    modules_by_name: HashMap<(String, Option<String>), ModuleId>,
    /// Frames at a place, innermost first.
    at_place: HashMap<(FileId, u64), Box<[FrameId]>>,
    by_name: HashMap<(&'static str, String), FrameId>,
    kernel_at: HashMap<u64, FrameId>,
    nodes: HashMap<(StackId, FrameId), StackId>,
}

impl Frames {
    pub fn new(maps: Maps, kernel: KernelSymbols) -> Self {
        Self {
            modules: Vec::new(),
            frames: Vec::new(),
            stacks: Vec::new(),
            symbols: Symbols::new(),
            kernel,
            maps,
            module_of_file: HashMap::new(),
            modules_by_name: HashMap::new(),
            at_place: HashMap::new(),
            by_name: HashMap::new(),
            kernel_at: HashMap::new(),
            nodes: HashMap::new(),
        }
    }

    pub fn maps(&self) -> &Maps {
        &self.maps
    }

    pub fn frame(&self, id: FrameId) -> Option<&Frame> {
        self.frames.get((id as usize).wrapping_sub(1))
    }

    /// The frames of an address in a process, innermost first: more than one where functions were inlined.
    pub fn of_process(&mut self, who: &Who, process: ProcessId, address: u64, at_ns: u64) -> Box<[FrameId]> {
        let Some((file, offset)) = self.maps.find(who, process, address, at_ns) else {
            return Box::new([self.named("native", format!("[{address:#x}]"), None)]);
        };
        if let Some(known) = self.at_place.get(&(file, offset)) {
            return known.clone();
        }
        let module = self.module_of(file);
        let mut functions = self.symbols.at(&self.maps, file, offset);
        if functions.is_empty() {
            let name = self.maps.files.get(file as usize).map_or("", |file| base_name(&file.path));
            functions.push(Function { name: format!("[{name}+{offset:#x}]"), file: None, line: None, inlined: false });
        }
        let made = functions.into_iter().map(|Function { name, file, line, inlined }| {
            self.frames.push(Frame {
                kind: "native",
                function: name,
                module: Some(module),
                offset: Some(offset),
                file,
                line,
                inlined,
            });
            self.frames.len() as FrameId
        });
        let made: Box<[FrameId]> = made.collect();
        self.at_place.insert((file, offset), made.clone());
        made
    }

    /// The name of the device function whose host stub is at an address, where a symbol tells.
    pub fn device_function(&mut self, who: &Who, process: ProcessId, address: u64, at_ns: u64) -> Option<String> {
        let (file, offset) = self.maps.find(who, process, address, at_ns)?;
        self.symbols.at(&self.maps, file, offset).last().map(|function| of_host_stub(&function.name))
    }

    /// Where a mapped file can be opened.
    pub fn path(&mut self, file: FileId) -> Option<std::path::PathBuf> {
        self.symbols.path(&self.maps, file)
    }

    pub fn of_kernel(&mut self, address: u64) -> FrameId {
        if let Some(known) = self.kernel_at.get(&address) {
            return *known;
        }
        let (name, module) = match self.kernel.at(address) {
            Some((name, module)) => {
                (name.to_string(), module.map_or_else(|| "kernel".to_string(), |module| format!("kernel [{module}]")))
            }
            None => (format!("[{address:#x}]"), "kernel".to_string()),
        };
        let module = self.module(module, None);
        let frame = self.named("kernel", name, Some(module));
        self.kernel_at.insert(address, frame);
        frame
    }

    /// Says that a walk ended early, and why.
    pub fn broken(&mut self, why: &str) -> FrameId {
        self.named("broken", why.to_string(), None)
    }

    /// The stack of these frames, innermost first; 0 when there are none.
    pub fn stack(&mut self, innermost_first: &[FrameId]) -> StackId {
        let mut parent = 0;
        for (depth, frame) in innermost_first.iter().rev().enumerate() {
            let next = self.stacks.len() as StackId + 1;
            let node = *self.nodes.entry((parent, *frame)).or_insert(next);
            if node == next {
                self.stacks.push(StackNode { parent, frame: *frame, depth: depth as u32 });
            }
            parent = node;
        }
        parent
    }

    /// Function names of a stack, innermost first.
    pub fn functions(&self, mut stack: StackId) -> Vec<&Frame> {
        let mut found = Vec::new();
        while let Some(node) = self.stacks.get((stack as usize).wrapping_sub(1)) {
            found.extend(self.frame(node.frame));
            stack = node.parent;
        }
        found
    }

    pub fn module_name(&self, frame: &Frame) -> &str {
        frame.module.and_then(|id| self.modules.get((id as usize).wrapping_sub(1))).map_or("", |(path, _)| path)
    }

    fn named(&mut self, kind: &'static str, function: String, module: Option<ModuleId>) -> FrameId {
        if let Some(known) = self.by_name.get(&(kind, function.clone())) {
            return *known;
        }
        self.frames.push(Frame {
            kind,
            function: function.clone(),
            module,
            offset: None,
            file: None,
            line: None,
            inlined: false,
        });
        let id = self.frames.len() as FrameId;
        self.by_name.insert((kind, function), id);
        id
    }

    fn module_of(&mut self, file: FileId) -> ModuleId {
        if let Some(known) = self.module_of_file.get(&file) {
            return *known;
        }
        let (path, build_id) = self
            .maps
            .files
            .get(file as usize)
            .map(|file| (file.path.clone(), file.build_id.clone()))
            .unwrap_or_default();
        let module = self.module(path, build_id);
        self.module_of_file.insert(file, module);
        module
    }

    fn module(&mut self, path: String, build_id: Option<String>) -> ModuleId {
        let next = self.modules.len() as ModuleId + 1;
        let id = *self.modules_by_name.entry((path.clone(), build_id.clone())).or_insert(next);
        if id == next {
            self.modules.push((path, build_id));
        }
        id
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path)
}
