//! What a probe has to bring of a call: the upper half of its cookie, made from the roles of the function's parameters.

use wakechain_wire::{
    COOKIE_MEMORY_AT_OUTPUT, COOKIE_MEMORY_ON_STACK, COOKIE_MEMORY_SOURCE_SHIFT, COOKIE_MEMORY_TEXT,
    COOKIE_MEMORY_WORD_SHIFT, COOKIE_MEMORY_WORDS_SHIFT, COOKIE_OUTPUT_SHIFT, COOKIE_WANTS_ARGS,
    COOKIE_WANTS_STACK_WORDS,
};

use crate::convention::{Machine, Place, places};
use crate::role::{Content, Role};

/// Registers that a record keeps apart from the further words.
const REGISTERS: usize = 6;

/// The cookie's flags for a function with these parameters.
#[must_use]
pub fn cookie_flags(roles: &[Role], machine: Machine) -> u32 {
    let mut flags = 0;
    for (role, place) in roles.iter().zip(places(roles, machine)) {
        if matches!(role, Role::Skip | Role::Pitched | Role::Large64) {
            continue;
        }
        flags |= COOKIE_WANTS_ARGS;
        flags |= match place {
            Place::Word(word) if word >= REGISTERS => COOKIE_WANTS_STACK_WORDS,
            Place::Pair(_, second) if second >= REGISTERS => COOKIE_WANTS_STACK_WORDS,
            _ => 0,
        };
        if let Place::Word(word) = place
            && role.is_output()
            && word < REGISTERS
        {
            flags |= (word as u32 + 1) << COOKIE_OUTPUT_SHIFT;
        }
        flags |= memory_flags(*role, place);
    }
    flags
}

fn memory_flags(role: Role, place: Place) -> u32 {
    let Some(content) = role.content() else { return 0 };
    let (source, skipped) = match place {
        Place::OnStack(word) => (COOKIE_MEMORY_ON_STACK, word),
        Place::Word(word) if word < REGISTERS => (word as u32 + 1, 0),
        _ => return 0,
    };
    let at_output = if role == Role::NameOut { COOKIE_MEMORY_AT_OUTPUT } else { 0 };
    let what = match content {
        Content::Text => COOKIE_MEMORY_TEXT,
        Content::Words { from, count } => {
            ((from + skipped) as u32) << COOKIE_MEMORY_WORD_SHIFT | (count as u32) << COOKIE_MEMORY_WORDS_SHIFT
        }
    };
    source << COOKIE_MEMORY_SOURCE_SHIFT | at_output | what
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{known, rows};
    use Machine::{Aarch64, X86_64};

    fn flags(name: &str, machine: Machine) -> u32 {
        cookie_flags(known(name, 12).expect("known").roles, machine)
    }

    #[test]
    fn flags_say_what_to_read() {
        let source = |argument: u32| argument << COOKIE_MEMORY_SOURCE_SHIFT;
        let words = |from: u32, count: u32| from << COOKIE_MEMORY_WORD_SHIFT | count << COOKIE_MEMORY_WORDS_SHIFT;
        let output = |argument: u32| argument << COOKIE_OUTPUT_SHIFT;
        let stack = COOKIE_WANTS_STACK_WORDS;
        for (name, machine, expected) in [
            ("cudaLaunchKernel", X86_64, stack),
            ("cudaLaunchKernel", Aarch64, stack),
            ("cudaMemcpyAsync", X86_64, 0),
            ("cudaMalloc", X86_64, output(1)),
            ("cudaStreamEndCapture", X86_64, output(2)),
            ("cudaLaunchKernelExC", X86_64, source(1) | words(0, 5)),
            ("cuModuleGetFunction", X86_64, output(1) | source(3) | COOKIE_MEMORY_TEXT),
            ("cuFuncGetName", X86_64, output(1) | source(1) | COOKIE_MEMORY_TEXT | COOKIE_MEMORY_AT_OUTPUT),
            ("cudaMemset3DAsync", X86_64, source(COOKIE_MEMORY_ON_STACK) | words(4, 3)),
            ("cudaMemset3DAsync", Aarch64, source(3) | words(0, 3)),
            ("ncclCommInitRank", X86_64, output(1) | source(COOKIE_MEMORY_ON_STACK) | words(0, 16)),
            ("ncclCommInitRank", Aarch64, output(1) | source(3) | words(0, 16)),
        ] {
            assert_eq!(flags(name, machine), COOKIE_WANTS_ARGS | expected, "{name} on {machine:?}");
        }
        assert_eq!(flags("ncclGroupStart", X86_64), 0);
    }

    #[test]
    fn a_call_has_one_output_and_one_piece_of_memory_at_most() {
        for row in rows() {
            let outputs = row.roles.iter().filter(|role| role.is_output()).count();
            let pieces = row.roles.iter().filter(|role| role.content().is_some()).count();
            assert!(outputs <= 1 && pieces <= 1, "{}", row.names);
        }
    }

    #[test]
    fn a_record_holds_every_parameter_that_matters() {
        for row in rows() {
            for machine in [X86_64, Aarch64] {
                for (role, place) in row.roles.iter().zip(places(row.roles, machine)) {
                    let held = match place {
                        Place::Word(word) | Place::Pair(_, word) => word < 10,
                        Place::OnStack(_) => true,
                    };
                    assert!(held || *role == Role::Skip, "{} {role:?} on {machine:?}", row.names);
                }
            }
        }
    }
}
