// Statistics over every event of a window, none of them estimated: CUDA calls by function, off-CPU and on-CPU time by
// thread, and how long no launch was under way. A call belongs to the window it starts in; time is clipped to it.

import type { FunctionStats, ReasonStats, Scope, ThreadStats, TraceStats } from '../api.ts';
import type { CudaFunction } from '../columns/calls.ts';
import { REASONS } from '../columns/names.ts';
import { ns, type Span } from '../time.ts';
import { believed } from './belief.ts';
import { launchGaps } from './gaps.ts';
import { overlap, rowsOf, rowsOverlapping, rowsStarting } from './overlap.ts';
import { histogram, nearestRank } from './percentiles.ts';
import type { Store } from './store.ts';

export function stats(store: Store, scope: Scope): TraceStats {
  const window = store.window(scope);
  const threads = store.indexesOf(scope);
  return {
    window,
    functions: functionStats(store, window, threads),
    threads: threadStats(store, window, threads),
    gaps: launchGaps(store, window, threads),
    belief: believed(store),
  };
}

/** Threads by their place in the columns. */
type Threads = readonly number[];

/** Runtime and driver functions each with their own calls, longest total first. */
function functionStats(store: Store, window: Span, threads: Threads): FunctionStats[] {
  const { calls, captureEndNs } = store.columns;
  const ranges = threads.map(thread =>
    rowsStarting(calls.startNs, rowsOf(calls, thread), window, captureEndNs),
  );
  const finished = new Uint32Array(calls.functions.length);
  const open = new Uint32Array(calls.functions.length);
  const failed = new Uint32Array(calls.functions.length);
  const add = (to: Uint32Array, fn: number, count: number): void => {
    to[fn] = (to[fn] as number) + count;
  };
  for (const { from, to } of ranges) {
    for (let row = from; row < to; row++) {
      const fn = calls.function[row] as number;
      add(calls.open[row] === 1 ? open : finished, fn, 1);
      add(failed, fn, calls.failed[row] as number);
    }
  }
  const durations = Array.from(finished, count => new Float64Array(count));
  const next = new Uint32Array(calls.functions.length);
  for (const { from, to } of ranges) {
    for (let row = from; row < to; row++) {
      if (calls.open[row] === 1) continue;
      const fn = calls.function[row] as number;
      const place = next[fn] as number;
      (durations[fn] as Float64Array)[place] = (calls.endNs[row] as number) - (calls.startNs[row] as number);
      next[fn] = place + 1;
    }
  }
  return durations
    .flatMap((values, fn) =>
      values.length + (open[fn] ?? 0) === 0
        ? []
        : [functionRow(calls.functions[fn], values.sort(), open[fn] ?? 0, failed[fn] ?? 0)],
    )
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
  const onCpu = onCpuByThread(store, window);
  const sum = (stats: ThreadStats) =>
    stats.offCpu.reduce((total, r) => total + r.blockedNs + r.runnableNs, 0);
  return threads
    .flatMap(index => {
      const thread = store.columns.threads.refs[index];
      if (thread === undefined) return [];
      const sums = new ReasonSums(store, window);
      eachOffCpu(store, window, [index], row => sums.add(row));
      return {
        thread,
        isTarget: store.threads.get(thread.id)?.isTarget ?? false,
        cudaCalls: outermostCalls(store, window, index),
        onCpuNs: ns(onCpu[index] ?? 0),
        offCpu: sums.take(),
      };
    })
    .filter(thread => thread.cudaCalls > 0 || thread.onCpuNs > 0 || thread.offCpu.length > 0)
    .sort((a, b) => Number(b.isTarget) - Number(a.isTarget) || sum(b) - sum(a) || a.thread.id - b.thread.id);
}

/** A runtime call and the driver call inside it are one call of the program. */
export function outermostCalls(store: Store, window: Span, thread: number): number {
  const { calls, captureEndNs } = store.columns;
  const { from, to } = rowsStarting(calls.startNs, rowsOf(calls, thread), window, captureEndNs);
  let count = 0;
  for (let row = from; row < to; row++) if (calls.parent[row] === -1) count++;
  return count;
}

function onCpuByThread(store: Store, window: Span): Float64Array {
  const { slices, threads, captureEndNs } = store.columns;
  const times = new Float64Array(threads.count);
  for (const rows of slices.byCpu.values()) {
    const { from, to } = rowsOverlapping(slices, rows, window, captureEndNs);
    for (let row = from; row < to; row++) {
      const thread = slices.thread[row] as number;
      if (thread >= 0) times[thread] = (times[thread] as number) + overlap(slices, row, window);
    }
  }
  return times;
}

/** Calls `visit` with each row of the off-CPU columns that has time inside the window. */
export function eachOffCpu(store: Store, window: Span, threads: Threads, visit: (row: number) => void): void {
  const { offCpu, captureEndNs } = store.columns;
  for (const thread of threads) {
    const { from, to } = rowsOverlapping(offCpu, rowsOf(offCpu, thread), window, captureEndNs);
    for (let row = from; row < to; row++) {
      if ((offCpu.endNs[row] as number) > window.startNs) visit(row);
    }
  }
}

/** Count and time of off-CPU intervals by reason, the time clipped to a window. */
export class ReasonSums {
  readonly #store: Store;
  readonly #window: Span;
  readonly #count = new Float64Array(REASONS.length);
  readonly #blockedNs = new Float64Array(REASONS.length);
  readonly #runnableNs = new Float64Array(REASONS.length);

  constructor(store: Store, window: Span) {
    this.#store = store;
    this.#window = window;
  }

  /** Adds a row; returns its time in the window. */
  add(row: number): number {
    const { offCpu } = this.#store.columns;
    const reason = offCpu.reason[row] as number;
    const total = overlap(offCpu, row, this.#window);
    const woken = Math.max(offCpu.wokenNs[row] as number, this.#window.startNs);
    const runnable = Math.max(0, Math.min(offCpu.endNs[row] as number, this.#window.endNs) - woken);
    this.#count[reason] = (this.#count[reason] as number) + 1;
    this.#runnableNs[reason] = (this.#runnableNs[reason] as number) + runnable;
    this.#blockedNs[reason] = (this.#blockedNs[reason] as number) + total - runnable;
    return total;
  }

  /** Longest first. */
  take(): ReasonStats[] {
    return REASONS.map((reason, code) => ({
      reason,
      count: this.#count[code] ?? 0,
      blockedNs: ns(this.#blockedNs[code] ?? 0),
      runnableNs: ns(this.#runnableNs[code] ?? 0),
    }))
      .filter(({ count }) => count > 0)
      .sort(
        (a, b) =>
          b.blockedNs + b.runnableNs - (a.blockedNs + a.runnableNs) || a.reason.localeCompare(b.reason),
      );
  }
}
