// Intervals against a window: which rows of sorted columns matter, and how much of one lies inside.

import { lowerBound } from '../columns/search.ts';
import type { Span } from '../time.ts';

interface Intervals {
  readonly startNs: Float64Array;
  readonly endNs: Float64Array;
}

/** Rows from `from` up to, not including, `to`. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/**
 * Those of `rows` that start inside the window; `startNs` ascends among them. A window that reaches to the end of the
 * capture takes in what starts at that very moment: no event is ever outside of every window.
 */
export function rowsStarting(startNs: Float64Array, rows: Rows, window: Span, captureEndNs: number): Rows {
  const from = lowerBound(startNs, window.startNs, rows.from, rows.to);
  return {
    from,
    to: window.endNs >= captureEndNs ? rows.to : lowerBound(startNs, window.endNs, from, rows.to),
  };
}

/** Those with time inside the window, of intervals that follow each other without overlap. */
export function rowsOverlapping(
  { startNs, endNs }: Intervals,
  rows: Rows,
  window: Span,
  captureEndNs: number,
): Rows {
  const { from, to } = rowsStarting(startNs, rows, window, captureEndNs);
  const before = from - 1;
  return { from: before >= rows.from && (endNs[before] as number) > window.startNs ? before : from, to };
}

/** Nanoseconds of one row inside the window. */
export function overlap({ startNs, endNs }: Intervals, row: number, window: Span): number {
  const from = Math.max(startNs[row] as number, window.startNs);
  return Math.max(0, Math.min(endNs[row] as number, window.endNs) - from);
}

/** Rows of a thread in columns that are sorted by thread. */
export const rowsOf = ({ offsets }: { readonly offsets: Int32Array }, thread: number): Rows => ({
  from: offsets[thread] ?? 0,
  to: offsets[thread + 1] ?? 0,
});
