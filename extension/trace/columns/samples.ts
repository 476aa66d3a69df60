// CPU samples: where a thread was, at a fixed rate, while it ran. Sorted by thread and time.

import type { DatabaseSync } from 'node:sqlite';
import { eachRow, integer } from './read.ts';
import { doubles, type Groups, Growing, groupBy, integers } from './rows.ts';
import type { Threads } from './threads.ts';

export interface Samples {
  readonly rows: number;
  readonly id: Float64Array;
  readonly atNs: Float64Array;
  /** stack.id; -1 = none. */
  readonly stack: Float64Array;
  readonly kernelStack: Float64Array;
  readonly byThread: Groups;
}

export function loadSamples(db: DatabaseSync, threads: Threads): Samples {
  const id = new Growing(doubles, 64);
  const thread = new Growing(integers, 64);
  const at = new Growing(doubles, 64);
  const stack = new Growing(doubles, 64);
  const kernelStack = new Growing(doubles, 64);
  eachRow(db, 'SELECT id, thread_id, at_ns, stack_id, kernel_stack_id FROM cpu_sample', cells => {
    const owner = threads.byId.get(integer(cells[1]) ?? -1);
    const atNs = integer(cells[2]);
    if (owner === undefined || atNs === undefined) return;
    id.push(integer(cells[0]) ?? -1);
    thread.push(owner);
    at.push(atNs);
    stack.push(integer(cells[3]) ?? -1);
    kernelStack.push(integer(cells[4]) ?? -1);
  });
  const atNs = at.take();
  return {
    rows: atNs.length,
    id: id.take(),
    atNs,
    stack: stack.take(),
    kernelStack: kernelStack.take(),
    byThread: groupBy(thread.take(), threads.count, atNs),
  };
}

/** Rows of the thread's samples in [startNs, endNs), by time. */
export function samplesIn(samples: Samples, thread: number, startNs: number, endNs: number): Int32Array {
  const { offsets, order } = samples.byThread;
  const to = offsets[thread + 1] ?? 0;
  const first = firstFrom(samples, offsets[thread] ?? 0, to, startNs);
  return order.subarray(first, firstFrom(samples, first, to, endNs));
}

/** First place in [from, to) of the thread's samples whose time is >= `timeNs`. */
function firstFrom({ byThread, atNs }: Samples, from: number, to: number, timeNs: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((atNs[byThread.order[middle] as number] as number) < timeNs) low = middle + 1;
    else high = middle;
  }
  return low;
}
