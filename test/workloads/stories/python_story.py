"""What the stories in Python share: CUDA by ctypes, a thread `engine`, a log of true delays. As story.h for those in C."""

import argparse
import ctypes
import itertools
import json
import os
import sys
import threading
import time

MS = 1_000_000
SHORTEST_DELAY = MS
PERIOD = MS * 4 // 5  # under what counts as late
PR_SET_NAME = 15


class Dim3(ctypes.Structure):
    _fields_ = [("x", ctypes.c_uint), ("y", ctypes.c_uint), ("z", ctypes.c_uint)]


class Story:
    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--duration", type=float, default=2)
        parser.add_argument("--log")
        parser.add_argument("--wait-start", action="store_true")
        parser.add_argument("--twin", action="store_true")
        self.options = parser.parse_args()
        self.twin = self.options.twin
        cpus = sorted(os.sched_getaffinity(0))
        self.near_cpu, self.engine_cpu = cpus[0], cpus[-1]
        # A session of its own is one group to the scheduler, with a weight of its own; only root may ask for that.
        try:
            os.setsid()
            with open("/proc/self/autogroup", "w", encoding="ascii") as file:
                file.write("-19")
        except OSError:
            pass
        folder = os.path.dirname(os.path.abspath(__file__))
        self.cuda = ctypes.CDLL(os.path.join(folder, "../../build/fakecuda/libcudart.so.12"))
        self.stream = ctypes.c_void_p()
        self.cuda.cudaStreamCreate(ctypes.byref(self.stream))
        self.lines = []

    def launch(self):
        self.cuda.cudaLaunchKernel(ctypes.c_void_p(0x1000), Dim3(64, 1, 1), Dim3(128, 1, 1), None,
                                   ctypes.c_size_t(4096), self.stream)

    def going(self):
        return time.monotonic_ns() < self.end_ns

    def note(self, kind, word, start_ns, end_ns):
        self.lines.append({"type": kind, "word": word, "thread": threading.current_thread().name,
                           "tid": threading.get_native_id(), "object": "0x0", "start_ns": start_ns, "end_ns": end_ns})

    def late_since(self, start_ns, word):
        end_ns = time.monotonic_ns()
        if end_ns - start_ns >= SHORTEST_DELAY:
            self.note("delay", word, start_ns, end_ns)

    def begin(self):
        print("ready", os.getpid(), flush=True)
        if self.options.wait_start and not sys.stdin.readline():
            sys.exit("nothing said to start (a line on standard input)")
        self.start_ns = time.monotonic_ns()
        self.end_ns = self.start_ns + int(self.options.duration * 1e9)

    def thread(self, name, cpu, body):
        """Starts a thread with this name for the kernel, on that CPU."""

        def play():
            ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
            os.sched_setaffinity(0, {cpu})
            body()

        thread = threading.Thread(target=play, name=name)
        thread.start()
        return thread

    def engine(self, step):
        """Launches twice in less than a millisecond; `step` is what it may be late in. Whatever else makes it late it logs
        as well: a delay `machine`, with when it had meant to sleep."""
        next_ns = slept_ns = back_ns = time.monotonic_ns()
        for number in itertools.count():
            if not self.going():
                return
            if time.monotonic_ns() - back_ns >= SHORTEST_DELAY:
                self.note("stretch", "machine/slept", slept_ns, next_ns)
                self.late_since(back_ns, "machine")
            self.launch()
            step(number)
            self.launch()
            back_ns = slept_ns = time.monotonic_ns()
            next_ns = max(next_ns + PERIOD, slept_ns)
            time.sleep((next_ns - slept_ns) / 1e9)

    def close(self):
        self.lines.append({"type": "workload", "name": sys.argv[0], "pid": os.getpid(), "start_ns": self.start_ns,
                           "end_ns": time.monotonic_ns(), "monotonic_ns": time.monotonic_ns(),
                           "realtime_ns": str(time.time_ns())})
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        if self.options.log:
            with open(self.options.log, "w", encoding="utf-8") as file:
                file.write(text)
        else:
            sys.stdout.write(text)
