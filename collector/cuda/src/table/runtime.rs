//! The runtime (libcudart). Parameters: cuda_runtime_api.h of CUDA 11 to 13.

use super::Of;
use crate::role::Role::*;

pub const ROWS: &[Of] = &[
    // launches
    (
        "launch",
        "cudaLaunchKernel __cudaLaunchKernel cudaLaunchCooperativeKernel",
        &[Kernel, Grid, Block, Skip, Shared, Stream],
    ),
    ("launch", "cudaLaunchKernelExC", &[LaunchConfig, Kernel]),
    ("launch", "cudaLaunchHostFunc", &[Stream]),
    ("launch", "cudaLaunchCooperativeKernelMultiDevice", &[]),
    // waiting
    ("synchronize", "cudaDeviceSynchronize cudaThreadSynchronize cudaExecutionCtxSynchronize", &[]),
    ("synchronize", "cudaStreamSynchronize", &[Stream]),
    ("synchronize", "cudaEventSynchronize", &[Event]),
    // copies
    ("copy", "cudaMemcpy", &[Skip, Skip, Bytes, CopyKind]),
    ("copy", "cudaMemcpyAsync", &[Skip, Skip, Bytes, CopyKind, Stream]),
    ("copy", "cudaMemcpyWithAttributesAsync", &[Skip, Skip, Bytes, Skip, Stream]),
    ("copy", "cudaMemcpyPeer", &[Skip, Skip, Skip, Skip, Bytes]),
    ("copy", "cudaMemcpyPeerAsync", &[Skip, Skip, Skip, Skip, Bytes, Stream]),
    ("copy", "cudaMemcpyToSymbol cudaMemcpyFromSymbol", &[Skip, Skip, Bytes, Skip, CopyKind]),
    ("copy", "cudaMemcpyToSymbolAsync cudaMemcpyFromSymbolAsync", &[Skip, Skip, Bytes, Skip, CopyKind, Stream]),
    ("copy", "cudaMemcpy2D", &[Skip, Skip, Skip, Skip, Factor, Factor, CopyKind]),
    ("copy", "cudaMemcpy2DAsync", &[Skip, Skip, Skip, Skip, Factor, Factor, CopyKind, Stream]),
    ("copy", "cudaMemcpy2DToArray", &[Skip, Skip, Skip, Skip, Skip, Factor, Factor, CopyKind]),
    ("copy", "cudaMemcpy2DToArrayAsync", &[Skip, Skip, Skip, Skip, Skip, Factor, Factor, CopyKind, Stream]),
    ("copy", "cudaMemcpy2DFromArray", &[Skip, Skip, Skip, Skip, Skip, Factor, Factor, CopyKind]),
    ("copy", "cudaMemcpy2DFromArrayAsync", &[Skip, Skip, Skip, Skip, Skip, Factor, Factor, CopyKind, Stream]),
    ("copy", "cudaMemcpy2DArrayToArray", &[Skip, Skip, Skip, Skip, Skip, Skip, Factor, Factor, CopyKind]),
    ("copy", "cudaMemcpyArrayToArray", &[Skip, Skip, Skip, Skip, Skip, Skip, Bytes, CopyKind]),
    ("copy", "cudaMemcpyToArray cudaMemcpyFromArray", &[Skip, Skip, Skip, Skip, Bytes, CopyKind]),
    ("copy", "cudaMemcpyToArrayAsync cudaMemcpyFromArrayAsync", &[Skip, Skip, Skip, Skip, Bytes, CopyKind, Stream]),
    ("copy", "cudaMemcpy3D", &[Copy3D]),
    ("copy", "cudaMemcpy3DAsync", &[Copy3D, Stream]),
    ("copy", "cudaMemcpy3DPeer", &[Copy3DPeer]),
    ("copy", "cudaMemcpy3DPeerAsync", &[Copy3DPeer, Stream]),
    ("copy", "cudaMemcpy3DWithAttributesAsync", &[Skip, Skip, Stream]),
    // before 13 each has one parameter more: where the first failure is told
    ("copy", "cudaMemcpyBatchAsync", &[Skip, Skip, Skip, Skip, Skip, Skip, Skip, Skip, Stream]),
    ("copy", "cudaMemcpyBatchAsync@13", &[Skip, Skip, Skip, Skip, Skip, Skip, Skip, Stream]),
    ("copy", "cudaMemcpy3DBatchAsync", &[Skip, Skip, Skip, Skip, Stream]),
    ("copy", "cudaMemcpy3DBatchAsync@13", &[Skip, Skip, Skip, Stream]),
    ("copy", "cudaMemPrefetchAsync", &[Address, Bytes, Skip, Stream]),
    ("copy", "cudaMemPrefetchAsync_v2 cudaMemPrefetchAsync@13", &[Address, Bytes, Skip, Flags, Stream]),
    (
        "copy",
        "cudaMemPrefetchBatchAsync cudaMemDiscardAndPrefetchBatchAsync",
        &[Skip, Skip, Skip, Skip, Skip, Skip, Skip, Stream],
    ),
    ("copy", "cudaMemDiscardBatchAsync", &[Skip, Skip, Skip, Skip, Stream]),
    // memset
    ("memset", "cudaMemset", &[Address, Skip, Bytes]),
    ("memset", "cudaMemsetAsync", &[Address, Skip, Bytes, Stream]),
    ("memset", "cudaMemset2D", &[Address, Skip, Skip, Factor, Factor]),
    ("memset", "cudaMemset2DAsync", &[Address, Skip, Skip, Factor, Factor, Stream]),
    ("memset", "cudaMemset3D", &[Pitched, Skip, Extent]),
    ("memset", "cudaMemset3DAsync", &[Pitched, Skip, Extent, Stream]),
    // memory
    ("allocate", "cudaMalloc cudaMallocHost", &[NewAddress, Bytes]),
    ("allocate", "cudaMallocManaged cudaHostAlloc", &[NewAddress, Bytes, Flags]),
    ("allocate", "cudaMallocAsync", &[NewAddress, Bytes, Stream]),
    ("allocate", "cudaMallocFromPoolAsync", &[NewAddress, Bytes, Skip, Stream]),
    ("allocate", "cudaMallocPitch", &[NewAddress, Skip, Factor, Factor]),
    ("allocate", "cudaMalloc3D", &[NewAddress, Extent]),
    ("allocate", "cudaMallocArray cudaMalloc3DArray cudaMallocMipmappedArray", &[]),
    ("allocate", "cudaHostRegister", &[Address, Bytes, Flags]),
    ("allocate", "cudaMemPoolCreate cudaMemPoolSetAccess cudaMemPoolSetAttribute", &[]),
    (
        "allocate",
        "cudaMemPoolTrimTo cudaMemPoolImportFromShareableHandle cudaMemPoolExportToShareableHandle \
 cudaMemPoolExportPointer",
        &[],
    ),
    ("allocate", "cudaMemPoolImportPointer cudaExternalMemoryGetMappedBuffer", &[NewAddress]),
    ("allocate", "cudaImportExternalMemory cudaExternalMemoryGetMappedMipmappedArray", &[]),
    ("free", "cudaFree cudaFreeHost cudaHostUnregister", &[Address]),
    ("free", "cudaFreeAsync", &[Address, Stream]),
    (
        "free",
        "cudaFreeArray cudaFreeMipmappedArray cudaMemPoolDestroy cudaDestroyExternalMemory cudaDeviceGraphMemTrim",
        &[],
    ),
    // events
    ("event", "cudaEventCreate", &[NewEvent]),
    ("event", "cudaEventCreateWithFlags", &[NewEvent, Flags]),
    ("event", "cudaEventRecord", &[Event, Stream]),
    ("event", "cudaEventRecordWithFlags", &[Event, Stream, Flags]),
    ("event", "cudaEventDestroy", &[EndEvent]),
    ("event", "cudaEventQuery", &[Event]),
    ("event", "cudaEventElapsedTime", &[Skip, Skip, Event]),
    ("event", "cudaExecutionCtxRecordEvent cudaExecutionCtxWaitEvent", &[Skip, Event]),
    // streams
    ("stream", "cudaStreamCreate", &[NewStream]),
    ("stream", "cudaStreamCreateWithFlags cudaStreamCreateWithPriority", &[NewStream, Flags]),
    ("stream", "cudaExecutionCtxStreamCreate", &[NewStream, Skip, Flags]),
    ("stream", "cudaStreamDestroy", &[EndStream]),
    ("stream", "cudaStreamWaitEvent", &[Stream, Event, Flags]),
    ("stream", "cudaStreamAddCallback cudaStreamAttachMemAsync cudaStreamQuery cudaStreamIsCapturing", &[Stream]),
    ("stream", "cudaStreamGetPriority cudaStreamSetAttribute cudaStreamGetCaptureInfo", &[Stream]),
    ("stream", "cudaStreamCopyAttributes", &[Stream]),
    ("stream", "cudaSignalExternalSemaphoresAsync cudaWaitExternalSemaphoresAsync", &[Skip, Skip, Skip, Stream]),
    ("stream", "cudaThreadExchangeStreamCaptureMode", &[]),
    // graphs
    ("graph", "cudaStreamBeginCapture", &[Stream]),
    ("graph", "cudaStreamBeginCaptureToGraph", &[Stream, Graph]),
    ("graph", "cudaStreamBeginRecaptureToGraph", &[Stream, Skip, Graph]),
    ("graph", "cudaStreamEndCapture", &[Stream, NewGraph]),
    ("graph", "cudaStreamUpdateCaptureDependencies", &[Stream]),
    ("graph", "cudaGraphCreate", &[NewGraph, Flags]),
    ("graph", "cudaGraphClone", &[NewGraph, Graph]),
    (
        "graph",
        "cudaGraphInstantiate cudaGraphInstantiateWithFlags cudaGraphInstantiateWithParams",
        &[NewGraphExec, Graph],
    ),
    ("graph", "cudaGraphLaunch cudaGraphUpload", &[GraphExec, Stream]),
    ("graph", "cudaGraphExecUpdate", &[GraphExec, Graph]),
    ("graph", "cudaGraphDestroy", &[EndGraph]),
    ("graph", "cudaUserObjectCreate cudaUserObjectRetain cudaUserObjectRelease", &[]),
    ("graph", "cudaGraphExecDestroy", &[EndGraphExec]),
    (
        "graph",
        "cudaGraphExecKernelNodeSetParams cudaGraphExecMemcpyNodeSetParams cudaGraphExecMemcpyNodeSetParams1D \
         cudaGraphExecMemcpyNodeSetParamsToSymbol cudaGraphExecMemcpyNodeSetParamsFromSymbol \
         cudaGraphExecMemsetNodeSetParams cudaGraphExecHostNodeSetParams cudaGraphExecNodeSetParams \
         cudaGraphExecExternalSemaphoresSignalNodeSetParams cudaGraphExecExternalSemaphoresWaitNodeSetParams \
         cudaGraphNodeSetEnabled",
        &[GraphExec],
    ),
    ("graph", "cudaGraphExecChildGraphNodeSetParams", &[GraphExec]),
    ("graph", "cudaGraphExecEventRecordNodeSetEvent cudaGraphExecEventWaitNodeSetEvent", &[GraphExec, Skip, Event]),
    (
        "graph",
        "cudaGraphAddKernelNode cudaGraphAddMemcpyNode cudaGraphAddMemcpyNode1D cudaGraphAddMemcpyNodeToSymbol \
         cudaGraphAddMemcpyNodeFromSymbol cudaGraphAddMemsetNode cudaGraphAddHostNode cudaGraphAddEmptyNode \
         cudaGraphAddMemAllocNode cudaGraphAddMemFreeNode cudaGraphAddNode cudaGraphAddExternalSemaphoresSignalNode \
         cudaGraphAddExternalSemaphoresWaitNode cudaGraphConditionalHandleCreate",
        &[Skip, Graph],
    ),
    ("graph", "cudaGraphAddChildGraphNode", &[Skip, Graph]),
    ("graph", "cudaGraphAddEventRecordNode cudaGraphAddEventWaitNode", &[Skip, Graph, Skip, Skip, Event]),
    ("graph", "cudaGraphEventRecordNodeSetEvent cudaGraphEventWaitNodeSetEvent", &[Skip, Event]),
    (
        "graph",
        "cudaGraphAddDependencies cudaGraphRemoveDependencies cudaGraphDebugDotPrint cudaGraphRetainUserObject \
         cudaGraphReleaseUserObject",
        &[Graph],
    ),
    (
        "graph",
        "cudaGraphDestroyNode cudaGraphKernelNodeSetParams cudaGraphMemcpyNodeSetParams cudaGraphMemcpyNodeSetParams1D \
         cudaGraphMemcpyNodeSetParamsToSymbol cudaGraphMemcpyNodeSetParamsFromSymbol cudaGraphMemsetNodeSetParams \
         cudaGraphHostNodeSetParams cudaGraphNodeSetParams \
         cudaGraphKernelNodeSetAttribute cudaGraphKernelNodeCopyAttributes \
         cudaGraphExternalSemaphoresSignalNodeSetParams cudaGraphExternalSemaphoresWaitNodeSetParams",
        &[],
    ),
    // modules and what is in them
    ("module", "cudaLibraryLoadData cudaLibraryLoadFromFile", &[NewModule]),
    ("module", "cudaLibraryUnload", &[EndModule]),
    ("module", "cudaLibraryGetKernel", &[NewKernel, Module, Name]),
    ("module", "cudaLibraryGetGlobal cudaLibraryGetManaged", &[NewAddress, Skip, Module]),
    ("module", "cudaLibraryGetUnifiedFunction", &[Skip, Module]),
    ("module", "cudaGetKernel __cudaGetKernel cudaGetFuncBySymbol", &[NewKernel, Kernel]),
    ("module", "cudaFuncGetName", &[NameOut, Kernel]),
    ("module", "__cudaRegisterFunction", &[Skip, Kernel, Skip, Name]),
    ("module", "__cudaRegisterFatBinary __cudaRegisterFatBinaryEnd __cudaUnregisterFatBinary __cudaInitModule", &[]),
    ("module", "cudaFuncGetAttributes", &[Skip, Kernel]),
    ("module", "cudaFuncSetAttribute cudaFuncSetCacheConfig cudaFuncSetSharedMemConfig", &[Kernel]),
    ("module", "cudaKernelSetAttributeForDevice", &[Kernel]),
    (
        "module",
        "cudaOccupancyMaxActiveBlocksPerMultiprocessor cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags \
         cudaOccupancyAvailableDynamicSMemPerBlock cudaOccupancyMaxActiveClusters cudaOccupancyMaxPotentialClusterSize",
        &[Skip, Kernel],
    ),
    ("module", "cudaGetSymbolAddress", &[NewAddress]),
    ("module", "cudaGetSymbolSize", &[]),
    // devices and contexts
    (
        "context",
        "cudaDeviceReset cudaThreadExit cudaInitDevice cudaSetDevice cudaGetDevice cudaSetDeviceFlags cudaSetValidDevices \
         cudaDeviceSetLimit cudaThreadSetLimit cudaDeviceSetCacheConfig cudaDeviceSetSharedMemConfig cudaDeviceSetMemPool \
         cudaThreadSetCacheConfig cudaDeviceSetGraphMemAttribute \
         cudaMemSetMemPool cudaCtxResetPersistingL2Cache cudaDeviceFlushGPUDirectRDMAWrites cudaDeviceEnablePeerAccess \
         cudaDeviceDisablePeerAccess cudaGreenCtxCreate cudaExecutionCtxDestroy cudaDeviceGetExecutionCtx \
         cudaGetDeviceProperties cudaDriverGetVersion cudaRuntimeGetVersion",
        &[],
    ),
    ("context", "cudaIpcOpenMemHandle", &[NewAddress, Large64, Flags]),
    ("context", "cudaIpcCloseMemHandle", &[Address]),
    ("context", "cudaIpcGetMemHandle", &[Skip, Address]),
    ("context", "cudaIpcOpenEventHandle", &[NewEvent]),
    ("context", "cudaIpcGetEventHandle", &[Skip, Event]),
    // the rest
    ("other", "cudaMemAdvise", &[Address, Bytes]),
    (
        "other",
        "cudaMemGetInfo cudaHostGetDevicePointer cudaPointerGetAttributes cudaProfilerStart cudaProfilerStop \
         cudaGetDriverEntryPoint cudaGetDriverEntryPointByVersion",
        &[],
    ),
    ("other", "cudaGetLastError cudaPeekAtLastError cudaDeviceGetAttribute cudaGetDeviceCount", &[]),
    ("other", "cudaGraphicsMapResources cudaGraphicsUnmapResources", &[Skip, Skip, Stream]),
    ("other", "cudaImportExternalSemaphore cudaDestroyExternalSemaphore", &[]),
];
