//! Where in a function a uprobe is cheap. The kernel runs the probed instruction either by doing what it does
//! (emulated: 0.5 us a hit where this was measured) or by single-stepping a copy (stepped: 10 us there, about three
//! times the emulated cost on bare metal). Only places that are still the function's entry are considered: the return
//! address where the return hook expects it, every argument in its register.
//!
//! What is emulated is taken from the kernel: arch/x86/kernel/uprobes.c (push of a register, relative jumps, calls,
//! one-byte nop) and arch/arm64/kernel/probes/decode-insn.c (branches and address computation).

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    X86_64,
    Aarch64,
}

impl Machine {
    /// Of the host this runs on.
    pub const HOST: Machine = if cfg!(target_arch = "aarch64") { Machine::Aarch64 } else { Machine::X86_64 };

    /// As `uname -m` and the trace say it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Machine::X86_64 => "x86_64",
            Machine::Aarch64 => "aarch64",
        }
    }
}

/// How the kernel will run the probed instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    Emulated,
    Stepped,
    /// A five-byte nop, which Linux 6.18 turns into a call; earlier kernels treat it as the others.
    Optimised,
}

impl Placement {
    /// As in `probe.placement` of the trace.
    pub const fn as_str(self) -> &'static str {
        match self {
            Placement::Emulated => "emulated",
            Placement::Stepped => "stepped",
            Placement::Optimised => "optimised",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Bytes from the function's symbol to the probe.
    pub skip_bytes: u64,
    pub placement: Placement,
}

/// How many bytes of a function `place` looks at.
pub const CODE_BYTES: usize = 16;

/// Chooses the probe's place from the first bytes of a function.
pub fn place(machine: Machine, code: &[u8]) -> Site {
    let skip = entry_marker_bytes(machine, code);
    let class = match machine {
        Machine::X86_64 => class_x86_64(&code[skip..]),
        Machine::Aarch64 => class_aarch64(&code[skip..]),
    };
    match class {
        // nothing gained: stay on the symbol itself
        Placement::Stepped => Site { skip_bytes: 0, placement: Placement::Stepped },
        placement => Site { skip_bytes: skip as u64, placement },
    }
}

/// Length of a marker of indirect entries at the beginning: not part of the function's work, so it can be skipped.
/// Never paciasp: a return hook placed after it would be an unsigned address.
fn entry_marker_bytes(machine: Machine, code: &[u8]) -> usize {
    const ENDBR64: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
    const BTI_C: [u8; 4] = [0x5f, 0x24, 0x03, 0xd5];
    const BTI_JC: [u8; 4] = [0xdf, 0x24, 0x03, 0xd5];
    let is_marked = match machine {
        Machine::X86_64 => code.starts_with(&ENDBR64),
        Machine::Aarch64 => code.starts_with(&BTI_C) || code.starts_with(&BTI_JC),
    };
    if is_marked { 4 } else { 0 }
}

fn class_x86_64(code: &[u8]) -> Placement {
    match code {
        [0x0f, 0x1f, 0x44, 0x00, 0x00, ..] => Placement::Optimised,
        // push %rax .. push %rdi; with REX.B %r8 .. %r15
        [0x50..=0x57, ..] | [0x41, 0x50..=0x57, ..] => Placement::Emulated,
        // nop; jmp rel8, rel32; call rel32; jcc rel8, rel32
        [0x90 | 0xeb | 0xe9 | 0xe8 | 0x70..=0x7f, ..] | [0x0f, 0x80..=0x8f, ..] => Placement::Emulated,
        _ => Placement::Stepped,
    }
}

fn class_aarch64(code: &[u8]) -> Placement {
    let Some(word) = code.first_chunk::<4>() else { return Placement::Stepped };
    let instruction = u32::from_le_bytes(*word);
    let is_branch = instruction & 0x7c00_0000 == 0x1400_0000; // b, bl
    let is_address = instruction & 0x1f00_0000 == 0x1000_0000; // adr, adrp
    let is_compare_and_branch = instruction & 0x7e00_0000 == 0x3400_0000; // cbz, cbnz
    if is_branch || is_address || is_compare_and_branch { Placement::Emulated } else { Placement::Stepped }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Machine::{Aarch64, X86_64};
    use Placement::{Emulated, Optimised, Stepped};

    #[test]
    fn real_prologues() {
        let cases: &[(&str, Machine, &[u8], u64, Placement)] = &[
            ("push %rbp; mov %rsp,%rbp", X86_64, &[0x55, 0x48, 0x89, 0xe5], 0, Emulated),
            ("endbr64; push %rbp", X86_64, &[0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5], 4, Emulated),
            ("push %r15", X86_64, &[0x41, 0x57, 0x41, 0x56], 0, Emulated),
            ("endbr64; push %r12", X86_64, &[0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0x54], 4, Emulated),
            ("endbr64; sub $8,%rsp", X86_64, &[0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x08], 0, Stepped),
            ("endbr64; mov %edi,%eax", X86_64, &[0xf3, 0x0f, 0x1e, 0xfa, 0x89, 0xf8], 0, Stepped),
            ("nopl 0(%rax,%rax,1)", X86_64, &[0x0f, 0x1f, 0x44, 0x00, 0x00, 0x55], 0, Optimised),
            ("endbr64; nop5", X86_64, &[0xf3, 0x0f, 0x1e, 0xfa, 0x0f, 0x1f, 0x44, 0x00, 0x00], 4, Optimised),
            ("jmp rel32 (a tail call)", X86_64, &[0xe9, 0x10, 0x00, 0x00, 0x00], 0, Emulated),
            ("jmp *GOT", X86_64, &[0xff, 0x25, 0x10, 0x00, 0x00, 0x00], 0, Stepped),
            ("push with an operand-size prefix", X86_64, &[0x66, 0x55], 0, Stepped),
            ("sub $8,%rsp", X86_64, &[0x48, 0x83, 0xec, 0x08], 0, Stepped),
            ("cut short after endbr64", X86_64, &[0xf3, 0x0f, 0x1e, 0xfa], 0, Stepped),
            ("nothing", X86_64, &[], 0, Stepped),
            ("stp x29,x30,[sp,#-32]!", Aarch64, &[0xfd, 0x7b, 0xbe, 0xa9], 0, Stepped),
            ("paciasp; stp", Aarch64, &[0x3f, 0x23, 0x03, 0xd5, 0xfd, 0x7b, 0xbe, 0xa9], 0, Stepped),
            ("paciasp; adrp", Aarch64, &[0x3f, 0x23, 0x03, 0xd5, 0x00, 0x00, 0x00, 0x90], 0, Stepped),
            ("bti c; adrp x0", Aarch64, &[0x5f, 0x24, 0x03, 0xd5, 0x00, 0x00, 0x00, 0x90], 4, Emulated),
            ("adrp x16 (a stub)", Aarch64, &[0x10, 0x00, 0x00, 0xb0], 0, Emulated),
            ("b", Aarch64, &[0x04, 0x00, 0x00, 0x14], 0, Emulated),
            ("cbz x0", Aarch64, &[0x40, 0x00, 0x00, 0xb4], 0, Emulated),
            ("nop (simulated since 6.13 only)", Aarch64, &[0x1f, 0x20, 0x03, 0xd5], 0, Stepped),
            ("mov w0,#0", Aarch64, &[0x00, 0x00, 0x80, 0x52], 0, Stepped),
            ("cut short", Aarch64, &[0x10, 0x00], 0, Stepped),
        ];
        for (name, machine, code, skip_bytes, placement) in cases {
            let expected = Site { skip_bytes: *skip_bytes, placement: *placement };
            assert_eq!(place(*machine, code), expected, "{name}");
        }
    }
}
