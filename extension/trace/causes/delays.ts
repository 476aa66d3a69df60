// Which delays are worth explaining: slow calls, slow gaps between calls, and sums of calls that are short but many
// (causes.md, "What is a delay"). Only the outermost call counts: a runtime call and the driver call inside it are one.

import type { Columns } from '../columns/index.ts';
import { wallOf } from './query.ts';
import { type Threshold, threshold } from './statistics.ts';

export interface Delay {
  readonly kind: 'slow_call' | 'slow_gap';
  readonly thread: number;
  /** The slow call; for a gap, the call that came late. */
  readonly call: number;
  /** Clipped to the window. */
  readonly startNs: number;
  readonly endNs: number;
  readonly comparedWith: Threshold['comparedWith'];
}

/** Calls of one function and call site that take much of a thread's time though they are not slow. */
export interface Sum {
  readonly thread: number;
  readonly function: number;
  readonly callSite: number;
  readonly count: number;
  readonly timeNs: number;
  /** Rows of those that took about the mean, at most three: one that was preempted says nothing of the others. */
  readonly typical: readonly number[];
}

export interface Delays {
  /** In order of time. */
  readonly delays: readonly Delay[];
  readonly sums: readonly Sum[];
  /** Threads that issue CUDA work in the window. */
  readonly threads: readonly number[];
}

/** Share of its thread's time in the window that a sum must take to be told. */
const SUM_SHARE = 0.1;

export function findDelays(
  columns: Columns,
  startNs: number,
  endNs: number,
  floorNs: number,
  wanted: (thread: number) => boolean,
  gapsAreKnown = true,
): Delays {
  const { calls, threads } = columns;
  const usual = callThresholds(columns, floorNs);
  const delays: Delay[] = [];
  const sums: Sum[] = [];
  const busy: number[] = [];
  for (let thread = 0; thread < threads.count; thread++) {
    const outer = outermost(columns, thread);
    if (outer.length === 0 || !wanted(thread)) continue;
    const gapThreshold = threshold(gapsOf(columns, outer), floorNs);
    const tallies = new Map<number, Tally>();
    let seen = false;
    for (let i = firstIn(columns, outer, startNs); i < outer.length; i++) {
      const call = outer[i] as number;
      const from = calls.startNs[call] as number;
      const to = calls.endNs[call] as number;
      const gapFrom = i === 0 ? from : (calls.endNs[outer[i - 1] as number] as number);
      if (gapFrom >= endNs) break;
      // An open call has no end to come after; the gap before it is whole.
      if (gapsAreKnown && from - gapFrom > gapThreshold.aboveNs) {
        clip(delays, 'slow_gap', thread, call, gapFrom, from, startNs, endNs, gapThreshold.comparedWith);
      }
      if (from >= endNs || to <= startNs) continue;
      seen = true;
      const limit = usual.get(kindOfCall(columns, call));
      const slow = limit !== undefined && to - from > limit.aboveNs;
      if (slow) clip(delays, 'slow_call', thread, call, from, to, startNs, endNs, limit.comparedWith);
      else tally(tallies, columns, call, Math.min(to, endNs) - Math.max(from, startNs));
    }
    if (seen) busy.push(thread);
    sums.push(...large(tallies, thread, columns, wallOf(columns, thread, startNs, endNs) * SUM_SHARE));
  }
  delays.sort((a, b) => a.startNs - b.startNs || a.thread - b.thread || a.call - b.call);
  return { delays, sums, threads: busy };
}

/** Rows of the thread's outermost calls, by time. */
export function outermost(columns: Columns, thread: number): Int32Array {
  const { calls } = columns;
  const from = calls.offsets[thread] ?? 0;
  const to = calls.offsets[thread + 1] ?? 0;
  let count = 0;
  for (let row = from; row < to; row++) if (calls.parent[row] === -1) count++;
  const rows = new Int32Array(count);
  let next = 0;
  for (let row = from; row < to; row++) if (calls.parent[row] === -1) rows[next++] = row;
  return rows;
}

/** Index of the first outermost call that ends after `startNs`. */
function firstIn(columns: Columns, outer: Int32Array, startNs: number): number {
  let low = 0;
  let high = outer.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((columns.calls.startNs[outer[middle] as number] as number) < startNs) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** From the end of one call to the start of the next. */
function gapsOf(columns: Columns, outer: Int32Array): Float64Array {
  const { startNs, endNs } = columns.calls;
  const gaps = new Float64Array(Math.max(0, outer.length - 1));
  for (let i = 1; i < outer.length; i++) {
    gaps[i - 1] = Math.max(
      0,
      (startNs[outer[i] as number] as number) - (endNs[outer[i - 1] as number] as number),
    );
  }
  return gaps;
}

/** One kind of call: the same function in the same process. */
export function kindOfCall(columns: Columns, call: number): number {
  const { calls, threads } = columns;
  const process = threads.processes[calls.thread[call] as number]?.id ?? -1;
  return process * calls.functions.length + (calls.function[call] as number);
}

/** What is slow for each kind of call, by its finished outermost calls over the whole trace. */
export function callThresholds(columns: Columns, floorNs: number): ReadonlyMap<number, Threshold> {
  const { calls } = columns;
  const counts = new Map<number, number>();
  const each = (visit: (kind: number, row: number) => void): void => {
    for (let row = 0; row < calls.rows; row++) {
      if (calls.parent[row] === -1) visit(kindOfCall(columns, row), row);
    }
  };
  // A kind whose only calls never ended has its threshold too: that of none.
  each((kind, row) => counts.set(kind, (counts.get(kind) ?? 0) + (calls.open[row] === 0 ? 1 : 0)));
  const kinds = new Map(
    [...counts].map(([kind, count]) => [kind, { durations: new Float64Array(count), next: 0 }]),
  );
  each((kind, row) => {
    const of = calls.open[row] === 0 ? kinds.get(kind) : undefined;
    if (of !== undefined)
      of.durations[of.next++] = (calls.endNs[row] as number) - (calls.startNs[row] as number);
  });
  return new Map([...kinds].map(([kind, { durations }]) => [kind, threshold(durations, floorNs)]));
}

function clip(
  into: Delay[],
  kind: Delay['kind'],
  thread: number,
  call: number,
  fromNs: number,
  toNs: number,
  windowStartNs: number,
  windowEndNs: number,
  comparedWith: Threshold['comparedWith'],
): void {
  const startNs = Math.max(fromNs, windowStartNs);
  const endNs = Math.min(toNs, windowEndNs);
  if (endNs > startNs) into.push({ kind, thread, call, startNs, endNs, comparedWith });
}

interface Tally {
  readonly calls: number[];
  timeNs: number;
}

function tally(tallies: Map<number, Tally>, columns: Columns, call: number, timeNs: number): void {
  const { calls } = columns;
  const key = (calls.callSite[call] as number) * calls.functions.length + (calls.function[call] as number);
  const sum = tallies.get(key);
  if (sum === undefined) {
    tallies.set(key, { calls: [call], timeNs });
    return;
  }
  sum.calls.push(call);
  sum.timeNs += timeNs;
}

function large(
  tallies: ReadonlyMap<number, Tally>,
  thread: number,
  columns: Columns,
  leastNs: number,
): Sum[] {
  const sums: Sum[] = [];
  for (const { calls, timeNs } of tallies.values()) {
    const typical = nearest(columns, calls, timeNs / calls.length);
    const [example] = typical;
    if (timeNs < leastNs || timeNs <= 0 || example === undefined) continue;
    sums.push({
      thread,
      function: columns.calls.function[example] ?? 0,
      callSite: columns.calls.callSite[example] ?? -1,
      count: calls.length,
      timeNs,
      typical,
    });
  }
  return sums;
}

const EXAMPLES = 3;

function nearest(columns: Columns, calls: readonly number[], lengthNs: number): readonly number[] {
  const { startNs, endNs } = columns.calls;
  const away = (call: number): number =>
    Math.abs((endNs[call] as number) - (startNs[call] as number) - lengthNs);
  let found: readonly number[] = [];
  for (const call of calls) {
    const last = found[EXAMPLES - 1];
    if (last !== undefined && away(call) >= away(last)) continue;
    found = [...found, call].sort((a, b) => away(a) - away(b) || a - b).slice(0, EXAMPLES);
  }
  return found;
}
