// How long the capture was: what an interval that never ended reaches to, and where times stop being believable.

import type { DatabaseSync } from 'node:sqlite';
import { type Defects, eachRow, integer, text } from './read.ts';

/** Longest capture that is believed where the file does not say its length: a day. */
const LONGEST_NS = 86_400e9;
/** Records that the kernel wrote while the capture was being stopped may end this much after it, without a remark. */
const LATE_NS = 1e9;

/** The end of the capture in nanoseconds since its start. */
export function captureEnd(db: DatabaseSync): number {
  const stated = metaInteger(db, 'duration_ns');
  if (stated !== undefined && stated > 0) return Math.min(stated, LONGEST_NS);
  let last = 0;
  for (const table of ['cuda_call', 'off_cpu', 'cpu_slice']) {
    const end = `min(start_ns + coalesce(max(duration_ns, 0), 0), ${LONGEST_NS})`;
    eachRow(db, `SELECT max(${end}) FROM ${table} WHERE typeof(start_ns) = 'integer'`, cells => {
      last = Math.max(last, integer(cells[0]) ?? 0);
    });
  }
  return last;
}

/** A whole number of `meta`; undefined where there is none of that name. */
export function metaInteger(db: DatabaseSync, key: 'duration_ns' | 'collector_pid'): number | undefined {
  let value: number | undefined;
  eachRow(db, `SELECT value FROM meta WHERE key = '${key}'`, cells => {
    value = integer(Number(text(cells[0]) ?? cells[0]));
  });
  return value;
}

export interface Interval {
  startNs: number;
  endNs: number;
  open: boolean;
}

/**
 * Brings a row's times, as `scan` gives them, into [0, captureEnd]. Returns false when nothing of it can be believed; then
 * it is counted. `into` is filled instead of a new object being made: this runs for every row of the trace.
 */
export function believe(
  into: Interval,
  start: number,
  duration: number,
  captureEndNs: number,
  what: string,
  defects: Defects,
): boolean {
  const open = Number.isNaN(duration);
  const length = open ? 0 : duration;
  if (!Number.isFinite(start) || !Number.isFinite(length) || length < 0) {
    defects.add(`${what} with an impossible time were left out`);
    return false;
  }
  const end = open ? captureEndNs : start + length;
  if (start < 0 || end > captureEndNs + LATE_NS)
    defects.add(`${what} that reach beyond the capture were cut`);
  into.startNs = Math.max(0, start);
  into.endNs = Math.min(end, captureEndNs);
  into.open = open;
  return into.endNs >= into.startNs;
}
