//! The parameters of a recorded call, each with its role.

use wakechain_wire::CallArgsRecord;

use crate::convention::{Machine, Place, places};
use crate::role::Role;

/// Those that the record holds. `memory` is what was read of a structure, empty where nothing was.
#[must_use]
pub fn values(roles: &[Role], call: &CallArgsRecord, memory: &[u64], machine: Machine) -> Vec<(Role, u64)> {
    let word = |place: usize| call.args.iter().chain(&call.stack_words).nth(place).copied();
    let mut found = Vec::with_capacity(roles.len());
    for (role, place) in roles.iter().zip(places(roles, machine)) {
        if role.content().is_some() {
            found.extend(of_memory(*role, memory));
        }
        match place {
            Place::Pair(first, second) => {
                let axes = axes(*role);
                if let (Some(xy), Some(z)) = (word(first), word(second)) {
                    found.extend(axes.into_iter().zip([low(xy), high(xy), low(z)]));
                }
            }
            Place::Word(place) => {
                let value = word(place).map(|value| if role.is_32_bit() { low(value) } else { value });
                found.extend(value.map(|value| (*role, value)));
            }
            Place::OnStack(_) => {}
        }
    }
    found
}

fn axes(role: Role) -> [Role; 3] {
    match role {
        Role::Grid => [Role::GridX, Role::GridY, Role::GridZ],
        _ => [Role::BlockX, Role::BlockY, Role::BlockZ],
    }
}

fn of_memory(role: Role, memory: &[u64]) -> Vec<(Role, u64)> {
    let at = |index: usize| memory.get(index).copied().unwrap_or(0);
    let factors = |count: usize| memory.iter().take(count).map(|word| (Role::Factor, *word)).collect();
    match role {
        _ if memory.is_empty() => Vec::new(),
        // two dim3, then size_t or unsigned, then the stream
        Role::LaunchConfig | Role::DriverLaunchConfig => {
            let shared = if role == Role::LaunchConfig { at(3) } else { low(at(3)) };
            vec![
                (Role::GridX, low(at(0))),
                (Role::GridY, high(at(0))),
                (Role::GridZ, low(at(1))),
                (Role::BlockX, high(at(1))),
                (Role::BlockY, low(at(2))),
                (Role::BlockZ, high(at(2))),
                (Role::Shared, shared),
                (Role::Stream, at(4)),
            ]
        }
        Role::Copy3D => {
            let mut found: Vec<_> = factors(3);
            found.push((Role::CopyKind, low(at(3))));
            found
        }
        Role::Copy3DPeer | Role::DriverCopy3D | Role::Extent => factors(3),
        Role::DriverCopy2D => factors(2),
        _ => Vec::new(),
    }
}

const fn low(word: u64) -> u64 {
    word & 0xffff_ffff
}

const fn high(word: u64) -> u64 {
    word >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known;
    use Machine::{Aarch64, X86_64};
    use Role::*;

    fn call(args: [u64; 6], stack_words: [u64; 4]) -> CallArgsRecord {
        CallArgsRecord { args, stack_words, ..CallArgsRecord::default() }
    }

    fn all(function: &str, call: &CallArgsRecord, memory: &[u64], machine: Machine) -> Vec<(Role, u64)> {
        let roles = known(function, 12).expect("known").roles;
        let mut found = values(roles, call, memory, machine);
        found.retain(|(role, _)| !matches!(role, Skip | LaunchConfig | DriverCopy2D | UniqueId | NewCommunicator));
        found
    }

    /// x, y of a dim3.
    const fn xy(x: u64, y: u64) -> u64 {
        x | y << 32
    }

    #[test]
    fn a_runtime_launch_on_both_processors() {
        let record = call([0xf, xy(10, 11), 12, xy(20, 21), 22, 0xa], [4096, 0x57, 0, 0]);
        let expected = [
            (Kernel, 0xf),
            (GridX, 10),
            (GridY, 11),
            (GridZ, 12),
            (BlockX, 20),
            (BlockY, 21),
            (BlockZ, 22),
            (Shared, 4096),
            (Stream, 0x57),
        ];
        for machine in [X86_64, Aarch64] {
            assert_eq!(all("cudaLaunchKernel_ptsz", &record, &[], machine), expected, "{machine:?}");
        }
    }

    #[test]
    fn a_driver_launch_has_its_last_arguments_elsewhere() {
        // aarch64: by in x5, bz in x6, shared in x7, the stream first on the stack
        let record = call([1, 2, 3, 4, 5, 6], [7, 0xdead_beef_0000_0008, 9, 0]);
        for machine in [X86_64, Aarch64] {
            let found = all("cuLaunchKernel", &record, &[], machine);
            for expected in [(GridX, 2), (BlockY, 6), (BlockZ, 7), (DriverShared, 8), (Stream, 9)] {
                assert!(found.contains(&expected), "{expected:?} on {machine:?}");
            }
        }
    }

    #[test]
    fn a_launch_by_structure_tells_its_shape_where_it_was_read() {
        let record = call([0xc0, 0xf, 0, 0, 0, 0], [0; 4]);
        let memory = [xy(1, 2), xy(3, 4), xy(5, 6), 0x7_0000_0008, 9];
        let shared = |found: &[(Role, u64)]| found.iter().find(|(role, _)| *role == Shared).map(|(_, value)| *value);
        let runtime = all("cudaLaunchKernelExC", &record, &memory, X86_64);
        assert!(runtime.starts_with(&[(GridX, 1), (GridY, 2), (GridZ, 3), (BlockX, 4), (BlockY, 5), (BlockZ, 6)]));
        assert_eq!(shared(&runtime), Some(0x7_0000_0008));
        assert!(runtime.contains(&(Stream, 9)) && runtime.contains(&(Kernel, 0xf)));
        let unread = all("cudaLaunchKernelExC", &record, &[], X86_64);
        assert_eq!(unread, [(Kernel, 0xf)]);
    }

    #[test]
    fn the_upper_half_of_an_int_is_ignored() {
        let record = call([0, 0, 100, 0xdead_beef_0000_0002, 0, 0], [0; 4]);
        assert!(all("cudaMemcpyAsync", &record, &[], X86_64).contains(&(CopyKind, 2)));
    }

    #[test]
    fn a_unique_id_by_value_takes_no_register_on_x86_64() {
        let record = call([1, 2, 3, 4, 5, 6], [0; 4]);
        assert_eq!(all("ncclCommInitRank", &record, &[], X86_64), [(Ranks, 2), (Rank, 3)]);
        assert_eq!(all("ncclCommInitRank", &record, &[], Aarch64), [(Ranks, 2), (Rank, 4)]);
    }

    #[test]
    fn a_copy_by_structure_has_the_product_of_its_extent() {
        let record = call([0xc0, 0x57, 0, 0, 0, 0], [0; 4]);
        let found = all("cuMemcpy2DAsync_v2", &record, &[640, 480], X86_64);
        assert_eq!(found, [(Factor, 640), (Factor, 480), (Stream, 0x57)]);
    }
}
