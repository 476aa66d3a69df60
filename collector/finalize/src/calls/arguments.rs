//! What the arguments of a CUDA function mean: one table of signatures, and the calling conventions that say where each
//! argument was.
//!
//! Signatures list the parameters in order up to the last that is wanted. A record keeps six integer registers and four
//! further words: on x86_64 these are the stack above the return address (the seventh argument onwards); on aarch64 they
//! are x6, x7 and the first two words of the stack. A `dim3` is 12 bytes: x, y in one register, z in the next.

use wakechain_wire::CallArgsRecord;

use crate::syscalls::AARCH64_MACHINE;

/// What a parameter tells; `Skip` = it does not matter, but takes its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Role {
    Skip,
    Kernel,
    Grid,
    Block,
    GridX,
    GridY,
    GridZ,
    BlockX,
    BlockY,
    BlockZ,
    Shared,
    Stream,
    /// cudaMemcpyKind
    CopyKind,
    Bytes,
    /// Bytes = the product of all of these.
    Factor,
    Address,
    Event,
    Graph,
    GraphExec,
    Module,
    Communicator,
    Flags,
    /// ncclDataType_t: the size of an element, a factor of the bytes.
    DataType,
    /// A structure larger than 16 bytes, by value: ncclUniqueId. On the stack (x86_64) or by a pointer (aarch64).
    Large,
    /// The address of what the call makes: its value at return is `output`.
    NewAddress,
    NewStream,
    NewEvent,
    NewGraph,
    NewGraphExec,
    NewModule,
    NewCommunicator,
    /// What the call ends the life of.
    EndStream,
    EndEvent,
    EndGraph,
    EndGraphExec,
    EndModule,
    EndCommunicator,
}

use Role::*;

type Signature = (&'static [&'static str], &'static [Role]);

/// By name without the suffixes of versions and streams.
const SIGNATURES: &[Signature] = &[
    // launches
    (&["cudaLaunchKernel", "cudaLaunchCooperativeKernel"], &[Kernel, Grid, Block, Skip, Shared, Stream]),
    (&["cudaLaunchKernelExC"], &[Skip, Kernel]),
    (&["cudaLaunchHostFunc", "cuLaunchHostFunc"], &[Stream]),
    (
        &["cuLaunchKernel", "cuLaunchCooperativeKernel"],
        &[Kernel, GridX, GridY, GridZ, BlockX, BlockY, BlockZ, Shared, Stream],
    ),
    (&["cuLaunchKernelEx"], &[Skip, Kernel]),
    // copies
    (&["cudaMemcpy"], &[Skip, Skip, Bytes, CopyKind]),
    (&["cudaMemcpyAsync"], &[Skip, Skip, Bytes, CopyKind, Stream]),
    (&["cudaMemcpyPeer"], &[Skip, Skip, Skip, Skip, Bytes]),
    (&["cudaMemcpyPeerAsync"], &[Skip, Skip, Skip, Skip, Bytes, Stream]),
    (&["cudaMemcpyToSymbol", "cudaMemcpyFromSymbol"], &[Skip, Skip, Bytes, Skip, CopyKind]),
    (&["cudaMemcpyToSymbolAsync", "cudaMemcpyFromSymbolAsync"], &[Skip, Skip, Bytes, Skip, CopyKind, Stream]),
    (&["cudaMemcpy2D"], &[Skip, Skip, Skip, Skip, Factor, Factor, CopyKind]),
    (&["cudaMemcpy2DAsync"], &[Skip, Skip, Skip, Skip, Factor, Factor, CopyKind, Stream]),
    (&["cuMemcpy", "cuMemcpyHtoD", "cuMemcpyDtoH", "cuMemcpyDtoD"], &[Skip, Skip, Bytes]),
    (&["cuMemcpyAsync", "cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuMemcpyDtoDAsync"], &[Skip, Skip, Bytes, Stream]),
    (&["cuMemcpyPeer"], &[Skip, Skip, Skip, Skip, Bytes]),
    (&["cuMemcpyPeerAsync"], &[Skip, Skip, Skip, Skip, Bytes, Stream]),
    (&["cuMemcpy2DAsync", "cuMemcpy3DAsync"], &[Skip, Stream]),
    (&["cudaMemPrefetchAsync", "cuMemPrefetchAsync"], &[Address, Bytes]),
    // memset; the driver counts elements of 1, 2 and 4 bytes
    (&["cudaMemset"], &[Address, Skip, Bytes]),
    (&["cudaMemsetAsync"], &[Address, Skip, Bytes, Stream]),
    (&["cudaMemset2D"], &[Address, Skip, Skip, Factor, Factor]),
    (&["cudaMemset2DAsync"], &[Address, Skip, Skip, Factor, Factor, Stream]),
    (&["cuMemsetD8", "cuMemsetD16", "cuMemsetD32"], &[Address, Skip, Factor]),
    (&["cuMemsetD8Async", "cuMemsetD16Async", "cuMemsetD32Async"], &[Address, Skip, Factor, Stream]),
    // memory
    (&["cudaMalloc", "cudaMallocHost", "cuMemAlloc", "cuMemAllocHost"], &[NewAddress, Bytes]),
    (&["cudaMallocManaged", "cudaHostAlloc", "cuMemAllocManaged", "cuMemHostAlloc"], &[NewAddress, Bytes, Flags]),
    (&["cudaMallocAsync", "cuMemAllocAsync"], &[NewAddress, Bytes, Stream]),
    (&["cudaMallocFromPoolAsync", "cuMemAllocFromPoolAsync"], &[NewAddress, Bytes, Skip, Stream]),
    (&["cudaMallocPitch", "cuMemAllocPitch"], &[NewAddress, Skip, Factor, Factor]),
    (&["cudaFree", "cudaFreeHost", "cuMemFree", "cuMemFreeHost"], &[Address]),
    (&["cudaFreeAsync", "cuMemFreeAsync"], &[Address, Stream]),
    (&["cudaHostRegister", "cuMemHostRegister"], &[Address, Bytes, Flags]),
    (&["cudaHostUnregister", "cuMemHostUnregister"], &[Address]),
    // streams
    (&["cudaStreamCreate"], &[NewStream]),
    (
        &["cudaStreamCreateWithFlags", "cudaStreamCreateWithPriority", "cuStreamCreate", "cuStreamCreateWithPriority"],
        &[NewStream, Flags],
    ),
    (&["cudaStreamDestroy", "cuStreamDestroy"], &[EndStream]),
    (&["cudaStreamSynchronize", "cudaStreamQuery", "cuStreamSynchronize", "cuStreamQuery"], &[Stream]),
    (&["cudaStreamWaitEvent", "cuStreamWaitEvent"], &[Stream, Event, Flags]),
    (
        &["cudaStreamAddCallback", "cuStreamAddCallback", "cudaStreamAttachMemAsync", "cuStreamAttachMemAsync"],
        &[Stream],
    ),
    (&["cudaStreamBeginCapture", "cuStreamBeginCapture"], &[Stream]),
    (&["cudaStreamEndCapture", "cuStreamEndCapture"], &[Stream, NewGraph]),
    // events
    (&["cudaEventCreate"], &[NewEvent]),
    (&["cudaEventCreateWithFlags", "cuEventCreate"], &[NewEvent, Flags]),
    (&["cudaEventDestroy", "cuEventDestroy"], &[EndEvent]),
    (&["cudaEventRecord", "cuEventRecord"], &[Event, Stream]),
    (&["cudaEventRecordWithFlags", "cuEventRecordWithFlags"], &[Event, Stream, Flags]),
    (&["cudaEventSynchronize", "cudaEventQuery", "cuEventSynchronize", "cuEventQuery"], &[Event]),
    // graphs
    (&["cudaGraphCreate", "cuGraphCreate"], &[NewGraph, Flags]),
    (
        &["cudaGraphInstantiate", "cudaGraphInstantiateWithFlags", "cuGraphInstantiate", "cuGraphInstantiateWithFlags"],
        &[NewGraphExec, Graph],
    ),
    (&["cudaGraphLaunch", "cuGraphLaunch", "cudaGraphUpload", "cuGraphUpload"], &[GraphExec, Stream]),
    (&["cudaGraphDestroy", "cuGraphDestroy"], &[EndGraph]),
    (&["cudaGraphExecDestroy", "cuGraphExecDestroy"], &[EndGraphExec]),
    // modules
    (
        &[
            "cuModuleLoad",
            "cuModuleLoadData",
            "cuModuleLoadDataEx",
            "cuModuleLoadFatBinary",
            "cuLibraryLoadData",
            "cuLibraryLoadFromFile",
        ],
        &[NewModule],
    ),
    (&["cuModuleUnload", "cuLibraryUnload"], &[EndModule]),
    (&["cuModuleGetFunction", "cuLibraryGetKernel"], &[Skip, Module]),
    // NCCL
    (&["ncclAllReduce", "ncclReduceScatter"], &[Skip, Skip, Factor, DataType, Skip, Communicator, Stream]),
    (&["ncclBroadcast"], &[Skip, Skip, Factor, DataType, Skip, Communicator, Stream]),
    (&["ncclBcast"], &[Skip, Factor, DataType, Skip, Communicator, Stream]),
    (&["ncclReduce"], &[Skip, Skip, Factor, DataType, Skip, Skip, Communicator, Stream]),
    (&["ncclAllGather"], &[Skip, Skip, Factor, DataType, Communicator, Stream]),
    (&["ncclSend", "ncclRecv"], &[Skip, Factor, DataType, Skip, Communicator, Stream]),
    (&["ncclCommInitRank"], &[NewCommunicator, Skip, Large, Skip]),
    (&["ncclCommDestroy", "ncclCommAbort", "ncclCommFinalize"], &[EndCommunicator]),
];

/// The name without what tells versions apart: `cuMemAlloc_v2`, `cudaLaunchKernel_ptsz`, `cuMemcpyHtoD_v2_ptds`.
pub fn plain_name(name: &str) -> &str {
    let mut name = name;
    loop {
        let shorter = ["_ptsz", "_ptds"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let version = || {
            let (start, digits) = name.rsplit_once("_v")?;
            (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(start)
        };
        match shorter.or_else(version) {
            Some(shorter) => name = shorter,
            None => return name,
        }
    }
}

/// Whether this variant takes stream 0 as the calling thread's own default stream.
pub fn default_stream_is_per_thread(name: &str) -> bool {
    name.ends_with("_ptsz") || name.ends_with("_ptds")
}

pub fn signature(function: &str) -> Option<&'static [Role]> {
    let plain = plain_name(function);
    SIGNATURES.iter().find(|(names, _)| names.contains(&plain)).map(|(_, roles)| *roles)
}

/// Values of a call's parameters, each with its role; those that the record does not hold are left out.
pub fn values(roles: &[Role], call: &CallArgsRecord, machine: u32) -> Vec<(Role, u64)> {
    let mut places = Places::new(machine);
    let mut found = Vec::with_capacity(roles.len());
    for role in roles {
        match role {
            Grid | Block => {
                let (first, second) = places.pair();
                let (xy, z) = (word(call, first), word(call, second));
                let axes = if *role == Grid { [GridX, GridY, GridZ] } else { [BlockX, BlockY, BlockZ] };
                let values = [xy.map(|xy| xy & 0xffff_ffff), xy.map(|xy| xy >> 32), z.map(|z| z & 0xffff_ffff)];
                found.extend(axes.into_iter().zip(values).filter_map(|(axis, value)| Some((axis, value?))));
            }
            Large => places.large(),
            _ => {
                let value = word(call, places.one());
                found.extend(value.map(|value| (*role, if is_32_bit(*role) { value & 0xffff_ffff } else { value })));
            }
        }
    }
    found
}

/// The upper half of a register that holds an `int` or `unsigned` is whatever was there before.
fn is_32_bit(role: Role) -> bool {
    matches!(role, GridX | GridY | GridZ | BlockX | BlockY | BlockZ | CopyKind | Flags | DataType)
}

/// Words of a record: 0 to 5 are registers; 6 to 9 what follows them by the calling convention.
fn word(call: &CallArgsRecord, place: usize) -> Option<u64> {
    call.args.iter().chain(&call.stack_words).nth(place).copied()
}

/// Hands out places as the calling convention does.
struct Places {
    registers: usize,
    register: usize,
    stack: usize,
    large_on_stack: bool,
}

impl Places {
    fn new(machine: u32) -> Self {
        let registers = if machine == AARCH64_MACHINE { 8 } else { 6 };
        Self { registers, register: 0, stack: registers, large_on_stack: machine != AARCH64_MACHINE }
    }

    fn one(&mut self) -> usize {
        if self.register < self.registers {
            self.register += 1;
            return self.register - 1;
        }
        self.stack += 1;
        self.stack - 1
    }

    /// Two words that go together: both in registers, or both on the stack.
    fn pair(&mut self) -> (usize, usize) {
        if self.register + 2 <= self.registers {
            self.register += 2;
            return (self.register - 2, self.register - 1);
        }
        // AAPCS64: once one went to the stack, no register is used any more; System V still fills the last with others
        if !self.large_on_stack {
            self.register = self.registers;
        }
        self.stack += 2;
        (self.stack - 2, self.stack - 1)
    }

    fn large(&mut self) {
        if self.large_on_stack {
            self.stack += 128 / 8;
        } else {
            self.one();
        }
    }
}

/// Bytes of an ncclDataType_t: int8 uint8 int32 uint32 int64 uint64 float16 float32 float64 bfloat16 float8e4m3 float8e5m2.
pub fn nccl_element_bytes(data_type: u64) -> Option<u64> {
    [1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1].get(usize::try_from(data_type).ok()?).copied()
}

/// Elements of the driver's memset functions.
pub fn memset_element_bytes(function: &str) -> u64 {
    match plain_name(function).trim_end_matches("Async") {
        "cuMemsetD16" => 2,
        "cuMemsetD32" => 4,
        _ => 1,
    }
}

/// cudaMemcpyKind, or what the driver function's name says.
pub fn copy_kind(function: &str, kind: Option<u64>) -> Option<&'static str> {
    let plain = plain_name(function);
    let by_name = [("HtoD", 1), ("DtoH", 2), ("DtoD", 3)]
        .into_iter()
        .find(|(part, _)| plain.contains(part))
        .map(|(_, kind)| kind);
    Some(match kind.or(by_name)? {
        0 => "host_to_host",
        1 => "host_to_device",
        2 => "device_to_host",
        3 => "device_to_device",
        4 => "default",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::X86_64_MACHINE;

    fn call(args: [u64; 6], stack_words: [u64; 4]) -> CallArgsRecord {
        CallArgsRecord { args, stack_words, ..CallArgsRecord::default() }
    }

    fn value(function: &str, call: &CallArgsRecord, machine: u32, wanted: Role) -> Option<u64> {
        values(signature(function).unwrap(), call, machine)
            .into_iter()
            .find(|(role, _)| *role == wanted)
            .map(|(_, value)| value)
    }

    /// x, y of a dim3.
    const fn xy(x: u64, y: u64) -> u64 {
        x | y << 32
    }

    #[test]
    fn a_runtime_launch_on_both_processors() {
        let on_x86_64 = call([0xf, xy(10, 11), 12, xy(20, 21), 22, 0xa], [4096, 0x57, 0, 0]);
        let on_aarch64 = call([0xf, xy(10, 11), 12, xy(20, 21), 22, 0xa], [4096, 0x57, 0, 0]);
        for (machine, call) in [(X86_64_MACHINE, on_x86_64), (AARCH64_MACHINE, on_aarch64)] {
            let all = [
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
            for (role, expected) in all {
                assert_eq!(
                    value("cudaLaunchKernel_ptsz", &call, machine, role),
                    Some(expected),
                    "{role:?} on {machine}"
                );
            }
        }
    }

    #[test]
    fn a_driver_launch_has_its_last_arguments_elsewhere() {
        // aarch64: by in x5, bz in x6, shared in x7, the stream first on the stack
        let record = call([1, 2, 3, 4, 5, 6], [7, 8, 9, 0]);
        for machine in [X86_64_MACHINE, AARCH64_MACHINE] {
            for (role, expected) in [(GridX, 2), (BlockY, 6), (BlockZ, 7), (Shared, 8), (Stream, 9)] {
                assert_eq!(value("cuLaunchKernel", &record, machine, role), Some(expected), "{role:?} on {machine}");
            }
        }
    }

    #[test]
    fn the_upper_half_of_an_int_is_ignored() {
        let record = call([0, 0, 100, 0xdead_beef_0000_0002, 0, 0], [0; 4]);
        assert_eq!(value("cudaMemcpyAsync", &record, X86_64_MACHINE, CopyKind), Some(2));
    }

    #[test]
    fn a_unique_id_by_value_takes_no_register_on_x86_64() {
        let record = call([1, 2, 3, 4, 5, 6], [0; 4]);
        let mut roles = signature("ncclCommInitRank").unwrap().to_vec();
        *roles.last_mut().unwrap() = Flags;
        let rank = |machine| values(&roles, &record, machine).last().copied();
        assert_eq!(rank(X86_64_MACHINE), Some((Flags, 3)));
        assert_eq!(rank(AARCH64_MACHINE), Some((Flags, 4)));
    }

    #[test]
    fn what_the_record_does_not_hold_is_left_out() {
        let roles = [Skip; 10];
        assert_eq!(values(&roles, &call([0; 6], [0; 4]), X86_64_MACHINE).len(), 10);
        assert_eq!(values(&[Skip; 12], &call([0; 6], [0; 4]), X86_64_MACHINE).len(), 10);
    }

    #[test]
    fn suffixes_fall_away() {
        for (name, plain) in [
            ("cuMemAlloc_v2", "cuMemAlloc"),
            ("cuMemcpyHtoDAsync_v2_ptsz", "cuMemcpyHtoDAsync"),
            ("cudaGetDeviceProperties_v12000", "cudaGetDeviceProperties"),
            ("cudaLaunchKernel", "cudaLaunchKernel"),
            ("odd_v", "odd_v"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }

    #[test]
    fn every_signature_is_there_once() {
        let mut all: Vec<_> = SIGNATURES.iter().flat_map(|(names, _)| names.iter()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|name| plain_name(name) == **name));
    }
}
