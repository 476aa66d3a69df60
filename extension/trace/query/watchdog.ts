// A thread beside the one that runs SQLite, which cannot be interrupted: when a call takes too long or too much memory,
// or the parent is gone, it ends the whole process. It sleeps while no call is running.

import { writeSync } from 'node:fs';
import { Worker, workerData } from 'node:worker_threads';
import { type Limits, OUT_OF_MEMORY } from './messages.ts';

const POLL_MS = 20;
/** In a worker, process.stderr is a stream through the main thread, which is busy: write to the descriptor itself. */
const STDERR = 2;
/** The parent kills at the deadline and can say why; this is for a parent that no longer can. */
const GRACE_MS = 2_000;

interface Watched {
  readonly limits: Limits;
  readonly parent: number;
  /** One Int32: 1 while a call is running. */
  readonly busy: SharedArrayBuffer;
}

export interface Watchdog {
  /** To be called around each call. */
  begin(): void;
  end(): void;
}

/** Starts the watching thread out of the same program, `entry`, which must call `watch()` when it is not the main thread. */
export function startWatchdog(entry: string, limits: Limits): Watchdog {
  const busy = new SharedArrayBuffer(4);
  const flag = new Int32Array(busy);
  const watched: Watched = { limits, parent: process.ppid, busy };
  new Worker(entry, { workerData: watched, resourceLimits: { maxOldGenerationSizeMb: 16 } }).unref();
  const set = (value: number) => {
    Atomics.store(flag, 0, value);
    Atomics.notify(flag, 0);
  };
  return { begin: () => set(1), end: () => set(0) };
}

/** The watching thread; never returns. */
export function watch(): never {
  const { limits, parent, busy } = workerData as Watched;
  const flag = new Int32Array(busy);
  for (;;) {
    Atomics.wait(flag, 0, 0);
    const began = performance.now();
    while (Atomics.wait(flag, 0, 1, POLL_MS) === 'timed-out') {
      if (process.memoryUsage.rss() > limits.residentBytes) {
        writeSync(STDERR, `${OUT_OF_MEMORY}\n`);
        process.kill(process.pid, 'SIGKILL');
      }
      const late = performance.now() - began > limits.deadlineMs + GRACE_MS;
      if (late || process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
    }
  }
}
