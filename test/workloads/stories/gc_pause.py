"""`engine` keeps three hundred thousand objects, and Python's garbage collector walks them all now and then."""

import gc
import time

from python_story import Story

story = Story()
gc.disable()
kept = [{"number": [number]} for number in range(150_000)]


def step(number):
    if number % 20 != 10 or story.twin:
        return
    start_ns = time.monotonic_ns()
    gc.collect()
    story.late_since(start_ns, "collecting")


story.begin()
story.thread("engine", story.engine_cpu, lambda: story.engine(step)).join()
story.close()
