// Statistics over every event of a window, none of them estimated: CUDA calls by function, off-CPU and on-CPU time by
// thread, and how long no launch was under way. A call belongs to the window it starts in; time is clipped to it.

import type { FunctionStats, ReasonStats, Scope, ThreadStats, TraceStats } from '../api.ts';
import { ns, type Span } from '../time.ts';
import { belief } from './belief.ts';
import { launchGaps } from './gaps.ts';
import { overlap, rowsOverlapping, rowsStarting } from './overlap.ts';
import { histogram, nearestRank } from './percentiles.ts';
import type { CudaFunction, Store } from './store.ts';

export function stats(store: Store, scope: Scope): TraceStats {
  const window = store.window(scope);
  const threads = store.threadsOf(scope);
  return {
    window,
    functions: functionStats(store, window, threads),
    threads: threadStats(store, window, threads),
    gaps: launchGaps(store, window, threads),
    belief: belief(store),
  };
}

type Threads = ReadonlySet<number> | undefined;

/** Runtime and driver functions each with their own calls, longest total first. */
function functionStats(store: Store, window: Span, threads: Threads): FunctionStats[] {
  const { calls } = store;
  const { first, end } = rowsStarting(calls.startNs, window, store.durationNs);
  const wanted = (row: number) => threads === undefined || threads.has(calls.thread[row] ?? -1);
  const counts = new Map<number, { finished: number; open: number; failed: number }>();
  for (let row = first; row < end; row++) {
    if (!wanted(row)) continue;
    const fn = calls.function[row] ?? -1;
    let count = counts.get(fn);
    if (count === undefined) {
      count = { finished: 0, open: 0, failed: 0 };
      counts.set(fn, count);
    }
    if ((calls.durationNs[row] ?? -1) < 0) count.open++;
    else count.finished++;
    if (calls.failed[row] === 1) count.failed++;
  }
  const durations = new Map(
    [...counts].map(([fn, { finished }]) => [fn, { values: new Float64Array(finished), next: 0 }]),
  );
  for (let row = first; row < end; row++) {
    const duration = calls.durationNs[row] ?? -1;
    const list = duration < 0 || !wanted(row) ? undefined : durations.get(calls.function[row] ?? -1);
    if (list !== undefined) list.values[list.next++] = duration;
  }
  return [...durations]
    .map(([fn, { values }]) => {
      const { open, failed } = counts.get(fn) ?? { open: 0, failed: 0 };
      return functionRow(store.functions.get(fn), values.sort(), open, failed);
    })
    .sort((a, b) => b.totalNs - a.totalNs || a.function.localeCompare(b.function));
}

function functionRow(
  fn: CudaFunction | undefined,
  sorted: Float64Array,
  open: number,
  failed: number,
): FunctionStats {
  const at = (p: number) => ns(nearestRank(sorted, p));
  return {
    function: fn?.name ?? '?',
    library: fn?.library ?? 'other',
    category: fn?.category ?? 'other',
    count: sorted.length,
    open,
    failed,
    totalNs: ns(sorted.reduce((sum, value) => sum + value, 0)),
    minNs: ns(sorted[0] ?? 0),
    p50Ns: at(0.5),
    p95Ns: at(0.95),
    p99Ns: at(0.99),
    p999Ns: at(0.999),
    maxNs: ns(sorted.at(-1) ?? 0),
    histogram: histogram(sorted),
  };
}

/** Every thread with anything in the window; targets first, then by time off the CPU. */
function threadStats(store: Store, window: Span, threads: Threads): ThreadStats[] {
  const made = callsByThread(store, window);
  const onCpu = onCpuByThread(store, window);
  const off = offCpuByThread(store, window, threads);
  const sum = (stats: ThreadStats) =>
    stats.offCpu.reduce((total, r) => total + r.blockedNs + r.runnableNs, 0);
  return [...store.threads.values()]
    .filter(({ ref }) => threads === undefined || threads.has(ref.id))
    .map(({ ref, isTarget }) => ({
      thread: ref,
      isTarget,
      cudaCalls: made.get(ref.id) ?? 0,
      onCpuNs: ns(onCpu.get(ref.id) ?? 0),
      offCpu: off.get(ref.id) ?? [],
    }))
    .filter(thread => thread.cudaCalls > 0 || thread.onCpuNs > 0 || thread.offCpu.length > 0)
    .sort((a, b) => Number(b.isTarget) - Number(a.isTarget) || sum(b) - sum(a) || a.thread.id - b.thread.id);
}

/** Outermost calls only: a runtime call and the driver call inside it are one call of the program. */
function callsByThread(store: Store, window: Span): ReadonlyMap<number, number> {
  const { calls } = store;
  const counts = new Map<number, number>();
  const { first, end } = rowsStarting(calls.startNs, window, store.durationNs);
  for (let row = first; row < end; row++) {
    if (calls.parentRow[row] !== -1) continue;
    const thread = calls.thread[row] ?? -1;
    counts.set(thread, (counts.get(thread) ?? 0) + 1);
  }
  return counts;
}

function onCpuByThread(store: Store, window: Span): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  const captureEnd = store.durationNs;
  for (const slices of store.slices.values()) {
    const { first, end } = rowsOverlapping(slices, window);
    for (let row = first; row < end; row++) {
      const thread = slices.thread[row] ?? -1;
      times.set(thread, (times.get(thread) ?? 0) + overlap(slices, row, window, captureEnd));
    }
  }
  return times;
}

function offCpuByThread(store: Store, window: Span, threads: Threads): ReadonlyMap<number, ReasonStats[]> {
  const byThread = new Map<number, ReasonSums>();
  eachOffCpu(store, window, threads, row => {
    const thread = store.offCpu.thread[row] ?? -1;
    let sums = byThread.get(thread);
    if (sums === undefined) {
      sums = new ReasonSums(store, window);
      byThread.set(thread, sums);
    }
    sums.add(row);
  });
  return new Map([...byThread].map(([thread, sums]) => [thread, sums.take()]));
}

/** Calls `visit` with each row of the off-CPU columns that has time inside the window. */
export function eachOffCpu(store: Store, window: Span, threads: Threads, visit: (row: number) => void): void {
  const { offCpu, durationNs } = store;
  const { end } = rowsStarting(offCpu.startNs, window, durationNs);
  for (let row = 0; row < end; row++) {
    if (threads !== undefined && !threads.has(offCpu.thread[row] ?? -1)) continue;
    const start = offCpu.startNs[row] ?? 0;
    const length = offCpu.durationNs[row] ?? -1;
    if ((length < 0 ? durationNs : start + length) > window.startNs) visit(row);
  }
}

/** Count and time of off-CPU intervals by reason, the time clipped to a window. */
export class ReasonSums {
  readonly #store: Store;
  readonly #window: Span;
  readonly #sums = new Map<number, { count: number; blocked: number; runnable: number }>();

  constructor(store: Store, window: Span) {
    this.#store = store;
    this.#window = window;
  }

  /** Adds a row; returns its time in the window. */
  add(row: number): number {
    const { offCpu, durationNs: captureEnd } = this.#store;
    const reason = offCpu.reason[row] ?? -1;
    let sum = this.#sums.get(reason);
    if (sum === undefined) {
      sum = { count: 0, blocked: 0, runnable: 0 };
      this.#sums.set(reason, sum);
    }
    const total = overlap(offCpu, row, this.#window, captureEnd);
    const tail = runnableTail(this.#store, row);
    const runnable =
      tail === undefined
        ? 0
        : Math.max(
            0,
            Math.min(tail.endNs, this.#window.endNs) - Math.max(tail.startNs, this.#window.startNs),
          );
    sum.count++;
    sum.runnable += runnable;
    sum.blocked += total - runnable;
    return total;
  }

  /** Longest first. */
  take(): ReasonStats[] {
    return [...this.#sums]
      .map(([reason, { count, blocked, runnable }]) => ({
        reason: this.#store.names.get(reason) ?? '?',
        count,
        blockedNs: ns(blocked),
        runnableNs: ns(runnable),
      }))
      .sort(
        (a, b) =>
          b.blockedNs + b.runnableNs - (a.blockedNs + a.runnableNs) || a.reason.localeCompare(b.reason),
      );
  }
}

/** The last part of an off-CPU interval, in which the thread waited for a CPU; undefined where none was observed. */
export function runnableTail(store: Store, row: number): Span | undefined {
  const { offCpu } = store;
  const runnable = offCpu.runnableNs[row] ?? -1;
  const duration = offCpu.durationNs[row] ?? -1;
  if (runnable <= 0 || duration < 0) return undefined;
  const end = (offCpu.startNs[row] ?? 0) + duration;
  return { startNs: ns(end - Math.min(runnable, duration)), endNs: ns(end) };
}
