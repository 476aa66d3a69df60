// A claim of another tool, read again: of the calls that it blames, how much did their own thread spend off the CPU?
//
// "34 context switches near a slow call" counts what happened anywhere in the same seconds. What counts here is overlap:
// the time of the blamed calls that switches of the very same thread cover, and how much of it lies where the file
// holds no switch of that thread at all, so that nothing can be said.

import type { ClaimReading, RowRef } from '../api.ts';
import { lowerBound, upperBound } from '../columns/search.ts';
import { ns } from '../time.ts';
import { rowsOf } from './overlap.ts';
import { nearestRank } from './percentiles.ts';
import type { Store } from './store.ts';

/** How far back from a claim its calls are looked for. */
const BACK_NS = 10e9;
/** A call is blamed when it took longer than this many medians. */
const SLOW = 3;
const EVIDENCE = 20;

interface Asked {
  readonly atNs: number;
  /** Index into the columns' functions. */
  readonly fn: number;
  /** For messages. */
  readonly operation: string;
  /** Of the host that the claim is about, by their place in the columns. */
  readonly threads: readonly number[];
}

export function reread(store: Store, asked: Asked): ClaimReading {
  const { calls } = store.columns;
  const rows = callsBefore(store, asked);
  if (rows.length === 0) return cannot(`the file holds no call of ${asked.operation} in the 10 s before it`);
  const took = (row: number): number => (calls.endNs[row] as number) - (calls.startNs[row] as number);
  const median = nearestRank(Float64Array.from(rows, took).sort(), 0.5);
  const blamed = rows.filter(row => took(row) > SLOW * median);
  let blamedNs = 0;
  let offCpuNs = 0;
  let unwatchedNs = 0;
  for (const row of blamed) {
    const seen = switchesIn(store, row);
    blamedNs += took(row);
    offCpuNs += seen.offCpuNs;
    unwatchedNs += took(row) - seen.watchedNs;
  }
  const evidence = blamed
    .slice(0, EVIDENCE)
    .map((row): RowRef => ({ table: 'cuda_call', id: calls.id[row] as number }));
  return {
    verdict: 'read',
    calls: rows.length,
    medianNs: ns(median),
    blamed: blamed.length,
    blamedNs: ns(blamedNs),
    offCpuNs: ns(offCpuNs),
    share: blamedNs === 0 ? 0 : offCpuNs / blamedNs,
    unwatchedNs: ns(unwatchedNs),
    rows: evidence,
  };
}

export const cannot = (why: string): ClaimReading => ({ verdict: 'cannot_check', why });

/** Finished calls of the function that began in the 10 s before. */
function callsBefore(store: Store, { atNs, fn, threads }: Asked): number[] {
  const { calls } = store.columns;
  const found: number[] = [];
  for (const thread of threads) {
    const { from, to } = rowsOf(calls, thread);
    const end = lowerBound(calls.startNs, atNs, from, to);
    for (let row = lowerBound(calls.startNs, atNs - BACK_NS, from, end); row < end; row++) {
      if (calls.function[row] === fn && calls.open[row] === 0) found.push(row);
    }
  }
  return found;
}

/**
 * What switches of the same thread say of a call: the time that they cover, and how much of it lies between the first and
 * the last of them that the file holds. Intervals of one thread do not overlap (columns/off-cpu.ts).
 */
function switchesIn(store: Store, call: number): { readonly offCpuNs: number; readonly watchedNs: number } {
  const { calls, offCpu } = store.columns;
  const [startNs, endNs] = [calls.startNs[call] as number, calls.endNs[call] as number];
  const { from, to } = rowsOf(offCpu, calls.thread[call] as number);
  if (from === to) return { offCpuNs: 0, watchedNs: 0 };
  const inside = (first: number, last: number): number =>
    Math.max(0, Math.min(endNs, last) - Math.max(startNs, first));
  let offCpuNs = 0;
  for (let row = Math.max(from, upperBound(offCpu.startNs, startNs, from, to) - 1); row < to; row++) {
    const first = offCpu.startNs[row] as number;
    if (first >= endNs) break;
    offCpuNs += inside(first, offCpu.endNs[row] as number);
  }
  return { offCpuNs, watchedNs: inside(offCpu.startNs[from] as number, offCpu.endNs[to - 1] as number) };
}
