"""A Python program whose handles can be followed: kernels that are named by the calls that found them, a graph from its
capture to its launch, copies by structure, communicators. What it did is in the log, one "did" line a call.

    python3 handles_by_ctypes.py --folder test/build/fakecuda [--log FILE] --wait-start
"""

import argparse
import ctypes
import json
import os
import sys
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint, c_void_p


class Dim3(ctypes.Structure):
    _fields_ = [("x", c_uint), ("y", c_uint), ("z", c_uint)]


class LaunchConfig(ctypes.Structure):
    _fields_ = [("grid", Dim3), ("block", Dim3), ("shared", c_size_t), ("stream", c_void_p), ("attributes", c_void_p),
                ("count", c_uint)]


class DriverCopy2D(ctypes.Structure):
    _fields_ = [("rest", c_size_t * 14), ("width", c_size_t), ("height", c_size_t)]


class UniqueId(ctypes.Structure):
    _fields_ = [("internal", ctypes.c_char * 128)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", required=True)
    parser.add_argument("--log")
    parser.add_argument("--wait-start", action="store_true")
    options = parser.parse_args()
    runtime, driver, nccl = (
        ctypes.CDLL(os.path.join(options.folder, name)) for name in ("libcudart.so.13", "libcuda.so.1", "libnccl.so.2"))
    runtime.cudaFree(None)
    if options.wait_start:
        print("ready", os.getpid(), flush=True)
        sys.stdin.readline()
    lines = []

    def did(library, function, *arguments, **facts):
        error = getattr(library, function)(*arguments)
        if error:
            sys.exit(f"{function} returned error {error}")
        facts = {key: value.value if isinstance(value, c_void_p) else value for key, value in facts.items()}
        lines.append({"type": "did", "function": function, **facts})

    stream, module, function, library, kernel = (c_void_p() for _ in range(5))
    did(runtime, "cudaStreamCreate", byref(stream), stream=stream)

    # a kernel of a module, and one of a library, each found by its mangled name
    did(driver, "cuModuleLoadData", byref(module), b"image", object=module)
    did(driver, "cuModuleGetFunction", byref(function), module, c_char_p(b"_Z9vectorAddPKfS0_Pfi"), object=module)
    did(driver, "cuLaunchKernel", function, 1, 2, 3, 4, 5, 6, 7, stream, None, None,
        kernel="vectorAdd(float const*, float const*, float*, int)", grid=[1, 2, 3], block=[4, 5, 6], shared=7, stream=stream)
    did(runtime, "cudaLibraryLoadData", byref(library), b"code", None, None, 0, None, None, 0, object=library)
    did(runtime, "cudaLibraryGetKernel", byref(kernel), library, c_char_p(b"_Z5scalePff"), object=library)
    config = LaunchConfig(Dim3(9, 8, 7), Dim3(64, 2, 1), 1024, stream, None, 0)
    did(runtime, "cudaLaunchKernelExC", byref(config), kernel, None,
        kernel="scale(float*, float)", grid=[9, 8, 7], block=[64, 2, 1], shared=1024, stream=stream)

    # by structure
    copy = DriverCopy2D(width=640, height=480)
    did(driver, "cuMemcpy2DAsync_v2", byref(copy), stream, bytes=640 * 480, stream=stream)

    # a graph
    graph, executable = c_void_p(), c_void_p()
    did(runtime, "cudaStreamBeginCapture", stream, 0, stream=stream)
    did(runtime, "cudaStreamEndCapture", stream, byref(graph), stream=stream, object=graph)
    did(runtime, "cudaGraphInstantiate", byref(executable), graph, ctypes.c_ulonglong(0), object=executable, graph=graph)
    did(runtime, "cudaGraphLaunch", executable, stream, object=executable, stream=stream)

    # communicators: two ranks of one
    identity = UniqueId()
    did(nccl, "ncclGetUniqueId", byref(identity))
    for rank in (0, 1):
        communicator = c_void_p()
        did(nccl, "ncclCommInitRank", byref(communicator), 2, identity, rank, object=communicator, rank=rank)
        did(nccl, "ncclAllReduce", None, None, c_size_t(1000), 7, 0, communicator, stream,
            bytes=4000, object=communicator, stream=stream)

    lines.append({"type": "process", "name": "handles_by_ctypes", "pid": os.getpid()})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    with open(options.log, "w", encoding="utf-8") if options.log else sys.stdout as file:
        file.write(text)


main()
