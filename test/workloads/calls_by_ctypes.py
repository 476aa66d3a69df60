"""A Python program that calls CUDA through ctypes, as frameworks do below their C++: known arguments, known counts.

    python3 calls_by_ctypes.py --library test/build/fakecuda/libcudart.so.12 [--rounds N] [--log FILE] [--wait-start]

Each round allocates, copies to the device, launches, waits, copies back and frees; the bytes grow with the round. The
log has one "calls" line for each function, with the sum of its bytes where it has any (README.md).
"""

import argparse
import ctypes
import json
import os
import select
import signal
import sys
import threading
import time

HOST_TO_DEVICE, DEVICE_TO_HOST = 1, 2


class Dim3(ctypes.Structure):
    _fields_ = [("x", ctypes.c_uint), ("y", ctypes.c_uint), ("z", ctypes.c_uint)]


def wait_start():
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    print("ready", os.getpid(), flush=True)
    inputs = [woken, sys.stdin.fileno()]
    while True:
        ready, _, _ = select.select(inputs, [], [], 60)
        if not ready:
            sys.exit("nothing said to start within a minute (a line on standard input, or SIGUSR1)")
        if woken in ready or os.read(inputs[1], 64):
            return
        inputs = [woken]  # standard input is closed: only the signal is left


def run_rounds(cuda, rounds):
    counts, byte_sums = {}, {}

    def call(function, *arguments, size=None):
        error = getattr(cuda, function)(*arguments)
        if error:
            sys.exit(f"{function} returned error {error}")
        counts[function] = counts.get(function, 0) + 1
        if size is not None:
            byte_sums[function] = byte_sums.get(function, 0) + size

    stream = ctypes.c_void_p()
    call("cudaStreamCreate", ctypes.byref(stream))
    for number in range(rounds):
        size = 4096 * (number + 1)
        host, device = ctypes.create_string_buffer(size), ctypes.c_void_p()
        call("cudaMalloc", ctypes.byref(device), ctypes.c_size_t(size), size=size)
        for target, source, kind in ((device, host, HOST_TO_DEVICE), (host, device, DEVICE_TO_HOST)):
            if kind == DEVICE_TO_HOST:
                call("cudaLaunchKernel", ctypes.c_void_p(0x1000), Dim3(7, 8, 9), Dim3(128, 2, 1), None,
                     ctypes.c_size_t(2048), stream)
                call("cudaStreamSynchronize", stream)
            call("cudaMemcpyAsync", target, source, ctypes.c_size_t(size), ctypes.c_int(kind), stream, size=size)
        call("cudaFree", device)
    return counts, byte_sums


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", required=True)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--log")
    parser.add_argument("--wait-start", action="store_true")
    parser.add_argument("--load-late", action="store_true", help="load CUDA after the start, and give a capture 0.7 s to notice")
    options = parser.parse_args()

    if options.wait_start and options.load_late:
        wait_start()
    cuda = ctypes.CDLL(options.library)
    cuda.cudaFree(None)  # starts the runtime: loads the driver
    if options.load_late:
        time.sleep(0.7)
    elif options.wait_start:
        wait_start()
    start = time.monotonic_ns()
    counts, byte_sums = run_rounds(cuda, options.rounds)
    end = time.monotonic_ns()

    pid, tid = os.getpid(), threading.get_native_id()
    lines = [{"type": "thread", "name": "python", "pid": pid, "tid": tid}]
    for function, count in counts.items():
        line = {"type": "calls", "thread": "python", "tid": tid, "function": function, "count": count}
        lines.append(line | ({"bytes": byte_sums[function]} if function in byte_sums else {}))
    lines.append({
        "type": "workload", "name": "calls_by_ctypes", "pid": pid, "monotonic_ns": time.monotonic_ns(),
        "realtime_ns": str(time.time_ns()), "start_ns": start, "end_ns": end,
        "grid": [7, 8, 9], "block": [128, 2, 1], "shared_bytes": 2048,
    })
    text = "".join(json.dumps(line) + "\n" for line in lines)
    if options.log:
        with open(options.log, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)


main()
