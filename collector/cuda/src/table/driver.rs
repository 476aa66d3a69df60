//! The driver (libcuda). Parameters: cuda.h of CUDA 11 to 13.

use super::Of;
use crate::role::Role::*;

pub const ROWS: &[Of] = &[
    // launches
    (
        "launch",
        "cuLaunchKernel cuLaunchCooperativeKernel",
        &[Kernel, GridX, GridY, GridZ, BlockX, BlockY, BlockZ, DriverShared, Stream],
    ),
    ("launch", "cuLaunchKernelEx", &[DriverLaunchConfig, Kernel]),
    ("launch", "cuLaunchHostFunc", &[Stream]),
    ("launch", "cuLaunch cuLaunchGrid", &[Kernel]),
    ("launch", "cuLaunchGridAsync", &[Kernel, Skip, Skip, Stream]),
    ("launch", "cuLaunchCooperativeKernelMultiDevice", &[]),
    // waiting
    ("synchronize", "cuCtxSynchronize", &[]),
    ("synchronize", "cuStreamSynchronize", &[Stream]),
    ("synchronize", "cuEventSynchronize", &[Event]),
    // copies
    ("copy", "cuMemcpy cuMemcpyHtoD cuMemcpyDtoH cuMemcpyDtoD", &[Skip, Skip, Bytes]),
    ("copy", "cuMemcpyAsync cuMemcpyHtoDAsync cuMemcpyDtoHAsync cuMemcpyDtoDAsync", &[Skip, Skip, Bytes, Stream]),
    ("copy", "cuMemcpyWithAttributesAsync", &[Skip, Skip, Bytes, Skip, Stream]),
    ("copy", "cuMemcpyPeer", &[Skip, Skip, Skip, Skip, Bytes]),
    ("copy", "cuMemcpyPeerAsync", &[Skip, Skip, Skip, Skip, Bytes, Stream]),
    ("copy", "cuMemcpyDtoA cuMemcpyAtoD cuMemcpyHtoA cuMemcpyAtoH", &[Skip, Skip, Skip, Bytes]),
    ("copy", "cuMemcpyHtoAAsync cuMemcpyAtoHAsync", &[Skip, Skip, Skip, Bytes, Stream]),
    ("copy", "cuMemcpyAtoA", &[Skip, Skip, Skip, Skip, Bytes]),
    ("copy", "cuMemcpy2D cuMemcpy2DUnaligned", &[DriverCopy2D]),
    ("copy", "cuMemcpy2DAsync", &[DriverCopy2D, Stream]),
    ("copy", "cuMemcpy3D cuMemcpy3DPeer", &[DriverCopy3D]),
    ("copy", "cuMemcpy3DAsync cuMemcpy3DPeerAsync", &[DriverCopy3D, Stream]),
    ("copy", "cuMemcpy3DWithAttributesAsync", &[Skip, Skip, Stream]),
    // the first of these had one parameter more: where the first failure is told
    ("copy", "cuMemcpyBatchAsync", &[Skip, Skip, Skip, Skip, Skip, Skip, Skip, Skip, Stream]),
    ("copy", "cuMemcpyBatchAsync_v2", &[Skip, Skip, Skip, Skip, Skip, Skip, Skip, Stream]),
    ("copy", "cuMemcpy3DBatchAsync", &[Skip, Skip, Skip, Skip, Stream]),
    ("copy", "cuMemcpy3DBatchAsync_v2 cuFabricCpyBatchAsync", &[Skip, Skip, Skip, Stream]),
    ("copy", "cuMemPrefetchAsync", &[Address, Bytes, Skip, Stream]),
    ("copy", "cuMemPrefetchAsync_v2", &[Address, Bytes, Skip, Flags, Stream]),
    (
        "copy",
        "cuMemPrefetchBatchAsync cuMemDiscardAndPrefetchBatchAsync",
        &[Skip, Skip, Skip, Skip, Skip, Skip, Skip, Stream],
    ),
    ("copy", "cuMemDiscardBatchAsync cuMemBatchDecompressAsync", &[Skip, Skip, Skip, Skip, Stream]),
    // memset: elements of 1, 2 and 4 bytes
    ("memset", "cuMemsetD8 cuMemsetD16 cuMemsetD32", &[Address, Skip, Factor]),
    ("memset", "cuMemsetD8Async cuMemsetD16Async cuMemsetD32Async", &[Address, Skip, Factor, Stream]),
    ("memset", "cuMemsetD2D8 cuMemsetD2D16 cuMemsetD2D32", &[Address, Skip, Skip, Factor, Factor]),
    (
        "memset",
        "cuMemsetD2D8Async cuMemsetD2D16Async cuMemsetD2D32Async",
        &[Address, Skip, Skip, Factor, Factor, Stream],
    ),
    // memory
    ("allocate", "cuMemAlloc cuMemAllocHost", &[NewAddress, Bytes]),
    ("allocate", "cuMemAllocManaged cuMemHostAlloc", &[NewAddress, Bytes, Flags]),
    ("allocate", "cuMemAllocAsync", &[NewAddress, Bytes, Stream]),
    ("allocate", "cuMemAllocFromPoolAsync", &[NewAddress, Bytes, Skip, Stream]),
    ("allocate", "cuMemAllocPitch", &[NewAddress, Skip, Factor, Factor]),
    ("allocate", "cuMemAddressReserve", &[NewAddress, Bytes]),
    ("allocate", "cuMemCreate", &[Skip, Bytes]),
    ("allocate", "cuMemMap cuMemSetAccess", &[Address, Bytes]),
    ("allocate", "cuMemMapArrayAsync", &[Skip, Skip, Stream]),
    ("allocate", "cuMemHostRegister", &[Address, Bytes, Flags]),
    ("allocate", "cuMemPoolImportPointer cuExternalMemoryGetMappedBuffer", &[NewAddress]),
    ("allocate", "cuMulticastBindMem", &[Skip, Skip, Skip, Skip, Bytes]),
    ("allocate", "cuMulticastBindMem_v2", &[]),
    (
        "allocate",
        "cuArrayCreate cuArray3DCreate cuMipmappedArrayCreate cuMemPoolCreate cuMemPoolTrimTo cuMemPoolSetAccess \
         cuMemPoolSetAttribute cuMemPoolImportFromShareableHandle cuMemPoolExportToShareableHandle cuMulticastCreate \
         cuMemPoolExportPointer \
         cuMemImportFromShareableHandle cuMemExportToShareableHandle cuMulticastAddDevice cuMulticastBindAddr \
         cuImportExternalMemory cuExternalMemoryGetMappedMipmappedArray",
        &[],
    ),
    ("free", "cuMemFree cuMemFreeHost cuMemHostUnregister", &[Address]),
    ("free", "cuMemFreeAsync", &[Address, Stream]),
    ("free", "cuMemUnmap cuMemAddressFree", &[Address, Bytes]),
    (
        "free",
        "cuMemRelease cuArrayDestroy cuMipmappedArrayDestroy cuMemPoolDestroy cuDestroyExternalMemory cuMulticastUnbind \
         cuDeviceGraphMemTrim",
        &[],
    ),
    // events
    ("event", "cuEventCreate", &[NewEvent, Flags]),
    ("event", "cuEventRecord", &[Event, Stream]),
    ("event", "cuEventRecordWithFlags", &[Event, Stream, Flags]),
    ("event", "cuEventDestroy", &[EndEvent]),
    ("event", "cuEventQuery", &[Event]),
    ("event", "cuEventElapsedTime", &[Skip, Skip, Event]),
    ("event", "cuCtxRecordEvent cuCtxWaitEvent cuGreenCtxRecordEvent cuGreenCtxWaitEvent", &[Skip, Event]),
    // streams
    ("stream", "cuStreamCreate cuStreamCreateWithPriority", &[NewStream, Flags]),
    ("stream", "cuGreenCtxStreamCreate", &[NewStream, Skip, Flags]),
    ("stream", "cuStreamDestroy", &[EndStream]),
    ("stream", "cuStreamWaitEvent", &[Stream, Event, Flags]),
    ("stream", "cuStreamAddCallback cuStreamAttachMemAsync cuStreamQuery cuStreamIsCapturing", &[Stream]),
    ("stream", "cuStreamGetPriority cuStreamGetCtx cuStreamSetAttribute cuStreamGetCaptureInfo", &[Stream]),
    ("stream", "cuStreamCopyAttributes", &[Stream]),
    ("stream", "cuStreamWriteValue32 cuStreamWaitValue32 cuStreamWriteValue64 cuStreamWaitValue64", &[Stream, Address]),
    ("stream", "cuStreamBatchMemOp", &[Stream]),
    ("stream", "cuSignalExternalSemaphoresAsync cuWaitExternalSemaphoresAsync", &[Skip, Skip, Skip, Stream]),
    ("stream", "cuThreadExchangeStreamCaptureMode", &[]),
    // graphs
    ("graph", "cuStreamBeginCapture cuStreamBeginCaptureToCig", &[Stream]),
    ("graph", "cuStreamBeginCaptureToGraph", &[Stream, Graph]),
    ("graph", "cuStreamBeginRecaptureToGraph", &[Stream, Skip, Graph]),
    ("graph", "cuStreamEndCapture", &[Stream, NewGraph]),
    ("graph", "cuStreamEndCaptureToCig cuStreamUpdateCaptureDependencies", &[Stream]),
    ("graph", "cuGraphCreate", &[NewGraph, Flags]),
    ("graph", "cuGraphClone", &[NewGraph, Graph]),
    ("graph", "cuGraphInstantiate cuGraphInstantiateWithFlags cuGraphInstantiateWithParams", &[NewGraphExec, Graph]),
    ("graph", "cuGraphLaunch cuGraphUpload", &[GraphExec, Stream]),
    ("graph", "cuGraphExecUpdate", &[GraphExec, Graph]),
    ("graph", "cuGraphDestroy", &[EndGraph]),
    ("graph", "cuUserObjectCreate cuUserObjectRetain cuUserObjectRelease", &[]),
    ("graph", "cuGraphExecDestroy", &[EndGraphExec]),
    (
        "graph",
        "cuGraphExecKernelNodeSetParams cuGraphExecMemcpyNodeSetParams cuGraphExecMemsetNodeSetParams \
         cuGraphExecHostNodeSetParams cuGraphExecExternalSemaphoresSignalNodeSetParams \
         cuGraphExecExternalSemaphoresWaitNodeSetParams cuGraphExecBatchMemOpNodeSetParams cuGraphExecNodeSetParams \
         cuGraphNodeSetEnabled",
        &[GraphExec],
    ),
    ("graph", "cuGraphExecChildGraphNodeSetParams", &[GraphExec]),
    ("graph", "cuGraphExecEventRecordNodeSetEvent cuGraphExecEventWaitNodeSetEvent", &[GraphExec, Skip, Event]),
    (
        "graph",
        "cuGraphAddKernelNode cuGraphAddMemcpyNode cuGraphAddMemsetNode cuGraphAddHostNode cuGraphAddEmptyNode \
         cuGraphAddMemAllocNode cuGraphAddMemFreeNode cuGraphAddBatchMemOpNode cuGraphAddNode cuGraphAddExternalSemaphoresSignalNode \
         cuGraphAddExternalSemaphoresWaitNode cuGraphConditionalHandleCreate",
        &[Skip, Graph],
    ),
    ("graph", "cuGraphAddChildGraphNode", &[Skip, Graph]),
    ("graph", "cuGraphAddEventRecordNode cuGraphAddEventWaitNode", &[Skip, Graph, Skip, Skip, Event]),
    ("graph", "cuGraphEventRecordNodeSetEvent cuGraphEventWaitNodeSetEvent", &[Skip, Event]),
    (
        "graph",
        "cuGraphAddDependencies cuGraphRemoveDependencies cuGraphDebugDotPrint cuGraphRetainUserObject \
         cuGraphReleaseUserObject",
        &[Graph],
    ),
    (
        "graph",
        "cuGraphDestroyNode cuGraphKernelNodeSetParams cuGraphMemcpyNodeSetParams cuGraphMemsetNodeSetParams \
         cuGraphHostNodeSetParams cuGraphNodeSetParams \
         cuGraphBatchMemOpNodeSetParams cuGraphKernelNodeSetAttribute cuGraphKernelNodeCopyAttributes \
         cuGraphExternalSemaphoresSignalNodeSetParams cuGraphExternalSemaphoresWaitNodeSetParams",
        &[],
    ),
    // modules and what is in them
    (
        "module",
        "cuModuleLoad cuModuleLoadData cuModuleLoadDataEx cuModuleLoadFatBinary cuLibraryLoadData cuLibraryLoadFromFile",
        &[NewModule],
    ),
    ("module", "cuModuleUnload cuLibraryUnload", &[EndModule]),
    ("module", "cuModuleGetFunction cuLibraryGetKernel", &[NewKernel, Module, Name]),
    ("module", "cuLibraryGetModule", &[NewModule, Module]),
    ("module", "cuKernelGetFunction", &[NewKernel, Kernel]),
    ("module", "cuFuncGetName cuKernelGetName", &[NameOut, Kernel]),
    ("module", "cuModuleGetGlobal cuLibraryGetGlobal cuLibraryGetManaged", &[NewAddress, Skip, Module]),
    ("module", "cuLibraryGetUnifiedFunction", &[Skip, Module]),
    (
        "module",
        "cuFuncLoad cuFuncSetAttribute cuFuncSetCacheConfig cuFuncSetSharedMemConfig cuKernelSetCacheConfig",
        &[Kernel],
    ),
    ("module", "cuFuncSetBlockShape cuFuncSetSharedSize", &[Kernel]),
    ("module", "cuKernelSetAttribute", &[Skip, Skip, Kernel]),
    (
        "module",
        "cuOccupancyMaxActiveBlocksPerMultiprocessor cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags \
         cuOccupancyAvailableDynamicSMemPerBlock cuOccupancyMaxActiveClusters cuOccupancyMaxPotentialClusterSize",
        &[Skip, Kernel],
    ),
    ("module", "cuOccupancyMaxPotentialBlockSize cuOccupancyMaxPotentialBlockSizeWithFlags", &[Skip, Skip, Kernel]),
    ("module", "cuLinkCreate cuLinkAddData cuLinkAddFile cuLinkComplete cuLinkDestroy", &[]),
    // devices and contexts
    (
        "context",
        "cuInit cuCtxCreate cuCtxDestroy cuCtxAttach cuCtxDetach cuDevicePrimaryCtxRetain cuDevicePrimaryCtxRelease \
         cuDevicePrimaryCtxReset cuDevicePrimaryCtxSetFlags cuCtxSetFlags cuCtxSetLimit cuCtxSetCacheConfig \
         cuCtxSetSharedMemConfig cuCtxResetPersistingL2Cache cuCtxEnablePeerAccess cuCtxDisablePeerAccess \
         cuDeviceSetMemPool cuMemSetMemPool cuDeviceSetGraphMemAttribute cuFlushGPUDirectRDMAWrites cuGreenCtxCreate cuGreenCtxDestroy \
         cuCtxFromGreenCtx cuDriverGetVersion cuDeviceGetCount cuDeviceGet cuDeviceGetAttribute cuCtxSetCurrent \
         cuCtxGetCurrent cuCtxPushCurrent cuCtxPopCurrent cuCtxGetDevice",
        &[],
    ),
    ("context", "cuIpcOpenMemHandle", &[NewAddress, Large64, Flags]),
    ("context", "cuIpcCloseMemHandle", &[Address]),
    ("context", "cuIpcGetMemHandle", &[Skip, Address]),
    ("context", "cuIpcOpenEventHandle", &[NewEvent]),
    ("context", "cuIpcGetEventHandle", &[Skip, Event]),
    (
        "context",
        "cuCheckpointProcessLock cuCheckpointProcessCheckpoint cuCheckpointProcessRestore cuCheckpointProcessUnlock \
         cuCheckpointOperationComplete",
        &[],
    ),
    // the rest
    ("other", "cuMemAdvise", &[Address, Bytes]),
    (
        "other",
        "cuMemGetInfo cuMemHostGetDevicePointer cuPointerGetAttribute cuPointerGetAttributes cuPointerSetAttribute \
         cuGetProcAddress cuProfilerStart cuProfilerStop cuImportExternalSemaphore cuDestroyExternalSemaphore",
        &[],
    ),
    ("other", "cuGraphicsMapResources cuGraphicsUnmapResources", &[Skip, Skip, Stream]),
];
