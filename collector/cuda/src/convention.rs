//! Where a parameter is when a function is entered. System V on x86_64: six registers, then the stack; a structure larger
//! than 16 bytes lies on the stack itself. AAPCS64: eight registers, then the stack; such a structure is passed by the
//! address of a copy.
//!
//! A record keeps ten words in this order: on x86_64 the six registers and the first four words above the return
//! address; on aarch64 x0 to x7 and the first two words of the stack.

use crate::role::Role;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    X86_64,
    Aarch64,
}

impl Machine {
    /// Of the host this runs on.
    pub const HOST: Machine = if cfg!(target_arch = "aarch64") { Machine::Aarch64 } else { Machine::X86_64 };

    const fn registers(self) -> usize {
        match self {
            Machine::X86_64 => 6,
            Machine::Aarch64 => 8,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A word of the record.
    Word(usize),
    /// Two of them.
    Pair(usize, usize),
    /// A structure that begins so many words above the return address.
    OnStack(usize),
}

/// The place of each parameter, in order.
#[must_use]
pub fn places(roles: &[Role], machine: Machine) -> Vec<Place> {
    let mut convention = Convention { machine, register: 0, stack: 0 };
    roles.iter().map(|role| convention.next(*role)).collect()
}

struct Convention {
    machine: Machine,
    register: usize,
    /// Words of the stack that are taken.
    stack: usize,
}

impl Convention {
    fn next(&mut self, role: Role) -> Place {
        match role {
            Role::Grid | Role::Block => self.pair(),
            _ if role.large_words() > 0 && self.machine == Machine::X86_64 => {
                self.stack += role.large_words();
                Place::OnStack(self.stack - role.large_words())
            }
            _ => Place::Word(self.one()),
        }
    }

    fn one(&mut self) -> usize {
        if self.register < self.machine.registers() {
            self.register += 1;
            return self.register - 1;
        }
        self.stack += 1;
        self.machine.registers() + self.stack - 1
    }

    /// Two words that go together: both in registers, or both on the stack.
    fn pair(&mut self) -> Place {
        let registers = self.machine.registers();
        if self.register + 2 <= registers {
            self.register += 2;
            return Place::Pair(self.register - 2, self.register - 1);
        }
        // AAPCS64: once one went to the stack, no register is used any more; System V still fills the last with others
        if self.machine == Machine::Aarch64 {
            self.register = registers;
        }
        self.stack += 2;
        Place::Pair(registers + self.stack - 2, registers + self.stack - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Machine::{Aarch64, X86_64};
    use Place::{OnStack, Pair, Word};
    use Role::{Block, Extent, Grid, Pitched, Skip, UniqueId};

    #[test]
    fn parameters_stand_where_the_compiler_puts_them() {
        // checked against gcc and aarch64-linux-gnu-gcc -O1 -S of functions with these parameters
        let cases: &[(&[Role], Machine, &[Place])] = &[
            (
                &[Skip, Grid, Block, Skip, Skip, Skip],
                X86_64,
                &[Word(0), Pair(1, 2), Pair(3, 4), Word(5), Word(6), Word(7)],
            ),
            (
                &[Skip, Grid, Block, Skip, Skip, Skip],
                Aarch64,
                &[Word(0), Pair(1, 2), Pair(3, 4), Word(5), Word(6), Word(7)],
            ),
            (&[Skip, Skip, UniqueId, Skip], X86_64, &[Word(0), Word(1), OnStack(0), Word(2)]),
            (&[Skip, Skip, UniqueId, Skip], Aarch64, &[Word(0), Word(1), Word(2), Word(3)]),
            (&[Pitched, Skip, Extent, Skip], X86_64, &[OnStack(0), Word(0), OnStack(4), Word(1)]),
            (&[Pitched, Skip, Extent, Skip], Aarch64, &[Word(0), Word(1), Word(2), Word(3)]),
            (
                &[Skip, Skip, Skip, Skip, Skip, Grid, Skip],
                X86_64,
                &[Word(0), Word(1), Word(2), Word(3), Word(4), Pair(6, 7), Word(5)],
            ),
            (
                &[Skip, Skip, Skip, Skip, Skip, Skip, Skip, Grid, Skip],
                Aarch64,
                &[Word(0), Word(1), Word(2), Word(3), Word(4), Word(5), Word(6), Pair(8, 9), Word(10)],
            ),
        ];
        for (roles, machine, expected) in cases {
            assert_eq!(places(roles, *machine), *expected, "{roles:?} on {machine:?}");
        }
    }
}
