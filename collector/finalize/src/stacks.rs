//! Stack records by key: found, unwound, named, and put into the call tree when a row refers to them.

use std::collections::HashMap;

use wakechain_wire::spool::ReadAt;
use wakechain_wire::*;

use crate::blocks::{Blocks, Place};
use crate::error::FinalizeError;
use crate::frames::{Frames, StackId};
use crate::unwind::{self, Code};
use crate::who::Who;

/// What the outermost frame of a user stack is to the code that was sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Innermost {
    /// The instruction pointer is where the thread was.
    Instruction,
    /// It is where the function that was left returns to.
    Return,
}

pub struct Stacks {
    user: HashMap<u64, Place>,
    kernel: HashMap<u64, Place>,
    done: HashMap<u64, StackId>,
    machine: u32,
    /// Keys that rows refer to, and no record has.
    pub missing: u64,
}

impl Stacks {
    pub fn new(user: HashMap<u64, Place>, kernel: HashMap<u64, Place>, machine: u32) -> Self {
        Self { user, kernel, done: HashMap::new(), machine, missing: 0 }
    }

    pub fn user<S: ReadAt>(
        &mut self,
        blocks: &mut Blocks<S>,
        frames: &mut Frames,
        who: &mut Who,
        key: u64,
        innermost: Innermost,
    ) -> Result<Option<StackId>, FinalizeError> {
        let Some(place) = self.place(key, true) else { return Ok(None) };
        let place = match place {
            Ok(stack) => return Ok(Some(stack)),
            Err(place) => place,
        };
        let bytes = blocks.record(place)?.bytes;
        let Some(record) = UserStackRecord::from_bytes(bytes) else { return Ok(None) };
        let kept = bytes.get(UserStackRecord::BYTES..).unwrap_or_default();
        // the rest of the record is padding
        let snapshot = kept.get(..kept.len().min(record.snapshot_bytes as usize)).unwrap_or_default();
        let thread = who.thread_at(record.tid, record.at_ns);
        let process = who.process_of(thread);
        let maps_known = frames.maps().is_known(who, process);
        let code = |address: u64| match frames.maps().find(who, process, address, record.at_ns) {
            Some((file, _)) if frames.maps().files.get(file as usize).is_some_and(|file| file.path == "[uprobes]") => {
                Code::Hook
            }
            Some(_) => Code::Executable,
            None if is_uprobe_page(address) => Code::Hook,
            None if maps_known => Code::Elsewhere,
            None => Code::Executable,
        };
        let walk = unwind::walk(&record, snapshot, self.machine, &code);
        let mut list = Vec::with_capacity(walk.addresses.len() + 1);
        for (index, address) in walk.addresses.iter().enumerate() {
            // a return address is the instruction after the call
            let is_return = index > 0 || innermost == Innermost::Return;
            list.extend(frames.of_process(who, process, address.saturating_sub(u64::from(is_return)), record.at_ns));
        }
        let outermost = list.last().and_then(|frame| frames.frame(*frame)).map_or("", |frame| frame.function.as_str());
        // what called these keeps no frame pointers, and is of no interest: nobody's code runs outside them
        if let Some(why) = walk.broken.filter(|_| !ROOTS.contains(&outermost)) {
            list.push(frames.broken(why));
        }
        Ok(Some(self.remember(key, frames.stack(&list))))
    }

    pub fn kernel<S: ReadAt>(
        &mut self,
        blocks: &mut Blocks<S>,
        frames: &mut Frames,
        key: u64,
    ) -> Result<Option<StackId>, FinalizeError> {
        let Some(place) = self.place(key, false) else { return Ok(None) };
        let place = match place {
            Ok(stack) => return Ok(Some(stack)),
            Err(place) => place,
        };
        let bytes = blocks.record(place)?.bytes;
        let Some(record) = KernelStackRecord::from_bytes(bytes) else { return Ok(None) };
        let words = bytes.get(KernelStackRecord::BYTES..).unwrap_or_default().chunks_exact(8);
        let addresses = words
            .take(record.frame_count.min(MAX_KERNEL_FRAMES) as usize)
            .filter_map(|word| Some(u64::from_le_bytes(word.try_into().ok()?)));
        let list: Vec<_> = addresses.filter(|address| *address != 0).map(|address| frames.of_kernel(address)).collect();
        if list.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.remember(key, frames.stack(&list))))
    }

    /// `None`: no such stack. `Ok`: it is in the tree already. `Err`: it stands there.
    fn place(&mut self, key: u64, user: bool) -> Option<Result<StackId, Place>> {
        if key == 0 {
            return None;
        }
        if let Some(done) = self.done.get(&key) {
            return Some(Ok(*done));
        }
        let found = if user { self.user.get(&key) } else { self.kernel.get(&key) };
        if found.is_none() {
            self.missing += 1;
        }
        found.map(|place| Err(*place))
    }

    fn remember(&mut self, key: u64, stack: StackId) -> StackId {
        self.done.insert(key, stack);
        stack
    }
}

/// Where the C library enters a program or a thread: glibc's names from 2.17 to 2.42, musl's.
const ROOTS: [&str; 9] = [
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "start_thread",
    "clone",
    "clone3",
    "__clone3",
    "libc_start_main_stage2",
];

/// x86_64 puts the trampoline at the very top of the address space when nothing else is there.
fn is_uprobe_page(address: u64) -> bool {
    address == 0x7fff_ffff_e000
}
