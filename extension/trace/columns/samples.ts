// CPU samples: where a thread was, at a fixed rate, while it ran. Sorted by thread and time.

import type { DatabaseSync } from 'node:sqlite';
import { scan } from '../pages/scan.ts';
import { doubles, type Groups, Growing, GrowingIds, groupBy, type Ids, idOf, integers } from './rows.ts';
import type { Threads } from './threads.ts';

export interface Samples {
  readonly rows: number;
  readonly id: Ids;
  readonly atNs: Float64Array;
  /** stack.id; -1 = none. */
  readonly stack: Ids;
  readonly kernelStack: Ids;
  readonly byThread: Groups;
}

export function loadSamples(db: DatabaseSync, threads: Threads): Samples {
  const id = new GrowingIds();
  const thread = new Growing(integers);
  const at = new Growing(doubles);
  const stack = new GrowingIds();
  const kernelStack = new GrowingIds();
  const columns = ['id', 'thread_id', 'at_ns', 'stack_id', 'kernel_stack_id'];
  scan(db, { table: 'cpu_sample', columns }, cells => {
    const owner = threads.indexOf(cells[1] as number);
    const atNs = cells[2] as number;
    if (owner < 0 || !Number.isFinite(atNs)) return;
    id.push(idOf(cells[0]));
    thread.push(owner);
    at.push(atNs);
    stack.push(idOf(cells[3]));
    kernelStack.push(idOf(cells[4]));
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
