// What was asked, checked: windows, floors and limits that make sense, or a sentence that says why not.

import type { Columns } from '../columns/index.ts';
import { TraceError } from '../error.ts';
import { ns, type Span } from '../time.ts';
import { time } from './words.ts';

const DEFAULT_FLOOR_US = 1000;

/** The window within the capture; the whole capture where none is given. Throws TraceError 'bad_query'. */
export function windowOf(columns: Columns, window: Span | undefined): Span {
  const end = columns.captureEndNs;
  if (window === undefined) return { startNs: ns(0), endNs: ns(end) };
  if (!Number.isSafeInteger(window.startNs) || !Number.isSafeInteger(window.endNs)) {
    throw new TraceError(
      'bad_query',
      'A window begins and ends at whole nanoseconds since the capture began.',
    );
  }
  const startNs = ns(Math.max(0, window.startNs));
  const endNs = ns(Math.min(end, window.endNs));
  if (startNs < endNs) return { startNs, endNs };
  throw new TraceError(
    'bad_query',
    `The window from ${time(window.startNs)} to ${time(window.endNs)} holds nothing of this capture, which lasted ${time(end)}.`,
    'Give a start before its end, both within the capture.',
  );
}

/** Nanoseconds. Throws TraceError 'bad_query'. */
export function floorOf(floorUs: number = DEFAULT_FLOOR_US): number {
  if (Number.isFinite(floorUs) && floorUs >= 0) return Math.round(floorUs * 1000);
  throw new TraceError('bad_query', `floor_us is a number of microseconds, 0 or more, not ${floorUs}.`);
}

/** Throws TraceError 'bad_query'. */
export function limitOf(limit: number | undefined): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new TraceError('bad_query', `limit is a whole number, 0 or more, not ${limit}.`);
}

/** Which threads are asked about; a process is named as the host or as its container sees it. */
export function wantedBy(columns: Columns, pid: number | undefined): (thread: number) => boolean {
  if (pid === undefined) return () => true;
  return thread => {
    const process = columns.threads.processes[thread];
    return process?.pid === pid || process?.namespacePid === pid;
  };
}

/** The part of the window in which the thread lived, in nanoseconds. */
export function wallOf(columns: Columns, thread: number, startNs: number, endNs: number): number {
  const from = Math.max(startNs, columns.threads.startNs[thread] ?? 0);
  const to = Math.min(endNs, columns.threads.endNs[thread] ?? endNs);
  return Math.max(0, to - from);
}
