// Cuts a thread's time at its state changes. The pieces lie end to end and cover the interval exactly.
//
// A thread is off the CPU where off_cpu says so. That it ran in between is believed where a CPU slice of its own says
// so: before its first event, and where events were lost, it was simply not seen.

import type { Columns } from '../columns/index.ts';
import { upperBound } from '../columns/search.ts';

export interface Piece {
  readonly kind: 'running' | 'runnable' | 'blocked' | 'unseen';
  readonly startNs: number;
  readonly endNs: number;
  /** runnable, blocked: row of off_cpu; running: row of cpu_slice, or -1. */
  readonly row: number;
}

/** One by one, in order of time. */
export function* cut(columns: Columns, thread: number, startNs: number, endNs: number): Generator<Piece> {
  const { offCpu } = columns;
  const from = offCpu.offsets[thread] ?? 0;
  const to = offCpu.offsets[thread + 1] ?? 0;
  let cursor = startNs;
  for (
    let row = Math.max(from, upperBound(offCpu.startNs, startNs, from, to) - 1);
    row < to && cursor < endNs;
    row++
  ) {
    const offNs = offCpu.startNs[row] as number;
    if (offNs >= endNs) break;
    if (offNs > cursor) {
      yield* onCpu(columns, thread, cursor, offNs);
      cursor = offNs;
    }
    const wokenNs = Math.min(endNs, offCpu.wokenNs[row] as number);
    if (wokenNs > cursor) {
      yield { kind: 'blocked', startNs: cursor, endNs: wokenNs, row };
      cursor = wokenNs;
    }
    const ranNs = Math.min(endNs, offCpu.endNs[row] as number);
    if (ranNs > cursor) {
      yield { kind: 'runnable', startNs: cursor, endNs: ranNs, row };
      cursor = ranNs;
    }
  }
  if (cursor < endNs) yield* onCpu(columns, thread, cursor, endNs);
}

/** Splits time that off_cpu does not cover into running and not seen, by the thread's own slices. */
function* onCpu(columns: Columns, thread: number, startNs: number, endNs: number): Generator<Piece> {
  const { slices, doubts } = columns;
  if (slices.rows === 0) {
    // Nobody's slices were recorded: off_cpu alone speaks, and where events were lost it does not.
    const kind = doubts.scheduler.overlap(startNs, endNs) ? 'unseen' : 'running';
    yield { kind, startNs, endNs, row: -1 };
    return;
  }
  const { offsets, order } = slices.byThread;
  const to = offsets[thread + 1] ?? 0;
  let cursor = startNs;
  let running: Piece | undefined;
  for (let place = firstEndingAfter(columns, thread, startNs); place < to && cursor < endNs; place++) {
    const row = order[place] as number;
    const begin = slices.startNs[row] as number;
    if (begin >= endNs) break;
    if (begin > cursor) {
      if (running !== undefined) yield running;
      running = undefined;
      yield { kind: 'unseen', startNs: cursor, endNs: begin, row: -1 };
      cursor = begin;
    }
    const until = Math.min(endNs, slices.endNs[row] as number);
    if (until <= cursor) continue;
    // Two slices end to end are one stretch of running.
    running =
      running === undefined
        ? { kind: 'running', startNs: cursor, endNs: until, row }
        : { ...running, endNs: until };
    cursor = until;
  }
  if (running !== undefined) yield running;
  if (cursor < endNs) yield { kind: 'unseen', startNs: cursor, endNs, row: -1 };
}

/** Place in slices.byThread.order of the thread's first slice that ends after `timeNs`, or of one just before. */
function firstEndingAfter(columns: Columns, thread: number, timeNs: number): number {
  const { slices } = columns;
  const { offsets, order } = slices.byThread;
  const from = offsets[thread] ?? 0;
  let low = from;
  let high = offsets[thread + 1] ?? 0;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((slices.startNs[order[middle] as number] as number) <= timeNs) low = middle + 1;
    else high = middle;
  }
  return Math.max(from, low - 1);
}
