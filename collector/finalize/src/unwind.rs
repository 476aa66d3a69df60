//! From a copy of the top of a user stack to return addresses, by frame pointers.
//!
//! Before the walk the return addresses that our own hooks replaced are put back. On x86_64 a hook knows its place on the
//! stack. On aarch64 it replaced the link register, which the function then saved somewhere below the stack pointer of
//! its entry: there the hook with the nearest stack pointer above a frame record is its own.

use wakechain_wire::{HookedReturn, MAX_HOOKS, UserStackRecord};

use crate::syscalls::AARCH64_MACHINE;

/// Frames in one walk: a loop in a damaged chain cannot climb for ever.
const MAX_FRAMES: usize = 256;

/// A stack frame is not larger than this; a frame pointer further away is no frame pointer.
const MAX_FRAME_BYTES: u64 = 1 << 20;

/// Pointer authentication keeps its bits above the 48 of an address.
const ADDRESS_MASK: u64 = (1 << 48) - 1;

#[derive(Debug, PartialEq)]
pub struct Walk {
    /// Innermost first. All but the first are return addresses.
    pub addresses: Vec<u64>,
    /// Why it ended before the outermost frame; `None` = it is whole.
    pub broken: Option<&'static str>,
}

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Code {
    /// In an executable mapping, or the mappings are not known.
    Executable,
    /// The kernel's page for uprobes: a return address that could not be put back.
    Hook,
    Elsewhere,
}

pub const UNREADABLE: &str = "frame pointers: the stack could not be read";
pub const TOO_SHORT: &str = "frame pointers: snapshot too short";
pub const NO_FRAME: &str = "frame pointers: reached code that keeps none";
pub const HOOKED: &str = "frame pointers: a probe had replaced the return address";
pub const TOO_DEEP: &str = "frame pointers: more than 256 frames";

/// `snapshot` is the memory from `record.stack_pointer` upwards.
pub fn walk(record: &UserStackRecord, snapshot: &[u8], machine: u32, code: &dyn Fn(u64) -> Code) -> Walk {
    let mut memory = Memory { base: record.stack_pointer, bytes: snapshot.to_vec() };
    let hooks = record.hooks.get(..(record.hook_count.min(MAX_HOOKS)) as usize).unwrap_or_default();
    let is_aarch64 = machine == AARCH64_MACHINE;
    if !is_aarch64 {
        hooks.iter().for_each(|hook| memory.put(hook.stack_address, hook.return_address));
    }
    let mut addresses = vec![record.instruction_pointer & ADDRESS_MASK];
    if snapshot.is_empty() {
        return Walk { addresses, broken: Some(UNREADABLE) };
    }
    let mut frame_pointer = record.frame_pointer;
    let mut lowest = record.stack_pointer;
    let broken = loop {
        // both conventions mark the outermost frame by a frame pointer of 0
        if frame_pointer == 0 {
            break None;
        }
        if addresses.len() >= MAX_FRAMES {
            break Some(TOO_DEEP);
        }
        if frame_pointer < lowest || frame_pointer % 8 != 0 || frame_pointer - lowest > MAX_FRAME_BYTES {
            break Some(NO_FRAME);
        }
        let (Some(next), Some(saved)) = (memory.get(frame_pointer), memory.get(frame_pointer.wrapping_add(8))) else {
            break Some(TOO_SHORT);
        };
        let mut address = saved & ADDRESS_MASK;
        if is_aarch64 && code(address) == Code::Hook {
            address = hooked_above(hooks, frame_pointer).unwrap_or(address);
        }
        // the outermost function's record has no caller
        if address == 0 {
            break None;
        }
        match code(address) {
            Code::Executable => {}
            Code::Hook => break Some(HOOKED),
            Code::Elsewhere => break Some(NO_FRAME),
        }
        if addresses.len() == 1 && is_aarch64 {
            addresses.extend(leaf_caller(record.link_register & ADDRESS_MASK, address, hooks, code));
        }
        addresses.push(address);
        lowest = frame_pointer + 16;
        frame_pointer = next;
    };
    Walk { addresses, broken }
}

/// A function that keeps no frame of its own (most system call stubs) still has its caller in the link register.
fn leaf_caller(link: u64, next: u64, hooks: &[HookedReturn], code: &dyn Fn(u64) -> Code) -> Option<u64> {
    let caller = if code(link) == Code::Hook { hooked_above(hooks, 0)? } else { link };
    (caller != 0 && caller != next && code(caller) == Code::Executable).then_some(caller)
}

fn hooked_above(hooks: &[HookedReturn], frame_pointer: u64) -> Option<u64> {
    let above = hooks.iter().filter(|hook| hook.stack_address > frame_pointer);
    above.min_by_key(|hook| hook.stack_address).map(|hook| hook.return_address & ADDRESS_MASK)
}

struct Memory {
    base: u64,
    bytes: Vec<u8>,
}

impl Memory {
    fn range(&self, address: u64) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let end = start.checked_add(8).filter(|end| *end <= self.bytes.len())?;
        Some(start..end)
    }

    fn get(&self, address: u64) -> Option<u64> {
        let word = self.bytes.get(self.range(address)?)?;
        Some(u64::from_le_bytes(word.try_into().ok()?))
    }

    fn put(&mut self, address: u64, value: u64) {
        if let Some(word) = self.range(address).and_then(|range| self.bytes.get_mut(range)) {
            word.copy_from_slice(&value.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::X86_64_MACHINE;

    const BASE: u64 = 0x7fff_0000_1000;
    const TRAMPOLINE: u64 = 0x7fff_ffff_e000;

    /// Code lies below 0x10000; the stack is given as words from BASE upwards.
    fn code(address: u64) -> Code {
        match address {
            1..0x10000 => Code::Executable,
            TRAMPOLINE => Code::Hook,
            _ => Code::Elsewhere,
        }
    }

    fn at(word: u64) -> u64 {
        BASE + 8 * word
    }

    fn walked(words: &[u64], frame_pointer: u64, hooks: &[(u64, u64)], machine: u32, link_register: u64) -> Walk {
        let mut record = UserStackRecord {
            instruction_pointer: 0x100,
            stack_pointer: BASE,
            frame_pointer,
            link_register,
            ..UserStackRecord::default()
        };
        record.hook_count = hooks.len() as u32;
        for (slot, (stack_address, return_address)) in record.hooks.iter_mut().zip(hooks) {
            *slot = HookedReturn { stack_address: *stack_address, return_address: *return_address };
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        walk(&record, &bytes, machine, &code)
    }

    #[test]
    fn a_chain_that_ends_in_zero_is_whole() {
        let words = [7, at(4), 0x200, 9, 0, 0x300];
        assert_eq!(
            walked(&words, at(1), &[], X86_64_MACHINE, 0),
            Walk { addresses: vec![0x100, 0x200, 0x300], broken: None }
        );
    }

    #[test]
    fn two_hooked_returns_are_put_back() {
        let words = [at(3), TRAMPOLINE, 9, at(5), TRAMPOLINE, 0, 0x400];
        let hooks = [(at(1), 0x200), (at(4), 0x300)];
        assert_eq!(
            walked(&words, at(0), &hooks, X86_64_MACHINE, 0),
            Walk { addresses: vec![0x100, 0x200, 0x300, 0x400], broken: None }
        );
        let unmended = walked(&words, at(0), &[], X86_64_MACHINE, 0);
        assert_eq!(unmended, Walk { addresses: vec![0x100], broken: Some(HOOKED) });
    }

    #[test]
    fn on_aarch64_a_hook_belongs_to_the_frame_record_below_it() {
        let words = [at(3), TRAMPOLINE, 9, at(6), TRAMPOLINE, 9, 0, 0x400];
        let hooks = [(at(2), 0x200), (at(5), 0x300)];
        let whole = Walk { addresses: vec![0x100, 0x150, 0x200, 0x300, 0x400], broken: None };
        assert_eq!(walked(&words, at(0), &hooks, AARCH64_MACHINE, 0x150), whole);
        let signed = 0x0012_0000_0000_0000;
        let words = [at(2), 0x200 | signed, 0, 0x300 | signed];
        assert_eq!(
            walked(&words, at(0), &[], AARCH64_MACHINE, 0x200),
            Walk { addresses: vec![0x100, 0x200, 0x300], broken: None }
        );
    }

    #[test]
    fn where_it_ends_early_it_says_why() {
        for (words, frame_pointer, broken, frames) in [
            (&[at(9), 0x200][..], at(0), TOO_SHORT, 2),
            (&[12345, 0x200], at(0), NO_FRAME, 2),
            (&[at(0), 0x200], at(0), NO_FRAME, 2),
            (&[at(2), 0x99999], at(0), NO_FRAME, 1),
            (&[at(2), 0x200], 1, NO_FRAME, 1),
            (&[at(2), 0x200], u64::MAX, NO_FRAME, 1),
            (&[], at(0), UNREADABLE, 1),
        ] {
            let walk = walked(words, frame_pointer, &[], X86_64_MACHINE, 0);
            assert_eq!((walk.broken, walk.addresses.len()), (Some(broken), frames), "{words:x?}");
        }
    }
}
