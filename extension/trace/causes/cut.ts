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

export function cut(columns: Columns, thread: number, startNs: number, endNs: number): readonly Piece[] {
  const { offCpu } = columns;
  const from = offCpu.offsets[thread] ?? 0;
  const to = offCpu.offsets[thread + 1] ?? 0;
  const pieces: Piece[] = [];
  let cursor = startNs;
  for (
    let row = Math.max(from, upperBound(offCpu.startNs, startNs, from, to) - 1);
    row < to && cursor < endNs;
    row++
  ) {
    const offNs = offCpu.startNs[row] as number;
    if (offNs >= endNs) break;
    if (offNs > cursor) {
      onCpu(columns, thread, cursor, offNs, pieces);
      cursor = offNs;
    }
    cursor = add(pieces, 'blocked', cursor, Math.min(endNs, offCpu.wokenNs[row] as number), row);
    cursor = add(pieces, 'runnable', cursor, Math.min(endNs, offCpu.endNs[row] as number), row);
  }
  if (cursor < endNs) onCpu(columns, thread, cursor, endNs, pieces);
  return pieces;
}

function add(pieces: Piece[], kind: Piece['kind'], startNs: number, endNs: number, row: number): number {
  if (endNs <= startNs) return startNs;
  const last = pieces[pieces.length - 1];
  // Two slices end to end are one stretch of running.
  if (kind === 'running' && last?.kind === 'running' && last.endNs === startNs) {
    pieces[pieces.length - 1] = { ...last, endNs };
    return endNs;
  }
  pieces.push({ kind, startNs, endNs, row });
  return endNs;
}

/** Splits time that off_cpu does not cover into running and not seen, by the thread's own slices. */
function onCpu(columns: Columns, thread: number, startNs: number, endNs: number, pieces: Piece[]): void {
  const { slices, doubts } = columns;
  if (slices.rows === 0) {
    // Nobody's slices were recorded: off_cpu alone speaks, and where events were lost it does not.
    add(pieces, doubts.scheduler.overlap(startNs, endNs) ? 'unseen' : 'running', startNs, endNs, -1);
    return;
  }
  const { offsets, order } = slices.byThread;
  const to = offsets[thread + 1] ?? 0;
  let cursor = startNs;
  for (let place = firstEndingAfter(columns, thread, startNs); place < to && cursor < endNs; place++) {
    const row = order[place] as number;
    const begin = slices.startNs[row] as number;
    if (begin >= endNs) break;
    cursor = add(pieces, 'unseen', cursor, begin, -1);
    cursor = add(pieces, 'running', cursor, Math.min(endNs, slices.endNs[row] as number), row);
  }
  add(pieces, 'unseen', cursor, endNs, -1);
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
