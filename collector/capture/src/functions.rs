//! The CUDA functions that are probed: the only place that knows their names, what they are about, and which of their
//! arguments matter.
//!
//! A library exports a function under several names: `cuMemAlloc` and `cuMemAlloc_v2` (another ABI), `cudaLaunchKernel`
//! and `cudaLaunchKernel_ptsz` (per-thread default stream). All are probed, each by its own name; the table has the
//! plain one.

use wakechain_wire::{COOKIE_OUTPUT_SHIFT, COOKIE_WANTS_ARGS, COOKIE_WANTS_STACK_WORDS};

/// As `cuda_function.library` of the trace spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    Runtime,
    Driver,
    Nccl,
}

/// Never probed unless asked for: called so often, for so little, that a probe would cost more than it tells.
const TOO_CHEAP: &[&str] = &[
    "cudaGetDevice",
    "cudaSetDevice",
    "cudaGetLastError",
    "cudaPeekAtLastError",
    "cudaStreamIsCapturing",
    "cudaEventQuery",
    "cudaStreamQuery",
    "cudaStreamGetPriority",
    "cudaDeviceGetAttribute",
    "cudaGetDeviceCount",
    "cudaDriverGetVersion",
    "cudaRuntimeGetVersion",
    "cuCtxGetCurrent",
    "cuCtxSetCurrent",
    "cuDeviceGet",
    "cuDeviceGetAttribute",
    "cuDeviceGetCount",
    "cuDriverGetVersion",
    "cuEventQuery",
    "cuPointerGetAttribute",
    "cuStreamGetPriority",
    "cuStreamIsCapturing",
    "cuStreamQuery",
];

/// What the probe must bring of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Nothing,
    /// The six registers.
    Registers,
    /// The registers and the words above the return address.
    Stack,
    /// The registers, and what this argument (1 = the first) points to when the function returns.
    Output(u8),
}

use Wants::{Nothing, Output, Registers, Stack};

struct Family {
    library: Library,
    category: &'static str,
    wants: Wants,
    names: &'static str,
}

const fn family(library: Library, category: &'static str, wants: Wants, names: &'static str) -> Family {
    Family { library, category, wants, names }
}

use Library::{Driver, Nccl, Runtime};

/// By what the functions are about, and by what is read of a call. Signatures: CUDA 11 to 13 headers (cuda_runtime_api.h,
/// cuda.h), NCCL 2 (nccl.h).
const FAMILIES: &[Family] = &[
    // grid and block are two structs of three words by value: func=0, grid=1,2, block=3,4, args=5, shared and stream on the stack
    family(Runtime, "launch", Stack, "cudaLaunchKernel __cudaLaunchKernel cudaLaunchCooperativeKernel"),
    family(
        Runtime,
        "launch",
        Registers,
        "cudaLaunchKernelExC cudaLaunchHostFunc cudaLaunchCooperativeKernelMultiDevice",
    ),
    family(Driver, "launch", Stack, "cuLaunchKernel cuLaunchCooperativeKernel"),
    family(Driver, "launch", Registers, "cuLaunchKernelEx cuLaunchHostFunc cuLaunch cuLaunchGrid cuLaunchGridAsync"),
    family(
        Runtime,
        "synchronize",
        Registers,
        "cudaDeviceSynchronize cudaStreamSynchronize cudaEventSynchronize cudaThreadSynchronize",
    ),
    family(Driver, "synchronize", Registers, "cuCtxSynchronize cuStreamSynchronize cuEventSynchronize"),
    family(
        Runtime,
        "copy",
        Registers,
        "cudaMemcpy cudaMemcpyAsync cudaMemcpyPeer cudaMemcpyPeerAsync cudaMemcpyToSymbol cudaMemcpyFromSymbol cudaMemcpy3D \
         cudaMemcpy3DAsync cudaMemcpy3DPeer cudaMemcpy3DPeerAsync cudaMemcpyBatchAsync cudaMemcpy3DBatchAsync cudaMemPrefetchAsync",
    ),
    family(
        Runtime,
        "copy",
        Stack,
        "cudaMemcpyToSymbolAsync cudaMemcpyFromSymbolAsync cudaMemcpy2D cudaMemcpy2DAsync cudaMemcpy2DToArray \
         cudaMemcpy2DToArrayAsync cudaMemcpy2DFromArray cudaMemcpy2DFromArrayAsync cudaMemcpyArrayToArray cudaMemcpy2DArrayToArray \
         cudaMemcpyToArray cudaMemcpyFromArray cudaMemcpyToArrayAsync cudaMemcpyFromArrayAsync",
    ),
    family(
        Driver,
        "copy",
        Registers,
        "cuMemcpy cuMemcpyAsync cuMemcpyPeer cuMemcpyPeerAsync cuMemcpyHtoD cuMemcpyHtoDAsync cuMemcpyDtoH cuMemcpyDtoHAsync \
         cuMemcpyDtoD cuMemcpyDtoDAsync cuMemcpyDtoA cuMemcpyAtoD cuMemcpyHtoA cuMemcpyAtoH cuMemcpyAtoA cuMemcpyHtoAAsync \
         cuMemcpyAtoHAsync cuMemcpy2D cuMemcpy2DUnaligned cuMemcpy2DAsync cuMemcpy3D cuMemcpy3DAsync cuMemcpy3DPeer \
         cuMemcpy3DPeerAsync cuMemcpyBatchAsync cuMemcpy3DBatchAsync cuMemPrefetchAsync",
    ),
    family(Runtime, "memset", Registers, "cudaMemset cudaMemsetAsync cudaMemset2D cudaMemset2DAsync"),
    family(Runtime, "memset", Stack, "cudaMemset3D cudaMemset3DAsync"),
    family(
        Driver,
        "memset",
        Registers,
        "cuMemsetD8 cuMemsetD16 cuMemsetD32 cuMemsetD8Async cuMemsetD16Async cuMemsetD32Async cuMemsetD2D8 cuMemsetD2D16 \
         cuMemsetD2D32 cuMemsetD2D8Async cuMemsetD2D16Async cuMemsetD2D32Async",
    ),
    family(
        Runtime,
        "allocate",
        Output(1),
        "cudaMalloc cudaMallocAsync cudaMallocFromPoolAsync cudaMallocManaged cudaMallocHost cudaHostAlloc cudaMallocPitch \
         cudaMallocArray cudaMalloc3D cudaMalloc3DArray cudaMallocMipmappedArray cudaMemPoolCreate",
    ),
    family(Runtime, "allocate", Registers, "cudaHostRegister cudaMemPoolTrimTo"),
    family(
        Driver,
        "allocate",
        Output(1),
        "cuMemAlloc cuMemAllocAsync cuMemAllocFromPoolAsync cuMemAllocManaged cuMemAllocHost cuMemHostAlloc cuMemAllocPitch \
         cuMemCreate cuMemAddressReserve cuArrayCreate cuArray3DCreate cuMipmappedArrayCreate cuMemPoolCreate",
    ),
    family(Driver, "allocate", Registers, "cuMemHostRegister cuMemMap cuMemSetAccess cuMemPoolTrimTo"),
    family(
        Runtime,
        "free",
        Registers,
        "cudaFree cudaFreeAsync cudaFreeHost cudaFreeArray cudaFreeMipmappedArray cudaHostUnregister cudaMemPoolDestroy",
    ),
    family(
        Driver,
        "free",
        Registers,
        "cuMemFree cuMemFreeAsync cuMemFreeHost cuMemHostUnregister cuMemRelease cuMemUnmap cuMemAddressFree cuArrayDestroy \
         cuMipmappedArrayDestroy cuMemPoolDestroy",
    ),
    family(Runtime, "event", Output(1), "cudaEventCreate cudaEventCreateWithFlags"),
    family(
        Runtime,
        "event",
        Registers,
        "cudaEventRecord cudaEventRecordWithFlags cudaEventDestroy cudaEventElapsedTime cudaEventQuery",
    ),
    family(Driver, "event", Output(1), "cuEventCreate"),
    family(
        Driver,
        "event",
        Registers,
        "cuEventRecord cuEventRecordWithFlags cuEventDestroy cuEventElapsedTime cuEventQuery",
    ),
    family(Runtime, "stream", Output(1), "cudaStreamCreate cudaStreamCreateWithFlags cudaStreamCreateWithPriority"),
    family(
        Runtime,
        "stream",
        Registers,
        "cudaStreamDestroy cudaStreamWaitEvent cudaStreamAddCallback cudaStreamAttachMemAsync cudaStreamQuery \
         cudaStreamIsCapturing cudaStreamGetPriority",
    ),
    family(Runtime, "graph", Output(2), "cudaStreamEndCapture"),
    family(Driver, "stream", Output(1), "cuStreamCreate cuStreamCreateWithPriority"),
    family(
        Driver,
        "stream",
        Registers,
        "cuStreamDestroy cuStreamWaitEvent cuStreamAddCallback cuStreamAttachMemAsync cuStreamQuery cuStreamIsCapturing cuStreamGetPriority \
         cuStreamWriteValue32 cuStreamWaitValue32 cuStreamWriteValue64 cuStreamWaitValue64 cuStreamBatchMemOp",
    ),
    family(Driver, "graph", Output(2), "cuStreamEndCapture"),
    family(
        Runtime,
        "graph",
        Output(1),
        "cudaGraphCreate cudaGraphInstantiate cudaGraphInstantiateWithFlags cudaGraphInstantiateWithParams cudaGraphClone",
    ),
    family(
        Runtime,
        "graph",
        Registers,
        "cudaStreamBeginCapture cudaStreamBeginCaptureToGraph cudaGraphLaunch cudaGraphUpload \
         cudaGraphExecUpdate cudaGraphDestroy cudaGraphExecDestroy cudaGraphExecKernelNodeSetParams \
         cudaGraphExecMemcpyNodeSetParams",
    ),
    family(
        Driver,
        "graph",
        Output(1),
        "cuGraphCreate cuGraphInstantiate cuGraphInstantiateWithFlags cuGraphInstantiateWithParams cuGraphClone",
    ),
    family(
        Driver,
        "graph",
        Registers,
        "cuStreamBeginCapture cuStreamBeginCaptureToGraph cuGraphLaunch cuGraphUpload cuGraphExecUpdate \
         cuGraphDestroy cuGraphExecDestroy cuGraphExecKernelNodeSetParams",
    ),
    family(Runtime, "module", Output(1), "cudaLibraryLoadData cudaLibraryLoadFromFile cudaLibraryGetKernel"),
    family(
        Runtime,
        "module",
        Registers,
        "cudaLibraryUnload cudaFuncGetAttributes cudaFuncSetAttribute cudaFuncSetCacheConfig cudaOccupancyMaxActiveBlocksPerMultiprocessor \
         cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags",
    ),
    family(
        Driver,
        "module",
        Output(1),
        "cuModuleLoad cuModuleLoadData cuModuleLoadDataEx cuModuleLoadFatBinary cuModuleGetFunction cuModuleGetGlobal \
         cuLibraryLoadData cuLibraryLoadFromFile cuLibraryGetKernel cuLibraryGetModule cuKernelGetFunction",
    ),
    family(
        Driver,
        "module",
        Registers,
        "cuModuleUnload cuLibraryUnload cuLinkCreate cuLinkAddData cuLinkAddFile cuLinkComplete cuLinkDestroy",
    ),
    family(
        Runtime,
        "context",
        Registers,
        "cudaDeviceReset cudaInitDevice cudaSetDevice cudaGetDevice cudaSetDeviceFlags cudaDeviceEnablePeerAccess \
         cudaDeviceDisablePeerAccess cudaIpcOpenMemHandle cudaIpcCloseMemHandle cudaIpcGetMemHandle cudaIpcOpenEventHandle \
         cudaIpcGetEventHandle",
    ),
    family(Driver, "context", Output(1), "cuCtxCreate cuDevicePrimaryCtxRetain"),
    family(
        Driver,
        "context",
        Registers,
        "cuInit cuCtxDestroy cuDevicePrimaryCtxRelease cuDevicePrimaryCtxReset cuCtxEnablePeerAccess cuCtxDisablePeerAccess \
         cuIpcOpenMemHandle cuIpcCloseMemHandle cuIpcGetMemHandle cuIpcOpenEventHandle cuIpcGetEventHandle",
    ),
    family(
        Runtime,
        "other",
        Registers,
        "cudaMemGetInfo cudaMemAdvise cudaHostGetDevicePointer cudaPointerGetAttributes cudaProfilerStart cudaProfilerStop",
    ),
    family(Runtime, "context", Nothing, "cudaGetDeviceProperties cudaDriverGetVersion cudaRuntimeGetVersion"),
    family(
        Driver,
        "context",
        Nothing,
        "cuDriverGetVersion cuDeviceGetCount cuDeviceGet cuDeviceGetAttribute cuCtxSetCurrent cuCtxGetCurrent",
    ),
    family(Runtime, "other", Nothing, "cudaGetLastError cudaPeekAtLastError cudaDeviceGetAttribute cudaGetDeviceCount"),
    family(
        Driver,
        "other",
        Registers,
        "cuMemGetInfo cuMemAdvise cuMemHostGetDevicePointer cuPointerGetAttribute cuGetProcAddress cuProfilerStart cuProfilerStop",
    ),
    family(
        Nccl,
        "collective",
        Stack,
        "ncclAllReduce ncclReduce ncclBroadcast ncclAllGather ncclReduceScatter ncclSend ncclRecv ncclBcast ncclAlltoAll ncclGather \
         ncclScatter",
    ),
    family(Nccl, "collective", Nothing, "ncclGroupStart ncclGroupEnd ncclGroupSimulateEnd"),
    // the unique id comes by value on the stack: only ranks and rank are in registers
    family(
        Nccl,
        "context",
        Output(1),
        "ncclCommInitRank ncclCommInitRankConfig ncclCommInitAll ncclCommInitRankScalable",
    ),
    family(Nccl, "context", Registers, "ncclCommSplit ncclCommDestroy ncclCommFinalize ncclCommAbort ncclGetUniqueId"),
    family(Nccl, "allocate", Output(1), "ncclMemAlloc"),
    family(Nccl, "allocate", Registers, "ncclCommRegister"),
    family(Nccl, "free", Registers, "ncclMemFree ncclCommDeregister"),
];

/// What is known of a function by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub library: Library,
    pub category: &'static str,
    /// Upper half of its probe's cookie.
    pub cookie_flags: u32,
    /// Probed without being asked for.
    pub by_default: bool,
}

impl Library {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Runtime => "runtime",
            Driver => "driver",
            Nccl => "nccl",
        }
    }
}

/// The name without the suffixes of another ABI or of the per-thread default stream.
#[must_use]
pub fn plain_name(name: &str) -> &str {
    let mut plain = name;
    for suffix in ["_ptsz", "_ptds", "_v2", "_v3", "_v4"] {
        plain = plain.strip_suffix(suffix).unwrap_or(plain);
    }
    plain
}

/// `None`: no function that Wakechain knows, so it is not probed.
#[must_use]
pub fn known(name: &str) -> Option<Known> {
    // NCCL exports its functions to profilers once more with a `p` before them; only one of the two is to count.
    let plain = plain_name(name);
    let family = FAMILIES.iter().find(|family| family.names.split_whitespace().any(|known| known == plain))?;
    let flags = match family.wants {
        Nothing => 0,
        Registers => COOKIE_WANTS_ARGS,
        Stack => COOKIE_WANTS_ARGS | COOKIE_WANTS_STACK_WORDS,
        Output(argument) => COOKIE_WANTS_ARGS | (u32::from(argument) << COOKIE_OUTPUT_SHIFT),
    };
    Some(Known {
        library: family.library,
        category: family.category,
        cookie_flags: flags,
        by_default: !TOO_CHEAP.contains(&plain),
    })
}

/// Where not all functions can be probed: lower is more telling.
#[must_use]
pub fn rank(name: &str) -> usize {
    const ORDER: [&str; 6] = ["launch", "synchronize", "copy", "collective", "allocate", "free"];
    known(name).map_or(usize::MAX, |known| {
        ORDER.iter().position(|category| *category == known.category).unwrap_or(ORDER.len())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_name_stands_once_and_its_prefix_fits_its_library() {
        let mut seen = HashSet::new();
        for family in FAMILIES {
            for name in family.names.split_whitespace() {
                assert!(seen.insert(name), "{name} stands twice");
                assert_eq!(plain_name(name), name, "{name} has a suffix");
                let of = match name.trim_start_matches('_') {
                    name if name.starts_with("cuda") => Runtime,
                    name if name.starts_with("cu") => Driver,
                    _ => Nccl,
                };
                assert_eq!(family.library, of, "{name}");
            }
        }
    }

    #[test]
    fn variants_are_known_by_their_plain_name() {
        for (name, category) in [
            ("cudaLaunchKernel", "launch"),
            ("cudaLaunchKernel_ptsz", "launch"),
            ("cuMemcpyHtoDAsync_v2_ptsz", "copy"),
            ("cuMemAlloc_v2", "allocate"),
            ("cuGraphInstantiate_v2", "graph"),
            ("cudaMemcpy_ptds", "copy"),
            ("ncclAllReduce", "collective"),
        ] {
            assert_eq!(known(name).map(|known| known.category), Some(category), "{name}");
        }
        assert_eq!(known("cudaLaunchKernelInternal"), None);
        assert_eq!(known("printf"), None);
    }

    #[test]
    fn what_is_too_cheap_is_known_but_not_probed() {
        for name in TOO_CHEAP {
            assert!(known(name).is_some_and(|known| !known.by_default), "{name}");
        }
        assert!(known("cudaMalloc").is_some_and(|known| known.by_default));
    }

    #[test]
    fn flags_say_what_to_read() {
        let flags = |name| known(name).map(|known| known.cookie_flags);
        assert_eq!(flags("cudaLaunchKernel"), Some(COOKIE_WANTS_ARGS | COOKIE_WANTS_STACK_WORDS));
        assert_eq!(flags("cudaMalloc"), Some(COOKIE_WANTS_ARGS | (1 << COOKIE_OUTPUT_SHIFT)));
        assert_eq!(flags("cudaStreamEndCapture"), Some(COOKIE_WANTS_ARGS | (2 << COOKIE_OUTPUT_SHIFT)));
        assert_eq!(flags("ncclGroupStart"), Some(0));
    }
}
