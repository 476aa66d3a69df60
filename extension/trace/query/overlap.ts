// Intervals against a window: which rows of sorted columns matter, and how much of one lies inside.

import { lowerBound } from '../columns/search.ts';
import type { Span } from '../time.ts';

interface Intervals {
  readonly startNs: Float64Array;
  /** -1: still open at the end of the capture. */
  readonly durationNs: Float64Array;
}

interface Rows {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Rows that start inside the window; `startNs` ascends. A window that reaches to the end of the capture takes in what
 * starts at that very moment, or was written a little later: no event is ever outside of every window.
 */
export function rowsStarting(startNs: Float64Array, window: Span, captureEnd: number): Rows {
  const first = lowerBound(startNs, window.startNs);
  return { first, end: window.endNs >= captureEnd ? startNs.length : lowerBound(startNs, window.endNs) };
}

/** Rows with time inside the window, of intervals that follow each other without overlap (the slices of one CPU). */
export function rowsOverlapping({ startNs, durationNs }: Intervals, window: Span): Rows {
  const { first, end } = rowsStarting(startNs, window, Number.POSITIVE_INFINITY);
  const before = first - 1;
  const duration = durationNs[before];
  if (duration === undefined) return { first, end };
  const reaches = duration < 0 || (startNs[before] ?? 0) + duration > window.startNs;
  return { first: reaches ? before : first, end };
}

/** Nanoseconds of one row inside the window. */
export function overlap(
  { startNs, durationNs }: Intervals,
  row: number,
  window: Span,
  captureEnd: number,
): number {
  const start = startNs[row] ?? 0;
  const duration = durationNs[row] ?? 0;
  const end = duration < 0 ? captureEnd : start + duration;
  return Math.max(0, Math.min(end, window.endNs) - Math.max(start, window.startNs));
}
