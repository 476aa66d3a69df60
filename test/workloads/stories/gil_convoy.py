"""`engine` gives Python's interpreter lock up for each launch, and `cruncher`, which only computes, takes it meanwhile and
keeps it for its 5 ms."""

import time

from python_story import Story

story = Story()


def engine():
    while story.going():
        start_ns = time.monotonic_ns()
        story.launch()
        sum(range(10_000))
        story.late_since(start_ns, "passed")


def cruncher():
    """Says when it had the lock: where its clock jumps, it had not."""
    from_ns = last_ns = time.monotonic_ns()
    while story.going():
        sum(range(200))
        now_ns = time.monotonic_ns()
        if now_ns - last_ns > 100_000 or now_ns - from_ns > 100_000_000:
            story.note("stretch", "held", from_ns, last_ns)
            from_ns = now_ns
        last_ns = now_ns
        if story.twin:
            time.sleep(0.05)
            from_ns = last_ns = time.monotonic_ns()


story.begin()
threads = [story.thread("cruncher", story.near_cpu, cruncher), story.thread("engine", story.engine_cpu, engine)]
for thread in threads:
    thread.join()
story.close()
